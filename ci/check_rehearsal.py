"""Checks a run of `cargo rehearse --json` and the transcripts of it.

usage: check_rehearsal.py REPORT.json SCREEN.txt [--record]

The report must say that everything held. What was written must be what
`docs/rehearsal.txt` has recorded: times, ports, account numbers, checksums and the
number of polls aside. With --record the recorded transcript is written anew
instead. What a terminal shows is checked by `first_minute.py`.
"""

import itertools
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TRANSCRIPT = ROOT / "docs" / "rehearsal.txt"
FIRST_LINE = "Everything happens on this machine"
MOVING = [
    (r"\d+\.\d s\b", "T s"),
    (r", in \d+ s\b", ", in T s"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\b\d{12}\b", "ACCOUNT"),
    (r"\b[0-9a-f]{64}\b", "SHA256"),
    (r"SSL_CERT_FILE=\S+", "SSL_CERT_FILE=FILE"),
    (r"\d+\.\d MB", "SIZE MB"),
    (r"^(\d/\d [^,]+),.*", r"\1"),
]


def own(text):
    """What the rehearsal says itself: what comes before its first line tells of builds."""
    _, begins, rest = text.partition(FIRST_LINE)
    return begins + rest or text


def settled(text):
    """The lines without what differs from run to run. A poll more than once is one."""
    lines = []
    for line in own(text).splitlines():
        for pattern, stand_in in MOVING:
            line = re.sub(pattern, stand_in, line)
        lines.append(" ".join(line.split()))
    return [line for line, _ in itertools.groupby(filter(None, lines))]


def missing_in(lines, screen):
    """The lines that are not in `screen` in this order."""
    rest = iter(screen)
    return [line for line in lines if line != "…" and line not in rest]


def main(report, screen, *options):
    held = json.loads(pathlib.Path(report).read_text())
    text = pathlib.Path(screen).read_text()
    if "--record" in options:
        TRANSCRIPT.write_text(own(text))
    problems = [f"did not hold: {check}" for check in held["checks"] if not check["held"]]
    if not held["held"] or not held["checks"]:
        problems.append("the report does not say that everything held")
    fresh, recorded = settled(text), settled(TRANSCRIPT.read_text())
    for line in missing_in(recorded, fresh):
        problems.append(f"no longer on the screen: {line}")
    for line in missing_in(fresh, recorded):
        problems.append(f"not recorded in docs/rehearsal.txt: {line}")
    for problem in problems:
        print(problem)
    print(f"{len(held['checks'])} checks of the rehearsal, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
