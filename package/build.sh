#!/bin/sh
# Builds the static release binary, build/release/signalbox, on any Debian or
# Ubuntu. The first time it takes some minutes, for Debian trixie's compiler and
# the libraries; both are kept in ~/.cache/signalbox.
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=package/trixie.sh disable=SC2154
. "$package/trixie.sh"
in_trixie build.sh

SIGNALBOX_LIBRARIES=$(sh "$package/libraries.sh")
export SIGNALBOX_LIBRARIES
cd "$top"
[ -e CMakePresets.json ] || die "$top has no CMakePresets.json: the sources are not here"
binary=build/release/signalbox

# CMake remembers flags and where it found libraries: with others it starts anew.
stamp=build/release/toolchain
toolchain="$top $SIGNALBOX_LIBRARIES $(cat package/musl.cmake package/release.ld | sha256sum)"
fresh=
[ "$(cat "$stamp" 2>/dev/null)" = "$toolchain" ] || fresh=--fresh

compile() {
	# shellcheck disable=SC2086 # one word, or none
	cmake --preset release $fresh
	echo "$toolchain" >"$stamp"
	cmake --build --preset release --parallel "$(nproc)"
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
