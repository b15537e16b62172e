"""The workflows run the project's own scripts, with no more rights than they need."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def everywhere(pattern):
    """What a pattern finds in all workflows, line by line."""
    return [found for path in WORKFLOWS
            for found in re.findall(pattern, path.read_text(), re.MULTILINE)]


def jobs(path):
    """Name → text of each job."""
    text = path.read_text().split("\njobs:\n")[1]
    parts = re.split(r"^  ([a-z]+):\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def test_nothing_is_allowed_but_what_a_job_asks_for():
    assert len(WORKFLOWS) == 4
    for path in WORKFLOWS:
        assert "\npermissions: {}\n" in path.read_text(), path
        for name, job in jobs(path).items():
            assert "timeout-minutes:" in job, f"{path.name}: {name}"
            assert ("permissions:" in job) == ("uses:" in job), f"{path.name}: {name}"


def test_each_action_is_one_commit_whose_version_stands_beside_it():
    uses = everywhere(r"uses: (.*)$")
    assert len(uses) > 10
    pinned = [re.fullmatch(r"([\w-]+/[\w-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+", use) for use in uses]
    assert all(pinned), uses
    commits = {(match.group(1), match.group(2)) for match in pinned}
    assert len(commits) == len({name for name, _ in commits})


def test_no_job_keeps_the_credentials_of_the_checkout():
    checkouts = everywhere(r"uses: actions/checkout@.*\n        with:\n((?:          .*\n)+)")
    assert len(checkouts) == len(everywhere("uses: actions/checkout@"))
    assert all("persist-credentials: false\n" in options for options in checkouts)


def test_what_runs_is_a_script_of_the_project():
    runs = everywhere(r"run: (.*)$")
    assert len(runs) > 8
    # But for the job that gathers the others.
    scripts = [run for run in runs if run != "test \"$RESULTS\" = 'success success success'"]
    assert len(runs) - len(scripts) == 1
    for run in scripts:
        # Nothing of GitHub's is pasted into a shell.
        assert "${{" not in run
        script, = re.findall(r"^sh ((?:package|test)/[\w-]+\.sh)(?: |$)", run)
        assert (ROOT / script).is_file(), run


def played(*targets):
    """What `make` would run for these targets of test/all.mk."""
    would = subprocess.run(["make", "-n", "-f", "test/all.mk", *targets], check=True, text=True,
                           cwd=ROOT, stdout=subprocess.PIPE).stdout
    return set(re.findall(r"^sh test/part.sh (\S+)", would, re.MULTILINE))


def test_each_part_is_one_of_the_script_that_plays_it():
    text = {path.stem: path.read_text() for path in WORKFLOWS}
    parts = [part for found in re.findall(r"part: \[(.*)\]", text["checks"])
             for part in found.split(", ")]
    # All that a run of everything plays; what looks at the workflows has a job of its own.
    assert played(*parts) == played("all") - {"workflows"}
    soak = (ROOT / "test/soak.sh").read_text()
    for part in re.findall(r"part: \[(.*)\]", text["soak"])[0].split(", "):
        assert re.search(rf"^    {part}\)", soak, re.MULTILINE), part
