//! The entry points that glibc calls.
//!
//! Each turns its pointers into safe types, has the question answered, and writes the answer
//! where glibc looks for it. What they must do is in `docs/nss.md`; the callers are
//! `getXXbyYY_r` and `getaddrinfo` in glibc's nss/ folder.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::slice;

use hosts::{Address, Family, Question};

use crate::abi::{self, gaih_addrtuple, hostent, nss_status};
use crate::cursor;
use crate::lookup;
use crate::outcome::{Failure, report};
use crate::pack::{self, Buffer, PackedHost, PackedTuples};

/// How often a crowd of enumerating callers may get ahead of this one.
const MAX_LOST_RACES: u32 = 64;

/// The caller's buffer as a slice.
///
/// # Safety
///
/// `buffer` is valid for writes of `len` bytes and nobody else uses them until the call returns.
unsafe fn caller_buffer<'a>(buffer: *mut c_char, len: usize) -> Buffer<'a> {
    // No object is larger than isize::MAX; a caller who says so has less.
    let len = isize::try_from(len).map_or(0, isize::unsigned_abs);
    if buffer.is_null() || len == 0 {
        return Buffer {
            bytes: &mut [],
            base: 0,
        };
    }
    // SAFETY: valid and ours alone, by contract. The bytes come from another language, so they
    // count as initialized; they are only ever written.
    let bytes = unsafe { slice::from_raw_parts_mut(buffer.cast::<u8>(), len) };
    Buffer {
        bytes,
        base: buffer.expose_provenance(),
    }
}

/// Writes the answer into `*result`.
///
/// # Safety
///
/// `result` is valid for writes, and `packed` was packed into `buffer`.
unsafe fn deliver(packed: PackedHost, result: *mut hostent, buffer: *mut c_char) {
    let (h_addrtype, h_length) = if packed.v6 {
        (libc::AF_INET6, 16)
    } else {
        (libc::AF_INET, 4)
    };
    let host = hostent {
        h_name: buffer.wrapping_add(packed.name),
        h_aliases: buffer.wrapping_add(packed.aliases).cast(),
        h_addrtype,
        h_length,
        h_addr_list: buffer.wrapping_add(packed.addresses).cast(),
    };
    // SAFETY: valid for writes, by contract.
    unsafe { result.write(host) };
}

/// Answers a question by name.
///
/// # Safety
///
/// As for [`_nss_workaround_gethostbyname3_r`].
unsafe fn by_name(
    name: *const c_char,
    af: c_int,
    result: *mut hostent,
    buffer: *mut c_char,
    buflen: usize,
) -> Result<PackedHost, Failure> {
    let family = match af {
        libc::AF_INET => Family::V4,
        libc::AF_INET6 => Family::V6,
        _ => return Err(Failure::Family),
    };
    // SAFETY: a C string, by contract.
    let name = unsafe { CStr::from_ptr(name) };
    // SAFETY: valid and unused, by contract.
    let mut space = unsafe { caller_buffer(buffer, buflen) };
    let name = name.to_bytes();
    let question = Question::Name(name, family);
    let packed = lookup::ask(question, |hosts| {
        pack::host_by_name(hosts, name, family, &mut space)
    })?;
    // SAFETY: valid for writes, by contract; packed into this buffer just now.
    unsafe { deliver(packed, result, buffer) };
    Ok(packed)
}

/// Looks `name` up as IPv4.
///
/// # Safety
///
/// As for [`_nss_workaround_gethostbyname3_r`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn _nss_workaround_gethostbyname_r(
    name: *const c_char,
    result: *mut hostent,
    buffer: *mut c_char,
    buflen: usize,
    errnop: *mut c_int,
    h_errnop: *mut c_int,
) -> nss_status {
    // SAFETY: handed on as they came.
    let outcome = unsafe { by_name(name, libc::AF_INET, result, buffer, buflen) };
    // SAFETY: valid for writes, by contract.
    unsafe { report(outcome.map(drop), errnop, h_errnop) }
}

