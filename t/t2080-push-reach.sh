#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a push may build on what the repository shows, and on nothing else that is in it'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git
ZERO=0000000000000000000000000000000000000000

# push_raw OID: create agent/raw at OID with the pack that is on standard input. Output and all that was said are in "out".
push_raw () {
	{
		printf '0079%s %s refs/heads/agent/raw\0 report-status' "$ZERO" "$1" && printf 0000 && cat
	} >request &&
	timeout 60 ssh -F id/ci.conf git@127.0.0.1 "git-receive-pack '/hosted/demo.git'" <request >out 2>err
}

# refused OID: it names what is not shown, and nothing was stored.
refused () {
	test_grep -a "ng refs/heads/agent/raw denied REQ" out &&
	test_grep "no reference of the repository leads to" err && test_grep "$(echo "$1" | cut -c1-12)" err &&
	test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/raw
}

# commit_of TREE [PARENT]: a commit of it, written into work.
commit_of () {
	git -C work commit-tree -m made ${2+-p "$2"} "$1"
}

# pack_of OID..: exactly these objects.
pack_of () {
	printf '%s\n' "$@" | git -C work pack-objects -q --stdout
}

test_expect_success 'a bastion; an upstream that holds a commit below no reference' '
	setup_bastion &&
	make_identity ci agent/ci &&
	git clone -q "$UP" direct &&
	(
		cd direct && test_commit old && git rm -q old.t && git commit -q -m "old is gone" && git push -q origin main &&
		git switch -q -c gone && mkdir private && test_commit hidden private/hidden.t secret-plan &&
		git push -q origin gone && git push -q origin :gone
	) &&
	hidden=$(git -C direct rev-parse gone) && blob=$(git -C direct rev-parse gone:private/hidden.t) &&
	tree=$(git -C direct rev-parse gone:private) && tip=$(git -C "$UP" rev-parse main) && git -C "$UP" cat-file -e "$hidden" &&
	git clone -q --no-local "$UP" work && test_must_fail git -C work cat-file -e "$blob"
'

test_expect_success 'a reference to a hidden commit, with an empty pack' '
	printf "" | git -C work pack-objects -q --stdout | push_raw "$hidden" && refused "$hidden"
'

test_expect_success 'a reference to a hidden file, and to a hidden folder' '
	printf "" | git -C work pack-objects -q --stdout | push_raw "$blob" && refused "$blob" &&
	printf "" | git -C work pack-objects -q --stdout | push_raw "$tree" && refused "$tree"
'

test_expect_success 'a new commit whose tree names a hidden file' '
	new=$(printf "100644 blob %s\tgot-it\n" "$blob" | git -C work mktree --missing) && oid=$(commit_of "$new" "$tip") &&
	pack_of "$oid" "$new" | push_raw "$oid" && refused "$blob"
'

test_expect_success 'a new commit whose tree names a hidden folder' '
	new=$(printf "040000 tree %s\tgot-it\n" "$tree" | git -C work mktree --missing) && oid=$(commit_of "$new" "$tip") &&
	pack_of "$oid" "$new" | push_raw "$oid" && refused "$tree"
'

test_expect_success 'a new commit whose tree is a hidden one, and one whose parent is hidden' '
	root=$(git -C direct rev-parse "gone^{tree}") &&
	oid=$(printf "tree %s\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n" "$root" |
		git -C work hash-object -t commit -w --stdin --literally) &&
	pack_of "$oid" | push_raw "$oid" && refused "$root" &&
	new=$(git -C work rev-parse "$tip^{tree}") &&
	oid=$(printf "tree %s\nparent %s\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n" "$new" "$hidden" |
		git -C work hash-object -t commit -w --stdin --literally) &&
	pack_of "$oid" | push_raw "$oid" && refused "$hidden"
'

test_expect_success 'a tag of a hidden commit' '
	oid=$(printf "object %s\ntype commit\ntag t\ntagger A <a@b> 1 +0000\n\nx\n" "$hidden" |
		git -C work hash-object -t tag -w --stdin --literally) &&
	pack_of "$oid" | push_raw "$oid" && refused "$hidden"
'

test_expect_success 'what only the shelf holds is hidden too' '
	git -C "$UP" update-ref refs/sallyport/kept/x "$hidden" &&
	new=$(printf "100644 blob %s\tgot-it\n" "$blob" | git -C work mktree --missing) && oid=$(commit_of "$new" "$tip") &&
	pack_of "$oid" "$new" | push_raw "$oid" && refused "$blob" && git -C "$UP" update-ref -d refs/sallyport/kept/x
'

test_expect_success 'an old file may come back, under another name too, and a folder may be copied: nothing of it is in the pack' '
	(
		cd work && git switch -q -c agent/back && git checkout -q HEAD~1 -- old.t && git mv old.t new-name &&
		git commit -q -m "it is back" && mkdir d && test_commit sub d/x && cp -r d e && git add e && git commit -q -m copied
	) &&
	bgit ci -C work push -q origin agent/back 2>err &&
	test "$(git -C "$UP" rev-parse refs/heads/agent/back)" = "$(git -C work rev-parse HEAD)"
'

test_expect_success 'a branch at an old commit, a tag of one, a merge of two branches' '
	bgit ci -C work push -q origin "$tip~1:refs/heads/agent/old" &&
	git -C work switch -q -c agent/merge "$tip" && (cd work && test_commit side) && git -C work merge -q -m both agent/back &&
	bgit ci -C work push -q origin agent/merge &&
	git -C "$UP" fsck --strict
'

test_expect_success 'the daemon ends well' '
	stop_bastion && ! grep crashed daemon.log
'

test_done
