#!/bin/sh
# The checks that need no build: clang-format, and clang-tidy over every source.
#
#   sh test/lint.sh              both
#   sh test/lint.sh format       only whether clang-format would change something
#   sh test/lint.sh tidy         only clang-tidy
set -eu
cd "$(dirname "$0")/.."

format() {
  find include src test -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
}

tidy() {
  # Over a clang's idea of the flags, not gcc's.
  CC=clang cmake --preset tidy >/dev/null
  find src -name '*.c' -print0 | xargs -0 -P 2 -n 4 clang-tidy --quiet -p build/tidy 2>&1 |
    { grep -v 'warnings generated\|Suppressed\|Use -header-filter' || true; } >build/tidy/output
  cat build/tidy/output
  ! grep -q 'error:\|warning:' build/tidy/output
}

case ${1:-both} in
  format) format ;;
  tidy) tidy ;;
  both)
    format
    tidy
    ;;
  *)
    echo "lint.sh: no such check: $1 (format, tidy)" >&2
    exit 64
    ;;
esac
