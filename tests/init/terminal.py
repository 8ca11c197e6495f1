"""Runs a command on a terminal of its own, types, and waits for what it prints.

    terminal.py STEP... -- COMMAND...

A step is `type TEXT` (escapes as in Python) or `see TEXT` (since the last one seen). Prints all that
the terminal showed, and exits with the command's status, 128 + n for a signal.
"""
import os
import pty
import select
import sys
import time

LIMIT = 30


def main():
    split = sys.argv.index("--")
    steps, command = sys.argv[1:split], sys.argv[split + 1:]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    seen = b""
    shown = b""
    fault = None

    def read(until):
        """Reads until there is something or the time is up; false at the end."""
        nonlocal seen, shown
        wait = until - time.monotonic()
        if wait <= 0 or not select.select([terminal], [], [], wait)[0]:
            return False
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            return False
        seen += piece
        shown += piece
        return bool(piece)

    for step in steps:
        what, text = step.split(" ", 1)
        text = text.encode().decode("unicode_escape").encode("latin-1")
        if what == "type":
            os.write(terminal, text)
            continue
        until = time.monotonic() + LIMIT
        while text not in seen:
            if not read(until):
                fault = f"waited for {text!r}"
                break
        if fault:
            break
        seen = seen[seen.index(text) + len(text):]
    until = time.monotonic() + (1 if fault else LIMIT)
    while read(until):
        pass
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    sys.stdout.flush()
    if fault:
        print(f"\nterminal.py: {fault}")
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        sys.exit(99)
    status = os.waitpid(pid, 0)[1]
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


main()
