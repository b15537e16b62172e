#!/bin/sh
# Makes the Rails application of the container tests, as a person would, by
# `rails new`, and prints the directory it is in. A newer Rails is tried out
# by another version here. What that version locks are the newest gems that it
# allows; where it cannot be had itself, the newest of its series stands in.
set -eu
rails_version=8.1.4
here=$(cd "$(dirname "$0")" && pwd)
podman() { sh "$here/podman.sh" "$@"; }

ruby_image=$(podman image inspect --format '{{.Id}}' localhost/signalbox-ruby)
key=$( (echo "$ruby_image"; cat "$0"; cd "$here/app"; find . -type f | LC_ALL=C sort |
  xargs sha256sum) | sha256sum | cut -c 1-16)
apps=${XDG_CACHE_HOME:-$HOME/.cache}/signalbox/containers/apps
shop=$apps/shop-$key

if ! [ -d "$shop" ]; then
  # Older ones were of other inputs: nothing will ask for them again.
  rm -rf "${apps:?}"
  mkdir -p "$apps"
  work=$apps/.making-$key
  mkdir "$work"
  log=$apps/rails-new.log

  # What is skipped has no trace in the production image, and the gems of the
  # group development are resolved and locked, but not installed. The compilers
  # are those that the generated Dockerfile installs.
  if ! podman run --rm --network signalbox -v "$work:/work" -w /work \
    -e BUNDLE_WITHOUT=development -e "RAILS_VERSION=$rails_version" \
    localhost/signalbox-ruby sh -euc '
      apt-get update -qq
      DEBIAN_FRONTEND=noninteractive apt-get install --no-install-recommends -y -qq \
        build-essential git libpq-dev libyaml-dev pkg-config
      gem install --no-document rails -v "$RAILS_VERSION" ||
        gem install --no-document rails -v "~> ${RAILS_VERSION%.*}.0"
      rails new shop -d postgresql --skip-git --skip-test \
        --skip-system-test --skip-rubocop --skip-brakeman --skip-bundler-audit --skip-ci
    ' > "$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "app.sh: rails new failed" >&2
    exit 1
  fi
  # rails new ends with 0 also where one of its installers failed.
  for file in bin/jobs bin/thrust config/importmap.rb config/master.key \
    db/cache_schema.rb db/queue_schema.rb db/cable_schema.rb; do
    if ! [ -e "$work/shop/$file" ]; then
      tail -n 40 "$log" >&2
      echo "app.sh: rails new made no $file" >&2
      exit 1
    fi
  done
  cp -R "$here/app/." "$work/shop/"
  mv "$work/shop" "$shop"
  rm -rf "$work"
fi
echo "$shop"
