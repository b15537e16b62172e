#!/bin/sh
# Packs the gem signalbox-rails, with both release binaries in it:
#
#   sh package/gem.sh AMD64 ARM64 [DIRECTORY [DOCUMENTS]]
#
# AMD64 and ARM64 are the static binaries of that processor; the gem is written into DIRECTORY
# (build/release/dist) and its path printed. DOCUMENTS is a folder of what belongs beside the
# binaries, licences and bills of materials. With the same binaries, RubyGems and SOURCE_DATE_EPOCH
# (the date of the last commit where it is not set) it has the same bytes.
set -eu
export LANG=C.UTF-8 LC_ALL=C.UTF-8
umask 022
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
top=$(dirname "$package")

die() {
	echo "gem.sh: $2" >&2
	exit "$1"
}

case $# in
2 | 3 | 4) ;;
*) die 64 'usage: sh package/gem.sh AMD64 ARM64 [DIRECTORY [DOCUMENTS]]' ;;
esac
directory=${3:-$top/build/release/dist}
# shellcheck source=package/version.sh disable=SC2154
. "$package/version.sh"
export SIGNALBOX_VERSION="$version"

ruby --disable-gems "$package/gem/check_program.rb" "$1" amd64
ruby --disable-gems "$package/gem/check_program.rb" "$2" arm64

# What is packed is copied, so that neither modes nor files that lie about get into the gem.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cp -R "$package/gem/exe" "$package/gem/lib" "$package/gem/README.md" "$package/gem/signalbox-rails.gemspec" "$work"
cp "$top/LICENSE" "$work"
mkdir -p "$work/libexec/amd64" "$work/libexec/arm64"
[ -z "${4:-}" ] || cp -R "$4/." "$work/libexec"
cp "$1" "$work/libexec/amd64/signalbox"
cp "$2" "$work/libexec/arm64/signalbox"
find "$work" -type d -exec chmod 755 {} +
find "$work" -type f -exec chmod 644 {} +
chmod 755 "$work/exe/signalbox-install" "$work/libexec/amd64/signalbox" "$work/libexec/arm64/signalbox"

mkdir -p "$directory"
gem=$(CDPATH='' cd -- "$directory" && pwd -P)/signalbox-rails-$version.gem
(cd "$work" && gem build --silent --output "$gem" signalbox-rails.gemspec >&2)
echo "$gem"
