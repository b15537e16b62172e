#!/bin/sh
# Builds a preset, or only some of its targets:
#
#   sh test/build.sh PRESET [TARGET…]
#
# One at a time in each folder, since a build that begins writes what another one reads.
set -eu
cd "$(dirname "$0")/.."

preset=$1
shift
mkdir -p build
exec 9>"build/$preset.lock"
flock 9
cmake --preset "$preset" >/dev/null 9>&-
cmake --build --preset "$preset" ${1:+--target "$@"} 9>&-
