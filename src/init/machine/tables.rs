//! Whole lives as tables: what happens, and what comes of it.

use super::{Action, Event, Job, Limit, Line, Plan, State, step};
use crate::init::signal::{Ending, Signal};

const ALL: Plan = Plan {
    workaround: false,
    insecure_key: false,
    startup_files: true,
    runit: true,
    main_command: true,
    kill_all: true,
    pid_one: true,
};
const SERVICES_ONLY: Plan = Plan {
    main_command: false,
    ..ALL
};
const COMMAND_ONLY: Plan = Plan {
    runit: false,
    startup_files: false,
    ..ALL
};

/// Lives through `events`; what was done, and the state.
fn live(plan: Plan, events: &[Event]) -> (Vec<Action>, State) {
    let mut state = State::new(plan);
    let mut done = Vec::new();
    for &event in [Event::Begin].iter().chain(events) {
        let (next, actions) = step(state, event);
        state = next;
        done.extend(actions);
    }
    (done, state)
}

fn exit_of(actions: &[Action]) -> Option<u8> {
    actions.iter().find_map(|action| match action {
        Action::Exit(code) => Some(*code),
        _ => None,
    })
}

const BOOTED: [Event; 3] = [
    Event::Nothing(Job::Startup),
    Event::Started(Job::Runsvdir),
    Event::Started(Job::Main),
];
const SERVICES_BOOTED: [Event; 2] = [Event::Nothing(Job::Startup), Event::Started(Job::Runsvdir)];
const TERM: Event = Event::Signal(Signal::TERM);
/// From the hooks before the services to the end, all going well.
const DOWN: [Event; 6] = [
    Event::Nothing(Job::PreHook),
    Event::ServicesDown,
    Event::Ended(Job::Runsvdir, Ending::Exited(0)),
    Event::SupervisorsGone,
    Event::Nothing(Job::PostHook),
    Event::NoneLeft,
];

const fn main_ends(ending: Ending) -> Event {
    Event::Ended(Job::Main, ending)
}

/// The table of exit statuses of `docs/my_init.md`.
#[test]
fn every_situation_has_its_exit_status() {
    let failed_hook = [
        Event::Started(Job::PreHook),
        Event::Ended(Job::PreHook, Ending::Exited(9)),
    ];
    let script = Event::Started(Job::Startup);
    #[rustfmt::skip]
    let table: &[(&str, Plan, Vec<Event>, u8)] = &[
        ("main command exits n",              ALL, [&BOOTED[..], &[main_ends(Ending::Exited(7))], &DOWN].concat(), 7),
        ("killed by signal s",                ALL, [&BOOTED[..], &[main_ends(Ending::Killed(Signal::KILL))], &DOWN].concat(), 137),
        ("not found",                         ALL, [&SERVICES_BOOTED[..], &[Event::Refused(Job::Main, 2)], &DOWN].concat(), 127),
        ("not a folder on the way",           ALL, [&SERVICES_BOOTED[..], &[Event::Refused(Job::Main, 20)], &DOWN].concat(), 127),
        ("not executable",                    ALL, [&SERVICES_BOOTED[..], &[Event::Refused(Job::Main, 13)], &DOWN].concat(), 126),
        ("asked, services only",              SERVICES_ONLY, [&SERVICES_BOOTED[..], &[TERM], &DOWN].concat(), 0),
        ("asked, command mode",               ALL, [&BOOTED[..], &[TERM, main_ends(Ending::Exited(5))], &DOWN].concat(), 5),
        ("asked during startup",              ALL, [&[script, TERM, Event::Ended(Job::Startup, Ending::Killed(Signal::TERM)), Event::Nothing(Job::PreHook), Event::ServicesDown, Event::SupervisorsGone, Event::Nothing(Job::PostHook), Event::NoneLeft][..]].concat(), 143),
        ("startup file fails",                ALL, [&[script, Event::Ended(Job::Startup, Ending::Exited(3)), Event::Nothing(Job::PreHook), Event::ServicesDown, Event::SupervisorsGone, Event::Nothing(Job::PostHook), Event::NoneLeft][..]].concat(), 1),
        ("hook fails, else 0",                ALL, [&BOOTED[..], &[main_ends(Ending::Exited(0))], &failed_hook, &DOWN].concat(), 1),
        ("hook fails, else n",                ALL, [&BOOTED[..], &[main_ends(Ending::Exited(7))], &failed_hook, &DOWN].concat(), 7),
        ("runsvdir ends by itself",           SERVICES_ONLY, [&SERVICES_BOOTED[..], &[Event::Ended(Job::Runsvdir, Ending::Exited(111)), Event::Nothing(Job::PreHook), Event::ServicesDown, Event::SupervisorsGone, Event::Nothing(Job::PostHook), Event::NoneLeft]].concat(), 111),
        ("runsvdir is killed",                SERVICES_ONLY, [&SERVICES_BOOTED[..], &[Event::Ended(Job::Runsvdir, Ending::Killed(Signal::KILL)), Event::Nothing(Job::PreHook), Event::ServicesDown, Event::SupervisorsGone, Event::Nothing(Job::PostHook), Event::NoneLeft]].concat(), 137),
        ("no services, no hooks",             COMMAND_ONLY, vec![Event::Started(Job::Main), main_ends(Ending::Exited(3)), Event::NoneLeft], 3),
    ];
    for (case, plan, events, code) in table {
        let (actions, state) = live(*plan, events);
        assert_eq!(exit_of(&actions), Some(*code), "{case}: {actions:?}");
        assert!(state.is_done(), "{case}");
    }
}

