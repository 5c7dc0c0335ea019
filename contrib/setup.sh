# SPDX-License-Identifier: Apache-2.0
# Sourced by contrib/check and contrib/quickstart: Debian packages, and a build out of tree. Expects $top, the source.

# What building and a first look need, on Debian 12.
packages='build-essential autoconf automake pkg-config binutils
	libssh-dev libgit2-dev libssl-dev libsodium-dev libjansson-dev libcurl4-openssl-dev libyaml-dev libvectorscan-dev
	libpcre2-dev libarchive-dev libdeflate-dev zlib1g-dev libsqlite3-dev libseccomp-dev libevent-dev libcmocka-dev
	git openssh-client openssh-server openssl ca-certificates perl python3'

# What only the tests need besides: other clients and servers, programs that make what is scanned. Where one is missing, what
# needs it is skipped.
test_packages='git-lfs gitolite3 lighttpd lighttpd-mod-openssl python3-paramiko python3-yaml python3-dulwich python3-pygit2
	rsync socat ripgrep xxd jq zip p7zip-full xz-utils bzip2 zstd lz4 cpio qpdf'

# Earlier builds of libssh do not check the tag of AES-GCM packets: what goes through them can be changed on the way.
libssh_least=0.10.6-0+deb12u3

say () {
	printf '%s\n' "$*"
}

die () {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

is_installed () {
	test "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed
}

as_root () {
	if test "$(id -u)" = 0
	then
		"$@"
	else
		sudo "$@"
	fi
}

# install_packages NAME..: only what is missing; nothing is touched when nothing is.
install_packages () {
	command -v dpkg-query >/dev/null || {
		say "not a Debian system: make sure of these by hand: $(echo $*)"
		return 0
	}
	missing=
	for p
	do
		is_installed "$p" || missing="$missing $p"
	done
	if test -z "$missing"
	then
		say "packages: all $# are installed"
		return 0
	fi
	say "packages: missing:$missing"
	test "$(id -u)" = 0 || command -v sudo >/dev/null ||
		die "neither root nor sudo here; as root: apt-get install --no-install-recommends$missing"
	command -v apt-get >/dev/null || die "no apt-get here; install by hand:$missing"
	say "+ apt-get update && apt-get install --no-install-recommends$missing"
	as_root apt-get -q update || say 'apt-get update failed; going on with the lists there are'
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing ||
		die "apt-get could not install:$missing"
}

gcm_option=
check_libssh () {
	command -v dpkg-query >/dev/null || return 0
	have=$(dpkg-query -W -f '${Version}' libssh-4 2>/dev/null) || have=
	test -n "$have" || return 0
	if dpkg --compare-versions "$have" lt "$libssh_least"
	then
		say "packages: libssh-4 $have is too old; asking for a newer one"
		as_root apt-get -q update &&
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --only-upgrade libssh-4 libssh-dev || :
		have=$(dpkg-query -W -f '${Version}' libssh-4)
		if dpkg --compare-versions "$have" lt "$libssh_least"
		then
			say "packages: libssh-4 stays $have, which does not check AES-GCM tags (fixed in $libssh_least, suite" \
				"bookworm-security): building without AES-GCM"
			gcm_option=--disable-gcm
		fi
	fi
	say "packages: libssh-4 $have"
}

# Regenerate configure when it is not there, or older than what it is made from.
bootstrap () {
	if test ! -x "$top/configure" || test ! -f "$top/Makefile.in" ||
		test -n "$(find "$top" -path "$top/build*" -prune -o \( -name configure.ac -o -name Makefile.am -o \
			-name 'Makefile.inc' -o -path "$top/t/unit/*.inc" \) -newer "$top/Makefile.in" -print)"
	then
		say '+ autoreconf -fi'
		(cd "$top" && autoreconf -fi) >"$top/build/autoreconf.log" 2>&1 || {
			cat "$top/build/autoreconf.log" >&2
			die 'autoreconf failed'
		}
	fi
}

# build DIR CONFIGURE-OPTION..: configure and make there; what went wrong is shown.
build () {
	build_dir=$1
	shift
	mkdir -p "$build_dir" || die "cannot make $build_dir"
	mkdir -p "$top/build" && bootstrap
	if test ! -f "$build_dir/config.status" || test "$top/configure" -nt "$build_dir/config.status"
	then
		# shellcheck disable=SC2086
		set -- "$@" $gcm_option
		say "+ cd $build_dir && configure $*"
		(cd "$build_dir" && "$top/configure" -q "$@") >"$build_dir/configure.log" 2>&1 || {
			tail -n 40 "$build_dir/configure.log" >&2
			die "configure failed; see $build_dir/config.log"
		}
	fi
	say "+ make -C $build_dir -j$jobs"
	make -s -C "$build_dir" -j"$jobs" >"$build_dir/make.log" 2>&1 || {
		tail -n 60 "$build_dir/make.log" >&2
		die "make failed; all of it is in $build_dir/make.log"
	}
}

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
