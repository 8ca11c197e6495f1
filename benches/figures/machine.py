"""Where the figures come from."""

import os
import platform
import re
import subprocess
import time

import settings


def _in_root(*command):
    return subprocess.run(
        ["chroot", settings.ROOT, *command], stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def facts():
    """The machine, the kernel, the C library and the day, in one line."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    libc = _in_root("getconf", "GNU_LIBC_VERSION").strip()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return ", ".join([
        f"{os.cpu_count()} × {model.group(1) if model else platform.machine()}",
        f"{memory:.0f} GiB",
        f"Linux {platform.release()}",
        f"{libc} (Debian trixie)",
        time.strftime("%Y-%m-%d", time.gmtime()),
    ])
