#!/bin/sh
# Five replicas boot at once, one prepares, all serve: builds Signalbox and
# shows it in the terminal. All that is needed is a Debian with a terminal.
set -eu
cd "$(dirname "$0")/.."

sh test/prerequisites.sh build database python

# What the build says matters only when it fails.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { cmake --preset dev && cmake --build --preset dev --target signalbox; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi

PYTHONDONTWRITEBYTECODE=1 PYTHONCOERCECLOCALE=0 PYTHONUTF8=1 /usr/bin/python3 test/demo/demo.py
