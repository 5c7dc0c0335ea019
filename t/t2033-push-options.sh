#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='push options are claims: shown, recorded and scanned; of ours only those that there are'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion, an agent that does not wait, an engineer' '
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim && make_identity eng human/eva --group engineers &&
	printf "\tSetEnv SALLYPORT_WAIT=0\n" >>id/ci.conf &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work && (cd work && test_commit one)
'

test_expect_success 'reason and session are shown to who is asked, as claimed' '
	test_must_fail bgit ci -C work push -o "sallyport.reason=fixes the build, says \"42\"" -o sallyport.session=run-17 origin main 2>err &&
	req=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) && bssh eng bastion show "$req" >out &&
	test_grep "claimed reason: fixes the build, says \"42\"" out && test_grep "claimed session: run-17" out
'

test_expect_success 'and recorded as claimed' '
	bgit ci -C work push -q -o sallyport.session=run-18 origin main:agent/x &&
	audit_has event=push.decision "request=REQ-*" && grep push.stored state/audit/log.jsonl | tail -n 1 >last &&
	test_grep "\"claimed\":{[^}]*\"sallyport.session\":\"run-18\"" last
'

test_expect_success 'an option of ours that there is not is refused, with those that there are' '
	push_refused ci work -o sallyport.approve=yes origin main:agent/y &&
	test_grep "no push option sallyport.approve; there are sallyport.reason=TEXT and sallyport.session=ID" err &&
	push_refused ci work -o sallyport.reason origin main:agent/y &&
	test_must_fail git -C "$STATE/repos/demo.git" rev-parse -q --verify agent/y
'

test_expect_success 'options of others go no further, and do no harm' '
	bgit ci -C work push -q -o ci.skip -o merge_request.create origin main:agent/z
'

test_expect_success 'a secret in an option is found, and in no word of anything' '
	body=$(random_word 36) && token=gh$(printf p_)$body &&
	push_refused ci work -o "sallyport.reason=with $token" origin main:agent/s && test_grep "BLOCKED .*rule=github.*file=option" err &&
	push_refused ci work -o "other=$token" origin main:agent/s &&
	test_must_fail git -C "$STATE/repos/demo.git" rev-parse -q --verify agent/s &&
	test_grep ! "$body" err && test_must_fail grep -rqF "$body" state daemon.log
'

test_done
