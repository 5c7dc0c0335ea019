#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C14: a command ends when it ends: nothing waits for input, for helpers, or for what it left behind'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

test_expect_success 'a bastion' '
	setup_quiet && open_direct
'

test_expect_success 'ssh host exit, with an input that never ends' '
	conversation leave bssh ci "$TEST_LOGIN@web1" exit && ended leave 0 && exec 9>&- &&
	conversation leave bssh ci "$TEST_LOGIN@web1" "exit 5" && ended leave 5 && exec 9>&-
'

test_expect_success 'the messages at its end are those of sshd, in that order' '
	same_end "exec=exit 5" &&
	same_end "exec=echo out; exit 0" &&
	same_end "exec=echo err >&2; exit 1" &&
	same_end "exec=cat" "data=abc" eof &&
	same_end "exec=echo first" "until=first" "data=late"
'

test_expect_success 'end of input before the command is even named, which sshd itself does not get' '
	wire ci "$TEST_LOGIN@web1" eof "exec=cat; exit 3" >wire.got &&
	printf "success\nstatus 3\neof\nclose\nover\n" >expect && test_cmp expect wire.got
'

test_expect_success 'what was left in the background, without our output, keeps nobody waiting' '
	within 20000 bssh ci "$TEST_LOGIN@web1" "sleep 60 >/dev/null 2>&1 </dev/null & echo \$! >$TRASH_DIRECTORY/left; exit 3"
	test $? -eq 3 && is_alive "$(cat left)" && kill "$(cat left)"
'

test_expect_success 'one that holds the output may still write, as with sshd' '
	bssh ci "$TEST_LOGIN@web1" "{ until test -e $TRASH_DIRECTORY/later; do sleep 0.1; done; echo late; } & echo early" >out &
	client=$! &&
	wait_until "grep -q early out" && >later && wait $client &&
	printf "early\nlate\n" >expect && test_cmp expect out
'

test_expect_success 'output closed by the command long before its end' '
	bssh ci "$TEST_LOGIN@web1" "exec >&-; exec 2>&-; read -r x; exit 6" <<-\EOT
	go
	EOT
	test $? -eq 6
'

test_expect_success 'input closed by the command long before its end' '
	bssh ci "$TEST_LOGIN@web1" "exec <&-; test-tool nap 100; echo out; exit 7" </dev/zero >out
	test $? -eq 7 && test_grep out out
'

test_expect_success 'a verb of the bastion ends as well while input is open' '
	conversation leave bssh ci bastion whoami && ended leave 0 && exec 9>&-
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
