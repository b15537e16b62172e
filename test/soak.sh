#!/bin/sh
# What is too long for every run: the same tests, more rounds.
#
#   sh test/soak.sh        everything once, with ten minutes for each fuzz target;
#                          then twenty rounds of the races and ten of each
#                          container story
set -eu
cd "$(dirname "$0")/.."

sh test/prerequisites.sh
# The fuzz targets are run by all.sh itself, here for ten minutes each.
SIGNALBOX_FUZZ_SECONDS=600 sh test/all.sh
sh package/build.sh
rounds=0
while [ $rounds -lt 20 ]; do
  rounds=$((rounds + 1))
  # Both PostgreSQLs in turn.
  [ $((rounds % 2)) -eq 0 ] && POSTGRES_VERSION=17 || POSTGRES_VERSION=
  export POSTGRES_VERSION
  echo "== integration, round $rounds of 20"
  SIGNALBOX=build/release/signalbox \
    /usr/bin/python3 -m pytest -q -p no:cacheprovider test/integration
done
SIGNALBOX_ROUNDS=10 sh test/container/run.sh
sh test/model/run.sh --long
SIGNALBOX=build/release/signalbox sh test/chaos/run.sh --rounds 10000
