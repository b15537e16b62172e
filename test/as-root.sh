#!/bin/sh
# Runs a command as root, with what the caller keeps at home. Roots, names of servers and formats of
# programs are for root to give.
#
#   sh test/as-root.sh COMMAND…
set -eu
if [ "$(id -u)" -eq 0 ]; then
  exec "$@"
fi
# What root leaves behind in the tree of somebody else would be in their way.
exec sudo -n --preserve-env=HOME,XDG_CACHE_HOME,PATH PYTHONDONTWRITEBYTECODE=1 "$@"
