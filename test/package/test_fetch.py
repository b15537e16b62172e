"""What is pinned is fetched from wherever it lies, and something true is said where it lies nowhere."""

import os
import pathlib
import shutil

import pytest

import machine
from archive import Archive, Key, Snapshot, Source, folder

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "package"

OLDER = Source("libtiny", "1:1.8-2")
PINNED = Source("libtiny", "1:1.9-1+deb13u1")
NEWER = Source("libtiny", "1:1.9-1+deb13u2")
NEWEST = Source("libtiny", "1:1.10-1~deb13u1")
OTHER = Source("other", "3.0-1")


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    key = Key(tmp_path_factory.mktemp("key"))
    yield key
    key.close()


class World:
    """Two archives, the snapshot archive, a cache, and the scripts with pins of their own."""

    def __init__(self, tmp_path, key):
        self.sites = folder(tmp_path / "sites")
        self.cache = folder(tmp_path / "cache" / "signalbox")
        self.package = tmp_path / "package"
        shutil.copytree(PACKAGE, self.package)
        self.key = key
        self.faults = {}
        self.main = Archive(self.sites, "main.test", "debian", "pool/main")
        self.security = Archive(self.sites, "security.test", "debian-security", "pool/updates/main")
        self.snapshot = Snapshot(self.sites)
        self.pin(PINNED, OTHER)
        self.main.has(OTHER)
        self.list(OTHER)

    def pin(self, *sources):
        (self.package / "sources").write_text(
            "# A head of comments.\n\n" + "".join(source.pins() for source in sources))

    def list(self, *sources, security=()):
        self.main.lists("trixie", self.key, *sources)
        self.main.lists("trixie-updates", self.key)
        self.security.lists("trixie-security", self.key, *security)

    def vanish(self):
        """Every archive is gone."""
        for site in self.sites.iterdir():
            if site.is_dir():
                shutil.rmtree(site)

    def run(self, script="fetch.sh", **variables):
        world = {"sites": self.sites, "keyring": self.key.public, "timeout_s": 1,
                 "faults": self.faults}
        ended, self.requests = machine.run(
            world, ["sh", str(self.package / script)],
            {"HOME": "/nonexistent", "XDG_CACHE_HOME": str(self.cache.parent), **variables})
        self.said = ended.stderr.splitlines()
        return ended.returncode

    def fetches(self, *chosen, **variables):
        """It ends well, these are the lines of the choice, and the files are what they should be."""
        assert self.run(**variables) == 0, self.explain()
        assert self.choice() == [line for source, origin in chosen
                                 for line in source.chosen(origin)]
        for source, _ in chosen:
            for file, data in source.files.items():
                assert (self.cache / "sources" / file).read_bytes() == data

    def choice(self):
        lines = (self.cache / "sources" / "chosen").read_text().splitlines()
        return [line for line in lines if not line.startswith("#")]

    def log(self, name="fetch"):
        return (self.cache / f"{name}.log").read_text()

    def explain(self):
        return "\n".join([*self.said, self.log() if (self.cache / "fetch.log").exists() else ""])


@pytest.fixture
def world(tmp_path, key):
    return World(tmp_path, key)


def warned(world):
    return [line for line in world.said if "not the bytes of the release" in line]


def test_what_is_listed_is_fetched_and_then_nothing_is_asked_again(world):
    world.list(PINNED, OTHER)
    world.main.has(PINNED)
    world.fetches((PINNED, "pinned"), (OTHER, "pinned"))
    assert warned(world) == []
    world.vanish()
    world.fetches((PINNED, "pinned"), (OTHER, "pinned"))
    assert world.requests == [] and world.said == []


def test_a_list_ahead_of_its_folder_hides_nothing(world):
    world.list(NEWEST, OTHER)
    world.main.has(PINNED)
    world.fetches((PINNED, "pinned"), (OTHER, "pinned"))


def test_the_security_archives_folder_is_asked_too(world):
    world.list(NEWEST, OTHER)
    world.security.has(PINNED)
    world.fetches((PINNED, "pinned"), (OTHER, "pinned"))


def test_lists_that_are_gone_hide_nothing(world):
    world.vanish()
    world.main.has(PINNED, OTHER)
    world.fetches((PINNED, "pinned"), (OTHER, "pinned"))


def test_the_snapshot_archive_is_asked_last(world):
    world.list(NEWEST, OTHER)
    world.snapshot.has(PINNED)
    world.fetches((PINNED, "pinned"), (OTHER, "pinned"))


