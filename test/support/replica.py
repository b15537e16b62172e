"""Replicas: the same program started several times at once, as containers would be.

Each has a PID namespace and a host name of its own, so that Signalbox is PID 1
there and nothing of it outlives it. What it writes to standard error is read
line by line: Signalbox's events (--log=json) and whatever else there is.
"""

import contextlib
import datetime
import json
import os
import signal
import subprocess
import threading
import time

# A deadline is there to end a test that hangs and never to measure anything.
# It is generous: on a busy machine a new session can get no processor for
# twenty seconds.
DEADLINE_S = float(os.environ.get("DEADLINE_S", "120"))

# PID 1 of the namespace until the barrier opens, and then replaced by the
# program; or, for a program that is not to be PID 1, its parent to the end.
# The barrier is standard input: it ends for all replicas in the same instant.
# A shell makes what it starts in the background ignore INT and QUIT, which env
# undoes.
_LAUNCHER = r"""
hostname "$1"; mode=$2; shift 2
echo "launcher: ready"
read -r _
exec </dev/null
[ "$mode" = child ] || exec "$@"
env --default-signal=INT,QUIT "$@" &
wait $!
status=$?
echo "launcher: ended $status"
echo "launcher: ended $status" >&2
exec sleep infinity
"""


# One for all replicas, so that one can wait for whichever comes first.
_changed = threading.Condition()


class ReplicaError(AssertionError):
    """A replica did not do what was waited for; the text has all it said."""


class Barrier:
    """Holds replicas that are ready, and lets all of them go at once."""

    def __init__(self):
        self.read_end, self._write_end = os.pipe()
        self.opened_at = None

    def open(self):
        if self._write_end is not None:
            self.opened_at = time.time()
            os.close(self._write_end)
            os.close(self.read_end)
            self._write_end = None


