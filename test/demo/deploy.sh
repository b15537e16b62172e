#!/bin/sh
# Deploys a release with one migration to three replicas of a Rails application, once with the
# entrypoint that Rails generates and once under Signalbox, and draws both:
#
#   sh test/demo/deploy.sh >doc/deploy.svg
#
# The application, its gems and the server are real. Gems are kept below
# ${XDG_CACHE_HOME:-~/.cache}/signalbox/gems, and the logs in build/deploy.
set -eu
cd "$(dirname "$0")/../.."
export LANG=C.UTF-8 LC_ALL=C.UTF-8
sh test/prerequisites.sh build server ruby >&2
sh test/build.sh dev signalbox >&2

gems=${XDG_CACHE_HOME:-$HOME/.cache}/signalbox/gems/deploy
rails=7.2.4
export GEM_HOME="$gems" GEM_PATH="$gems"
if ! [ -e "$gems/complete" ]; then
  # Newer ones of these have no program for the RubyGems of Debian bookworm.
  gem install --no-document --minimal-deps nokogiri:1.16.8 pg:1.5.9 puma:6.4.3 "rails:$rails" >&2
  : >"$gems/complete"
fi

app=build/deploy/shop
rm -rf build/deploy
mkdir -p build/deploy
"$gems/bin/rails" new "$app" -d postgresql --minimal --skip-bundle --skip-git \
  --skip-asset-pipeline >&2
printf '%s\n' 'source "https://rubygems.org"' "gem \"rails\", \"$rails\"" 'gem "pg"' 'gem "puma"' \
  >"$app/Gemfile"
(cd "$app" && bundle install --local >&2)
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 test/demo/deploy.py "$app"
/usr/bin/python3 doc/timeline.py \
  --panel "The entrypoint that Rails generates: three replicas, one pending migration" \
  build/deploy/stock.log \
  --panel "The same under Signalbox" build/deploy/signalbox.log
