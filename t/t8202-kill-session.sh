#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='kill -9 of a session process ends that session alone, and its recording is sealed'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

# A command that waits at the pipe outlives its connection, as any process without a terminal may.
test_atexit '{ exec 7<>hold; } && { exec 7<&-; }'

test_expect_success 'a bastion with two sessions' '
	setup_quiet &&
	mkfifo hold feed &&
	bg_bssh ci "$TEST_LOGIN@web1" "echo pid \$PPID; seq 1 5000; cat $TRASH_DIRECTORY/hold" >out 2>err &&
	victim=$CLIENT &&
	one_session &&
	wait_until "grep -q ^5000 out" &&
	id=$(log_event exec.start | sed "s/.*\"session\":\"\([^\"]*\)\".*/\1/") &&
	{ exec 7<>feed; } &&
	bg_bssh ci "$TEST_LOGIN@web1" "echo up; cat" <feed >other 2>err.other &&
	other=$CLIENT
'

test_expect_success 'one is killed' '
	cp state/audit/log.jsonl before &&
	kill -KILL "$SESSION" &&
	wait_client "$victim" &&
	test "$CODE" -ne 0
'

test_expect_success 'what its agent has is recorded, and sealed as cut' '
	wait_until "log_event recording.cut $id" &&
	wait_until "log_event session.end \"$id.*how.:.signal\"" &&
	cast_text state/recordings/$id.1.cast >recorded &&
	test_cmp recorded out
'

test_expect_success 'its command at the target has ended' '
	sshd=$(sed -n "s/^pid //p" out) &&
	wait_until "! is_alive $sshd"
'

test_expect_success 'the other one goes on' '
	echo "to the other" >&7 && { exec 7<&-; } &&
	wait_client "$other" &&
	test "$CODE" -eq 0 &&
	test_grep "to the other" other
'

test_expect_success 'the log is whole, the bastion is well' '
	head -n "$(wc -l <before)" state/audit/log.jsonl | test_cmp before - &&
	sallyport -f "$CONF" audit verify &&
	no_session && bastion_is_well && stop_bastion
'

test_done
