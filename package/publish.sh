#!/bin/sh
# Puts the files of build/release/dist on the page of the release, with what the changelog says of it:
#
#   sh package/publish.sh vVERSION
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
top=$(dirname "$package")
cd "$top"
(cd build/release/dist && sha256sum --check --strict SHA256SUMS)
awk -v heading="## ${1#v}," '/^## / { inside = index($0, heading) == 1; next } inside' CHANGELOG.md |
	gh release create "$1" --verify-tag --title "Signalbox ${1#v}" --notes-file - build/release/dist/*
