"""What the parts of the bench return, and how they take it: in turn, so that whatever else the
machine does is the same for all that are compared."""

import dataclasses
import os
import pathlib
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SIGNALBOX", str(ROOT / "build" / "release" / "signalbox"))
OURS = "Signalbox"
PEERS = {
    "tini": ["/usr/bin/tini", "--"],
    "tini-static": ["/usr/bin/tini-static", "--"],
    "dumb-init": ["/usr/bin/dumb-init", "--"],
    "catatonit": ["/usr/bin/catatonit", "--"],
}
INITS = {OURS: [BINARY], **PEERS}

# How often what is short is done; a quick look takes fewer.
ROUNDS = int(os.environ.get("SIGNALBOX_ROUNDS", "0"))


@dataclasses.dataclass
class Figure:
    """One row: what each of those that are compared needed, in one unit; less is better.

    `goal` is the most that ours may be, in that unit, or of `peer` where one is named; `growth` is
    what it was taken against, for a plot: a size and what each of the compared needed for it."""

    part: str
    what: str
    unit: str
    values: dict
    goal: float = None
    peer: str = None
    growth: tuple = None

    def ratio(self, to):
        return self.values[OURS] / self.values[to] if self.values.get(to) else None

    def missed(self):
        """What ours is too much by, in words, or None."""
        if self.goal is None:
            return None
        mine = self.ratio(self.peer) if self.peer else self.values[OURS]
        if mine is None or round(mine, 2) <= self.goal:
            return None
        return f"{mine:.2f} of {self.peer}'s" if self.peer else f"{mine:.1f} {self.unit}"


def rounds(usual):
    return ROUNDS or usual


def in_turn(count, runs):
    """Does each of `runs`, functions by name that return a figure, in turn; the medians."""
    taken = {name: [] for name in runs}
    for _ in range(count):
        for name, run in runs.items():
            taken[name].append(run())
    return {name: statistics.median(values) for name, values in taken.items()}


def elapsed_ms(command, **more):
    """How long a program takes, from its start to its end; it must end well."""
    more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL, **more}
    began = time.monotonic_ns()
    subprocess.run(command, check=True, **more)
    return (time.monotonic_ns() - began) / 1e6


def minimal(**more):
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **more}
