"""The same scenarios under Signalbox and under Debian's tini, dumb-init and catatonit.

What is said of Signalbox is asserted; what the others do is printed beside it at the end, and the
README's table comes from that. Only for the others is a silence taken for an answer after a while.
"""

import os
import pty
import select
import shutil
import signal
import subprocess

import pytest

from namespace import (
    DEADLINE_S, LEAVES_BEHIND, LISTENER, UNUSUAL, held_up, pid_1_of, python, wait_for_call)

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
SILENCE_S = 1


class Init:
    """One of them as PID 1 of a namespace."""

    def __init__(self, name, start, binary, directory):
        self.name = name
        self.program = PEERS.get(name, [binary])
        self.patience = SILENCE_S if name in PEERS else DEADLINE_S
        self.directory = directory
        self._start = start

    def start(self, *command, options=(), **more):
        program = [self.program[0], *options, *self.program[1:]]
        return self._start(*command, program=program, stderr=subprocess.DEVNULL, **more)

    def run(self, *command, **more):
        """Exit status and output; None where it did not end."""
        process = self.start(*command, **more)
        try:
            output, _ = process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            return None, ""
        return process.returncode, output

    def line(self, process):
        """The next line, "" where none comes."""
        ready, _, _ = select.select([process.stdout], [], [], self.patience)
        return process.stdout.readline().strip() if ready else ""


# --- scenarios: each says in words what happened ---------------------------------


def every_signal(init):
    process = init.start(*python(LISTENER))
    init.line(process)
    us, lost = pid_1_of(process), []
    for number in sorted(set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP,
                                                        signal.SIGTERM}):
        os.kill(us, number)
        if init.name == OURS or not lost:
            if init.line(process) != str(int(number)):
                lost.append(int(number))
        else:
            break
    return f"not SIG {lost[0]}" if lost else "all forwarded"


def first_microsecond(init, *options):
    calls = init.directory / "calls"
    # The command's process is there, and is about to make its group.
    process = init.start("sleep", "infinity", options=options,
                         outside=held_up("setpgid,setsid", "delay_enter", calls))
    wait_for_call(calls, "(")
    os.kill(pid_1_of(process), signal.SIGTERM)
    try:
        return "ends it" if process.wait(init.patience) == 143 else "another status"
    except subprocess.TimeoutExpired:
        return "is lost"


def first_microsecond_of_a_group(init):
    return first_microsecond(init, *GROUPED[init.name])


def controls(init):
    process = init.start(*python(LISTENER))
    init.line(process)
    us = pid_1_of(process)
    got = []
    for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        os.kill(us, number)
        # Whoever makes another signal of it stops the listener, and the line does not come.
        got.append(init.line(process) == str(int(number)))
        if not got[-1]:
            break
    return "forwarded" if all(got) else "lost, or the command is stopped"


def terminal_stop(init):
    controlling, terminal = pty.openpty()
    with open(controlling, "r+b", buffering=0) as controlling, open(terminal, "rb") as terminal:
        text = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})
print("ready", flush=True)
signal.sigwait({signal.SIGCONT})
print("continued", flush=True)
print("read " + sys.stdin.readline().strip(), flush=True)
"""
        process = init.start(*python(text), prefix=("setsid", "--ctty"), stdin=terminal)
        init.line(process)
        controlling.write(b"\x1a")
        if init.line(process) != "continued":
            process.kill()
            return "frozen for good"
        controlling.write(b"a word\n")
        return "goes on" if init.line(process) == "read a word" else "goes on without terminal"


def leftovers(init):
    status, output = init.run(*python(LEAVES_BEHIND + """
if leave_behind():
    wait_for(signal.SIGTERM)
    print("asked", flush=True)
    os._exit(0)
