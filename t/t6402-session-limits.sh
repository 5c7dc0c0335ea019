#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='how long a session may last, how long it may be idle, and how many an identity may have'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test -z "$PARAMIKO_PYTHON" || test_set_prereq PARAMIKO

# limits_policy PROFILE-LINE..: the default policy with these profiles before its own.
limits_policy () {
	echo profiles:
	for limits_line_
	do
		printf '  - %s\n' "$limits_line_"
	done
	default_policy | sed 1d
}

limits_policy \
	'{who: [agent/brief], use: exec-gated, max_session: 2s}' \
	'{who: [agent/idle], use: exec-gated, idle: 3s}' \
	'{who: [agent/silent], use: shell-audited, idle_command: 3s}' \
	'{who: [agent/one], use: exec-gated, sessions_per_identity: 1}' \
	'{who: [agent/few], use: exec-gated, sessions_per_identity: 2}' >limits.yaml
BASTION_POLICY=$PWD/limits.yaml

test_expect_success 'a bastion, and an identity for each limit' '
	setup_bastion "limits: {stop_grace: 5s, max_session: 1h}" &&
	for name in ci brief idle silent one few
	do
		make_identity $name agent/$name || return 1
	done
'

# master NAME: a connection of that identity that stays, without a channel.
master () {
	ssh -F id/$1.conf -o LogLevel=INFO -o ControlPath="$PWD/mux-$1" -M -N -f "$TEST_LOGIN@web1@127.0.0.1" 2>master-$1.err
}

# has_master NAME: it is there.
has_master () {
	ssh -F id/$1.conf -o ControlPath="$PWD/mux-$1" -O check x 2>/dev/null
}

test_expect_success 'max_session: a command that runs is cut when the time and the grace are over, with 75 and the reason' '
	test-tool ms >before &&
	test_expect_code 75 bssh brief "$TEST_LOGIN@web1" "echo begun; sleep 60" >out 2>err &&
	test-tool ms >after && echo begun >expect && test_cmp expect out &&
	said_once err "^sallyport: stopped REQ-[A-Z0-9]*: the session has lasted its 2s (max_session); connect again" &&
	ms=$(($(cat after) - $(cat before))) && test $ms -ge 7000 && test $ms -lt 40000
'

test_expect_success 'that is on record, and its recording sealed' '
	audit_has event=exec.end identity=agent/brief signal=HUP && audit_has event=recording.close identity=agent/brief
'

test_expect_success 'and the command on the target is over' '
	wait_until "! pgrep -f \"echo begun[;] sleep\" >/dev/null"
'

test_expect_success 'a push that waits for a human is told, and nothing of it is stored' '
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" clone && (cd clone && test_commit asked) &&
	test_must_fail bgit brief -C clone push origin HEAD:main >out 2>err && test_grep "pending REQ-" err &&
	test_grep "the session has lasted its 2s (max_session); connect again" err && upstream_has_none demo clone origin/main..HEAD
'

test_expect_success 'what ends within the grace has its own status' '
	test_expect_code 7 bssh brief "$TEST_LOGIN@web1" "sleep 2.3; exit 7" 2>err && test_must_be_empty err
'

test_expect_success 'a connection without a channel ends at once when its time is over' '
	master brief && has_master brief && wait_until "! has_master brief" &&
	bssh brief "$TEST_LOGIN@web1" true
'

test_expect_success 'idle: a connection on which nothing runs ends' '
	master idle && has_master idle && wait_until "! has_master idle"
'

test_expect_success 'keepalives do not keep it' '
	ssh -F id/idle.conf -o ServerAliveInterval=1 -o ControlPath="$PWD/mux-idle" -M -N -f "$TEST_LOGIN@web1@127.0.0.1" &&
	has_master idle && wait_until "! has_master idle"
'

test_expect_success PARAMIKO 'a channel on which nothing is asked for does not keep it either' '
	badclient linger --user "$TEST_LOGIN@web1" --key id/idle --seconds 20 >out && test_grep "^ended yes" out
