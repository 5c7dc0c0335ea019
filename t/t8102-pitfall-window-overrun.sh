#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a client that sends more than its window allows is cut off before it costs memory'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

MIB=48

# A command that waits at the pipe outlives its connection, as any process without a terminal may.
test_atexit '{ exec 7<>hold; } && { exec 7<&-; }'

test_expect_success 'a bastion with one target' '
	setup_quiet &&
	mkfifo hold
'

test_expect_success 'a command that does not read, and a client that writes all the same' '
	bg_badclient overrun --user "$TEST_LOGIN@web1" --key id/ci --command "cat $TRASH_DIRECTORY/hold" --go go \
		--bytes $((MIB * 1024 * 1024)) >client && client=$CLIENT &&
	one_session &&
	before=$(private_kb "$SESSION") &&
	top=$before && wait_until "log_event recording.open" && >go &&
	while is_alive $client && is_alive "$SESSION"
	do
		now=$(private_kb "$SESSION")
		test "${now:-0}" -le "$top" || top=$now
		test-tool nap 10 || return 1
	done &&
	wait $client &&
	cat client && echo "grew $((top - before))"
'

test_expect_success 'it is cut off' '
	test_grep "^end cut$" client &&
	test_grep "more than its window allows" daemon.log
'

test_expect_success PLAIN 'and its session did not grow by what it was sent' '
	test $((top - before)) -lt $((16 * 1024))
'

test_expect_success 'what had run is recorded to its end' '
	no_session &&
	log_event recording.close && log_event exec.end &&
	log_event session.end "\"how\":\"exit\""
'

test_expect_success 'a client that keeps to its window sends as much as it likes' '
	head -c ${MIB}M /dev/zero | bssh ci "$TEST_LOGIN@web1" "wc -c" >out &&
	test "$(cat out)" -eq $((MIB * 1024 * 1024))
'

test_expect_success 'the bastion is well' '
	bastion_is_well && stop_bastion
'

test_done
