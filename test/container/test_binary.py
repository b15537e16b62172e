"""The one file that is copied into images needs nothing beside it."""

from containers import podman

SCRATCH = "localhost/signalbox-scratch"


def run(*arguments, options=()):
    return podman("run", "--rm", "--network", "none", *options, SCRATCH, *arguments, check=False)


def test_version_in_an_empty_image():
    result = run("--version")
    assert result.returncode == 0, result.stderr
    assert "signalbox" in result.stdout


def test_explain_in_an_empty_image():
    address = "postgresql://shop:secret@db.internal/shop"
    result = run("--explain", "--", "./bin/rails", "server",
                 options=["--env", f"DATABASE_URL={address}", "--env", "RAILS_ENV=production"])
    assert result.returncode == 0, result.stderr
    assert "server" in result.stdout
    assert "db.internal" in result.stdout
    assert "secret" not in result.stdout + result.stderr

