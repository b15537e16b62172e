#!/bin/sh
# Installs from Debian (or Ubuntu) what building and testing Signalbox needs
# and this machine does not have yet.
#
#   sh test/prerequisites.sh                     everything that the tests need
#   sh test/prerequisites.sh build server        only these groups
#
# It asks dpkg first, so it is quick and needs neither root nor a network when nothing is missing.
set -eu
export LANG=C LC_ALL=C DEBIAN_FRONTEND=noninteractive

groups='build server python database sources inits lint ruby model binaries containers release'

packages_of() {
  case $1 in
    build)
      echo gcc libc6-dev make cmake ninja-build pkg-config libpq-dev libssl-dev \
        libyaml-dev libcap-dev libcmocka-dev ;;
    server)
      echo postgresql openssl util-linux ;;
    python)
      echo python3 ;;
    database)
      # Both PostgreSQLs and both PgBouncers that Debian has: the machine's own, and
      # trixie's, unpacked by servers.sh when a test first asks for them.
      echo postgresql pgbouncer sqlite3 openssl util-linux iproute2 iptables gosu runit sudo \
        ruby ruby-bundler curl faketime alembic gunicorn \
        python3-psycopg2 python3 python3-pytest mmdebstrap debian-archive-keyring ;;
    sources)
      # For archives of the tests' own, on a loopback of its own.
      echo gpg gpg-agent iproute2 util-linux python3 python3-pytest debian-archive-keyring ;;
    inits)
      # The peers that PID 1 is compared with, and what makes them late or poor.
      echo tini dumb-init catatonit strace util-linux bash ;;
    lint)
      echo clang clang-tidy clang-format libclang-rt-dev valgrind mandoc groff-base ;;
    ruby)
      # For the gem; pg is compiled, and asks a PostgreSQL of its own.
      echo ruby ruby-dev ruby-minitest ruby-bundler gcc make libc6-dev libpq-dev postgresql \
        util-linux git ca-certificates ;;
    model)
      echo spin gcc libc6-dev ;;
    binaries)
      # For the one of the other processor, and for programs of another C library.
      echo qemu-user-static musl-tools openssl util-linux python3 python3-pytest ;;
    containers)
      echo podman runc catatonit containernetworking-plugins iptables mmdebstrap \
        python3 python3-pytest ca-certificates debian-archive-keyring ;;
    bench)
      # Instructions are counted by valgrind; the plots are drawn with matplotlib.
      echo valgrind python3-matplotlib ;;
    release)
      # What the packages are made with, and what looks at them.
      echo python3 python3-pytest python3-jsonschema python3-kubernetes ruby git openssh-client lintian \
        xz-utils ;;
    *)
      echo "prerequisites.sh: no such group: $1 ($groups)" >&2
      exit 64 ;;
  esac
}

# shellcheck disable=SC2086 # One word a group.
[ $# -gt 0 ] || set -- $groups
wanted=
for group in "$@"; do
  wanted="$wanted $(packages_of "$group")"
done

# pkg-config is a transitional package on newer releases and a virtual one
# elsewhere, so a package counts as there when something installed provides it.
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' |
  sed -n 's/^installed //p' | sed 's/ *([^)]*)//g; s/,//g' | tr -s ' ' '\n')
missing=
for package in $wanted; do
  printf '%s\n' "$installed" | grep -qxF -e "$package" || missing="$missing $package"
done

install_missing() {
  # The word splitting of $sudo and $missing is meant. A lock that another
  # apt holds is waited for, since several scripts may start on one machine.
  # shellcheck disable=SC2086
  $sudo env LANG=C LC_ALL=C DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends $missing
}

if [ -n "$missing" ]; then
  if [ "$(id -u)" -eq 0 ]; then
    sudo=
  elif command -v sudo >/dev/null; then
    sudo='sudo -n'
  else
    echo "prerequisites.sh: missing:$missing; installing them needs root or sudo" >&2
    exit 77
  fi
  echo "prerequisites.sh: installing$missing"
  # A fresh machine has no package lists, or stale ones that name files which
  # are gone: both show as a failed install, and an update mends both.
  if ! install_missing; then
    $sudo apt-get -o DPkg::Lock::Timeout=600 update
    install_missing
  fi
fi
