#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a target may be reached through others: each hop has its own host key and proof (T20), and only the way is opened'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

# through TARGET VIA: write it into that target's part of the configuration.
through () {
	sed -i "/^  $1: /s,}\$,\, via: $2\, via_login: $TEST_LOGIN}," "$CONF"
}

# mark NAME; since NAME: what that target's sshd has said meanwhile, in the file "said".
mark () {
	eval "mark_$1=\$((\$(wc -l <target-$1/log) + 1))"
}

since () {
	eval "tail -n +\$mark_$1 target-$1/log" >said
}

# unreached TARGET TEXT
unreached () {
	test_expect_code 69 bssh ci "$TEST_LOGIN@$1" "echo it ran" >out 2>err && test_must_be_empty out && said_once err "$2"
}

test_expect_success 'a bastion with a target behind a target behind a target' '
	init_bastion && start_target jump && start_target inner && start_target deep && start_target shut "AllowTcpForwarding no" &&
	for name in behindshut gone wrongkey held
	do
		start_target $name || return 1
	done &&
	ssh-keygen -q -t ed25519 -N "" -f held-key && cp held-key.pub authorized &&
	start_target keyed "AuthorizedKeysFile $TRASH_DIRECTORY/authorized" "TrustedUserCAKeys none" &&
	cat >policy <<-\EOT &&
	rules:
	  - id: inside
	    who: [agent/*]
	    on: [inner, deep, behindshut, gone, wrongkey, held, "jump-*"]
	    exec: {any: true}
	    do: allow
	EOT
	BASTION_POLICY=policy write_config "limits: {dial_timeout: 3s}" &&
	through inner jump && through deep inner && through behindshut shut && through gone jump && through wrongkey jump && through held keyed &&
	sed -i "/^  keyed: /s,}\$,\, auth: {key: held}}," "$CONF" &&
	sed -i "/^  wrongkey: /s,host_keys: .*\]\,,host_keys: [\"$(cut -d" " -f1,2 target-jump/host.pub)\"]\,," "$CONF" &&
	stop_target gone && start_bastion && make_identity ci agent/ci && sallyport -f "$CONF" secret put held --key held-key
'

test_expect_success 'a command runs behind one' '
	bssh ci "$TEST_LOGIN@inner" "echo it ran; exit 3" >out || test $? -eq 3 && echo "it ran" >expect && test_cmp expect out &&
	test_grep "ID agent/ci S-[A-Z0-9]* jump (serial" target-jump/log && test_grep "ID agent/ci S-[A-Z0-9]* inner (serial" target-inner/log &&
	audit_has event=cert.mint target=jump identity=agent/ci && audit_has event=cert.mint target=inner &&
	audit_has event=exec.start target=inner && recording_of status=3 && test -s "$(recording_of status=3)"
'

test_expect_success 'nothing but the way was opened on the first' '
	test_grep ! "Starting session" target-jump/log && test_grep "Starting session: command" target-inner/log
'

test_expect_success 'and behind two, each with its own key id' '
	bssh ci "$TEST_LOGIN@deep" "echo it ran" >out && test_cmp expect out &&
	session=$(sed -n "s/.*ID agent\/ci \(S-[A-Z0-9]*\) deep .*/\1/p" target-deep/log) && test -n "$session" &&
	test_grep "ID agent/ci $session jump " target-jump/log && test_grep "ID agent/ci $session inner " target-inner/log &&
	test_grep ! "Starting session" target-jump/log
'

test_expect_success 'one on the way is not for the agent, and needs no rule of its own' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@jump" "echo it ran" >out 2>err && test_must_be_empty out
'

test_expect_success 'through one that a held key opens' '
	bssh ci "$TEST_LOGIN@held" "echo it ran" >out && test_cmp expect out && audit_has event=key.use target=keyed name=held
'

test_expect_success 'much goes through both ways and arrives whole' '
	head -c 30000000 /dev/urandom >big && sum=$(sha256sum <big) &&
	bssh ci "$TEST_LOGIN@deep" "sha256sum" <big >out && echo "$sum" >expect.sum && test_cmp expect.sum out &&
	bssh ci "$TEST_LOGIN@deep" "head -c 30000000 /dev/zero | sha256sum; head -c 30000000 /dev/zero" >got && head -n 1 got >first && tail -n +2 got | sha256sum >second &&
	test_cmp first second
'

test_expect_success 'several commands over one connection share one way' '
	BSSH_OPTS="-o ControlMaster=yes -o ControlPath=$TRASH_DIRECTORY/mux" && mark jump && background master bssh ci "$TEST_LOGIN@inner" -N &&
	wait_until "test -S mux" && BSSH_OPTS="-o ControlPath=$TRASH_DIRECTORY/mux" &&
	for i in 1 2 3
	do
		background part$i bssh ci "$TEST_LOGIN@inner" "echo it ran; cat </dev/null" || return 1
	done &&
	ended part1 0 && ended part2 0 && ended part3 0 && test_cmp expect part3.out &&
	since jump && grep "Accepted publickey" said >accepted && test_line_count -eq 1 accepted &&
	bssh ci "$TEST_LOGIN@inner" -O exit 2>exit && BSSH_OPTS= && no_session
'

# below PID: its children, and theirs.
below () {
	for below_ in $(cat "/proc/$1/task/$1/children")
	do
		echo "$below_" && below "$below_"
	done
}

test_expect_success 'when the way breaks the command on it is told, and the next one goes a new way' '
	BSSH_OPTS="-o ControlMaster=yes -o ControlPath=$TRASH_DIRECTORY/mux" && background master bssh ci "$TEST_LOGIN@inner" -N &&
	wait_until "test -S mux" && BSSH_OPTS="-o ControlPath=$TRASH_DIRECTORY/mux" &&
	background cut bssh ci "$TEST_LOGIN@inner" "echo began; sleep 300" && wait_until "grep -q began cut.out" &&
	kill -9 $(below $TARGET_PID_jump) && ended cut 69 && said_once cut.err "^sallyport: stopped REQ-[A-Z0-9]*: the connection to the target ended before the command did" &&
	bssh ci "$TEST_LOGIN@inner" "echo it ran" >out && test_cmp expect out &&
	bssh ci "$TEST_LOGIN@inner" -O exit 2>exit && BSSH_OPTS= && no_session
'

test_expect_success 'one on the way that says nothing costs its session its time, and nobody else' '
	kill -STOP $TARGET_PID_keyed && background slow bssh ci "$TEST_LOGIN@held" "echo it ran" &&
	wait_until "test -n \"\$(session_pids)\"" && bssh ci "$TEST_LOGIN@inner" "echo it ran" >out && ! test -e slow.status &&
	{ ended slow 69; slow=$?; kill -CONT $TARGET_PID_keyed; test $slow -eq 0; } && said_once slow.err "target held: on the way to it: target keyed: no answer in time"
'

test_expect_success 'what is missing on the way is told by its name' '
	unreached gone "^sallyport: unreachable REQ-[A-Z0-9]*: target gone: on the way to it: target jump does not connect to 127.0.0.1 port .*; nothing has run" &&
	unreached behindshut "^sallyport: unreachable REQ-[A-Z0-9]*: target behindshut: on the way to it: target shut does not connect to .*AllowTcpForwarding" &&
	unreached wrongkey "^sallyport: unreachable REQ-[A-Z0-9]*: target wrongkey: host key of wrongkey has changed: expected .*; nothing was sent" &&
	test_grep ! "publickey" target-wrongkey/log
'

test_expect_success 'a changed key of one on the way is a hard stop for all behind it' '
	mark inner && stop_target jump && rm target-jump/host* && ssh-keygen -q -t ed25519 -N "" -f target-jump/host &&
	{ "$SSHD" -D -e -f target-jump/config >target-jump/log 2>&1 & } && jump=$! && test_atexit "stop_pid $jump sshd" &&
	wait_until "test-tool accepts $TARGET_PORT_jump" &&
	unreached deep "^sallyport: unreachable REQ-[A-Z0-9]*: target deep: on the way to it: target inner: on the way to it: target jump: host key of jump has changed: expected " &&
	test_grep ! "publickey" target-jump/log && since inner && test_grep ! "Connection from" said && audit_has event=target.hostkey target=jump
'

test_expect_success 'and when it is down, that is said' '
	stop_pid $jump sshd && unreached inner "^sallyport: unreachable REQ-[A-Z0-9]*: target inner: on the way to it: target jump: Connection refused; nothing has run"
'

# wrong LINE TEXT: with this in the place of inner the configuration is refused.
wrong () {
	cp "$CONF" good.yaml && sed -i "s|^  inner: .*|  inner: {address: \"h:22\", logins: [a], $1}|" "$CONF" &&
	test_must_fail sallyportd -t -f "$CONF" 2>err && test_grep "$2" err && cat good.yaml >"$CONF"
}

test_expect_success 'ways that lead nowhere are refused when the file is read' '
	key="host_keys: [\\\"$(cut -d" " -f1,2 held-key.pub)\\\"]" &&
	wrong "$key, via: deep, via_login: $TEST_LOGIN" "none of the logins\|circle" &&
	wrong "$key, via: inner, via_login: a" "circle" &&
	wrong "$key, via: nowhere, via_login: a" "via names no target" &&
	wrong "$key, via: jump" "needs both via" &&
	wrong "$key, via: jump, via_login: a/b" "via_login is no login" &&
	wrong "host_ca: [\\\"$(cut -d" " -f1,2 held-key.pub)\\\"], via: jump, via_login: a" "cannot be looked up through another" &&
	sallyportd -T -f "$CONF" >printed && test_grep "via_login: \"$TEST_LOGIN\"" printed && stop_bastion
'

test_done
