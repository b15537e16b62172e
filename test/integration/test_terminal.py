"""On a terminal a waiter's words stay on one line; real terminals, real replicas."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios

import pytest

from conftest import SERVE
from namespace import DEADLINE_S, NAMESPACE

pytestmark = pytest.mark.race


class Terminal:
    """A replica whose standard error is a terminal of 60 columns."""

    def __init__(self, scene, *options, **variables):
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "RAILS_ENV": "production",
                       "DATABASE_URL": scene.url(), "BYPRODUCTS": str(scene.byproducts),
                       **variables}
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        self.process = subprocess.Popen(
            [*NAMESPACE, scene.binary, *options, *SERVE], cwd=scene.directory, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        self.shown = ""

    def read_until(self, condition):
        while not condition(self.shown):
            ready, _, _ = select.select([self.ours], [], [], DEADLINE_S)
            assert ready, self.shown
            self.shown += os.read(self.ours, 65536).decode()

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.ours)


def test_a_waiter_has_one_line_that_what_follows_ends(scene):
    scene.create_database()
    runner = scene.start_one()
    runner.wait_for_stderr("the complaint of the step")
    terminal = Terminal(scene)
    terminal.read_until(lambda shown: "\x1b[K" in shown)
    scene.tell_step()
    terminal.read_until(lambda shown: "starting the command" in shown)
    terminal.close()
    waiting = [line for line in terminal.shown.split("\r\n") if "has been preparing" in line]
    assert len(waiting) == 1, terminal.shown
    # Each time it begins at the left, and none is wider than the terminal.
    assert waiting[0].startswith("\rsignalbox: web-1 has been preparing for ")
    for words in waiting[0].split("\r")[1:]:
        assert words.endswith("\x1b[K") and len(words.removesuffix("\x1b[K")) <= 59
    assert "\r\nsignalbox: already prepared by run 1 on web-1" in terminal.shown


def test_no_line_is_replaced_on_a_terminal_that_cannot(scene):
    scene.create_database()
    runner = scene.start_one()
    runner.wait_for_stderr("the complaint of the step")
    terminal = Terminal(scene, TERM="dumb")
    terminal.read_until(lambda shown: "; waiting\r\n" in shown)
    scene.tell_step()
    terminal.read_until(lambda shown: "already prepared" in shown)
    terminal.close()
    assert "\x1b" not in terminal.shown


def test_a_runner_has_one_line_that_changes_until_its_step_ends(scene):
    scene.create_database()
    terminal = Terminal(scene)
    terminal.read_until(lambda shown: shown.count("still running after") >= 2)
    scene.tell_step()
    terminal.read_until(lambda shown: "starting the command" in shown)
    terminal.close()
    running = [line for line in terminal.shown.split("\r\n") if "still running after" in line]
    assert len(running) == 1, terminal.shown
    assert running[0].startswith("\rsignalbox: still running after ")
    assert "\r\nsignalbox: ended with status 0 after " in terminal.shown
