#!/bin/sh
# Builds the static libraries (libpq, OpenSSL, libyaml, libcap, for musl) that the
# release binary is linked with, and prints the folder that they are in:
#
#   sh package/libraries.sh [amd64|arm64]
#
# The folder's name has a hash of what goes into it: this recipe (but for its
# comments), the sources and the compiler. So a folder that exists is right, and
# is never built again.
set -eu
package=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=package/trixie.sh disable=SC2154
. "$package/trixie.sh"
for_processor "$@"
in_trixie libraries.sh "$processor"

compiler=$machine-linux-musl-gcc
gnu=$machine-linux-gnu
sources=$cache/sources/chosen
key=$({
	sed '/^[[:space:]]*\(#\|$\)/d' "$package/libraries.sh" "$sources"
	debian=$(echo "$gnu" | tr _ -) # A name of a package has no underscore.
	dpkg-query -W -f '${Package} ${Version} ${Architecture}\n' \
		"binutils-$debian" "gcc-$($gnu-gcc -dumpversion)-$debian" "musl-dev:$processor"
} | sha256sum | cut -c1-16)
libraries=$cache/libraries-$processor-$key
if [ -d "$libraries" ]; then
	echo "$libraries"
	exit 0
fi

# Only a complete folder gets its name, so one left half-built is never used.
work=$libraries.new
rm -rf "$cache"/libraries-*.new
mkdir -p "$work/include" "$work/lib/pkgconfig" "$work/kernel" "$work/build"
jobs=$(nproc)
build=$work/build
contents=$work/contents
# The C library comes with the compiler.
{ cat "$sources"; dpkg-query -W -f 'musl ${Version} - - compiler\n' "musl-dev:$processor"; } >"$contents"

# OpenSSL would write the time of the build.
export SOURCE_DATE_EPOCH=1

# musl has no kernel headers. Only these three folders of the C library's are
# safe to see: all of /usr/include would mix two C libraries.
ln -s /usr/include/linux /usr/include/asm-generic "$work/kernel"
ln -s "/usr/include/$gnu/asm" "$work/kernel"

flags="-Os -ffunction-sections -fdata-sections -fno-pie -fno-asynchronous-unwind-tables -fno-unwind-tables"
flags="$flags -ffile-prefix-map=$build=. -idirafter $work/kernel"

# unpack PACKAGE: its original archive with Debian's patches, in $build/PACKAGE.
unpack() {
	mkdir -p "$build/$1"
	cd "$build/$1"
	awk -v name="$1" '$1 == name { print $3 }' "$sources" | while read -r file; do
		case $file in
		*.debian.tar.*) tar -xf "$cache/sources/$file" ;;
		*) tar -xf "$cache/sources/$file" --strip-components=1 --exclude='*/fuzz/corpora' ;;
		esac
	done
	[ -e debian/patches/series ] || return 0
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' debian/patches/series | while read -r name _; do
		patch -p1 --silent <"debian/patches/$name"
	done
}

# What a TLS client of PostgreSQL needs stays: TLS 1.2 and 1.3, RSA and elliptic
# curves, ML-KEM (in the first key exchange that is offered), AES-GCM and
# ChaCha20, MD5 (md5 authentication), the assembler (AES through tables leaks
# keys), cached fetches (without them a connection costs 40 times the CPU). Key
# exchange in finite fields (no-dh, 70 kB) goes: every PostgreSQL since 9.4 and
# every pooler that speaks TLS 1.2 has elliptic curves.
build_openssl() {
	unpack openssl
	mkdir "$build/openssl-build"
	cd "$build/openssl-build"
	target=linux-$machine
	if [ "$machine" = x86_64 ]; then
		target=linux-x86_64
		# OpenSSL asks how old the assembler is, and leaves out the AVX variants,
		# a megabyte, for an old one. AES-NI and SHA-NI stay.
		cat >"$build/compiler" <<-END
			#!/bin/sh
			case " \$* " in
			*' -Wa,-v '*) echo 'GNU assembler version 2.18' ;;
			*) exec $compiler "\$@" ;;
			esac
		END
		chmod +x "$build/compiler"
		compiler=$build/compiler
	else
		# OpenSSL asks glibc what the processor can do, and of another C library it
		# tries the instructions and catches the SIGILL, before main(). musl can be
		# asked as well.
		armcap=$build/openssl/crypto/armcap.c
		sed -i -e '1i #include <sys/auxv.h>\n#define OSSL_IMPLEMENT_GETAUXVAL' \
			-e 's/ __attribute__((constructor))//' "$armcap"
	fi
	perl ../openssl/Configure "$target" CC="$compiler" AR="$gnu-gcc-ar" RANLIB="$gnu-gcc-ranlib" CFLAGS="$flags" \
		--prefix=/usr --openssldir=/etc/ssl --libdir=lib \
		no-shared no-tests no-apps no-docs no-pic no-dso no-engine no-legacy no-filenames \
		no-afalgeng no-async no-autoload-config no-default-thread-pool no-integrity-only-ciphers no-multiblock \
		no-rfc3779 no-secure-memory no-ssl-trace no-thread-pool no-tls-deprecated-ec no-ui-console no-weak-ssl-ciphers \
		no-cmac no-cmp no-cms no-comp no-ct no-dgram no-dtls no-http no-nextprotoneg no-ocsp no-psk no-quic no-srp no-srtp no-ts \
		no-ssl3 no-ssl3-method no-tls1 no-tls1-method no-tls1_1 no-tls1_1-method \
		no-argon2 no-aria no-bf no-blake2 no-camellia no-cast no-des no-dh no-dsa no-ec2m no-gost no-idea no-md4 no-mdc2 \
		no-ml-dsa no-ocb no-rc2 no-rc4 no-rc5 no-rmd160 no-scrypt no-seed no-siphash no-siv no-slh-dsa no-sm2 no-sm3 no-sm4 \
		no-whirlpool
	make -j"$jobs" build_libs
	# Here too OpenSSL looks at the processor before main(), which would touch its
	# pages in PID 1. OPENSSL_init_crypto() does it again, early enough.
	if [ "$machine" = x86_64 ]; then
		object=$(find crypto -name 'libcrypto-lib-x86_64cpuid.o')
		"$gnu-objcopy" -R .init -R .rela.init "$object"
		"$gnu-gcc-ar" rD libcrypto.a "$object"
	fi
	cp libcrypto.a libssl.a "$work/lib"
	cp -R ../openssl/include/openssl include/openssl "$work/include"
	find "$work/include/openssl" -name '*.in' -delete
	pc libcrypto openssl '-lcrypto' ''
	pc libssl openssl '-lssl' libcrypto
}

