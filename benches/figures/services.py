"""Who can answer: ours, with and without an index, and its peers from the Debian archive."""

import contextlib
import functools
import os
import time

import cell
import entries
import settings

OURS = "etc/workaround-docker-2267/hosts"
# Long ago, so that an index is not in doubt because the file has only just changed.
OLD = 1_500_000_000


class Service:
    """One way to answer, in a cell of its own."""

    # How it is called in tables.
    name = None
    # The line of nsswitch.conf.
    nss = "files"
    # Where its hosts file lies.
    hosts = "etc/hosts"
    # What has to run before it answers; the last line of PID 1's script starts the driver.
    before = ""
    environment = ""
    # With more entries than these, it takes minutes until the first answer.
    most = 10**9
    # The daemon's process, if it has one.
    daemon = None
    # What makes it forget what it has been asked before.
    forget = None
    # False where every answer is "no such name".
    finds = True

    def __init__(self, size, overlay=False):
        text, questions = entries.hosts(size)
        self.size = size
        slug = self.name.replace(" ", "-").replace(",", "")
        self.cell = cell.Cell(slug, {"nsswitch.conf": f"hosts: {self.nss}\n"}, overlay)
        self.cell.write("tmp/questions", questions)
        self.cell.write(self.hosts, text)
        os.utime(self.cell.file(self.hosts), (OLD, OLD))
        self.prepare()

    def prepare(self):
        """Whatever has to be done once the hosts file is there."""

    def driver(self, *commands):
        """The command line of the driver: with commands, they are all that it does."""
        words = " ".join(f"'{command}'" for command in commands)
        return f"{self.environment} /bench/lookup /tmp/questions {words}"

    def start(self):
        """Starts the driver, and waits until the service answers."""
        self.cell.start(f"{self.before} exec env {self.driver()}")
        if self.daemon:
            self.wait()

    def wait(self):
        """Waits until a daemon answers."""
        until = time.monotonic() + 120
        while self.ask("ask gai 0 1 1") != ["ok"]:
            if time.monotonic() > until:
                raise RuntimeError(f"{self.name} does not answer")
            time.sleep(0.02)

    def ask(self, line):
        """See cell.Cell.ask."""
        return self.cell.ask(line)

    def nanoseconds(self, line):
        """The time of one lookup, or None for a wrong answer."""
        words = self.ask(line)
        return None if words == ["wrong"] else int(words[0]) / int(words[1])

    def close(self):
        """See cell.Cell.close."""
        self.cell.close()


class Files(Service):
    """glibc's own."""

    name = "files"


class Scan(Service):
    """Ours, reading the text."""

    name = "workaround, no index"
    nss = "workaround"
    hosts = OURS


class Indexed(Scan):
    """Ours, with the index beside the text."""

    name = "workaround"

    def prepare(self):
        self.cell.sh("workaround-docker-2267 --quiet index")


class Nscd(Service):
    """glibc's caching daemon, in front of files."""

    name = "nscd"
    before = (
        "mkdir -p /run/nscd /var/cache/nscd /var/db/nscd; nscd; "
        "for _ in $(seq 500); do [ -S /run/nscd/socket ] && break; sleep 0.02; done;"
    )
    daemon = "nscd"
    forget = "run 1 nscd --invalidate=hosts"


class NssWrapper(Service):
    """A library to be preloaded that has a cache of the whole file."""

    name = "nss_wrapper"
    # Not /etc/hosts, which libc itself would read where the wrapper has no answer.
    hosts = "tmp/hosts"
    environment = (
        "LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_HOSTS=/tmp/hosts NSS_WRAPPER_MAX_HOSTENTS=4000000"
    )
    # Its first call compares every entry with every other: 20 s for 100,000.
    most = settings.by_haste(100_000, 10_000, 10_000)


class Dnsmasq(Service):
    """A name server on the loopback interface."""

    name = "dnsmasq"
    nss = "dns"
    before = (
        "dnsmasq --conf-file=/dev/null --user=root --pid-file=/run/dnsmasq.pid "
        "--listen-address=127.0.0.1 --bind-interfaces --no-resolv --local=// --local=/#/ "
        "--cache-size=10000;"
    )
    daemon = "dnsmasq"
    # It takes 2 s to read 100,000 entries, and minutes for a million.
    most = 100_000


class Null(Service):
    """A module that knows nothing: libc's own part of a lookup."""

    name = "libc alone"
    nss = "null"
    finds = False


@functools.lru_cache(maxsize=1)
def has_index():
    """Whether the command can make an index."""
    with cell.Cell("probe") as probe:
        return "yes" in probe.sh("workaround-docker-2267 index --help >/dev/null 2>&1 && echo yes; true")


def all_services(size):
    """The services that are compared over so many entries, ours first."""
    ours = [Indexed] if has_index() else []
    every = [*ours, Scan, Files, Nscd, NssWrapper, Dnsmasq]
    return [service for service in every if size <= service.most]


@contextlib.contextmanager
def prepared(kind, size):
    """A service in its cell, with nothing started."""
    service = kind(size)
    try:
        yield service
    finally:
        service.close()


@contextlib.contextmanager
def running(kinds, size, overlay=False):
    """Starts the services, and ends them."""
    started = []
    try:
        for kind in kinds:
            started.append(kind(size, overlay))
        # What has been written is on the disk before anything is measured.
        os.sync()
        for service in started:
            service.start()
        yield started
    finally:
        for service in started:
            service.close()


def rounds(started, count):
    """Each service a turn, so often, each time in another order: what the machine does meanwhile
    hits all."""
    for nth in range(count):
        at = nth % len(started)
        yield from started[at:] + started[:at]
