#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C8: every request that wants an answer gets one, known or not, granted or not'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

test_expect_success 'a bastion, an agent, and one without the right to a terminal' '
	setup_quiet && make_identity plain agent/plain --no-pty
'

test_expect_success 'requests that are granted, and the command after them' '
	wire ci "$TEST_LOGIN@web1" pty=80x24 env=LANG=C "exec=exit 2" >got &&
	printf "success\nsuccess\nsuccess\nstatus 2\neof\nclose\nover\n" >expect && test_cmp expect got
'

test_expect_success 'requests that nobody knows are answered with a refusal, and disturb nothing' '
	wire ci "$TEST_LOGIN@web1" request=eow@openssh.com request=break request=simple@putty.projects.tartarus.org \
		request=winadj@putty.projects.tartarus.org env=FOO=x \
		"exec=exit 2" >got &&
	grep -c "^failure$" got >n && echo 5 >expect && test_cmp expect n &&
	grep -v -e "^failure$" -e "^err" got >rest && printf "success\nstatus 2\neof\nclose\nover\n" >expect && test_cmp expect rest
'

test_expect_success 'requests that are refused: a terminal, a second one, a second command' '
	wire plain "$TEST_LOGIN@web1" pty=80x24 "exec=exit 2" >got &&
	sed -i "s/^err [0-9]*$/err/" got &&
	printf "success\nsuccess\nerr\nstatus 77\neof\nclose\nover\n" >expect && test_cmp expect got &&
	wire ci "$TEST_LOGIN@web1" pty=80x24 pty=80x24 "exec=exit 3" >got &&
	printf "success\nfailure\nsuccess\nstatus 3\neof\nclose\nover\n" >expect && test_cmp expect got &&
	wire ci "$TEST_LOGIN@web1" "exec=cat; exit 4" "exec=exit 5" shell subsystem=sftp eof >got &&
	printf "success\nfailure\nfailure\nfailure\nstatus 4\neof\nclose\nover\n" >expect && test_cmp expect got
'

test_expect_success 'X11 and the agent: an answer, and a line that says that there is none' '
	for what in x11 agent
	do
		wire ci "$TEST_LOGIN@web1" "$what" "exec=exit 2" >got &&
		test_grep "^err" got && test_grep "^status 2$" got || return 1
	done
'

test_expect_success 'a request that the target does not know is not the target'\''s to refuse' '
	test_grep ! winadj target-web1/log
'

test_expect_success 'a refused command is answered as one that runs: the channel tells why' '
	wire ci "$TEST_LOGIN@web1" "exec=printf forbidden" >got &&
	sed "s/^err .*/err/" got >short && printf "success\nerr\nstatus 77\neof\nclose\nover\n" >expect && test_cmp expect short
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
