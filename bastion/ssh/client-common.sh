# SPDX-License-Identifier: Apache-2.0
# What join and leave share. It becomes part of the scripts that `ssh BASTION join` and `leave` print.
set -eu
umask 077
export LC_ALL=C
config=$HOME/.ssh/config
known=$HOME/.ssh/known_hosts
ours=$HOME/.ssh/sallyport
xdg=${XDG_CONFIG_HOME:-$HOME/.config}
notes=$xdg/sallyport
begin="# sallyport $name begin"
end="# sallyport $name end"
work=$(mktemp -d)
new=
: >"$work/made" >"$work/none"

die () { echo "sallyport: $*" >&2; exit 1; }

# What is made here, files and folders, is remembered, so that leaving can take away just that.
finish () {
	[ ! -s "$work/made" ] || cat "$work/made" >>"$ours/made"
	rm -rf "$work"
	[ -z "$new" ] || rm -f "$new"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# put FILE TEXT: the file's bytes become those of TEXT in one step, unless they are. Its mode and links stay.
put () {
	file=$1
	if [ -L "$file" ]; then file=$(readlink -f "$file"); fi
	if cmp -s "$2" "$file"; then return 0; fi
	new=$file.sallyport-$$
	if [ -e "$file" ]; then
		cp -p "$file" "$new"
	else
		echo "$file" >>"$work/made"
	fi
	cat "$2" >"$new"
	mv -f "$new" "$file"
	new=
	echo "changed $1"
}

# block FILE TEXT: our lines stand first in the file, or nowhere when TEXT is empty. All others stay byte for byte.
block () {
	if [ ! -e "$1" ]; then
		[ ! -s "$2" ] || put "$1" "$2"
		return 0
	fi
	[ -f "$1" ] || { echo "sallyport: $1 is no regular file and is left alone" >&2; return 0; }
	sed -n "/^$begin\$/,/^$end\$/p" "$1" >"$work/old"
	if cmp -s "$work/old" "$2"; then return 0; fi
	[ ! -s "$work/old" ] || [ "$(tail -n 1 "$work/old")" = "$end" ] ||
		die "$1: the line \"$end\" is missing; repair it by hand"
	sed "/^$begin\$/,/^$end\$/d" "$1" >"$work/rest"
	# Not every sed leaves a last line open that was open.
	if [ -n "$(tail -c 1 "$1")" ] && [ -z "$(tail -c 1 "$work/rest")" ]; then
		printf %s "$(cat "$work/rest")" >"$work/open"
		mv -f "$work/open" "$work/rest"
	fi
	cat "$2" "$work/rest" >"$work/all"
	put "$1" "$work/all"
}

# The file that git config --global would write to.
git_file () {
	f=$HOME/.gitconfig
	if [ ! -e "$f" ] && [ -e "$xdg/git/config" ]; then f=$xdg/git/config; fi
	echo "${GIT_CONFIG_GLOBAL:-$f}"
}

