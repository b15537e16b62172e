"""What the container tests share: the database server, and a report at the end."""

import os
import pathlib
import subprocess

import pytest

from containers import Container, Databases, gateway
from postgres import Server

HERE = pathlib.Path(__file__).resolve().parent
_report = []


def pytest_generate_tests(metafunc):
    if "round_number" in metafunc.fixturenames:
        rounds = int(os.environ.get("SIGNALBOX_ROUNDS", "1"))
        metafunc.parametrize("round_number", range(1, rounds + 1))


def pytest_terminal_summary(terminalreporter):
    if _report:
        terminalreporter.section("five containers started in the same instant")
        for line in _report:
            terminalreporter.write_line(line)


@pytest.fixture
def report():
    """Appends a line to what is printed after all tests, also when they pass."""
    return _report.append


@pytest.fixture(scope="session")
def app():
    """The directory of the Rails application that the images were made from."""
    result = subprocess.run(["sh", str(HERE / "app.sh")], stdout=subprocess.PIPE, text=True,
                            check=True)
    return pathlib.Path(result.stdout.strip())


@pytest.fixture(scope="session")
def server():
    """PostgreSQL on the host, which containers reach over their bridge."""
    # The bridge, and with it the gateway's address, exists only while a
    # container is plugged into it.
    holder = Container(command=["infinity"], entrypoint="/bin/sleep")
    try:
        holder.start()
        with Server(listen=f"127.0.0.1,{gateway()}", max_connections=200) as postgres:
            yield postgres
    finally:
        holder.remove()


@pytest.fixture
def databases(server, app):
    """Four databases that do not exist yet, and the environment that names them."""
    return Databases(server, gateway(), (app / "config/master.key").read_text().strip())
