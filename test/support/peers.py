"""Signalbox, and Debian's tini, dumb-init and catatonit, to play the same scenario under each.

What is said of Signalbox is asserted; what the others do is printed beside it at the end, and the
The table of doc/pid1.md comes from that. Only for the others is a silence taken for an answer after a while.
"""

import os
import select
import shutil
import subprocess

import pytest

from namespace import DEADLINE_S, NOT_PID_1, child_of, pid_1_of

OURS = "Signalbox"
PEERS = {
    "tini": ["tini", "--"],
    "tini -g": ["tini", "-g", "--"],
    "dumb-init": ["dumb-init", "--"],
    "catatonit": ["catatonit", "--"],
}
# What makes each of them signal the command's group.
GROUPED = {
    OURS: ["--signal-group"],
    "tini": ["-g"],
    "tini -g": [],
    "dumb-init": [],
    "catatonit": ["-g"],
}
# What makes each of them stay where it is not PID 1.
BELOW = {
    OURS: ["--init=always"],
    "tini": ["-s"],
    "tini -g": ["-s"],
    "dumb-init": [],
    "catatonit": [],
}
# What makes each of them say the most; catatonit says what goes wrong, and can say no more.
TALKATIVE = {
    OURS: ["--log-level=debug"],
    "tini": ["-vvv"],
    "tini -g": ["-vvv"],
    "dumb-init": ["-v"],
    "catatonit": [],
}
SILENCE_S = 1

# The sanitizers' leak checker refuses to work beside strace, and needs /proc.
UNSANITIZED = pytest.mark.no_sanitizer


class Init:
    """One of them as PID 1 of a namespace."""

    def __init__(self, name, start, binary, directory, fixture):
        self.name = name
        self.patience = SILENCE_S if name in PEERS else DEADLINE_S
        self.directory = directory
        self.fixture = fixture
        self._program = PEERS.get(name, [binary])
        self._start = start

    def words(self, options=()):
        return [self._program[0], *options, *self._program[1:]]

    def start(self, *command, options=(), **more):
        return self._start(*command, program=self.words(options),
                           **{"stderr": subprocess.DEVNULL, **more})

    def start_ready(self, *command, **more):
        """Starts a command that says when it is ready."""
        process = self.start(*command, **more)
        assert next_line(process, DEADLINE_S) == "ready"
        return process

    def start_under(self, *shell, **more):
        """Starts something else, that one of them is to be started from."""
        return self._start(program=shell, **more)

    def run(self, *command, patience=None, **more):
        """Exit status and output; None where it did not end."""
        process = self.start(*command, **more)
        try:
            output, _ = process.communicate(timeout=patience or self.patience)
        except subprocess.TimeoutExpired:
            return None, ""
        return process.returncode, output

    def run_below(self, *command, prefix=NOT_PID_1, **more):
        """The same where something else is PID 1."""
        return self.run(*command, prefix=prefix, options=BELOW[self.name], **more)

    def wait(self, process):
        """Exit status; None where it does not end."""
        try:
            return process.wait(self.patience)
        except subprocess.TimeoutExpired:
            return None

    def line(self, process):
        return next_line(process, self.patience)


def next_line(process, patience):
    """The next line, "" where none comes."""
    line = b""
    # By the byte, since what a buffer holds of the line after it would not show in select().
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], patience)
        byte = os.read(process.stdout.fileno(), 1) if ready else b""
        if not byte:
            return ""
        line += byte
    return line.decode().strip()


def finish(process):
    """Ends a command that reads until the end of its standard input."""
    process.stdin.close()
    process.wait(DEADLINE_S)


def command_of(process):
    return child_of(pid_1_of(process))


def played(scenarios):
    """The test that plays these under each of them: a name, how it goes, and how with Signalbox."""
    # The others are the same whichever build of ours is tested.
    @pytest.mark.parametrize("name", [
        OURS, *(pytest.param(name, marks=pytest.mark.once) for name in PEERS)])
    @pytest.mark.parametrize("scenario", [
        pytest.param(scenario, marks=marks) for scenario, (_, _, *marks) in scenarios.items()])
    def test_what_it_does(scenario, name, start, binary, tmp_path, outcome, request):
        if name != OURS and shutil.which(PEERS[name][0]) is None:
            pytest.fail(f"{PEERS[name][0]} is missing: sh test/prerequisites.sh inits")
        play, expected, *_ = scenarios[scenario]
        what = play(Init(name, start, binary, tmp_path, request.getfixturevalue))
        outcome(scenario, name, what)
        if name == OURS:
            assert what == expected, what
    return test_what_it_does
