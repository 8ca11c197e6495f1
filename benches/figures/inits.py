"""PID 1: ours beside its peers, each in a PID namespace of its own."""

import contextlib
import os
import threading

import cell
import samples
import settings
from table import Table

# Rounds of what takes a second each.
SLOW_ROUNDS = settings.by_haste(7, 2, 1)
ORPHANS = settings.by_haste(20_000, 2_000, 100)
ORPHAN_ROUNDS = settings.by_haste(3, 1, 1)
IDLE_SECONDS = settings.by_haste(60, 3, 1)
# How long services run before they are told to end, in milliseconds: within a service's first
# second runsv waits for that second to pass.
SETTLE = settings.by_haste(1200, 1200, 20)
# More than any init waits for a stubborn service before it kills it; some never do.
PATIENCE = settings.by_haste(20, 6, 1)

# The main command follows. "bare" has no init at all.
MAIN = {
    "bare": "",
    "my_init": "my_init --quiet --skip-startup-files --skip-runit --",
    "tini": "tini --",
    "dumb-init": "dumb-init --",
    "catatonit": "catatonit --",
}
# What starts the services of a folder.
SERVICES = {
    "my_init": "my_init --quiet --skip-startup-files",
    "runsvdir": "runsvdir -P /etc/service",
    "s6-svscan": "s6-svscan /etc/service",
}
SETUSER = {
    "bare": "",
    "setuser": "setuser bench",
    "chpst": "chpst -u bench",
    "gosu": "gosu bench",
    "setpriv": "setpriv --reuid bench --regid bench --init-groups",
}
OBEDIENT = "#!/bin/sh\nexec /bench/stamp stay\n"
STUBBORN = "#!/bin/sh\ntrap '' TERM\nexec /bench/stamp stay\n"


def _is_there(command):
    """Whether the tree has the program of a command line."""
    program = command.split()[0] if command else "sh"
    folders = ("usr/bin", "usr/sbin")
    return any(os.path.exists(os.path.join(settings.ROOT, folder, program)) for folder in folders)


def _installed(table):
    """Those of a table that the tree has; measure() tells what is left out."""
    return {name: command for name, command in table.items() if _is_there(command)}


def _cell(name, services=()):
    """A cell with these services, the driver started."""
    made = cell.Cell(f"init-{name}")
    folder = made.file("etc/service")
    if os.path.islink(folder):
        os.unlink(folder)
    os.makedirs(folder)
    for nth, script in enumerate(services):
        run = f"etc/service/{nth}/run"
        made.write(run, script)
        os.chmod(made.file(run), 0o755)
    made.start(f"exec /bench/life {SETTLE}")
    return made


@contextlib.contextmanager
def _cells(names, services=()):
    cells = {}
    try:
        for name in names:
            cells[name] = _cell(name, services)
        yield cells
    finally:
        for made in cells.values():
            made.close()


def _interleaved(names, services, rounds, line):
    """The driver's answers, as lists of words by name; `line` makes the command of a name."""
    found = {name: [] for name in names}
    with _cells(names, services) as cells:
        for _ in range(rounds):
            for name in names:
                found[name].append(cells[name].ask(line(name)))
    return found


def _times(answers, at):
    """One figure of each answer, in nanoseconds; nothing where it failed."""
    good = [words for words in answers if words[0] != "failed" and words[at] != "never"]
    return [int(words[at]) for words in good]


def _over_bare(title, table, where, note):
    commands = _installed(table)
    line = "end {} 1 10 {} /bench/stamp".format
    found = _interleaved(commands, (), settings.ROUNDS, lambda name: line(where, commands[name]))
    rows = []
    for name, answers in found.items():
        begun, gone = _times(answers, 0), _times(answers, 1)
        if not begun:
            rows.append([name, "failed", "", "", ""])
            continue
        rows.append([
            name,
            samples.timing(begun),
            f"{samples.digits(samples.ratio(begun, _times(found['bare'], 0)))} ×",
            samples.timing(gone),
            f"{samples.digits(samples.ratio(gone, _times(found['bare'], 1)))} ×",
        ])
    return Table(title, ["", "start to main", "over bare", "start to gone", "over bare"], rows, note)


def _idle():
    """All inits at once: they do nothing, and one minute serves all."""
    commands = {name: f"{command} /bench/stamp stay" for name, command in _installed(MAIN).items() if command}
    services = {f"{name}, one service": command for name, command in _installed(SERVICES).items()}
    rows = []
    with _cells(commands) as plain, _cells(services, [OBEDIENT]) as supervising:
        cells, lines = {**plain, **supervising}, {**commands, **services}
        threads = []

        def look(name):
            words = cells[name].ask(f"idle pid1 1 {IDLE_SECONDS} {lines[name]}")
            rows.append([name, *words] if words[0] != "failed" else [name, "failed", "", "", ""])

        for name in cells:
            threads.append(threading.Thread(target=look, args=(name,)))
            threads[-1].start()
        for thread in threads:
            thread.join()
    rows.sort(key=lambda row: list(lines).index(row[0]))
    header = ["", "PSS, KiB", "private, KiB", "dirty, KiB", f"system calls in {IDLE_SECONDS} s"]
    return Table("PID 1 with nothing to do", header, rows, "The process itself, without those that it has started.")


