"""A Debian machine whose whole internet is a folder: its archives are served on its loopback.

    run(world, [command, word…], environment)

gives the command mount and network namespaces of its own, in which apt uses the archives of the
world and trusts its key. Nothing of the real machine's network or of its apt is seen there.

This file is also the program that runs inside.
"""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading


def run(world, command, environment):
    """`world` has the folder `sites` (a folder a host), `keyring`, `timeout_s`, and `faults`: what
    is wrong with an address, `damaged` or `stalled`. Gives the ended process and the addresses that
    were asked for."""
    requests = pathlib.Path(world["sites"]) / "requests"
    requests.write_text("")
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    ended = subprocess.run(
        [*as_root, "unshare", "--mount", "--net", "--propagation", "private",
         sys.executable, __file__, json.dumps({**world, "command": command}, default=str)],
        env={"PATH": os.environ["PATH"], **environment}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False)
    return ended, requests.read_text().splitlines()


def put(content, name, target, world):
    """`target` has this content, for us alone."""
    path = pathlib.Path(world["sites"]) / f".{name}"
    path.write_text(content)
    subprocess.run(["mount", "--bind", path, target], check=True)


def become_the_machine(world):
    sites = pathlib.Path(world["sites"])
    hosts = [site.name for site in sites.iterdir() if "." in site.name[1:] and site.is_dir()]
    etc_apt, lists = sites / ".apt", sites / ".lists"
    for made in (etc_apt / "apt.conf.d", lists):
        made.mkdir(parents=True, exist_ok=True)
    (etc_apt / "sources.list").write_text(
        "deb http://main.test/debian bookworm main\n"
        "deb http://main.test/debian bookworm-updates main\n"
        "deb http://security.test/debian-security bookworm-security main\n")
    (etc_apt / "apt.conf").write_text(
        f'Acquire::http::Timeout "{world["timeout_s"]}"; Acquire::Retries "0";\n')
    subprocess.run(["mount", "--bind", etc_apt, "/etc/apt"], check=True)
    subprocess.run(["mount", "--bind", lists, "/var/lib/apt/lists"], check=True)
    put("127.0.0.1 localhost " + " ".join(hosts), "hosts", "/etc/hosts", world)
    put("", "resolv.conf", "/etc/resolv.conf", world)
    put("ID=debian\nVERSION_CODENAME=bookworm\n", "os-release", "/etc/os-release", world)
    for keyring in pathlib.Path("/usr/share/keyrings").glob("debian-archive-keyring.*"):
        subprocess.run(["mount", "--bind", world["keyring"], keyring], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


class Handler(http.server.BaseHTTPRequestHandler):
    world = None

    def do_GET(self):
        address = f"http://{self.headers['Host']}{self.path}".replace("%2b", "+").replace("%7e", "~")
        sites = pathlib.Path(self.world["sites"])
        with (sites / "requests").open("a") as log:
            log.write(address + "\n")
        file = sites / address.removeprefix("http://")
        fault = self.world["faults"].get(address)
        if not file.is_file():
            self.send_error(404)
            return
        data = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if fault == "stalled":
            self.wfile.write(data[:1])
            self.wfile.flush()
            # For as long as the other side waits.
            self.connection.recv(1)
            return
        self.wfile.write(bytes(byte ^ 1 for byte in data) if fault == "damaged" else data)

    def log_message(self, *_):
        pass


def main():
    world = json.loads(sys.argv[1])
    become_the_machine(world)
    Handler.world = world
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 80), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.exit(subprocess.run(world["command"], check=False).returncode)


if __name__ == "__main__":
    main()
