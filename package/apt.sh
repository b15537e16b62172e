# shellcheck shell=sh disable=SC2034,SC2154 # the script that sources this sets $package
#
# The machine's own apt: what it has installed, which archives it uses, and how it
# fetches. Needs steps.sh.

suite=trixie
own_processor=$(dpkg --print-architecture 2>/dev/null)
case $own_processor in
amd64 | arm64) ;;
*) die "this needs a Debian or Ubuntu on amd64 or arm64" ;;
esac
host=$(. /etc/os-release && echo "${ID:-}")
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

# missing PACKAGE…: prints those that are not installed.
missing() {
	for name in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s ' "$name"
	done
}

install_packages() {
	wanted=$(missing "$@")
	[ -n "$wanted" ] || return 0
	command -v apt-get >/dev/null || die "this needs Debian or Ubuntu: apt-get is not here to install $wanted"
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "install as root first: $wanted"
	step "reading the lists of packages" as_root apt-get -q -o DPkg::Lock::Timeout=600 update
	# shellcheck disable=SC2086 # one word a package
	step "installing $wanted" as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends install $wanted
}

# repositories: an address and a suite of trixie a line, from the Debian archives
# that this machine itself uses for its release, the updates and the security
# updates of it. Nothing on a machine that is not Debian. What a machine has never
# read the lists of is among them; what it knows to be somebody else's is not.
repositories() {
	[ "$host" = debian ] || return 0
	# shellcheck disable=SC2016 # apt expands these
	strangers=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' | awk '$2 != "Debian" { print $1 }' | sort -u)
	apt-get update --print-uris |
		sed -En "s,^'([^']*/)dists/($codename|stable|testing|unstable|sid)((-updates|-security)?)/main/binary-.*,\1 $suite\3,p" |
		sort -u -k 2 -k 1 | while read -r address name; do
		printf '%s\n' "$strangers" | grep -qxF -e "$address" || echo "$address $name"
	done
}

# private_apt: a configuration of apt in $temporary, which is there, that leaves the
# machine's own lists and hooks alone, and keeps what it says about fetching:
# proxies, certificates, time limits. apt's own limit of 30 s times 4 attempts is
# long for a place that is one of several.
private_apt() {
	mkdir -p "$temporary/lists/partial" "$temporary/cache/archives/partial"
	apt-config dump | grep '^Acquire::' >"$temporary/acquire"
	{
		printf '%s;\n' 'Acquire::Retries "1"' 'Acquire::http::Timeout "20"' 'Acquire::https::Timeout "20"'
		cat "$temporary/acquire"
		printf '%s;\n' 'Dir::Etc::main "/dev/null"' 'Dir::Etc::parts "/dev/null"' \
			'Dir::Etc::sourceparts "/dev/null"' 'Dir::State::status "/dev/null"' 'APT::Sandbox::User "root"' \
			"Dir::Etc::sourcelist \"$temporary/sources.list\"" "Dir::State::lists \"$temporary/lists\"" \
			"Dir::Cache \"$temporary/cache\""
	} >"$temporary/apt.conf"
}
