#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='an approved push that the upstream does not take, because it is down or refuses, keeps its approval'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-upstream.sh"

test_expect_success 'a bastion with an upstream, an agent with a clone, an engineer' '
	setup_upstream && make_identity ci agent/ci --owner human/kim && make_identity eng human/eva --group engineers &&
	bgit ci clone -q "$BASTION_URL/forge/demo.git" work && (cd work && test_commit one) && before=$(git -C "$UP" rev-parse main)
'

test_expect_success 'asked and approved, and the upstream has gone down meanwhile' '
	background push bgit ci -C work push origin main && wait_until "grep -q \"remote: sallyport: pending REQ-\" push.err" &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" push.err | head -n 1) &&
	stop_upstream forge && bssh eng bastion approve "$req" && ended push 1 &&
	test_grep "rejected.*main .REQ-[A-Z0-9]*: the upstream cannot be reached" push.err &&
	test_grep "remote: sallyport: $req is approved still: push again" push.err &&
	test "$(git -C "$UP" rev-parse main)" = "$before"
'

test_expect_success 'the approval is on record as used, and as given back' '
	wait_until "audit_has event=approval.return request=$req" && audit_has event=approval.use "request=$req" &&
	bssh eng bastion show "$req" >out && test_grep approved out
'

test_expect_success 'up again, but it refuses: the approval stays' '
	restart_upstream forge && printf "#!/bin/sh\necho frozen >&2\nexit 1\n" >"$UP/hooks/pre-receive" && chmod +x "$UP/hooks/pre-receive" &&
	test_must_fail bgit ci -C work push origin main 2>err && test_grep "rejected.*main .pre-receive hook declined" err &&
	test_grep ! "pending REQ" err && rm "$UP/hooks/pre-receive"
'

test_expect_success 'the same push goes through without being asked again, and then the approval is used up' '
	wait_until "bssh eng bastion show $req | grep -q approved" &&
	bgit ci -C work push origin main 2>err && test_grep ! "pending REQ" err &&
	test "$(git -C "$UP" rev-parse main)" = "$(git -C work rev-parse HEAD)" && bssh eng bastion show "$req" >out && test_grep used out &&
	stop_bastion
'

test_done
