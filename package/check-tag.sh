#!/bin/sh
# Whether a tag may become a release:
#
#   SIGNALBOX_SIGNERS='NAME KEYTYPE KEY' sh package/check-tag.sh vVERSION
#
# It has to name the version that CMakeLists.txt has at that commit, which has to be what is checked
# out; the changelog has to have a date for it; and it has to be signed by one of the SSH keys in
# SIGNALBOX_SIGNERS (one a line, as in ssh-keygen's allowed signers).
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
top=$(dirname "$package")
# shellcheck source=package/version.sh disable=SC2154
. "$package/version.sh"

die() {
	echo "check-tag.sh: $2" >&2
	exit "$1"
}

[ $# -eq 1 ] || die 64 'usage: sh package/check-tag.sh vVERSION'
[ -n "${SIGNALBOX_SIGNERS:-}" ] || die 78 'SIGNALBOX_SIGNERS names nobody who may sign'
[ "$1" = "v$version" ] || die 65 "CMakeLists.txt says $version, so that the tag is v$version, and not $1"
cd "$top"
[ "$(git cat-file -t "refs/tags/$1")" = tag ] || die 65 "$1 is no tag with a signature"
[ "$(git rev-parse "refs/tags/$1^{commit}")" = "$(git rev-parse HEAD)" ] ||
	die 65 "$1 is not what is checked out"
grep -qE "^## $(echo "$version" | sed 's/\./\\./g'), [0-9]{4}-[0-9]{2}-[0-9]{2}\$" CHANGELOG.md ||
	die 65 "CHANGELOG.md has no date for $version"

signers=$(mktemp)
trap 'rm -f "$signers"' EXIT
printf '%s\n' "$SIGNALBOX_SIGNERS" >"$signers"
git -c gpg.format=ssh -c gpg.ssh.allowedSignersFile="$signers" verify-tag "$1" ||
	die 65 "$1 is not signed by anybody in SIGNALBOX_SIGNERS"
