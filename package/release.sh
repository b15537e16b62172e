#!/bin/sh
# Makes everything that a release consists of, from the pinned sources only:
#
#   sh package/release.sh VERSION
#
# VERSION has to be the one in CMakeLists.txt. The files go into build/release/dist. That the tag is
# signed and the changelog has a date is package/check-tag.sh's to say.
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
top=$(dirname "$package")
# shellcheck source=package/version.sh disable=SC2154
. "$package/version.sh"

die() {
	echo "release.sh: $2" >&2
	exit "$1"
}

[ $# -eq 1 ] || die 64 'usage: sh package/release.sh VERSION'
[ "$1" = "$version" ] || die 65 "CMakeLists.txt says $version, and not $1"

export SIGNALBOX_SOURCES=pinned
amd64=$(sh "$package/build.sh" amd64)
arm64=$(sh "$package/build.sh" arm64)
contents=$(sh "$package/libraries.sh" amd64)/contents
# What is a comment there says how the sources were chosen.
[ "$(sed '/^#/d' "$contents")" = "$(sed '/^#/d' "$(sh "$package/libraries.sh" arm64)/contents")" ] ||
	die 70 'the binaries of the two processors do not consist of the same sources'

licences=$(mktemp -d)
trap 'rm -rf "$licences"' EXIT
trap 'exit 1' HUP INT TERM
sh "$package/licences.sh" "$contents" "$licences"
sh "$package/pack.sh" "$amd64" "$arm64" "$contents" "$licences"
