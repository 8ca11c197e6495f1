//! Users and groups: who this process is, who others are, and becoming one of them.

use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::ptr;

use crate::cerr;

/// The effective user id.
#[must_use]
pub fn effective_uid() -> u32 {
    // SAFETY: geteuid(2) has no preconditions and cannot fail.
    unsafe { libc::geteuid() }
}

/// A user of the system's databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The login name.
    pub name: Vec<u8>,
    /// The user id.
    pub uid: u32,
    /// The group that the user logs in with.
    pub gid: u32,
    /// The home folder.
    pub home: Vec<u8>,
}

/// The user called `name`, through NSS.
///
/// # Errors
///
/// The database cannot be read; that it has no such user is none.
pub fn by_name(name: &CStr) -> io::Result<Option<Account>> {
    look_up(|entry, buffer, len, found| {
        // SAFETY: a C string, a buffer of `len` bytes, and places for the answer, by `look_up`.
        unsafe { libc::getpwnam_r(name.as_ptr(), entry, buffer, len, found) }
    })
    .map(|entry| entry.map(|(passwd, strings)| account(&passwd, &strings)))
}

/// The user whose id is `uid`, through NSS; the first of them.
///
/// # Errors
///
/// See [`by_name`].
pub fn by_uid(uid: u32) -> io::Result<Option<Account>> {
    look_up(|entry, buffer, len, found| {
        // SAFETY: a buffer of `len` bytes, and places for the answer, by `look_up`.
        unsafe { libc::getpwuid_r(uid, entry, buffer, len, found) }
    })
    .map(|entry| entry.map(|(passwd, strings)| account(&passwd, &strings)))
}

/// The id of the group called `name`, through NSS.
///
/// # Errors
///
/// See [`by_name`].
pub fn group_by_name(name: &CStr) -> io::Result<Option<u32>> {
    look_up(|entry, buffer, len, found| {
        // SAFETY: a C string, a buffer of `len` bytes, and places for the answer, by `look_up`.
        unsafe { libc::getgrnam_r(name.as_ptr(), entry, buffer, len, found) }
    })
    .map(|entry| entry.map(|(group, _): (libc::group, _)| group.gr_gid))
}

/// What a lookup found: the entry, and the strings that it points to.
type Found<Entry> = Option<(Entry, Strings)>;

/// The buffer that an entry points into.
struct Strings(Vec<u8>);

impl Strings {
    /// The string at `pointer`, if it is in here.
    fn get(&self, pointer: *const c_char) -> Vec<u8> {
        let offset = pointer.addr().checked_sub(self.0.as_ptr().addr());
        let tail = offset.and_then(|offset| self.0.get(offset..));
        let text = tail.and_then(|tail| CStr::from_bytes_until_nul(tail).ok());
        text.map(|text| text.to_bytes().to_vec())
            .unwrap_or_default()
    }
}

fn account(passwd: &libc::passwd, strings: &Strings) -> Account {
    Account {
        name: strings.get(passwd.pw_name),
        uid: passwd.pw_uid,
        gid: passwd.pw_gid,
        home: strings.get(passwd.pw_dir),
    }
}

