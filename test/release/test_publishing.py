"""What stands between a tag and the world: who signed it, and that a gem goes nowhere unsigned."""

import os
import shutil
import subprocess

import pytest

from packing import ROOT

NAME = "somebody@example.org"


def run(*command, cwd, check=True, **environment):
    return subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True,
                          check=check, env=os.environ | environment)


def make_key(folder, name):
    """A signing key; the line that allows it."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name, cwd=folder)
    return f"{NAME} {(folder / name).with_suffix('.pub').read_text().strip()}"


@pytest.fixture
def checkout(tmp_path):
    """A repository of version 1.2.0, with two keys beside it."""
    tree = tmp_path / "tree"
    (tree / "package").mkdir(parents=True)
    for name in ("check-tag.sh", "version.sh"):
        shutil.copy(ROOT / "package" / name, tree / "package")
    (tree / "CMakeLists.txt").write_text("project(signalbox VERSION 1.2.0 LANGUAGES C)\n")
    (tree / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.0, 2026-12-01\n\n- Mended.\n")
    run("git", "init", "-q", "-b", "main", cwd=tree)
    for key, value in {"user.name": "Somebody", "user.email": NAME, "gpg.format": "ssh",
                       "commit.gpgsign": "false", "tag.gpgsign": "false"}.items():
        run("git", "config", key, value, cwd=tree)
    commit(tree)
    return tree


def commit(tree):
    run("git", "add", "-A", cwd=tree)
    run("git", "commit", "-q", "-m", "A state", cwd=tree)


def tag(tree, name, *options):
    run("git", *options, "tag", name, "-m", name, *["-s"] if options else [], cwd=tree)


def check_tag(tree, name, signers):
    return run("sh", "package/check-tag.sh", name, cwd=tree, check=False,
               SIGNALBOX_SIGNERS=signers)


def test_a_tag_that_one_of_ours_signed_may_become_a_release(checkout, tmp_path):
    signers = make_key(tmp_path, "key")
    tag(checkout, "v1.2.0", "-c", f"user.signingKey={tmp_path}/key")
    done = check_tag(checkout, "v1.2.0", signers)
    assert done.returncode == 0, done.stderr


def test_any_other_tag_may_not(checkout, tmp_path):
    ours, theirs = make_key(tmp_path, "key"), make_key(tmp_path, "other")
    signed = ("-c", f"user.signingKey={tmp_path}/key")
    tag(checkout, "v1.2.0", *signed)

    def refused(name, signers):
        done = check_tag(checkout, name, signers)
        assert done.returncode != 0
        return done.stderr

    assert "v1.2.0 is not signed by anybody in SIGNALBOX_SIGNERS" in refused("v1.2.0", theirs)
    assert "SIGNALBOX_SIGNERS names nobody who may sign" in refused("v1.2.0", "")
    tag(checkout, "v1.3.0", *signed)
    assert "so that the tag is v1.2.0, and not v1.3.0" in refused("v1.3.0", ours)
    (checkout / "more").write_text("more\n")
    commit(checkout)
    assert "v1.2.0 is not what is checked out" in refused("v1.2.0", ours)
    run("git", "tag", "-d", "v1.2.0", cwd=checkout)
    run("git", "tag", "v1.2.0", cwd=checkout)
    assert "v1.2.0 is no tag with a signature" in refused("v1.2.0", ours)
    run("git", "tag", "-d", "v1.2.0", cwd=checkout)
    tag(checkout, "v1.2.0")
    assert "v1.2.0 is not signed" in refused("v1.2.0", ours)
    run("git", "tag", "-d", "v1.2.0", cwd=checkout)
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.0, not released\n")
    commit(checkout)
    tag(checkout, "v1.2.0", *signed)
    assert "CHANGELOG.md has no date for 1.2.0" in refused("v1.2.0", ours)


@pytest.mark.parametrize("signs, pushed", [
    ("exit 1", False),
    ("exit 0", False),
    ("echo bundle >\"$6\"", True)])
def test_no_gem_is_pushed_without_a_signature(tmp_path, signs, pushed):
    # RubyGems itself is out of reach; what matters is what is called, and in which order.
    (tmp_path / "gem").write_text(
        f'#!/bin/sh\necho "$1" >>"{tmp_path}/called"\n[ "$1" != exec ] || {{ {signs}; }}\n')
    (tmp_path / "gem").chmod(0o755)
    done = run("sh", ROOT / "package/push-gem.sh", cwd=tmp_path, check=False,
               PATH=f"{tmp_path}:{os.environ['PATH']}", SOURCE_DATE_EPOCH="1790000000")
    called = (tmp_path / "called").read_text().split()
    assert (called, done.returncode) == (["exec", "push"], 0) if pushed else (
        called == ["exec"] and done.returncode != 0), done.stderr
