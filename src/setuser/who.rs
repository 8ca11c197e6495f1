//! `USER`, `USER:GROUP`: what the words say; values in, values out.

use std::ffi::{CStr, CString};
use std::fmt;

use crate::environment::Environment;

/// The first argument, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) user: CString,
    pub(super) group: Option<CString>,
}

/// Why the first argument names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotWho {
    NoUser,
    NoGroup,
}

impl fmt::Display for NotWho {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoUser => {
                "cannot tell the user: nothing before the `:`; write USER or USER:GROUP"
            }
            Self::NoGroup => {
                "cannot tell the group: nothing after the `:`; leave the `:` out for the user's own"
            }
        })
    }
}

/// Takes `USER[:GROUP]` apart. No user's name has a `:`, as passwd(5) is separated by it.
pub(super) fn parse(word: &CStr) -> Result<Who, NotWho> {
    let bytes = word.to_bytes();
    let (user, group) = match bytes.iter().position(|&byte| byte == b':') {
        None => (bytes, None),
        Some(at) => (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..)),
    };
    if user.is_empty() {
        return Err(NotWho::NoUser);
    }
    if group.is_some_and(<[u8]>::is_empty) {
        return Err(NotWho::NoGroup);
    }
    // Parts of a C string have no NUL in them.
    let c_string = |bytes: &[u8]| CString::new(bytes).unwrap_or_default();
    Ok(Who {
        user: c_string(user),
        group: group.map(c_string),
    })
}

/// `word` as a user or group id. The highest number is none: to the kernel it means "leave it as
/// it is", which would leave root root.
pub(super) fn id(word: &CStr) -> Option<u32> {
    let text = word.to_str().ok()?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let id = text.parse().ok().filter(|_| digits)?;
    (id != u32::MAX).then_some(id)
}

/// Whom the command will run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: Vec<u8>,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
    pub(super) home: Vec<u8>,
    /// The group was asked for by name, so another one will not do.
    pub(super) exact_group: bool,
}

impl User {
    /// Sets the variables that say who one is.
    pub(super) fn describe(&self, environment: &mut Environment) {
        let home = if self.home.is_empty() {
            b"/"
        } else {
            self.home.as_slice()
        };
        let (uid, gid) = (self.uid.to_string(), self.gid.to_string());
        let variables: [(&str, &[u8]); 5] = [
            ("USER", &self.name),
            ("LOGNAME", &self.name),
            ("HOME", home),
            ("UID", uid.as_bytes()),
            ("GID", gid.as_bytes()),
        ];
        for (name, value) in variables {
            // Strings of a passwd entry have no NUL in them.
            let _ = environment.insert(name, value);
        }
    }
}

/// Whether two lists of groups are the same set: the kernel sorts them, and an entry may stand
/// there twice.
pub(super) fn same_groups(one: &[u32], other: &[u32]) -> bool {
    let set = |groups: &[u32]| {
        let mut groups = groups.to_vec();
        groups.sort_unstable();
        groups.dedup();
        groups
    };
    set(one) == set(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_taken_apart_at_the_colon() {
        type Row = (
            &'static CStr,
            Result<(&'static CStr, Option<&'static CStr>), NotWho>,
        );
        #[rustfmt::skip]
        let table: [Row; 8] = [
            (c"app",        Ok((c"app", None))),
            (c"app:web",    Ok((c"app", Some(c"web")))),
            (c"1000:100",   Ok((c"1000", Some(c"100")))),
            (c"a:b:c",      Ok((c"a", Some(c"b:c")))),
            (c"",           Err(NotWho::NoUser)),
            (c":",          Err(NotWho::NoUser)),
            (c":web",       Err(NotWho::NoUser)),
            (c"app:",       Err(NotWho::NoGroup)),
        ];
        for (word, want) in table {
            let want = want.map(|(user, group)| Who {
                user: user.to_owned(),
                group: group.map(CStr::to_owned),
            });
            assert_eq!(parse(word), want, "{word:?}");
        }
    }

    #[test]
    fn an_id_is_digits_and_never_minus_one() {
        #[rustfmt::skip]
        let table = [
            (c"0",           Some(0)),
            (c"1000",        Some(1000)),
            (c"007",         Some(7)),
            (c"4294967294",  Some(4_294_967_294)),
            (c"4294967295",  None),
            (c"4294967296",  None),
            (c"-1",          None),
            (c"+1",          None),
            (c"0x10",        None),
            (c"1 ",          None),
            (c"",            None),
            (c"app",         None),
        ];
        for (word, want) in table {
            assert_eq!(id(word), want, "{word:?}");
        }
    }

    #[test]
    fn a_user_is_described_by_five_variables() {
        let user = User {
            name: b"app".to_vec(),
            uid: 1000,
            gid: 100,
            groups: vec![100],
            home: Vec::new(),
            exact_group: false,
        };
        let mut environment: Environment = [("HOME", "/root"), ("A", "b")].into_iter().collect();
        user.describe(&mut environment);
        let strings: Vec<String> = environment
            .strings()
            .map(|string| String::from_utf8(string).unwrap())
            .collect();
        assert_eq!(
            strings,
            [
                "A=b",
                "GID=100",
                "HOME=/",
                "LOGNAME=app",
                "UID=1000",
                "USER=app"
            ]
        );
    }

    #[test]
    fn groups_are_compared_as_sets() {
        #[rustfmt::skip]
        let table: [(&[u32], &[u32], bool); 4] = [
            (&[3, 1, 3],  &[1, 3],  true),
            (&[],         &[],      true),
            (&[0],        &[],      false),
            (&[1, 2],     &[1, 3],  false),
        ];
        for (one, other, want) in table {
            assert_eq!(same_groups(one, other), want, "{one:?} {other:?}");
        }
    }
}
