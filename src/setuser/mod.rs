//! `setuser USER COMMAND [ARGS...]`: becomes a user, then a command.
//!
//! Behaviour and its reasons: `docs/my_init.md`, section 7. `who` is what the command line says,
//! `switch` is the switch itself.

mod switch;
mod who;

use std::ffi::{CString, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;

use crate::environment::Environment;
use crate::exec::exec;

/// What `--help` prints.
pub const HELP: &str = "\
Usage: setuser USER[:GROUP] COMMAND [ARGS...]

Runs COMMAND as USER, in place of setuser: same PID, folder and open files, no PAM.
USER and GROUP are names or numeric ids; an id needs no entry in /etc/passwd.
Sets USER, LOGNAME, HOME, UID and GID; every other variable stays as it is.
With GROUP the user is in that group only, else in all groups of /etc/group.

  -h, --help     print this help
  -V, --version  print the version

Exit status: that of COMMAND; 125 if setuser itself fails, 126 if COMMAND cannot
be executed, 127 if it is not found.

Examples:
  exec setuser memcache /usr/bin/memcached
  setuser www-data:docker_env sh -c 'id; env'
  setuser 1000:1000 npm start
";

/// As in the reference; people grep for it.
const USAGE: &str = "Usage: /sbin/setuser USERNAME COMMAND [args..]";

/// setuser itself failed.
const FAILED: u8 = 125;

/// The program: `arguments` without its own name.
pub fn main(arguments: &mut dyn Iterator<Item = OsString>) -> u8 {
    // Arguments of a process have no NUL in them.
    let words: Vec<CString> = arguments
        .filter_map(|word| CString::new(word.into_vec()).ok())
        .collect();
    let [who, command @ ..] = words.as_slice() else {
        return usage();
    };
    match who.as_bytes() {
        b"-h" | b"--help" => return say(HELP),
        b"-V" | b"--version" => return say(concat!("setuser ", env!("CARGO_PKG_VERSION"), "\n")),
        [b'-', ..] => {
            complain(&format!("unknown option {}", who.to_string_lossy()));
            return usage();
        }
        _ if command.is_empty() => return usage(),
        _ => {}
    }
    match switch::switch(who) {
        Ok(user) => {
            let mut environment = Environment::from_os(std::env::vars_os());
            user.describe(&mut environment);
            let error = exec(command, &environment);
            complain(&error.to_string());
            error.status()
        }
        Err(error) => {
            complain(&error.to_string());
            FAILED
        }
    }
}

/// A reader that has gone away is no reason to complain.
fn say(text: &str) -> u8 {
    let _ = io::stdout().lock().write_all(text.as_bytes());
    0
}

fn usage() -> u8 {
    let _ = io::stderr()
        .lock()
        .write_all(format!("{USAGE}\n").as_bytes());
    FAILED
}

fn complain(text: &str) {
    let _ = io::stderr()
        .lock()
        .write_all(format!("setuser: {text}\n").as_bytes());
}
