# shellcheck shell=sh disable=SC2154 # the script that sources this sets $package
#
# Sourced by libraries.sh and build.sh: gives them a Debian trixie to run in.
#
# A release is built with trixie's compiler whatever the host is, so that a
# version has the same bytes everywhere. On a machine that is trixie already (a
# stage of a Dockerfile) the tools are installed with apt. On any other Debian or
# Ubuntu a trixie root is made once in the cache, and the calling script runs
# again inside it. Everything that needs the network is done before that, by the
# machine's own apt, so that its mirrors, proxies and certificates apply.

suite=trixie
tools='binutils bison bzip2 cmake flex gcc libc6-dev linux-libc-dev make musl-dev ninja-build patch perl pkgconf xz-utils'

# The caller's environment must not leak into the result.
unset APT_CONFIG CC CFLAGS CPPFLAGS CXX CXXFLAGS LDFLAGS LIBS MAKEFLAGS MAKELEVEL \
	CPATH C_INCLUDE_PATH LIBRARY_PATH PKG_CONFIG_PATH PKG_CONFIG_LIBDIR REALGCC 2>/dev/null || :
export LC_ALL=C TZ=UTC
umask 022

top=$(CDPATH='' cd -- "$package/.." && pwd -P)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/signalbox
mkdir -p "$cache"
cache=$(CDPATH='' cd -- "$cache" && pwd -P)
inside=${SIGNALBOX_BUILD_INSIDE:-}
log=${SIGNALBOX_BUILD_LOG:-$cache/$(basename "$0" .sh).log}
temporary=
doing=

say() { printf 'signalbox: %s\n' "$*" >&2; }

