"""What a lookup costs besides time: system calls, instructions, memory; and what an index costs."""

import collections
import os
import re
import subprocess

import entries
import samples
import services
import settings
import trace
from table import Table

CALLS = 50
# Fifty times slower under valgrind, the first call of nss_wrapper takes minutes beyond this.
SLOW_FIRST_CALL = 10_000


def _sizes(most=10**9):
    wanted = [size for size in settings.SIZES if size in (10, 1_000, 100_000, 1_000_000)]
    return [size for size in wanted or settings.SIZES[:1] if size <= most]


def _table(title, sizes, field, note):
    kinds = {kind.name: kind for size in sizes for kind in services.all_services(size)}
    rows = []
    for name, kind in kinds.items():
        fields = [field(kind, size) if size <= kind.most else "–" for size in sizes]
        rows.append([name, *fields])
    return Table(title, ["service", *(f"{size:,} entries" for size in sizes)], rows, note)


def _system_calls(kind, size):
    with services.prepared(kind, size) as service:
        traced = trace.calls(service, "gai", entries.QUESTIONS["last"])
    if traced is None:
        return "wrong"
    counts = collections.Counter(name for name, _, _ in traced)
    names = " ".join(name if count == 1 else f"{name} ×{count:,}" for name, count in counts.items())
    return f"{len(traced):,}: {names}" if traced else "0"


def _instructions(kind, size):
    if kind is services.NssWrapper and size > SLOW_FIRST_CALL:
        return "–"
    first, count = entries.QUESTIONS["last"]
    calls = CALLS if size <= SLOW_FIRST_CALL else 1
    with services.prepared(kind, size) as service:
        driver = service.driver(f"ask gai {first} {count} 1", f"count gai {first} {count} {calls}")
        environment, driver = driver.split("/bench/lookup", 1)
        valgrind = (
            "valgrind --tool=callgrind --callgrind-out-file=/tmp/callgrind "
            "--toggle-collect=counted /bench/lookup"
        )
        output = service.cell.sh(
            f"{service.before} env {environment} {valgrind} {driver} >/dev/null; cat /tmp/callgrind",
            stderr=subprocess.DEVNULL,
        )
    total = re.search(r"^(?:summary|totals): (\d+)", output, re.MULTILINE)
    return f"{int(total.group(1)) / calls:,.0f}"


def _daemon_memory(service):
    """PSS of the service's daemon, in KiB; its processes live in our PID namespace."""
    found = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as comm, open(f"/proc/{pid}/smaps_rollup") as rollup:
                if comm.read().strip() == service.daemon:
                    found += int(re.search(r"^Pss: +(\d+)", rollup.read(), re.MULTILINE).group(1))
        except (OSError, AttributeError):
            # It has just ended, or is a kernel thread.
            continue
    return found


def _memory(kind, size):
    first, count = entries.QUESTIONS["any"]
    with services.running([kind], size) as (service,):
        before = [] if service.daemon else service.ask("memory")
        service.ask(f"ask gai {first} {count} {count}")
        after = service.ask("memory")
        if service.daemon:
            return f"{int(after[1]):,} KiB private; daemon {_daemon_memory(service):,} KiB"
        grown = int(after[1]) - int(before[1])
        return f"{int(after[1]):,} KiB private (+{grown:,})"


def _index(size):
    times, peak = [], 0
    with services.prepared(services.Indexed, size) as service:
        text = os.path.getsize(service.cell.file(service.hosts))
        for _ in range(settings.by_haste(9, 3, 1)):
            output = service.cell.sh("/bench/usage workaround-docker-2267 --quiet index")
            nanoseconds, kibibytes = map(int, output.split()[-2:])
            times.append(nanoseconds)
            peak = max(peak, kibibytes)
        folder = os.path.dirname(service.cell.file(service.hosts))
        index = os.path.join(folder, "hosts.index")
        made = os.path.getsize(index) if os.path.exists(index) else 0
    # One read covers a short text, which needs none.
    sizes = [samples.size(made), f"{made / text:.2f}"] if made else ["none", "–"]
    return [f"{size:,}", samples.size(text), *sizes, samples.timing(times), samples.size(peak * 1024)]


def measure():
    """The tables."""
    sizes = _sizes()
    tables = [
        _table(
            "System calls of a lookup", sizes, _system_calls,
            "The second getaddrinfo of a process, as strace sees it, libc's own calls included.",
        ),
        _table(
            "Instructions of a lookup", _sizes(settings.by_haste(100_000, 1_000, 10)), _instructions,
            "By callgrind, in the process that asks: the kernel and daemons do not count.",
        ),
        _table(
            "Memory of a process that looks up", sizes, _memory,
            f"After getaddrinfo for {entries.ANY} names; in brackets, what the lookups added.",
        ),
    ]
    if services.has_index():
        header = ["entries", "text", "index", "index ÷ text", "built in", "peak memory"]
        tables.append(Table("The index", header, [_index(size) for size in settings.SIZES]))
    return tables
