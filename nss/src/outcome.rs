//! What a call reports to glibc.

use core::ffi::c_int;

use hosts::Error;

use crate::abi::{HOST_NOT_FOUND, NETDB_INTERNAL, NETDB_SUCCESS, nss_status};
use crate::kernel::Errno;

/// Why a call gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The file was read and holds no such name or address, or no further entry.
    NotFound,
    /// The caller's buffer cannot hold the answer; glibc comes back with a larger one.
    BufferTooSmall,
    /// The question is about a family that hosts files know nothing of.
    Family,
    /// The hosts files could not be read.
    Source(Errno),
    /// The files say that there is no such name, and nobody else is to be asked.
    Refused,
    /// The files were edited in place at every try.
    Changed,
    /// The index cannot answer. The text is searched then, so this never reaches glibc.
    Index,
    /// There may be more files, which may have the answer. Does not reach glibc either.
    More,
}

impl From<Error<Errno>> for Failure {
    fn from(error: Error<Errno>) -> Self {
        match error {
            Error::Source(errno) => Self::Source(errno),
            Error::Changed => Self::Changed,
            Error::Index => Self::Index,
            Error::More => Self::More,
        }
    }
}

impl Failure {
    /// The status, `*errnop` where it is ours to set, and `*h_errnop`.
    ///
    /// A small buffer must be `ERANGE` *and* `NETDB_INTERNAL`: with another `h_errno`
    /// `getaddrinfo` gives up instead of growing it. `NETDB_INTERNAL` with anything else would
    /// end the whole lookup, other services included (seen on glibc 2.36).
    const fn as_nss(self) -> (nss_status, Option<c_int>, c_int) {
        match self {
            Self::NotFound => (nss_status::NSS_STATUS_NOTFOUND, None, HOST_NOT_FOUND),
            Self::BufferTooSmall => (
                nss_status::NSS_STATUS_TRYAGAIN,
                Some(libc::ERANGE),
                NETDB_INTERNAL,
            ),
            Self::Family => Self::unavailable(libc::EAFNOSUPPORT),
            Self::Source(Errno(errno)) => Self::unavailable(errno),
            // The default action for this status ends the search, as no other does that leaves
            // the lookup without a result (nss_next_action in glibc's nss/nsswitch.h): callers
            // see that there is no such host (seen on 2.31, 2.36, 2.41 and 2.43). errno goes
            // back to callers of gethostbyname_r.
            Self::Refused => (
                nss_status::NSS_STATUS_RETURN,
                Some(libc::ENOENT),
                HOST_NOT_FOUND,
            ),
            Self::Changed | Self::Index | Self::More => Self::unavailable(libc::EAGAIN),
        }
    }

    const fn unavailable(errno: c_int) -> (nss_status, Option<c_int>, c_int) {
        (nss_status::NSS_STATUS_UNAVAIL, Some(errno), HOST_NOT_FOUND)
    }
}

/// Writes `outcome` where glibc looks for it.
///
/// # Safety
///
/// Both pointers are valid for writes. `errnop` may well be `&errno` itself (glibc passes just
/// that), so no reference is made of it, and success leaves it alone.
pub(crate) unsafe fn report(
    outcome: Result<(), Failure>,
    errnop: *mut c_int,
    h_errnop: *mut c_int,
) -> nss_status {
    let (status, errno, h_errno) = match outcome {
        Ok(()) => (nss_status::NSS_STATUS_SUCCESS, None, NETDB_SUCCESS),
        Err(failure) => failure.as_nss(),
    };
    if let Some(errno) = errno {
        // SAFETY: valid for writes, by contract.
        unsafe { errnop.write(errno) };
    }
    // SAFETY: valid for writes, by contract.
    unsafe { h_errnop.write(h_errno) };
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_reaches_glibc_as_its_contract_says() {
        const UNTOUCHED: c_int = 999;
        type Row = (
            &'static str,
            Result<(), Failure>,
            (nss_status, c_int, c_int),
        );
        #[rustfmt::skip]
        let table: [Row; 7] = [
            ("answer",     Ok(()),                                    (nss_status::NSS_STATUS_SUCCESS,  UNTOUCHED,          NETDB_SUCCESS)),
            ("no entry",   Err(Failure::NotFound),                    (nss_status::NSS_STATUS_NOTFOUND, UNTOUCHED,          HOST_NOT_FOUND)),
            ("small",      Err(Failure::BufferTooSmall),              (nss_status::NSS_STATUS_TRYAGAIN, libc::ERANGE,       NETDB_INTERNAL)),
            ("family",     Err(Failure::Family),                      (nss_status::NSS_STATUS_UNAVAIL,  libc::EAFNOSUPPORT, HOST_NOT_FOUND)),
            ("unreadable", Err(Failure::Source(Errno(libc::EACCES))), (nss_status::NSS_STATUS_UNAVAIL,  libc::EACCES,       HOST_NOT_FOUND)),
            ("refused",    Err(Failure::Refused),                     (nss_status::NSS_STATUS_RETURN,   libc::ENOENT,       HOST_NOT_FOUND)),
            ("edited",     Err(Failure::Changed),                     (nss_status::NSS_STATUS_UNAVAIL,  libc::EAGAIN,       HOST_NOT_FOUND)),
        ];
        for (case, outcome, want) in table {
            let (mut errno, mut h_errno) = (UNTOUCHED, UNTOUCHED);
            // SAFETY: both are live locals.
            let status = unsafe { report(outcome, &raw mut errno, &raw mut h_errno) };
            assert_eq!((status, errno, h_errno), want, "{case}");
        }
    }
}
