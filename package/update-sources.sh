#!/bin/sh
# Writes the newest version of each source package that really can be had into
# package/sources. What remains is to run the tests: `sh test/all.sh`.
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=package/trixie.sh disable=SC2154
. "$package/trixie.sh"
# shellcheck source=package/archives.sh
. "$package/archives.sh"

version_in() { awk 'NR == 1 { print $2 }' "$1"; }

# update PACKAGE: its lines, with the SHA-1 that the snapshot archive wants. An
# archive may have less than what is pinned; that is no reason to go back.
update() {
	pinned "$1" >"$temporary/lines"
	if fetch_newest "$1" &&
		dpkg --compare-versions "$(version_in "$temporary/newest")" ge "$(version_in "$temporary/lines")"; then
		while read -r name version file sum; do
			echo "$name $version $file $sum $(sha1sum "$cache/sources/$file" | cut -d' ' -f1)"
		done <"$temporary/newest" >"$temporary/lines"
	fi
	cat "$temporary/lines" >>"$temporary/new"
}

update_all() {
	for name in $(listed_packages); do
		update "$name"
	done
}

for_processor
take_cache
[ "$host" = debian ] || make_build_root
install_packages debian-archive-keyring
make_temporary
step "reading the lists of source packages" read_offers
step "fetching the newest sources" update_all
for name in $(listed_packages); do
	before=$(pinned "$name" | awk '{ print $2; exit }')
	after=$(awk -v name="$name" '$1 == name { print $2; exit }' "$temporary/new")
	listed=$(offered_versions "$name" | head -n 1)
	change="stays at $before"
	[ "$before" = "$after" ] || change="goes from $before to $after"
	[ -z "$listed" ] || dpkg --compare-versions "$listed" le "$after" ||
		change="$change; $listed is listed, but no archive has it yet"
	say "$name $change"
done
{
	sed '/^[^#]/,$d' "$package/sources"
	awk '{ printf "%-14s  %-18s  %-45s  %s  %s\n", $1, $2, $3, $4, $5 }' "$temporary/new"
} >"$temporary/sources"
cat "$temporary/sources" >"$package/sources"
