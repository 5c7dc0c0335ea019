#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='SIGTERM: nothing new, what runs may end, what does not is cut, and nothing of it is lost'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# Every recording that was opened is closed, and the log of all that holds together.
all_sealed () {
	sallyport -f "$CONF" audit search event=recording.open >opened &&
	{ sallyport -f "$CONF" audit search event=recording.close; sallyport -f "$CONF" audit search event=recording.cut; } >closed
	test "$(wc -l <opened)" -eq "$(wc -l <closed)" && sallyport -f "$CONF" audit verify >verified &&
	test_grep "^ok:" verified && test_grep ! " open," verified
}

test_expect_success 'a bastion, an agent, a command that runs until its input ends' '
	setup_bastion "limits: {stop_grace: 60s}" &&
	make_identity ci agent/ci &&
	conversation one bssh ci "$TEST_LOGIN@web1" "echo running; cat; exit 5" &&
	wait_until "grep -q running one.out"
'

test_expect_success 'told to stop, it takes no new connection' '
	kill -TERM "$BASTION_PID" &&
	wait_until "! test-tool accepts $BASTION_PORT" &&
	test_expect_code 255 bssh ci bastion whoami 2>err && test_grep "refused" err &&
	is_alive "$BASTION_PID"
'

test_expect_success 'the running command goes on to its own end' '
	echo "last words" >&9 && exec 9>&- && ended one 5 &&
	printf "running\nlast words\n" >expect && test_cmp expect one.out
'

test_expect_success 'then the daemon ends, with status 0' '
	wait_until "! is_alive $BASTION_PID" && wait "$BASTION_PID" && BASTION_PID= && bastion_log_is_clean
'

test_expect_success 'nothing is lost: the end of the command, the seal of its recording, the end of the log' '
	audit_has event=exec.end status=5 && audit_has event=daemon.stop && audit_has event=audit.stop && all_sealed &&
	test_path_is_missing state/run/control
'

test_expect_success 'what does not end by itself is cut when its time is over' '
	write_config "limits: {stop_grace: 300ms}" && start_bastion &&
	conversation two bssh ci "$TEST_LOGIN@web1" "echo running again; cat" &&
	wait_until "grep -q \"running again\" two.out" &&
	kill -TERM "$BASTION_PID" && ended two 75 && exec 9>&- &&
	test_grep "^sallyport: stopped REQ-[A-Z0-9]*: the bastion is stopping" two.err
'

test_expect_success 'and that is on record too, its recording sealed' '
	wait_until "! is_alive $BASTION_PID" && wait "$BASTION_PID" && BASTION_PID= &&
	audit_has event=exec.end signal=HUP && all_sealed
'

test_expect_success 'the command on the target is over as well' '
	wait_until "! pgrep -f \"echo running again[;]\" >/dev/null"
'

test_expect_success 'told twice it cuts at once' '
	write_config "limits: {stop_grace: 60s}" && start_bastion &&
	conversation three bssh ci "$TEST_LOGIN@web1" "echo running; cat" && wait_until "grep -q running three.out" &&
	kill -TERM "$BASTION_PID" && wait_until "! test-tool accepts $BASTION_PORT" && kill -TERM "$BASTION_PID" &&
	ended three 75 && exec 9>&- && wait_until "! is_alive $BASTION_PID" && BASTION_PID= && all_sealed
'

test_expect_success 'who waits for an approval is told to come back' '
	write_config "limits: {stop_grace: 300ms}" && start_bastion &&
	background four bssh ci "$TEST_LOGIN@web1" "printf risky" && wait_until "grep -q pending four.err" &&
	stop_bastion && ended four 75 && test_grep "^sallyport: stopped REQ-[A-Z0-9]*: .*nothing has run" four.err
'

test_expect_success 'no process of it is left' '
	pgrep -f "$TEST_BUILDDIR/sallyport-[a-z]*" >left
	for pid in $(cat left)
	do
		test "$(readlink "/proc/$pid/cwd")" != "$STATE" || return 1
	done
'

test_done
