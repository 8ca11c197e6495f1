//! Whole lives in a made-up world with a made-up clock: the driver and the machine together, behind
//! the seam.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::driver::Driver;
use super::kernel::{Command, Kernel, Place, Reaped, Stubborn};
use super::machine::Plan;
use super::settings::Settings;
use super::signal::{Ending, Signal};
use crate::environment::Environment;

/// What a program does.
#[derive(Clone, Copy)]
enum Program {
    /// Ends by itself after so many milliseconds.
    Ends(u64, Ending),
    /// Runs until SIGTERM.
    Obeys,
    /// Runs until SIGKILL.
    Ignores,
    /// Not even that ends it.
    Immortal,
}

#[derive(Clone, Copy)]
struct Process {
    pid: i32,
    program: Program,
    ends: Option<(Duration, Ending)>,
}

#[derive(Default)]
struct World {
    now: Duration,
    programs: BTreeMap<String, Program>,
    folders: BTreeMap<PathBuf, Vec<PathBuf>>,
    processes: Vec<Process>,
    signals: Vec<(u64, Signal)>,
    services: Option<Program>,
    services_killed: bool,
    /// As the real one, the kernel looks at services that are going down.
    looks: bool,
    started: Vec<OsString>,
    places: Vec<Place>,
    lines: String,
    next: i32,
}

impl World {
    fn with(mut self, name: &str, program: Program) -> Self {
        if let Some(folder) = Path::new(name).parent() {
            let files = self.folders.entry(folder.to_owned()).or_default();
            files.push(name.into());
        }
        self.programs.insert(name.to_owned(), program);
        self
    }

    fn asked(mut self, at: u64, signal: Signal) -> Self {
        self.signals.push((at, signal));
        self
    }

    fn with_services(mut self, program: Program) -> Self {
        self.services = Some(program);
        self.with("/usr/bin/runsvdir", Program::Obeys)
    }

    /// A process that is nobody's job.
    fn with_orphan(mut self, program: Program) -> Self {
        self.add(program);
        self
    }

    fn add(&mut self, program: Program) -> i32 {
        self.next += 1;
        let ends = match program {
            Program::Ends(after, ending) => Some((self.now + Duration::from_millis(after), ending)),
            _ => None,
        };
        self.processes.push(Process {
            pid: self.next,
            program,
            ends,
        });
        self.next
    }

    fn hit(&mut self, pid: Option<i32>, signal: Signal) {
        let now = self.now;
        for process in &mut self.processes {
            if pid.is_none_or(|pid| pid == process.pid)
                && process.ends.is_none_or(|(at, _)| at > now)
            {
                let dies = match process.program {
                    Program::Immortal => false,
                    Program::Ignores => signal == Signal::KILL,
                    _ => matches!(signal, Signal::KILL | Signal::TERM | Signal::INT),
                };
                if dies {
                    process.ends = Some((now, Ending::Killed(signal)));
                }
            }
        }
    }
}

/// The world and what is left of it in the end: the driver takes it by value.
struct Seen<'a>(&'a mut World);

