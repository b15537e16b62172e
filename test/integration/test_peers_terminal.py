"""A terminal, under Signalbox and under the other inits."""

import os
import pty
import shlex
import signal
import sys
import termios

from namespace import LISTENER, TYPED, pid_1_of, python
from peers import BELOW, TALKATIVE, played
from terminal import open_terminal

IN_FRONT = ("setsid", "--ctty")


def foreground(init):
    text = "import os; print(os.tcgetpgrp(0) == os.getpgrp())"
    with open_terminal() as (_, terminal):
        _, output = init.run(*python(text), prefix=IN_FRONT, stdin=terminal)
    return "the command's" if output == "True\n" else "not the command's"


def output_of_the_background(init):
    with open_terminal() as (_, terminal):
        settings = termios.tcgetattr(terminal)
        settings[3] |= termios.TOSTOP
        termios.tcsetattr(terminal, termios.TCSANOW, settings)
        text = "import os; os.write(2, b'shown'); print('goes on')"
        _, output = init.run(*python(text), prefix=IN_FRONT, stdin=terminal, stderr=terminal,
                             options=TALKATIVE[init.name])
    return "goes on" if "goes on" in output else "is stopped"


def interrupt(init):
    with open_terminal() as (screen, terminal):
        process = init.start_ready(*python(LISTENER), prefix=IN_FRONT, stdin=terminal)
        screen.write(b"\x03")
        got = [init.line(process)]
        os.kill(pid_1_of(process), signal.SIGTERM)
        while got[-1] not in ("15", ""):
            got.append(init.line(process))
    return {("2", "15"): "reaches it once", ("2", "2", "15"): "reaches it twice"}.get(
        tuple(got), "is lost")


def terminal_stop(init):
    with open_terminal() as (screen, terminal):
        process = init.start_ready(*python(TYPED), prefix=IN_FRONT, stdin=terminal)
        screen.write(b"\x1a")
        if init.line(process) != "continued":
            process.kill()
            return "frozen for good"
        screen.write(b"a word\n")
        return "goes on" if init.line(process) == "got a word" else "goes on without terminal"


def job_control(init):
    script = init.directory / "typed"
    script.write_text(TYPED, encoding="ascii")
    with open_terminal() as (screen, terminal):
        process = init.start_under(
            "bash", "--norc", "-i", prefix=IN_FRONT, stdin=terminal, stdout=terminal, stderr=terminal,
            variables={"PS1": "prompt> "})
        screen.until(b"prompt> ")
        words = [*init.words(BELOW[init.name]), sys.executable, str(script)]
        screen.write(shlex.join(words).encode() + b"\n")
        screen.until(b"ready")
        screen.write(b"\x1a")
        if not screen.shows(b"Stopped", init.patience):
            process.kill()
            return "frozen for good"
        screen.until(b"prompt> ")
        screen.write(b"fg\n")
        if not screen.shows(b"continued", init.patience):
            process.kill()
            return "stops, and does not come back"
        screen.write(b"a word\n")
        came_back = screen.shows(b"got a word", init.patience)
        process.kill()
    return "stops and comes back" if came_back else "comes back without terminal"


def hangup(init):
    controlling, terminal = pty.openpty()
    process = init.start_ready(*python(LISTENER), prefix=IN_FRONT, stdin=terminal)
    os.close(terminal)
    os.close(controlling)
    got = [init.line(process) for _ in range(2)]
    return {("1", "18"): "HUP, then CONT", ("18", "1"): "CONT, then HUP"}.get(
        tuple(got), f"only SIG {got[0]}" if got[0] else "is not told")


SCENARIOS = {
    "the terminal's foreground": (foreground, "the command's"),
    "a terminal with tostop": (output_of_the_background, "goes on"),
    "^C in a terminal": (interrupt, "reaches it once"),
    "^Z in a terminal": (terminal_stop, "goes on"),
    "not PID 1: ^Z and fg under a shell": (job_control, "stops and comes back"),
    "a terminal that goes away": (hangup, "HUP, then CONT"),
}

test_what_it_does = played(SCENARIOS)