/// Looks `name` up in one address family.
///
/// # Safety
///
/// As for [`_nss_workaround_gethostbyname3_r`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn _nss_workaround_gethostbyname2_r(
    name: *const c_char,
    af: c_int,
    result: *mut hostent,
    buffer: *mut c_char,
    buflen: usize,
    errnop: *mut c_int,
    h_errnop: *mut c_int,
) -> nss_status {
    // SAFETY: handed on as they came.
    let outcome = unsafe { by_name(name, af, result, buffer, buflen) };
    // SAFETY: valid for writes, by contract.
    unsafe { report(outcome.map(drop), errnop, h_errnop) }
}

/// Looks `name` up in one address family, and tells the canonical name. `*ttlp` is left alone.
///
/// # Safety
///
/// `name` is a C string; `result`, `errnop` and `h_errnop` are valid for writes, `canonp` too
/// unless it is NULL; `buffer` is valid for writes of `buflen` bytes that nobody else uses during
/// the call. Alignment of `buffer` and its length are free.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn _nss_workaround_gethostbyname3_r(
    name: *const c_char,
    af: c_int,
    result: *mut hostent,
    buffer: *mut c_char,
    buflen: usize,
    errnop: *mut c_int,
    h_errnop: *mut c_int,
    _ttlp: *mut i32,
    canonp: *mut *mut c_char,
) -> nss_status {
    // SAFETY: handed on as they came.
    let outcome = unsafe { by_name(name, af, result, buffer, buflen) };
    if let (Ok(packed), false) = (outcome, canonp.is_null()) {
        // SAFETY: valid for writes, by contract.
        unsafe { canonp.write(buffer.wrapping_add(packed.name)) };
    }
    // SAFETY: valid for writes, by contract.
    unsafe { report(outcome.map(drop), errnop, h_errnop) }
}

/// Looks `name` up in both families at once, for `getaddrinfo`. `*ttlp` is left alone.
///
/// # Safety
///
/// As for [`_nss_workaround_gethostbyname3_r`]; `pat` is valid for reads and writes, and `*pat`
/// is NULL (glibc 2.36 and later) or points to a tuple to be filled first (before, and nscd).
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn _nss_workaround_gethostbyname4_r(
    name: *const c_char,
    pat: *mut *mut gaih_addrtuple,
    buffer: *mut c_char,
    buflen: usize,
    errnop: *mut c_int,
    h_errnop: *mut c_int,
    _ttlp: *mut i32,
) -> nss_status {
    // SAFETY: a C string, by contract.
    let name = unsafe { CStr::from_ptr(name) };
    // SAFETY: valid for reads, by contract.
    let given = unsafe { pat.read() };
    // SAFETY: valid and unused, by contract.
    let mut space = unsafe { caller_buffer(buffer, buflen) };
    let name = name.to_bytes();
    let question = Question::Name(name, Family::Any);
    let outcome = lookup::ask(question, |hosts| {
        pack::tuples(hosts, name, !given.is_null(), &mut space)
    });
    if let Ok(packed) = outcome {
        // SAFETY: `pat` and, unless NULL, `given` are valid for writes, by contract; packed into
        // this buffer just now.
        unsafe { deliver_tuples(packed, given, pat, buffer) };
    }
    // SAFETY: valid for writes, by contract.
    unsafe { report(outcome.map(drop), errnop, h_errnop) }
}

/// Writes the first tuple, and `*pat` where it lies in the buffer.
///
/// # Safety
///
/// `pat` is valid for writes, and so is `given` unless `packed` says that the first tuple lies in
/// `buffer`, into which it was packed.
unsafe fn deliver_tuples(
    packed: PackedTuples,
    given: *mut gaih_addrtuple,
    pat: *mut *mut gaih_addrtuple,
    buffer: *mut c_char,
) {
    #[expect(
        clippy::cast_ptr_alignment,
        reason = "packed with the alignment of pointers"
    )]
    let tuple_at = |offset: usize| buffer.wrapping_add(offset).cast::<gaih_addrtuple>();
    let first = packed.first_at.map_or(given, tuple_at);
    let tuple = gaih_addrtuple {
        next: packed.second_at.map_or(core::ptr::null_mut(), tuple_at),
        name: buffer.wrapping_add(packed.name),
        family: pack::family(packed.first),
        addr: pack::tuple_words(packed.first),
        scopeid: 0,
    };
    // SAFETY: valid for writes, by contract; within the buffer it is aligned, as packed.
    unsafe { first.write(tuple) };
    // SAFETY: valid for writes, by contract. Where the tuple was given, nothing changes.
    unsafe { pat.write(first) };
}

