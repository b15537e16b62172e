"""The picture of a deploy from its logs: who ran, who waited for whom, who died."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

from test_structure import ROOT

LOG = """\
web-1  | => Booting Puma
web-1  | {"event":"command_recognised","level":"info","at":"2026-11-29T10:00:00.000Z","host":"web-1"}
web-1  | {"event":"step_started","at":"2026-11-29T10:00:01.000Z","host":"web-1","fingerprint":"aa","step":"db:prepare"}
web-2  | {"event":"command_recognised","at":"2026-11-29T10:00:00.100Z","host":"web-2","fingerprint":"aa"}
web-2  | {"event":"waiting","at":"2026-11-29T10:00:03.000Z","host":"web-2","elapsed_ms":2000,"holder":"web-1","run":7}
web-1  | {"event":"prepared","at":"2026-11-29T10:00:05.000Z","host":"web-1","run":7}
web-1  | {"event":"command_started","at":"2026-11-29T10:00:05.100Z","host":"web-1"}
web-2  | {"event":"already_prepared","at":"2026-11-29T10:00:05.200Z","host":"web-2","run":7}
web-2  | {"event":"command_started","at":"2026-11-29T10:00:05.300Z","host":"web-2"}
old-1  | {"event":"step_started","at":"2026-11-29T10:00:00.500Z","host":"old-1","fingerprint":"bb","release":"<v1>"}
old-1  | {"event":"prepare_failed","at":"2026-11-29T10:00:02.000Z","host":"old-1","exit_status":1}
old-1  | {"event":"broken
"""


def draw(log, *arguments):
    return subprocess.run([sys.executable, ROOT / "doc/timeline.py", *(arguments or ("-",))],
                          input=log, text=True, capture_output=True, check=False)


def test_a_deploy_is_drawn_replica_by_replica():
    drawn = draw(LOG)
    assert drawn.returncode == 0, drawn.stderr
    picture = ElementTree.fromstring(drawn.stdout)
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in picture.iter(f"{space}text")]
    assert {"web-1", "web-2", "old-1", "content bb, release <v1>"} <= set(texts)
    assert "died at 2.0 s: exit status 1" in texts
    told = [(bar.get("class"), bar.find(f"{space}title").text)
            for bar in picture.iter(f"{space}rect") if bar.get("class") != "page"]
    assert ("preparing", "preparing: db:prepare, 4.0 s") in told
    # It has waited since before it said so.
    assert ("waiting", "waiting: waits for web-1, run 7, 4.2 s") in told
    assert "prefers-color-scheme: dark" in drawn.stdout


def test_replicas_of_one_content_stand_together():
    drawn = draw(LOG).stdout
    assert drawn.index(">old-1<") > max(drawn.index(">web-1<"), drawn.index(">web-2<"))


def test_a_log_without_events_is_named():
    drawn = draw("nothing\n")
    assert (drawn.returncode, drawn.stdout) == (2, "")
    assert "SIGNALBOX_LOG=json" in drawn.stderr
