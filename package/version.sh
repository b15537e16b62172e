# shellcheck shell=sh disable=SC2034,SC2154 # the script that sources this sets $top
#
# What every package of a version bears: the version, which only CMakeLists.txt says, and a date, in
# SOURCE_DATE_EPOCH, that of the last commit where nobody gave one.

version=$(sed -n 's/^project(signalbox VERSION \([0-9.]*\).*/\1/p' "$top/CMakeLists.txt")
[ -n "$version" ] || { echo "$(basename "$0"): CMakeLists.txt names no version" >&2; exit 78; }
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
	SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct) || {
		echo "$(basename "$0"): not a git checkout: SOURCE_DATE_EPOCH has to say what date the files have" >&2
		exit 78
	}
fi
export SOURCE_DATE_EPOCH
