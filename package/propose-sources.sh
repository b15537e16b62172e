#!/bin/sh
# Where Debian has newer sources of what is linked: a branch and a proposal with them.
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
top=$(dirname "$package")
cd "$top"
sh package/update-sources.sh
if git diff --quiet -- package/sources; then
	echo 'propose-sources.sh: what is pinned is the newest'
	exit 0
fi
branch=sources-$(sha256sum <package/sources | cut -c1-12)
if [ "$(gh pr list --head "$branch" --state all --json number --jq length)" != 0 ]; then
	echo "propose-sources.sh: $branch has been proposed before"
	exit 0
fi
gh auth setup-git
git switch --create "$branch"
git -c user.name='Signalbox sources' -c user.email='sources@signalbox.invalid' \
	commit --message 'Take the newest sources of what is linked' -- package/sources
git push origin "$branch"
gh pr create --head "$branch" --title 'Newer sources of what is linked' \
	--body 'Written by package/update-sources.sh. The diff names the versions.'
