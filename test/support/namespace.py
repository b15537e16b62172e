"""A program as PID 1 of a PID namespace of its own, and scripts that run below it."""

import contextlib
import errno
import os
import signal
import sys
import termios
import time

from processes import children_of

# A deadline ends a test that hangs and measures nothing.
DEADLINE_S = 120

# Long enough for somebody else to act; no test waits for less, or fails where it is too short.
HELD_UP_US = 200_000

NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")

# What can be forwarded and does not end the listener. The C library hides two of them.
FORWARDED = sorted(set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM})

# next_signal() by the system calls themselves, since the C library keeps 32 and 33 for itself.
ANY_SIGNAL = """
import ctypes, signal, sys
every = ctypes.byref(ctypes.c_uint64(2 ** 64 - 1))
system_call = ctypes.CDLL(None).syscall
system_call(14, signal.SIG_BLOCK, every, None, 8)
def next_signal(seconds=10 ** 6):
    return system_call(128, every, None, ctypes.byref((ctypes.c_long * 2)(seconds, 0)), 8)
"""

# Tells each signal that it gets on a line of its own, and leaves on TERM.
LISTENER = ANY_SIGNAL + """
print("ready", flush=True)
while True:
    number = next_signal()
    # A stop ends the call.
    if number > 0:
        print(number, flush=True)
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

# What they leave behind ends when it is asked to, and does not.
WILLING = LEAVES_BEHIND + """
if leave_behind():
    wait_for(signal.SIGTERM)
    print("asked", flush=True)
    os._exit(0)
sys.exit(6)
"""
STUBBORN = LEAVES_BEHIND + """
if leave_behind():
    while True:
        wait_for(signal.SIGTERM)
        print("asked", flush=True)
sys.exit(7)
"""

ORPHANS = """
import os
orphans = []
for _ in range(100):
    ends = os.pipe()
    if os.fork() == 0:
        for _ in range(20):
            if (orphan := os.fork()) == 0:
                os._exit(0)
            os.write(ends[1], b"%d " % orphan)
        os._exit(0)
    os.wait()
    os.close(ends[1])
    while data := os.read(ends[0], 65536):
        orphans += data.split()
    os.close(ends[0])
for orphan in orphans:
    while os.path.exists(b"/proc/" + orphan):
        os.sched_yield()
print(len(orphans))
"""

# Blocked, the CONT is there also where the stop came before the wait for it.
TYPED = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})
print("ready", flush=True)
signal.sigwait({signal.SIGCONT})
print("continued", flush=True)
print("got " + input(), flush=True)
"""

BECOMES_ROOT = """
import os, sys
os.setuid(0)
print("ready", flush=True)
sys.stdin.read()
sys.exit(6)
"""

TOO_MUCH_MEMORY = "x = bytearray(400 << 20); x[::4096] = b'x' * len(x[::4096])"

# Becomes its arguments with a mask and ignored signals that nobody has by chance.
UNUSUAL = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGUSR1, signal.SIGTERM, 34, 35, 64})
for number in (signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2, 40):
    signal.signal(number, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def ignoring(*numbers):
    """In front of a program: what it inherits as ignored, as the background of a shell would."""
    return python(f"""
import os, signal, sys
for number in {[int(number) for number in numbers]}:
    signal.signal(number, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
""")


# Becomes its arguments where a filter answers these system calls (x86-64's numbers), as seccomp
# profiles and older kernels do.
REFUSING = """
import ctypes, os, struct, sys
refused = REFUSED
code = [(0x20, 0, 0, 0)]
code += [(0x15, len(refused) - i, 0, number) for i, number in enumerate(refused)]
code += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050000 | ANSWER)]
raw = b"".join(struct.pack("HBBI", *line) for line in code)
buffer = ctypes.create_string_buffer(raw)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])
"""

PRCTL, PWRITEV2, PIDFD_SEND_SIGNAL, PIDFD_OPEN, CLOSE_RANGE = 157, 328, 424, 434, 436

AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
NO_DESCRIPTORS = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")
# With a shell as PID 1, what it runs is not.
NOT_PID_1 = ("sh", "-c", '"$@"; exit $?', "sh")


def environment(**more):
    # What these tests run is no server, and must not become one by somebody's settings.
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("SIGNALBOX_")}
    return {**kept, "SIGNALBOX_PREPARE": "never", "SIGNALBOX_GRACE": "100s", **more}


def child_of(process):
    return children_of(process)[0]


def pid_1_of(process):
    """The number that PID 1 of the namespace of `process` (unshare) has out here."""
    return child_of(process.pid)


def state_of(process):
    with open(f"/proc/{process}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


def held_up(calls, when, log):
    """In front of a namespace: holds up each process in it at these system calls, and logs them.

    `when` is delay_enter or delay_exit. What is logged of a call is there while it is held up.
    """
    # With -D it is not the parent, so that all else is as without it.
    return ("strace", "-D", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}",
            "-e", f"inject={calls}:{when}={HELD_UP_US}")


def wait_until(condition, otherwise):
    """For what no descriptor tells."""
    give_up = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < give_up, otherwise
        os.sched_yield()


def wait_for_call(log, text):
    """Returns when this has been logged, at the latest when the call is let go on."""
    wait_until(lambda: log.exists() and text in log.read_text(encoding="ascii"),
               f"{text} is not called")


def python(text):
    return [sys.executable, "-c", text]


def refusing(*calls, answer=errno.EPERM):
    refused = calls or (PRCTL, PWRITEV2, PIDFD_SEND_SIGNAL, PIDFD_OPEN, CLOSE_RANGE)
    return python(REFUSING.replace("REFUSED", str(list(refused))).replace("ANSWER", str(int(answer))))


def shell(text):
    """Runs `text` first, and then becomes the arguments."""
    return ("sh", "-c", text + '; exec "$@"', "sh")


def into_cgroup(directory):
    return shell(f"echo 0 > {directory}/cgroup.procs")


NO_PROC = shell("mount -t tmpfs none /proc")
NO_DEV = shell("mount -t tmpfs none /dev")
READ_ONLY = shell("mount -o remount,ro,bind /")


def fill(descriptor):
    """Leaves no room: by writing into a pipe until there is none, by what ^S does in a terminal."""
    if os.isatty(descriptor):
        termios.tcflow(descriptor, termios.TCOOFF)
        return
    # A description of our own, since that of the others must not become non-blocking.
    own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
    for size in 4096, 1:
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(own, b"x" * size)
    os.close(own)
