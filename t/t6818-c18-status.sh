#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C18, C19: each exit status and each signal of a command arrives as what it was'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

test_expect_success 'a bastion, and one connection that is kept' '
	setup_quiet && open_direct && keep_connection
'

test_expect_success 'every status from 0 to 255' '
	BSSH_OPTS=$mux && n=0 &&
	while test $n -le 255
	do
		bssh ci "$TEST_LOGIN@web1" "exit $n"
		got=$? && test $got -eq $n || { echo "$n came as $got"; return 1; }
		n=$((n + 1))
	done
'

test_expect_success 'the shell'\''s own: not found, not executable' '
	BSSH_OPTS=$mux &&
	test_expect_code 127 bssh ci "$TEST_LOGIN@web1" "no-such-program-at-all" 2>err &&
	>flat && test_expect_code 126 bssh ci "$TEST_LOGIN@web1" "$TRASH_DIRECTORY/flat" 2>err
'

test_expect_success 'a program that was killed by a signal, told by its shell, is 128 and the signal' '
	BSSH_OPTS=$mux && echo "kill -INT \$\$" >suicide && printf "sleep 60 &\nkill -TERM \$!\nwait \$!\n" >killed &&
	test_expect_code 130 bssh ci "$TEST_LOGIN@web1" "sh $TRASH_DIRECTORY/suicide; exit \$?" 2>err &&
	test_expect_code 143 bssh ci "$TEST_LOGIN@web1" "sh $TRASH_DIRECTORY/killed" 2>err
'

test_expect_success 'a command that is killed itself: the signal by its name, no status' '
	for s in HUP INT KILL PIPE ALRM TERM USR1 ABRT SEGV
	do
		same_end "exec=kill -$s \$\$; exec sleep 60" && grep "^signal $s$" wire.ours || return 1
	done
'

test_expect_success 'stock ssh makes of it what it makes of it without a bastion' '
	unset BSSH_OPTS
	dssh "kill -KILL \$\$"
	expect=$?
	bssh ci "$TEST_LOGIN@web1" "kill -KILL \$\$"
	test $? -eq $expect && echo $expect
'

test_expect_success 'the record has the signal' '
	audit_has event=exec.end signal=KILL && audit_has event=exec.end status=255
'

test_expect_success 'the bastion is well' '
	ssh -O exit -o ControlPath="$TRASH_DIRECTORY/mux" x 2>/dev/null
	no_session && bastion_is_well && stop_bastion
'

test_done
