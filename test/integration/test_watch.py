"""What decides whether a prepare is due: --watch, volumes, unreadable files, very large and very many."""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile

import pytest

DATABASE = "postgresql://shop@db.internal/shop_production"

# What the whole of explaining may take of address space. Linked dynamically it cannot even start
# with less than 18 MB.
MEMORY_MOST = 24 << 20


@pytest.fixture
def image(binary):
    """An application's directory that any user can get to, with the binary beside it."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="signalbox-watch-"))
    base.chmod(0o755)
    shutil.copy(binary, base / "signalbox")
    directory = base / "rails"
    (directory / "db" / "migrate").mkdir(parents=True)
    (directory / "db" / "migrate" / "1_a.rb").write_text("create_table")
    (directory / "app").mkdir()
    (directory / "app" / "shop.rb").write_text("class Shop")
    (directory / "Gemfile.lock").write_text("rails")
    yield directory
    shutil.rmtree(base)


def explain(image, *options, around=(), command=("puma",), check=True, variables=None, **more):
    environment = {"PATH": os.environ["PATH"], "RAILS_ENV": "production",
                   "DATABASE_URL": DATABASE, **(variables or {})}
    result = subprocess.run(
        [*around, str(image.parent / "signalbox"), *options, "--log=json", "--explain", *command],
        cwd=image, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, **more)
    page = json.loads(result.stdout)
    if check:
        assert result.returncode == 0, page["problem"]
    return page


# --- what is asked for ----------------------------------------------------------


def test_what_is_watched_is_explained(image):
    whole = explain(image)
    assert whole["watched"] == {"files": 3, "bytes": 27} and whole["warnings"] == []
    narrow = explain(image, "--watch=db/**;Gemfile.lock")
    assert narrow["watched"] == {"files": 2, "bytes": 17}
    assert narrow["fingerprint"] != whole["fingerprint"]
    assert narrow["options"]["watch"] == {"value": "db/**; Gemfile.lock", "source": "--watch"}
    again = explain(image, variables={"SIGNALBOX_WATCH": "\n  Gemfile.lock \n db\n"})
    assert again["fingerprint"] == narrow["fingerprint"]


@pytest.mark.parametrize("entry, said", [
    ("db/*.{rb,sql}", "braces are not expanded: write one pattern for each"),
    ("db/[a-z", "no `]` ends the set"),
    ("*/../x", "`..` cannot stand behind a wildcard"),
    ("$", "a variable is $ and its name, and nothing more"),
    ("$FLAGS.yml", "a variable is $ and its name, and nothing more"),
    ("${FLAGS}", "a variable is $ and its name, and nothing more"),
])
def test_a_pattern_that_makes_no_sense_is_64(binary, tmp_path, entry, said):
    result = subprocess.run([binary, f"--watch=db;{entry}", "true"], cwd=tmp_path, check=False,
                            env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert result.returncode == 64
    assert result.stderr == f"signalbox: error: --watch: `{entry}` is not allowed: {said}\n"


@pytest.mark.parametrize("steps, accepted", [
    (("--step=./bin/rails db:prepare",), True),
    (("--step=bundle exec rake db:migrate", "--step=PART=2 ./bin/rails db:migrate"), True),
    (("--step=./bin/rails db:prepare", "--step=./bin/rails db:seed"), False),
    (("--step=./bin/rails db:prepare db:seed",), False),
])
def test_the_schema_alone_is_enough_for_migrations_only(image, steps, accepted):
    page = explain(image, "--watch=schema", *steps, check=False)
    if accepted:
        assert page["problem"] is None and page["watched"]["files"] == 2
    else:
        assert page["problem"].startswith("--watch=schema is only for the steps db:prepare and")
        assert "remove --watch, or name the files that count" in page["problem"]


def test_a_deploy_that_changes_nothing_watched_boots_no_rails(scene):
    scene.create_database()
    scene.tell_step()
    scene.start_one("--watch=schema").wait_for_stdout("serving")
    (scene.directory / "app.rb").write_text("new", encoding="utf-8")
    later = scene.start_one("--watch=schema", prefix="later-")
    later.wait_for_stdout("serving")
    assert later.said("already_prepared") and not later.said("step_started")
    (scene.directory / "db" / "migrate" / "20261102000000_b.rb").write_text("b", encoding="utf-8")
    scene.tell_step()
    scene.start_one("--watch=schema", prefix="newer-").wait_for("step_started")


def test_where_nothing_is_watched_every_replica_runs_and_is_told_why(scene):
    scene.create_database()
    for number in (1, 2):
        scene.tell_step()
        replica = scene.start_one("--watch=confg/*.yml", prefix=f"web-{number}-")
        replica.wait_for_stdout("serving")
        note, = replica.said("no_fingerprint")
        assert note["message"] == ("no file that --watch names exists: every replica runs the "
                                   "steps, one after the other")
        note, = replica.said("configuration_note")
        assert note["message"] == (
            "--watch: `confg/*.yml` matches no file, so it decides nothing")
        assert replica.said("step_started")
    assert len(scene.step_runs()) == 2


def test_the_half_of_a_two_part_migration_is_another_content(scene):
    scene.create_database()
    for number, part in enumerate(("1", None), 1):
        scene.tell_step()
        replica = scene.start_one(prefix=f"part-{number}-",
                                  environment={"SKIP_POST_DEPLOYMENT_MIGRATIONS": part})
        replica.wait_for_stdout("serving")
    assert len(scene.step_runs()) == 2


# --- what is no part of the image -----------------------------------------------


MOUNTED = ("unshare", "--mount", "--map-root-user", "sh", "-euc")


def test_volumes_do_not_count_unless_they_are_named(image):
    volume = image.parent / "volume"
    (volume / "deeper").mkdir(parents=True)
    (volume / "flags.yml").write_text("on")
    (volume / "deeper" / "more.yml").write_text("on")
    (image / "uploads").mkdir()
    (image / "settings.yml").write_text("built")
    mount = (f"mount --bind {volume} uploads; mount --bind {volume}/flags.yml settings.yml; "
             'exec "$@"')
    around = (*MOUNTED, mount, "sh")
    (image / "uploads" / "built.txt").write_text("built")
    assert explain(image)["watched"]["files"] == 5
    assert explain(image, around=around)["watched"]["files"] == 3
    # Not by a wildcard either, but by name.
    assert explain(image, "--watch=*.yml;app", around=around)["watched"]["files"] == 1
    for watch, files in (("uploads", 2), ("uploads/*.yml", 1), ("uploads/**/*.yml", 2),
                         ("settings.yml", 1), ("uploads/deeper/more.yml", 1)):
        page = explain(image, f"--watch={watch}", around=around)
        assert page["watched"]["files"] == files and page["warnings"] == [], watch
    before = explain(image, "--watch=uploads;app", around=around)["fingerprint"]
    (volume / "deeper" / "more.yml").write_text("off")
    assert explain(image, "--watch=uploads;app", around=around)["fingerprint"] != before


@pytest.mark.parametrize("secret, said", [
    ("config/master.key", "config/master.key cannot be read by uid 65534 (Permission denied)"),
    ("secrets", "secrets cannot be read by uid 65534 (Permission denied)"),
])
def test_what_cannot_be_read_is_named(image, secret, said):
    (image / "config").mkdir()
    (image / "config" / "master.key").write_text("key")
    (image / "secrets").mkdir()
    around = () if os.geteuid() else ("setpriv", "--reuid=65534", "--regid=65534",
                                      "--clear-groups", "--")
    said = said.replace("65534", str(os.geteuid() or 65534))
    (image / secret).chmod(0)
    page = explain(image, around=around, check=False)
    (image / secret).chmod(0o755)
    assert page["problem"].startswith(said)
    assert page["problem"].endswith("make it readable, or say with --watch which files count")
    # What is not watched need not be readable.
    (image / secret).chmod(0)
    page = explain(image, "--watch=db;Gemfile.*", around=around)
    (image / secret).chmod(0o755)
    assert page["watched"]["files"] == 2


# --- bounded memory ---------------------------------------------------------------


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MOST, MEMORY_MOST))


@pytest.mark.no_sanitizer
def test_a_tree_of_a_gigabyte_is_read_in_little_memory(image):
    (image / "models").mkdir()
    for name, size in (("large", 1 << 30), ("small", 1 << 20)):
        with open(image / "models" / name, "wb") as file:
            file.truncate(size)
    page = explain(image, preexec_fn=limit_memory)
    assert page["watched"]["bytes"] == 27 + (1 << 30) + (1 << 20)


@pytest.mark.no_sanitizer
def test_memory_does_not_grow_with_the_number_of_files(image):
    # Their paths alone would not fit.
    folders, files, deep = 13, 200, "/".join(["a" * 240] * 14)
    for folder in range(folders):
        path = image / "assets" / str(folder) / deep
        path.mkdir(parents=True)
        inside = os.open(path, os.O_RDONLY)
        for file in range(files):
            os.close(os.open(str(file), os.O_CREAT | os.O_WRONLY, dir_fd=inside))
        os.close(inside)
    assert folders * files * len(deep) > MEMORY_MOST - (18 << 20)
    page = explain(image, "--watch=.", preexec_fn=limit_memory)
    assert page["watched"]["files"] == 3 + folders * files


# --- what must not get into the app's own schema ------------------------------------


@pytest.mark.parametrize("watch", [(), ("--watch=schema",), ("--watch=bin",)],
                         ids=["image", "schema", "elsewhere"])
def test_a_schema_file_that_names_the_ledger_is_found_whatever_is_watched(scene, watch):
    (scene.directory / "db" / "structure.sql").write_text(
        "-- \n" * 20000 + "CREATE TABLE public.signalbox_runs (id bigint);\n", encoding="utf-8")
    scene.create_database()
    replica = scene.start_one(*watch)
    replica.wait_for_stderr("the complaint of the step")
    assert replica.said("ledger_late")[0]["message"].startswith("db/structure.sql names ")
    assert scene.query("SELECT to_regclass('signalbox_runs')") == [("",)]
    scene.tell_step()
    replica.wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded"]
