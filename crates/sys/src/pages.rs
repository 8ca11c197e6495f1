//! Memory that is not needed for now.

use std::ffi::c_void;

/// Gives back the memory that holds this program's code and constants: the kernel maps what is
/// needed again from the file, page by page. Nothing is lost, as nothing in it can be written to.
///
/// For a process that has started up and will sleep for days, as the kernel does it with its own
/// code for starting up.
pub fn release_code() {
    // SAFETY: the callback is one for this function; no data is passed.
    unsafe { libc::dl_iterate_phdr(Some(release_object), std::ptr::null_mut()) };
}

/// The first object is the program itself; its libraries are shared with others anyway.
unsafe extern "C" fn release_object(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    _data: *mut c_void,
) -> libc::c_int {
    // SAFETY: dl_iterate_phdr(3) passes a record that outlives the call.
    let info = unsafe { &*info };
    for nth in 0..usize::from(info.dlpi_phnum) {
        // SAFETY: `dlpi_phdr` is an array of that many headers.
        let header = unsafe { info.dlpi_phdr.add(nth) };
        // SAFETY: see above.
        let header = unsafe { &*header };
        if header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0 {
            release(info.dlpi_addr, header.p_vaddr, header.p_memsz);
        }
    }
    1
}

fn release(base: u64, from: u64, len: u64) {
    const PAGE: u64 = 4096;
    let start = base.wrapping_add(from) & !(PAGE - 1);
    let end = base.wrapping_add(from).wrapping_add(len);
    let (Ok(start), Ok(len)) = (
        usize::try_from(start),
        usize::try_from(end.wrapping_sub(start)),
    ) else {
        return;
    };
    // An address that is no multiple of the page size (they can be larger) is refused.
    // SAFETY: a segment that the kernel mapped from a file and nobody has written to: the same
    // bytes come back at the next touch.
    unsafe { libc::madvise(start as *mut c_void, len, libc::MADV_DONTNEED) };
}
