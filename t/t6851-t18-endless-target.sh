#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T18: a target that goes on for ever, or takes nothing, is held by its own connection and goes with it'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

test_expect_success 'a bastion with a good target and endless ones' '
	init_bastion && start_target web1 &&
	bad_targets output_endless errors_endless window_none window_huge_deaf rekey_unfinished &&
	write_config && start_bastion && make_identity ci agent/ci &&
	conversation good bssh ci "$TEST_LOGIN@web1" cat && echo begin >&9 && wait_until "grep -q begin good.out" &&
	wait_until "test -n \"\$(session_pids)\"" && keep=$(session_pids) && peak_begin
'

# Its session, beside the one that is kept.
other_session () {
	wait_until 'SESSION=$(session_pids | grep -vx "$keep") && test "$(echo $SESSION | wc -w)" -eq 1'
}

for way in output_endless errors_endless
do
	test_expect_success "$way, read as fast as it comes: forty megabytes, and its memory is what it was" '
		mkfifo "$way.pipe" && { exec 7<>"$way.pipe"; } &&
		bg_bssh ci "$TEST_LOGIN@$way" "echo x" >"$way.pipe" 2>&1 </dev/null &&
		other_session && head -c 40000000 <&7 >read && test "$(wc -c <read)" -eq 40000000 &&
		echo "$way" >&9 && wait_until "grep -q ^$way\$ good.out" &&
		kill -KILL $CLIENT && wait_until "! is_alive $SESSION" && { exec 7<&-; }
	'

	test_expect_success "$way, not read at all" '
		{ exec 7<>"$way.pipe"; } &&
		bg_bssh ci "$TEST_LOGIN@$way" "echo x" >"$way.pipe" 2>&1 </dev/null &&
		other_session && wait_until "at_rest $SESSION" &&
		kill -KILL $CLIENT && wait_until "! is_alive $SESSION" && { exec 7<&-; }
	'
done

for way in window_none window_huge_deaf rekey_unfinished
do
	test_expect_success "$way: what is sent to it waits with the sender, who may go" '
		head -c 50000000 /dev/zero >zeros &&
		bg_bssh ci "$TEST_LOGIN@$way" "echo x" >out 2>&1 <zeros &&
		other_session && wait_until "at_rest $SESSION" && is_alive $CLIENT &&
		echo "$way" >&9 && wait_until "grep -q ^$way\$ good.out" &&
		kill -TERM $CLIENT && wait_until "! is_alive $SESSION"
	'
done

test_expect_success PLAIN 'no session process has become large' '
	peak_below 32768
'

test_expect_success 'the good one has noticed nothing, the bastion is well' '
	exec 9>&- && ended good 0 &&
	no_session && bastion_is_well && stop_bastion
'

test_done
