#!/bin/sh
# Random faults against real replicas and a real server, by a seed that it prints.
#
#   sh test/chaos/run.sh                             60 seconds of rounds, by a seed of their own
#   sh test/chaos/run.sh --seed 7 --rounds 10000     so many rounds
#   sh test/chaos/run.sh --seed 7 --only 312         one round again: the same seed, the same plan
#
# Plays build/dev/signalbox, or the one that $SIGNALBOX names. Needs root, for the namespaces that
# stand for containers.
set -eu
cd "$(dirname "$0")/../.."

mkdir -p build/chaos
gcc -std=c11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -o build/chaos/actor test/chaos/actor.c
exec /usr/bin/python3 test/chaos/chaos.py "${SIGNALBOX:-build/dev/signalbox}" build/chaos/actor "$@"