/// Looks an address up.
///
/// # Safety
///
/// As for [`_nss_workaround_gethostbyname3_r`]; `addr` is valid for reads of `len` bytes.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn _nss_workaround_gethostbyaddr_r(
    addr: *const c_void,
    len: libc::socklen_t,
    af: c_int,
    result: *mut hostent,
    buffer: *mut c_char,
    buflen: usize,
    errnop: *mut c_int,
    h_errnop: *mut c_int,
) -> nss_status {
    let asked = match (af, len) {
        // SAFETY: valid for reads of four bytes, by contract.
        (libc::AF_INET, 4) => Ok(Address::V4(unsafe { addr.cast::<[u8; 4]>().read() })),
        // SAFETY: valid for reads of sixteen bytes, by contract.
        (libc::AF_INET6, 16) => Ok(Address::V6(unsafe { addr.cast::<[u8; 16]>().read() })),
        (libc::AF_INET | libc::AF_INET6, _) => Err(Failure::NotFound),
        _ => Err(Failure::Family),
    };
    // SAFETY: valid and unused, by contract.
    let mut space = unsafe { caller_buffer(buffer, buflen) };
    let outcome = asked.and_then(|address| {
        let question = Question::Address(address);
        lookup::ask(question, |hosts| pack::host(hosts, question, 0, &mut space))
    });
    if let Ok(packed) = outcome {
        // SAFETY: valid for writes, by contract; packed into this buffer just now.
        unsafe { deliver(packed, result, buffer) };
    }
    // SAFETY: valid for writes, by contract.
    unsafe { report(outcome.map(drop), errnop, h_errnop) }
}

/// Starts an enumeration; whether anything is kept open in between is ours to decide.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn _nss_workaround_sethostent(_stayopen: c_int) -> nss_status {
    cursor::reset();
    if lookup::is_there() {
        nss_status::NSS_STATUS_SUCCESS
    } else {
        nss_status::NSS_STATUS_UNAVAIL
    }
}

/// Hands the next entry out.
///
/// # Safety
///
/// As for [`_nss_workaround_gethostbyname3_r`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn _nss_workaround_gethostent_r(
    result: *mut hostent,
    buffer: *mut c_char,
    buflen: usize,
    errnop: *mut c_int,
    h_errnop: *mut c_int,
) -> nss_status {
    // SAFETY: valid and unused, by contract.
    let mut space = unsafe { caller_buffer(buffer, buflen) };
    let outcome = lookup::ask(Question::All, |hosts| {
        let mut lost_races = 0;
        loop {
            let from = cursor::offset();
            let packed = pack::host(hosts, Question::All, from, &mut space)?;
            if cursor::advance(from, packed.next) || lost_races == MAX_LOST_RACES {
                return Ok(packed);
            }
            lost_races += 1;
        }
    });
    if let Ok(packed) = outcome {
        // SAFETY: valid for writes, by contract; packed into this buffer just now.
        unsafe { deliver(packed, result, buffer) };
    }
    // SAFETY: valid for writes, by contract.
    unsafe { report(outcome.map(drop), errnop, h_errnop) }
}

/// Ends an enumeration.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn _nss_workaround_endhostent() -> nss_status {
    cursor::reset();
    nss_status::NSS_STATUS_SUCCESS
}

// A signature that drifts from the one in <nss.h> stops the build here.
const _: abi::nss_gethostbyname_r = Some(_nss_workaround_gethostbyname_r);
const _: abi::nss_gethostbyname2_r = Some(_nss_workaround_gethostbyname2_r);
const _: abi::nss_gethostbyname3_r = Some(_nss_workaround_gethostbyname3_r);
const _: abi::nss_gethostbyname4_r = Some(_nss_workaround_gethostbyname4_r);
const _: abi::nss_gethostbyaddr_r = Some(_nss_workaround_gethostbyaddr_r);
const _: abi::nss_sethostent = Some(_nss_workaround_sethostent);
const _: abi::nss_gethostent_r = Some(_nss_workaround_gethostent_r);
const _: abi::nss_endhostent = Some(_nss_workaround_endhostent);
