#!/bin/sh
# Installs the gems that tests run as wrappers (dotenv, foreman) into the cache and
# prints the folder; their programs are in its bin. Nothing is installed system-wide.
# A pinned version that is nowhere to be had is replaced by the newest that is.
set -eu
pinned='dotenv:3.2.0 foreman:0.90.0'

cache=${XDG_CACHE_HOME:-$HOME/.cache}/signalbox
root=$cache/test-gems-$(echo "$pinned" | sha256sum | cut -c1-16)
if [ ! -e "$root/complete" ]; then
	mkdir -p "$cache"
	new=$(mktemp -d "$cache/test-gems.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	for gem in $pinned; do
		name=${gem%%:*}
		install="gem install --no-document --no-user-install --install-dir $new"
		if ! $install "$name:${gem#*:}" >&2; then
			echo "gems.sh: $gem is not to be had: taking the newest $name" >&2
			$install "$name" >&2
		fi
	done
	chmod -R go+rX "$new"
	: >"$new/complete"
	# Whoever was first has the same.
	mv -T "$new" "$root" 2>/dev/null || [ -e "$root/complete" ]
fi
echo "$root"
