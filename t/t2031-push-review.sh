#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='what a push may not get round: two rules that ask, and a repository that no rule lets one push to'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

cat >policy <<\EOT
rules:
  - {id: run, who: [agent/*], on: ["*"], exec: {any: true}, do: allow}
  - {id: read, who: [agent/ci], on: [hosted], fetch: {}, do: allow}
  - id: one
    who: [agent/ci]
    on: [hosted]
    push: {refs: [refs/heads/one], ops: [create, update]}
    do: ask
    because: one needs security
    approvers: ["group:security"]
  - id: two
    who: [agent/ci]
    on: [hosted]
    push: {refs: [refs/heads/two], ops: [create, update]}
    do: ask
    because: two needs any engineer
    approvers: ["group:engineers"]
EOT

test_expect_success 'a bastion, and an agent that may run but not push' '
	BASTION_POLICY=$TRASH_DIRECTORY/policy &&
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim &&
	make_identity other agent/other --owner human/kim &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work &&
	(cd work && echo x >x && git add x && git commit -qm x && git branch one && git branch two)
'

test_expect_success 'references that two rules ask about are refused together, in either order' '
	test_must_fail bgit ci -C work push origin one two 2>err &&
	test_grep "two rules ask" err && test_grep "remote rejected" err &&
	test_must_fail bgit ci -C work push origin two one 2>err &&
	test_grep "two rules ask" err &&
	test_must_fail git -C "$STATE/repos/demo.git" rev-parse --verify -q one &&
	test_must_fail git -C "$STATE/repos/demo.git" rev-parse --verify -q two
'

test_expect_success 'one alone is asked about' '
	test_must_fail env SALLYPORT_WAIT=0 GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf -o SetEnv=SALLYPORT_WAIT=0" \
		git -C work push "ssh://git@127.0.0.1:$BASTION_PORT/hosted/demo.git" two 2>err &&
	test_grep "pending REQ-" err
'

test_expect_success 'who may only run commands sees no reference of a repository, and the refusal is on record' '
	test_expect_code 77 ssh -F id/other.conf 127.0.0.1 "git-receive-pack '"'"'hosted/demo'"'"'" >out 2>err </dev/null &&
	test_must_be_empty out &&
	test_grep "no rule lets you push" err &&
	audit_has event=push.decision identity=agent/other verdict=deny &&
	test_expect_code 77 ssh -F id/other.conf 127.0.0.1 "git-upload-pack '"'"'hosted/demo'"'"'" >out 2>err </dev/null &&
	test_must_be_empty out
'

test_done
