#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='kill -9 of whatever takes part in a push: nothing uninspected and nothing unrecorded gets into the repository'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

test_expect_success 'a bastion with a repository' '
	setup_quiet
'

test_expect_success 'a push that nobody disturbs is stored' '
	start_push fine &&
	>go &&
	wait_client "$CLIENT" && cat push.err &&
	test "$CODE" -eq 0 &&
	log_event push.stored "agent/fine\".*result.:.stored" &&
	stored_as_recorded fine
'

for victim in inspector gitleg session
do
	test_expect_success "$victim is killed while it holds a push" '
		start_push $victim &&
		pid=$(children_named_ $victim) &&
		test "$(echo "$pid" | wc -w)" -eq 1 &&
		others="$(inspector_pids) $(leg_pids) $SESSION" &&
		kill -STOP $pid &&
		>go &&
		if test $victim != session
		then
			wait_until "at_rest $SESSION"
		fi &&
		kill -KILL $pid
	'

	test_expect_success "$victim: the push fails and leaves nothing" '
		>go &&
		wait_client "$CLIENT" && cat push.err &&
		test "$CODE" -ne 0 &&
		test_must_fail log_event push.stored "agent/$victim\".*result.:.stored" &&
		nothing_stored $victim
	'

	test_expect_success "$victim: what worked with it has gone, and the next push works" '
		for pid in $others
		do
			wait_until "! is_alive $pid" || return 1
		done &&
		start_push $victim-again &&
		>go &&
		wait_client "$CLIENT" && cat push.err &&
		test "$CODE" -eq 0 &&
		stored_as_recorded $victim-again &&
		log_event push.stored "agent/$victim-again\".*result.:.stored"
	'
done

for victim in auditd keyd approvald
do
	test_expect_success "$victim is killed while a push is under way" '
		start_push $victim &&
		pid=$(helper_pid $victim) &&
		kill -KILL "$pid" &&
		>go &&
		wait_client "$CLIENT" && cat push.err &&
		no_session &&
		stored_as_recorded $victim
	'

	test_expect_success "$victim: the next push works" '
		wait_until "bssh ci bastion whoami" &&
		start_push $victim-again &&
		>go &&
		wait_client "$CLIENT" && cat push.err &&
		test "$CODE" -eq 0 &&
		log_event push.stored "agent/$victim-again\".*result.:.stored" &&
		stored_as_recorded $victim-again
	'
done

test_expect_success 'the spool is empty, the repository and the log are whole' '
	test -z "$(ls state/spool)" &&
	git -C state/repos/demo.git fsck --strict &&
	sallyport -f "$CONF" audit verify &&
	no_session && bastion_log_is_clean && stop_bastion
'

test_done
