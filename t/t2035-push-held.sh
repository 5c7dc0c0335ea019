#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a push that waits for a human: it talks, its approval is for what was shown, its client may go'
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
    push: {refs: [refs/heads/main], ops: [update]}
    do: ask
    because: main is what gets deployed
    approvers: ["group:engineers"]
  - id: secrets-are-asked
    who: [agent/*]
    on: [hosted]
    finding: {}
    do: ask
    because: a human looks at it
    approvers: ["group:engineers"]
EOT

# Without waiting here; $req is what the push waits for.
push_now () {
	GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf -o SetEnv=SALLYPORT_WAIT=0" git -C work push "$@" 2>err
}

asked () {
	test_must_fail push_now origin "HEAD:$1" && req=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) && test -n "$req"
}

test_expect_success 'a bastion, an agent, an engineer' '
	BASTION_POLICY=$TRASH_DIRECTORY/policy &&
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim && make_identity eng human/eva --group engineers &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work && (cd work && test_commit one)
'

test_expect_success 'it says until when a human may decide, and speaks again within seconds' '
	GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf" git -C work push origin main >push.out 2>push.err &
	client=$! &&
	wait_until "test \$(grep -c \"remote: sallyport: pending REQ-\" push.err) -ge 3" 20 &&
	test_grep "may decide until 20[0-9-]*T[0-9:]*Z, [0-9]* s left here" push.err
'

test_expect_success 'its client goes; the request stays, and the same push passes at once when it is approved' '
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" push.err | head -n 1) &&
	kill -KILL "$client" && wait_until "! is_alive $client" &&
	bssh eng bastion approve "$req" && test_must_fail git -C "$UP" merge-base --is-ancestor "$(git -C work rev-parse HEAD)" main &&
	push_now origin main && test "$(git -C "$UP" rev-parse main)" = "$(git -C work rev-parse HEAD)"
'

test_expect_success 'a secret that is remembered for a moment, on its way to main' '
	body=$(random_word 36) && token=gh$(printf p_)$body &&
	echo "a: $token" >work/a && git -C work add a && git -C work commit -qm a && asked agent/a &&
	bssh eng bastion approve "$req" --test-value --for 12s && push_now origin HEAD:agent/a &&
	echo "b: $token" >work/b && git -C work add b && git -C work commit -qm b && asked main &&
	bssh eng bastion show "$req" >out && test_grep "known: rule=github-token" out && test_grep ! "finding: rule=" out
'

test_expect_success 'the approval is for what was shown: not for the same tips with a finding that counts again' '
	bssh eng bastion approve "$req" && before=$req && commit=$(git -C work rev-parse HEAD) &&
	wait_until "test -z \"\$(sallyport -f $CONF approvals findings)\"" 40 && asked main &&
	test "$req" != "$before" && bssh eng bastion show "$req" >out && test_grep "finding: rule=github-token" out &&
	test_must_fail git -C "$UP" merge-base --is-ancestor "$commit" main &&
	bssh eng bastion approve "$req" && push_now origin main && test "$(git -C "$UP" rev-parse main)" = "$commit"
'

test_done
