"""How much later a command starts, as PID 1 and below another init."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from figures import INITS, ROOT, Figure, minimal, rounds


def copied(command, directory):
    """A program as an image has it: written in one go. What a linker wrote lies in the page cache in
    pieces, and each is a fault of its own."""
    program = shutil.copy(command[0], os.path.join(directory, pathlib.Path(command[0]).name))
    os.sync()
    return [program, *command[1:]]


def over_bare(helper, mode, inits):
    commands = [["/bin/true"], *([*init, "/bin/true"] for init in inits.values())]
    words = [word for command in commands for word in [*command, ","]][:-1]
    output = subprocess.run([helper, mode, str(rounds(1000)), *words], check=True, text=True,
                            cwd="/", stdout=subprocess.PIPE, env=minimal()).stdout
    bare, *times = map(float, output.split())
    return {name: time - bare for name, time in zip(inits, times)}


def measure():
    with tempfile.TemporaryDirectory() as directory:
        helper = os.path.join(directory, "startup")
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", helper,
                        str(ROOT / "test" / "bench" / "startup.c")], check=True)
        inits = {name: copied(init, directory) for name, init in INITS.items()}
        as_pid_1 = over_bare(helper, "pid1", inits)
        below = over_bare(helper, "child", inits)
    return [Figure("start-up", "as PID 1, over the command alone", "µs", as_pid_1, 0.33, "tini"),
            Figure("start-up", "below another init, over the command alone", "µs", below, 0.33,
                   "tini")]