def _orphans():
    commands = {name: command for name, command in _installed(MAIN).items() if command}
    supervisors = {name: command for name, command in _installed(SERVICES).items() if name not in commands}
    columns = []
    for mode in ("burst", "double"):
        work = f"/bench/orphans {mode} {ORPHANS}"
        found = _interleaved(commands, (), ORPHAN_ROUNDS, lambda name: f"end pid1 0 60 {commands[name]} {work}")
        service = f"#!/bin/sh\n{work}\nexec /bench/stamp stay\n"
        found.update(_interleaved(
            supervisors, [service], ORPHAN_ROUNDS, lambda name: f"boot pid1 1 60 {supervisors[name]}"
        ))
        columns.append(found)
    rows = []
    for name in columns[0]:
        fields = []
        for found in columns:
            taken = [time for time in _times(found[name], 2) if time]
            rates = [ORPHANS * 1e9 / time for time in taken]
            fields.append(f"{samples.digits(samples.median(rates))} ±{samples.spread(rates):.0%}" if rates else "failed")
        rows.append([name, *fields])
    note = (
        f"{ORPHANS:,} orphans, a second. *At once*: dead children whose parent ends, so that all "
        "fall to PID 1 in one instant. *Double forks*: made one after the other, which the kernel limits."
    )
    return Table("Orphans reaped a second", ["", "at once", "double forks"], rows, note)


def _boot():
    commands = _installed(SERVICES)
    found = _interleaved(commands, [OBEDIENT], settings.ROUNDS, lambda name: f"boot pid1 1 20 {commands[name]}")
    bare = _times(found["runsvdir"], 0)
    rows = []
    for name, answers in found.items():
        begun = _times(answers, 0)
        over = samples.median([a - b for a, b in zip(begun, bare)]) if begun else 0
        rows.append([name, samples.timing(begun) if begun else "failed", f"{over / 1e6:+.2f} ms"])
    note = "From just before exec until the service, a shell script that execs a program, runs."
    return Table("Boot to the first service", ["", "time", "over runsvdir"], rows, note)


def _stop():
    mains = {name: f"{command} /bench/stamp stay" for name, command in _installed(MAIN).items() if command}
    services = _installed(SERVICES)
    # Columns: what is running, the services, which inits, how many stamps, how often.
    cases = (
        ("main command", (), mains, 1, SLOW_ROUNDS),
        ("1 service", [OBEDIENT], services, 1, SLOW_ROUNDS),
        ("20 services", [OBEDIENT] * 20, services, 20, SLOW_ROUNDS),
        ("a stubborn service", [STUBBORN], services, 1, 1),
    )
    fields = {}
    for title, scripts, commands, stamps, rounds in cases:
        line = "term pid1 {} {} {}".format
        found = _interleaved(commands, scripts, rounds, lambda name: line(stamps, PATIENCE, commands[name]))
        for name, answers in found.items():
            gone = _times(answers, 1)
            stuck = any("never" in words for words in answers)
            text = samples.timing(gone) if gone else f"over {PATIENCE} s" if stuck else "failed"
            fields.setdefault(name, {})[title] = text
    titles = [title for title, *_ in cases]
    rows = [[name, *(fields[name].get(title, "–") for title in titles)] for name in fields]
    note = (
        "From SIGTERM, a while after the start, until PID 1 is gone. runsvdir does not wait for its services on SIGTERM: it "
        "ends, and the kernel kills them."
    )
    return Table("SIGTERM to gone", ["", *titles], rows, note)


def measure():
    """The tables."""
    missing = [name for name, command in {**MAIN, **SERVICES, **SETUSER}.items() if not _is_there(command)]
    if missing:
        print(f"   not in target/dist, so left out: {' '.join(missing)}", flush=True)
    return [
        _over_bare(
            "Start of the main command as PID 1", MAIN, "pid1",
            "From just before exec until main() of the main command, a dynamically linked program "
            "that ends at once, and until PID 1 is gone.",
        ),
        _idle(),
        _orphans(),
        _boot(),
        _stop(),
        _over_bare(
            "Start of a command as another user", SETUSER, "plain",
            "From just before exec until main() of the command, and until it has ended.",
        ),
    ]