/// What each first signal does to the main command.
#[test]
fn the_signal_that_asks_is_handed_on_and_term_follows_it() {
    for (signal, limit) in [
        (Signal::TERM, Limit::Grace),
        (Signal::INT, Limit::FirstHalf),
        (Signal::HALT, Limit::FirstHalf),
    ] {
        let (state, _) = {
            let (_, state) = live(ALL, &BOOTED);
            step(state, Event::Signal(Signal::HUP))
        };
        let (state, actions) = step(state, Event::Signal(signal));
        assert_eq!(
            actions,
            [
                Action::Log(Line::ShuttingDown(Job::Main)),
                Action::Signal(Job::Main, signal),
                Action::Arm(limit)
            ],
            "{signal}"
        );
        let (_, actions) = step(state, Event::Deadline);
        let next = if signal == Signal::TERM {
            Action::Signal(Job::Main, Signal::KILL)
        } else {
            Action::Signal(Job::Main, Signal::TERM)
        };
        assert!(actions.contains(&next), "{signal}: {actions:?}");
    }
}

#[test]
fn other_signals_are_handed_on_or_let_be() {
    let (_, state) = live(ALL, &BOOTED);
    for number in 1..=64 {
        let signal = Signal(number);
        let asks = matches!(signal, Signal::TERM | Signal::INT | Signal::HALT);
        if asks || signal == Signal::CONT {
            continue;
        }
        let (after, actions) = step(state, Event::Signal(signal));
        let want = if signal.is_forwarded() {
            vec![Action::Signal(Job::Main, signal)]
        } else {
            vec![]
        };
        assert_eq!((after, actions), (state, want), "{signal}");
    }
    // Without a command there is nobody to hand them on to.
    let (_, state) = live(SERVICES_ONLY, &SERVICES_BOOTED);
    for number in [1, 10, 12, 18, 28, 40] {
        let (after, actions) = step(state, Event::Signal(Signal(number)));
        assert_eq!((after, actions), (state, vec![]), "signal {number}");
    }
}

/// Ctrl-Z: with nobody behind us it has no effect that lasts, with a shell it is the shell's turn.
#[test]
fn a_stopped_command_goes_on_or_stops_us_too() {
    for (pid_one, first) in [
        (true, Action::Log(Line::Continuing(Job::Main, Signal::TSTP))),
        (false, Action::Suspend),
    ] {
        let (_, state) = live(Plan { pid_one, ..ALL }, &BOOTED);
        let (_, actions) = step(state, Event::Stopped(Job::Main, Signal::TSTP));
        assert_eq!(actions, [first, Action::Continue(Job::Main)], "{pid_one}");
        // Whoever sends SIGSTOP means it.
        let (stopped, actions) = step(state, Event::Stopped(Job::Main, Signal::STOP));
        assert_eq!(actions, [], "{pid_one}");
        let (_, actions) = step(stopped, TERM);
        assert!(
            actions.contains(&Action::Continue(Job::Main)),
            "{actions:?}"
        );
    }
}
