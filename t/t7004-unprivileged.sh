#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='no process keeps more of its user than it needs, whether the daemon was started as root or not'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

test "$(id -u)" = 0 || skip_all 'only root can become somebody else'
command -v setpriv >/dev/null || skip_all 'no setpriv here (util-linux)'
id nobody >/dev/null 2>&1 || skip_all 'no user nobody here'
# The build and the trash must be reachable for others.
setpriv --reuid=nobody --regid=nogroup --clear-groups test -x "$TEST_BUILDDIR/sallyportd" -a -x "$TRASH_DIRECTORY" ||
	skip_all 'user nobody cannot reach the build folder'

UNPRIVILEGED="setpriv --reuid=nobody --regid=nogroup --clear-groups"
uid=$(id -u nobody)
gid=$(id -g nobody)

# given_up PID: the user's ids alone, no groups, no capabilities, none to be had, no core file, memory closed to others.
given_up () {
	cat "/proc/$1/status" >status &&
	test_grep "^Uid:	$uid	$uid	$uid	$uid$" status &&
	test_grep "^Gid:	$gid	$gid	$gid	$gid$" status &&
	test_grep "^Groups:	 *$" status &&
	test_grep "^CapPrm:	0*$" status &&
	test_grep "^CapEff:	0*$" status &&
	test_grep "^CapInh:	0*$" status &&
	test_grep "^CapAmb:	0*$" status &&
	test_grep "^NoNewPrivs:	1$" status &&
	test_grep "^Max core file size  *0  *0 " "/proc/$1/limits" &&
	test "$(stat -c %u "/proc/$1/mem")" -eq 0
}

filtered () {
	test_grep "^Seccomp:	2$" "/proc/$1/status"
}

# Every process of a bastion with a command and a push under way.
all_given_up () {
	given_up "$BASTION_PID" &&
	for name in keyd auditd approvald
	do
		pid=$(helper_pid $name) && given_up "$pid" && filtered "$pid" || return 1
	done &&
	for pid in $(session_pids) $(inspector_pids)
	do
		given_up "$pid" && filtered "$pid" || return 1
	done &&
	given_up "$(leg_pids)" &&
	test "$(children_of "$BASTION_PID" | wc -l)" -eq 7
}

# at_work: a held command and a half-way push, whose processes are looked at, and then let go.
at_work () {
	rm -f hold && mkfifo hold &&
	start_push "$1" && push=$CLIENT &&
	bg_bssh ci "$TEST_LOGIN@web1" "echo up; cat $TRASH_DIRECTORY/hold" >out && client=$CLIENT &&
	wait_until "grep -q up out" &&
	wait_until all_given_up &&	# what has just been started is not there yet
	>go && wait_client "$push" && { test "$CODE" -eq 0 || { cat push.err; false; }; } &&
	echo done >hold && wait_client "$client" && test "$CODE" -eq 0 && test_grep done out &&
	no_session
}

test_expect_success 'a state directory that belongs to the user' '
	init_bastion && start_target web1 && seed_repo demo && write_config "user: nobody" &&
	chown -R nobody:nogroup "$STATE" &&
	start_bastion &&
	make_identity ci agent/ci && chown -R nobody:nogroup "$STATE" &&
	bssh ci bastion whoami && no_session
'

test_expect_success 'started as root: every process is the user, and nothing of root is left' '
	at_work first
'

test_expect_success 'root without a user is told so' '
	test_grep ! "runs as root" daemon.log &&
	stop_bastion && write_config && chown -R root:root "$STATE" && start_bastion &&
	wait_until "grep -q \"runs as root\" daemon.log" &&
	stop_bastion
'

test_expect_success 'started by the user: the same' '
	chown -R nobody:nogroup "$STATE" &&
	{ $UNPRIVILEGED sallyportd -D -f "$CONF" >daemon.log 2>&1 & } &&
	BASTION_PID=$! &&
	test_atexit "stop_pid $BASTION_PID sallyportd" &&
	wait_until "test-tool accepts $BASTION_PORT" 30 &&
	bssh ci bastion whoami && no_session &&
	rm -rf work && at_work second &&
	test_grep ! "runs as root" daemon.log
'

test_expect_success 'and nothing that it writes is for anybody else' '
	find "$STATE" ! -user nobody >others && test_must_be_empty others &&
	find "$STATE/audit" "$STATE/recordings" -type f -perm /077 >open && test_must_be_empty open &&
	stop_bastion
'

test_done
