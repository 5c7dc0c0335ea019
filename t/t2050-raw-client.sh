#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='clients that do not speak as git does: what was not offered is not given, what was not inspected is not stored'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git
ZERO=0000000000000000000000000000000000000000

# pkt TEXT: one packet line.
pkt () {
	printf '%04x%s' $((${#1} + 4)) "$1"
}

# want OID: a whole fetch request, protocol version 0.
want () {
	pkt "want $1 ofs-delta
" && printf 0000 && pkt "done
"
}

# raw COMMAND <INPUT: exactly these bytes on one channel; all that came back is in "out" and "err". Bounded in time.
raw () {
	timeout 30 ssh -F id/ci.conf git@127.0.0.1 "$1" >out 2>err
	echo $? >raw.status	# a file: this runs in a pipe
	test "$(cat raw.status)" -ne 124 || { echo >&2 "it hangs"; return 1; }
}

# push_raw OID FILE..: create agent/raw at OID with a pack that is made of these files.
push_raw () {
	push_oid_=$1
	shift
	{
		# A NUL parts the reference from the capabilities: 4 + 40 + 1 + 40 + 1 + 20 + 1 + 14 bytes.
		printf '0079%s %s refs/heads/agent/raw\0 report-status' "$ZERO" "$push_oid_" && printf 0000 && cat "$@"
	} | raw "git-receive-pack '/hosted/demo.git'"
}

# nothing_stored OID: neither the reference nor the object.
nothing_stored () {
	test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/raw &&
	test_must_fail git -C "$UP" cat-file -e "$1"
}

test_expect_success 'a bastion; an upstream with a commit that no reference names, and one below a deleted branch' '
	setup_bastion &&
	make_identity ci agent/ci &&
	git clone -q "$UP" direct &&
	(cd direct && git switch -q -c gone && test_commit hidden && git push -q origin gone && git push -q origin :gone) &&
	hidden=$(git -C direct rev-parse gone) && git -C "$UP" cat-file -e "$hidden" &&
	tip=$(git -C "$UP" rev-parse main) && blob=$(git -C direct rev-parse gone:hidden.t)
'

test_expect_success 'what is advertised is given' '
	want "$tip" | raw "git-upload-pack '\''/hosted/demo.git'\''" && test_grep -a PACK out
'

test_expect_success 'a commit that was not advertised is refused, and named' '
	want "$hidden" | raw "git-upload-pack '\''/hosted/demo.git'\''" &&
	test_grep ! -a PACK out && echo 77 >expect && test_cmp expect raw.status && said_once err "denied REQ-[A-Z0-9]* .*$hidden"
'

test_expect_success 'so is a blob, a tree, an object that is nowhere' '
	for oid in $blob $(git -C direct rev-parse "main^{tree}") 1111111111111111111111111111111111111111 $ZERO
	do
		want $oid | raw "git-upload-pack '\''/hosted/demo.git'\''" && test_grep ! -a PACK out && test "$(cat raw.status)" -eq 77 || return 1
	done
'

test_expect_success 'stock git hears it too' '
	git init -q local && test_must_fail bgit ci -C local fetch "$BASTION_URL/hosted/demo.git" "$hidden" 2>err &&
	test_must_fail git -C local cat-file -e "$hidden"
'

test_expect_success 'no configuration of the repository changes that' '
	git -C "$UP" config uploadpack.allowAnySHA1InWant true && git -C "$UP" config uploadpack.allowReachableSHA1InWant true &&
	want "$hidden" | raw "git-upload-pack '\''/hosted/demo.git'\''" && test_grep ! -a PACK out &&
	test_grep ! -a "allow-[a-z]*-sha1-in-want" out
'

test_expect_success 'garbage for a request is refused, and ends' '
	for text in "hello" "0004" "fffx" "0003" "ffff" "0009want " "$(pkt "push me
")"
	do
		printf %s "$text" | raw "git-upload-pack '\''/hosted/demo.git'\''" && test_grep ! -a PACK out || return 1
	done
'

test_expect_success 'a pack made by hand is stored when nothing is wrong with it' '
	git clone -q "$UP" work && (cd work && test_commit good) && oid=$(git -C work rev-parse HEAD) &&
	printf "%s\n^%s\n" "$oid" "$tip" | git -C work pack-objects -q --revs --stdout >good.pack &&
	push_raw "$oid" good.pack && test_grep -a "unpack ok" out && git -C "$UP" cat-file -e "$oid" &&
	git -C "$UP" update-ref -d refs/heads/agent/raw
'

test_expect_success 'a fresh commit for what must not be stored' '
	(cd work && test_commit evil) && oid=$(git -C work rev-parse HEAD) &&
	printf "%s\n^%s\n" "$oid" HEAD~1 | git -C work pack-objects -q --revs --stdout >evil.pack && nothing_stored "$oid"
'

test_expect_success 'bytes after the pack' '
	printf "and some more" >more && push_raw "$oid" evil.pack more && test_grep -a "ng refs/heads/agent/raw denied REQ" out && nothing_stored "$oid"
'

test_expect_success 'a second pack after the pack' '
	push_raw "$oid" evil.pack evil.pack && test_grep -a "ng refs/heads/agent/raw denied REQ" out && nothing_stored "$oid"
'

test_expect_success 'a pack that is cut short, at every kind of place' '
	size=$(wc -c <evil.pack) &&
	for n in 0 3 4 11 12 13 40 $((size - 21)) $((size - 20)) $((size - 1))
	do
		head -c $n evil.pack >cut && push_raw "$oid" cut && test_grep -a "ng refs/heads/agent/raw denied REQ" out && nothing_stored "$oid" || return 1
	done
'

test_expect_success 'one byte changed anywhere' '
	for at in 0 5 8 11 12 20 30 $((size / 2)) $((size - 30)) $((size - 20)) $((size - 1))
	do
		cp evil.pack flipped && test-tool flip flipped $at &&
		push_raw "$oid" flipped && test_grep -a "ng refs/heads/agent/raw denied REQ" out && nothing_stored "$oid" || return 1
	done
'

test_expect_success 'an object that no pushed reference reaches' '
	stray=$(echo "a stray blob" | git -C work hash-object -w --stdin) &&
	{ printf "%s\n^%s\n" "$oid" HEAD~1 | git -C work rev-list --objects --stdin | cut -d" " -f1; echo "$stray"; } |
		git -C work pack-objects -q --stdout >stray.pack &&
	push_raw "$oid" stray.pack && test_grep -a "reachable from no pushed reference" out && nothing_stored "$oid" && nothing_stored "$stray"
'

test_expect_success 'a commit whose parent is nowhere' '
	lost=$(git -C work commit-tree -p 1111111111111111111111111111111111111111 -m lost "HEAD^{tree}" 2>/dev/null ||
		{ printf "tree %s\nparent 1111111111111111111111111111111111111111\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nlost\n" \
			"$(git -C work rev-parse "HEAD^{tree}")" | git -C work hash-object -t commit -w --stdin --literally; }) &&
	{ echo "$lost"; git -C work rev-list --objects "$oid" --not "$tip" | cut -d" " -f1 | grep -v "$oid"; } |
		git -C work pack-objects -q --stdout >lost.pack &&
	test ${#lost} -eq 40 && push_raw "$lost" lost.pack && test_grep -a "ng refs/heads/agent/raw denied REQ" out && nothing_stored "$lost"
'

test_expect_success 'no pack at all, and a reference to what is not there' '
	: >empty && push_raw "$oid" empty && nothing_stored "$oid"
'

test_expect_success 'garbage for commands' '
	for text in "hello" "0003" "fffx" "0004" "0010too short" "$(pkt "$ZERO $ZERO refs/heads/agent/raw")" "$(pkt "$oid $oid ../../etc")"
	do
		{ printf %s "$text" && printf 0000; } | raw "git-receive-pack '\''/hosted/demo.git'\''" && nothing_stored "$oid" || return 1
	done
'

test_expect_success 'the repository is whole, the spool empty, the bastion unharmed' '
	git -C "$UP" fsck --strict && wait_until "test -z \"\$(ls state/spool)\"" &&
	bgit ci ls-remote "$BASTION_URL/hosted/demo.git" >out && stop_bastion && ! grep crashed daemon.log
'

test_done
