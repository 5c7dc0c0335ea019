#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='an identity that has all the recordings that it may begins nothing that would be recorded'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# full NAME: its next command is refused, in one line that says what to do.
full () {
	test_expect_code 75 bssh $1 "$TEST_LOGIN@web1" "echo >>ran" >out 2>err &&
	said_once err "^sallyport: stopped REQ-[A-Z0-9]*: .*all the room for recordings.*nothing has run; .*tell whoever" &&
	test_must_be_empty out && test_path_is_missing ran
}

test_expect_success 'up to the limit commands run; over it the next one is refused' '
	setup_bastion "limits: {recordings_per_identity: 20K}" &&
	make_identity ci agent/ci && make_identity other agent/other &&
	bssh ci "$TEST_LOGIN@web1" "head -c 30000 /dev/zero | tr \"\\0\" a" >out && test $(wc -c <out) -eq 30000 &&
	cast=$(recording_of status=0) && full ci
'

test_expect_success 'others are not concerned, and the log says who is' '
	bssh other "$TEST_LOGIN@web1" true && test_grep "agent/ci has its recordings_per_identity" daemon.log
'

test_expect_success 'it is known after a restart' '
	stop_bastion && start_bastion && full ci && bssh other "$TEST_LOGIN@web1" true
'

test_expect_success 'what is taken away makes room' '
	rm "$cast" && wait_until "bssh ci $TEST_LOGIN@web1 true 2>err" &&
	bssh ci "$TEST_LOGIN@web1" "echo again" >out && test "$(cat out)" = again
'

test_expect_success 'a running command that grows beyond it goes on, and then is the last' '
	bssh ci "$TEST_LOGIN@web1" "head -c 30000 /dev/zero | tr \"\\0\" b; echo end" >out && test_grep "end$" out && full ci
'

test_expect_success 'the bastion ends in order' 'stop_bastion'

test_done