class Replica:
    """One process under test in a namespace of its own, held until its barrier opens."""

    def __init__(self, name, command, directory, environment, barrier, init=True):
        self.name = name
        self.barrier = barrier
        self.events = []
        self.stdout = []
        self.stderr = []
        self._init = init
        self._ended_status = None
        self._ready = False
        self._open_streams = 2
        # The namespace dies with unshare, and unshare with us.
        confined = ["setpriv", "--pdeathsig", "KILL", "--",
                    "unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--uts"]
        if os.geteuid() != 0:
            confined.append("--map-root-user")
        self._process = subprocess.Popen(
            [*confined, "sh", "-c", _LAUNCHER, "launcher", name, "init" if init else "child",
             *command],
            cwd=directory, env=environment, stdin=barrier.read_end,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        self._threads = [
            threading.Thread(target=self._follow, args=(stream, take), daemon=True)
            for stream, take in ((self._process.stdout, self._take_stdout),
                                 (self._process.stderr, self._take_stderr))
        ]
        for thread in self._threads:
            thread.start()
        self._wait_until(lambda: self._ready, "start")

    # --- what it says ---------------------------------------------------------

    def _follow(self, stream, take):
        with stream:
            for raw in stream:
                line = raw.decode("utf-8", "backslashreplace").rstrip("\n")
                with _changed:
                    take(line)
                    _changed.notify_all()
        with _changed:
            self._open_streams -= 1
            _changed.notify_all()

    def _take_stdout(self, line):
        if line == "launcher: ready":
            self._ready = True
        elif line.startswith("launcher: ended "):
            self._ended_status = int(line.rsplit(" ", 1)[1])
            self._open_streams -= 1
        else:
            self.stdout.append(line)

    def _take_stderr(self, line):
        if line.startswith("launcher: ended "):
            self._open_streams -= 1
            return
        self.stderr.append(line)
        try:
            event = json.loads(line)
        except ValueError:
            return
        if isinstance(event, dict) and "event" in event:
            event["received"] = time.time()
            self.events.append(event)

    def _wait_until(self, condition, what):
        with _changed:
            given = _changed.wait_for(
                lambda: condition() or self.is_over(), timeout=DEADLINE_S
            )
            # What was waited for may have come with the last words.
            if condition():
                return
        reason = "ended before" if given else f"did not get in {DEADLINE_S} s to"
        raise ReplicaError(f"{self.name} {reason}: {what}\n{self.transcript()}")

    def is_over(self):
        """Nothing more is to come from it."""
        return self._open_streams <= 0

    def _matching(self, name, fields):
        return [
            event for event in self.events
            if event["event"] == name and all(event.get(k) == v for k, v in fields.items())
        ]

    def wait_for(self, name, **fields):
        """The first event of this name with these fields, waited for if need be."""
        wanted = f"event {name} {fields or ''}"
        self._wait_until(lambda: self._matching(name, fields), wanted)
        return self._matching(name, fields)[0]

    def wait_for_any(self, *names):
        """Until at least one of these events has happened."""
        self._wait_until(
            lambda: any(event["event"] in names for event in self.events), " or ".join(names)
        )

    def wait_for_stdout(self, start):
        """The first line of standard output that starts so, waited for if need be.

        Two pipes are read by two threads. What serves was started, and Signalbox
        said so before: once that is read too, all that came before it can be
        asked for with said().
        """
        line = self._wait_for_line(self.stdout, start)
        if start == "serving" and self.events:
            self.wait_for("command_started")
        return line

    def wait_for_stderr(self, start):
        """The first line of standard error that starts so, waited for if need be."""
        return self._wait_for_line(self.stderr, start)

    def _wait_for_line(self, so_far, start):
        def lines():
            return [line for line in so_far if line.startswith(start)]
        self._wait_until(lines, f"line {start!r}")
        return lines()[0]

    def said(self, name, **fields):
        """The events of this name so far."""
        with _changed:
            return self._matching(name, fields)

    def transcript(self):
        """All it has written so far, for a person who looks for what went wrong."""
        with _changed:
            out = [f"  {self.name} out| {line}" for line in self.stdout]
            err = [f"  {self.name} err| {line}" for line in self.stderr]
        return "\n".join(out + err)

    # --- what is done to it ---------------------------------------------------

    def pid(self):
        """The process of the program under test, seen from outside."""
        init = children(self._process.pid)[0]
        return init if self._init else children(init)[0]

    def children(self):
        """The children of the program under test, seen from outside."""
        return children(self.pid())

    def signal(self, number):
        os.kill(self.pid(), number)

    def freeze(self):
        """Stops every process of it, as `docker pause` does; the first one first."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self):
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number):
        found = [self.pid()]
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            found += children(pid)

    def exit_status(self):
        """How the program ended, waited for; 128 + N after a signal as in a shell.

        Of a PID 1 that was killed by SIGKILL this says nothing useful: unshare
        cannot end by that signal itself.
        """
        self._wait_until(self.is_over, "end")
        if self._ended_status is not None:
            return self._ended_status
        status = self._process.wait(DEADLINE_S)
        return status if status >= 0 else 128 - status

    def destroy(self):
        """Ends whatever is left; for the end of a test."""
        if self._process.poll() is None:
            # Not unshare itself: it is the one to reap the namespace's init,
            # which many a container's own init would leave lying about.
            for init in children(self._process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(init, signal.SIGKILL)
        self._process.wait()
        # The streams end when the last process of the namespace is gone.
        for thread in self._threads:
            thread.join(DEADLINE_S)


def children(pid):
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                # The name in parentheses may contain anything, also these.
                fields = file.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(entry))
    return sorted(found)


def first_with(replicas, name):
    """Whichever of these has an event of this name first, waited for if need be."""
    def having():
        return [replica for replica in replicas if replica.said(name)]
    with _changed:
        _changed.wait_for(
            lambda: having() or all(replica.is_over() for replica in replicas),
            timeout=DEADLINE_S,
        )
        if having():
            return having()[0]
    transcripts = "\n".join(replica.transcript() for replica in replicas)
    raise ReplicaError(f"none of them got to: event {name}\n{transcripts}")


def start_together(count, command, directory, environment, prefix="web-", **options):
    """`count` replicas that are let go in the same instant.

    `environment` is a dictionary, or a function that makes one from the name.
    """
    barrier = Barrier()
    replicas = []
    try:
        for number in range(1, count + 1):
            name = f"{prefix}{number}"
            values = environment(name) if callable(environment) else environment
            replicas.append(Replica(name, command, directory, values, barrier, **options))
    except BaseException:
        for replica in replicas:
            replica.destroy()
        raise
    finally:
        barrier.open()
    return replicas


def moment(event):
    """When an event happened, as time.time() counts."""
    at = event["at"].replace("Z", "+00:00")
    return datetime.datetime.fromisoformat(at).timestamp()
