"""A database that is reached, or why not: one line that a person understands, and the right exit status."""

import os
import pathlib
import socket
import subprocess
import threading
from urllib.parse import quote

import pytest

import vectors
from flights import assert_never_started, begun

SECRET = "hunter2/@ %secret"


def url(port, *, user="somebody", password=SECRET, host="127.0.0.1", name="shop", **query):
    options = "&".join(f"{key}={value}" for key, value in query.items())
    return (f"postgresql://{user}:{quote(password, safe='')}@{host}:{port}/{name}"
            + (f"?{options}" if options else ""))


def start(scene, address, timeout="2s"):
    return scene.start_one(f"--connect-timeout={timeout}",
                           environment={"DATABASE_URL": address, "SIGNALBOX_LOG": "text"})


def concluded(replica, status, *words):
    """It ended so, said these words in its last line, and no password."""
    assert replica.exit_status() == status, replica.transcript()
    ours = [line for line in replica.stderr if line.startswith("signalbox: ")]
    for word in words:
        assert word in ours[-1]
    transcript = replica.transcript()
    for secret in (SECRET, quote(SECRET, safe=""), quote(SECRET)):
        assert secret not in transcript
    return ours


@pytest.fixture(params=[b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"])
def impostor(request):
    """A port on which something that is not PostgreSQL answers, always the same."""
    listener = socket.create_server(("127.0.0.1", 0))
    answer = request.param

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(100)
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_nobody_listens(scene, refusing_port):
    lines = concluded(start(scene, url(refusing_port)), 69, "Connection refused",
                      f"postgresql://somebody@127.0.0.1:{refusing_port}/shop")
    # The reason is said once while it lasts, and once as the end.
    assert len([line for line in lines if "Connection refused" in line]) == 2


def test_the_name_does_not_resolve(scene):
    lines = concluded(start(scene, url(5432, host="nowhere.invalid")), 69, "nowhere.invalid")
    assert len([line for line in lines if "not reachable yet" in line]) == 1


def test_something_else_answers(scene, impostor):
    concluded(start(scene, url(impostor)), 78, "not PostgreSQL")
    concluded(start(scene, url(impostor, sslmode="disable")), 78, "not PostgreSQL")


@pytest.mark.emulated
def test_the_password_is_wrong(scene):
    wrong = url(scene.server.port, user=scene.role, host=scene.server.host, sslmode="require")
    concluded(start(scene, wrong), 78, "password")


def test_the_role_is_unknown(scene):
    address = url(scene.server.port, host=scene.server.host, sslmode="require")
    concluded(start(scene, address), 78, "somebody")


@pytest.mark.parametrize("impostor", [b"N"], indirect=True)
def test_tls_is_refused_by_the_server(scene, impostor):
    concluded(start(scene, url(impostor, sslmode="require")), 78, "server has no TLS")


def test_the_certificate_is_nobodys(scene):
    address = url(scene.server.port, host=scene.server.host, user=scene.role,
                  sslmode="verify-full", sslrootcert="system")
    # libpq before 16 has no `system`, and then there is no such file.
    concluded(start(scene, address), 78, "certificate")


def test_the_certificate_is_another_hosts(scene):
    address = url(scene.server.port, host="elsewhere.example", user=scene.role, hostaddr=scene.server.host,
                  sslmode="verify-full", sslrootcert=quote(scene.server.ca_certificate, safe=""))
    concluded(start(scene, address), 78, "certificate")


def test_a_keyword_has_a_bad_value(scene):
    concluded(start(scene, url(1, sslmode="sometimes")), 78, "sslmode")


@pytest.mark.parametrize("timeout", ["1s", "3s"])
def test_the_last_line_names_the_last_thing_that_was_said(scene, timeout):
    scene.create_database()
    scene.server.query(f"ALTER ROLE {scene.role} CONNECTION LIMIT 0")
    lines = concluded(start(scene, scene.url(), timeout), 69,
                      f'too many connections for role "{scene.role}"')
    assert not [line for line in lines if "does not answer" in line]


@pytest.mark.parametrize("option, word", [
    ("-c no_such_setting=1", "no_such_setting"), ("-c work_mem=plenty", "work_mem"),
    ("-x", "invalid")])
def test_options_that_the_server_refuses_are_final(scene, option, word):
    scene.create_database()
    concluded(start(scene, scene.url() + "&options=" + quote(option, safe=""), "1h"), 78, word)


def test_the_accessory_comes_up_later(scene, own_server):
    scene.use(own_server)
    scene.create_database()
    address = scene.url()
    own_server.stop()
    scene.tell_step()
    replica = scene.start_one(environment={"DATABASE_URL": address})
    replica.wait_for("database_unreachable")
    own_server.start()
    replica.wait_for_stdout("serving")


# --- what becomes of the start ------------------------------------------------


@pytest.mark.race
def test_a_wrong_password_fails_at_once(scene):
    scene.create_database()
    right, scene.password = scene.password, "p%:/@ +" + "quite-wrong-indeed"
    replica = scene.start_one()
    # Only a failure that is not tried again ends before the timeout of an hour.
    assert replica.exit_status() == 78
    assert_never_started(replica)
    assert len(replica.said("database_refused")) == 1
    # That the wrong one was not written out is looked for in every scenario.
    assert right not in replica.transcript()


@pytest.mark.race
def test_an_unknown_role_fails_at_once(scene):
    scene.create_database()
    url = scene.server.url(scene.database, "nobody_at_all", scene.password)
    replica = scene.start_one(environment={"DATABASE_URL": url})
    assert replica.exit_status() == 78
    assert_never_started(replica)


@pytest.mark.race
def test_no_server_listens(scene, refusing_port):
    url = scene.url().replace(f":{scene.server.port}/", f":{refusing_port}/")
    replica = scene.start_one("--connect-timeout=1s", environment={"DATABASE_URL": url})
    assert replica.exit_status() == 69
    assert replica.said("database_unreachable") != []
    assert_never_started(replica)


@pytest.mark.race
def test_a_server_that_never_answers(scene, unused_listener):
    # It takes connections in its backlog and says nothing.
    replica = scene.start_one(
        "--connect-timeout=1s", environment={"DATABASE_URL": unused_listener.url})
    assert replica.exit_status() == 69
    assert_never_started(replica)


@pytest.mark.race
def test_a_server_that_comes_up_late(scene, own_server):
    scene.use(own_server)
    own_server.stop()
    scene.tell_step()
    replica = scene.start_one()
    replica.wait_for("database_unreachable")
    own_server.start()
    replica.wait_for_stdout("serving")
    assert scene.step_runs() == ["web-1"]


@pytest.mark.race
def test_a_database_that_may_not_be_created(scene):
    scene.server.query(f"ALTER ROLE {scene.role} NOCREATEDB")
    replica = scene.start_one("--connect-timeout=5s")
    assert replica.exit_status() == 69
    assert_never_started(replica)
    assert not scene.database_exists()


@pytest.mark.race
@pytest.mark.emulated
def test_a_certificate_that_is_verified(scene):
    scene.create_database()
    verified = f"&sslrootcert={scene.server.ca_certificate}"
    runner = begun(scene, environment={"DATABASE_URL": scene.url(sslmode="verify-full") + verified})
    holder, = scene.lock_holders()
    assert scene.query(f"SELECT ssl, version FROM pg_stat_ssl WHERE pid = {holder}") == [
        ("t", "TLSv1.3")]
    scene.tell_step()
    runner.wait_for_stdout("serving")


@pytest.mark.race
def test_a_certificate_of_somebody_else(scene, own_server):
    scene.create_database()
    foreign = f"&sslrootcert={own_server.ca_certificate}"
    replica = scene.start_one("--connect-timeout=2s", environment={
        "DATABASE_URL": scene.url(sslmode="verify-full") + foreign})
    assert replica.exit_status() in (69, 78)
    assert_never_started(replica)


@pytest.mark.race
def test_an_address_of_its_own_for_the_lock(scene, refusing_port):
    scene.create_database()
    url = scene.url().replace(f":{scene.server.port}/", f":{refusing_port}/")
    replica = scene.start_one(
        f"--database-url={scene.url()}", environment={"DATABASE_URL": url})
    replica.wait_for("lock_taken")
    # The step itself uses the other address, where psql gets no answer.
    assert replica.exit_status() == 2
    assert scene.ledger_states() == ["failed"]


def test_each_parameter_of_a_url_does_what_it_does_in_the_pg_gem(scene, tmp_path):
    scene.create_database()
    key = tmp_path / "server.key"
    key.write_bytes(pathlib.Path(scene.server.ca_certificate).with_name("server.key").read_bytes())
    key.chmod(0o644)
    passfile = tmp_path / "passfile"
    passfile.write_text("*:*:*:*:" + scene.password.replace(":", "\\:") + "\n")
    passfile.chmod(0o600)
    authority = pathlib.Path(scene.server.ca_certificate)
    names = {"ca": authority, "crt": authority.with_name("server.crt"), "key": key,
             "passfile": passfile, "none": tmp_path / "none", "host": scene.server.host}
    with_password = scene.url().split("?")[0]
    without = with_password.replace(":" + quote(scene.password, safe=""), "")
    wrong = []
    for query, gem, status, *reason in vectors.rows(vectors.VECTORS / "connection.tsv"):
        text = query.removeprefix("@").format(
            **{name: quote(str(path), safe="") for name, path in names.items()})
        address = (without if query.startswith("@") else with_password) + "?" + text
        result = subprocess.run(
            [scene.binary, "--status", "--log=json", "--connect-timeout=1s",
             f"--database-url={address}", "./bin/rails", "server"],
            cwd=scene.directory, capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "RAILS_ENV": "production", "HOME": str(tmp_path)})
        if (result.returncode != int(status) or (gem == "connects") != (status == "1")
                or any(words not in result.stdout for words in reason)):
            wrong.append((query, result.returncode, result.stdout, result.stderr))
    assert wrong == []
