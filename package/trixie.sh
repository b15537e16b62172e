# shellcheck shell=sh disable=SC2034,SC2119,SC2120,SC2154 # the script that sources this sets $package
#
# Sourced by libraries.sh and build.sh: gives them a Debian trixie to run in.
# They call for_processor first, which says what they build for.
#
# A release is built with trixie's compiler whatever the host is, so that a
# version has the same bytes everywhere. On a machine that is trixie already (a
# stage of a Dockerfile) the tools are installed with apt. On any other Debian or
# Ubuntu a trixie root is made once in the cache, and the calling script runs
# again inside it. So it does on every machine that builds for the other
# processor: that takes packages of a second architecture, which are no business
# of the machine's own apt. Everything that needs the network is done before that,
# by the machine's own apt, so that its mirrors, proxies and certificates apply.

# shellcheck source=package/steps.sh
. "$package/steps.sh"
# shellcheck source=package/apt.sh
. "$package/apt.sh"

tools='binutils bison bzip2 cmake flex gcc libc6-dev linux-libc-dev make musl-dev ninja-build patch perl pkgconf xz-utils'
case $own_processor in
amd64) cross_tools='gcc-aarch64-linux-gnu musl-dev:arm64' ;;
arm64) cross_tools='gcc-x86-64-linux-gnu musl-dev:amd64' ;;
esac
inside=${SIGNALBOX_BUILD_INSIDE:-}

# for_processor [amd64|arm64]: sets $processor, without a word to this machine's own;
# $machine, which is the compiler's name for it; and $foreign, which is empty for
# this machine's own.
for_processor() {
	processor=${1:-$own_processor}
	foreign=$processor
	[ "$processor" != "$own_processor" ] || foreign=
	case $processor in
	amd64) machine=x86_64 ;;
	arm64) machine=aarch64 ;;
	*) die "there is no build for $processor: amd64 or arm64" ;;
	esac
}

# unpack_root VARIANT PACKAGES: makes $root.new from the archives on standard input.
unpack_root() {
	sed 's/.*/deb & main/' >"$temporary/sources.list"
	as_root rm -rf --one-file-system "$root.new"
	# Without an address, mmdebstrap knows Debian's own.
	architectures=$own_processor$(echo "$2" | tr ' ' '\n' | sed -n 's/.*:/,/p' | sort -u)
	# Documentation is left out by dpkg alone: mmdebstrap's own filter takes minutes.
	# shellcheck disable=SC2016 # mmdebstrap's shell expands it
	set -- --quiet --variant="$1" --architectures="$architectures" --aptopt="$temporary/acquire" \
		--essential-hook='printf "path-exclude=/usr/share/%s/*\n" doc man locale >"$1/etc/dpkg/dpkg.cfg.d/slim"' \
		--include="$(echo "$2" | tr ' ' ,)" "$suite" "$root.new"
	[ ! -s "$temporary/sources.list" ] || set -- "$@" "$temporary/sources.list"
	as_root unshare --mount mmdebstrap "$@"
}

# Of the same version apt tries each archive that lists it. Where the updates list
# one that none of them has, the release alone still has the one before it.
unpack_newest_root() {
	repositories >"$temporary/repositories"
	unpack_root "$@" <"$temporary/repositories" ||
		grep " $suite\$" "$temporary/repositories" | unpack_root "$@"
}

# make_root VARIANT PACKAGES: the root is made under another name and renamed when
# it is complete. The variants are mmdebstrap's.
make_root() {
	[ -e "$root/etc/os-release" ] && return 0
	install_packages mmdebstrap debian-archive-keyring
	make_temporary
	private_apt
	step "making a Debian $suite in $root" unpack_newest_root "$@"
	as_root mv -T "$root.new" "$root"
}

root_of() { echo "$cache/root-$(echo "$suite $1" | sha256sum | cut -c1-16)"; }

# A root that can build for the other processor builds for this one as well.
make_build_root() {
	wanted_tools="$tools $cross_tools"
	root=$(root_of "$wanted_tools")
	if [ -z "$foreign" ] && [ ! -e "$root/etc/os-release" ]; then
		wanted_tools=$tools
		root=$(root_of "$wanted_tools")
	fi
	make_root apt "$wanted_tools"
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

# in_trixie SCRIPT [WORD…]: comes back where everything that the script needs is there;
# elsewhere it runs the script inside the root and ends with its status.
in_trixie() {
	[ -z "$inside" ] || return 0
	take_cache
	if [ "$host $codename" = "debian $suite" ] && [ -z "$foreign" ]; then
		# shellcheck disable=SC2086 # one word a package
		install_packages $tools
		sh "$package/fetch.sh"
		inside=1
		export SIGNALBOX_BUILD_INSIDE=1
		return 0
	fi
	make_build_root
	sh "$package/fetch.sh" "$root"
	script=$1
	shift
	run_in_root sh "$package/$script" "$@"
	exit 0
}
