# shellcheck shell=sh disable=SC2154 # the script that sources this sets $package
#
# The source packages that Debian's archives offer, and how one file of them gets
# into the cache, wherever it lies. Needs steps.sh and apt.sh.
#
# An archive's list and its folder are two things: a list often names a version
# that the folder does not have yet, and the folder keeps a version for weeks that
# no list names any longer. So the list says what there might be, and a file that
# is there, with the right SHA-256, is what there is. With a SHA-256 no place needs
# to be trusted, and the lists, which give one for what is not pinned, are signed.

# listed_sources: the lines of package/sources, package, version, file, SHA-256 and
# SHA-1; pinned PACKAGE: those of one package.
listed_sources() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$package/sources"; }

pinned() { listed_sources | awk -v name="$1" '$1 == name'; }

listed_packages() { listed_sources | awk '!seen[$1]++ { print $1 }'; }

# archives: an address and a suite a line. A machine that is not Debian uses no
# archive of Debian itself; the list of its trixie root, $root, has the addresses.
archives() {
	if [ "$host" = debian ]; then
		repositories
	else
		sed -n 's,^deb \(\[[^]]*\] \)\{0\,1\}\([^ ]*\) \([^ ]*\) .*,\2 \3,p' "$root/etc/apt/sources.list"
	fi
}

# read_offers: what the archives list of our packages, in $temporary/offers:
# package, version, SHA-256, address and file. An archive that cannot be read
# offers nothing; whether that matters shows later.
read_offers() {
	private_apt
	for keyring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
		[ ! -e "$keyring" ] || break
	done
	archives >"$temporary/archives"
	sed "s,.*,deb-src [signed-by=$keyring] & main," "$temporary/archives" >"$temporary/sources.list"
	APT_CONFIG=$temporary/apt.conf apt-get -q update || :
	# shellcheck disable=SC2016 # apt expands these
	APT_CONFIG=$temporary/apt.conf apt-get indextargets --format '$(REPO_URI) $(FILENAME)' 'Created-By: Sources' |
		while read -r address index; do
			[ ! -e "$index" ] || /usr/lib/apt/apt-helper cat-file "$index" |
				awk -v address="$address" -v wanted=" $(listed_packages | tr '\n' ' ')" '
					BEGIN { count = 0 }
					function flush(  i) {
						for (i = 0; i < count; i++)
							print name, version, sums[i], address directory "/" files[i], files[i]
						count = 0; name = ""
					}
					/^$/ { flush() }
					/^Package: / { name = index(wanted, " " $2 " ") ? $2 : "" }
					name == "" { next }
					/^[^ ]/ { in_sums = /^Checksums-Sha256:/ }
					/^Version: / { version = $2 }
					/^Directory: / { directory = $2 }
					/^ / && in_sums && $3 ~ /\.(orig|debian)\.tar\.[a-z0-9]+$/ { sums[count] = $1; files[count++] = $3 }
					END { flush() }'
		done >"$temporary/offers"
}

# places PACKAGE FILE: the addresses where it may be: as a list says, and in the
# folder that the package has in each archive.
places() {
	awk -v file="$2" '$5 == file { print $4 }' "$temporary/offers"
	case $1 in
	lib?*) tail=$(echo "$1" | cut -c1-4)/$1 ;;
	*) tail=$(echo "$1" | cut -c1)/$1 ;;
	esac
	while read -r address _; do
		for folder in pool/main pool/updates/main; do
			echo "${address%/}/$folder/$tail/$2"
		done
	done <"$temporary/archives"
}

is_cached() { echo "$2  $cache/sources/$1" | sha256sum --check --status 2>/dev/null; }

# try FILE SHA256 ADDRESS [OPTION…]: fetches it into the cache; whether it is there
# then.
try() {
	echo "$1: trying $3"
	rm -f "$temporary/file"
	# Some stores take a + in an address for a space.
	escaped=$(echo "$3" | sed 's/+/%2b/g; s/~/%7e/g')
	wanted_file=$1 wanted_sum=$2
	shift 3
	APT_CONFIG=$temporary/apt.conf /usr/lib/apt/apt-helper "$@" \
		download-file "$escaped" "$temporary/file" "SHA256:$wanted_sum" || return 1
	cp "$temporary/file" "$cache/sources/$wanted_file"
	is_cached "$wanted_file" "$wanted_sum"
}

# fetch PACKAGE FILE SHA256 [SHA1]: gets a file into the cache, from the first place
# that really has it; whether it is there then. Debian's archive of everything that
# there ever was is asked last, by the SHA-1, and for no longer than a few seconds,
# because many machines do not reach it.
fetch() {
	! is_cached "$2" "$3" || return 0
	mkdir -p "$cache/sources"
	places "$1" "$2" | awk '!seen[$0]++' >"$temporary/places"
	while read -r place; do
		! try "$2" "$3" "$place" || return 0
	done <"$temporary/places"
	[ -n "${4:-}" ] || return 1
	try "$2" "$3" "http://snapshot.debian.org/file/$4" -o Acquire::Retries=0 -o Acquire::http::Timeout=5
}

# offered_versions PACKAGE: what the lists name, the newest first.
offered_versions() {
	awk -v name="$1" '$1 == name && !seen[$2]++ { print $2 }' "$temporary/offers" | sort -rV
}

# fetch_newest PACKAGE: gets the newest version into the cache that really can be
# had, and writes its lines (package, version, file, SHA-256) to $temporary/newest;
# whether there is one.
fetch_newest() {
	for version in $(offered_versions "$1"); do
		awk -v name="$1" -v version="$version" '
			$1 == name && $2 == version && !seen[$5]++ { print $1, $2, $5, $3 }' "$temporary/offers" >"$temporary/newest"
		fetch_all <"$temporary/newest" && return 0
		echo "$1 $version is listed, but it is not there"
	done
	return 1
}

# fetch_all: gets the files of the lines on standard input; whether all are there.
fetch_all() {
	while read -r name _ file sum sha1; do
		fetch "$name" "$file" "$sum" "$sha1" </dev/null || return 1
	done
}
