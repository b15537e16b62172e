#!/bin/sh
# Makes all images of the container tests, or finds them made already:
#
#   localhost/signalbox-shop          a Rails application, by Dockerfile.example
#   localhost/signalbox-shop-price    its next release, with one more migration
#   localhost/signalbox-shop-slow     one whose migration takes a minute
#   localhost/signalbox-shop-sqlite   the first one on SQLite
#   localhost/signalbox-scratch       nothing but the binary
#   localhost/signalbox-debian        Debian and the binary, for a user who is not root
#
# Prints how long each part took. Podman's layer cache sees by itself which
# inputs have changed; base.sh and app.sh do the same for what they make.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
podman() { sh "$here/podman.sh" "$@"; }

# Two of these at once would make everything twice, into the same places.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/signalbox/containers
mkdir -p "$cache"
exec 9> "$cache/lock"
flock 9

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Runs a command with its output in a file that is shown only if it fails.
part() {
  name=$1
  shift
  start=$(date +%s)
  if ! "$@" > "$work/$name.log" 2>&1; then
    tail -n 60 "$work/$name.log" >&2
    echo "images.sh: $name failed" >&2
    return 1
  fi
  echo "images.sh: $name $(($(date +%s) - start)) s"
}

# A build of Dockerfile.example, up to a stage or to its end.
build() {
  podman build --network signalbox -f "$source/Dockerfile.example" \
    --build-context "signalbox-source=$source" "$@"
}

make_app() {
  sh "$here/app.sh" > "$work/shop"
}

# Rails' part wants the Ruby that the application was made with, which is what
# Debian has at the time.
build_shop() {
  shop=$(cat "$work/shop")
  build --build-arg "RUBY_VERSION=$(sed 's/^ruby-//' "$shop/.ruby-version")" "$@" "$shop"
}

build_release() {
  printf 'FROM localhost/signalbox-shop\nCOPY --chown=1000:1000 *.rb /rails/db/migrate/\n' |
    podman build -f - -t "localhost/signalbox-shop-$1" "$here/releases/$1"
}

# The stage is named for the same reason as the others below.
build_sqlite() {
  podman build --network signalbox --target gems -t localhost/signalbox-shop-sqlite-gems \
    "$here/releases/sqlite" &&
    podman build --network signalbox -t localhost/signalbox-shop-sqlite "$here/releases/sqlite"
}

build_scratch() {
  printf '%s\n' 'FROM scratch' \
    'COPY --from=localhost/signalbox-shop /usr/local/bin/signalbox /signalbox' \
    'ENTRYPOINT ["/signalbox"]' |
    podman build -f - -t localhost/signalbox-scratch "$here"
}

build_debian() {
  printf '%s\n' 'FROM docker.io/library/debian:trixie-slim' \
    'COPY --from=localhost/signalbox-shop /usr/local/bin/signalbox /usr/local/bin/signalbox' \
    'WORKDIR /app' \
    'RUN echo shop >content' \
    'USER 1000:1000' \
    'ENTRYPOINT ["/usr/local/bin/signalbox"]' |
    podman build -f - -t localhost/signalbox-debian "$here"
}

part base-images sh "$here/base.sh"

# The signalbox stage needs nothing of the application (an empty directory is
# context enough), so it is built while the application is made.
mkdir "$work/empty"
part signalbox-stage build --target signalbox -t localhost/signalbox-stage "$work/empty" &
stage=$!
part application make_app || { wait "$stage"; exit 1; }
wait "$stage"

# The stages have names too, so that pruning afterwards, which removes what has
# neither a name nor children, spares everything that the next build can use.
part rails-build-stage build_shop --target build -t localhost/signalbox-shop-build
part image build_shop -t localhost/signalbox-shop
part release-price build_release price
part release-slow build_release slow
part release-sqlite build_sqlite
part scratch build_scratch
part debian build_debian
part prune podman image prune --force
