#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='kill -9 of the key, audit and approvals process: nothing unrecorded gets out, nothing recorded is lost'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

test_expect_success 'a bastion with one target' '
	setup_quiet
'

# start_counting: a command that prints without end, until ./stop is there; its output in ./out.
start_counting () {
	rm -f stop &&
	bg_bssh ci "$TEST_LOGIN@web1" "until test -f $TRASH_DIRECTORY/stop; do date +%N; seq 1 200; done" \
		>out 2>err &&
	one_session &&
	wait_until "test -s out" &&
	ID=$(log_event exec.start | tail -n 1 | sed "s/.*\"session\":\"\([^\"]*\)\".*/\1/")
}

# released_is_recorded: what the client has is the beginning of what the recording has.
released_is_recorded () {
	cast_text state/recordings/"$ID".1.cast >recorded &&
	size=$(wc -c <out) &&
	echo "released $size, recorded $(wc -c <recorded)" &&
	test "$size" -gt 0 &&
	head -c "$size" recorded | cmp - out
}

# log_still_has FILE: every line that was acknowledged is there, where it was.
log_still_has () {
	head -n "$(wc -l <"$1")" state/audit/log.jsonl >now &&
	test_cmp "$1" now
}

for name in auditd keyd approvald
do
	test_expect_success "$name is killed while a command runs" '
		start_counting &&
		cp state/audit/log.jsonl before &&
		old=$(helper_pid $name) &&
		kill -KILL "$old" &&
		wait_until "new=\$(helper_pid $name) && test -n \"\$new\" && test \"\$new\" != $old"
	'

	test_expect_success "$name: what the agent has is in the recording" '
		>stop &&
		wait_client "$CLIENT" &&
		echo "the client ends with $CODE" && cat err &&
		no_session &&
		released_is_recorded
	'

	test_expect_success "$name: it is started again, and a new session works" '
		wait_until "bssh ci \"$TEST_LOGIN@web1\" \"echo again\" >again 2>err" &&
		test_grep "^again$" again &&
		test_grep "sallyport-$name ended (signal 9)" daemon.log
	'

	test_expect_success "$name: no acknowledged record is lost" '
		log_still_has before &&
		log_event exec.start "echo again" &&
		sallyport -f "$CONF" audit verify
	'
done

test_expect_success 'without an audit process nobody gets in' '
	old=$(helper_pid auditd) &&
	kill -STOP "$old" &&
	test_atexit "kill -CONT $old" &&
	bg_bssh ci "$TEST_LOGIN@web1" "touch $TRASH_DIRECTORY/ran" >out 2>err &&
	one_session &&
	wait_until "at_rest $SESSION" &&
	test_path_is_missing ran &&
	kill -KILL "$old" &&
	wait_client "$CLIENT" &&
	test "$CODE" -ne 0 &&
	test_path_is_missing ran
'

test_expect_success 'the session that was cut by it left nothing running' '
	no_session &&
	wait_until "bssh ci \"$TEST_LOGIN@web1\" true" &&
	no_session
'

test_expect_success 'a helper that is killed again and again ends the daemon, and no child stays' '
	pids=$(children_of "$BASTION_PID") &&
	n=0 &&
	while is_alive "$BASTION_PID" && test $n -lt 12
	do
		pid= &&
		wait_until "! is_alive $BASTION_PID || { pid=\$(helper_pid keyd) && test -n \"\$pid\"; }" &&
		n=$((n + 1)) &&
		pids="$pids $pid" &&
		{ test -z "$pid" || kill -KILL "$pid"; }
	done
	wait_until "! is_alive $BASTION_PID" &&
	test_grep "giving up" daemon.log &&
	for pid in $pids
	do
		wait_until "! is_alive $pid" || return 1
	done
'

test_done
