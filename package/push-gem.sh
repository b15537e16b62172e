#!/bin/sh
# Pushes the gem with a signature of the workflow that it runs in. Without the signature there is no
# push: RubyGems would take the gem all the same, and nobody would miss the attestation.
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
top=$(dirname "$package")
# shellcheck source=package/version.sh disable=SC2154
. "$package/version.sh"
sigstore=0.2.3

gem=$top/build/release/dist/signalbox-rails-$version.gem
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gem exec "sigstore-cli:$sigstore" sign "$gem" --bundle "$work/bundle"
[ -s "$work/bundle" ] || { echo 'push-gem.sh: there is no signature' >&2; exit 1; }
gem push "$gem" --attestation "$work/bundle"
