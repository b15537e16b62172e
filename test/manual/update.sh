#!/bin/sh
# Prints doc/signalbox.1 with the parts that are from the code as the code has them now:
#
#   sh test/manual/update.sh >page && mv page doc/signalbox.1
#
# PRESET is the build whose print_manual is asked (dev).
set -eu
cd "$(dirname "$0")/../.."
program=build/${PRESET:-dev}/test/print_manual
[ -x "$program" ] || { echo "update.sh: $program is not there: build it first" >&2; exit 1; }
awk -v program="$program" '
	/^\.\\" Of the code: / {
		print
		part = program " " $NF
		while ((part | getline line) > 0) print line
		if (close(part) != 0) exit 1
		skips = 1
	}
	/^\.\\" Of the page\.$/ { skips = 0 }
	!skips
' doc/signalbox.1