die() {
	doing=
	say "$*"
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# logged WHAT COMMAND…: runs the command with its output in the log. A failure
# ends the script by `set -e`, so this must never stand in a condition; `finish`
# then reports it.
logged() {
	doing=$1
	shift
	printf '\n== %s\n' "$doing" >>"$log"
	("$@") >>"$log" 2>&1 </dev/null
	doing=
}

# step WHAT COMMAND…: the same, and says what was done and how long it took.
step() {
	what=$1
	began=$(date +%s)
	logged "$@"
	say "$what: $(($(date +%s) - began)) s"
}

# because REASON: ends a command that runs under `logged`, for a reason that needs
# no log to be understood.
because() {
	echo "$*" >"$log.reason"
	exit 1
}

finish() {
	status=$?
	trap - EXIT
	if [ "$status" != 0 ] && [ -s "$log.reason" ]; then
		say "$(cat "$log.reason")"
		rm -f "$log.reason"
	elif [ "$status" != 0 ] && [ -n "$doing" ]; then
		tail -n 20 "$log" | cut -c1-300 | sed "s/^/    /" >&2
		say "$doing: failed, the whole output is in $log"
	fi
	[ -z "$temporary" ] || rm -rf "$temporary"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT

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
	step "reading the lists of packages" as_root apt-get -q update
	# shellcheck disable=SC2086 # one word a package
	step "installing $wanted" as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install $wanted
}

# repository SUFFIX: the address of the Debian archive that this machine itself
# uses for its release (SUFFIX empty) or its security updates (-security).
repository() {
	[ "$host" = debian ] || return 0
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(RELEASE) $(REPO_URI) $(COMPONENT)' 'Created-By: Packages' |
		awk -v suffix="$1" -v codename="$codename" '
			$3 == "main" && ($1 == codename suffix || $1 ~ "^(stable|testing|unstable|sid)" suffix "$") { print $2; exit }'
}

# A configuration of apt that leaves the machine's own lists and hooks alone, and
# keeps what it says about fetching: proxies, certificates, time limits.
private_apt() {
	apt=$1/apt
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	apt-config dump | grep '^Acquire::' >"$apt/acquire"
	{
		cat "$apt/acquire"
		printf '%s;\n' 'Dir::Etc::main "/dev/null"' 'Dir::Etc::parts "/dev/null"' \
			'Dir::Etc::sourceparts "/dev/null"' 'Dir::State::status "/dev/null"' 'APT::Sandbox::User "root"' \
			"Dir::Etc::sourcelist \"$apt/sources.list\"" "Dir::State::lists \"$apt/lists\"" "Dir::Cache \"$apt/cache\""
	} >"$apt/apt.conf"
}

# make_root VARIANT PACKAGES: the root is made under another name and renamed when
# it is complete. The variants are mmdebstrap's.
make_root() {
	[ -e "$root/etc/os-release" ] && return 0
	private_apt "$temporary"
	as_root rm -rf --one-file-system "$root.new"
	# shellcheck disable=SC2046 # without an address, mmdebstrap knows Debian's own
	step "making a Debian $suite in $root" as_root unshare --mount \
		mmdebstrap --quiet --variant="$1" --aptopt="$temporary/apt/acquire" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--include="$(echo "$2" | tr ' ' ,)" "$suite" "$root.new" $(repository '')
	as_root mv -T "$root.new" "$root"
}

# run_in_root COMMAND…: with the source tree and the cache at the same paths as
# outside. Mounts and processes are in namespaces of this command's own: whatever
# happens to it or to this script, none is left behind. It runs as the caller, so
# that the files are the caller's.
run_in_root() {
	# shellcheck disable=SC2016 # expanded inside
	as_root setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child sh -euc '
		root=$1 user=$2 top=$3 cache=$4
		shift 4
		mkdir -p "$root$top" "$root$cache"
		mount --bind "$top" "$root$top"
		mount --bind "$cache" "$root$cache"
		mount --rbind /proc "$root/proc"
		mount --rbind /dev "$root/dev"
		exec chroot --userspec="$user" "$root" "$@"
	' sh "$root" "$(id -u):$(id -g)" "$top" "$cache" \
		env -i PATH=/usr/sbin:/usr/bin HOME="$cache" XDG_CACHE_HOME="${cache%/signalbox}" \
		SIGNALBOX_BUILD_INSIDE=1 SIGNALBOX_BUILD_LOG="$log" "$@"
}

# Fetches what package/sources names into the cache. apt says where a file is,
# and package/sources alone says what it must contain. apt's own list of the
# files is not trusted to be complete: mirrors list a version before they have
# it, or lose its .dsc, so every list that names a file is tried in turn.
fetch_sources() {
	mkdir -p "$cache/sources"
	absent=$(listed_sources | while read -r _ file _; do
		[ -e "$cache/sources/$file" ] || echo "$file"
	done)
	[ -n "$absent" ] || return 0
	private_apt "$temporary"
	for keyring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
		[ ! -e "$keyring" ] || break
	done
	archive=$(repository '')
	security=$(repository -security)
	# On a machine that is not Debian the root's own list has the addresses.
	{
		if [ -n "$archive" ]; then
			echo "deb-src [signed-by=$keyring] $archive $suite main"
			[ -z "$security" ] || echo "deb-src [signed-by=$keyring] $security $suite-security main"
		else
			sed -n "s,^deb \(\[[^]]*\] \)\{0\,1\},deb-src [signed-by=$keyring] ,p" "$root/etc/apt/sources.list"
		fi
	} >"$temporary/apt/sources.list"
	step "reading the lists of source packages" source_lists
	step "fetching the sources" fetch_absent
}

listed_sources() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$package/sources"; }

# A missing security suite is no reason to stop: fetch_absent finds out what is
# there.
source_lists() { APT_CONFIG="$temporary/apt/apt.conf" apt-get -q update || :; }

fetch_absent() {
	APT_CONFIG=$temporary/apt/apt.conf
	export APT_CONFIG
	listed_sources | while read -r name file sum; do
		[ ! -e "$cache/sources/$file" ] || continue
		for from in "$suite" "$suite-security" "$suite-updates"; do
			apt-get source --only-source --print-uris "$name/$from" 2>/dev/null | grep "^'" || :
		done >"$temporary/offers"
		: >"$temporary/file"
		# A list often runs ahead of the archive's folder, which keeps a version for a while longer.
		{
			awk -v file="$file" '$2 == file { gsub(/\047/, "", $1); print $1 }' "$temporary/offers"
			sed -E "s,^'([^']*/)[^/']*' .*,\1$file," "$temporary/offers"
		} | awk '!seen[$0]++' >"$temporary/addresses"
		while read -r address; do
			rm -f "$temporary/file"
			/usr/lib/apt/apt-helper download-file "$address" "$temporary/file" "SHA256:$sum" && break
		done <"$temporary/addresses"
		if echo "$sum  $temporary/file" | sha256sum --check --status 2>/dev/null; then
			mv "$temporary/file" "$cache/sources/$file"
			continue
		fi
		[ -s "$temporary/offers" ] ||
			because "the mirror's list of source packages could not be read, or does not have $name; the whole output is in $log"
		because "$file could not be fetched with the SHA-256 that package/sources has; the whole output is in $log"
	done
}

# What this machine is, and one user of the cache at a time: two would do the same
# work twice.
take_cache() {
	host=$(. /etc/os-release && echo "${ID:-}")
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	case $(dpkg --print-architecture 2>/dev/null) in
	amd64 | arm64) ;;
	*) die "this needs a Debian or Ubuntu on amd64 or arm64" ;;
	esac

	exec 9>"$cache/lock"
	if ! flock -n 9; then
		say "waiting for another build that uses $cache"
		flock 9
	fi
	temporary=$cache/temporary
	rm -rf "$temporary" "$log.reason"
	mkdir "$temporary"
	: >"$log"
}

# in_trixie SCRIPT: comes back where everything that the script needs is there;
# elsewhere it runs the script inside the root and ends with its status.
in_trixie() {
	[ -z "$inside" ] || return 0
	take_cache
	if [ "$host $codename" = "debian $suite" ]; then
		# shellcheck disable=SC2086 # one word a package
		install_packages $tools
		fetch_sources
		inside=1
		export SIGNALBOX_BUILD_INSIDE=1 SIGNALBOX_BUILD_LOG="$log"
		return 0
	fi
	install_packages mmdebstrap debian-archive-keyring
	root=$cache/root-$(echo "$suite $tools" | sha256sum | cut -c1-16)
	make_root apt "$tools"
	fetch_sources
	run_in_root sh "$package/$1"
	exit 0
}
