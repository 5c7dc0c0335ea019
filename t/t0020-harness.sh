#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the harness: a whole bastion, stock ssh and git, an sshd as the target'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"

test_expect_success 'a bastion with one target and one upstream starts' '
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim &&
	make_identity eva human/eva --group engineers
'

test_expect_success 'a command runs on the target, with its own output and status' '
	test_expect_code 3 bssh ci "$TEST_LOGIN@web1" "echo out; echo err >&2; exit 3" >out 2>err &&
	echo out >expect && test_cmp expect out &&
	echo err >expect && test_cmp expect err
'

test_expect_success 'standard input goes all the way, to its end' '
	printf "a\0b\nc" >in &&
	bssh ci "$TEST_LOGIN@web1" cat <in >out &&
	test_cmp in out
'

test_expect_success 'the log of the target names identity and session' '
	test_grep "ID agent/ci S-[0-9A-Z]* web1 (serial" target-web1/log
'

test_expect_success 'an answer without an end of line comes before standard input ends' '
	mkfifo to from &&
	{ bssh ci "$TEST_LOGIN@web1" cat <to >from & } &&
	client=$! &&
	exec 7>to 8<from &&
	printf "?" >&7 &&
	timeout 60 dd bs=1 count=1 <&8 >got 2>/dev/null; code=$?
	exec 7>&- 8<&- &&
	wait $client &&
	test $code = 0 && test "$(cat got)" = "?"
'

test_expect_success 'who is who' '
	bssh ci bastion whoami >out &&
	test_grep agent/ci out &&
	test_grep human/kim out &&
	bssh eva bastion whoami >out &&
	test_grep engineers out
'

test_expect_success 'a refused command ends with 77 and one line that says why' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "printf forbidden" >out 2>err &&
	test_must_be_empty out &&
	test_grep "^sallyport: denied REQ-[0-9A-Z]* rule=forbidden: it is forbidden" err
'

test_expect_success 'clone, commit, push' '
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work &&
	(
		cd work &&
		git switch -q -c agent/x &&
		test_commit second &&
		bgit ci push -q origin agent/x
	) &&
	git -C work rev-parse HEAD >expect &&
	git -C "$STATE/repos/demo.git" rev-parse agent/x >actual &&
	test_cmp expect actual
'

test_expect_success 'SIGTERM ends the daemon and all its processes' '
	pid=$BASTION_PID &&
	stop_bastion &&
	! is_alive "$pid" &&
	test_expect_code 1 test-tool accepts "$BASTION_PORT"
'

test_done
