#!/bin/sh
# Tests the gem signalbox-rails: what it decides, how it is packed, and in applications that
# `rails new` makes. Installs what is missing; the gems of each Rails are kept below
# ${XDG_CACHE_HOME:-~/.cache}/signalbox/gems. SIGNALBOX is the binary (build/dev/signalbox) that is
# asked whether the options which are written are options.
set -eu
cd "$(dirname "$0")/../.."
export LANG=C.UTF-8 LC_ALL=C.UTF-8
sh test/prerequisites.sh build ruby

# The newest of each line that the Ruby of Debian bookworm can run. Newer ones are in fixtures/rails,
# as their own `rails new` made them.
versions='7.1.6 7.2.4'
# Newer ones of these have no program for this RubyGems, or would be compiled for a minute.
around='nokogiri:1.16.8 pg:1.5.9'

gems=${XDG_CACHE_HOME:-$HOME/.cache}/signalbox/gems
install() {
  # Only what is not there already: a Ruby has gems of its own that will do.
  GEM_HOME=$folder GEM_PATH=$folder gem install --no-document --minimal-deps "$@"
}
for version in $versions; do
  folder=$gems/rails-$version
  if [ "$(cat "$folder/complete" 2>/dev/null)" != "$around" ]; then
    echo "run.sh: installing Rails $version"
    rm -rf "$folder"
    mkdir -p "$folder"
    # shellcheck disable=SC2086 # One word a gem.
    { install $around && install "rails:$version"; } >"$gems/install.log" 2>&1 || {
      tail -n 20 "$gems/install.log" >&2
      exit 1
    }
    echo "$around" >"$folder/complete"
  fi
done

# For the recipe in doc; what it has in common with Rails is there already.
kamal=2.12.0
if [ "$(cat "$gems/kamal/complete" 2>/dev/null)" != "$kamal" ]; then
  echo "run.sh: installing Kamal $kamal"
  rm -rf "$gems/kamal"
  GEM_HOME=$gems/kamal GEM_PATH=$gems/kamal:$folder gem install --no-document --minimal-deps \
    "kamal:$kamal" >"$gems/install.log" 2>&1 || {
    tail -n 20 "$gems/install.log" >&2
    exit 1
  }
  echo "$kamal" >"$gems/kamal/complete"
fi

export SIGNALBOX="${SIGNALBOX:-build/dev/signalbox}"
[ -x "$SIGNALBOX" ] || { echo "run.sh: $SIGNALBOX is not there: build it first" >&2; exit 1; }
SIGNALBOX_RAILS=$gems ruby -w -I test/gem -e 'ARGV.each { |test| require test }' \
  edits_test entrypoint_test image_test install_command_test kamal_test package_test rails_test recipe_test
