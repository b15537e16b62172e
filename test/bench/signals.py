"""How soon a signal is at the command, and how soon many orphans are reaped."""

import os
import signal
import subprocess
import sys
import tempfile
import time

from figures import INITS, ROOT, Figure, in_turn, minimal, rounds
from namespace import NAMESPACE, child_of, pid_1_of

ORPHANS = 2000


def listening(program, helper):
    """A command under an init that answers each USR1 with a byte; the init and the command's
    output."""
    process = subprocess.Popen([*NAMESPACE, *program, helper, "answer"], env=minimal(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, bufsize=0)
    if process.stdout.read(1) != b"r":
        sys.exit(f"{program[0]} did not start its command")
    return process


def answer_us(process, target):
    began = time.monotonic_ns()
    os.kill(target, signal.SIGUSR1)
    process.stdout.read(1)
    return (time.monotonic_ns() - began) / 1000


def latencies(helper):
    processes = {name: listening(init, helper) for name, init in INITS.items()}
    try:
        inits = {name: pid_1_of(process) for name, process in processes.items()}
        first = next(iter(processes))
        runs = {name: lambda name=name: answer_us(processes[name], inits[name])
                for name in processes}
        runs["no init"] = lambda: answer_us(processes[first], child_of(inits[first]))
        return in_turn(rounds(500), runs)
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def orphaned_ms(program, helper):
    began = time.monotonic_ns()
    subprocess.run([*NAMESPACE, *program, helper, "orphans", str(ORPHANS)], check=True,
                   env=minimal(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return (time.monotonic_ns() - began) / 1e6


def measure():
    with tempfile.TemporaryDirectory() as directory:
        helper = os.path.join(directory, "command")
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", helper,
                        str(ROOT / "test" / "bench" / "command.c")], check=True)
        latency = latencies(helper)
        orphans = in_turn(rounds(5), {
            name: lambda init=init: orphaned_ms(init, helper) for name, init in INITS.items()})
    return [Figure("signals", "from kill to the command and its answer back", "µs", latency),
            Figure("signals", f"{ORPHANS} orphans born, ended and reaped", "ms", orphans)]
