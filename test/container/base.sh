#!/bin/sh
# Makes the two images that Rails' Dockerfile and ours begin with, from Debian
# packages and under the names that the registries give them:
#
#   docker.io/library/debian:trixie-slim
#   docker.io/library/ruby:VERSION-slim        VERSION is what Debian has now
#
# The mirrors, certificates and gem settings are the machine's own, so this
# works wherever apt works, also where no registry can be reached.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
podman() { sh "$here/podman.sh" "$@"; }

debian=docker.io/library/debian:trixie-slim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# What the images are made of is this file and the settings below; a label
# with their sum says whether an image of this name is still the right one.
mkdir -p "$work/certificates" "$work/settings"
for file in /usr/local/share/ca-certificates/*.crt; do
  [ ! -e "$file" ] || cp "$file" "$work/certificates/"
done
[ ! -e /etc/gemrc ] || cp /etc/gemrc "$work/settings/gemrc"
[ ! -e "$HOME/.gemrc" ] || cp "$HOME/.gemrc" "$work/settings/gemrc"
[ ! -e "$HOME/.bundle/config" ] || cp "$HOME/.bundle/config" "$work/settings/bundle"

# The machine's own mirrors carry trixie too where the machine is a Debian.
# Elsewhere mmdebstrap's own default is used, by giving it no mirror.
sources=$work/sources.list
package=$(cd "$here/../../package" && pwd)
# shellcheck source=package/steps.sh
# shellcheck source=package/apt.sh
(. "$package/steps.sh" && . "$package/apt.sh" && repositories) | sed 's/.*/deb & main/' > "$sources"
# A proxy or a mirror without a recent release file concerns the packages
# that are installed in the image as well.
apt-config dump | grep -E '^Acquire::(https?::|Check-Valid-Until|Check-Date|Retries)' \
  > "$work/settings/apt.conf" || true

key=$(cat "$0" "$work"/certificates/* "$work"/settings/* "$sources" 2>/dev/null |
  sha256sum | cut -c 1-16)

has_image() {
  [ "$(podman image inspect --format '{{index .Labels "signalbox.key"}}' "$1" 2>/dev/null)" = "$key" ]
}

make_debian() {
  # Documentation is removed afterwards: mmdebstrap's own filter takes minutes.
  # shellcheck disable=SC2016 # The dollars are those of mmdebstrap's shell.
  set -- --variant=minbase --include=ca-certificates \
    --aptopt="$work/settings/apt.conf" \
    --customize-hook='printf "path-exclude=/usr/share/%s/*\n" doc man locale >"$1/etc/dpkg/dpkg.cfg.d/slim"' \
    --customize-hook='rm -rf "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/*' \
    --customize-hook="mkdir -p \"\$1/usr/local/share/ca-certificates\"" \
    --customize-hook="find '$work/certificates' -name '*.crt' -exec cp {} \"\$1/usr/local/share/ca-certificates/\" ';'" \
    --customize-hook='chroot "$1" update-ca-certificates' \
    trixie "$work/debian.tar"
  if [ -s "$sources" ]; then
    set -- "$@" "$sources"
  fi
  mmdebstrap --quiet "$@" &&
    podman import --quiet --change 'CMD ["bash"]' --change "LABEL signalbox.key=$key" \
      "$work/debian.tar" "$debian" >/dev/null &&
    rm "$work/debian.tar"
}

make_ruby() {
  # The environment is that of the official image, which Rails' Dockerfile
  # builds upon: gems and their programs live in /usr/local/bundle.
  cat > "$work/Dockerfile" <<DOCKERFILE
FROM $debian
RUN apt-get update -qq && \\
    apt-get install --no-install-recommends -y -qq ruby ruby-dev bundler && \\
    rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
COPY settings /tmp/settings
RUN mkdir -p /usr/local/bundle && chmod 1777 /usr/local/bundle && \\
    if [ -e /tmp/settings/gemrc ]; then cp /tmp/settings/gemrc /etc/gemrc; fi && \\
    if [ -e /tmp/settings/bundle ]; then cp /tmp/settings/bundle /usr/local/bundle/config; fi && \\
    rm -rf /tmp/settings
ENV LANG="C.UTF-8" \\
    GEM_HOME="/usr/local/bundle" \\
    BUNDLE_SILENCE_ROOT_WARNING="1" \\
    BUNDLE_APP_CONFIG="/usr/local/bundle" \\
    PATH="/usr/local/bundle/bin:\$PATH" \\
    SSL_CERT_FILE="/etc/ssl/certs/ca-certificates.crt"
LABEL signalbox.key="$key"
CMD ["irb"]
DOCKERFILE
  podman build --quiet --network signalbox -t localhost/signalbox-ruby "$work" >/dev/null &&
    version=$(podman run --rm localhost/signalbox-ruby ruby -e 'print RUBY_VERSION') &&
    podman tag localhost/signalbox-ruby "docker.io/library/ruby:$version-slim"
}

podman network exists signalbox || podman network create --disable-dns signalbox >/dev/null
# In a condition, where `set -e` does not count, hence the && in all of these.
make_images() {
  { has_image "$debian" || make_debian; } && { has_image localhost/signalbox-ruby || make_ruby; }
}

# Where the lists of updates name what none of the mirrors has yet, the release
# alone still has the version before it.
if ! make_images; then
  echo "base.sh: once more, without the updates" >&2
  sed -i '/trixie-/d' "$sources"
  podman image rm --force "$debian" >/dev/null 2>&1 || true
  make_images
fi
