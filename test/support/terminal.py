"""A terminal with a program in it, and a person in front of it who types and reads."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios

# Ends a test that hangs and measures nothing.
DEADLINE_S = 120


def read_to_end(ours):
    """All that was shown, until the last who had the terminal open has left; then closes our end."""
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:
        pass  # That is how a terminal says so.
    os.close(ours)
    return shown


class Screen:
    """Our end of a terminal: types, and reads what is shown."""

    def __init__(self, file):
        self._file = file
        self._shown = b""

    def fileno(self):
        return self._file.fileno()

    def write(self, keys):
        self._file.write(keys)

    def resize(self, rows, columns):
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self):
        try:
            return self._file.read(4096)
        except OSError:
            # The last who had the terminal open has left.
            return b""

    def shows(self, text, patience=DEADLINE_S):
        """Reads on until `text` is shown; what comes after it is left for the next call."""
        while text not in self._shown:
            ready, _, _ = select.select([self._file], [], [], patience)
            read = self._read() if ready else b""
            if not read:
                return False
            self._shown += read
        self._shown = self._shown.split(text, 1)[1]
        return True

    def until(self, text):
        assert self.shows(text), f"{text} is not shown, but {self._shown[-2000:]}"


@contextlib.contextmanager
def open_terminal():
    """A terminal that nobody has yet: the screen, and what a program gets."""
    controlling, terminal = pty.openpty()
    with open(controlling, "r+b", buffering=0) as controlling, open(terminal, "rb") as terminal:
        yield Screen(controlling), terminal


class Session:
    """A program whose controlling terminal we sit in front of, as a context."""

    def __init__(self, *command):
        self._command = command

    def __enter__(self):
        controlling, terminal = pty.openpty()
        with open(terminal, "rb") as terminal:
            self._file = open(controlling, "r+b", buffering=0)
            self.screen = Screen(self._file)
            self._process = subprocess.Popen(
                ["setsid", "--ctty", "--wait", *self._command],
                stdin=terminal, stdout=terminal, stderr=terminal)
        return self

    def __exit__(self, *_):
        # The program is hung up, and setsid waits for it.
        self._file.close()
        self._process.wait()

    def wait(self):
        """Its exit status. It may go on writing meanwhile."""
        while True:
            try:
                ready, _, _ = select.select([self._file], [], [], DEADLINE_S)
                assert ready, "it does not end"
                if not os.read(self._file.fileno(), 4096):
                    break
            except OSError:
                # The last who had the terminal open has left.
                break
        return self._process.wait(DEADLINE_S)
