#!/bin/sh
# Plays every fuzz target, from its corpus, as many at once as there are processors.
#
#   sh test/fuzz/run.sh SECONDS [TARGET…]     each target for so long; all of them, or these
#
# What is found lies in build/fuzz/found, and belongs to the corpus once somebody has looked at it.
set -eu
cd "$(dirname "$0")/../.."

seconds=$1
shift
sh test/build.sh fuzz
cd build/fuzz
if [ $# -eq 0 ]; then
  for program in test/*_fuzz; do
    name=${program#test/}
    set -- "$@" "${name%_fuzz}"
  done
fi

# shellcheck disable=SC2016 # The inner shell's own words.
printf '%s\n' "$@" | xargs -P "$(nproc)" -I TARGET sh -c '
  echo "fuzz TARGET for $1 s"
  mkdir -p found/TARGET
  "test/TARGET_fuzz" "-max_total_time=$1" -print_final_stats=0 \
    found/TARGET ../../test/fuzz/corpus/TARGET >TARGET.log 2>&1 || {
    tail -40 TARGET.log
    echo "fuzz: TARGET has found something"
    exit 255
  }' sh "$seconds"
