//! Walks every state that the machine can reach, beside a model of the world it acts on.
//!
//! A node is the machine's state and what the world looks like: which processes are alive, which
//! time is set, how many files each list still has. From each node every event that the world can
//! bring about is taken, breadth first, and each step is checked. In the end the graph itself is:
//! a shutdown that could go round in circles would be a cycle in it.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Action, Asked, Event, Job, Limit, Line, Patience, Plan, Stage, State, step};
use crate::init::signal::{Ending, Signal};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    startup_files: u8,
    pre_hooks: u8,
    post_hooks: u8,
    alive: Vec<Job>,
    armed: Option<Limit>,
    /// The answer to `Start` is due before anything else.
    pending: Option<Job>,
    watches_services: bool,
    watches_supervisors: bool,
    watches_left: bool,
    /// Those that have been told once that the list is through.
    pre_done: bool,
    post_done: bool,
    main: Option<Ending>,
    /// Not even SIGKILL ended the main command in time.
    main_given_up: bool,
    hook_failed: bool,
    imported: bool,
    exit: Option<u8>,
}

impl World {
    fn new(files: u8) -> Self {
        Self {
            startup_files: files,
            pre_hooks: files,
            post_hooks: files,
            alive: Vec::new(),
            armed: None,
            pending: None,
            watches_services: false,
            watches_supervisors: false,
            watches_left: false,
            pre_done: false,
            post_done: false,
            main: None,
            main_given_up: false,
            hook_failed: false,
            imported: false,
            exit: None,
        }
    }

    fn files(&mut self, job: Job) -> Option<&mut u8> {
        match job {
            Job::Startup => Some(&mut self.startup_files),
            Job::PreHook => Some(&mut self.pre_hooks),
            Job::PostHook => Some(&mut self.post_hooks),
            _ => None,
        }
    }

    /// All that may happen next, each with the world after it.
    fn events(&self) -> Vec<(Event, World)> {
        let mut found = Vec::new();
        let mut add = |event, change: &dyn Fn(&mut World)| {
            let mut world = self.clone();
            change(&mut world);
            found.push((event, world));
        };
        if let Some(job) = self.pending {
            let is_empty = self.clone().files(job).is_some_and(|left| *left == 0);
            if is_empty {
                add(Event::Nothing(job), &|world| {
                    world.pending = None;
                    world.pre_done |= job == Job::PreHook;
                    world.post_done |= job == Job::PostHook;
                });
                return found;
            }
            let take = |world: &mut World| {
                world.pending = None;
                if let Some(left) = world.files(job) {
                    *left -= 1;
                }
            };
            add(Event::Started(job), &|world| {
                take(world);
                world.alive.push(job);
            });
            for errno in [2, 13] {
                add(Event::Refused(job, errno), &|world| {
                    take(world);
                    world.hook_failed |= matches!(job, Job::PreHook | Job::PostHook);
                });
            }
            return found;
        }
        if self.armed.is_some() {
            add(Event::Deadline, &|world| world.armed = None);
        }
        for &job in &self.alive {
            for ending in [
                Ending::Exited(0),
                Ending::Exited(3),
                Ending::Killed(Signal::KILL),
            ] {
                add(Event::Ended(job, ending), &|world| {
                    world.alive.retain(|&other| other != job);
                    if job == Job::Main {
                        world.main = Some(ending);
                    }
                    world.hook_failed |=
                        matches!(job, Job::PreHook | Job::PostHook) && !ending.is_success();
                });
            }
            for signal in [Signal::TSTP, Signal::STOP] {
                add(Event::Stopped(job, signal), &|_| ());
            }
        }
        for signal in SIGNALS {
            add(Event::Signal(signal), &|_| ());
        }
        if self.watches_services {
            add(Event::ServicesDown, &|world| world.watches_services = false);
        }
        if self.watches_supervisors {
            add(Event::SupervisorsGone, &|world| {
                world.watches_supervisors = false;
            });
        }
        if self.watches_left {
            add(Event::SomeLeft, &|_| ());
            add(Event::NoneLeft, &|world| world.watches_left = false);
        }
        found
    }

