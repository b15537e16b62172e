#!/bin/sh
# Podman with a storage, a network and settings of its own: what these tests
# make is never seen among the images and containers of who runs them, and
# removing one directory removes everything.
#
#   sh podman.sh ARGUMENT…       as podman itself
#
# Images live in ${XDG_CACHE_HOME:-~/.cache}/signalbox/containers, run-time
# state (containers' mounts and sockets, locks) in /run.
set -eu

cache=${XDG_CACHE_HOME:-$HOME/.cache}/signalbox/containers
# Two users' caches must not meet in one run-time directory, hence the sum.
state=/run/signalbox-containers-$(printf '%s' "$cache" | cksum | cut -d ' ' -f 1)

mkdir -p "$cache/storage" "$cache/networks" "$cache/volumes" "$state/run" "$state/tmp"

# Written anew each time, so that they are of this script's version, and put in
# place by a rename, because several of these run at once.
cat > "$state/storage.conf.$$" <<CONF
[storage]
driver = "overlay"
graphroot = "$cache/storage"
runroot = "$state/run"
CONF
mv "$state/storage.conf.$$" "$state/storage.conf"

# runc and cgroupfs work wherever there is no systemd; crun and its manager do
# not. Podman's default ulimits are refused where we may not raise them. Locks
# are files, because the shared memory that podman uses otherwise is one for
# the whole machine, and the first start of a new storage frees every lock in it.
cat > "$state/containers.conf.$$" <<CONF
[containers]
default_ulimits = []

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
static_dir = "$cache/storage/libpod"
tmp_dir = "$state/tmp"
volume_path = "$cache/volumes"

[network]
network_config_dir = "$cache/networks"
CONF
mv "$state/containers.conf.$$" "$state/containers.conf"

CONTAINERS_CONF=$state/containers.conf
CONTAINERS_STORAGE_CONF=$state/storage.conf
export CONTAINERS_CONF CONTAINERS_STORAGE_CONF
exec podman "$@"
