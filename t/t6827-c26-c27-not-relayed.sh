#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C26, C27: pings and announcements of host keys end at the bastion, in either direction'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

test_expect_success 'a bastion, and a target that announces its keys' '
	init_bastion && start_target web1 "LogLevel DEBUG3" && write_config && start_bastion &&
	make_identity ci agent/ci && open_direct
'

test_expect_success 'the target does announce them, to who comes without a bastion' '
	wire_direct "exec=exit 1" >got && test_grep "^global hostkeys-00@openssh.com" got
'

test_expect_success 'through the bastion nobody hears of them' '
	wire ci "$TEST_LOGIN@web1" "exec=exit 1" >got && test_grep ! ^global got && test_grep "^status 1$" got
'

test_expect_success 'stock ssh that would learn new keys learns none, and says nothing of a bad signature' '
	cp id/known_hosts before && sed "s/UpdateHostKeys no/UpdateHostKeys yes/; s/LogLevel ERROR/LogLevel DEBUG/" id/ci.conf >id/learn.conf &&
	bssh learn "$TEST_LOGIN@web1" true 2>err &&
	test_grep ! -i -e hostkeys -e "bad signature" err && test_cmp before id/known_hosts
'

test_expect_success 'a ping, before the command and while it runs, does not reach the target and ends nothing' '
	>target-web1/log.mark && before=$(grep -c "type 192" target-web1/log)
	wire ci "$TEST_LOGIN@web1" ping "exec=cat; exit 3" ping data=x until=x ping eof >got &&
	test_grep "^status 3$" got && test_grep ! "type 192" target-web1/log
'

test_expect_success 'nor does a global request that nobody knows' '
	wire ci "$TEST_LOGIN@web1" global=nothing@example.org global=hostkeys-00@openssh.com "exec=exit 3" >got &&
	test_grep "^status 3$" got && test_grep ! nothing@example.org target-web1/log
'

test_expect_success 'without a bastion both arrive, and the log of the target says so: a ping even ends the connection to this one' '
	wire_direct global=nothing@example.org "exec=exit 3" >got && test_grep "^status 3$" got &&
	test_grep nothing@example.org target-web1/log &&
	{ wire_direct "exec=cat" data=x until=x ping eof >got 2>&1 || :; } && test_grep "type 192" target-web1/log
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
