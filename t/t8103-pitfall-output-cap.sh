#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a client with a 2 GB window that does not read makes its session neither large nor deaf'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

MIB=64

test_expect_success 'a bastion with one target' '
	setup_quiet
'

test_expect_success 'a client says that it takes everything, and stops' '
	bg_badclient greedy --user "$TEST_LOGIN@web1" --key id/ci --command "yes 0123456789abcdef | head -c ${MIB}M" \
		>client && client=$CLIENT &&
	one_session &&
	before=$(private_kb "$SESSION") &&
	wait_until "test -s client" &&
	wait_until "grep -q \"^State:.T\" /proc/$client/status" &&
	wait_until "at_rest $SESSION"
'

test_expect_success PLAIN 'its session has taken little of the output' '
	after=$(private_kb "$SESSION") &&
	echo "grew $((after - before))" &&
	test $((after - before)) -lt $((16 * 1024))
'

test_expect_success 'nor has it been recorded faster than it was read' '
	test "$(cat state/recordings/*.cast | wc -c)" -lt $((MIB * 1024 * 1024 / 2))
'

test_expect_success 'others go on meanwhile' '
	soon_enough 2000 bssh ci "$TEST_LOGIN@web1" "echo still here" &&
	test_grep "^still here$" out
'

test_expect_success 'when it reads again, it gets every byte' '
	kill -CONT $client &&
	wait $client &&
	test_grep "^got $((MIB * 1024 * 1024))$" client
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
