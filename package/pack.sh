#!/bin/sh
# Makes of both release binaries everything that people install:
#
#   sh package/pack.sh AMD64 ARM64 CONTENTS LICENCES [DIRECTORY]
#
# AMD64 and ARM64 are the static binaries of that processor (package/build.sh), CONTENTS is the list
# of what is linked into them (package/libraries.sh), LICENCES the folder with the licence of each
# (package/licences.sh). Into DIRECTORY (build/release/dist), which is emptied before, go for each
# processor a tarball, a .deb and two bills of materials, the image of both, the gem, and SHA256SUMS.
# With the same inputs and SOURCE_DATE_EPOCH (the date of the last commit where it is not set) all
# have the same bytes.
set -eu
export LANG=C.UTF-8 LC_ALL=C.UTF-8 TZ=UTC
umask 022
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
top=$(dirname "$package")

die() {
	echo "pack.sh: $2" >&2
	exit "$1"
}

[ $# -eq 4 ] || [ $# -eq 5 ] ||
	die 64 'usage: sh package/pack.sh AMD64 ARM64 CONTENTS LICENCES [DIRECTORY]'
contents=$3
licences=$4
directory=${5:-$top/build/release/dist}
# shellcheck source=package/version.sh
. "$package/version.sh"
[ -s "$contents" ] || die 66 "$contents is not there: package/libraries.sh leaves it"
awk '$1 !~ /^#/ && !seen[$1]++ { print $1 }' "$contents" | while read -r name; do
	[ -s "$licences/$name" ] || die 66 "$licences/$name is not there: package/licences.sh makes it"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
rm -rf "$directory"
mkdir -p "$directory"
directory=$(CDPATH='' cd -- "$directory" && pwd -P)

ruby --disable-gems "$package/gem/check_program.rb" "$1" amd64
ruby --disable-gems "$package/gem/check_program.rb" "$2" arm64

# dated FOLDER: modes and dates that are the same from everywhere.
dated() {
	find "$1" -type d -exec chmod 755 {} +
	find "$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

# collect PROCESSOR BINARY: the tarball's folder, $folder.
collect() {
	folder=$work/signalbox-$version-linux-$1
	mkdir -p "$folder/licences"
	install -m 755 "$2" "$folder/signalbox"
	install -m 644 "$top/doc/signalbox.1" "$top/LICENSE" "$folder"
	for licence in "$licences"/*; do
		install -m 644 "$licence" "$folder/licences/$(basename "$licence").txt"
	done
	python3 "$package/sbom.py" "$version" "$1" "$2" "$contents" "$folder"
	for form in spdx cdx; do
		cp "$folder/signalbox.$form.json" "$directory/signalbox-$version-linux-$1.$form.json"
	done
	mkdir -p "$work/gem/$1"
	cp "$folder"/signalbox.*.json "$work/gem/$1"
	cp -R "$folder/licences" "$work/gem"
	dated "$folder"
}

# pack_tarball PROCESSOR
pack_tarball() {
	tar --create --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --directory="$work" \
		"signalbox-$version-linux-$1" | gzip -9n >"$directory/signalbox-$version-linux-$1.tar.gz"
}

# What Debian calls the sources of a static program, so that it can tell which to build anew.
built_using() {
	awk '$1 !~ /^#/ && !seen[$1]++ { printf "%s%s (= %s)", separator, $1, $2; separator = ", " }' "$contents"
}

# The licence, and where those of the libraries lie.
write_copyright() {
	echo 'Signalbox has this licence:'
	echo
	cat "$top/LICENSE"
	echo
	echo 'The program contains these libraries, from the source packages of Debian, each'
	echo 'under the licence that is in /usr/share/doc/signalbox/licences:'
	echo
	awk '$1 !~ /^#/ && !seen[$1]++ { printf "  %s %s\n", $1, $2 }' "$contents"
	echo
	echo "OpenSSL's is the Apache License 2.0, /usr/share/common-licenses/Apache-2.0."
}

write_changelog() {
	cat <<-END
		signalbox ($version) stable; urgency=medium

		  * What has changed stands in CHANGELOG.md.

		 -- $maintainer  $(date --date="@$SOURCE_DATE_EPOCH" --rfc-email)
	END
}

write_control() {
	cat <<-END
		Package: signalbox
		Version: $version
		Architecture: $1
		Maintainer: $maintainer
		Installed-Size: $(du --apparent-size -sk "$root" | cut -f1)
		Static-Built-Using: $(built_using)
		Section: admin
		Priority: optional
		Description: prepares a Rails database once for all replicas, as PID 1
		 signalbox takes the place of bin/docker-entrypoint in a Rails image. When
		 several containers of a release boot at once, one runs db:prepare and the
		 others wait for it; then each runs its server as PID 1, passes signals on,
		 reaps, and exits with the server's status.
	END
}

# pack_deb PROCESSOR: of the tarball's folder.
pack_deb() {
	maintainer='The Signalbox authors <signalbox@signalbox.invalid>'
	root=$work/deb-$1
	documents=$root/usr/share/doc/signalbox
	mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/share/man/man1" "$documents" "$root/usr/share/lintian/overrides"
	cp "$folder/signalbox" "$root/usr/bin"
	gzip -9n <"$folder/signalbox.1" >"$root/usr/share/man/man1/signalbox.1.gz"
	cp -R "$folder/licences" "$folder/signalbox.spdx.json" "$folder/signalbox.cdx.json" "$top/README.md" "$documents"
	gzip -9n <"$top/CHANGELOG.md" >"$documents/CHANGELOG.md.gz"
	write_copyright >"$documents/copyright"
	write_changelog | gzip -9n >"$documents/changelog.gz"
	cp "$package/deb/lintian-overrides" "$root/usr/share/lintian/overrides/signalbox"
	(cd "$root" && find usr -type f -exec md5sum {} + | LC_ALL=C sort -k 2 >DEBIAN/md5sums)
	write_control "$1" >"$root/DEBIAN/control"
	dated "$root"
	dpkg-deb --root-owner-group -Zxz --build "$root" "$directory/signalbox_${version}_$1.deb" >/dev/null
}

images=
for processor in amd64 arm64; do
	case $processor in
	amd64) collect amd64 "$1" ;;
	arm64) collect arm64 "$2" ;;
	esac
	pack_tarball "$processor"
	pack_deb "$processor"
	images="$images $processor=$folder"
done
# shellcheck disable=SC2086 # One word a processor, and no blank in mktemp's names.
python3 "$package/image.py" "$version" "$directory/signalbox-$version-image.tar" $images
sh "$package/gem.sh" "$1" "$2" "$directory" "$work/gem" >/dev/null
(cd "$directory" && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)
ls "$directory"
