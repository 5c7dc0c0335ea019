#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='several commands over one connection: each its own decision, its own record, its own recording'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion, an agent, one connection that is kept' '
	setup_bastion &&
	make_identity ci agent/ci &&
	BSSH_OPTS="-o ControlMaster=auto -o ControlPath=$TRASH_DIRECTORY/mux -o ControlPersist=yes" &&
	test_atexit "ssh -O exit -o ControlPath=$TRASH_DIRECTORY/mux x 2>/dev/null" &&
	bssh ci "$TEST_LOGIN@web1" "echo first" >out && test_grep first out
'

test_expect_success 'a second command runs while the first waits for input' '
	conversation one bssh ci "$TEST_LOGIN@web1" "echo waiting; cat" &&
	wait_until "grep -q waiting one.out" &&
	bssh ci "$TEST_LOGIN@web1" "echo second; exit 4" >two.out 2>two.err
	test $? -eq 4 && test_must_be_empty two.err && echo second >expect && test_cmp expect two.out &&
	test ! -e one.status
'

test_expect_success 'a refusal of one does not disturb the other' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "printf forbidden" 2>err &&
	said_once err "denied REQ-[A-Z0-9]* rule=forbidden: it is forbidden" &&
	test ! -e one.status
'

test_expect_success 'the bastion'\''s own commands are not reached through a connection to a target' '
	test_expect_code 127 bssh ci "$TEST_LOGIN@web1" whoami-not-a-program 2>err
'

test_expect_success 'both were one session on one target connection' '
	audit_has event=exec.start "command=echo first" &&
	session=$(sed -n "s/.*\"session\":\"\([^\"]*\)\".*/\1/p" rec) &&
	audit_has event=exec.start "command=echo second; exit 4" "session=$session" &&
	grep "Accepted publickey" target-web1/log >accepted && test_line_count -eq 1 accepted
'

test_expect_success 'each had a recording of its own' '
	audit_has event=exec.end status=4 && second=$(sed -n "s/.*\"recording\":\"\([^\"]*\)\".*/\1/p" rec) &&
	test_grep second "state/recordings/$second.cast" &&
	test_grep ! waiting "state/recordings/$second.cast"
'

test_expect_success 'the first goes on to its own end' '
	echo bye >&9 && exec 9>&- &&
	ended one 0 &&
	printf "waiting\nbye\n" >expect && test_cmp expect one.out
'

test_done
