"""Sizes of what is shipped, and of the peers; what they need to run."""

import glob
import os
import re
import subprocess

import samples
import settings
from table import Table

PROGRAMS = (
    "usr/lib/*/libnss_workaround.so.2", "usr/bin/workaround-docker-2267", "usr/*bin/my_init",
    "usr/*bin/setuser", "usr/bin/container-env",
    "usr/bin/tini", "usr/bin/dumb-init", "usr/bin/catatonit", "usr/bin/runsvdir", "usr/bin/s6-svscan",
    "usr/bin/chpst", "usr/sbin/gosu", "usr/bin/gosu", "usr/bin/setpriv",
    "usr/lib/*/libnss_wrapper.so*", "usr/sbin/nscd", "usr/sbin/dnsmasq",
)


def _needed(path):
    """The shared libraries that the file names, the loader's own name left out."""
    output = subprocess.run(
        ["readelf", "-d", path], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output)


def measure():
    """The tables."""
    rows = []
    for pattern in PROGRAMS:
        for path in sorted(glob.glob(os.path.join(settings.ROOT, pattern))):
            if not os.path.islink(path):
                needed = " ".join(_needed(path)) or "none"
                rows.append([os.path.basename(path), samples.size(os.path.getsize(path)), needed])
    tables = [Table("Programs and libraries", ["", "size", "shared libraries needed"], rows)]
    packages = sorted(glob.glob(os.path.join(settings.WORKSPACE, "target/deb/*_amd64.deb")))
    if packages:
        rows = [[os.path.basename(path), samples.size(os.path.getsize(path))] for path in packages]
        tables.append(Table("Packages", ["", "size"], rows))
    return tables
