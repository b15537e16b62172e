# shellcheck shell=sh disable=SC2034,SC2154 # the script that sources this sets $package
#
# How the scripts of this folder go about their work: in the cache, one user of it
# at a time, step by step, with the output of each step in a log.

# The caller's environment must not leak into the result.
unset APT_CONFIG CC CFLAGS CPPFLAGS CXX CXXFLAGS LDFLAGS LIBS MAKEFLAGS MAKELEVEL \
	CPATH C_INCLUDE_PATH LIBRARY_PATH PKG_CONFIG_PATH PKG_CONFIG_LIBDIR REALGCC 2>/dev/null || :
export LC_ALL=C TZ=UTC
umask 022

top=$(CDPATH='' cd -- "$package/.." && pwd -P)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/signalbox
mkdir -p "$cache"
cache=$(CDPATH='' cd -- "$cache" && pwd -P)
# A script that another of these started has its lock and its log.
log=${SIGNALBOX_BUILD_LOG:-}
temporary=
doing=

say() { printf 'signalbox: %s\n' "$*" >&2; }

die() {
	doing=
	say "$*"
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# logged WHAT COMMAND…: runs the command with its output in the log. A failure
# ends the script by `set -e`, so this must never stand in a condition; `finish`
# then reports it.
logged() {
	doing=$1
	shift
	printf '\n== %s\n' "$doing" >>"$log"
	("$@") >>"$log" 2>&1 </dev/null
	doing=
}

# step WHAT COMMAND…: the same, and says what was done and how long it took.
step() {
	what=$1
	began=$(date +%s)
	logged "$@"
	say "$what: $(($(date +%s) - began)) s"
}

# because REASON: ends a command that runs under `logged`, for a reason that needs
# no log to be understood.
because() {
	echo "$*" >"$log.reason"
	exit 1
}

finish() {
	status=$?
	trap - EXIT
	if [ "$status" != 0 ] && [ -s "$log.reason" ]; then
		say "$(cat "$log.reason")"
		rm -f "$log.reason"
	elif [ "$status" != 0 ] && [ -n "$doing" ]; then
		tail -n 20 "$log" | cut -c1-300 | sed "s/^/    /" >&2
		say "$doing: failed, the whole output is in $log"
	fi
	[ -z "$temporary" ] || rm -rf "$temporary"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT

# take_cache: one user of the cache at a time, because two would do the same work
# twice, and a log of this run.
take_cache() {
	[ -z "$log" ] || return 0
	exec 9>"$cache/lock"
	if ! flock -n 9; then
		say "waiting for another build that uses $cache"
		flock 9
	fi
	rm -rf "$cache"/temporary*
	log=$cache/$(basename "$0" .sh).log
	rm -f "$log.reason"
	: >"$log"
	export SIGNALBOX_BUILD_LOG="$log"
}

# make_temporary: a folder, $temporary, that goes when the script ends.
make_temporary() {
	[ -n "$temporary" ] || temporary=$(mktemp -d "$cache/temporary.XXXXXX")
}