sys.exit(6)
"""))
    return "asked with TERM" if output == "asked\n" and status == 6 else "killed without a word"


def held_pipe(init):
    reading, writing = os.pipe()
    text = f"import os, sys; os.close({writing}); print('closed', flush=True); sys.stdin.read()"
    process = init.start(*python(text), stdin=subprocess.PIPE, pass_fds=[writing],
                         variables={"LISTEN_PID": "x"})
    os.close(writing)
    init.line(process)
    # unshare(1) itself waits outside and holds it too, so PID 1 is looked at, not the pipe.
    held = os.path.exists(f"/proc/{pid_1_of(process)}/fd/{writing}")
    process.stdin.close()
    os.close(reading)
    process.wait(DEADLINE_S)
    return "held open" if held else "closed"


def working_directory(init):
    directory = init.directory / "mounted"
    directory.mkdir()
    process = init.start(*python("import sys; print('ready', flush=True); sys.stdin.read()"),
                         cwd=directory, stdin=subprocess.PIPE)
    init.line(process)
    where = os.readlink(f"/proc/{pid_1_of(process)}/cwd")
    process.stdin.close()
    process.wait(DEADLINE_S)
    return "left" if where == "/" else "held"


def idle(init):
    process = init.start(*python("import sys; print('ready', flush=True); sys.stdin.read()"),
                         stdin=subprocess.PIPE)
    init.line(process)
    us = pid_1_of(process)
    waiting = "running"
    while waiting == "running":
        with open(f"/proc/{us}/syscall", encoding="ascii") as file:
            words = file.read().split()
        waiting = words[0]
    process.stdin.close()
    process.wait(DEADLINE_S)
    # rt_sigtimedwait with a time; poll without one is asleep until something happens.
    if waiting == "128" and int(words[3], 16) != 0:
        return "wakes up every second"
    return "sleeps"


def mask_and_ignored(init):
    look = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]
    expected = subprocess.run([*python(UNUSUAL), *look], text=True, check=True,
                              stdout=subprocess.PIPE, timeout=DEADLINE_S).stdout
    status, output = init.run(*look, prefix=python(UNUSUAL))
    return "unchanged" if (status, output) == (0, expected) else "changed"


def ignored_children(init):
    ignores = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
"""
    status, _ = init.run("sh", "-c", "exit 5", prefix=python(ignores))
    return {5: "its status", None: "hangs"}.get(status, f"status {status}")


def sockets(init):
    text = "import os; print(os.environ['LISTEN_PID'] == str(os.getpid()))"
    _, output = init.run(*python(text), variables={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    return "handed on" if output == "True\n" else "lost"


def no_interpreter(init):
    script = init.directory / "script"
    script.write_text("exit 5\n", encoding="ascii")
    script.chmod(0o755)
    status, _ = init.run(str(script))
    return "runs" if status == 5 else f"status {status}"


def not_executable(init):
    plain = init.directory / "plain"
    plain.write_text("", encoding="ascii")
    return " and ".join(str(init.run(command)[0]) for command in ("/no/such", str(plain)))


SCENARIOS = {
    "signals 1 to 64 from outside": (every_signal, "all forwarded"),
    "TERM in the command's first microsecond": (first_microsecond, "ends it"),
    "the same, where its group is signalled": (first_microsecond_of_a_group, "ends it"),
    "TSTP, TTIN and TTOU from a process": (controls, "forwarded"),
    "^Z in a terminal": (terminal_stop, "goes on"),
    "what the command leaves behind": (leftovers, "asked with TERM"),
    "an inherited descriptor": (held_pipe, "closed"),
    "the working directory": (working_directory, "left"),
    "while nothing happens": (idle, "sleeps"),
    "inherited mask and ignored signals": (mask_and_ignored, "unchanged"),
    "SIGCHLD ignored by the parent": (ignored_children, "its status"),
    "sockets by LISTEN_PID": (sockets, "handed on"),
    "a script without #!": (no_interpreter, "runs"),
    "not there, and no program": (not_executable, "127 and 126"),
}


# The sanitizers' leak checker refuses to work beside strace.
TRACED = {first_microsecond, first_microsecond_of_a_group}


@pytest.mark.parametrize("name", [OURS, *PEERS])
@pytest.mark.parametrize("scenario", [
    pytest.param(scenario, marks=pytest.mark.no_sanitizer if play in TRACED else ())
    for scenario, (play, _) in SCENARIOS.items()])
def test_what_it_does(scenario, name, start, binary, tmp_path, outcome):
    if name != OURS and shutil.which(PEERS[name][0]) is None:
        pytest.skip(f"no {PEERS[name][0]}: test/prerequisites.sh inits")
    play, expected = SCENARIOS[scenario]
    what = play(Init(name, start, binary, tmp_path))
    outcome(scenario, name, what)
    if name == OURS:
        assert what == expected
