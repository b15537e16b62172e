"""Names of hosts, by the resolver that is linked in."""

import os
import socket
import subprocess

import pytest

from name_server import NameServer, unused_address

NAME = "db.signalbox.test"

# The two files are ours in a view of the file system that only the program has.
WITH_FILES = ("unshare", "--mount", "--propagation", "private", "sh", "-euc",
              'mount --bind hosts /etc/hosts; mount --bind resolv.conf /etc/resolv.conf; exec "$@"',
              "sh")


@pytest.fixture
def reach(server, binary, tmp_path):
    """Connects to a host of this name, and says with which exit status --status ended and why."""
    def reach(name, resolv_conf, hosts="", timeout="60s"):
        (tmp_path / "hosts").write_text(hosts, encoding="ascii")
        (tmp_path / "resolv.conf").write_text(resolv_conf, encoding="ascii")
        address = server.url("postgres", host=name)
        ended = subprocess.run(
            [*WITH_FILES, binary, "--status", f"--connect-timeout={timeout}",
             f"--database-url={address}", "./bin/rails", "server"],
            cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
            check=False)
        return ended.returncode, ended.stdout + ended.stderr
    return reach


def test_the_hosts_file_comes_first(reach):
    with NameServer({NAME: ["127.0.0.9"]}) as name_server:
        status, said = reach(NAME, f"nameserver {name_server.address}\n", f"127.0.0.1 {NAME}\n")
    assert status == 1, said
    assert name_server.asked == []


def test_a_name_server_is_asked(reach):
    with NameServer({NAME: ["127.0.0.1"], "alias.test": NAME}) as name_server:
        for name in NAME, "alias.test":
            status, said = reach(name, f"nameserver {name_server.address}\n")
            assert status == 1, said
        # A name may come up later, as a server does.
        status, said = reach("nobody.test", f"nameserver {name_server.address}\n", timeout="100ms")
    assert status == 69 and "nobody.test" in said
    assert ("udp", "nobody.test") in name_server.asked


def test_the_first_name_server_is_dead(reach):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((unused_address(), 53))
        with NameServer({NAME: ["127.0.0.1"]}) as name_server:
            status, said = reach(NAME, f"nameserver {silent.getsockname()[0]}\n"
                                       f"nameserver {name_server.address}\n")
        assert status == 1, said
        silent.settimeout(0)
        assert silent.recv(4096)


def test_search_domains_are_tried(reach):
    with NameServer({NAME: ["127.0.0.1"]}) as name_server:
        status, said = reach("db", f"nameserver {name_server.address}\n"
                                   "search elsewhere.test signalbox.test\n")
    assert status == 1, said
    names = list(dict.fromkeys(name for _, name in name_server.asked))
    assert names == ["db.elsewhere.test", NAME]


def test_an_answer_that_is_cut_off_is_asked_for_over_tcp(reach):
    # More than the 512 bytes that fit into a datagram, as the nodes of a cluster are told.
    with NameServer({f"{NAME}!": ["127.0.0.1"] * 40}) as name_server:
        status, said = reach(NAME, f"nameserver {name_server.address}\n")
    assert status == 1, said
    assert ("tcp", NAME) in name_server.asked


def test_an_address_that_nobody_listens_on_is_passed_over(reach):
    with NameServer({NAME: [unused_address(), "127.0.0.1"]}) as name_server:
        status, said = reach(NAME, f"nameserver {name_server.address}\n")
    assert status == 1, said
