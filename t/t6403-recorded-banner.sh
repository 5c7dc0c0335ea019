#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C33: people are told that they are recorded, and no output of a program holds it'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

notice="This session goes through Sallyport and is recorded."

test_expect_success 'a bastion with the profiles that are there without any list, an agent and a human' '
	default_policy | sed -e 1,2d -e "s,\[agent/\*\],[\"*\"]," >plain.yaml && BASTION_POLICY=$PWD/plain.yaml &&
	setup_bastion && make_identity ci agent/ci && make_identity kim human/kim
'

test_expect_success 'a human reads it on standard error, once, before anything else' '
	echo ran >expect && BSSH_OPTS="-o LogLevel=INFO" bssh kim "$TEST_LOGIN@web1" "echo ran" >out 2>err && test_cmp expect out &&
	echo "$notice" >expect && test_cmp expect err
'

test_expect_success 'once with ssh -J too' '
	jump_conf kim && sed "s/LogLevel.*/LogLevel INFO/" id/kim-j.conf >id/kim-loud.conf &&
	ssh -F id/kim-loud.conf "$TEST_LOGIN@web1" "echo ran" >out 2>err && echo "$notice" >expect && test_cmp expect err
'

test_expect_success 'with ssh -q there is nothing' '
	BSSH_OPTS=-q bssh kim "$TEST_LOGIN@web1" "echo ran" >out 2>&1 && echo ran >expect && test_cmp expect out
'

test_expect_success 'who is not let in has read nothing of it' '
	sign_identity_ () { open_ca && sign_identity "$@"; } && sign_identity_ late -n human/kim -V -2h:-1h &&
	BSSH_OPTS="-o LogLevel=INFO" test_expect_code 255 bssh late bastion whoami 2>err && test_grep ! "$notice" err
'

test_expect_success 'the output of an agent'\''s command is its own, both streams' '
	BSSH_OPTS="-o LogLevel=INFO" bssh ci "$TEST_LOGIN@web1" "echo out; echo err >&2" >out 2>err &&
	echo out >expect && test_cmp expect out && echo err >expect && test_cmp expect err
'

test_expect_success 'ssh -n runs its command, git clones, and neither says more than it should (C33)' '
	BSSH_OPTS="-n -o LogLevel=INFO" bssh ci "$TEST_LOGIN@web1" "echo out" >out 2>&1 && echo out >expect && test_cmp expect out &&
	sed "s/LogLevel.*/LogLevel INFO/" id/ci.conf >id/chatty.conf &&
	bgit chatty clone -q "$BASTION_URL/hosted/demo.git" clone >out 2>&1 && test_must_be_empty out
'

test_expect_success 'an agent can find out all the same' '
	bssh ci bastion whoami >out && test_grep "^session .*, recorded" out && bssh ci bastion help >out && test_grep "decided and recorded" out
'

test_expect_success 'the operator'\''s own words are for everybody' '
	stop_bastion && write_config "banner: \"Authorised use only.\"" && start_bastion &&
	for who in ci kim
	do
		BSSH_OPTS="-o LogLevel=INFO" bssh $who bastion whoami >out 2>err && echo "Authorised use only." >expect && test_cmp expect err ||
			return 1
	done
'

test_expect_success 'none is none' '
	stop_bastion && write_config "banner: none" && start_bastion &&
	BSSH_OPTS="-o LogLevel=INFO" bssh kim bastion whoami >out 2>err && test_must_be_empty err
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
