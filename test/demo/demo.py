"""Five replicas of one application boot at once under Signalbox, and one prepares.

The server, the replicas and the race are real: a PostgreSQL of our own, five
processes that are each PID 1 of a PID namespace, released in the same instant.
The picture is drawn from Signalbox's own log (--log=json). `--svg FILE` leaves it in a file too.
"""

import argparse
import contextlib
import os
import pathlib
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "support"))

from dispositions import hear_int_and_quit  # noqa: E402
import picture  # noqa: E402
import screen  # noqa: E402
from postgres import Server  # noqa: E402
from replica import DEADLINE_S, ReplicaError, moment, start_together  # noqa: E402

REPLICAS = 5
COMMAND = ("./bin/rails", "server")

# How long the first act is expected to take, which is only the scale of the
# picture while it is being drawn, and how much of the serving it shows.
EXPECTED_S = 4.2
SHOWN_SERVING_S = 0.8
FRAME_S = 0.1

_STATE_AFTER = {
    "waiting": "waiting",
    "runner_died": "waiting",
    "step_started": "preparing",
    "command_started": "starting",
    "command_ended": "ended",
}


class DemoError(Exception):
    """What this demo is there to show did not happen."""


class Act:
    """Five replicas from the instant they are let go until they are told to end."""

    def __init__(self, replicas):
        self.replicas = replicas
        self.start = replicas[0].barrier.opened_at
        self.end = None
        self.served_at = {}
        self._failure = None
        self._threads = [
            threading.Thread(target=self._ask, args=(replica,), daemon=True)
            for replica in replicas
        ]
        for thread in self._threads:
            thread.start()

    def _ask(self, replica):
        try:
            port = int(replica.wait_for_stdout("listening on ").rsplit(" ", 1)[1])
            self._get(replica, port)
            self.served_at[replica.name] = time.time()
        except (ReplicaError, OSError, ValueError, DemoError) as error:
            self._failure = self._failure or error

    def _get(self, replica, port):
        url = f"http://127.0.0.1:{port}/"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=DEADLINE_S) as answer:
            text = answer.read().decode()
            if answer.status != 200 or replica.name not in text:
                raise DemoError(f"{replica.name} answered {answer.status}: {text}")

    def play(self, draw):
        """Draws until every replica has answered, and a little longer."""
        shown_until = None
        while shown_until is None or time.time() < shown_until:
            if self._failure:
                raise self._failure
            if shown_until is None and len(self.served_at) == len(self.replicas):
                shown_until = time.time() + SHOWN_SERVING_S
            draw()
            time.sleep(FRAME_S)
        self.end = time.time()

    def tracks(self):
        tracks = []
        for replica in self.replicas:
            changes = [(self.start, "starting")]
            for event in list(replica.events):
                if event["event"] in _STATE_AFTER:
                    began = moment(event)
                    if event["event"] == "waiting":
                        # A waiter says so only when it knows for whom, and how long it has been.
                        began -= event.get("elapsed_ms", 0) / 1000
                    changes.append((began, _STATE_AFTER[event["event"]]))
            served_at = self.served_at.get(replica.name)
            if served_at:
                changes.append((served_at, "serving"))
            tracks.append((replica.name, sorted(changes, key=lambda c: c[0]), served_at))
        return tracks

    def length(self):
        return (self.end or time.time()) - self.start

    def preparers(self):
        return [replica for replica in self.replicas if replica.said("step_started")]

    def finish(self):
        """Tells the replicas to end, as a deploy does, and waits for them."""
        for replica in self.replicas:
            replica.signal(signal.SIGTERM)
        for replica in self.replicas:
            status = replica.exit_status()
            if status != 0:
                raise DemoError(f"{replica.name} ended with {status}\n{replica.transcript()}")


