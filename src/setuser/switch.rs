//! The switch: groups, then group, then user, then the proof.

use std::ffi::{CStr, CString};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;

use sys::user::{self, Account};

use super::who::{NotWho, User, Who, id, parse, same_groups};
use crate::store::reason;

/// Why the switch was not made; nobody runs anything then.
#[derive(Debug)]
pub(super) enum Error {
    Who(NotWho),
    SetId(&'static str),
    NoUser(CString),
    NoGroup(CString),
    Lookup {
        what: &'static str,
        name: CString,
        error: io::Error,
    },
    Refused {
        what: String,
        error: io::Error,
    },
    NotStuck(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Who(error) => error.fmt(f),
            Self::SetId(what) => write!(
                f,
                "cannot run as a program with {what}: anybody could become anybody; take it off /sbin/setuser"
            ),
            // As in the reference.
            Self::NoUser(name) => write!(f, "user {} not found", name.to_string_lossy()),
            Self::NoGroup(name) => write!(f, "group {} not found", name.to_string_lossy()),
            Self::Lookup { what, name, error } => {
                let name = name.to_string_lossy();
                write!(f, "cannot look up {what} {name}: {}", reason(error))
            }
            Self::Refused { what, error } => {
                write!(f, "cannot {what}: {}", reason(error))?;
                match error.kind() {
                    io::ErrorKind::PermissionDenied => f.write_str(
                        "; run setuser as root, with the capabilities CAP_SETUID and CAP_SETGID",
                    ),
                    io::ErrorKind::InvalidInput => {
                        f.write_str("; does this user namespace have such an id?")
                    }
                    _ => Ok(()),
                }
            }
            Self::NotStuck(what) => write!(f, "cannot trust the switch: {what}; nothing was run"),
        }
    }
}

/// Becomes the user that `word` names.
pub(super) fn switch(word: &CStr) -> Result<User, Error> {
    refuse_set_id()?;
    let user = find(&parse(word).map_err(Error::Who)?)?;
    let uids = user::uids();
    let gids = user::gids();
    let groups = user::groups().map_err(|error| Error::Refused {
        what: "tell the groups of this process".into(),
        error,
    })?;
    if uids.are_all(user.uid) && gids.are_all(user.gid) && same_groups(&groups, &user.groups) {
        return Ok(user);
    }
    match user::set_groups(&user.groups) {
        Ok(()) => {}
        // Who is that user already needs no privileges for it, and cannot change groups anyway.
        Err(error)
            if error.kind() == io::ErrorKind::PermissionDenied
                && uids.are_all(user.uid)
                && (gids.are_all(user.gid) || !user.exact_group) =>
        {
            let gid = gids.effective;
            return Ok(User {
                gid,
                groups,
                ..user
            });
        }
        Err(error) => {
            let what = format!("set the groups {:?}", user.groups);
            return Err(Error::Refused { what, error });
        }
    }
    user::set_gid(user.gid).map_err(|error| Error::Refused {
        what: format!("become group {}", user.gid),
        error,
    })?;
    user::set_uid(user.uid).map_err(|error| Error::Refused {
        what: format!("become user {}", user.uid),
        error,
    })?;
    prove(&user)?;
    Ok(user)
}

/// A setuid setuser would make everybody root; so would one with file capabilities.
fn refuse_set_id() -> Result<(), Error> {
    let (uids, gids) = (user::uids(), user::gids());
    if uids.real != uids.effective {
        return Err(Error::SetId("the setuid bit"));
    }
    if gids.real != gids.effective {
        return Err(Error::SetId("the setgid bit"));
    }
    // Root's own call of such a file shows nothing above. Without /proc that is all one can tell.
    let mode = fs::metadata("/proc/self/exe").map_or(0, |file| file.permissions().mode());
    if mode & 0o4000 != 0 {
        return Err(Error::SetId("the setuid bit"));
    }
    if mode & 0o2000 != 0 {
        return Err(Error::SetId("the setgid bit"));
    }
    // What is left is capabilities, or a security module's transition, which is none of ours.
    if user::is_privileged_program() && sys::file::has_capabilities(c"/proc/self/exe") {
        return Err(Error::SetId("file capabilities"));
    }
    Ok(())
}

/// Looks names up first, then takes them for ids, as chown(1) does.
fn find(who: &Who) -> Result<User, Error> {
    let failed = |what, name: &CString| {
        let name = name.clone();
        move |error| Error::Lookup { what, name, error }
    };
    let by_name = user::by_name(&who.user).map_err(failed("user", &who.user))?;
    let entry = match (by_name, id(&who.user)) {
        (Some(account), _) => Ok(account),
        (None, None) => return Err(Error::NoUser(who.user.clone())),
        (None, Some(uid)) => user::by_uid(uid)
            .map_err(failed("user", &who.user))?
            .ok_or(uid),
    };
    let known = entry.is_ok();
    let account = entry.unwrap_or_else(|uid| bare(&who.user, uid));
    let group = match &who.group {
        None => None,
        Some(name) => {
            let by_name = user::group_by_name(name).map_err(failed("group", name))?;
            let gid = by_name.or(id(name));
            Some(gid.ok_or_else(|| Error::NoGroup(name.clone()))?)
        }
    };
    let gid = group.unwrap_or(account.gid);
    let groups = if known && group.is_none() {
        let name = CString::new(account.name.as_slice()).unwrap_or_default();
        let groups = user::groups_of(&name, gid);
        groups.map_err(failed("the groups of", &who.user))?
    } else {
        vec![gid]
    };
    Ok(User {
        name: account.name,
        uid: account.uid,
        gid,
        groups,
        home: account.home,
        exact_group: group.is_some(),
    })
}

/// A user that no entry knows: in no group but the one of the same number, never in the one that
/// the caller happens to be in, which may well be root's.
fn bare(name: &CStr, uid: u32) -> Account {
    Account {
        name: name.to_bytes().to_vec(),
        uid,
        gid: uid,
        home: b"/".to_vec(),
    }
}

/// Asks the kernel who this process is now, and whether it could become root again.
fn prove(user: &User) -> Result<(), Error> {
    let (uids, gids) = (user::uids(), user::gids());
    if !uids.are_all(user.uid) {
        return Err(Error::NotStuck(format!("the user ids are {uids:?}")));
    }
    if !gids.are_all(user.gid) {
        return Err(Error::NotStuck(format!("the group ids are {gids:?}")));
    }
    let groups = user::groups().unwrap_or_default();
    if !same_groups(&groups, &user.groups) {
        return Err(Error::NotStuck(format!("the groups are {groups:?}")));
    }
    if user.uid != 0 && user::can_return_to_root() {
        let what = "the way back to root is open (CAP_SETUID was kept)";
        return Err(Error::NotStuck(what.into()));
    }
    Ok(())
}
