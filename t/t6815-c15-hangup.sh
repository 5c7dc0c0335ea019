#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C15: who runs a command and goes away leaves nothing running that sshd would have told to go'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

# A script of two processes; the first says when it is hung up on. $1 names its files.
family () {
	cat >"$1.sh" <<-EOT
	trap 'echo hup >$TRASH_DIRECTORY/$1.hup; exit 1' HUP
	(while :; do sleep 0.1; done) &
	echo \$! \$\$ >$TRASH_DIRECTORY/$1.new
	mv $TRASH_DIRECTORY/$1.new $TRASH_DIRECTORY/$1.pids
	echo up
	while :; do sleep 0.1; done
	EOT
}

all_gone () {
	for gone_pid_ in $(cat "$1.pids")
	do
		! is_alive "$gone_pid_" || return 1
	done
}

test_expect_success 'a bastion that lets one have a terminal' '
	setup_quiet
'

test_expect_success 'with a terminal: the connection is lost, the group is hung up on' '
	family tty &&
	BSSH_OPTS=-tt bg_bssh ci "$TEST_LOGIN@web1" "sh $TRASH_DIRECTORY/tty.sh" >tty.out 2>&1 </dev/null &&
	wait_until "test -s tty.pids" && kill -KILL $CLIENT &&
	wait_until "all_gone tty" && wait_until "test -e tty.hup"
'

test_expect_success 'and so when only the channel is closed' '
	family chan &&
	wire ci "$TEST_LOGIN@web1" pty=80x24 "exec=sh $TRASH_DIRECTORY/chan.sh" "until=up" close "wait=$TRASH_DIRECTORY/chan.hup" >wire.out &&
	wait_until "all_gone chan" && wait_until "test -e chan.hup"
'

test_expect_success 'without a terminal, what writes or reads ends' '
	mkfifo open && exec 9<>open &&
	bg_bssh ci "$TEST_LOGIN@web1" "echo \$\$ >$TRASH_DIRECTORY/cat.pids; exec cat" >/dev/null 2>&1 <open &&
	wait_until "test -s cat.pids" && kill -KILL $CLIENT && wait_until "all_gone cat" && exec 9>&- &&
	bg_bssh ci "$TEST_LOGIN@web1" "echo \$\$ >$TRASH_DIRECTORY/yes.pids; exec yes" >/dev/null 2>&1 </dev/null &&
	wait_until "test -s yes.pids" && kill -KILL $CLIENT && wait_until "all_gone yes"
'

test_expect_success 'the bastion is well, and no session stays' '
	no_session && bastion_is_well && stop_bastion
'

test_done