'

test_expect_success 'idle: a command that runs is not idle, however silent; afterwards the clock begins' '
	ssh -F id/idle.conf -o ControlPath="$PWD/mux-idle" -M -N -f "$TEST_LOGIN@web1@127.0.0.1" &&
	BSSH_OPTS="-o ControlPath=$PWD/mux-idle" test_expect_code 4 bssh idle "$TEST_LOGIN@web1" "sleep 5; exit 4" 2>err &&
	test_must_be_empty err && has_master idle && wait_until "! has_master idle"
'

test_expect_success 'idle_command: what is silent both ways is cut, with 75 and the reason' '
	test_expect_code 75 bssh silent "$TEST_LOGIN@web1" "echo begun; sleep 60" >out 2>err </dev/null && test_grep begun out &&
	said_once err "^sallyport: stopped REQ-[A-Z0-9]*: nothing has come from it or gone to it for 3s (idle_command)"
'

test_expect_success 'what speaks now and then is not, and neither is what is spoken to' '
	bssh silent "$TEST_LOGIN@web1" "for i in 1 2 3 4 5; do echo \$i; sleep 1; done" >out && test_line_count -eq 5 out &&
	for i in 1 2 3 4 5
	do
		echo $i && test-tool nap 1000
	done | bssh silent "$TEST_LOGIN@web1" "wc -l >$PWD/heard" && test "$(cat heard)" -eq 5
'

test_expect_success 'only the silent one of two commands on one connection is cut' '
	master silent &&
	BSSH_OPTS="-o ControlPath=$PWD/mux-silent" &&
	background quiet bssh silent "$TEST_LOGIN@web1" "sleep 60" &&
	background loud bssh silent "$TEST_LOGIN@web1" "for i in 1 2 3 4 5 6; do echo \$i; sleep 1; done" &&
	BSSH_OPTS= && ended quiet 75 && ended loud 0 && test_line_count -eq 6 loud.out
'

test_expect_success 'sessions_per_identity: the third of two is told why, with 75, and nothing has run' '
	master few && conversation second bssh few "$TEST_LOGIN@web1" "echo second; cat" && wait_until "grep -q second second.out" &&
	test_expect_code 75 bssh few "$TEST_LOGIN@web1" "touch $PWD/third" 2>err &&
	said_once err "^sallyport: not let in: agent/few has 2 sessions already (sessions_per_identity); end one, or try again later" &&
	test_path_is_missing third && audit_has event=session.refused identity=agent/few "reason=*2 sessions*" &&
	test_expect_code 75 bssh few bastion whoami
'

test_expect_success 'git hears it too, and others come in' '
	test_must_fail bgit few ls-remote "$BASTION_URL/hosted/demo.git" 2>err && test_grep "not let in: agent/few has 2 sessions" err &&
	bssh ci "$TEST_LOGIN@web1" true
'

test_expect_success 'when one has ended there is room again' '
	exec 9>&- && ended second 0 && wait_until "bssh few bastion whoami >out 2>&1" &&
	ssh -F id/few.conf -o ControlPath="$PWD/mux-few" -O exit x 2>/dev/null
'

test_expect_success 'ssh -J is one session, not two' '
	jump_conf one && ssh -F id/one-j.conf "$TEST_LOGIN@web1" "echo through" >out && echo through >expect && test_cmp expect out &&
	audit_has event=session.start identity=agent/one "outer=S-*" profile=exec-gated
'

test_expect_success 'whoami tells the limits' '
	bssh few bastion whoami >out &&
	test_grep "^limits       session 1h, idle 30m, silent command -, sessions at a time 2" out &&
	BSSH_OPTS="-o SetEnv=SALLYPORT_FORMAT=json" bssh silent bastion whoami >out && test_grep "\"idle_command_ms\":3000," out
'

test_expect_success 'the daemon ends in order, nobody is left' '
	stop_bastion && sallyport -f "$CONF" audit verify
'

test_done
