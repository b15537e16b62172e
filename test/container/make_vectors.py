"""Makes test/vectors/database_yml/resolved.tsv and the fixtures of `rails new` again, from Rails.

    python3 test/container/make_vectors.py            writes them
    python3 test/container/make_vectors.py --check    fails where they differ, writes nothing

The gems of each version come from RubyGems, in a container of the Ruby image that base.sh makes.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import vectors  # noqa: E402

# The newest of each line that can be installed; a new line is one row more.
VERSIONS = {"7.1": "7.1.6", "7.2": "7.2.4", "8.0": "8.0.5.1", "8.1": "8.1.4"}

# Everything in one container, since what is installed in it is gone with it. The answers are
# between lines of their own, because gem prints as well.
SCRIPT = """
set -e
for version in $VERSIONS; do
  gem install --no-document --silent railties -v "$version" >&2
  gem install --no-document --silent activerecord -v "$version" >&2
done
read -r urls
printf "%s\\n" "$urls" >/tmp/question.urls
cat >/tmp/question
printf "templates %s\\n" "$(ruby -W0 /rails/templates.rb $VERSIONS)"
for version in $VERSIONS; do
  printf "urls %s\\n" "$(RAILS_VERSION=$version ruby -W0 /rails/resolve.rb urls </tmp/question.urls)"
  printf "configurations %s\\n" "$(RAILS_VERSION=$version ruby -W0 /rails/resolve.rb configurations </tmp/question)"
done
"""


def ask():
    question = json.dumps([row[0] for row in vectors.url_rows()]) + "\n"
    question += vectors.question("/vectors") + "\n"
    command = ["sh", str(HERE / "podman.sh"), "run", "--rm", "--interactive", "--network",
               "signalbox", "--env", f"VERSIONS={' '.join(VERSIONS.values())}",
               "--volume", f"{HERE / 'rails'}:/rails:ro",
               "--volume", f"{vectors.CONFIGURATIONS}:/vectors:ro",
               "localhost/signalbox-ruby", "sh", "-c", SCRIPT]
    result = subprocess.run(command, input=question, stdout=subprocess.PIPE, text=True, check=True)
    answers = {"templates": [], "urls": [], "configurations": []}
    for line in result.stdout.splitlines():
        kind, _, answer = line.partition(" ")
        answers[kind].append(json.loads(answer))
    return answers


def table(answers):
    lines = [vectors.HEADER]
    for index, (fixture, text, _) in enumerate(vectors.cases()):
        groups = {}
        for version, answer in zip(VERSIONS, answers, strict=True):
            groups.setdefault(vectors.block(answer[index]), []).append(version)
        for block, versions in groups.items():
            lines.append(f"==\t{fixture}\t{text}\t{' '.join(versions)}\n{block}")
    return "".join(lines)


def main(check):
    answers = ask()
    wrong = []
    for version, urls in zip(VERSIONS, answers["urls"], strict=True):
        wrong += [(version, *row) for row in vectors.wrong_urls(urls, version)]
    for version, answer in zip(VERSIONS, answers["configurations"], strict=True):
        wrong += [(version, *row) for row in vectors.wrong_refusals(answer)]
    files = {f"{name}.yml": text for name, text in answers["templates"][0].items()}
    files["resolved.tsv"] = table(answers["configurations"])
    for name, text in files.items():
        path = vectors.CONFIGURATIONS / name
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            wrong.append((name, "is not what Rails makes"))
    for row in wrong:
        print(row)
    print(f"{len(vectors.url_rows())} URLs and {len(vectors.cases())} configurations, "
          f"{len(VERSIONS)} versions of Rails, {len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
