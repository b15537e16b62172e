"""The picture of the race: a row a replica, from left to right what it did when."""

import os
import shutil
import sys

# What a replica is doing, in the colours of a railway's signals: held, at
# work with the line blocked, line clear.
STATES = {
    "starting": ("·", ".", "2"),
    "waiting": ("░", "-", "31"),
    "preparing": ("▓", "#", "1;33"),
    "serving": ("█", "=", "32"),
    "ended": ("×", "x", "1;31"),
}
WIDTH, LINES = 80, 21
NAME_WIDTH = 9
TIME_WIDTH = 9


class Terminal:
    """Where the picture is drawn: its width, its colours, its characters."""

    def __init__(self, stream=sys.stdout):
        self._stream = stream
        is_terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        size = shutil.get_terminal_size((80, 24))
        # Drawing over what was drawn needs all of it on the screen, unwrapped.
        self.is_live = is_terminal and size.columns >= WIDTH and size.lines > LINES
        self._colours = is_terminal and not os.environ.get("NO_COLOR")
        self.width = max(WIDTH, min(size.columns, 100)) - 1
        self._blocks = _understands_blocks(stream)
        self._drawn = 0

    def paint(self, text, code):
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours and text else text

    def block(self, state, count=1):
        fine, plain, code = STATES[state]
        return self.paint((fine if self._blocks else plain) * count, code)

    def draw(self, lines):
        """Draws the lines over those drawn before, or below, where that cannot be done."""
        up = f"\x1b[{self._drawn}A\r\x1b[J" if self._drawn and self.is_live else ""
        self._stream.write(up + "".join(line + "\n" for line in lines))
        self._stream.flush()
        self._drawn = len(lines)

    def hide_cursor(self, hidden):
        if self.is_live:
            self._stream.write("\x1b[?25l" if hidden else "\x1b[?25h")
            self._stream.flush()


def _understands_blocks(stream):
    encoding = (stream.encoding or "").lower().replace("-", "")
    said = next((os.environ[n] for n in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(n)), "")
    # A terminal that was told nothing is nearly always one that reads UTF-8.
    return encoding == "utf8" and (not said or "UTF8" in said.upper().replace("-", ""))


def rows(terminal, tracks, start, end, scale):
    """The rows of one act and its axis. A track is (name, [(time, state)…], served at or None)."""
    width = terminal.width - 2 - NAME_WIDTH - TIME_WIDTH
    per_cell = scale / width
    lines = []
    for name, changes, served_at in tracks:
        cells = []
        for cell in range(width):
            moment = start + (cell + 0.5) * per_cell
            if moment >= end:
                break
            cells.append(_state_at(changes, moment))
        served = f"{served_at - start:.2f} s" if served_at else ""
        lines.append(
            "  " + name.ljust(NAME_WIDTH) + _runs(terminal, cells)
            + " " * (width - len(cells)) + terminal.paint(served.rjust(TIME_WIDTH), "32")
        )
    lines.append("  " + " " * NAME_WIDTH + terminal.paint(_axis(width, scale), "2"))
    return lines


def _state_at(changes, moment):
    state = changes[0][1]
    for time, new in changes:
        if time <= moment:
            state = new
    return state


def _runs(terminal, cells):
    drawn, first = "", 0
    for cell in range(1, len(cells) + 1):
        if cell == len(cells) or cells[cell] != cells[first]:
            drawn += terminal.block(cells[first], cell - first)
            first = cell
    return drawn


def _axis(width, scale):
    """Seconds below the rows, as many as find room."""
    step = next(s for s in (1, 2, 5, 10, 20, 60, 600, 6000) if width * s / scale >= 6)
    axis = [" "] * (width + TIME_WIDTH)
    second = 0
    while second <= scale:
        label = f"{second} s" if second else "0"
        at = round(second * width / scale)
        if at + len(label) <= width:
            axis[at:at + len(label)] = label
        second += step
    label = "answered"
    axis[len(axis) - len(label):] = label
    return "".join(axis).rstrip()


def legend(terminal):
    # What has gone wrong is not a thing to be explained in advance.
    words = {"starting": "starting", "waiting": "waiting for the one that prepares",
             "preparing": "preparing", "serving": "serving"}
    return "  " + "   ".join(f"{terminal.block(s, 2)} {text}" for s, text in words.items())
