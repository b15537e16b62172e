"""package/release.sh: everything of a version, from the pinned sources or not at all."""

import os
import subprocess

import pytest

from packing import ROOT, deb, tarball

DIST = ROOT / "build/release/dist"


def release(*arguments):
    return subprocess.run(["sh", ROOT / "package/release.sh", *arguments], capture_output=True,
                          text=True, check=False,
                          env=os.environ | {"SOURCE_DATE_EPOCH": "1790000000"})


def test_a_release_has_the_version_that_the_sources_have():
    for arguments, status, sentence in [
            ([], 64, "usage: sh package/release.sh VERSION"),
            (["99.0.0"], 65, "and not 99.0.0")]:
        done = release(*arguments)
        assert (done.returncode, sentence in done.stderr) == (status, True), done.stderr


@pytest.mark.soak
def test_a_release_is_of_the_pinned_sources_or_fails():
    version, = [line.split()[2] for line in (ROOT / "CMakeLists.txt").read_text().splitlines()
                if line.startswith("project(")]
    done = release(version)
    if done.returncode != 0:
        # Where no archive has them any longer, that is what it has to say.
        assert "as package/sources pins it, is not to be had from any archive" in done.stderr
        return
    program, _ = deb(DIST / f"signalbox_{version}_amd64.deb")["usr/bin/signalbox"]
    assert program == (ROOT / "build/release/signalbox").read_bytes()
    said = subprocess.run([ROOT / "build/release/signalbox", "--version"], capture_output=True,
                          text=True, check=True).stdout
    assert said.count(", pinned\n") == 4
    arm64 = tarball(DIST / f"signalbox-{version}-linux-arm64.tar.gz")
    licences = {name: content for name, (content, _) in arm64.items() if "/licences/" in name}
    openssl = licences[f"signalbox-{version}-linux-arm64/licences/openssl.txt"]
    assert b"Apache License" in openssl and len(licences) == 5
    # What lintian looks for in a program, it finds in the real one only.
    said = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning",
                           *DIST.glob("*.deb")], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")
