"""Who appears in a round: replicas, and what they start."""

import contextlib

from processes import children_of, name_of


class Replica:
    """One container: what was asked of it, what was done to it, and what it said."""

    def __init__(self, number, index, wish, is_closing=False):
        self.index = index
        self.release = wish["release"]
        self.purpose = wish["purpose"]
        self.init = wish["init"]
        self.is_closing = is_closing
        # No other round's: the server knows us by this name.
        self.name = f"{number}-" + (f"closing-{self.release}" if is_closing else f"web-{index}")
        self.pid = None
        self.status = None
        self.events = []
        self.text = b""
        self.is_silent = False  # Nothing of it is left that could still say anything.
        self.has_served = False
        self.is_frozen = False
        self.was_signalled = set()
        self.was_killed = False
        self.has_lost_preparer = False
        self.is_disturbed = False
        self.began_at = None

    def main(self):
        """The process of Signalbox, or None where there is none yet or any more."""
        if self.pid is None or self.status is not None:
            return None
        if not self.init:
            return self.pid
        below = children_of(self.pid)
        return below[0] if below else None

    def preparer(self):
        main = self.main()
        below = [] if main is None else [
            pid for pid in children_of(main) if name_of(pid) == "signalbox"]
        return below[0] if below else None

    def said(self, event):
        return [entry for entry in self.events if entry["event"] == event]


class Puppet:
    """A connection of the actor: a step, what it left behind, or a server."""

    def __init__(self, connection, pid):
        self.connection = connection
        self.pid = pid
        self.role = None
        self.replica = None
        self.run = None
        self.is_over = False
        self.has_answered = False
        self.challenged_at = None
        self.was_told = None
        self.orders = []

    def tell(self, order):
        with contextlib.suppress(OSError):
            self.connection.send(order.encode())
