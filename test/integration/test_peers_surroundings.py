"""What an init finds, and what it leaves to its command: Signalbox and the other inits."""

import functools
import os
import signal
import subprocess

from namespace import (
    DEADLINE_S, LISTENER, NOT_PID_1, NO_DESCRIPTORS, NO_DEV, NO_PROC, PRCTL, READ_ONLY,
    TOO_MUCH_MEMORY, fill, into_cgroup, pid_1_of, python, refusing)
from peers import TALKATIVE, UNSANITIZED, finish, played

# --- descriptors ---------------------------------------------------------------------------


def missing_descriptors(init):
    seen = init.directory / "seen"
    text = f"""
import os
def look(number):
    try:
        return os.readlink(f"/proc/self/fd/{{number}}")
    except FileNotFoundError:
        return "missing"
what = {{look(number) for number in range(3)}}
with open({str(seen)!r}, "w") as file:
    file.write(" and ".join(sorted(what)))
"""
    init.run(*python(text), prefix=NO_DESCRIPTORS)
    return seen.read_text() if seen.exists() else "does not start"


def held_pipe(init):
    reading, writing = os.pipe()
    text = f"import os, sys; os.close({writing}); print('ready', flush=True); sys.stdin.read()"
    process = init.start(*python(text), stdin=subprocess.PIPE, pass_fds=[writing],
                         variables={"LISTEN_PID": "x"})
    os.close(writing)
    init.line(process)
    # unshare(1) itself waits outside and holds it too, so PID 1 is looked at, not the pipe.
    held = os.path.exists(f"/proc/{pid_1_of(process)}/fd/{writing}")
    os.close(reading)
    finish(process)
    return "held open" if held else "closed"


def working_directory(init):
    directory = init.directory / "mounted"
    directory.mkdir()
    process = init.start_ready(*python("import sys; print('ready', flush=True); sys.stdin.read()"),
                               cwd=directory, stdin=subprocess.PIPE)
    where = os.readlink(f"/proc/{pid_1_of(process)}/cwd")
    finish(process)
    return "left" if where == "/" else "held"


def sockets(init):
    text = "import os; print(os.environ['LISTEN_PID'] == str(os.getpid()))"
    _, output = init.run(*python(text), variables={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    return "handed on" if output == "True\n" else "lost"


# --- programs --------------------------------------------------------------------------------


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


def stale_pid_file(init):
    for directory in "bin", "tmp/pids":
        (init.directory / directory).mkdir(parents=True)
    rails = init.directory / "bin" / "rails"
    rails.write_text("#!/bin/sh\nexit 5\n", encoding="ascii")
    rails.chmod(0o755)
    stale = init.directory / "tmp" / "pids" / "server.pid"
    # What was PID 1 then is PID 1 now.
    stale.write_text("1\n", encoding="ascii")
    assert init.run("./bin/rails", "server", cwd=init.directory)[0] == 5
    return "left there" if stale.exists() else "removed"


def out_of_memory(init):
    status, output = init.run(*python(TOO_MUCH_MEMORY), patience=DEADLINE_S, stderr=subprocess.STDOUT,
                              prefix=into_cgroup(init.fixture("memory_cgroup")))
    return f"{status}, named" if "OOM" in output else f"{status}"


# --- the log ---------------------------------------------------------------------------------


def start_with_log(init, log):
    """Whatever it says itself goes into `log`, and what the command says does not."""
    reading, writing = os.pipe()
    process = init.start(*python(f"import os; os.dup2({writing}, 1)" + LISTENER), stdout=log,
                         stderr=log, pass_fds=[writing], options=TALKATIVE[init.name])
    os.close(writing)
    process.stdout = open(reading, encoding="ascii")
    return process


# So many that whoever gathers what it says has to write it.
OFTEN = [signal.SIGUSR1] * 200


def log_that_nobody_reads(init):
    ours, theirs = os.pipe()
    fill(theirs)
    process = start_with_log(init, theirs)
    is_up = init.line(process) == "ready"
    for number in OFTEN:
        if is_up:
            os.kill(pid_1_of(process), number)
            is_up = init.line(process) == str(int(number))
    os.close(ours)
    os.close(theirs)
    return "holds nobody up" if is_up else "holds everything up"


def log_without_a_reader(init):
    ours, theirs = os.pipe()
    os.close(ours)
    process = start_with_log(init, theirs)
    os.close(theirs)
    if init.line(process) != "ready":
        return "does not start"
    for number in OFTEN:
        os.kill(pid_1_of(process), number)
        got = init.line(process)
        if got != str(int(number)):
            return f"a {signal.Signals(int(got)).name} for the command" if got else "a signal is lost"
    return "carries on"


def own_words(init):
    _, output = init.run("/no/such", options=TALKATIVE[init.name])
    return "in the command's output" if output else "on standard error"


# --- where something is missing ----------------------------------------------------------------


def runs_in(world, init):
    status, _ = init.run("sh", "-c", "exit 5", prefix=world)
    return "runs" if status == 5 else f"ends with {status}"


def refused_below(init):
    status, _ = init.run_below("sh", "-c", "exit 5", prefix=(*NOT_PID_1, *refusing(PRCTL)))
    return "runs" if status == 5 else f"ends with {status}"


SCENARIOS = {
    "descriptors 0, 1 and 2 that are missing": (missing_descriptors, "/dev/null"),
    "an inherited descriptor": (held_pipe, "closed"),
    "the working directory": (working_directory, "left"),
    "sockets by LISTEN_PID": (sockets, "handed on"),
    "a script without #!": (no_interpreter, "runs"),
    "not there, and no program": (not_executable, "127 and 126"),
    "a stale pid file before `rails server`": (stale_pid_file, "removed"),
    "a command that ran out of memory": (out_of_memory, "137, named"),
    "its own words": (own_words, "on standard error"),
    "a log that nobody reads": (log_that_nobody_reads, "holds nobody up"),
    "a log whose reader is gone": (log_without_a_reader, "carries on"),
    "without /proc": (functools.partial(runs_in, NO_PROC), "runs", UNSANITIZED),
    "without /dev": (functools.partial(runs_in, NO_DEV), "runs"),
    "on a read-only root": (functools.partial(runs_in, READ_ONLY), "runs"),
    "system calls that seccomp refuses": (functools.partial(runs_in, refusing()), "runs"),
    "not PID 1: prctl that seccomp refuses": (refused_below, "runs"),
}

test_what_it_does = played(SCENARIOS)
