"""Runs a command on a terminal of its own and types lines there, each when a prompt is up:
    terminal.py LINES COMMAND...
The line ^C is the key, pressed a second after the line before was typed.
Prints all that the terminal showed, without its control sequences (bash puts some around each line
that is typed), and exits as the command did."""

import os
import pty
import re
import select
import sys
import time

CONTROL = rb"\x1b\[[0-9;?]*[a-zA-Z]"

lines, command = sys.argv[1].split("\n"), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(command[0], command)

shown, seen, typed = b"", 0, 0.0
end = time.monotonic() + 100
while time.monotonic() < end:
    if select.select([terminal], [], [], 0.2)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    # A prompt since the last line was typed; a message of the logger may stand behind it.
    fresh = re.sub(CONTROL, b"", shown[seen:])
    if lines and lines[0] == "^C" and time.monotonic() - typed > 1:
        lines.pop(0)
        os.write(terminal, b"\x03")
    elif lines and lines[0] != "^C" and re.search(rb"\w+@\w+:[^\r\n]*?[#$] ", fresh):
        seen, typed = len(shown), time.monotonic()
        os.write(terminal, lines.pop(0).encode() + b"\r")
else:
    os.kill(pid, 9)

sys.stdout.buffer.write(re.sub(CONTROL, b"", shown))
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
