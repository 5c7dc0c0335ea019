#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C22: keepalives on both legs: who lives stays however silent, who is gone goes'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion that asks after one second of silence, five times' '
	setup_bastion "limits: {keepalive_interval: 1s, keepalive_count: 5}" && make_identity ci agent/ci
'

test_expect_success 'a command that says nothing for longer than that runs to its end; both peers were asked' '
	BSSH_OPTS=-vvv bssh ci "$TEST_LOGIN@web1" "sleep 8; echo done" >out 2>err &&
	echo done >expect && test_cmp expect out &&
	grep "client_input_global_request: rtype keepalive@openssh.com want_reply 1" err >asked && test $(wc -l <asked) -ge 3
'

test_expect_success 'a client that lives no more is gone, and its command is hung up on' '
	conversation gone bssh ci "$TEST_LOGIN@web1" "echo up; echo \$\$; exec sleep 1001" &&
	wait_until "test \$(wc -l <gone.out) -eq 2" && test_when_finished "kill $(tail -1 gone.out)" && client=$(pgrep -f "[s]sh -F .*exec sleep 1001" | head -1) &&
	kill -STOP "$client" && test_when_finished "kill -CONT $client" &&
	audit_has event=exec.end signal=HUP && test_grep "the agent gives no sign of life" daemon.log
'

test_expect_success 'a target that lives no more: the agent hears of it' '
	conversation dead bssh ci "$TEST_LOGIN@web1" "echo up; echo \$\$; echo \$PPID; exec sleep 1002" &&
	wait_until "test \$(wc -l <dead.out) -eq 3" && test_when_finished "kill $(sed -n 2p dead.out)" && sshd=$(tail -1 dead.out) &&
	kill -STOP "$sshd" && test_when_finished "kill -CONT $sshd" &&
	wait_until "test -e dead.status" && ended dead 69 && test_grep "ended before the command did" dead.err
'

test_expect_success 'the daemon ends in order' '
	exec 9>&- ; stop_bastion
'

test_done
