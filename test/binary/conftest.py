"""The static binary itself, which brings all it needs along."""

import os
import pathlib

import pytest

from postgres import Server

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def binary():
    path = REPOSITORY / "build" / "release" / "signalbox"
    if not os.access(path, os.X_OK):
        pytest.exit(f"no binary to test at {path}: sh package/build.sh", returncode=2)
    return str(path)


@pytest.fixture(scope="session")
def server():
    # With what the libpq that is linked in knows of, such as TLS without asking for it first.
    with Server(version=17) as server:
        yield server