# There is no target that makes only the client library, so these are the pieces
# that it is made of.
build_libpq() {
	unpack postgresql-17
	./configure --host="$machine-linux-musl" --build="$(uname -m)-linux-gnu" --prefix=/usr \
		--sysconfdir=/etc/postgresql-common --with-openssl \
		--without-gssapi --without-icu --without-ldap --without-readline --without-zlib \
		CC="$compiler" AR="$gnu-gcc-ar" RANLIB="$gnu-gcc-ranlib" CFLAGS="$flags" \
		CPPFLAGS="-I$work/include" LDFLAGS="-static -no-pie -L$work/lib"
	make -C src/backend generated-headers
	make -j"$jobs" -C src/port CFLAGS_SL=-fno-pic libpgport_shlib.a
	make -j"$jobs" -C src/common CFLAGS_SL=-fno-pic libpgcommon_shlib.a
	make -j"$jobs" -C src/interfaces/libpq CFLAGS_SL=-fno-pic libpq.a
	cp src/port/libpgport_shlib.a src/common/libpgcommon_shlib.a src/interfaces/libpq/libpq.a "$work/lib"
	cp src/interfaces/libpq/libpq-fe.h src/interfaces/libpq/libpq-events.h src/include/postgres_ext.h \
		src/include/pg_config_ext.h "$work/include"
	pc libpq postgresql-17 '-lpq -lpgcommon_shlib -lpgport_shlib' libssl
}

build_libyaml() {
	unpack libyaml
	number=$(version libyaml | sed 's/-.*//')
	IFS=. read -r major minor patch <<-END
		$number
	END
	# shellcheck disable=SC2086 # the flags are words
	$compiler $flags -DNDEBUG -Iinclude -DYAML_VERSION_STRING="\"$number\"" \
		-DYAML_VERSION_MAJOR="$major" -DYAML_VERSION_MINOR="$minor" -DYAML_VERSION_PATCH="$patch" -c src/*.c
	"$gnu-gcc-ar" rcD "$work/lib/libyaml.a" ./*.o
	cp include/yaml.h "$work/include"
	pc yaml-0.1 libyaml -lyaml ''
}

build_libcap() {
	unpack libcap2
	make -C libcap CC="$compiler" BUILD_CC="gcc -no-pie" AR="$gnu-gcc-ar" RANLIB="$gnu-gcc-ranlib" COPTS="$flags" \
		SHARED=no PTHREADS=no GOLANG=no USE_GPERF=no libcap.a
	cp libcap/libcap.a "$work/lib"
	mkdir "$work/include/sys"
	cp libcap/include/sys/capability.h "$work/include/sys"
	pc libcap libcap2 -lcap ''
}

# version PACKAGE: with Debian's revision.
version() { awk -v name="$1" '$1 == name { print $2; exit }' "$contents"; }

# pc NAME PACKAGE LIBS REQUIRES: nothing is private, because there is nothing but
# static libraries: with and without --static the link line is complete. What
# `signalbox --version` says of a library is from here.
pc() {
	cat >"$work/lib/pkgconfig/$1.pc" <<-END
		prefix=\${pcfiledir}/../..
		origin=$(awk -v name="$2" '$1 == name { print $5; exit }' "$contents")
		Name: $1
		Description: $1, static, for musl
		Version: $(version "$2")
		Requires: $4
		Libs: -L\${prefix}/lib $3
		Cflags: -I\${prefix}/include
	END
}

step "building OpenSSL $(version openssl)" build_openssl
step "building libpq $(version postgresql-17)" build_libpq
step "building libyaml $(version libyaml)" build_libyaml
step "building libcap $(version libcap2)" build_libcap
pc musl musl '' ''
rm -rf "$build"
mv -T "$work" "$libraries"
echo "$libraries"
