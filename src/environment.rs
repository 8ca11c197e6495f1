//! The environment as a value: names and values are bytes, in the order of the names.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Why a name and a value cannot be a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NoVariable {
    /// The name is empty.
    EmptyName,
    /// The name holds a `=`, which would end it.
    EqualsInName,
    /// The name holds a NUL byte, which would end the whole string.
    NulInName,
    /// The value holds a NUL byte, which would end it.
    NulInValue,
}

impl fmt::Display for NoVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyName => "its name is empty",
            Self::EqualsInName => "its name has a `=`",
            Self::NulInName => "its name has a NUL byte",
            Self::NulInValue => "its value has a NUL byte",
        })
    }
}

/// Whether `name` and `value` can be a variable: everything in an [`Environment`] can.
///
/// # Errors
///
/// The first reason why not.
pub fn check(name: &[u8], value: &[u8]) -> Result<(), NoVariable> {
    if name.is_empty() {
        Err(NoVariable::EmptyName)
    } else if name.contains(&b'=') {
        Err(NoVariable::EqualsInName)
    } else if name.contains(&0) {
        Err(NoVariable::NulInName)
    } else if value.contains(&0) {
        Err(NoVariable::NulInValue)
    } else {
        Ok(())
    }
}

/// Variables of a process that may not exist yet.
///
/// Every name is non-empty and free of `=` and NUL, every value free of NUL, so that any
/// environment can be handed to execve(2) as it is.
///
/// ```
/// use baseimage::environment::Environment;
///
/// let mut environment: Environment = [("PATH", "/bin"), ("LANG", "zh_CN.utf8")].into_iter().collect();
/// environment.insert(b"A", b"1").unwrap();
/// assert_eq!(environment.get(b"LANG"), Some(&b"zh_CN.utf8"[..]));
/// let names: Vec<&[u8]> = environment.iter().map(|(name, _)| name).collect();
/// assert_eq!(names, [&b"A"[..], b"LANG", b"PATH"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<Vec<u8>, Vec<u8>>);

impl Environment {
    /// No variables.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Whether there is a variable `name`.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.0.contains_key(name)
    }

    /// Sets `name` to `value`.
    ///
    /// # Errors
    ///
    /// Nothing is changed if the two cannot be a variable.
    pub fn insert(
        &mut self,
        name: impl Into<Vec<u8>> + AsRef<[u8]>,
        value: impl Into<Vec<u8>> + AsRef<[u8]>,
    ) -> Result<(), NoVariable> {
        check(name.as_ref(), value.as_ref())?;
        self.0.insert(name.into(), value.into());
        Ok(())
    }

    /// Takes `name` out; its value, if there was one.
    pub fn remove<Name: Ord + ?Sized>(&mut self, name: &Name) -> Option<Vec<u8>>
    where
        Vec<u8>: Borrow<Name>,
    {
        self.0.remove(name)
    }

    /// Names and values, in byte order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// Names and values in the form that [`std::process::Command::envs`] takes.
    pub fn os_pairs(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.iter()
            .map(|(name, value)| (OsStr::from_bytes(name), OsStr::from_bytes(value)))
    }

    /// `NAME=VALUE` strings, as execve(2) takes them but for the NUL that ends each.
    pub fn strings(&self) -> impl Iterator<Item = Vec<u8>> {
        self.iter()
            .map(|(name, value)| [name, b"=", value].concat())
    }

    /// How many variables there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is no variable is left out, as environ(7) does not promise well-formed strings either.
/// The last of two equal names counts.
impl<Name: Into<Vec<u8>>, Value: Into<Vec<u8>>> FromIterator<(Name, Value)> for Environment {
    fn from_iter<T: IntoIterator<Item = (Name, Value)>>(pairs: T) -> Self {
        let mut environment = Self::new();
        for (name, value) in pairs {
            // See above.
            let _ = environment.insert(name.into(), value.into());
        }
        environment
    }
}

impl Environment {
    /// An environment of what [`std::env::vars_os`] yields. The first of two equal names counts, as
    /// it does for getenv(3).
    pub fn from_os(pairs: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::new();
        for (name, value) in pairs {
            let name = name.into_vec();
            if !environment.contains(&name) {
                // What is no variable is left out, as above.
                let _ = environment.insert(name, value.into_vec());
            }
        }
        environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_execve_cannot_carry_is_no_variable() {
        type Row = (
            &'static str,
            &'static [u8],
            &'static [u8],
            Result<(), NoVariable>,
        );
        #[rustfmt::skip]
        let table: [Row; 8] = [
            ("plain",          b"A",     b"b",    Ok(())),
            ("empty value",    b"A",     b"",     Ok(())),
            ("= in value",     b"A",     b"b=c",  Ok(())),
            ("not UTF-8",      b"\xff",  b"\xfe", Ok(())),
            ("empty name",     b"",      b"b",    Err(NoVariable::EmptyName)),
            ("= in name",      b"A=B",   b"b",    Err(NoVariable::EqualsInName)),
            ("NUL in name",    b"A\0",   b"b",    Err(NoVariable::NulInName)),
            ("NUL in value",   b"A",     b"b\0",  Err(NoVariable::NulInValue)),
        ];
        for (case, name, value, want) in table {
            assert_eq!(check(name, value), want, "{case}");
            let mut environment = Environment::new();
            assert_eq!(environment.insert(name, value), want, "{case}");
            assert_eq!(environment.len(), usize::from(want.is_ok()), "{case}");
            let collected: Environment = [(name, value)].into_iter().collect();
            assert_eq!(collected, environment, "{case}");
        }
    }

    #[test]
    fn strings_are_in_byte_order_of_the_names() {
        let environment: Environment = [("b", "2"), ("B", "1"), ("\u{4e2d}", ""), ("b", "3")]
            .into_iter()
            .collect();
        let strings: Vec<_> = environment.strings().collect();
        assert_eq!(
            strings,
            [b"B=1".to_vec(), b"b=3".to_vec(), "\u{4e2d}=".into()]
        );
    }

    #[test]
    fn of_two_equal_names_getenv_sees_the_first() {
        let pairs = [("A", "1"), ("A", "2"), ("", "3")];
        let pairs = pairs.map(|(name, value)| (name.into(), value.into()));
        let environment = Environment::from_os(pairs);
        assert_eq!(environment.get(b"A"), Some(&b"1"[..]));
        assert_eq!(environment.len(), 1);
    }
}
