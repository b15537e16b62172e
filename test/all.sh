#!/bin/sh
# Everything: builds every preset and runs every test, installing from Debian
# what is missing. Needs root or sudo. What is expensive and unchanging (static
# libraries, images, gems) is kept below ${XDG_CACHE_HOME:-~/.cache}/signalbox
# and made again when it is gone.
set -eu
cd "$(dirname "$0")/.."

started=$(date +%s)
summary=
part() {
  part_name=$1
  shift
  echo "== $part_name"
  part_started=$(date +%s)
  "$@"
  summary="$summary
$(printf '%5d s  %s' "$(($(date +%s) - part_started))" "$part_name")"
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
      */signals_test | */supervise_test | */ending_test | */spawn_test) continue ;;
    esac
    valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
      "$test" >/dev/null 2>build/valgrind.log || {
      cat build/valgrind.log
      return 1
    }
  done
}

tidy() {
  # clang-tidy over a clang's idea of the flags, not gcc's.
  CC=clang cmake --preset tidy >/dev/null
  find src -name '*.c' -print0 | xargs -0 -P 2 -n 4 clang-tidy --quiet -p build/tidy 2>&1 |
    { grep -v 'warnings generated\|Suppressed\|Use -header-filter' || true; } >build/tidy/output
  cat build/tidy/output
  ! grep -q 'error:\|warning:' build/tidy/output
}

python_tests() {
  /usr/bin/python3 -m pytest -q -m 'not soak and not once' "$@"
}

part 'prerequisites' sh test/prerequisites.sh
part 'format' sh -c 'git ls-files "*.c" "*.h" | xargs clang-format --dry-run -Werror'
part 'build dev' build dev
part 'build asan' build asan
part 'unit tests' ctest --preset dev
part 'unit tests with sanitizers' ctest --preset asan
part 'unit tests under valgrind' unit_tests_under_valgrind
part 'gcc -fanalyzer' build analyzer
part 'clang-tidy' tidy
part 'fuzz' sh test/fuzz/run.sh 10
part 'structure' python_tests test/structure
part 'static libraries' sh package/libraries.sh
part 'static binary' sh package/build.sh
# The same code under the sanitizers and as what people install: a third time, as it is built for
# the day, would find nothing more.
part 'integration tests with sanitizers' env SIGNALBOX=build/asan/signalbox \
  /usr/bin/python3 -m pytest -q -m 'not no_sanitizer and not soak and not once' test/integration
# With the PostgreSQL of the next Debian, and with what is long and the same for every build.
part 'integration tests of the static binary' env SIGNALBOX=build/release/signalbox \
  POSTGRES_VERSION=17 \
  /usr/bin/python3 -m pytest -q -m 'not soak and not dynamic' test/integration
part 'model' sh test/model/run.sh
part 'chaos' sh test/chaos/run.sh --seconds 60
part 'demo' sh test/demo.sh
part 'containers' sh test/container/run.sh

echo "== all.sh: everything passed in $(($(date +%s) - started)) s$summary"
