//! What the process environment sets.

use std::path::PathBuf;
use std::time::Duration;

use super::machine::Limit;
use crate::environment::Environment;

/// How long each stage may take, and where the startup files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    grace: Duration,
    leftovers: Duration,
    hook: Duration,
    /// The folder of the startup files.
    pub(crate) startup_folder: PathBuf,
}

/// A stuck workaround must not keep a container from starting.
const WORKAROUND: Duration = Duration::from_secs(10);

/// The kernel ends a killed process in microseconds, unless it waits for a dead disk.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// Each variable in whole seconds, and its default. The first two add up to 7 of the 10 seconds
/// after which `docker stop` pulls the plug: what is left is for hooks, and for a busy machine. The
/// services have the reference's grace; what is shortened is that of processes that nobody looks
/// after. The reference gives hooks all the time in the world; so do we, nearly.
const GRACE: (&str, u64) = ("KILL_PROCESS_TIMEOUT", 5);
const LEFTOVERS: (&str, u64) = ("KILL_ALL_PROCESSES_TIMEOUT", 2);
const HOOK: (&str, u64) = ("SHUTDOWN_HOOK_TIMEOUT", 60);

const STARTUP_FOLDER: &str = "/etc/my_init.d";

impl Settings {
    /// Reads them; what cannot be understood is a warning, and the default counts.
    #[must_use]
    pub(crate) fn from_environment(environment: &Environment) -> (Self, Vec<String>) {
        let mut warnings = Vec::new();
        let mut seconds = |(name, default): (&str, u64)| {
            let Some(value) = environment.get(name.as_bytes()) else {
                return Duration::from_secs(default);
            };
            // Within 32 bits: 136 years are for ever, and cannot overflow a clock.
            let parsed = std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.trim().parse::<u32>().ok());
            Duration::from_secs(parsed.map_or_else(
                || {
                    let shown = String::from_utf8_lossy(value);
                    warnings.push(format!(
                        "{name} is {shown:?}, which is not a whole number of seconds. Using {default}."
                    ));
                    default
                },
                u64::from,
            ))
        };
        let settings = Self {
            grace: seconds(GRACE),
            leftovers: seconds(LEFTOVERS),
            hook: seconds(HOOK),
            startup_folder: environment
                .get(b"ENV_INIT_DIRECTORY")
                .map_or_else(|| STARTUP_FOLDER.into(), |value| path(value.to_vec())),
        };
        (settings, warnings)
    }

    /// How long `limit` is.
    #[must_use]
    pub(crate) fn duration(&self, limit: Limit) -> Duration {
        match limit {
            Limit::Workaround => WORKAROUND,
            Limit::Grace => self.grace,
            Limit::FirstHalf | Limit::SecondHalf => self.grace / 2,
            Limit::Hook => self.hook,
            Limit::Leftovers => self.leftovers,
            Limit::AfterKill => AFTER_KILL,
        }
    }
}

fn path(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Settings, Vec<String>) {
        let pairs = pairs.iter().map(|&(name, value)| (name, value));
        Settings::from_environment(&pairs.collect())
    }

    #[test]
    fn the_defaults_leave_docker_stop_three_seconds() {
        let (settings, warnings) = read(&[]);
        assert_eq!(warnings, [""; 0]);
        assert_eq!(settings.duration(Limit::Grace), Duration::from_secs(5));
        assert_eq!(settings.duration(Limit::Leftovers), Duration::from_secs(2));
        assert_eq!(settings.startup_folder, PathBuf::from("/etc/my_init.d"));
    }

    #[test]
    fn what_is_no_whole_number_of_seconds_is_one_warning_and_the_default() {
        for (value, want, warned) in [
            ("0", 0, false),
            ("30", 30, false),
            (" 7\n", 7, false),
            ("4294967295", 4_294_967_295, false),
            ("", 5, true),
            ("-1", 5, true),
            ("1.5", 5, true),
            ("five", 5, true),
            ("4294967296", 5, true),
            ("99999999999999999999999", 5, true),
        ] {
            let (settings, warnings) = read(&[("KILL_PROCESS_TIMEOUT", value)]);
            assert_eq!(settings.duration(Limit::Grace).as_secs(), want, "{value:?}");
            assert_eq!(
                warnings.len(),
                usize::from(warned),
                "{value:?}: {warnings:?}"
            );
        }
    }

    #[test]
    fn the_two_halves_make_a_whole() {
        let (settings, _) = read(&[("KILL_PROCESS_TIMEOUT", "1")]);
        let halves = settings.duration(Limit::FirstHalf) + settings.duration(Limit::SecondHalf);
        assert_eq!(halves, settings.duration(Limit::Grace));
    }
}
