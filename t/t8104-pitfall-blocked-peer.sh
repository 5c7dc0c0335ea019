#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a peer that has stopped reading blocks nobody: not other channels, not other sessions, not the administrator'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

# start_master: one OpenSSH connection for several channels, at control path ./mux.
start_master () {
	BSSH_OPTS="-o ControlMaster=yes -o ControlPath=$TRASH_DIRECTORY/mux -o ControlPersist=no" &&
	bg_bssh ci "$TEST_LOGIN@web1" -N && master=$CLIENT &&
	BSSH_OPTS="-o ControlMaster=no -o ControlPath=$TRASH_DIRECTORY/mux" &&
	wait_until "test -S mux"
}

test_expect_success 'a bastion with one target' '
	setup_quiet
'

test_expect_success 'one channel whose reader is stuck, and another on the same connection' '
	start_master &&
	mkfifo stuck &&
	{ exec 7<>stuck; } &&
	bg_bssh ci "$TEST_LOGIN@web1" "yes 0123456789abcdef" >stuck && reader=$CLIENT &&
	one_session &&
	wait_until "log_event exec.start" &&
	wait_until "at_rest $SESSION" &&
	soon_enough 2000 bssh ci "$TEST_LOGIN@web1" "echo beside it" &&
	test_grep "^beside it$" out
'

# would_block PID: those of its connections whose descriptor waits in a read or a write.
would_block () {
	for fd_ in "/proc/$1/fd/"*
	do
		inode_=$(readlink "$fd_" | sed -n "s/^socket:\[\([0-9]*\)\]$/\1/p")
		test -n "$inode_" && grep -qE "[[:space:]]$inode_([[:space:]]|$)" /proc/net/tcp /proc/net/tcp6 || continue
		flags_=$(sed -n "s/^flags:[[:space:]]*//p" "/proc/$1/fdinfo/${fd_##*/}")
		echo "connection $fd_ $flags_"
		test $((flags_ & 04000)) -ne 0 || echo "would block"
	done
}

test_expect_success 'none of its connections would block, to the client or to the target' '
	would_block "$SESSION" >ends && test "$(grep -c ^connection ends)" -ge 2 && test_grep ! "would block" ends
'

test_expect_success 'input goes another way while output is stuck' '
	seq 1 100000 >in &&
	within 15000 bssh ci "$TEST_LOGIN@web1" "sha256sum" <in >out &&
	test "$(cut -d" " -f1 out)" = "$(sha256sum <in | cut -d" " -f1)"
'

test_expect_success 'the stuck one can be closed' '
	{ exec 7<&-; } &&
	kill "$reader" && wait_client "$reader" &&
	kill "$master" && wait_client "$master" &&
	BSSH_OPTS= &&
	no_session
'

test_expect_success 'a client that is stopped in the middle of a download' '
	bg_badclient greedy --room 4096 --user "$TEST_LOGIN@web1" --key id/ci --command "yes 0123456789abcdef" >client && client=$CLIENT &&
	one_session &&
	wait_until "grep -q \"^State:.T\" /proc/$client/status" &&
	wait_until "at_rest $SESSION" &&
	id=$(log_event session.start | tail -n 1 | sed "s/.*\"session\":\"\([^\"]*\)\".*/\1/")
'

test_expect_success 'its process waits without turning in circles' '
	before=$(cut -d" " -f14,15 "/proc/$SESSION/stat" | tr " " "+") &&
	test-tool nap 1000 &&
	after=$(cut -d" " -f14,15 "/proc/$SESSION/stat" | tr " " "+") &&
	echo "ticks: $before to $after" &&
	test $(($after - ($before))) -le 20
'

test_expect_success 'it does not hinder another session' '
	soon_enough 2000 bssh ci "$TEST_LOGIN@web1" "echo another" &&
	test_grep "^another$" out
'

test_expect_success 'an administrator can end it' '
	sallyport -f "$CONF" sessions kill "$id" &&
	within 4500 no_session &&
	wait_until "log_event session.end $id" &&
	log_event session.end "\"session\":\"$id\".*\"how\":\"exit\"" &&
	log_event recording.close "$id" &&
	log_event exec.end "$id"
'

test_expect_success 'a target that has stopped reading' '
	mkfifo feed &&
	{ exec 7<>feed; } &&
	bg_bssh ci "$TEST_LOGIN@web1" "echo pid \$PPID; cat >/dev/null" <feed >out && client=$CLIENT &&
	wait_until "grep -q ^pid out" &&
	sshd=$(sed -n "s/^pid //p" out) &&
	one_session &&
	kill -STOP "$sshd" &&
	test_atexit "kill -CONT $sshd" &&
	{ yes >&7 & writer=$!; } &&
	test_atexit "faults_end_ $writer" &&
	{ exec 7<&-; } &&
	wait_until "at_rest $SESSION" &&
	is_alive "$SESSION" &&
	id=$(log_event session.start | tail -n 1 | sed "s/.*\"session\":\"\([^\"]*\)\".*/\1/")
'

test_expect_success 'does not hold the session that feeds it' '
	sallyport -f "$CONF" sessions kill "$id" &&
	within 4500 no_session &&
	wait_until "log_event session.end $id" &&
	log_event session.end "\"session\":\"$id\".*\"how\":\"exit\"" &&
	log_event recording.close "$id" &&
	kill -CONT "$sshd" &&
	wait_client "$client" &&
	test "$CODE" -ne 0
'

test_expect_success 'the bastion is well' '
	bastion_is_well && stop_bastion
'

test_done
