#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='what an approver says of a finding is remembered for a time: false positive, test value, rotated'
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

# commit FILE TEXT..: one commit in "work".
commit () {
	commit_file_=$1
	shift
	printf '%s\n' "$@" >"work/$commit_file_" && git -C work add "$commit_file_" && git -C work commit -q -m "$commit_file_"
}

# asked REF: the push of HEAD there waits for a human, as $req.
asked () {
	test_must_fail bgit ci -C work push origin "HEAD:$1" 2>err &&
	req=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) && test -n "$req" || { cat err; return 1; }
}

fresh_token () {
	body=$(random_word 36) && token=gh$(printf p_)$body
}

test_expect_success 'a bastion, an agent that does not wait, an engineer, the human behind the agent' '
	BASTION_POLICY=$TRASH_DIRECTORY/policy &&
	setup_bastion && git clone -q --bare "$UP" "$STATE/repos/other.git" &&
	make_identity ci agent/ci --owner human/kim && make_identity eng human/eva --group engineers &&
	make_identity kim human/kim --group engineers &&
	printf "\tSetEnv SALLYPORT_WAIT=0\n" >>id/ci.conf &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work
'

test_expect_success 'a push with a secret is asked about' '
	fresh_token && first=$body && old=$token && commit conf "token: $token" && asked agent/a
'

test_expect_success 'who decides sees the line that it stands in, masked' '
	bssh eng bastion show "$req" >out && test_grep "it stands in: token: ghp_\*" out && test_grep ! "$first" out
'

test_expect_success 'who may not approve may not have it remembered' '
	test_expect_code 77 bssh kim bastion approve "$req" --test-value && test_expect_code 77 bssh ci bastion approve "$req" --test-value &&
	sallyport -f "$CONF" approvals findings >out && test_must_be_empty out
'

test_expect_success 'approved as a test value, it passes' '
	bssh eng bastion approve "$req" --test-value --for 30d --reason "from the documentation" &&
	bgit ci -C work push origin HEAD:agent/a 2>err && git -C "$UP" rev-parse -q --verify agent/a
'

test_expect_success 'a later push with only that one passes at once, and says why' '
	commit elsewhere "again: $token" && bgit ci -C work push origin HEAD:agent/b 2>err &&
	test_grep "known REQ-[A-Z0-9]* rule=github-token .*: test-value, said human/eva of $req, until 20" err &&
	test_grep ! "$first" err && git -C "$UP" rev-parse -q --verify agent/b
'

test_expect_success 'the record says why too' '
	audit_has event=push.finding verdict=allow "remembered=test-value, said human/eva of $req*" &&
	audit_has event=approval.approve findings_are=test-value by=human/eva
'

test_expect_success 'it is listed, on the host alone' '
	sallyport -f "$CONF" approvals findings >out && test_line_count -eq 1 out &&
	test_grep "^[0-9a-f]\{16\} github-token hosted/demo test-value by human/eva until 20.* ($req)" out &&
	fingerprint=$(cut -d" " -f1 out) && test_expect_code 77 bssh eng bastion findings
'

test_expect_success 'another secret beside it is asked about, and alone in the question' '
	fresh_token && commit more "old: $old" "token: $token" && asked agent/c && bssh eng bastion show "$req" >out &&
	test $(grep -c "finding: rule=" out) -eq 1 && test_grep "known: rule=github-token" out
'

test_expect_success 'in another repository it is not known' '
	git -C work reset -q --hard HEAD~1 &&
	test_must_fail bgit ci -C work push "$BASTION_URL/hosted/other.git" HEAD:refs/heads/agent/a 2>err && test_grep "pending REQ-" err
'

test_expect_success 'it survives a restart' '
	stop_bastion && start_bastion && commit third "third: $old" && bgit ci -C work push origin HEAD:agent/d 2>err && test_grep "known REQ-" err
'

test_expect_success 'forgotten: the next push with it is asked about again' '
	sallyport -f "$CONF" approvals forget "$fingerprint" && audit_has event=approval.forget "fingerprint=$fingerprint" &&
	commit fourth "fourth: $old" && asked agent/e && test_expect_code 1 sallyport -f "$CONF" approvals forget "$fingerprint"
'

test_expect_success 'what was remembered for a time is forgotten by itself' '
	bssh eng bastion approve "$req" --rotated --for 3s && bgit ci -C work push -q origin HEAD:agent/e &&
	wait_until "commit f \"\$(date +%N): $old\" && asked agent/e" 30
'

test_expect_success 'nothing but findings of a push is remembered' '
	git -C work reset -q --hard origin/main && commit plain text && asked main &&
	test_expect_code 1 bssh eng bastion approve "$req" --false-positive 2>err && test_grep "no finding in it to be remembered" err &&
	test_expect_code 2 bssh eng bastion approve "$req" --false-positive --for ever && bssh eng bastion approve "$req" &&
	bgit ci -C work push -q origin HEAD:main && sallyport -f "$CONF" audit verify && stop_bastion
'

test_done
