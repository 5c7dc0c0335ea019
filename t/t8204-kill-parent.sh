#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='kill -9 of the daemon: no process of it stays, and the next start finds the evidence whole'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

test_expect_success 'a command and a push under way' '
	setup_quiet &&
	start_push cut && push=$CLIENT &&
	bg_bssh ci "$TEST_LOGIN@web1" "echo pid \$PPID; seq 1 5000; sed q; echo went on" >out 2>err </dev/zero && client=$CLIENT &&
	wait_until "grep -q ^5000 out" &&
	id=$(log_event exec.start | sed "s/.*\"session\":\"\([^\"]*\)\".*/\1/")
'

test_expect_success 'the daemon is killed, and every process it had started goes' '
	pids=$(children_of "$BASTION_PID") &&
	for pid in $pids
	do
		pids="$pids $(children_of $pid)"
	done &&
	echo $pids &&
	test "$(echo $pids | wc -w)" -ge 7 &&
	cp state/audit/log.jsonl before &&
	kill -KILL "$BASTION_PID" &&
	wait_client "$BASTION_PID" &&
	>go &&
	for pid in $pids
	do
		wait_until "! is_alive $pid" || { ps -fp $pid; return 1; }
	done
'

test_expect_success 'its clients are told, and the command at the target has ended' '
	wait_client "$client" && test "$CODE" -ne 0 &&
	wait_client "$push" && test "$CODE" -ne 0 &&
	sshd=$(sed -n "s/^pid //p" out) &&
	wait_until "! is_alive $sshd"
'

test_expect_success 'what the agent has is recorded, the push has left nothing' '
	cast_text state/recordings/$id.1.cast >recorded &&
	head -c "$(wc -c <out)" recorded | test_cmp out - &&
	nothing_stored cut
'

test_expect_success 'the next start takes the log up where it ended' '
	start_bastion &&
	# The copy may have been taken in the middle of a line: whole lines are what counts.
	head -n "$(wc -l <before)" before >whole &&
	head -n "$(wc -l <before)" state/audit/log.jsonl | test_cmp whole - &&
	wait_until "log_event daemon.start | test \$(wc -l) -eq 2" &&
	grep -E "\"event\":\"recording.(close|cut|recovered)\".*$id" state/audit/log.jsonl &&
	sallyport -f "$CONF" audit verify
'

test_expect_success 'and serves' '
	bssh ci "$TEST_LOGIN@web1" "echo served" >again &&
	test_grep served again &&
	no_session &&
	start_push again &&
	>go &&
	wait_client "$CLIENT" &&
	test "$CODE" -eq 0 &&
	stored_as_recorded again &&
	no_session && bastion_is_well && stop_bastion
'

test_done
