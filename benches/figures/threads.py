"""Many threads at once: lookups a second of the whole process."""

import entries
import samples
import services
import settings
from table import Table

THREADS = (1, 2, 4, 8, 16, 32, 64)
SAMPLE = settings.by_haste(40_000, 5_000, 1_000)


def _measure(size):
    found = {}
    first, count = entries.QUESTIONS["any"]
    with services.running(services.all_services(size), size) as started:
        for service in services.rounds(started, min(settings.ROUNDS, 9)):
            for threads in THREADS:
                line = f"threads {threads} gai {first} {count} {SAMPLE}"
                took = service.nanoseconds(line)
                if took is not None:
                    found.setdefault((service.name, threads), []).append(1e9 / took)
    return found


def measure():
    """A table for a small file and for a large one."""
    wanted = settings.by_haste((10, 1_000, 100_000), (1_000,), (10,))
    sizes = [size for size in settings.SIZES if size in wanted]
    return [_table(size, _measure(size)) for size in sizes or settings.SIZES[:1]]


def _table(size, found):
    rows = []
    for name in dict.fromkeys(name for name, _ in found):
        taken = (found.get((name, threads)) for threads in THREADS)
        rows.append([
            name,
            *(f"{samples.digits(samples.median(each))} ±{samples.spread(each):.0%}" if each else "wrong"
              for each in taken),
        ])
    header = ["service", *(f"{threads} threads" if threads > 1 else "1 thread" for threads in THREADS)]
    note = f"Lookups a second of the whole process, by getaddrinfo, {entries.ANY} names in turn."
    return Table(f"Many threads, {size:,} entries", header, rows, note)
