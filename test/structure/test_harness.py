"""What the tests are started by must not decide what they find."""

import signal
import subprocess
import sys

from namespace import ignoring

BOTH = {signal.SIGINT, signal.SIGQUIT}


def test_nothing_that_a_test_starts_ignores_int_or_quit():
    status = subprocess.run(["grep", "^SigIgn", "/proc/self/status"], text=True, check=True,
                            stdout=subprocess.PIPE).stdout
    ignored = int(status.split()[1], 16)
    assert {number for number in BOTH if ignored >> number - 1 & 1} == set()


def test_so_it_is_in_the_background_of_a_shell():
    test = f"{__file__}::{test_nothing_that_a_test_starts_ignores_int_or_quit.__name__}"
    played = subprocess.run([*ignoring(*BOTH), sys.executable, "-m", "pytest", "-q", test],
                            text=True, check=False, stdout=subprocess.PIPE)
    assert played.returncode == 0, played.stdout
