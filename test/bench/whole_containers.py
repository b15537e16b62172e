"""A real Rails application in real containers: from the start of a container to 200 on /up, and
what its own `db:prepare` costs where nothing is pending. Needs the images (test/container)."""

import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

from figures import OURS, ROOT, Figure, in_turn, rounds

sys.path.insert(0, str(ROOT / "test" / "container"))

from containers import Container, Databases, Fleet, gateway, podman_command  # noqa: E402
from postgres import Server  # noqa: E402

STOCK = "/rails/bin/docker-entrypoint"
REPLICAS = 5
PERIOD_S = 0.01
GIVEN_UP_S = 240


def up_ms(**options):
    """From the start of a container to its first 200, without what podman does before."""
    container = Container(**options)
    try:
        container.initialise()
        began = time.monotonic_ns()
        container.start()
        address = container.inspect('{{(index .NetworkSettings.Networks "signalbox").IPAddress}}')
        while not answers(f"http://{address}:80/up"):
            if time.monotonic_ns() - began > GIVEN_UP_S * 10**9:
                raise SystemExit(container.output())
            time.sleep(PERIOD_S)
        return (time.monotonic_ns() - began) / 1e6
    finally:
        container.remove()


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def inside_ms(container, *command):
    began = time.monotonic_ns()
    subprocess.run(podman_command("exec", container.name, *command), check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.monotonic_ns() - began) / 1e6


def alone(environment):
    """Nothing pending: Signalbox, and Rails' own answer, in one container; over an empty command."""
    container = Container(environment=environment)
    try:
        container.start()
        if not container.serves():
            raise SystemExit(container.output())
        taken = in_turn(rounds(7), {
            "nothing": lambda: inside_ms(container, "true"),
            OURS: lambda: inside_ms(container, "signalbox", "--server=true", "true"),
            "bin/rails db:prepare": lambda: inside_ms(container, "bin/rails", "db:prepare")})
    finally:
        container.remove()
    nothing = taken.pop("nothing")
    return {name: value - nothing for name, value in taken.items()}


def surviving(databases):
    """How many of five replicas serve where no database exists yet; more is better."""
    serving = {}
    for name, entrypoint in ((OURS, None), ("stock entrypoint", STOCK)):
        with Fleet(REPLICAS, entrypoint=entrypoint,
                   environment=databases.another().environment) as fleet:
            fleet.start()
            serving[name] = REPLICAS - fleet.serving()
    return serving


def measure():
    app = subprocess.run(["sh", str(ROOT / "test" / "container" / "app.sh")], check=True, text=True,
                         stdout=subprocess.PIPE).stdout.strip()
    key = pathlib.Path(app, "config", "master.key").read_text().strip()
    # The bridge has an address for as long as a container is on it.
    holder = Container(command=["infinity"], entrypoint="/bin/sleep")
    try:
        holder.start()
        with Server(listen=f"127.0.0.1,{gateway()}", max_connections=200) as server:
            databases = Databases(server, gateway(), key)
            nothing_pending = alone(databases.environment)
            starts = in_turn(rounds(7), {
                OURS: lambda: up_ms(environment=databases.environment),
                "stock entrypoint": lambda: up_ms(
                    entrypoint=STOCK, environment=databases.environment),
                "no entrypoint": lambda: up_ms(
                    entrypoint="./bin/thrust", command=["./bin/rails", "server"],
                    environment=databases.environment)})
            lost = surviving(databases)
    finally:
        holder.remove()
    return [
        Figure("containers", "nothing pending, four databases, in a real Rails application", "ms",
               nothing_pending),
        Figure("containers", "from the start of a container to 200 on /up", "ms", starts),
        Figure("containers", f"of {REPLICAS} replicas on a first boot, those that fail", "", lost)]
