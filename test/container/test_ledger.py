"""The ledger and Rails' own schema files, which must never hear of each other."""

import pytest

from containers import SHOP, Container, podman

TYPED = ["./bin/rails", "db:prepare"]
SQL_FORMAT = "ActiveRecord.schema_format = :sql\n"


@pytest.fixture
def run(tmp_path):
    """Runs a command in a container to its end; gives its output and the files asked for."""
    containers = []

    def run(command, environment, fetch=(), files=None, image=SHOP):
        container = Container(image, command=command, environment=environment)
        containers.append(container)
        # Copied and not mounted: a volume is no part of an image.
        for number, (inside, text) in enumerate((files or {}).items()):
            outside = tmp_path / f"{len(containers)}-{number}"
            outside.write_text(text)
            outside.chmod(0o644)
            podman("cp", str(outside), f"{container.name}:{inside}")
        container.start()
        assert container.wait() == 0, container.output()
        fetched = []
        for inside in fetch:
            outside = tmp_path / f"fetched-{len(containers)}-{len(fetched)}"
            podman("cp", f"{container.name}:{inside}", str(outside))
            fetched.append(outside.read_text())
        return container, fetched

    yield run
    for container in containers:
        container.remove()


def test_the_schema_that_rails_dumps_in_development_has_no_word_of_us(databases, run):
    environment = databases.environment | {"RAILS_ENV": "development"}
    container, (ruby,) = run(
        TYPED, environment, ["/rails/db/schema.rb"], image=f"{SHOP}-price")
    # The image's own does not know of the pending migration: this is a new dump.
    assert "2026_11_02_000000" in ruby, container.output()
    assert "signalbox" not in ruby.lower()
    assert databases.query("SELECT to_regclass('signalbox_runs')") == [("",)]


def test_a_first_boot_from_a_structure_that_names_the_ledger(databases, run):
    initializer = {"/rails/config/initializers/zz_schema_format.rb": SQL_FORMAT}
    # Restored production, dumped by mistake: the ledger's table is in the file.
    run(TYPED, databases.environment)
    _, (structure,) = run(
        ["./bin/rails", "db:schema:dump:primary"], databases.environment,
        ["/rails/db/structure.sql"], initializer)
    assert "CREATE TABLE public.signalbox_runs" in structure
    # A newer pg_dump writes it, and an older server has not got it.
    structure = structure.replace("SET transaction_timeout = 0;\n", "")

    anew = databases.another()
    container, _ = run(
        TYPED, anew.environment, files=initializer | {"/rails/db/structure.sql": structure})
    late, = [event for event in container.events() if event["event"] == "ledger_late"]
    assert "db/structure.sql" in late["message"]
    assert anew.runs() == ["succeeded"]
    assert anew.seeds() == 1
