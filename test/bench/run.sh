#!/bin/sh
# Every figure in one run against its peers: tini, tini-static, dumb-init, catatonit, psql, and the
# stock entrypoint of a real Rails application. Needs root, for PID namespaces and containers.
#
#   sh test/bench/run.sh                 all of it; half an hour, on a machine that does nothing else
#   sh test/bench/run.sh startup size    only these parts (run.py --help)
#   sh test/bench/run.sh --record        writes the table and the plots into doc/ as well
#
# SIGNALBOX_ROUNDS is how often what is short is done; fewer rounds are a quick look. Nothing is
# asserted here: a goal that is missed is a row that says so.
set -eu
cd "$(dirname "$0")/../.."
sh test/prerequisites.sh build server python database inits bench
sh package/build.sh >/dev/null
case " $* " in
  *" whole_containers "* | "  " | " --record ") sh test/container/images.sh >/dev/null ;;
esac
exec /usr/bin/python3 test/bench/run.py "$@"
