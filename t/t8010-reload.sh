#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='SIGHUP: a wrong configuration changes nothing, a right one is for the sessions that begin then'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

reloaded () {
	wait_until "test \$(grep -c \"$1\" daemon.log) -ge $2"
}

test_expect_success 'a bastion, an agent, a connection that is kept' '
	setup_bastion &&
	make_identity ci agent/ci &&
	MUX="-o ControlMaster=auto -o ControlPath=$TRASH_DIRECTORY/mux -o ControlPersist=yes" &&
	test_atexit "ssh -O exit -o ControlPath=$TRASH_DIRECTORY/mux x 2>/dev/null" &&
	BSSH_OPTS="$MUX" bssh ci "$TEST_LOGIN@web1" "echo before" &&
	cp "$CONF" good.conf && cp state/policy.yaml good.policy
'

test_expect_success 'a configuration with an unknown key: the old one stays, the log says file, line and key' '
	echo "no_such_key: 1" >>"$CONF" && line=$(wc -l <"$CONF") &&
	kill -HUP "$BASTION_PID" && reloaded "the old configuration stays" 1 &&
	test_grep "sallyport.yaml:$line: .*no_such_key" daemon.log &&
	bssh ci "$TEST_LOGIN@web1" "echo still here" >out && test_grep "still here" out
'

test_expect_success 'a policy that cannot be read: the same' '
	cp good.conf "$CONF" && echo "  - id: broken" >>state/policy.yaml &&
	kill -HUP "$BASTION_PID" && reloaded "the old configuration stays" 2 && test_grep "policy.yaml:[0-9]*: " daemon.log &&
	bssh ci "$TEST_LOGIN@web1" "echo still here" >out
'

test_expect_success 'a policy whose own examples fail: the same' '
	sed "s/    exec: \[\"printf forbidden\"\]/&\n    match: [\"echo harmless\"]/" good.policy >state/policy.yaml &&
	! cmp -s good.policy state/policy.yaml &&
	kill -HUP "$BASTION_PID" && reloaded "the old configuration stays" 3 && test_grep "harmless" daemon.log
'

test_expect_success 'sallyport reload tells the administrator' '
	sallyport -f "$CONF" reload >out 2>err; cat out err >both; test_grep "stays\|policy.yaml:[0-9]*: " both
'

test_expect_success 'a good one is in force for new sessions' '
	sed "s/printf forbidden/echo/" good.policy >state/policy.yaml &&
	kill -HUP "$BASTION_PID" && reloaded "configuration loaded again" 1 &&
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "echo after" 2>err &&
	said_once err "denied REQ-[A-Z0-9]* rule=forbidden"
'

test_expect_success 'a session that began before keeps its own' '
	BSSH_OPTS="$MUX" bssh ci "$TEST_LOGIN@web1" "echo as before" >out && test_grep "as before" out
'

test_expect_success 'a new target is there' '
	start_target web2 && cp good.policy p && BASTION_POLICY=p write_config &&
	kill -HUP "$BASTION_PID" && reloaded "configuration loaded again" 2 &&
	bssh ci "$TEST_LOGIN@web2" "echo second" >out && test_grep second out
'

test_expect_success 'accepted and refused reloads are on record' '
	audit_has event=daemon.reload accepted=false && audit_has event=daemon.reload accepted=true
'

test_expect_success 'the daemon ends in order' '
	ssh -O exit -o ControlPath="$TRASH_DIRECTORY/mux" x && stop_bastion
'

test_done
