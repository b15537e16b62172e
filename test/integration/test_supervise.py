"""Signalbox as PID 1 of a namespace of its own, and where it is not PID 1."""

import os
import signal
import subprocess

import pytest

from namespace import (
    DEADLINE_S, FORWARDED, LEAVES_BEHIND, LISTENER, STUBBORN, UNUSUAL, WILLING, pid_1_of, python)

pytestmark = pytest.mark.race

# --- the exit status ----------------------------------------------------------


@pytest.mark.parametrize("status", [0, 1, 3, 64, 126, 127, 255])
def test_the_command_s_exit_status_is_ours(run, init, status):
    assert run("sh", "-c", f"exit {status}", init=init) == (status, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, 64])
def test_a_command_that_a_signal_ended_is_128_and_its_number(run, number):
    assert run("sh", "-c", f"ulimit -c 0; kill -{int(number)} $$") == (128 + number, "")


def test_what_is_not_there_is_127_and_what_is_no_program_126(run, init, tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("", encoding="ascii")
    for command, status, reason in [
        ("no-such-program-anywhere", 127, "not found in PATH"),
        ("/no/such/program", 127, "No such file or directory"),
        (str(plain), 126, "Permission denied"),
        (str(tmp_path), 126, "Permission denied"),
    ]:
        ended, output = run(command, init=init, stderr=subprocess.STDOUT)
        assert ended == status
        assert f"signalbox: cannot run {command}: {reason}\n" in output


def test_a_script_without_an_interpreter_line_is_run_by_the_shell(run, init, tmp_path):
    script = tmp_path / "script"
    script.write_text('echo "$1"; exit 5\n', encoding="ascii")
    script.chmod(0o755)
    assert run(str(script), "a word", init=init) == (5, "a word\n")


# --- signals --------------------------------------------------------------------


def test_every_signal_is_forwarded_and_the_status_is_still_the_command_s(start):
    process = start(*python(LISTENER))
    assert process.stdout.readline() == "ready\n"
    us = pid_1_of(process)
    for number in [*FORWARDED, signal.SIGTERM]:
        os.kill(us, number)
        assert int(process.stdout.readline()) == number
    assert process.wait(DEADLINE_S) == 42


def test_a_signal_from_the_command_itself_comes_back_to_it(run):
    assert run(*python("""
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
os.kill(1, signal.SIGUSR2)
signal.sigwait({signal.SIGUSR2})
sys.exit(21)
""")) == (21, "")


def test_the_mask_and_ignored_signals_arrive_as_they_were(run, binary):
    look = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]
    expected = subprocess.run([*python(UNUSUAL), *look], text=True, check=True,
                              stdout=subprocess.PIPE, timeout=DEADLINE_S).stdout
    assert len(expected.splitlines()) == 2 and expected.count("0000000000000000") == 0
    for init in True, False:
        assert run(*look, init=init, prefix=python(UNUSUAL)) == (0, expected)


# --- processes ------------------------------------------------------------------


def test_what_is_left_over_is_asked_to_end(run):
    assert run(*python(WILLING)) == (6, "asked\n")


def test_what_ignores_that_is_killed_when_the_grace_is_over(run):
    # It would stay for ever, and PID 1 with it.
    assert run(*python(STUBBORN), variables={"SIGNALBOX_GRACE": "50ms"}) == (7, "asked\n")


def test_after_a_term_to_us_the_grace_has_already_begun(run):
    # The command leaves only when the time that the TERM began has run out, so that KILL is due
    # at once. A grace that began with the command's end would ask first.
    assert run(*python(LEAVES_BEHIND + """
if leave_behind():
    while True:
        wait_for(signal.SIGTERM)
        print("asked", flush=True)
os.kill(1, signal.SIGTERM)
wait_for(signal.SIGTERM)
over = time.monotonic() + 0.1
while time.monotonic() < over:
    pass
sys.exit(8)
"""), variables={"SIGNALBOX_GRACE": "50ms"}) == (8, "")


def test_where_there_is_an_init_we_become_the_command(start):
    process = start("sh", "-c", "echo $$; exit 4", init=False)
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert output == f"{process.pid}\n"
    assert process.returncode == 4


def test_nothing_outside_of_our_namespace_is_signalled(run, init, processes):
    sibling = subprocess.Popen(["sleep", "1000"])
    processes.append(sibling)
    leaves_behind = "setsid sleep 1000 >/dev/null 2>&1 & echo $!; exit 9"
    status, output = run("sh", "-c", leaves_behind, init=init,
                         variables={"SIGNALBOX_GRACE": "1ms"})
    if not init:
        # Whoever replaced itself by the command has no part in what that leaves behind.
        os.kill(int(output), signal.SIGKILL)
    assert status == 9
    assert sibling.poll() is None


# --- the terminal ---------------------------------------------------------------


def test_the_command_has_the_terminal_s_foreground(start, terminal):
    controlling, ours = terminal
    text = "import os; os.write(0, b''); print(os.tcgetpgrp(0) == os.getpgrp() == os.getpid())"
    process = start(*python(text), prefix=("setsid", "--ctty"), stdin=ours)
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert output == "True\n"


def test_what_is_typed_reaches_the_command_once_and_not_through_us(start, terminal):
    controlling, ours = terminal
    process = start(*python(LISTENER), prefix=("setsid", "--ctty"), stdin=ours)
    assert process.stdout.readline() == "ready\n"
    for key, number in (b"\x03", signal.SIGINT), (b"\x1a", signal.SIGTSTP):
        controlling.write(key)
        assert int(process.stdout.readline()) == number
    os.kill(pid_1_of(process), signal.SIGTERM)
    assert int(process.stdout.readline()) == signal.SIGTERM
    assert process.wait(DEADLINE_S) == 42
