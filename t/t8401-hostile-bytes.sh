#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='whatever comes instead of an SSH login is answered by closing the connection'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

test_expect_success 'a bastion' '
	setup_quiet "limits: {max_startups_per_source: 100, login_grace: 60s}"
'

# These may stay open until the login grace is over: there is nothing wrong with them so far.
patient="message-0 message-255 strict-clean"

test_expect_success 'bytes that are no SSH, SSH that is wrong from the start, and key exchanges with more in them (T1, T2, T8)' '
	badclient bytes --seconds 2 >out &&
	cat out &&
	test_line_count -ge 20 out &&
	grep " open$" out >open || : &&
	for name in $patient
	do
		grep -v "^$name " open >rest || :
		mv rest open || return 1
	done &&
	test_must_be_empty open
'

test_expect_success 'a strict key exchange that is clean goes on, one with anything else in it does not (T2)' '
	test_grep "^strict-clean open$" out &&
	test_grep "^strict-ignore closed$" out && test_grep "^strict-unknown closed$" out
'

test_expect_success 'messages of later phases before authentication: no channel, no answer' '
	badclient preauth --seconds 2 >out &&
	cat out &&
	test_line_count -eq 8 out &&
	test_grep ! "channel" out
'

test_expect_success 'none of it has let anybody in or run anything' '
	test "$(log_event session.start | wc -l)" -eq 1 &&
	test_must_fail log_event exec.start
'

test_expect_success 'no process has crashed, and none has stayed' '
	no_session && bastion_is_well &&
	test_grep ! "signal 11" daemon.log &&
	bssh ci "$TEST_LOGIN@web1" "echo well" >out &&
	test_grep well out &&
	no_session && stop_bastion
'

test_done
