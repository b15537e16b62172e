"""What an init has to get right when things are not as they should be, and its options."""

import errno
import os
import pty
import signal
import subprocess
import sys

import pytest

from namespace import (
    AS_NOBODY, BECOMES_ROOT, DEADLINE_S, LEAVES_BEHIND, LISTENER, NO_DESCRIPTORS, NO_DEV,
    NO_PROC, ORPHANS, PIDFD_OPEN, PIDFD_SEND_SIGNAL, READ_ONLY, STUBBORN, TOO_MUCH_MEMORY,
    TYPED, UNUSUAL, child_of, held_up, into_cgroup, pid_1_of, python, refusing, state_of,
    wait_for_call, wait_until)

# --- options ----------------------------------------------------------------------


def test_signals_are_rewritten_and_dropped(start):
    process = start("--rewrite=HUP:USR2", "--rewrite", "USR1:none", "--rewrite=RTMIN+1:64",
                    *python(LISTENER))
    assert process.stdout.readline() == "ready\n"
    us = pid_1_of(process)
    os.kill(us, signal.SIGUSR1)
    for sent, got in ((signal.SIGHUP, signal.SIGUSR2), (35, 64), (signal.SIGTERM, signal.SIGTERM)):
        os.kill(us, sent)
        assert int(process.stdout.readline()) == got
    assert process.wait(DEADLINE_S) == 42


def test_an_accepted_status_is_reported_as_zero(run, init):
    assert run("--ok-exit=143", "--ok-exit=7", "sh", "-c", "kill -TERM $$", init=init)[0] == 0
    assert run("--ok-exit=143", "--ok-exit=7", "sh", "-c", "exit 7", init=init)[0] == 0
    assert run("--ok-exit=143", "--ok-exit=7", "sh", "-c", "exit 8", init=init)[0] == 8


@pytest.mark.parametrize("grouped", [True, False])
def test_the_whole_group_is_told_when_that_is_wanted(start, grouped):
    text = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2})
child = os.fork() == 0
if not child:
    print("ready", flush=True)
number = signal.sigwait({signal.SIGUSR1, signal.SIGUSR2})
# One write, since two processes share the pipe.
os.write(1, b"%s %d\\n" % (b"child" if child else b"parent", number))
if not child:
    os.wait()
"""
    process = start(*(["--signal-group"] if grouped else []), *python(text))
    assert process.stdout.readline() == "ready\n"
    us = pid_1_of(process)
    os.kill(us, signal.SIGUSR1)
    if grouped:
        assert {process.stdout.readline() for _ in range(2)} == {"child 10\n", "parent 10\n"}
    else:
        assert process.stdout.readline() == "parent 10\n"
        process.kill()
        return
    assert process.wait(DEADLINE_S) == 0


def test_init_always_and_never(run):
    numbers = "import os; print(os.getpid(), os.getppid())"
    assert run("--init=never", *python(numbers), init=True)[1] == "1 0\n"
    assert run("--init=auto", *python(numbers), init=True)[1] == "2 1\n"
    # Here a shell is PID 1, and we are its child.
    below = "import os; print(os.getppid() == 1)"
    for options, becomes in (["--init=auto"], "True\n"), (["--init=always"], "False\n"), (
            ["--ok-exit=3"], "False\n"), (["--init=never", "--ok-exit=3"], "True\n"):
        status, output = run(*options, *python(below),
                             prefix=("sh", "-c", '"$@"; exit $?', "sh"))
        assert (status, output) == (0, becomes), options


def test_as_a_subreaper_we_end_what_is_left_too(run):
    text = LEAVES_BEHIND + """
if os.fork() == 0:
    if leave_behind():
        wait_for(signal.SIGTERM)
        print("asked", flush=True)
    os._exit(0)