    fn act(&mut self, action: Action, event: Event, armed: Option<Limit>) {
        match action {
            Action::ImportEnvironment => self.imported = true,
            Action::Start(job) => {
                assert!(self.imported, "started before the environment is there");
                assert_eq!(self.pending, None, "two starts at once");
                // What not even SIGKILL could end is forgotten; everything else has ended.
                let given_up = event == Event::Deadline && armed == Some(Limit::AfterKill);
                assert!(given_up || !self.alive.contains(&job), "{job:?} runs twice");
                self.hook_failed |=
                    self.alive.contains(&job) && matches!(job, Job::PreHook | Job::PostHook);
                self.alive.retain(|&other| other != job);
                match job {
                    Job::PreHook => assert!(!self.pre_done, "the list is begun again"),
                    Job::PostHook => assert!(self.pre_done && !self.post_done),
                    _ => {}
                }
                self.pending = Some(job);
            }
            Action::Signal(job, _) => {
                assert!(self.alive.contains(&job), "a signal to {job:?}, gone");
            }
            Action::Arm(limit) => self.armed = Some(limit),
            Action::Disarm => self.armed = None,
            Action::TakeTerminal => self.main_given_up |= event == Event::Deadline,
            Action::StopServices => {
                assert!(self.pre_done, "services stop before the hooks before them");
                self.watches_services = true;
            }
            Action::StopSupervisors => self.watches_supervisors = true,
            Action::SignalLeft(_) => self.watches_left = true,
            Action::Exit(code) => {
                assert_eq!(self.exit, None, "two exits");
                self.exit = Some(code);
            }
            _ => {}
        }
    }
}

const SIGNALS: [Signal; 6] = [
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::HALT,
    Signal::HUP,
    Signal::CONT,
];

fn all_events() -> Vec<Event> {
    let jobs = [
        Job::Workaround,
        Job::InsecureKey,
        Job::Startup,
        Job::Runsvdir,
        Job::Main,
        Job::PreHook,
        Job::PostHook,
    ];
    let mut events = vec![
        Event::Begin,
        Event::Deadline,
        Event::ServicesDown,
        Event::SupervisorsGone,
        Event::SomeLeft,
        Event::NoneLeft,
    ];
    events.extend(SIGNALS.map(Event::Signal));
    for job in jobs {
        events.extend([
            Event::Started(job),
            Event::Refused(job, 2),
            Event::Nothing(job),
            Event::Ended(job, Ending::Exited(0)),
            Event::Ended(job, Ending::Exited(3)),
            Event::Ended(job, Ending::Killed(Signal::KILL)),
            Event::Stopped(job, Signal::TSTP),
            Event::Stopped(job, Signal::STOP),
        ]);
    }
    events
}

fn plans() -> Vec<Plan> {
    (0..128)
        .map(|bits| {
            let bit = |nth: u8| bits & (1_u8 << nth) != 0;
            Plan {
                workaround: bit(0),
                insecure_key: bit(1),
                startup_files: bit(2),
                runit: bit(3),
                main_command: bit(4),
                kill_all: bit(5),
                pid_one: bit(6),
            }
        })
        // The command line refuses it.
        .filter(|plan| plan.runit || plan.main_command)
        .collect()
}

/// Whether everything from here on must come to an end by itself.
fn is_bounded(state: &State) -> bool {
    match state.stage {
        Stage::Fresh | Stage::Launch(_) | Stage::Running | Stage::Done => false,
        Stage::Boot(Job::Workaround, _) => true,
        Stage::Boot(_, patience) => patience != Patience::Waiting,
        _ => true,
    }
}

fn kills(action: &Action) -> bool {
    matches!(
        action,
        Action::Signal(_, Signal::KILL)
            | Action::SignalLeft(Signal::KILL)
            | Action::KillServices
            | Action::KillSupervisors
    )
}

/// No SIGKILL but at the end of a grace, or when asked a second time.
fn check_kills(before: &State, armed: Option<Limit>, event: Event, actions: &[Action]) {
    for action in actions.iter().filter(|action| kills(action)) {
        let again =
            matches!(event, Event::Signal(Signal::TERM | Signal::INT)) && before.asked != Asked::No;
        let repeated = event == Event::SomeLeft
            && before.stage == Stage::Leftovers(Patience::Killed)
            && *action == Action::SignalLeft(Signal::KILL);
        let over = event == Event::Deadline
            && match armed {
                Some(Limit::AfterKill) => {
                    *action == Action::KillSupervisors && before.services_killed
                }
                Some(Limit::FirstHalf | Limit::Hook) => false,
                // `None`: an event that the world does not bring about.
                Some(_) | None => true,
            };
        assert!(
            again || repeated || over,
            "{action:?} after {event:?} in {before:?}"
        );
    }
}

