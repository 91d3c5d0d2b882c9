"""Runs `cargo rehearse` on a terminal, and measures what a newcomer sees of it.

usage: first_minute.py [--cold] [--record]

Prints when the first character came, when the first event of the stack, how many
lines were left on the screen, and when it was over. Fails where a goal is missed,
or where the screen is not what `docs/first-minute.txt` has recorded or the README
shows of it: times, ports and account numbers aside. With --cold there is nothing
built, and the goal for the first event is another one. With --record the recorded
screen is written anew.
"""

import fcntl
import os
import pathlib
import pty
import re
import struct
import sys
import termios
import time

import pyte

from check_rehearsal import ROOT, missing_in, own, settled

RECORDED = ROOT / "docs" / "first-minute.txt"
COLUMNS = 80
MOST_LINES = 40
# The goal is a second; a busy machine needs more.
FIRST_SIGN = 5.0
FIRST_EVENT = 20.0
FIRST_EVENT_COLD = 300.0


def run(command):
    """The lines that are left on a terminal, the exit status, and when what was seen."""
    # Higher than everything, so that nothing scrolls away.
    screen = pyte.Screen(COLUMNS, 1000)
    stream = pyte.ByteStream(screen)
    began = time.monotonic()
    seen = {}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.environ["TERM"] = "xterm-256color"
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 1000, COLUMNS, 0, 0))
    while True:
        try:
            written = os.read(terminal, 65536)
        except OSError:
            break
        if not written:
            break
        stream.feed(written)
        now = time.monotonic() - began
        if b"CREATE_" in written:
            seen.setdefault("event", now)
        if re.search(rb"\w", written):
            seen.setdefault("sign", now)
    _, status = os.waitpid(child, 0)
    seen["end"] = time.monotonic() - began
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return lines, os.waitstatus_to_exitcode(status), seen


def excerpt():
    """What the README shows of the screen."""
    readme = (ROOT / "README.md").read_text()
    return re.search(r"```console\n\$ cargo rehearse\n(.*?)```", readme, re.S).group(1)


def main(*options):
    lines, status, seen = run(["cargo", "rehearse"])
    text = "\n".join(lines) + "\n"
    if "--record" in options:
        RECORDED.write_text(own(text))
    never = float("inf")
    sign, event = seen.get("sign", never), seen.get("event", never)
    print(f"first sign of life after {sign:.1f} s")
    print(f"first event of the stack after {event:.1f} s")
    print(f"{len(lines)} lines on the screen, over after {seen['end']:.1f} s")
    problems = []
    if status:
        problems.append(f"it ended with {status}")
    if len(lines) > MOST_LINES:
        problems.append(f"more than {MOST_LINES} lines")
    if sign > FIRST_SIGN:
        problems.append(f"no sign of life within {FIRST_SIGN:.0f} s")
    most = FIRST_EVENT_COLD if "--cold" in options else FIRST_EVENT
    if event > most:
        problems.append(f"no event of the stack within {most:.0f} s")
    fresh, recorded = settled(text), settled(RECORDED.read_text())
    if "--cold" not in options:
        for line in missing_in(recorded, fresh):
            problems.append(f"no longer on the screen: {line}")
        for line in missing_in(fresh, recorded):
            problems.append(f"not recorded in docs/first-minute.txt: {line}")
    for line in missing_in(settled(excerpt()), fresh):
        problems.append(f"in the README, but not on the screen: {line}")
    for problem in problems:
        print(problem)
    if problems:
        print(text)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
