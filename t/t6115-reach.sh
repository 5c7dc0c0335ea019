#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='rules on repositories open no target, however wide they are: nobody is dialled, no certificate is minted'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion whose agents may read and write every repository, and nothing else' '
	cat >policy <<-\EOT &&
	rules:
	  - {id: read, who: ["agent/*"], on: ["*"], fetch: ["**"], do: allow}
	  - {id: write, who: ["agent/*"], on: ["*"], push: {repos: ["**"]}, do: allow}
	EOT
	BASTION_POLICY=$PWD/policy && setup_bastion && make_identity ci agent/ci
'

test_expect_success 'a command is refused, and its target has heard nothing' '
	{ bssh ci "$TEST_LOGIN@web1" -N & } && idle=$! && test_when_finished "kill $idle" &&
	wait_until "audit_has event=session.start target=web1" &&
	for i in 1 2 3
	do
		test_expect_code 77 bssh ci "$TEST_LOGIN@web1" true 2>err && said_once err "rule=" || return 1
	done &&
	audit_lacks event=cert.mint
'

test_expect_success 'nor is there a way through (ssh -J), and it is not told of as one' '
	test_expect_code 255 bssh ci bastion -W web1:22 </dev/null 2>err && audit_has event=forward.decision verdict=deny to=web1:22 &&
	bssh ci bastion join --print --address 127.0.0.1 >text && test_grep ! "Host web1" text && test_grep "insteadOf = hosted:" text
'

test_expect_success 'repositories are open as ever' '
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" clone
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
