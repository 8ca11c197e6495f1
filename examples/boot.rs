//! What `my_init` does with the environment store, without being PID 1:
//!
//! ```sh
//! cargo run --example boot -- 'echo 1 > /etc/container_environment/A' ...
//! ```
//!
//! It imports and exports the environment, runs each argument as a startup script, and prints what
//! a service would get, as `NAME=VALUE` strings that end in NUL. Warnings go to standard error. It
//! works on the system's own store, so a container or a mount namespace is the place for it.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::Command;

use baseimage::environment::Environment;
use baseimage::store::{Store, Warning};

fn main() -> io::Result<()> {
    let store = Store::system();
    let import = store.import(Environment::from_os(std::env::vars_os()));
    let mut live = store.export(import);
    tell(live.warnings())?;
    for script in std::env::args_os().skip(1) {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(script).env_clear();
        shell.envs(live.environment().os_pairs()).status()?;
        tell(&store.reload(&mut live))?;
    }
    let mut out = io::stdout().lock();
    for string in live.environment().strings() {
        out.write_all(&string)?;
        out.write_all(&[0])?;
    }
    Ok(())
}

fn tell(warnings: &[Warning]) -> io::Result<()> {
    for warning in warnings {
        writeln!(io::stderr(), "warning: {warning}")?;
    }
    Ok(())
}
