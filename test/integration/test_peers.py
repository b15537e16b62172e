"""Signals and processes, under Signalbox and under the other inits."""

import os
import select
import signal
import subprocess

from namespace import (
    ANY_SIGNAL, AS_NOBODY, BECOMES_ROOT, DEADLINE_S, FORWARDED, LISTENER, ORPHANS, STUBBORN, UNUSUAL,
    WILLING, held_up, pid_1_of, python, state_of, wait_for_call)
from peers import GROUPED, OURS, UNSANITIZED, command_of, finish, played

# --- signals -----------------------------------------------------------------------------


def from_outside(init):
    process = init.start_ready(*python(LISTENER))
    for number in FORWARDED:
        os.kill(pid_1_of(process), number)
        if init.line(process) != str(number):
            return f"not SIG {number}"
    return "all forwarded"


def from_inside(init):
    _, output = init.run(*python(ANY_SIGNAL + f"""
import os
for number in {FORWARDED}:
    os.kill(1, number)
    if next_signal({init.patience}) != number:
        print("not SIG", number)
        break
else:
    print("all forwarded")
"""), patience=DEADLINE_S)
    return output.strip()


def first_microsecond(init, *options):
    calls = init.directory / "calls"
    # The command's process is there, and is about to make its group.
    process = init.start("sleep", "infinity", options=options,
                         outside=held_up("setpgid,setsid", "delay_enter", calls))
    wait_for_call(calls, "(")
    os.kill(pid_1_of(process), signal.SIGTERM)
    return {143: "ends it", None: "is lost"}.get(init.wait(process), "another status")


def first_microsecond_of_a_group(init):
    return first_microsecond(init, *GROUPED[init.name])


def controls(init):
    process = init.start_ready(*python(LISTENER))
    for number in signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU:
        os.kill(pid_1_of(process), number)
        # Whoever makes another signal of it stops the listener, and the line does not come.
        if init.line(process) != str(int(number)):
            return "lost, or the command is stopped"
    return "forwarded"


def is_pending(process, number):
    with open(f"/proc/{process}/status", encoding="ascii") as status:
        pending, = [line.split()[1] for line in status if line.startswith("ShdPnd:")]
    return int(pending, 16) >> (number - 1) & 1


def stopped_by_somebody(init):
    process = init.start_ready(*python(LISTENER))
    command = command_of(process)
    os.kill(command, signal.SIGSTOP)
    while state_of(command) != "T":
        if select.select([process.stdout], [], [], 0)[0]:
            return "continued"
    # The lowest number is taken first, so whoever forwards this has seen the stop before.
    os.kill(pid_1_of(process), signal.SIGRTMIN)
    while not is_pending(command, signal.SIGRTMIN):
        if state_of(command) != "T":
            return "continued"
    return "stays stopped"


def refused(init):
    process = init.start_ready(init.fixture("of_root"), "-c", BECOMES_ROOT, prefix=AS_NOBODY,
                               stdin=subprocess.PIPE)
    os.kill(pid_1_of(process), signal.SIGUSR1)
    # Ours has nothing to wait for: the command's own end comes after the signal.
    if init.name == OURS or init.wait(process) is None:
        finish(process)
    return "carries on" if process.returncode == 6 else f"ends with {process.returncode}"


def mask_and_ignored(init):
    look = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]
    expected = subprocess.run([*python(UNUSUAL), *look], text=True, check=True,
                              stdout=subprocess.PIPE, timeout=DEADLINE_S).stdout
    status, output = init.run(*look, prefix=python(UNUSUAL))
    return "unchanged" if (status, output) == (0, expected) else "changed"


def ignored_children(init):
    ignores = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
"""
    status, _ = init.run("sh", "-c", "exit 5", prefix=python(ignores))
    return {5: "its status", None: "hangs"}.get(status, f"status {status}")


# --- processes ---------------------------------------------------------------------------


def orphans(init):
    ended = init.run(*python(ORPHANS), patience=DEADLINE_S)
    return "reaped" if ended == (0, "2000\n") else "some are not reaped"


def leftovers(init):
    ended = init.run(*python(WILLING))
    return "asked with TERM" if ended == (6, "asked\n") else "killed without a word"


def stubborn_leftovers(init):
    ended = init.run(*python(STUBBORN), variables={"SIGNALBOX_GRACE": "50ms"})
    return "killed after the grace" if ended == (7, "asked\n") else "killed without a word"


def nothing_left(init):
    # Whoever waited for the grace would be waited for in vain.
    ended = init.run(*python(WILLING), variables={"SIGNALBOX_GRACE": "1h"})
    return "leaves at once" if ended == (6, "asked\n") else "has left before"


# Becomes PID 1 with a process of its own, and says what is there when its arguments have ended.
BESIDE = """
import os, subprocess, sys
beside = subprocess.Popen(["sleep", "infinity"])
subprocess.run(sys.argv[1:])
print("beside" if beside.poll() is None else "alone", flush=True)
beside.kill()
beside.wait()
try:
    os.waitpid(-1, os.WNOHANG)
    print("left")
except ChildProcessError:
    pass
"""


def below(init):
    _, output = init.run_below(*python(WILLING), prefix=python(BESIDE), patience=DEADLINE_S)
    return output.split()


def beside_below(init):
    return "left alone" if "beside" in below(init) else "killed"


def leftovers_below(init):
    said = below(init)
    return "left running" if "left" in said else {
        True: "asked with TERM", False: "killed without a word"}["asked" in said]


def idle(init):
    process = init.start_ready(*python("import sys; print('ready', flush=True); sys.stdin.read()"),
                               stdin=subprocess.PIPE)
    us = pid_1_of(process)
    waiting = "running"
    while waiting == "running":
        with open(f"/proc/{us}/syscall", encoding="ascii") as file:
            words = file.read().split()
        waiting = words[0]
    finish(process)
    # rt_sigtimedwait with a time; poll without one is asleep until something happens.
    if waiting == "128" and int(words[3], 16) != 0:
        return "wakes up every second"
    return "sleeps"


SCENARIOS = {
    "signals 1 to 64 from outside": (from_outside, "all forwarded"),
    "signals 1 to 64 from inside": (from_inside, "all forwarded"),
    "TERM in the command's first microsecond": (first_microsecond, "ends it", UNSANITIZED),
    "the same, where its group is signalled": (
        first_microsecond_of_a_group, "ends it", UNSANITIZED),
    "TSTP, TTIN and TTOU from a process": (controls, "forwarded"),
    "a command that a process stopped": (stopped_by_somebody, "stays stopped"),
    "a signal that it may not send": (refused, "carries on"),
    "inherited mask and ignored signals": (mask_and_ignored, "unchanged"),
    "SIGCHLD ignored by the parent": (ignored_children, "its status"),
    "2 000 orphans": (orphans, "reaped"),
    "what the command leaves behind": (leftovers, "asked with TERM"),
    "the same, where it ignores TERM": (stubborn_leftovers, "killed after the grace"),
    "when nothing is left": (nothing_left, "leaves at once"),
    "not PID 1: what the command leaves behind": (leftovers_below, "asked with TERM"),
    "not PID 1: a process beside it": (beside_below, "left alone"),
    "while nothing happens": (idle, "sleeps"),
}

test_what_it_does = played(SCENARIOS)
