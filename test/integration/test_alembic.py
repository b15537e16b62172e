"""An app that is not Rails, as doc/recipes/other-languages.md has it: a real Alembic, a real gunicorn."""

import shutil

import pytest

from flights import REPLICAS

pytestmark = pytest.mark.once

INI = "[alembic]\nscript_location = migrations\n"
ENV = """
import os
from alembic import context
from sqlalchemy import create_engine

with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
# It would fail where two of them run at once, and where one runs it a second time.
REVISION = """
from alembic import op
import sqlalchemy

revision = "1"
down_revision = None

def upgrade():
    op.create_table("trains", sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True))
    op.execute("INSERT INTO trains VALUES (1)")
"""
APP = """
def application(environ, start_response):
    start_response("204 No Content", [])
    return []
"""
SERVER = ("gunicorn", "--bind", "unix:server.socket", "shop:application")


@pytest.fixture
def alembic_app(scene):
    shutil.rmtree(scene.directory)
    for name, text in (("alembic.ini", INI), ("migrations/env.py", ENV), ("shop.py", APP),
                       ("migrations/versions/1_create_trains.py", REVISION)):
        path = scene.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    scene.create_database()
    return scene


def test_one_upgrades_and_all_serve_and_the_worker_waits(alembic_app):
    variables = {"SIGNALBOX_STEPS": "alembic upgrade head", "SIGNALBOX_SERVER": "gunicorn",
                 # Byproducts are no content of the image.
                 "PYTHONDONTWRITEBYTECODE": "1"}
    worker = alembic_app.start_one(command=("python3", "-c", "print('working')"), prefix="worker-",
                              environment={**variables, "SIGNALBOX_PREPARE": "wait"})
    worker.wait_for("waiting")
    assert worker.stdout == []
    replicas = alembic_app.start(REPLICAS, command=SERVER, environment=variables)
    for replica in replicas:
        replica.wait_for("command_started")
        replica.wait_for_stderr("[")
    worker.wait_for_stdout("working")
    assert sum(len(replica.said("step_started")) for replica in replicas) == 1
    assert alembic_app.query("SELECT id FROM trains") == [("1",)]
    assert alembic_app.ledger_states() == ["succeeded"]
