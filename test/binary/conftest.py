"""The static binaries themselves, which bring all they need along."""

import os
import pathlib

import pytest

from postgres import Server

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


OWN_PROCESSOR = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]


def built(processor):
    """The binary for this processor, as package/build.sh leaves it."""
    folder = "release" if processor == OWN_PROCESSOR else f"release-{processor}"
    path = REPOSITORY / "build" / folder / "signalbox"
    if not os.access(path, os.X_OK):
        pytest.exit(f"no binary to test at {path}: sh package/build.sh {processor}", returncode=2)
    return path


@pytest.fixture(scope="session")
def binary():
    return str(built(OWN_PROCESSOR))


@pytest.fixture(scope="session")
def server():
    # With what the libpq that is linked in knows of, such as TLS without asking for it first.
    with Server(version=17) as server:
        yield server
