# SPDX-License-Identifier: Apache-2.0
# After client-common.sh and the texts: put this account behind the bastion.
folder () {
	[ -d "$1" ] || {
		folder "${1%/*}"
		mkdir -m 700 "$1"
		echo "$1" >>"$work/made"
	}
}

# marked TEXT OUT: the text between our marks; nothing stays nothing.
marked () {
	: >"$2"
	[ ! -s "$1" ] || { echo "$begin"; cat "$1"; echo "$end"; } >"$2"
}

refresh () {
	known_hosts_text >"$work/text"
	marked "$work/text" "$work/known"
	block "$known" "$work/known"
}

join () {
	case $HOME$xdg in
	*[\"\\\|\&\*\?\$%\[]*) die "$HOME: a folder of such a name cannot be written into an ssh_config" ;;
	esac
	ssh_config_text | sed "s|@HOME@|$HOME|" >"$work/conf"
	# An ssh that does not understand this must not find it in its configuration.
	echo "Include $work/conf" >"$work/try"
	ssh -G -F "$work/try" "$name" </dev/null >"$work/text" 2>&1 ||
		die "this ssh cannot be told so (it is older than OpenSSH 7.3?): $(tail -n 1 "$work/text")"
	folder "$ours"
	folder "$notes"
	refresh
	put "$ours/$name.conf" "$work/conf"
	echo "Include \"$ours/$name.conf\"" >"$work/text"
	marked "$work/text" "$work/include"
	block "$config" "$work/include"
	git_config_text >"$work/text"
	marked "$work/text" "$work/git"
	block "$(git_file)" "$work/git"
	note_text >"$work/note"
	put "$notes/$name.md" "$work/note"
	echo "behind the bastion now: ssh $name help; what you may do is said in $notes/$name.md"
	ssh -G "$name" 2>/dev/null </dev/null | grep -qx "hostkeyalias sallyport-$name" ||
		echo "sallyport: ssh does not read $config by itself here; use: ssh -F $config" >&2
}

