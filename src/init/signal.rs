//! Signals as numbers with names, and how a process ended.

use std::borrow::Cow;
use std::fmt;

/// A signal's number, as Linux has it on every architecture that we build for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Signal(pub i32);

impl Signal {
    /// Hang-up; many daemons read their settings again.
    pub(crate) const HUP: Self = Self(1);
    /// Ctrl-C.
    pub(crate) const INT: Self = Self(2);
    /// Ctrl-\.
    pub(crate) const QUIT: Self = Self(3);
    /// The end, without appeal.
    pub(crate) const KILL: Self = Self(9);
    /// Free for use.
    pub(crate) const USR1: Self = Self(10);
    /// Free for use.
    pub(crate) const USR2: Self = Self(12);
    /// What `docker stop` sends.
    pub(crate) const TERM: Self = Self(15);
    /// A child ended, stopped or went on.
    pub(crate) const CHLD: Self = Self(17);
    /// Go on.
    pub(crate) const CONT: Self = Self(18);
    /// Stop, without appeal.
    pub(crate) const STOP: Self = Self(19);
    /// Ctrl-Z.
    pub(crate) const TSTP: Self = Self(20);
    /// The terminal's size changed.
    pub(crate) const WINCH: Self = Self(28);
    /// The first real-time signal that programs may use: the C library keeps 32 and 33.
    pub(crate) const RTMIN: Self = Self(34);
    /// "Halt" to systemd; what Podman and LXC send to an init.
    pub(crate) const HALT: Self = Self(37);
    /// The last one.
    pub(crate) const RTMAX: Self = Self(64);

    /// Whether the main command gets it when we do.
    #[must_use]
    pub(crate) fn is_forwarded(self) -> bool {
        matches!(
            self,
            Self::TERM
                | Self::INT
                | Self::HUP
                | Self::QUIT
                | Self::USR1
                | Self::USR2
                | Self::WINCH
                | Self::CONT
        ) || (Self::RTMIN..=Self::RTMAX).contains(&self)
    }

    /// Its name, as `kill -l` has it, with `SIG` before it.
    #[must_use]
    pub(crate) fn name(self) -> Cow<'static, str> {
        #[rustfmt::skip]
        const NAMES: [&str; 31] = [
            "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
            "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN",
            "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
        ];
        let known = usize::try_from(self.0)
            .ok()
            .and_then(|number| number.checked_sub(1))
            .and_then(|index| NAMES.get(index));
        match known {
            Some(name) => format!("SIG{name}").into(),
            None if self == Self::RTMIN => "SIGRTMIN".into(),
            None if self > Self::RTMIN => format!("SIGRTMIN+{}", self.0 - Self::RTMIN.0).into(),
            None => "unknown".into(),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signal {} ({})", self.0, self.name())
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ending {
    /// By itself, with a status.
    Exited(u8),
    /// By a signal.
    Killed(Signal),
}

impl Ending {
    /// Its exit status, or 128 and the signal's number, as shells have it.
    #[must_use]
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Exited(status) => status,
            Self::Killed(signal) => code_of(signal),
        }
    }

    /// Whether all went well.
    #[must_use]
    pub(crate) fn is_success(self) -> bool {
        self == Self::Exited(0)
    }
}

/// 128 and the signal's number.
#[must_use]
pub(crate) fn code_of(signal: Signal) -> u8 {
    u8::try_from(signal.0).map_or(u8::MAX, |number| 128_u8.saturating_add(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_the_names_that_kill_lists() {
        for (number, name) in [
            (1, "SIGHUP"),
            (9, "SIGKILL"),
            (15, "SIGTERM"),
            (31, "SIGSYS"),
            (32, "unknown"),
            (34, "SIGRTMIN"),
            (37, "SIGRTMIN+3"),
            (64, "SIGRTMIN+30"),
            (0, "unknown"),
            (-1, "unknown"),
        ] {
            assert_eq!(Signal(number).name(), name, "{number}");
        }
    }

    #[test]
    fn what_is_forwarded_is_what_the_table_says() {
        let forwarded: Vec<i32> = (1..=64)
            .filter(|&number| Signal(number).is_forwarded())
            .collect();
        let mut expected = vec![1, 2, 3, 10, 12, 15, 18, 28];
        expected.extend(34..=64);
        assert_eq!(forwarded, expected);
    }

    #[test]
    fn a_signal_is_128_and_its_number() {
        assert_eq!(Ending::Killed(Signal::KILL).code(), 137);
        assert_eq!(Ending::Killed(Signal::RTMAX).code(), 192);
        assert_eq!(Ending::Exited(255).code(), 255);
    }
}
