#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T8: a key exchange that is begun and never ended holds up its own session, which does not grow'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

test_expect_success 'a bastion with one target' '
	setup_quiet
'

test_expect_success 'a client with a 2 GB window begins a key exchange, and says no more' '
	bg_badclient stall --method begin --user "$TEST_LOGIN@web1" --key id/ci \
		--command "echo up; while ! test -e $PWD/go; do sleep 0.05; done; yes 0123456789abcdef | head -c 100M" >client &&
	one_session && wait_until "grep -q stalled client" && >go && wait_until "at_rest $SESSION"
'

test_expect_success PLAIN 'its session keeps little of what it cannot send' '
	now=$(private_kb "$SESSION") && echo "holds $now KiB" && test $now -lt $((12 * 1024))
'

test_expect_success 'others go on meanwhile' '
	soon_enough 2000 bssh ci "$TEST_LOGIN@web1" "echo still here" && test_grep "^still here$" out
'

test_expect_success 'it goes with its connection' '
	kill -KILL $CLIENT && no_session && bastion_is_well && stop_bastion
'

test_expect_success 'a client reads on, and has no ear for the key exchange that the bastion begins' '
	write_config "limits: {rekey_data: 1M}" && start_bastion && rm -f go &&
	bg_badclient stall --method wait --user "$TEST_LOGIN@web1" --key id/ci \
		--command "echo up; while ! test -e $PWD/go; do sleep 0.05; done; yes 0123456789abcdef | head -c 100M" >client &&
	one_session && wait_until "grep -q up client" && >go && wait_until "grep -q stalled client" && wait_until "at_rest $SESSION"
'

test_expect_success PLAIN 'its session keeps little of what it cannot send, too' '
	now=$(private_kb "$SESSION") && echo "holds $now KiB" && test $now -lt $((12 * 1024))
'

test_expect_success 'and goes with its connection' '
	kill -KILL $CLIENT && no_session && bastion_is_well && stop_bastion
'

test_done
