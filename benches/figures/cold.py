"""Cold processes: getent as a whole, and the first lookup of a fresh process."""

import entries
import samples
import services
import settings
from table import Table

NAME_OF_LAST = entries.QUESTIONS["last"][0]


def _measure(size, cold, first):
    kinds = services.all_services(size)
    name = entries.hosts(size)[1].splitlines()[NAME_OF_LAST].split()[0]
    with services.running(kinds, size) as started:
        for service in services.rounds(started, settings.ROUNDS):
            if service.forget:
                service.ask(service.forget)
            taken = first.setdefault((service.name, size), [])
            # One that takes seconds is asked once.
            if not taken or taken[-1] < 1e9:
                taken.append(service.nanoseconds(f"first gai {NAME_OF_LAST}"))
            taken = cold.setdefault((service.name, size), [])
            if not taken or taken[-1] < 1e9:
                taken += map(int, service.ask(f"run 1 getent ahosts {name}"))


def measure():
    """The tables."""
    cold, first = {}, {}
    for size in settings.SIZES:
        print(f"   {size:,} entries", flush=True)
        _measure(size, cold, first)
    return [
        _table(
            "A cold process: getent ahosts NAME", cold,
            "From fork to exit, the last name of the file. nscd has the name in its cache.",
        ),
        _table(
            "The first lookup of a process", first,
            "getaddrinfo for the last name of the file: libc reads its settings and loads the "
            "service. nscd has been told to forget the name; the start of daemons is not counted.",
        ),
    ]


def _table(title, found, note):
    rows = []
    for name in dict.fromkeys(name for name, _ in found):
        fields = []
        for size in settings.SIZES:
            taken, files = found.get((name, size)), found[("files", size)]
            field = samples.timing(taken) if taken else "–"
            if taken and name != "files":
                field += f", {samples.digits(samples.ratio(files, taken))}×"
            fields.append(field)
        rows.append([name, *fields])
    header = ["service", *(f"{size:,} entries" for size in settings.SIZES)]
    return Table(title, header, rows, note)