class Demo:
    """Both acts on one stage: what is drawn, and what has to be true."""

    def __init__(self, terminal, server, directory):
        self._terminal = terminal
        self._server = server
        self._application = directory / "timetable"
        shutil.copytree(HERE / "sample_app", self._application)
        self._binary = str(
            pathlib.Path(os.environ.get("SIGNALBOX", REPOSITORY / "build/dev/signalbox")).resolve()
        )
        self._acts = []
        self._verdicts = []
        password = secrets.token_hex(12)
        server.create_role("timetable", password, "CREATEDB")
        self._environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PYTHON": sys.executable,
            "PYTHONDONTWRITEBYTECODE": "1",
            "RAILS_ENV": "production",
            "DATABASE_URL": server.url("timetable_production", "timetable", password),
            "SIGNALBOX_LOG": "json",
        }

    def play(self):
        self._play_act()
        self._verdicts.append(self._check_first(self._acts[0]))
        self._acts[0].finish()
        self._play_act()
        self._verdicts.append(self._check_second(self._acts[1]))
        self._acts[1].finish()
        self.show()

    def _play_act(self):
        act = Act(start_together(REPLICAS, [self._binary, *COMMAND], self._application,
                                 self._environment))
        self._acts.append(act)
        act.play(self._draw)

    def close(self):
        for act in self._acts:
            for replica in act.replicas:
                replica.destroy()

    def show(self):
        """The picture as it is at the end, also where it could not be drawn while it grew."""
        if self._acts:
            self._terminal.draw(self._lines(self._terminal))

    def svg(self):
        return screen.svg(self._lines(screen.Screen()))

    def transcripts(self):
        return "\n".join(r.transcript() for act in self._acts for r in act.replicas)

    # --- what has to be true --------------------------------------------------

    def _check_first(self, act):
        preparers = act.preparers()
        if len(preparers) != 1:
            names = ", ".join(replica.name for replica in preparers) or "nobody"
            raise DemoError(f"exactly one replica should have prepared, and it was: {names}")
        hosts = self._server.query("SELECT host FROM prepares", "timetable_production")
        if hosts != [(preparers[0].name,)]:
            raise DemoError(f"the database was prepared by: {hosts}")
        began = moment(preparers[0].wait_for("step_started"))
        took = moment(preparers[0].wait_for("prepared")) - began
        others = [at for name, at in act.served_at.items() if name != preparers[0].name]
        last = max(others) - began - took
        return (f"{preparers[0].name} prepared, once, in {took:.1f} s; "
                f"the other four answered at most {last:.2f} s later.")

    def _check_second(self, act):
        if act.preparers():
            names = ", ".join(replica.name for replica in act.preparers())
            raise DemoError(f"nothing was pending, and yet these prepared: {names}")
        states = self._server.query("SELECT state FROM signalbox_runs", "timetable_production")
        if states != [("succeeded",)]:
            raise DemoError(f"the ledger should have one run that succeeded, and has: {states}")
        last = max(act.served_at.values()) - act.start
        return f"Nobody prepared, and all five answered within {last:.2f} s."

    # --- the picture ----------------------------------------------------------

    def _draw(self):
        if self._terminal.is_live:
            self._terminal.draw(self._lines(self._terminal))

    def _lines(self, terminal):
        paint = terminal.paint
        titles = ["First boot: no database yet, five replicas start in the same instant",
                  "Restart of all five: nothing has changed"]
        # Both acts have the same scale, so that they can be compared by eye.
        first = self._acts[0]
        scale = first.length() if first.end else max(EXPECTED_S, first.length())
        scale = max([scale, *(act.length() for act in self._acts)])
        lines = [" " + paint("Signalbox", "1") + paint("  one replica prepares, once", "2")]
        for number, act in enumerate(self._acts):
            end = act.end or time.time()
            lines += ["", " " + paint(titles[number], "1")]
            lines += picture.rows(terminal, act.tracks(), act.start, end, scale)
            verdict = self._verdicts[number] if number < len(self._verdicts) else ""
            lines.append("  " + paint(verdict, "1;32"))
        return lines + ["", picture.legend(terminal)]


def main():
    parser = argparse.ArgumentParser(prog="demo.sh", description="Five replicas boot at once.")
    parser.add_argument("--svg", type=pathlib.Path, metavar="FILE",
                        help="leaves the picture in FILE, too")
    given = parser.parse_args()
    hear_int_and_quit()
    terminal = picture.Terminal()
    # Told to end, this ends as on ^C, so that nothing stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="signalbox-demo-"))
        demo = Demo(terminal, stack.enter_context(Server()), pathlib.Path(directory))
        stack.callback(terminal.hide_cursor, False)
        stack.callback(demo.close)
        terminal.hide_cursor(True)
        try:
            demo.play()
        except (DemoError, ReplicaError, OSError) as error:
            demo.show()
            print(demo.transcripts(), file=sys.stderr)
            print(f"\ndemo: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
        if given.svg:
            given.svg.write_text(demo.svg(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
