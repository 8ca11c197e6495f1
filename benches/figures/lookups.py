"""Lookups in a warm process: by each of libc's calls, for each size of the file."""

import entries
import samples
import services
import settings
import trace
from table import Table

OPERATIONS = {
    "name": "gethostbyname2_r",
    "gai": "getaddrinfo",
    "addr": "gethostbyaddr_r",
}
FLOOR = "floor of "


def _floors(service, operations):
    """Has the driver know the system calls of each question; gives back the commands."""
    commands = {}
    for operation in operations:
        for question, place in entries.QUESTIONS.items():
            traced = trace.calls(service, operation, place)
            name = f"floor-{operation}-{question}"
            service.cell.write(f"tmp/{name}", trace.floor(traced))
            commands[operation, question] = f"replay /tmp/{name} {settings.SAMPLE}"
    return commands


def _commands(service, operations):
    """What is measured in this service's cell: (row, operation, question) and the command."""
    for operation in operations:
        for question, (first, count) in entries.QUESTIONS.items():
            if service.finds or question == "miss":
                command = f"time {operation} {first} {count} {settings.SAMPLE}"
                yield (service.name, operation, question), command
    if isinstance(service, services.Scan):
        for (operation, question), command in _floors(service, operations).items():
            yield (FLOOR + service.name, operation, question), command


def _measure(kinds, size, operations, overlay=False):
    """Samples in nanoseconds by (row, operation, question); None where the answer was wrong."""
    found = {}
    with services.running(kinds, size, overlay) as started:
        commands = {service: list(_commands(service, operations)) for service in started}
        for service in started:
            # A cache that fills name by name is shown at its best, as the others are.
            if service.forget:
                for operation in operations:
                    for first, count in entries.QUESTIONS.values():
                        service.ask(f"ask {operation} {first} {count} {count}")
        for service in services.rounds(started, settings.ROUNDS):
            for key, command in commands[service]:
                taken = found.setdefault(key, [])
                if taken is None:
                    continue
                took = service.nanoseconds(command)
                if took is None:
                    found[key] = None
                else:
                    taken.append(took)
    return found


def _field(taken, files):
    if taken is None:
        return "wrong"
    if not taken:
        return "–"
    field = samples.timing(taken)
    if files and files is not taken:
        field += f", {samples.digits(samples.ratio(files, taken))}×"
    return field


def measure():
    """The tables, one for each call."""
    found, overlaid = {}, {}
    for size in settings.SIZES:
        print(f"   {size:,} entries", flush=True)
        every = services.all_services(size)
        found[size] = _measure([*every, services.Null], size, OPERATIONS)
        readers = [kind for kind in every if not kind.daemon and kind is not services.NssWrapper]
        overlaid[size] = _measure(readers, size, ["gai"], overlay=True)
    tables = [_table(f"A lookup by {call}", operation, found) for operation, call in OPERATIONS.items()]
    tables.append(_table("A lookup by getaddrinfo in a container's overlayfs", "gai", overlaid))
    return tables


def _table(title, operation, found):
    rows = list(dict.fromkeys(row for size in found for row, _, _ in found[size]))
    lines = []
    for question in entries.QUESTIONS:
        for row in rows:
            key = (row, operation, question)
            if not any(key in found[size] for size in found):
                continue
            fields = (
                _field(found[size].get(key, []), found[size].get(("files", operation, question)))
                for size in found
            )
            lines.append([question, row, *fields])
    note = (
        "Median of a lookup, ± half the distance between the quartiles, and how many times as fast "
        f"as `files` in the same rounds. {settings.ROUNDS} rounds, interleaved. *any*: "
        f"{entries.ANY} names all over the file, in turn. *floor*: the same system calls as ours, "
        "with nothing between. *libc alone*: a module that knows nothing."
    )
    header = ["question", "service", *(f"{size:,} entries" for size in found)]
    data = {
        (row, question): {
            size: samples.median(found[size].get((row, operation, question)) or [])
            for size in found
        }
        for question in entries.QUESTIONS
        for row in rows
    }
    return Table(title, header, lines, note, data)
