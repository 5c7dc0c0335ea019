#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='policy decides who creates, updates, deletes and forces which references'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git

unchanged () {
	git -C "$UP" for-each-ref >refs.now && test_cmp refs.before refs.now
}

test_expect_success 'a bastion, an agent with a clone and a branch' '
	setup_bastion &&
	make_identity ci agent/ci &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work && git -C work switch -q -c agent/x &&
	(cd work && test_commit one && test_commit two) &&
	bgit ci -C work push -q origin agent/x &&
	git -C "$UP" for-each-ref >refs.before
'

test_expect_success 'deleting a branch is refused, in one line with the rule' '
	push_refused ci work origin :agent/x &&
	test_grep "^remote: sallyport: denied REQ-[A-Z0-9]* rule=default: delete of refs/heads/agent/x: " err &&
	test_grep "(denied REQ-[A-Z0-9]* rule=default: " err && unchanged
'

test_expect_success 'forcing is refused, whatever flags the client sends' '
	git -C work reset -q --hard HEAD~1 && (cd work && test_commit other) &&
	push_refused ci work --force origin agent/x &&
	test_grep "rule=default: force of refs/heads/agent/x: " err && unchanged &&
	push_refused ci work --force-with-lease=agent/x:$(git -C "$UP" rev-parse agent/x) origin agent/x &&
	test_grep "force of" err && unchanged &&
	upstream_has_none demo work "agent/x~1..agent/x"
'

test_expect_success 'a branch that is nobody'\''s is refused' '
	push_refused ci work origin agent/x:refs/heads/release &&
	test_grep "rule=default: create of refs/heads/release: " err && unchanged
'

test_expect_success 'a tag is refused as policy has no word on tags' '
	push_refused ci work origin one &&
	test_grep "create of refs/tags/one: " err && unchanged
'

test_expect_success 'names that only look like allowed ones are refused' '
	for ref in refs/heads/agentx refs/agent/x refs/heads/Agent/x refs/notes/agent/x refs/heads/agent
	do
		push_refused ci work origin "agent/x:$ref" && test_grep "denied REQ" err && unchanged || return 1
	done
'

test_expect_success 'one refused reference of a push refuses all of it, with or without --atomic' '
	push_refused ci work origin agent/x:refs/heads/agent/new agent/x:refs/heads/release &&
	test_grep "agent/new (not stored: another reference of this push was denied" err && unchanged &&
	push_refused ci work --atomic origin agent/x:refs/heads/agent/new agent/x:refs/heads/release && unchanged &&
	upstream_has_none demo work "agent/x~1..agent/x"
'

test_expect_success 'several allowed references go together' '
	bgit ci -C work push -q --atomic origin agent/x:refs/heads/agent/a agent/x~1:refs/heads/agent/b &&
	test "$(git -C "$UP" rev-parse agent/a)" = "$(git -C work rev-parse agent/x)" &&
	test "$(git -C "$UP" rev-parse agent/b)" = "$(git -C work rev-parse agent/x~1)"
'

test_expect_success 'a push option for us is taken' '
	bgit ci -C work push -q -o sallyport.reason=because origin agent/x:refs/heads/agent/c &&
	git -C "$UP" rev-parse -q --verify agent/c
'

test_expect_success 'somebody whom no rule names may not even look' '
	make_identity stranger visitor/sam &&
	test_expect_code 128 bgit stranger -C work push "$BASTION_URL/hosted/demo.git" agent/x:refs/heads/agent/sam 2>err ||
	test_expect_code 1 bgit stranger -C work push "$BASTION_URL/hosted/demo.git" agent/x:refs/heads/agent/sam 2>err &&
	test_grep "denied REQ-[A-Z0-9]* rule=default: " err &&
	test_must_fail git -C "$UP" rev-parse -q --verify agent/sam
'

test_expect_success 'each refusal is on record' '
	audit_has event=push.decision verdict=deny rule=default "updates=*\"op\":\"delete\"*" &&
	audit_has event=push.decision verdict=deny "updates=*\"op\":\"force\"*"
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
