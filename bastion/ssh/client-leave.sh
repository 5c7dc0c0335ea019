# SPDX-License-Identifier: Apache-2.0
# After client-common.sh: take away what join did.
leave () {
	for f in "$config" "$known" "$HOME/.gitconfig" "$xdg/git/config" "$(git_file)"; do
		block "$f" "$work/none"
	done
	rm -f "$ours/$name.conf" "$notes/$name.md"
	set -- "$ours"/*.conf
	# Another bastion was joined: what was made is for both, and goes with the last.
	if [ -e "$1" ] || [ ! -e "$ours/made" ]; then return 0; fi
	sed '1!G;h;$!d' "$ours/made" >"$work/undo"
	rm -f "$ours/made"
	while IFS= read -r f; do
		if [ -d "$f" ]; then
			rmdir "$f" 2>/dev/null || :
		elif [ -f "$f" ] && [ ! -s "$f" ]; then
			rm -f "$f"
		fi
	done <"$work/undo"
	echo "no longer behind the bastion $name"
}

