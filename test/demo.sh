#!/bin/sh
# Five replicas boot at once, one prepares, all serve: builds Signalbox and
# shows it in the terminal. All that is needed is a Debian with a terminal.
#
#   sh test/demo.sh --svg doc/demo.svg     leaves the picture in a file, too
set -eu
cd "$(dirname "$0")/.."

# What the build says matters only when it fails.
log=$(mktemp)
building=
trap 'rm -f "$log"; [ -z "$building" ] || kill "$building" 2>/dev/null || :' EXIT

sh test/prerequisites.sh build
sh test/build.sh dev signalbox >"$log" 2>&1 &
building=$!
# Debian's PostgreSQL is the larger half of what a fresh machine has to fetch.
sh test/prerequisites.sh server python
if ! wait "$building"; then
  cat "$log" >&2
  exit 1
fi
building=

PYTHONDONTWRITEBYTECODE=1 PYTHONCOERCECLOCALE=0 PYTHONUTF8=1 /usr/bin/python3 test/demo/demo.py "$@"