/// Calls a `get…_r` function with a buffer that grows until the entry fits.
///
/// # Source
///
/// getpwnam(3): "not found" may come as 0 with no entry, or as one of a few errors.
fn look_up<Entry: Copy>(
    call: impl Fn(*mut Entry, *mut c_char, usize, *mut *mut Entry) -> c_int,
) -> io::Result<Found<Entry>> {
    /// A group with a hundred thousand members.
    const MOST: usize = 4 << 20;
    let mut entry = std::mem::MaybeUninit::<Entry>::uninit();
    let mut strings = vec![0_u8; 1024];
    loop {
        let mut found = ptr::null_mut();
        let status = call(
            entry.as_mut_ptr(),
            strings.as_mut_ptr().cast(),
            strings.len(),
            &raw mut found,
        );
        match status {
            0 if found.is_null() => return Ok(None),
            0 => {
                // SAFETY: a lookup that finds an entry fills it.
                let entry = unsafe { entry.assume_init() };
                return Ok(Some((entry, Strings(strings))));
            }
            libc::ENOENT | libc::ESRCH => return Ok(None),
            libc::EINTR => {}
            libc::ERANGE if strings.len() < MOST => {
                let len = strings.len() * 4;
                strings.resize(len, 0);
            }
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// The groups of the user called `name`, `gid` among them, through NSS.
///
/// # Errors
///
/// `EINVAL` for a user in more groups than a process can have (65,536).
pub fn groups_of(name: &CStr, gid: u32) -> io::Result<Vec<u32>> {
    const MOST: usize = 65_536;
    let mut groups = vec![0; 64];
    loop {
        let mut count = c_int::try_from(groups.len()).map_err(io::Error::other)?;
        // SAFETY: a C string, and an array of `count` elements.
        let status =
            unsafe { libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) };
        let wanted = usize::try_from(count).unwrap_or(MOST + 1);
        if status >= 0 {
            groups.truncate(wanted);
            return Ok(groups);
        }
        if groups.len() >= MOST {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        let len = wanted.max(groups.len() * 2).min(MOST);
        groups.resize(len, 0);
    }
}

/// The three ids of one kind that a process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Whose process it is.
    pub real: u32,
    /// What it may do.
    pub effective: u32,
    /// What it may become again.
    pub saved: u32,
}

impl Ids {
    /// Whether all three are `id`.
    #[must_use]
    pub fn are_all(self, id: u32) -> bool {
        [self.real, self.effective, self.saved] == [id; 3]
    }
}

/// The user ids of this process.
#[must_use]
pub fn uids() -> Ids {
    let (mut real, mut effective, mut saved) = (0, 0, 0);
    // SAFETY: three places for the answers; getresuid(2) fails for bad addresses only.
    unsafe { libc::getresuid(&raw mut real, &raw mut effective, &raw mut saved) };
    Ids {
        real,
        effective,
        saved,
    }
}

/// The group ids of this process.
#[must_use]
pub fn gids() -> Ids {
    let (mut real, mut effective, mut saved) = (0, 0, 0);
    // SAFETY: three places for the answers; getresgid(2) fails for bad addresses only.
    unsafe { libc::getresgid(&raw mut real, &raw mut effective, &raw mut saved) };
    Ids {
        real,
        effective,
        saved,
    }
}

/// The supplementary groups of this process, in the kernel's order.
///
/// # Errors
///
/// Another thread has set other ones meanwhile.
pub fn groups() -> io::Result<Vec<u32>> {
    // SAFETY: with no room getgroups(2) only counts.
    let count = cerr(unsafe { libc::getgroups(0, ptr::null_mut()) })?;
    let mut groups = vec![0; usize::try_from(count).unwrap_or(0)];
    // SAFETY: an array of `count` elements.
    let count = cerr(unsafe { libc::getgroups(count, groups.as_mut_ptr()) })?;
    groups.truncate(usize::try_from(count).unwrap_or(0));
    Ok(groups)
}

/// Sets the supplementary groups.
///
/// # Errors
///
/// `EPERM` without `CAP_SETGID`; see setgroups(2).
pub fn set_groups(groups: &[u32]) -> io::Result<()> {
    // SAFETY: an array of the given length.
    cerr(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) }).map(drop)
}

/// Sets all three group ids.
///
/// # Errors
///
/// `EPERM` without `CAP_SETGID`, `EINVAL` for an id that the user namespace does not have.
pub fn set_gid(gid: u32) -> io::Result<()> {
    // SAFETY: setresgid(2) has no preconditions.
    cerr(unsafe { libc::setresgid(gid, gid, gid) }).map(drop)
}

/// Sets all three user ids.
///
/// # Errors
///
/// `EPERM` without `CAP_SETUID`, `EINVAL` for an id that the user namespace does not have.
pub fn set_uid(uid: u32) -> io::Result<()> {
    // SAFETY: setresuid(2) has no preconditions.
    cerr(unsafe { libc::setresuid(uid, uid, uid) }).map(drop)
}

/// Tries to become root again, by the effective id alone; whether that worked.
#[must_use]
pub fn can_return_to_root() -> bool {
    let keep = u32::MAX; // (uid_t)-1
    // SAFETY: setresuid(2) has no preconditions.
    unsafe { libc::setresuid(keep, 0, keep) == 0 }
}

/// Whether the kernel gave this program more rights than its caller has, for a bit or a capability
/// of its file (`AT_SECURE`, getauxval(3)).
#[must_use]
pub fn is_privileged_program() -> bool {
    // SAFETY: getauxval(3) has no preconditions.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_by_id() {
        let root = by_name(c"root").unwrap().unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(root.name, b"root");
        assert_eq!(by_uid(0).unwrap(), Some(root));
        assert_eq!(group_by_name(c"root").unwrap(), Some(0));
        assert!(groups_of(c"root", 4711).unwrap().contains(&4711));
    }

    #[test]
    fn nobody_by_that_name_is_no_error() {
        assert_eq!(by_name(c"no-such-user").unwrap(), None);
        assert_eq!(by_uid(4_000_000_000).unwrap(), None);
        assert_eq!(group_by_name(c"no-such-group").unwrap(), None);
    }
}
