#!/bin/sh
# Runs the first python3 that has pytest: PATH's own, or else the system's, for which
# test/prerequisites.sh installs it.
#
#   sh test/python.sh -m pytest test/integration/test_log.py
set -eu
IFS=:
# shellcheck disable=SC2086 # One word a folder.
for folder in $PATH /usr/bin; do
  python=$folder/python3
  if [ -x "$python" ] && "$python" -c 'import pytest' 2>/dev/null; then
    exec "$python" "$@"
  fi
done
echo "python.sh: no python3 with pytest: sh test/prerequisites.sh database" >&2
exit 127
