#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a push to main waits for an engineer, and what she approves is what is stored'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git

test_expect_success 'a bastion, an agent with a clone, an engineer' '
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim &&
	make_identity eng human/eva --group engineers &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work &&
	(cd work && test_commit one) && before=$(git -C "$UP" rev-parse main)
'

test_expect_success 'the push says at once that it waits, for which request' '
	background push bgit ci -C work push origin main &&
	wait_until "grep -q \"remote: sallyport: pending REQ-\" push.err" &&
	test_grep "rule=main-is-asked: main is what gets deployed" push.err &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" push.err | head -n 1) && test ! -e push.status
'

test_expect_success 'nothing is stored meanwhile' '
	test "$(git -C "$UP" rev-parse main)" = "$before" && upstream_has_none demo work "$before..main"
'

test_expect_success 'the engineer sees who wants what' '
	bssh eng bastion pending >out && test_grep "$req" out &&
	bssh eng bastion show "$req" >out && test_grep "agent/ci" out && test_grep "update refs/heads/main" out &&
	test_grep "$(git -C work rev-parse HEAD | cut -c 1-12)" out
'

test_expect_success 'she approves, and the push goes through' '
	bssh eng bastion approve "$req" --reason "looked at it" &&
	ended push 0 &&
	test "$(git -C "$UP" rev-parse main)" = "$(git -C work rev-parse HEAD)"
'

test_expect_success 'the agent hears by whom' '
	test_grep "remote: sallyport: $req approved by human/eva" push.err
'

test_expect_success 'who does not want to wait is told to push again' '
	(cd work && test_commit two) &&
	push_now () { GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf -o SetEnv=SALLYPORT_WAIT=0" git -C work push "$@"; } &&
	test_expect_code 1 push_now origin main 2>err &&
	test_grep "! \[remote rejected\] main -> main (pending REQ-[A-Z0-9]*: not decided yet; push again after approval)" err &&
	req=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err)
'

test_expect_success 'the same push meanwhile is the same request' '
	test_expect_code 1 push_now origin main 2>err && test_grep "pending $req" err
'

test_expect_success 'pushed again after the approval it passes at once' '
	bssh eng bastion approve "$req" &&
	push_now origin main 2>err &&
	test "$(git -C "$UP" rev-parse main)" = "$(git -C work rev-parse HEAD)"
'

test_expect_success 'other content needs another approval' '
	(cd work && test_commit three) &&
	test_expect_code 1 push_now origin main 2>err && req=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) &&
	bssh eng bastion approve "$req" &&
	git -C work commit -q --amend -m "not what was approved" &&
	test_expect_code 1 push_now origin main 2>err && test_grep ! "pending $req" err && test_grep "pending REQ-" err &&
	test "$(git -C "$UP" rev-parse main)" = "$(git -C work rev-parse HEAD~1)"
'

test_expect_success 'a denial reaches git with its reason' '
	req=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) &&
	bssh eng bastion deny "$req" --reason "not on a Friday" &&
	test_expect_code 1 push_now origin main 2>err &&
	test_grep "(denied $req rule=main-is-asked: .*not on a Friday)" err
'

test_expect_success 'the agent cannot approve its own push, nor can its owner' '
	(cd work && test_commit four) &&
	test_expect_code 1 push_now origin main 2>err && req=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) &&
	make_identity kim human/kim --group engineers &&
	test_expect_code 77 bssh ci bastion approve "$req" 2>err && test_expect_code 77 bssh kim bastion approve "$req" 2>err &&
	test_expect_code 1 push_now origin main
'

test_expect_success 'ask, approval and use are each on record' '
	audit_has event=approval.ask requester=agent/ci && audit_has event=approval.approve by=human/eva "reason=looked at it" &&
	audit_has event=approval.use by=agent/ci &&
	audit_has event=push.stored "approval=REQ-*" &&
	sallyport -f "$CONF" audit verify && stop_bastion
'

test_done
