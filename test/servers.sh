#!/bin/sh
# Unpacks Debian trixie's PostgreSQL and PgBouncer into the cache and prints the
# folder, so that both server generations that Debian has can be tested on one
# machine. The packages are unpacked only: nothing of them is installed or started.
# test/support/trixie.py runs what is in there.
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")/../package" && pwd -P)
# shellcheck source=package/trixie.sh disable=SC2154
. "$package/trixie.sh"
# What is only unpacked needs to be told of the base that every Debian has.
servers='postgresql-17 pgbouncer base-files dash coreutils'

root=$cache/servers-$(echo "$suite $servers" | sha256sum | cut -c1-16)
if [ ! -e "$root/etc/os-release" ]; then
	take_cache
	install_packages mmdebstrap debian-archive-keyring
	make_root extract "$servers"
fi
echo "$root"
