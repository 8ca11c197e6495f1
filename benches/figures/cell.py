"""A tree for one service: the peers' Debian with an /etc, a /run and a network of its own.

/etc lies on the disk's own file system, as that of a machine does: tmpfs keeps no memory of names
that do not exist, which makes looking for them slow. Or the whole tree is an overlay, as that of
a container.
"""

import ctypes
import os
import shlex
import shutil
import subprocess

import settings

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

# What is not here comes from the tree's own /etc.
ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nbench:x:1000:1000::/:/bin/sh\n",
    "group": "root:x:0:\nbench:x:1000:\n",
    # As Debian and Ubuntu ship it: all lines of a name count.
    "host.conf": "multi on\n",
    "hosts": "127.0.0.1\tlocalhost\n",
    "hostname": "bench\n",
    "resolv.conf": "nameserver 127.0.0.1\nsearch .\n",
}


_LIBC = ctypes.CDLL(None, use_errno=True)
_BIND = 4096


def _mount(source, target, kind=None, flags=0, data=None):
    """mount(2): a cell has a dozen mounts, and many cells are made."""
    words = (word.encode() if word else None for word in (source, target, kind))
    if _LIBC.mount(*words, ctypes.c_ulong(flags), data.encode() if data else None):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), target)


class Cell:
    """A mounted tree, and the program that runs in it as PID 1 of its namespace."""

    def __init__(self, name, etc=(), overlay=False):
        self.path = os.path.join(settings.CELLS, name)
        self.own = self.path + ".own"
        shutil.rmtree(self.own, ignore_errors=True)
        os.makedirs(self.own)
        os.makedirs(self.path, exist_ok=True)
        if overlay:
            self._mount_overlay()
        else:
            self._mount_etc()
        for folder in ("run", "tmp", "var", "dev"):
            _mount(folder, self.file(folder), "tmpfs", data="mode=755")
        os.symlink("../run", self.file("var/run"))
        for device in DEVICES:
            open(self.file("dev", device), "w").close()
            _mount(f"/dev/{device}", self.file("dev", device), flags=_BIND)
        for name, text in {**ETC, **dict(etc)}.items():
            self.write("etc/" + name, text)
        self.process = None

    def _mount_etc(self):
        etc = os.path.join(self.own, "etc")
        shutil.copytree(os.path.join(settings.ROOT, "etc"), etc, symlinks=True)
        _mount(settings.ROOT, self.path, flags=_BIND)
        _mount(etc, self.file("etc"), flags=_BIND)

    def _mount_overlay(self):
        # The upper folder is not on the disk, which may be an overlay itself.
        _mount("upper", self.own, "tmpfs", data="mode=755")
        upper, work = os.path.join(self.own, "upper"), os.path.join(self.own, "work")
        os.mkdir(upper)
        os.mkdir(work)
        options = f"lowerdir={settings.ROOT},upperdir={upper},workdir={work}"
        _mount("overlay", self.path, "overlay", data=options)

    def file(self, *names):
        """The path of a file of the cell, as seen from outside."""
        return os.path.join(self.path, *names)

    def write(self, name, text):
        """Writes a file of the cell anew."""
        path = self.file(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "w") as file:
            file.write(text)

    def command(self, script):
        """The command that runs a shell script as PID 1 of namespaces of its own in the cell."""
        namespaces = ["--net", "--ipc", "--mount", "--pid", "--fork", "--kill-child"]
        proc = f"--mount-proc={self.file('proc')}"
        script = "ip link set lo up; " + script
        return ["unshare", *namespaces, proc, "chroot", self.path, "/bin/sh", "-c", script]

    def sh(self, script, **options):
        """Runs a script to its end, and gives back what it printed."""
        done = subprocess.run(
            self.command(script), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            check=True, **options,
        )
        return done.stdout

    def start(self, script):
        """Starts a program that answers a line by a line."""
        self.process = subprocess.Popen(
            self.command(script), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def ask(self, line):
        """Hands a line to the program that was started, and gives back its answer's words."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.path}: no answer to {shlex.quote(line)}")
        return answer.split()

    def stop(self):
        """Ends the program, and all that it started."""
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def close(self):
        """Ends and unmounts everything."""
        self.stop()
        subprocess.run(["umount", "--recursive", self.path], check=True)
        if os.path.ismount(self.own):
            subprocess.run(["umount", self.own], check=True)
        shutil.rmtree(self.own, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
