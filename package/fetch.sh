#!/bin/sh
# Gets the sources of the static libraries into the cache: the pinned version of
# each package (package/sources), wherever it can still be had; otherwise the
# newest version that really can be had. Which ones these are stands in
# ~/.cache/signalbox/sources/chosen: package, version, file, SHA-256, and whether
# it is pinned.
#
#   sh package/fetch.sh [ROOT]
#
# ROOT is a trixie root whose archives are used on a machine that is not Debian.
# With SIGNALBOX_SOURCES=pinned nothing but the pinned versions will do.
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=package/steps.sh
. "$package/steps.sh"
# shellcheck source=package/apt.sh
. "$package/apt.sh"
# shellcheck source=package/archives.sh
. "$package/archives.sh"
# shellcheck disable=SC2034 # archives.sh
root=${1:-}
chosen=$cache/sources/chosen
pins=$(listed_sources | sha256sum | cut -d' ' -f1)

case ${SIGNALBOX_SOURCES:-} in
'' | pinned) ;;
*) die "SIGNALBOX_SOURCES is $SIGNALBOX_SOURCES; it may be pinned, or not be set" ;;
esac

pinned_only() { [ "${SIGNALBOX_SOURCES:-}" = pinned ]; }

# all_cached: whether the files of the lines on standard input are in the cache.
all_cached() {
	while read -r _ _ file sum _; do
		is_cached "$file" "$sum" || return 1
	done
}

# remembered: what was chosen at an earlier time, as long as the pins are the same.
remembered() {
	[ "$(sed -n 's/^# for //p' "$chosen" 2>/dev/null)" != "$pins" ] || grep -v '^#' "$chosen"
}

# What stood in for a version that could not be had does so for a day; then the
# pinned one is looked for anew.
choice_is_fresh() {
	! pinned_only && [ -n "$(find "$chosen" -mmin -1440 2>/dev/null)" ] &&
		[ -n "$(remembered)" ] && remembered | all_cached
}

# choose: settles on a version for each package, its files in the cache.
choose() {
	for name in $(listed_packages); do
		if pinned "$name" | fetch_all; then
			pinned "$name" | awk '{ print $1, $2, $3, $4, "pinned" }' >>"$temporary/chosen"
			continue
		fi
		wanted="$name $(pinned "$name" | awk 'NR == 1 { print $2 }')"
		if pinned_only; then
			because "$wanted, as package/sources pins it, is not to be had from any archive; what was tried is in $log"
		elif fetch_newest "$name"; then
			sed 's/$/ newest/' "$temporary/newest" >>"$temporary/chosen"
		elif remembered | awk -v name="$name" '$1 == name' >"$temporary/remembered" &&
			[ -s "$temporary/remembered" ] && all_cached <"$temporary/remembered"; then
			cat "$temporary/remembered" >>"$temporary/chosen"
		elif [ -s "$temporary/offers" ]; then
			because "neither $wanted, which is pinned, nor another version of it is to be had from any archive; what was tried is in $log"
		else
			because "no archive's list of source packages can be read, and $wanted, which is pinned, is not to be had without one; what was tried is in $log"
		fi
	done
}

take_cache
if listed_sources | all_cached; then
	listed_sources | awk '{ print $1, $2, $3, $4, "pinned" }' >"$chosen.new"
elif choice_is_fresh; then
	cp -p "$chosen" "$chosen.new"
else
	make_temporary
	step "reading the lists of source packages" read_offers
	: >"$temporary/chosen"
	step "fetching the sources" choose
	mkdir -p "$cache/sources"
	(echo "# for $pins"; cat "$temporary/chosen") >"$chosen.new"
fi
mv "$chosen.new" "$chosen"

instead=$(awk '$5 == "newest" && !seen[$1]++ { printf "%s%s %s", separator, $1, $2; separator = ", " }' "$chosen")
[ -z "$instead" ] ||
	say "not every pinned version is to be had, so the binary has $instead, and not the bytes of the release (package/sources)"
