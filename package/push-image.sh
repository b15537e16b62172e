#!/bin/sh
# Pushes the image of both processors to a registry and signs it there without a key, as the workflow
# that it runs in:
#
#   REGISTRY_USER=… REGISTRY_PASSWORD=… sh package/push-image.sh NAME
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
top=$(dirname "$package")
# shellcheck source=package/version.sh disable=SC2154
. "$package/version.sh"

# A registry's names are in small letters.
name=$(echo "$1" | tr '[:upper:]' '[:lower:]')
printf '%s' "$REGISTRY_PASSWORD" | skopeo login --username "$REGISTRY_USER" --password-stdin "${name%%/*}"
printf '%s' "$REGISTRY_PASSWORD" | cosign login --username "$REGISTRY_USER" --password-stdin "${name%%/*}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# By its digest, since a tag may be moved between the push and the signature.
skopeo copy --all --preserve-digests --digestfile "$work/digest" \
	"oci-archive:$top/build/release/dist/signalbox-$version-image.tar" "docker://$name:$version"
cosign sign --yes --recursive "$name@$(cat "$work/digest")"
