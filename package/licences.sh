#!/bin/sh
# Puts the licence of each library that is in the release binary into a folder:
#
#   sh package/licences.sh CONTENTS DIRECTORY
#
# CONTENTS is what package/libraries.sh wrote of the sources. The texts are those of the very archives,
# which are in the cache; that of musl, which comes compiled, is Debian's.
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
sources=${XDG_CACHE_HOME:-$HOME/.cache}/signalbox/sources
[ $# -eq 2 ] || { echo 'usage: sh package/licences.sh CONTENTS DIRECTORY' >&2; exit 64; }
contents=$1
directory=$2
mkdir -p "$directory"

# take PACKAGE NAME: the file NAME at the top of its original archive.
take() {
	archive=$sources/$(awk -v name="$1" '$1 == name && $3 ~ /\.orig\.tar\./ { print $3; exit }' "$contents")
	tar --extract --to-stdout --occurrence=1 --file "$archive" \
		--wildcards --no-wildcards-match-slash "*/$2" >"$directory/$1"
	[ -s "$directory/$1" ] || { echo "licences.sh: there is no $2 in $archive" >&2; exit 1; }
}

take openssl LICENSE.txt
take postgresql-17 COPYRIGHT
take libyaml License
take libcap2 License
cp "$package/licences/musl" "$directory/musl"
