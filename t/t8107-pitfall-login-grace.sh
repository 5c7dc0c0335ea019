#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='who does not authenticate in limits.login_grace is cut off, however busy it looks'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

test_expect_success 'a bastion with two seconds of grace' '
	setup_quiet "limits: {login_grace: 2s}"
'

cut_in_time () {
	cat "$1" &&
	ms=$(sed -n "s/^ms //p" "$1") &&
	test "$ms" -ge 1500 &&
	test "$ms" -le 12000
}

test_expect_success 'a silent client and one that sends a byte now and then' '
	bg_badclient drip --seconds 15 >drip && drip=$CLIENT &&
	start=$(test-tool ms) &&
	badclient silent --count 1 --seconds 15 >silent &&
	echo "ms $(($(test-tool ms) - start))" >>silent &&
	test_grep "^left 0$" silent &&
	cut_in_time silent &&
	wait $drip &&
	cut_in_time drip
'

test_expect_success 'a client that has exchanged keys and whose signature never fits' '
	badclient tries --method bad-signature --key id/ci --count 1 --seconds 15 >out &&
	test_grep "^end cut$" out &&
	cut_in_time out
'

test_expect_success 'their processes are gone, and it is on record' '
	no_session &&
	test "$(log_event auth.timeout | wc -l)" -eq 3
'

test_expect_success 'who has authenticated stays longer' '
	mkfifo hold &&
	bg_bssh ci "$TEST_LOGIN@web1" "echo up; cat $TRASH_DIRECTORY/hold" >out && client=$CLIENT &&
	wait_until "grep -q up out" &&
	start=$(test-tool ms) &&
	wait_until "test \$(test-tool ms) -ge $((start + 2500))" &&
	echo "still here" >hold &&
	wait $client &&
	test_grep "still here" out
'

test_expect_success 'the bastion is well' '
	bastion_is_well && stop_bastion
'

test_done
