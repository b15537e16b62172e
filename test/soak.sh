#!/bin/sh
# What is too long for every run: the same tests, more rounds.
#
#   sh test/soak.sh          test/all.sh, and then every part: some three hours on two cores
#   sh test/soak.sh PART…    only these parts:
#     fuzz          ten minutes for each target
#     integration   what test/all.sh leaves out, two and fifty replicas instead of five, and twenty
#                   rounds of the races, with PostgreSQL 15 and 17 in turn
#     containers    ten rounds of each container story
#     release       the binary of the other processor, as a file and emulated; a whole release
#     model         more faults
#     chaos         10 000 rounds
set -eu
cd "$(dirname "$0")/.."

# integration VERSION MARK [FILE…]
integration() {
  version=$1 mark=$2
  shift 2
  [ $# -gt 0 ] || set -- test/integration
  SIGNALBOX=build/release/signalbox POSTGRES_VERSION=$version \
    sh test/python.sh -m pytest -q -m "$mark" "$@"
}

play() {
  echo "== soak: $1"
  case $1 in
    fuzz) sh test/fuzz/run.sh 600 ;;
    integration)
      sh package/build.sh
      for version in 15 17; do
        integration $version soak
      done
      for replicas in 2 50; do
        echo "== soak: $replicas replicas"
        REPLICAS=$replicas
        export REPLICAS
        integration 17 race test/integration/test_single_flight.py test/integration/test_command.py
        unset REPLICAS
      done
      round=0
      while [ $((round += 1)) -le 20 ]; do
        echo "== soak: races, round $round of 20"
        integration $((round % 2 ? 15 : 17)) race
      done
      ;;
    containers) SIGNALBOX_ROUNDS=10 sh test/container/run.sh ;;
    release)
      # The other one first, since the root that it is built in builds for both.
      other=arm64
      [ "$(dpkg --print-architecture)" = amd64 ] || other=amd64
      binary=$(sh package/build.sh "$other")
      sh package/build.sh
      sh test/as-root.sh sh test/python.sh -m pytest -q test/binary
      sh test/as-root.sh env SIGNALBOX="$binary" POSTGRES_VERSION=17 \
        sh test/python.sh test/binary/emulated.py \
        sh test/python.sh -m pytest -q -m emulated test/integration
      # By the python3 that has the system's jsonschema.
      /usr/bin/python3 -m pytest -q -m soak test/release
      ;;
    model) sh test/model/run.sh --long ;;
    chaos)
      sh package/build.sh
      SIGNALBOX=build/release/signalbox sh test/chaos/run.sh --rounds 10000
      ;;
    *)
      echo "soak.sh: no part $1: fuzz, integration, containers, release, model, chaos" >&2
      exit 64
      ;;
  esac
}

sh test/prerequisites.sh
if [ $# -eq 0 ]; then
  sh test/all.sh
  set -- fuzz integration containers release model chaos
fi
for part; do
  play "$part"
done
echo "== soak.sh: $* passed"