impl Kernel for Seen<'_> {
    fn now(&self) -> Duration {
        self.0.now
    }

    fn wait(&mut self, limit: Option<Duration>) -> Vec<Signal> {
        let world = &mut *self.0;
        let end = world.processes.iter().filter_map(|process| process.ends);
        let signal = world
            .signals
            .first()
            .map(|(at, _)| Duration::from_millis(*at));
        let next = end
            .map(|(at, _)| at)
            .chain(signal)
            .chain(limit.map(|limit| world.now + limit))
            .chain(world.looks.then(|| world.now + Duration::from_millis(5)))
            .min();
        world.now = next.expect("sleeps for ever").max(world.now);
        let now = world.now;
        let due = |&(at, _): &(u64, Signal)| Duration::from_millis(at) <= now;
        let signals = world.signals.iter().copied().filter(due);
        let signals = signals.map(|(_, signal)| signal).collect();
        world.signals.retain(|signal| !due(signal));
        signals
    }

    fn reap(&mut self) -> Reaped {
        let now = self.0.now;
        let over = |process: &Process| process.ends.is_some_and(|(at, _)| at <= now);
        match self.0.processes.iter().position(over) {
            Some(at) => {
                let process = self.0.processes.remove(at);
                Reaped::Ended(process.pid, process.ends.unwrap().1)
            }
            None if self.0.processes.is_empty() => Reaped::NoChild,
            None => Reaped::NoMore,
        }
    }

    fn start(&mut self, command: &Command) -> Result<i32, i32> {
        let name = command.arguments[0].to_str().unwrap();
        let program = self.0.programs.get(name).copied().ok_or(2)?;
        self.0.started.push(command.arguments[0].clone());
        self.0.places.push(command.place);
        Ok(self.0.add(program))
    }

    fn signal(&mut self, pid: i32, signal: Signal) {
        self.0.hit(Some(pid), signal);
    }

    fn signal_group(&mut self, _leader: i32, signal: Signal) {
        assert_eq!(signal, Signal::CONT);
    }

    fn write(&mut self, line: &[u8]) {
        self.0.lines.push_str(std::str::from_utf8(line).unwrap());
    }

    fn import_environment(&mut self) -> Vec<String> {
        vec!["imported".into()]
    }

    fn reload_environment(&mut self) -> Vec<String> {
        vec!["reloaded".into()]
    }

    fn runnable_in(&mut self, folder: &Path) -> (Vec<PathBuf>, Option<String>) {
        let files = self.0.folders.get(folder);
        (files.cloned().unwrap_or_default(), None)
    }

    fn is_runnable(&mut self, path: &Path) -> bool {
        self.0.programs.contains_key(path.to_str().unwrap())
    }

    fn give_terminal(&mut self, _leader: i32) {}

    fn take_terminal(&mut self) {}

    fn stop_self(&mut self) {}

    fn age_services(&mut self) {}

    fn stop_services(&mut self) -> bool {
        let down = match self.0.services {
            Some(Program::Ignores) => self.0.services_killed,
            Some(Program::Immortal) => false,
            _ => true,
        };
        self.0.looks = !down;
        down
    }

    fn kill_services(&mut self) -> Vec<Stubborn> {
        self.0.services_killed = true;
        vec![Stubborn {
            name: "web".into(),
            pid: 99,
        }]
    }

    fn stop_supervisors(&mut self) -> bool {
        self.0.looks = false;
        !matches!(self.0.services, Some(Program::Immortal))
    }

    fn kill_supervisors(&mut self) {}

    fn signal_left(&mut self, signal: Signal) {
        self.0.hit(None, signal);
    }

    fn is_any_left(&mut self) -> bool {
        false
    }
}

const PLAN: Plan = Plan {
    workaround: false,
    insecure_key: false,
    startup_files: true,
    runit: true,
    main_command: false,
    kill_all: true,
    pid_one: true,
};

/// The exit status of a life with the default settings.
fn live(world: &mut World, command: &[&str]) -> u8 {
    let plan = Plan {
        main_command: !command.is_empty(),
        ..PLAN
    };
    let command = command.iter().map(OsString::from).collect();
    let (settings, _) = Settings::from_environment(&Environment::new());
    Driver::new(Seen(world), plan, settings, false, command).run()
}

const PRE: &str = "/etc/my_init.pre_shutdown.d/a";
const POST: &str = "/etc/my_init.post_shutdown.d/a";
const DONE: Program = Program::Ends(0, Ending::Exited(0));

/// `docker stop` pulls the plug after 10 seconds.
#[test]
fn where_services_and_all_that_is_left_ignore_term_it_takes_less_than_ten_seconds() {
    let mut world = World::default()
        .with_services(Program::Ignores)
        .with(POST, DONE)
        .with_orphan(Program::Ignores)
        .asked(1000, Signal::TERM);
    assert_eq!(live(&mut world, &[]), 0, "{}", world.lines);
    assert!(world.now < Duration::from_secs(1 + 10), "{:?}", world.now);
    assert!(world.started.contains(&POST.into()), "{:?}", world.started);
    assert!(
        world
            .lines
            .contains("*** web (PID 99) did not shut down in time.")
    );
}

