# SPDX-License-Identifier: Apache-2.0
# Sourced by tests of git-lfs, after lib-bastion.sh and lib-checks.sh. Skips the whole script where there is no client.
#
#	lfs_clone ci work		a clone of demo in work, on branch agent/x, with git-lfs at work in it for *.bin
#	lfs_push_refused ci work	as push_refused, for what git-lfs itself is refused before git speaks
#	lfs_stored OID			whether the repository has it
#	lfs_pkt TEXT, lfs_text TEXT	one packet line of a client, without and with the end of a line

command -v git-lfs >/dev/null || skip_all 'no git-lfs here'

# As git lfs install leaves it; a client that gives up does so at once.
lfs_settings () {
	git config --global filter.lfs.clean 'git-lfs clean -- %f' &&
	git config --global filter.lfs.smudge 'git-lfs smudge -- %f' &&
	git config --global filter.lfs.process 'git-lfs filter-process' &&
	git config --global filter.lfs.required true &&
	git config --global lfs.transfer.maxretries 1
}

lfs_clone () {
	bgit "$1" clone -q "$BASTION_URL/hosted/demo.git" "$2" && git -C "$2" switch -q -c agent/x &&
	(cd "$2" && git lfs install --local >/dev/null && { test -f .gitattributes || git lfs track '*.bin' >/dev/null; })
}

lfs_push_refused () {
	lfs_who_=$1
	lfs_clone_=$2
	shift 2
	test_must_fail bgit "$lfs_who_" -C "$lfs_clone_" push "$@" >out 2>err
}

lfs_oid () {
	sha256sum "$1" | cut -d' ' -f1
}

lfs_place () {
	echo "$STATE/repos/demo.git/lfs/objects/$(echo "$1" | cut -c 1-2)/$(echo "$1" | cut -c 3-4)/$1"
}

lfs_stored () {
	test -f "$(lfs_place "$1")" && test "$(lfs_oid "$(lfs_place "$1")")" = "$1"
}

# lfs_held OID: it waits for a push, in some state.
lfs_held () {
	ls "$STATE"/lfs/*/"$1"-* >/dev/null 2>&1
}

lfs_pkt () {
	printf '%04x%s' $((${#1} + 4)) "$1"
}

lfs_text () {
	lfs_pkt "$1
"
}

# lfs_raw IDENTITY COMMAND <INPUT: exactly these bytes on one channel; what came back is in "out" and "err", the status printed.
lfs_raw () {
	timeout 30 ssh -F "id/$1.conf" git@127.0.0.1 "$2" >out 2>err
	echo $? >raw.status
}
