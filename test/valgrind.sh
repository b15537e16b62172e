#!/bin/sh
# The unit tests under valgrind. The sanitizers cannot see memory that was never written; it can.
set -eu
cd "$(dirname "$0")/.."

for test in build/dev/test/*_test; do
  # Valgrind keeps signals and processes for itself, so the tests of just these would test valgrind.
  case $test in
    */signals_test | */supervisor_test | */termination_test | */spawn_test) continue ;;
  esac
  valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
    "$test" >/dev/null 2>build/valgrind.log || {
    cat build/valgrind.log
    exit 1
  }
done
