#!/bin/sh
# Runs one part of test/all.mk, and notes in build/all how long it took and whether it failed:
#
#   sh test/part.sh NAME COMMAND…
#
# `make` shows what a part says in one piece, when the part has ended; descriptor 3, where there is
# one, is a place to say at once that it begins.
set -eu
name=$1
shift
# For the makes that a part runs: none of them is one of this make's own.
unset MAKEFLAGS MFLAGS MAKELEVEL

{ echo "-- $name" >&3; } 2>/dev/null || true
echo "== $name"
started=$(date +%s)
status=0
"$@" 3>&- || status=$?
printf '%5d s  %s\n' "$(($(date +%s) - started))" "$name" >>build/all/times
[ "$status" -eq 0 ] || echo "$name" >>build/all/failed
exit "$status"
