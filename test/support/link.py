"""A network of its own for a program, whose link to this machine can be cut.

    with Link() as link:
        start([*link.inside, program, "--address", link.near])
        link.cut()

Cut means that packets vanish in both directions: nobody is told anything.
"""

import os
import random
import re
import subprocess


class Link:
    """`near` is this machine's end of the link, `far` the other; `inside` begins a command there."""

    def __init__(self):
        # From the range for measuring networks (RFC 2544), so that nobody else is there.
        number = random.randrange(1 << 15) * 4
        self.near, self.far = (f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{(number & 255) + end}"
                               for end in (1, 2))
        self._name = f"sb{os.getpid()}-{number}"
        self._near_end, self._far_end = f"sn{number}", f"sf{number}"
        self._as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        self.inside = [*self._as_root, "nsenter", f"--net=/run/netns/{self._name}", "--"]

    def __enter__(self):
        self._clear_up()
        try:
            self._ip("netns", "add", self._name)
            self._ip("link", "add", self._near_end, "type", "veth", "peer", "name", self._far_end,
                     "netns", self._name)
            self._ip("address", "add", f"{self.near}/30", "dev", self._near_end)
            self._ip("link", "set", self._near_end, "up")
            self._ip("-n", self._name, "address", "add", f"{self.far}/30", "dev", self._far_end)
            self._ip("-n", self._name, "link", "set", self._far_end, "up")
            self._ip("-n", self._name, "link", "set", "lo", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._ip("link", "del", self._near_end, check=False)
        self._ip("netns", "del", self._name, check=False)

    def cut(self):
        self._filter("-A", "INPUT", "-i")
        self._filter("-A", "OUTPUT", "-o")

    def mend(self):
        self._filter("-D", "INPUT", "-i")
        self._filter("-D", "OUTPUT", "-o")

    def _clear_up(self):
        """Removes what a test process that was killed has left; the name says whose it is."""
        for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else ():
            owner = re.fullmatch(r"sb(\d+)-\d+", name)
            if owner and not os.path.exists(f"/proc/{owner[1]}"):
                self._ip("netns", "del", name, check=False)

    def _filter(self, action, chain, direction):
        # The engine of the container tests may be at work beside us, and hold iptables' lock.
        self._run(*self.inside, "iptables", "-w", action, chain, direction, self._far_end,
                  "-j", "DROP")

    def _ip(self, *arguments, check=True):
        self._run(*self._as_root, "ip", *arguments, check=check)

    @staticmethod
    def _run(*command, check=True):
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                check=False)
        if check and result.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {result.stderr.strip()}")
