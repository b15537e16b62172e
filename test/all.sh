#!/bin/sh
# Everything: builds every preset and runs every test, installing from Debian what is missing. Needs
# root or sudo. What is expensive and unchanging (static libraries, images, gems) is kept below
# ${XDG_CACHE_HOME:-~/.cache}/signalbox and made again when it is gone.
#
#   sh test/all.sh            all of it, as many parts at once as there are processors
#   sh test/all.sh PART…      only these parts of test/all.mk and what they need; the workflows give
#                             a machine of its own to each of
#                             lint, unit, integration, static, integration-17 and containers
#
# A run takes half an hour on two cores, and nearly twice that on a slow machine. So a part that fails
# does not end it: what fails besides is told as well.
# SIGNALBOX_JOBS is how many parts run at once.
set -eu
cd "$(dirname "$0")/.."

started=$(date +%s)
results=build/all
rm -rf "$results"
mkdir -p "$results"
sh test/prerequisites.sh

exec 3>&1
status=0
make -f test/all.mk --keep-going --jobs "${SIGNALBOX_JOBS:-$(nproc)}" "${@:-all}" || status=$?

sort -n "$results/times"
if [ "$status" -ne 0 ]; then
  echo "== all.sh: failed in: $(tr '\n' ' ' <"$results/failed")"
  exit 1
fi
echo "== all.sh: everything passed in $(($(date +%s) - started)) s"
