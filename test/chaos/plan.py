"""What a round of the chaos will do, from its seed and number alone: the same seed, the same plan.

A plan says who arrives, what each step does, and which faults strike. When is said by triggers: an
event that is waited for, and how long after it, so that faults also fall between two events.
"""

import random
import signal

# Rounds of these kinds are few, since each takes long or a server of its own. By number, so that a
# short run has them too.
EVERY = 100
KINDS = {0: "cut", 1: "freeze", 2: "restart", 3: "missing", 52: "restart", 53: "missing"}

RELEASES = ("a", "b")
SIGNALS = (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def make_plan(seed, number):
    dice = random.Random(f"{seed}/{number}")
    kind = KINDS.get(number % EVERY, "ordinary")
    plan = {"number": number, "kind": kind, "replicas": [], "steps": [], "faults": []}
    if kind in ("cut", "freeze"):
        return _beyond_the_timeouts(plan, dice)
    count = dice.choice((1, 2, 2, 3, 3, 3, 4, 4, 5, 6))
    releases = RELEASES if dice.random() < 0.4 else RELEASES[:1]
    for index in range(count):
        plan["replicas"].append({
            "release": dice.choice(releases),
            "purpose": "due" if index == 0 else dice.choice(("due",) * 8 + ("wait", "typed")),
            "init": dice.random() < 0.6,
            "arrives": _at_the_start(dice) if index == 0 or dice.random() < 0.6
            else _trigger(dice),
        })
    plan["steps"] = [_step(dice) for _ in range(dice.randint(1, 5))]
    plan["faults"] = [_fault(dice, count) for _ in range(dice.choice((0, 1, 1, 1, 2, 2, 3)))]
    if kind == "restart":
        plan["faults"].append({"do": "restart", "mode": dice.choice(("fast", "immediate")),
                               "when": _trigger(dice)})
    return plan


def _beyond_the_timeouts(plan, dice):
    """The runner's link is cut, or its whole container stopped, until the server has let go."""
    for _ in range(dice.randint(2, 3)):
        plan["replicas"].append({"release": "a", "purpose": "due", "init": dice.random() < 0.6,
                                 "arrives": _at_the_start(dice)})
    plan["steps"] = [dice.choice((["statement", "hold"], ["statement", "busy", "hold"],
                                  ["stubborn", "statement", "busy", "hold"]))]
    is_busy = "busy" in plan["steps"][0]
    plan["faults"].append({"do": plan["kind"], "to": "runner",
                           "when": {"on": "step", "what": "busy" if is_busy else "locked",
                                    "count": 1, "after_ms": dice.randint(0, 6000)}})
    if plan["kind"] == "freeze":
        plan["faults"].append({"do": "thaw", "to": "frozen",
                               "when": {"on": "step", "what": "hello", "count": 2,
                                        "after_ms": dice.randint(0, 50)}})
    return plan


def _at_the_start(dice):
    return {"on": "start", "after_ms": dice.choice((0, 0, dice.randint(0, 30)))}


def _trigger(dice):
    after_ms = dice.choice((0, dice.randint(0, 5), dice.randint(0, 40), dice.randint(0, 300)))
    on = dice.choice(("start", "said", "said", "said", "step", "step", "over"))
    trigger = {"on": on, "after_ms": after_ms}
    if on == "said":
        trigger["what"] = dice.choice((
            "database_reached", "lock_taken", "step_started", "step_started", "waiting",
            "step_ended", "step_failed", "prepared", "runner_died", "fenced", "command_started"))
        trigger["count"] = dice.randint(1, 3)
    elif on == "step":
        trigger["what"] = dice.choice(("hello", "locked", "busy", "daemon", "told"))
        trigger["count"] = dice.choice((1, 1, 2, 3))
    elif on == "over":
        trigger["count"] = dice.randint(1, 2)
    return trigger


def _step(dice):
    begin = dice.choice(([], ["statement"], ["statement"], ["statement"],
                         [f"pause {dice.randint(0, 60)}", "statement"],
                         ["stubborn", "statement"]))
    middle = dice.choice(([], [], [f"pause {dice.randint(0, 700)}"],
                          [f"pause {dice.randint(0, 300)}"], ["daemon"]))
    if "statement" in begin and dice.random() < 0.2:
        # Only a step that fails leaves a statement behind; `hold` is until somebody else ends it.
        return [*begin, "busy", f"pause {dice.randint(0, 700)}", f"exit {dice.randint(3, 9)}"]
    end = dice.choice(("exit 0",) * 6 + (f"exit {dice.randint(3, 9)}",) * 2
                      + (f"die {int(dice.choice((signal.SIGKILL, signal.SIGSEGV)))}",))
    return [*begin, *middle, end]


def _fault(dice, count):
    to = dice.choice(("runner", "runner", "runner", dice.randrange(count)))
    fault = {"to": to, "when": _trigger(dice)}
    fault["do"] = dice.choice(("kill_main", "kill_main", "kill_preparer", "kill_step", "signal",
                               "signal", "stop", "end_holder", "end_reader", "end_step"))
    if fault["do"] == "signal":
        fault["signal"] = int(dice.choice(SIGNALS))
    elif fault["do"] == "stop":
        fault["what"] = dice.choice(("main", "preparer", "step"))
        fault["for_ms"] = dice.randint(0, 500)
    return fault