fn check_exit(plan: Plan, world: &World, state: &State) {
    let code = world.exit.unwrap();
    if let Some(ending) = world.main {
        let given_up = code == 137 && world.main_given_up;
        let hook = code == 1 && ending.code() == 0 && world.hook_failed;
        assert!(
            code == ending.code() || hook || given_up,
            "{code} where the main command's is {ending:?}: {state:?}"
        );
        assert!(code != 0 || !world.hook_failed, "a failed hook is hidden");
    }
    assert!(!plan.kill_all || world.watches_left || state.stage == Stage::Done);
}

type Node = (State, World);

#[test]
fn every_run_of_every_plan_ends_and_kills_nothing_too_early() {
    let mut nodes = 0;
    let events = all_events();
    for plan in plans() {
        nodes += explore(plan, 0, &events);
        // Two files a list where every part of the machine is at work; else one tells as much.
        let full = plan.workaround && plan.startup_files && plan.runit && plan.main_command;
        nodes += explore(plan, if full { 2 } else { 1 }, &events);
    }
    println!("{nodes} nodes");
    assert!(nodes > 10_000, "{nodes}");
}

fn explore(plan: Plan, files: u8, all: &[Event]) -> usize {
    let mut ids: HashMap<Node, usize> = HashMap::new();
    let mut edges: Vec<Vec<usize>> = Vec::new();
    let mut bounded: Vec<bool> = Vec::new();
    let mut queue: VecDeque<Node> = VecDeque::new();
    let mut states: HashSet<State> = HashSet::new();
    let mut can_exit = false;

    let (state, actions) = step(State::new(plan), Event::Begin);
    let mut world = World::new(files);
    for action in actions {
        world.act(action, Event::Begin, None);
    }
    ids.insert((state, world.clone()), 0);
    queue.push_back((state, world));
    while let Some((state, world)) = queue.pop_front() {
        let mut next = Vec::new();
        let settled = world.pending.is_none();
        bounded.push(is_bounded(&state));
        if is_bounded(&state) && settled {
            assert!(world.armed.is_some(), "a wait without a bound: {state:?}");
        }
        if state.stage == Stage::Done {
            can_exit = true;
            check_exit(plan, &world, &state);
            edges.push(next);
            continue;
        }
        assert_eq!(world.exit, None, "exit before the end: {state:?}");
        for (event, mut after) in world.events() {
            let (new, actions) = step(state, event);
            check_kills(&state, world.armed, event, &actions);
            for action in actions {
                after.act(action, event, world.armed);
            }
            let node = (new, after);
            let known = ids.len();
            let id = *ids.entry(node.clone()).or_insert_with(|| {
                queue.push_back(node);
                known
            });
            next.push(id);
        }
        edges.push(next);
        if states.insert(state) {
            totality(&state, all);
        }
    }
    assert!(can_exit, "{plan:?}");
    no_circles(&edges, &bounded);
    ids.len()
}

/// What the world would not bring about must not do harm either.
fn totality(state: &State, all: &[Event]) {
    for &event in all {
        let (after, actions) = step(state, event);
        check_kills(state, None, event, &actions);
        let exits = actions
            .iter()
            .filter(|action| matches!(action, Action::Exit(_)))
            .count();
        assert_eq!(exits == 1, after.is_done() && !state.is_done(), "{state:?}");
        // A line about a file that failed comes at most once a step.
        let failures = actions
            .iter()
            .filter(|action| matches!(action, Action::Log(Line::Failed(..))))
            .count();
        assert!(failures <= 1);
    }
}

/// With a time set in every bounded node, a shutdown that does not end can only go in circles.
fn no_circles(edges: &[Vec<usize>], bounded: &[bool]) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Closed,
    }
    let mut marks = vec![Mark::New; edges.len()];
    for start in 0..edges.len() {
        if !bounded[start] || marks[start] != Mark::New {
            continue;
        }
        let mut path = vec![(start, 0)];
        marks[start] = Mark::Open;
        while let Some((node, nth)) = path.last_mut() {
            let from = *node;
            let Some(&to) = edges[from].get(*nth) else {
                marks[from] = Mark::Closed;
                path.pop();
                continue;
            };
            *nth += 1;
            // An event that changes nothing does not set the time again either.
            if to == from || !bounded[to] {
                continue;
            }
            assert!(marks[to] != Mark::Open, "the shutdown goes in circles");
            if marks[to] == Mark::New {
                marks[to] = Mark::Open;
                path.push((to, 0));
            }
        }
    }
}
