#!/bin/sh
# Makes all images of the container tests, or finds them made already:
#
#   localhost/signalbox:VERSION       the image of the packages, in build/container/dist
#   localhost/signalbox-source        the same, compiled by package/Dockerfile.source
#   localhost/signalbox-shop          a Rails application, by Dockerfile.example
#   localhost/signalbox-shop-price    its next release, with one more migration
#   localhost/signalbox-shop-slow     one whose migration takes a minute
#   localhost/signalbox-shop-sqlite   the first one on SQLite
#   localhost/signalbox-shop-deb      the first one, with Signalbox from the .deb
#   localhost/signalbox-shop-gem      the first one, with Signalbox by the gem's generator
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

version=$(sed -n 's/^project(signalbox VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")
dist=$source/build/container/dist

# The packages, of what the machine can have of the sources, and with a date that
# a commit does not change: their layers are those of the last time. No container
# here has the other processor, for which a stand-in is packed: its own program
# takes minutes to build (test/soak.sh release).
pack() {
  own=$(sh "$source/package/build.sh") &&
    python3 "$source/test/release/packing.py" "$work" &&
    ln -sf "$own" "$work/$(dpkg --print-architecture)" &&
    contents=$(sh "$source/package/libraries.sh")/contents &&
    sh "$source/package/licences.sh" "$contents" "$work/licences" &&
    SOURCE_DATE_EPOCH=1790000000 sh "$source/package/pack.sh" \
      "$work/amd64" "$work/arm64" "$contents" "$work/licences" "$dist" &&
    podman pull --quiet "oci-archive:$dist/signalbox-$version-image.tar"
}

# The libraries' folder has a name of what went into it, so that it may come from
# the host: the stage compiles them only where its compiler is another one.
build_source() {
  podman build --network signalbox -f "$source/package/Dockerfile.source" \
    --volume "${XDG_CACHE_HOME:-$HOME/.cache}/signalbox:/root/.cache/signalbox" \
    -t localhost/signalbox-source "$source"
}

make_app() {
  sh "$here/app.sh" > "$work/shop"
}

# A build of Dockerfile.example, up to a stage or to its end. OWNER is whoever
# publishes the image; ours is published nowhere.
build() {
  sed 's,ghcr.io/OWNER/,localhost/,' "$source/Dockerfile.example" > "$work/Dockerfile.example"
  podman build --network signalbox -f "$work/Dockerfile.example" "$@"
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

# The lines that the README has for the .deb, upon an image in which nothing of
# Signalbox is left.
build_deb() {
  {
    printf '%s\n' 'FROM localhost/signalbox-shop' 'USER 0:0' 'RUN rm /usr/local/bin/signalbox'
    # shellcheck disable=SC2016 # These are the README's own.
    sed -n '/^COPY signalbox_/,/^```/{/^```/!p}' "$source/README.md"
    echo 'USER 1000:1000'
  } | podman build --network none -f - -t localhost/signalbox-shop-deb "$dist"
}

# In the build stage of the application, as somebody does who takes the gem. What
# the generator adds to Rails' own Dockerfile is then built, each line in its stage.
build_gem() {
  mkdir -p "$work/gem/source" &&
    (cd "$work/gem/source" && ruby "$here/releases/gem/index.rb" "$dist/signalbox-rails-$version.gem") &&
    cp "$(cat "$work/shop")/Dockerfile" "$work/gem" &&
    cp "$here/releases/gem/Dockerfile" "$work/gem/Dockerfile.build" &&
    podman build --network none --target build -f "$work/gem/Dockerfile.build" \
      -t localhost/signalbox-shop-gem-build "$work/gem" &&
    podman run --rm localhost/signalbox-shop-gem-build cat Dockerfile >"$work/gem/Dockerfile.after" &&
    added_lines "$work/gem" >"$work/gem/Dockerfile.final" &&
    podman build --network none -f "$work/gem/Dockerfile.final" -t localhost/signalbox-shop-gem "$work/gem"
}

# added_lines FOLDER: releases/gem/Dockerfile with what the generator added.
added_lines() {
  diff "$1/Dockerfile" "$1/Dockerfile.after" | sed -n 's/^> //p' >"$1/added"
  grep '^RUN' "$1/added" >"$1/added-build"
  grep -E '^(COPY|ENTRYPOINT)' "$1/added" >"$1/added-image"
  sed -e "/^# What the generator added to the build/r $1/added-build" \
    -e "/^# What the generator added to the image/r $1/added-image" "$here/releases/gem/Dockerfile"
}

# The stage is named for the same reason as the others below.
build_sqlite() {
  podman build --network signalbox --target gems -t localhost/signalbox-shop-sqlite-gems \
    "$here/releases/sqlite" &&
    podman build --network signalbox -t localhost/signalbox-shop-sqlite "$here/releases/sqlite"
}

build_scratch() {
  printf '%s\n' 'FROM scratch' \
    "COPY --from=localhost/signalbox:$version /signalbox /signalbox" \
    'ENTRYPOINT ["/signalbox"]' |
    podman build -f - -t localhost/signalbox-scratch "$here"
}

build_debian() {
  printf '%s\n' 'FROM docker.io/library/debian:trixie-slim' \
    "COPY --from=localhost/signalbox:$version /signalbox /usr/local/bin/signalbox" \
    'WORKDIR /app' \
    'RUN echo shop >content' \
    'USER 1000:1000' \
    'ENTRYPOINT ["/usr/local/bin/signalbox"]' |
    podman build -f - -t localhost/signalbox-debian "$here"
}

part base-images sh "$here/base.sh"

# What is compiled needs nothing of the application, so that is made meanwhile.
part packages pack
part source build_source &
compiled=$!
part application make_app || { wait "$compiled"; exit 1; }
wait "$compiled"

# The stages have names too, so that pruning afterwards, which removes what has
# neither a name nor children, spares everything that the next build can use.
part rails-build-stage build_shop --target build -t localhost/signalbox-shop-build
part image build_shop -t localhost/signalbox-shop
part release-price build_release price
part release-slow build_release slow
part release-sqlite build_sqlite
part deb build_deb
part gem build_gem
part scratch build_scratch
part debian build_debian
part prune podman image prune --force
