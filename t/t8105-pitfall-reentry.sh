#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='many channels of one connection, opened, written to and closed at once, do not trip each other up'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

N=12

test_expect_success 'a bastion with one target and one connection' '
	setup_quiet &&
	BSSH_OPTS="-o ControlMaster=yes -o ControlPath=$TRASH_DIRECTORY/mux -o ControlPersist=no" &&
	bg_bssh ci "$TEST_LOGIN@web1" -N && master=$CLIENT &&
	BSSH_OPTS="-o ControlMaster=no -o ControlPath=$TRASH_DIRECTORY/mux" &&
	wait_until "test -S mux"
'

test_expect_success 'each of many channels gets its own bytes back, and its own status' '
	pids= &&
	for i in $(seq $N)
	do
		seq $i 30000 >in.$i &&
		bg_bssh ci "$TEST_LOGIN@web1" "cat; exit $i" <in.$i >out.$i && pids="$pids $CLIENT" || return 1
	done &&
	i=0 &&
	for pid in $pids
	do
		i=$((i + 1)) &&
		wait_client $pid &&
		test "$CODE" -eq $i &&
		test_cmp in.$i out.$i || return 1
	done
'

test_expect_success 'each has a recording of its own, sealed' '
	wait_until "test \$(log_event recording.close | wc -l) -eq $N"
'

test_expect_success 'half of them are killed in the middle, the others notice nothing' '
	pids= && rm -f go &&
	for i in $(seq $N)
	do
		bg_bssh ci "$TEST_LOGIN@web1" "cd $TRASH_DIRECTORY; cat in.$i; until test -f go; do $TEST_BUILDDIR/test-tool nap 20; done; cat in.$i" \
			>out.$i 2>err.$i && pids="$pids $CLIENT" || return 1
	done &&
	for i in $(seq $N)
	do
		wait_until "test \$(wc -c <out.$i) -ge \$(wc -c <in.$i)" || return 1
	done &&
	i=0 &&
	for pid in $pids
	do
		i=$((i + 1))
		test $((i % 2)) -eq 0 || kill $pid || return 1
	done &&
	>go &&
	i=0 &&
	for pid in $pids
	do
		i=$((i + 1)) &&
		wait_client $pid &&
		if test $((i % 2)) -eq 0
		then
			test "$CODE" -eq 0 && cat in.$i in.$i | test_cmp - out.$i || return 1
		fi
	done
'

test_expect_success 'the connection ends' '
	kill "$master" && wait_client "$master" &&
	BSSH_OPTS= &&
	no_session && bastion_is_well
'

test_expect_success 'a client that opens, writes and closes without order, on one connection' '
	badclient storm --user "$TEST_LOGIN@web1" --key id/ci --command cat --count 12 >out &&
	cat out &&
	test_grep "^rounds 12$" out &&
	test_grep "^alive yes$" out &&
	no_session && bastion_is_well
'

test_expect_success 'the same on channels that end by themselves, and on verbs' '
	badclient storm --user "$TEST_LOGIN@web1" --key id/ci --command true --count 6 >out &&
	test_grep "^alive yes$" out &&
	badclient storm --user bastion --key id/ci --command help --count 12 >out &&
	test_grep "^alive yes$" out &&
	no_session && bastion_is_well
'

test_expect_success 'every session ended in order, every recording is sealed' '
	starts=$(log_event session.start | wc -l) &&
	wait_until "test \$(log_event session.end \"how.:.exit\" | wc -l) -eq $starts" &&
	opened=$(log_event recording.open | wc -l) &&
	sealed=$(log_event "recording.c[a-z]*" | grep -v recording.chunk | wc -l) &&
	test "$opened" -eq "$sealed"
'

test_expect_success 'the bastion is well' '
	stop_bastion
'

test_done
