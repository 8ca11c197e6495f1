"""The system calls of one lookup, as strace sees them."""

import re
import subprocess

OUR_FOLDER = "/etc/workaround-docker-2267"
CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+|\?)")
# The driver's answer to a command; one lookup lies between two of them.
MARK = re.compile(r'^(?:\d+ +)?write\(1, "(ok|wrong)')


def calls(service, operation, question):
    """The second lookup of a fresh process, as (name, arguments, result)."""
    service_at, count = question
    ask = f"ask {operation} {service_at} {count} 1"
    driver = service.driver(ask, ask)
    script = f"{service.before} strace -f -s 300 -o /tmp/trace env {driver} >/dev/null; cat /tmp/trace"
    lines = service.cell.sh(script, stderr=subprocess.DEVNULL).splitlines()
    marks = [at for at, line in enumerate(lines) if MARK.match(line)]
    if len(marks) != 2:
        raise RuntimeError(f"{service.name}: strace shows {len(marks)} answers instead of 2")
    if '"wrong' in lines[marks[1]]:
        return None
    found = (CALL.match(line) for line in lines[marks[0] + 1 : marks[1]])
    return [match.groups() for match in found if match]


def floor(traced):
    """What the driver can replay: the calls that touch our folder."""
    script, ours = [], set()
    for name, arguments, result in traced:
        path = re.match(rf'AT_FDCWD, "({OUR_FOLDER}[^"]*)"', arguments)
        file = re.match(r"(\d+)\b", arguments)
        file = file.group(1) if file and file.group(1) in ours else None
        if name == "openat" and path:
            script.append(f"open {path.group(1)}")
            ours.add(result)
        elif path and name in ("newfstatat", "statx", "stat"):
            script.append(f"stat {path.group(1)}")
        elif file and name in ("fstat", "newfstatat", "statx"):
            script.append("fstat")
        elif file and name == "pread64":
            length, offset = arguments.rsplit(", ", 2)[1:]
            script.append(f"pread {length} {offset}")
        elif file and name == "close":
            script.append("close")
            ours.discard(file)
        elif path or file:
            raise RuntimeError(f"benches/c/replay.h does not know {name}({arguments})")
    return "\n".join(script) + "\n"
