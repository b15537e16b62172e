#!/bin/sh
# Lets spin check the single flight: protocol.pml, with the rows of protocol.c as they are.
#
#   sh test/model/run.sh           three replicas and one fault, two replicas and two; that
#                                  everybody leaves; and that each known mistake is found
#   sh test/model/run.sh --long    more faults, for test/soak.sh: minutes, and up to 8 GB
#
# Checked of every state: never two steps at once, never a server before its content was prepared,
# a failure only for whoever waited for it, no row of the ledger changed twice, no pair that the
# table does not know. And every row of the table is reached.
set -eu
cd "$(dirname "$0")/../.."

sh test/build.sh dev print_protocol >/dev/null
work=build/model
rm -rf $work
mkdir -p $work
build/dev/test/print_protocol promela >$work/table.pml
cp test/model/protocol.pml $work/

optimise=-O2
# explore NAME KIND FLAGS…: leaves what spin says in $work/NAME/result.
explore() {
  name=$1 kind=$2
  shift 2
  mkdir "$work/$name"
  cp $work/*.pml "$work/$name/"
  case $kind in
    safety) compile='-DCOLLAPSE -DSAFETY -DNOCLAIM' run='' ;;
    leaving) compile='-DCOLLAPSE -DNFAIR=3' run='-a -f' ;;
    sampled) compile='-DSAFETY -DNOCLAIM -DBITSTATE' run='-w33 -k3' ;;
  esac
  # The word splitting of $compile and $run is meant.
  # shellcheck disable=SC2086
  (cd "$work/$name" && spin -a "$@" protocol.pml >spin.log 2>&1 &&
    gcc $optimise -DMEMLIM=8000 $compile -o pan pan.c &&
    ./pan -m1000000 $run >result 2>&1) || {
    cat "$work/$name/spin.log" "$work/$name/result" 2>/dev/null
    return 1
  }
}

# holds NAME KIND FLAGS…
holds() {
  explore "$@"
  if ! grep -q 'errors: 0' "$work/$1/result" || grep -q 'not completed\|max search depth too' "$work/$1/result"; then
    cat "$work/$1/result"
    (cd "$work/$1" && ./pan -r 2>&1 | tail -100)
    echo "model: $1 does not hold"
    return 1
  fi
  echo "model: $1 holds in $(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$work/$1/result") states"
}

# A test must be able to fail: the same model, built wrong, and what spin is to say of it.
fails() {
  mistake=$1 kind=$2 words=$3
  shift 3
  explore "$mistake" "$kind" "-DBREAK_$mistake" "$@"
  if ! grep -q "$words" "$work/$mistake/result"; then
    cat "$work/$mistake/result"
    echo "model: the mistake $mistake is not found"
    return 1
  fi
  echo "model: the mistake $mistake is found"
}

if [ "${1-}" = --long ]; then
  holds two-replicas-three-faults safety -DREPLICAS=2 -DFAULTS=3
  holds everybody-leaves-after-two-faults leaving -DREPLICAS=2 -DFAULTS=2
  holds three-replicas-two-faults sampled -DREPLICAS=3 -DFAULTS=2
  exit
fi

holds three-replicas-one-fault safety -DREPLICAS=3 -DFAULTS=1
holds two-replicas-two-faults safety -DREPLICAS=2 -DFAULTS=2
holds everybody-leaves leaving -DREPLICAS=2 -DFAULTS=1
holds everybody-of-three-leaves leaving -DREPLICAS=3 -DFAULTS=0

# One row only guards: whoever looked in vain for a failure and meets a new one under the lock has
# waited for it, and shares it.
grep ':: at ==' $work/table.pml |
  grep -v 'at == confirming && seen == seen_too_soon_after_a_failure' | while IFS= read -r row; do
  number=$(echo "$row" | sed 's/.*row_reach(\([0-9]*\)).*/\1/')
  grep -qx "row $number is reached" $work/*/result || {
    echo "model: no state reaches the row $row"
    exit 1
  }
done
echo "model: the rows are reached"

# What is found at once costs more to compile than to run.
optimise=-O0
fails NO_FENCE safety 'assertion violated' -DREPLICAS=2 -DFAULTS=1
fails ORPHANS_LIVE safety 'assertion violated' -DREPLICAS=2 -DFAULTS=1
fails LATE_SWITCH safety 'assertion violated' -DREPLICAS=2 -DFAULTS=1
fails NO_LOOK_BEFORE_STEP safety 'assertion violated' -DREPLICAS=2 -DFAULTS=1
fails PROMPTLY safety 'assertion violated' -DREPLICAS=2 -DFAULTS=1
fails RETRY_WITHOUT_LOOK safety 'assertion violated' -DREPLICAS=2 -DFAULTS=1
fails RETRY_WITHOUT_FENCE safety 'statement' -DREPLICAS=2 -DFAULTS=0
fails LEAVE_DAEMONS safety 'assertion violated' -DREPLICAS=2 -DFAULTS=0
fails START_AFTER_DEATH safety 'has_succeeded' -DREPLICAS=2 -DFAULTS=1
fails SHARE_WITH_LATER_ONES safety 'waited_for' -DREPLICAS=2 -DFAULTS=0
fails SHARE_WITH_NOBODY safety 'assertion violated' -DREPLICAS=2 -DFAULTS=0
fails NO_CONFIRMATION safety 'is_prepared' -DREPLICAS=2 -DFAULTS=0
fails LET_GO_BEFORE_RECORDING safety 'is_prepared' -DREPLICAS=2 -DFAULTS=0
fails OVERWRITE safety 'assertion violated' -DREPLICAS=2 -DFAULTS=1
fails WAIT_FOR_THE_DEAD leaving 'acceptance cycle' -DREPLICAS=2 -DFAULTS=1
