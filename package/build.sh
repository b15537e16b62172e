#!/bin/sh
# Builds the static release binary on any Debian or Ubuntu, and prints its path:
#
#   sh package/build.sh [amd64|arm64]
#
# Without a word, and for this machine's own processor, it is
# build/release/signalbox; for the other one build/release-arm64/signalbox or
# build/release-amd64/signalbox. The first time it takes some minutes, for Debian
# trixie's compiler and the libraries; both are kept in ~/.cache/signalbox.
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=package/trixie.sh disable=SC2154
. "$package/trixie.sh"
for_processor "$@"
in_trixie build.sh "$processor"

SIGNALBOX_LIBRARIES=$(sh "$package/libraries.sh" "$processor")
SIGNALBOX_MACHINE=$machine
export SIGNALBOX_LIBRARIES SIGNALBOX_MACHINE
cd "$top"
[ -e CMakePresets.json ] || die "$top has no CMakePresets.json: the sources are not here"
folder=build/release${foreign:+-$foreign}
binary=$folder/signalbox

# CMake remembers flags and where it found libraries: with others it starts anew.
stamp=$folder/toolchain
toolchain="$top $SIGNALBOX_LIBRARIES $(cat package/musl.cmake package/release.ld | sha256sum)"
fresh=
[ "$(cat "$stamp" 2>/dev/null)" = "$toolchain" ] || fresh=--fresh

compile() {
	# shellcheck disable=SC2086 # one word, or none
	cmake --preset release -B "$folder" $fresh
	echo "$toolchain" >"$stamp"
	cmake --build "$folder" --parallel "$(nproc)"
	if readelf --program-headers --wide "$binary" | grep -E 'INTERP|DYNAMIC'; then
		because "$binary is not static"
	fi
}

describe() { [ ! -e "$binary" ] || echo "$(wc -c <"$binary") bytes, SHA-256 $(sha256sum <"$binary" | cut -d' ' -f1)"; }

before=$(describe)
began=$(date +%s)
logged "building $binary" compile
after=$(describe)
[ "$before" = "$after" ] || say "building $binary: $(($(date +%s) - began)) s, $after"
echo "$top/$binary"
