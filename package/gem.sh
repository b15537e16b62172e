#!/bin/sh
# Packs the gem signalbox-rails, with both release binaries in it:
#
#   sh package/gem.sh AMD64 ARM64 [DIRECTORY]
#
# AMD64 and ARM64 are the static binaries of that processor; the gem is written into DIRECTORY
# (build/release/dist) and its path printed. With the same binaries, RubyGems and SOURCE_DATE_EPOCH
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

[ $# -eq 2 ] || [ $# -eq 3 ] || die 64 'usage: sh package/gem.sh AMD64 ARM64 [DIRECTORY]'
directory=${3:-$top/build/release/dist}
version=$(sed -n 's/^project(signalbox VERSION \([0-9.]*\).*/\1/p' "$top/CMakeLists.txt")
[ -n "$version" ] || die 78 'CMakeLists.txt names no version'
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
	SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct) ||
		die 78 'not a git checkout: SOURCE_DATE_EPOCH has to say what date the gem has'
fi
export SOURCE_DATE_EPOCH SIGNALBOX_VERSION="$version"

ruby --disable-gems "$package/gem/check_program.rb" "$1" amd64
ruby --disable-gems "$package/gem/check_program.rb" "$2" arm64

# What is packed is copied, so that neither modes nor files that lie about get into the gem.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cp -R "$package/gem/exe" "$package/gem/lib" "$package/gem/README.md" "$package/gem/signalbox-rails.gemspec" "$work"
cp "$top/LICENSE" "$work"
mkdir -p "$work/libexec/amd64" "$work/libexec/arm64"
cp "$1" "$work/libexec/amd64/signalbox"
cp "$2" "$work/libexec/arm64/signalbox"
find "$work" -type d -exec chmod 755 {} +
find "$work" -type f -exec chmod 644 {} +
chmod 755 "$work/exe/signalbox-install" "$work/libexec/amd64/signalbox" "$work/libexec/arm64/signalbox"

mkdir -p "$directory"
gem=$(CDPATH='' cd -- "$directory" && pwd -P)/signalbox-rails-$version.gem
(cd "$work" && gem build --silent --output "$gem" signalbox-rails.gemspec >&2)
echo "$gem"
