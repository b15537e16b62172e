"""What PID 1 and the preparer say, and a step's output: nobody's reading holds them up."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import threading
import tty

import pytest

from namespace import (
    DEADLINE_S, LISTENER, PWRITEV2, STUBBORN, fill, held_up, pid_1_of, python, refusing,
    wait_for_call)

# These commands are not prepared for, so that only who asks gets a word of ours.
ASKED = "--log-level=debug"


@pytest.fixture(params=[
    pytest.param((os.pipe, ()), id="pipe"),
    pytest.param((os.pipe, refusing(PWRITEV2)), id="pipe before Linux 6.4"),
    pytest.param((pty.openpty, ()), id="terminal"),
])
def unread(request):
    """The end to write to, of what nobody reads from; and the kernel that it is in."""
    kind, world = request.param
    ours, theirs = kind()
    yield theirs, world
    os.close(ours)
    os.close(theirs)


def test_a_log_that_nobody_reads_holds_nobody_up(run, unread):
    output, world = unread
    fill(output)
    assert run(ASKED, "sh", "-c", "exit 3", prefix=world, stderr=output,
               stdin=subprocess.DEVNULL) == (3, "")


# The sanitizers' leak checker refuses to work beside strace.
@pytest.mark.no_sanitizer
def test_a_log_that_somebody_fills_before_us_holds_nobody_up(start, tmp_path, unread):
    output, world = unread
    log = tmp_path / "calls"
    process = start(ASKED, *python(LISTENER), stderr=output, prefix=world,
                    outside=held_up("poll", "delay_exit", log))
    assert process.stdout.readline() == "ready\n"
    us = pid_1_of(process)
    log.write_text("", encoding="ascii")
    os.kill(us, signal.SIGUSR1)
    assert int(process.stdout.readline()) == signal.SIGUSR1
    # It has been told that there is room for what it wants to say about that, and is about to.
    wait_for_call(log, "revents=POLLOUT")
    fill(output)
    os.kill(us, signal.SIGTERM)
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE_S)
    assert ready, "it waits for somebody to read its log"
    assert int(process.stdout.readline()) == signal.SIGTERM
    assert process.wait(DEADLINE_S) == 42


@pytest.mark.no_sanitizer
def test_a_reader_who_goes_to_sleep_in_a_step_s_line_holds_no_lock_up(start, tmp_path, unread):
    output, world = unread
    log = tmp_path / "calls"
    process = start("--lock=none", "--step=sh -c 'echo said; exec sleep infinity'", "true",
                    variables={"SIGNALBOX_PREPARE": "any", "SIGNALBOX_GRACE": "1h"}, prefix=world,
                    stdout=output, outside=held_up("poll", "delay_exit", log))
    # The preparer has been told that there is room for the step's line, and is about to write it.
    wait_for_call(log, "([{fd=1, revents=POLLOUT}])")
    fill(output)
    os.kill(pid_1_of(process), signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 143


def test_a_terminal_that_others_write_to_is_not_taken_for_a_full_one(start):
    controlling, terminal = pty.openpty()
    tty.setraw(terminal)
    process = start(ASKED, *python(LISTENER), stderr=terminal)
    shown = bytearray()
    is_over = threading.Event()

    def read():
        with contextlib.suppress(OSError):
            while True:
                shown.extend(os.read(controlling, 4096))

    def write():
        while not is_over.is_set():
            os.write(terminal, b"." * 2000)

    threads = [threading.Thread(target=read, daemon=True),
               threading.Thread(target=write, daemon=True)]
    for thread in threads:
        thread.start()
    assert process.stdout.readline() == "ready\n"
    us = pid_1_of(process)
    for number in [signal.SIGUSR1] * 200 + [signal.SIGTERM]:
        os.kill(us, number)
        assert int(process.stdout.readline()) == number
    assert process.wait(DEADLINE_S) == 42
    is_over.set()
    threads[1].join()
    os.close(terminal)
    threads[0].join()
    os.close(controlling)
    # Now and then it is full indeed. Taken for full whenever it is busy, it got two of them.
    assert shown.count(b"SIGUSR1 from outside") > 100


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_that_we_say_is_on_standard_output(run, form):
    status, output = run(
        ASKED, f"--log={form}", "--lock=none", "--step=echo the step",
        "--step=sh -c 'echo; kill -TERM $$'", *python(STUBBORN), stderr=subprocess.PIPE,
        variables={"SIGNALBOX_PREPARE": "any", "SIGNALBOX_GRACE": "50ms"})
    assert (status, output) == (143, "the step\n\n")
    status, output = run(
        ASKED, f"--log={form}", "--lock=none", "--step=echo the step",
        *python(STUBBORN), stderr=subprocess.PIPE,
        variables={"SIGNALBOX_PREPARE": "any", "SIGNALBOX_GRACE": "50ms"})
    assert (status, output) == (7, "the step\nasked\n")


def test_a_broken_log_is_no_signal_for_the_command(start):
    reading, writing = os.pipe()
    os.close(reading)
    process = start(ASKED, *python(LISTENER), stderr=writing)
    os.close(writing)
    assert process.stdout.readline() == "ready\n"
    for number in signal.SIGUSR1, signal.SIGTERM:
        os.kill(pid_1_of(process), number)
        assert int(process.stdout.readline()) == number
    assert process.wait(DEADLINE_S) == 42
