#!/bin/sh
# The container tests: makes the images (minutes from nothing, seconds when they
# are there), then runs five replicas of a real Rails application against a real
# PostgreSQL. Arguments go to pytest. SIGNALBOX_ROUNDS is how often the first
# boot, the next release and the restart are gone through (2).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)

# Containers on a bridge that reach a server on the host need root.
if [ "$(id -u)" -ne 0 ]; then
  exec sudo -n --preserve-env=HOME,XDG_CACHE_HOME,SIGNALBOX_ROUNDS sh "$0" "$@"
fi

SIGNALBOX_ROUNDS=${SIGNALBOX_ROUNDS:-2}
# Root's droppings in the tree of somebody else would be in their way.
PYTHONDONTWRITEBYTECODE=1
export SIGNALBOX_ROUNDS PYTHONDONTWRITEBYTECODE

sh "$source/test/prerequisites.sh" build server containers release

start=$(date +%s)
# The image's binary is compared with the one that the host builds.
sh "$source/package/build.sh" >/dev/null
echo "run.sh: package/build.sh $(($(date +%s) - start)) s"

# One run at a time: images have one name whichever tree they are from, and what
# a killed run left behind is removed here. Neither the engine's builds nor the
# containers' monitors, which may outlive us, inherit the lock.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/signalbox/containers
mkdir -p "$cache"
exec 8> "$cache/lock-tests"
flock 8
sh "$here/podman.sh" rm --all --force --time 0 >/dev/null 8>&-

start=$(date +%s)
sh "$here/images.sh" 8>&-
echo "run.sh: all images $(($(date +%s) - start)) s"

start=$(date +%s)
status=0
sh "$source/test/python.sh" -m pytest --durations=0 --durations-min=1 "$@" "$here" 8>&- ||
  status=$?
echo "run.sh: $SIGNALBOX_ROUNDS rounds and the rest $(($(date +%s) - start)) s"
exit "$status"