@pytest.mark.parametrize("fault", ["damaged", "stalled"])
def test_a_place_with_a_fault_is_passed_over(world, fault):
    world.list(PINNED, OTHER)
    world.main.has(PINNED)
    world.security.has(PINNED)
    first = world.main.path_of(PINNED, next(iter(PINNED.files)))
    world.faults = {first: fault}
    world.fetches((PINNED, "pinned"), (OTHER, "pinned"))
    assert first in world.requests
    assert f"trying {first}" in world.log()


def test_a_damaged_file_in_the_cache_is_fetched_again(world):
    world.list(PINNED, OTHER)
    world.main.has(PINNED)
    world.fetches((PINNED, "pinned"), (OTHER, "pinned"))
    (world.cache / "sources" / next(iter(PINNED.files))).write_bytes(b"damaged")
    world.fetches((PINNED, "pinned"), (OTHER, "pinned"))


def test_otherwise_the_newest_that_is_there(world):
    # The list of security updates names one that nobody has yet.
    world.list(OLDER, NEWER, OTHER, security=[NEWEST])
    world.main.has(OLDER, NEWER)
    world.fetches((NEWER, "newest"), (OTHER, "pinned"))
    line, = warned(world)
    assert "libtiny 1:1.9-1+deb13u2" in line and "other" not in line
    assert "libtiny 1:1.10-1~deb13u1 is listed, but it is not there" in world.log()


def test_what_stands_in_does_so_for_a_day_and_longer_without_a_network(world):
    world.list(NEWER, OTHER)
    world.main.has(NEWER)
    world.fetches((NEWER, "newest"), (OTHER, "pinned"))
    world.fetches((NEWER, "newest"), (OTHER, "pinned"))
    assert world.requests == [] and len(warned(world)) == 1
    yesterday = (world.cache / "sources" / "chosen").stat().st_mtime - 90_000
    os.utime(world.cache / "sources" / "chosen", (yesterday, yesterday))
    world.vanish()
    world.fetches((NEWER, "newest"), (OTHER, "pinned"))
    assert len(warned(world)) == 1
    os.utime(world.cache / "sources" / "chosen", (yesterday, yesterday))
    world.main.has(PINNED)
    world.fetches((PINNED, "pinned"), (OTHER, "pinned"))


def test_a_release_takes_nothing_but_the_pinned(world):
    world.list(NEWER, OTHER)
    world.main.has(NEWER)
    assert world.run(SIGNALBOX_SOURCES="pinned") == 1
    assert world.said[-1].startswith(
        "signalbox: libtiny 1:1.9-1+deb13u1, as package/sources pins it, is not to be had")
    # Nor what stood in for it at another time.
    assert world.run() == 0
    assert world.run(SIGNALBOX_SOURCES="pinned") == 1
    assert world.run(SIGNALBOX_SOURCES="newest") == 1
    assert world.said == ["signalbox: SIGNALBOX_SOURCES is newest; it may be pinned, or not be set"]


def test_a_list_that_a_stranger_signed_offers_nothing(world, tmp_path):
    stranger = Key(folder(tmp_path / "stranger"))
    try:
        world.main.lists("trixie", stranger, NEWER, OTHER)
    finally:
        stranger.close()
    world.main.has(NEWER)
    assert world.run() == 1
    assert "neither" in world.said[-1] or "no archive's list" in world.said[-1]


def test_listed_and_nowhere_to_be_had(world):
    world.list(NEWER, OTHER)
    assert world.run() == 1
    assert world.said[-1].startswith(
        "signalbox: neither libtiny 1:1.9-1+deb13u1, which is pinned, nor another version of it")


def test_nothing_at_all_to_be_had(world):
    world.vanish()
    assert world.run() == 1
    assert world.said[-1].startswith("signalbox: no archive's list of source packages can be read")


def test_the_newest_that_is_there_becomes_the_pinned_one(world):
    world.list(OLDER, NEWER, OTHER, security=[NEWEST])
    world.main.has(OLDER, NEWER)
    assert world.run("update-sources.sh") == 0, world.said
    assert "signalbox: libtiny goes from 1:1.9-1+deb13u1 to 1:1.9-1+deb13u2; " \
        "1:1.10-1~deb13u1 is listed, but no archive has it yet" in world.said
    assert "signalbox: other stays at 3.0-1" in world.said
    text = (world.package / "sources").read_text()
    assert text.startswith("# A head of comments.\n\n")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == [line.split() for line in (NEWER.pins() + OTHER.pins()).splitlines()]
    world.fetches((NEWER, "pinned"), (OTHER, "pinned"))


def test_what_is_pinned_never_goes_back(world):
    world.list(OLDER, OTHER)
    world.main.has(OLDER)
    before = (world.package / "sources").read_text().split()
    assert world.run("update-sources.sh") == 0
    assert (world.package / "sources").read_text().split() == before
