"""A program as PID 1 of a PID namespace of its own, and scripts that run below it."""

import os
import sys
import time

# A deadline ends a test that hangs and measures nothing.
DEADLINE_S = 120

# Long enough for somebody else to act; no test waits for less, or fails where it is too short.
HELD_UP_US = 200_000

NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")

# Tells each signal that it gets on a line of its own, and leaves on TERM.
LISTENER = """
import signal, sys
signals = signal.valid_signals()
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
print("ready", flush=True)
while True:
    number = signal.sigwait(signals)
    print(int(number), flush=True)
    if number == signal.SIGTERM:
        sys.exit(42)
"""

# leave_behind() is true in a process that outlives the command, in a session of its own. Signals are
# blocked before it is born, so that none is too early for it. (A shell loses those that reach its
# child before the exec.)
LEAVES_BEHIND = """
import os, signal, sys, time
def leave_behind():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    born = os.fork()
    if born == 0:
        os.setsid()
    return born == 0
def wait_for(number):
    signal.sigwait({number})
"""

# Becomes its arguments with a mask and ignored signals that nobody has by chance.
UNUSUAL = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGUSR1, signal.SIGTERM, 34, 35, 64})
for number in (signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2, 40):
    signal.signal(number, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def environment(**more):
    # What these tests run is no server, and must not become one by somebody's settings.
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("SIGNALBOX_")}
    return {**kept, "SIGNALBOX_PREPARE": "never", "SIGNALBOX_GRACE": "100s", **more}


def pid_1_of(process):
    """The number that PID 1 of the namespace of `process` (unshare) has out here."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as children:
        return int(children.read().split()[0])


def held_up(calls, when, log):
    """In front of a namespace: holds up each process in it at these system calls, and logs them.

    `when` is delay_enter or delay_exit. What is logged of a call is there while it is held up.
    """
    # With -D it is not the parent, so that all else is as without it.
    return ("strace", "-D", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}",
            "-e", f"inject={calls}:{when}={HELD_UP_US}")


def wait_for_call(log, text):
    """Returns when this has been logged, at the latest when the call is let go on."""
    give_up = time.monotonic() + DEADLINE_S
    while not log.exists() or text not in log.read_text(encoding="ascii"):
        assert time.monotonic() < give_up, f"{text} is not called"
        os.sched_yield()


def python(text):
    return [sys.executable, "-c", text]