os.wait()
sys.exit(6)
"""
    assert run("--init=always", *python(text), init=False) == (6, "asked\n")


# --- early signals ----------------------------------------------------------------------


# From the call that blocks them, which is the first that we make, to the command's own first line.
@pytest.mark.no_sanitizer
@pytest.mark.parametrize("options", [(), ("--signal-group",)], ids=["", "group"])
@pytest.mark.parametrize("held, said", [
    ("rt_sigprocmask", "SIG_SETMASK, ~[], [], 8) = 0"),
    ("signalfd4", "signalfd4(-1, ~[], 8"),
    ("rt_sigpending", "rt_sigpending("),
    ("vfork", "vfork("),
    ("execve", f'execve("{sys.executable}"'),
])
def test_a_signal_that_comes_before_the_command_is_not_lost(start, tmp_path, held, said, options):
    log = tmp_path / "calls"
    process = start(*options, sys.executable, "-c", "while True: pass",
                    outside=held_up(held, "delay_exit", log))
    wait_for_call(log, said)
    os.kill(pid_1_of(process), signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 143


@pytest.mark.no_sanitizer
def test_a_signal_that_means_no_end_waits_for_the_command(start, tmp_path):
    log = tmp_path / "calls"
    text = "import signal; print(int(signal.sigwait({signal.SIGUSR1})))"
    process = start(*python(text), prefix=python(UNUSUAL),
                    outside=held_up("rt_sigpending", "delay_exit", log))
    wait_for_call(log, "rt_sigpending(")
    os.kill(pid_1_of(process), signal.SIGUSR1)
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, output) == (0, f"{int(signal.SIGUSR1)}\n")


# --- where something is missing -------------------------------------------------------


@pytest.mark.parametrize("world", [
    pytest.param(refusing(), id="EPERM"),
    pytest.param(refusing(answer=errno.ENOSYS), id="ENOSYS"),
    # The leak checker reads /proc, its own options included, and ends the program without it.
    pytest.param(NO_PROC, id="no /proc", marks=pytest.mark.no_sanitizer),
    pytest.param(NO_DEV, id="no /dev"),
    pytest.param(READ_ONLY, id="read-only root"),
])
def test_pid_1_does_its_work_all_the_same(run, world):
    status, output = run(*python(STUBBORN), prefix=world, variables={"SIGNALBOX_GRACE": "50ms"})
    assert (status, output) == (7, "asked\n")


@pytest.fixture(params=[errno.EPERM, errno.ENOSYS], ids=errno.errorcode.get)
def answer(request):
    """What a seccomp profile says, and what an older kernel."""
    return request.param


def test_without_what_it_needs_it_says_so_once_and_carries_on(run, answer):
    status, output = run("--init=always", "sh", "-c", "exit 5", init=False,
                         prefix=refusing(answer=answer), stderr=subprocess.STDOUT)
    assert status == 5
    assert output.count(f"PR_SET_CHILD_SUBREAPER: {os.strerror(answer)}") == 1


@pytest.mark.parametrize("call", [PIDFD_OPEN, PIDFD_SEND_SIGNAL])
def test_without_handles_leftovers_are_ended_all_the_same(run, call, answer):
    status, output = run("--init=always", *python(STUBBORN), init=False,
                         prefix=refusing(call, answer=answer),
                         variables={"SIGNALBOX_GRACE": "50ms"})
    assert (status, output) == (7, "asked\n")


def test_refused_close_range_still_closes(start, answer):
    reading, writing = os.pipe()
    process = start(*python("import sys; print('ready', flush=True); sys.stdin.read()"),
                    prefix=refusing(answer=answer), stdin=subprocess.PIPE, pass_fds=[writing])
    assert process.stdout.readline() == "ready\n"
    # The command is started before PID 1 tidies up.
    held = f"/proc/{pid_1_of(process)}/fd/{writing}"
    wait_until(lambda: not os.path.exists(held), "it is held open")
    os.close(reading)
    os.close(writing)
    process.stdin.close()
    assert process.wait(DEADLINE_S) == 0


@pytest.mark.emulated
def test_closed_standard_descriptors(run, tmp_path):
    seen = tmp_path / "seen"
    text = f"import os; open({str(seen)!r}, 'w').write(os.readlink('/proc/self/fd/1'))"
    assert run(*python(text), prefix=NO_DESCRIPTORS)[0] == 0
    assert seen.read_text() == "/dev/null"


# --- processes --------------------------------------------------------------------------


def test_two_thousand_orphans_are_reaped(run):
    assert run(*python(ORPHANS)) == (0, "2000\n")


def test_a_command_that_somebody_stopped_stays_stopped(start):
    process = start("--log-level=debug", *python(LISTENER), stderr=subprocess.PIPE)
    assert process.stdout.readline() == "ready\n"
    us = pid_1_of(process)
    command = child_of(us)
    os.kill(command, signal.SIGSTOP)
    wait_until(lambda: state_of(command) == "T", "it is not stopped")
    # What is said about the next signal says that the stop has been seen before it.
    os.kill(us, signal.SIGUSR1)
    while "SIGUSR1" not in process.stderr.readline():
        pass
    assert state_of(command) == "T"
    os.kill(us, signal.SIGCONT)
    os.kill(us, signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 42


@pytest.mark.parametrize("options", [(), ("--signal-group",)], ids=["", "group"])
def test_a_signal_that_we_may_not_send_is_a_warning_and_no_end(start, of_root, options):
    process = start(*options, of_root, "-c", BECOMES_ROOT, prefix=AS_NOBODY,
                    stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == "ready\n"
    sent = signal.SIGUSR1, signal.SIGTERM
    for number in sent:
        os.kill(pid_1_of(process), number)
    _, said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 6
    for number in sent:
        assert f"warning: {number.name} could not be sent to the command" in said
    assert said.count("Operation not permitted") == 2


def test_what_we_may_not_kill_is_left_to_the_kernel(run, of_root):
    text = "import os\nos.setuid(0)" + STUBBORN.replace("sys.exit(7)", "os._exit(7)")
    status, output = run(of_root, "-c", text, variables={"SIGNALBOX_GRACE": "50ms"},
                         prefix=AS_NOBODY, stderr=subprocess.STDOUT)
    assert status == 7
    assert "asked" not in output.splitlines()
    assert "a process that the command left behind cannot be killed from here" in output


def test_an_out_of_memory_kill_is_named(run, memory_cgroup):
    status, output = run(*python(TOO_MUCH_MEMORY), prefix=into_cgroup(memory_cgroup),
                         stderr=subprocess.STDOUT)
    assert status == 137
    assert "the kernel's OOM killer has ended the command" in output


def test_any_other_kill_is_not_called_out_of_memory(run):
    # Without a cgroup of its own, so by what the counter says after as before.
    status, output = run("--init=always", "sh", "-c", "kill -KILL $$", init=False,
                         stderr=subprocess.STDOUT)
    assert status == 137
    assert "the command was ended by SIGKILL" in output


# --- the terminal -------------------------------------------------------------------------


def test_keys_and_the_window_s_size_reach_the_command_once(start, terminal):
    controlling, ours = terminal
    process = start(*python(LISTENER), prefix=("setsid", "--ctty"), stdin=ours)
    assert process.stdout.readline() == "ready\n"
    controlling.write(b"\x1c")
    assert int(process.stdout.readline()) == signal.SIGQUIT
    controlling.resize(50, 120)
    assert int(process.stdout.readline()) == signal.SIGWINCH
    os.kill(pid_1_of(process), signal.SIGTERM)
    assert int(process.stdout.readline()) == signal.SIGTERM


def test_a_terminal_that_goes_away_hangs_up_and_continues(start):
    controlling, ours = pty.openpty()
    process = start(*python(LISTENER), prefix=("setsid", "--ctty"), stdin=ours)
    os.close(ours)
    assert process.stdout.readline() == "ready\n"
    os.close(controlling)
    assert {int(process.stdout.readline()) for _ in range(2)} >= {signal.SIGHUP}
    os.kill(pid_1_of(process), signal.SIGTERM)
    while int(process.stdout.readline()) != signal.SIGTERM:
        pass
    assert process.wait(DEADLINE_S) == 42


def test_a_shell_as_the_command_has_job_control(start, terminal):
    controlling, ours = terminal
    process = start("bash", "--norc", "-i", prefix=("setsid", "--ctty"), stdin=ours, stdout=ours,
                    stderr=ours, variables={"PS1": "prompt> "})
    controlling.until(b"prompt> ")
    controlling.write(b"sh -c 'echo be''gun; exec cat'\n")
    controlling.until(b"begun")
    controlling.write(b"\x1a")
    controlling.until(b"Stopped")
    controlling.until(b"prompt> ")
    # Where bash has not noticed yet that the job is gone, it refuses to leave, once.
    controlling.write(b"kill -KILL %1; wait %1; exit 9; exit 9\n")
    assert process.wait(DEADLINE_S) == 9


# A shell gives the foreground to what it has started from both sides of the fork, so that it may take
# the command's away again: bash looks first, but not in the same instant.
TAKEN_AWAY = "import os\nos.tcsetpgrp(0, os.getpgid(os.getppid()))\n"


@pytest.mark.parametrize("before", ["", TAKEN_AWAY], ids=["", "with our group in the foreground"])
def test_init_always_under_a_shell_is_stopped_and_comes_back(
        start, terminal, binary, tmp_path, before):
    controlling, ours = terminal
    script = tmp_path / "typed"
    script.write_text(before + TYPED, encoding="ascii")
    process = start("--norc", "-i", program=["bash"], prefix=("setsid", "--ctty"), stdin=ours,
                    stdout=ours, stderr=ours, variables={"PS1": "prompt> "})
    controlling.until(b"prompt> ")
    controlling.write(f"{binary} --init=always /usr/bin/python3 {script}\n".encode())
    controlling.until(b"ready")
    controlling.write(b"\x1a")
    controlling.until(b"Stopped")
    controlling.until(b"prompt> ")
    controlling.write(b"fg\n")
    controlling.until(b"continued")
    controlling.write(b"a word\n")
    controlling.until(b"got a word")
    controlling.until(b"prompt> ")
    controlling.write(b"exit 8\n")
    assert process.wait(DEADLINE_S) == 8


def test_a_script_has_its_terminal_back_after_us(start, terminal, binary):
    controlling, ours = terminal
    text = f"{binary} --init=always true; read -r word; echo \"got $word\"; exit 4"
    process = start("-c", text, program=["sh"], prefix=("setsid", "--ctty"), stdin=ours,
                    stdout=ours, stderr=ours)
    controlling.write(b"a word\n")
    controlling.until(b"got a word")
    assert process.wait(DEADLINE_S) == 4
