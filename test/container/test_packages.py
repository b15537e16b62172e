"""From what is packed to a container that serves: by the image, by the .deb, by the gem."""

import hashlib
import pathlib
import re
import tarfile

import pytest

from containers import SHOP, Container, podman

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DIST = SOURCE / "build/container/dist"
WAYS = {"image": (SHOP, "/usr/local/bin/signalbox"),
        "deb": (f"{SHOP}-deb", "/usr/bin/signalbox"),
        "gem": (f"{SHOP}-gem", "/usr/local/bin/signalbox")}


@pytest.fixture(scope="module")
def released():
    """The SHA-256 of the program in the tarball, which is the one that package/build.sh makes."""
    path, = DIST.glob("signalbox-*-linux-amd64.tar.gz")
    with tarfile.open(path) as archive:
        program = archive.extractfile(f"{path.name.removesuffix('.tar.gz')}/signalbox").read()
    assert program == (SOURCE / "build/release/signalbox").read_bytes()
    return hashlib.sha256(program).hexdigest()


def sum_in(image, path, tmp_path):
    container = Container(image, command=[])
    try:
        podman("cp", f"{container.name}:{path}", str(tmp_path / "signalbox"))
    finally:
        container.remove()
    return hashlib.sha256((tmp_path / "signalbox").read_bytes()).hexdigest()


@pytest.mark.parametrize("way", WAYS)
def test_by_each_way_it_is_the_same_file(way, released, tmp_path):
    assert sum_in(*WAYS[way], tmp_path) == released


def test_the_image_of_both_processors_has_it(released, tmp_path):
    version, = re.findall(r"signalbox-rails-(.*)\.gem", " ".join(p.name for p in DIST.iterdir()))
    assert sum_in(f"localhost/signalbox:{version}", "/signalbox", tmp_path) == released
    result = podman("run", "--rm", f"localhost/signalbox:{version}", "--version")
    assert result.stdout.startswith(f"signalbox {version}\n")


def test_whoever_compiles_it_gets_the_same_file(released, tmp_path):
    assert sum_in("localhost/signalbox-source", "/signalbox", tmp_path) == released


def test_by_each_way_a_container_serves(databases):
    # On one database, one after the other: the first one prepares for the second, which has the
    # same content. The gem's has another Gemfile. How they end is tested with the first one.
    for way, (image, _) in WAYS.items():
        container = Container(image, environment=databases.environment)
        try:
            container.start()
            assert container.serves(), container.output()
            assert ("step_started" in container.names()) == (way != "deb")
        finally:
            container.remove()
    assert databases.runs() == ["succeeded", "succeeded"]
    assert databases.seeds() == 1
