#!/bin/sh
# Memory and start-up of PID 1 against Debian's tini, dumb-init and catatonit in
# the same run. Needs root, for PID namespaces. SIGNALBOX_ROUNDS is how often
# each is started (1000).
set -eu
cd "$(dirname "$0")/../.."
sh test/prerequisites.sh build server python inits
sh package/build.sh >/dev/null
exec /usr/bin/python3 test/bench/pid1.py
