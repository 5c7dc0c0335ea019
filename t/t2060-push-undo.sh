#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='what an agent'\''s push replaces is kept for a time, and sallyport restore puts it back'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git

cat >policy <<\EOT
rules:
  - {id: read, who: [agent/*], on: [hosted], fetch: {}, do: allow}
  - {id: free, who: [agent/*], on: [hosted], push: {refs: ["refs/heads/agent/**"]}, do: allow}
  - id: main-is-asked
    who: [agent/*]
    on: [hosted]
    push: {refs: [refs/heads/main], ops: [update, force]}
    do: ask
    because: main is what gets deployed
    approvers: ["group:engineers"]
EOT

# The id under which the last push said that it is stored, from err.
stored_as () {
	sed -n "s/.*sallyport: stored \(REQ-[A-Z0-9]*\); what it replaced is kept.*/\1/p" err
}

restore () {
	sallyport -f "$CONF" restore "$@"
}

test_expect_success 'a bastion, an agent with a branch' '
	BASTION_POLICY=$TRASH_DIRECTORY/policy &&
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim && make_identity eng human/eva --group engineers &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work && git -C work switch -q -c agent/x &&
	(cd work && test_commit one) &&
	bgit ci -C work push origin agent/x 2>err && test -z "$(stored_as)" && one=$(git -C work rev-parse HEAD)
'

test_expect_success 'a forced push says under which id its victim is kept' '
	git -C work commit -q --amend -m "another one" && forced=$(git -C work rev-parse HEAD) &&
	bgit ci -C work push --force origin agent/x 2>err && req=$(stored_as) && test -n "$req" &&
	test "$(git -C "$UP" rev-parse agent/x)" = "$forced"
'

test_expect_success 'git keeps what was replaced through a garbage collection' '
	git -C "$UP" reflog expire --expire=now --all && git -C "$UP" gc -q --prune=now && git -C "$UP" cat-file -e "$one"
'

test_expect_success 'restored: the branch is what it was, and how to undo that is said' '
	restore "$req" >out && test_grep "refs/heads/agent/x is $one again" out &&
	test "$(git -C "$UP" rev-parse agent/x)" = "$one" &&
	undo=$(sed -n "s/^undo this with: sallyport restore \(REQ-[A-Z0-9]*\)$/\1/p" out) && test -n "$undo"
'

test_expect_success 'a second time is refused: the branch is not what the push made it' '
	test_expect_code 1 restore "$req" 2>err && test_grep "refs/heads/agent/x has moved since" err &&
	test "$(git -C "$UP" rev-parse agent/x)" = "$one"
'

test_expect_success 'the restoration is undone' '
	restore "$undo" && test "$(git -C "$UP" rev-parse agent/x)" = "$forced"
'

test_expect_success 'somebody pushed on: nothing is restored, and the line says where the old tip is' '
	(cd work && test_commit two) && bgit ci -C work push -q origin agent/x &&
	two=$(git -C work rev-parse HEAD) &&
	test_expect_code 1 restore "$req" 2>err && test_grep "has moved since: it is $(echo $two | cut -c 1-12)" err &&
	test_grep "Its old tip is $one" err && test "$(git -C "$UP" rev-parse agent/x)" = "$two"
'

test_expect_success 'a deleted branch comes back, with another that the same push moved' '
	bgit ci -C work push -q origin HEAD:refs/heads/agent/y HEAD:refs/heads/agent/z &&
	bgit ci -C work push --atomic origin :refs/heads/agent/y +HEAD~1:refs/heads/agent/z 2>err && req=$(stored_as) &&
	test_must_fail git -C "$UP" rev-parse -q --verify agent/y &&
	restore "$req" && test "$(git -C "$UP" rev-parse agent/y)" = "$two" && test "$(git -C "$UP" rev-parse agent/z)" = "$two"
'

test_expect_success 'one of two has moved: neither is restored' '
	bgit ci -C work push origin +HEAD~1:refs/heads/agent/y +HEAD~1:refs/heads/agent/z 2>err && req=$(stored_as) &&
	bgit ci -C work push -q origin HEAD:refs/heads/agent/z &&
	test_expect_code 1 restore "$req" 2>err && test_grep "agent/z has moved" err &&
	test "$(git -C "$UP" rev-parse agent/y)" = "$(git -C work rev-parse HEAD~1)"
'

test_expect_success 'an approved push is kept under the id that humans know' '
	before=$(git -C "$UP" rev-parse main) && git -C work switch -q main && (cd work && test_commit three) &&
	background push bgit ci -C work push origin main && wait_until "grep -q \"pending REQ-\" push.err" &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" push.err | head -n 1) &&
	bssh eng bastion approve "$req" && ended push 0 && test "$(git -C "$UP" rev-parse main)" != "$before" &&
	restore "$req" && test "$(git -C "$UP" rev-parse main)" = "$before"
'

test_expect_success 'nobody sees or fetches what is kept' '
	git -C "$UP" for-each-ref refs/sallyport >kept && test -s kept && git -C "$UP" cat-file -e "$one" &&
	bgit ci -C work ls-remote origin >out && test_must_fail grep sallyport out &&
	ref=$(git -C "$UP" for-each-ref --format="%(refname)" refs/sallyport | head -n 1) &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" fresh &&
	test_must_fail bgit ci -C fresh fetch -q origin "$ref" && test_must_fail bgit ci -C fresh fetch -q origin "$one" &&
	test_must_fail git -C fresh cat-file -e "$one" &&
	printf 0000 | ssh -F id/ci.conf 127.0.0.1 "git-receive-pack hosted/demo" >out 2>err && test_grep agent/x out &&
	test_must_fail grep -a sallyport/kept out
'

test_expect_success 'nobody pushes there' '
	push_refused ci work origin HEAD:refs/sallyport/kept/x && test_grep "the bastion.s own" err &&
	push_refused ci work origin +HEAD:"$ref" && test_grep "the bastion.s own" err &&
	git -C "$UP" for-each-ref refs/sallyport >now && test_cmp kept now
'

test_expect_success 'an id of nothing, and no id' '
	test_expect_code 1 restore REQ-000000 2>err && test_grep "nothing is kept under this request id" err &&
	test_expect_code 1 restore main 2>err && test_grep "usage: restore REQ" err && test_expect_code 2 restore 2>err
'

test_expect_success 'asked and done, each is on record with who and what' '
	audit_has event=push.restore "by=host/*" && audit_has event=push.restored done=true upstream=hosted &&
	audit_has event=push.restored done=false &&
	sallyport -f "$CONF" audit verify
'

test_expect_success 'what was kept too long goes, and can no longer be restored' '
	stop_bastion && printf "git:\n  undo: 1s\n" >>"$CONF" && start_bastion &&
	wait_until "test -z \"\$(git -C $UP for-each-ref refs/sallyport)\"" 30 &&
	test_expect_code 1 restore "$req" 2>err && test_grep "nothing is kept" err
'

test_expect_success 'where nothing is to be kept nothing is' '
	stop_bastion && sed -i "s/undo: 1s/undo: 0/" "$CONF" && start_bastion &&
	bgit ci -C work push -f origin HEAD~1:refs/heads/agent/x 2>err && test -z "$(stored_as)" &&
	test -z "$(git -C "$UP" for-each-ref refs/sallyport)" && stop_bastion
'

test_done