#[test]
fn where_nothing_can_be_ended_the_run_ends_all_the_same() {
    for program in [Program::Obeys, Program::Ignores, Program::Immortal] {
        let mut world = World::default()
            .with_services(program)
            .with("/usr/bin/runsvdir", program)
            .with("main", program)
            .with(PRE, program)
            .with(POST, program)
            .with_orphan(program)
            .asked(100, Signal::TERM);
        let status = live(&mut world, &["main"]);
        let want = if matches!(program, Program::Obeys) {
            143
        } else {
            137
        };
        assert_eq!(status, want, "{}", world.lines);
        // Two hooks of 60 s, the graces, and a second after each SIGKILL.
        assert!(world.now < Duration::from_secs(170), "{:?}", world.now);
        let hooks = world
            .started
            .iter()
            .filter(|name| *name == PRE || *name == POST);
        assert_eq!(hooks.count(), 2, "{:?}", world.started);
    }
}

#[test]
fn nothing_left_to_wait_for_takes_no_time() {
    let mut world = World::default()
        .with_services(Program::Obeys)
        .with("main", Program::Obeys)
        .asked(100, Signal::TERM);
    assert_eq!(live(&mut world, &["main"]), 143);
    assert_eq!(world.now, Duration::from_millis(100), "{}", world.lines);
}

#[test]
fn a_second_signal_ends_the_wait_at_once() {
    let mut world = World::default()
        .with_services(Program::Obeys)
        .with("main", Program::Ignores)
        .asked(100, Signal::TERM)
        .asked(200, Signal::TERM);
    assert_eq!(live(&mut world, &["main"]), 137);
    assert_eq!(world.now, Duration::from_millis(200), "{}", world.lines);
}

#[test]
fn each_job_has_its_place_and_its_turn() {
    let mut world = World::default()
        .with("/etc/my_init.d/a", DONE)
        .with("/etc/my_init.d/b", DONE)
        .with("/etc/rc.local", DONE)
        .with_services(Program::Obeys)
        .with("main", Program::Ends(50, Ending::Exited(3)))
        .with(PRE, DONE)
        .with(POST, DONE);
    assert_eq!(live(&mut world, &["main", "-x"]), 3);
    let started: Vec<&str> = world
        .started
        .iter()
        .map(|name| name.to_str().unwrap())
        .collect();
    assert_eq!(
        started,
        [
            "/etc/my_init.d/a",
            "/etc/my_init.d/b",
            "/etc/rc.local",
            "/usr/bin/runsvdir",
            "main",
            PRE,
            POST
        ]
    );
    assert_eq!(
        world.places,
        [
            Place::Ours,
            Place::Ours,
            Place::Ours,
            Place::Session,
            Place::Foreground,
            Place::Ours,
            Place::Ours
        ]
    );
    assert_eq!(
        world.lines.matches("reloaded").count(),
        3,
        "{}",
        world.lines
    );
    assert!(
        world
            .lines
            .starts_with("*** imported\n*** Running /etc/my_init.d/a...\n")
    );
    assert!(
        world
            .lines
            .contains("*** Running main -x...\n*** main exited with status 3.\n")
    );
}

/// A kernel may give the PID of an ended job to anybody.
#[test]
fn a_process_with_the_pid_of_an_ended_job_is_not_that_job() {
    let mut world = World::default()
        .with_services(Program::Ends(10, Ending::Exited(0)))
        .with("/usr/bin/runsvdir", Program::Ends(10, Ending::Exited(0)))
        .with("main", Program::Ends(100, Ending::Exited(3)));
    // runsvdir is the first; an orphan gets its number and ends with another status.
    world.processes.push(Process {
        pid: 1,
        program: Program::Ends(0, Ending::Exited(0)),
        ends: Some((Duration::from_millis(50), Ending::Exited(77))),
    });
    assert_eq!(live(&mut world, &["main"]), 3, "{}", world.lines);
    assert_eq!(
        world.lines.matches("Runit exited with status 0\n").count(),
        1,
        "{}",
        world.lines
    );
    assert!(!world.lines.contains("77"), "{}", world.lines);
}
