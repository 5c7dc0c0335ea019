#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a target with another host key is a hard stop (T20), every pinned type counts (C29), full and slow targets are told apart (C2)'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# fingerprint FILE: as in the bastion's words.
fingerprint () {
	ssh-keygen -lf "$1" | cut -d' ' -f2
}

# another_host_key NAME TYPE: the same target on the same port, with a new key.
another_host_key () {
	eval "old_port_=\$TARGET_PORT_$1"
	stop_target "$1" && cp "target-$1/host.pub" "$1.old.pub" && rm "target-$1/host" "target-$1/host.pub" &&
	ssh-keygen -q -t "$2" -N "" -f "target-$1/host" && cp target-$1/config "$1.config" &&
	{ "$SSHD" -D -e -f "$1.config" >"target-$1/log" 2>&1 & } && new_pid_=$! && test_atexit "stop_pid $new_pid_ sshd" &&
	wait_until "test-tool accepts $old_port_"
}

test_expect_success 'a bastion with seven targets' '
	init_bastion && start_target web1 && start_target moved && start_target retyped && start_target rsa &&
	start_target none "MaxSessions 0" && start_target one "MaxSessions 1" &&
	stop_target rsa && rm target-rsa/host* && ssh-keygen -q -t rsa -b 2048 -N "" -f target-rsa/host &&
	{ "$SSHD" -D -e -f target-rsa/config >target-rsa/log 2>&1 & } && rsa=$! && test_atexit "stop_pid $rsa sshd" &&
	ssh-keygen -q -t ecdsa -N "" -f spare && spare=$(cut -d" " -f1,2 spare.pub) &&
	start_target mfa "PasswordAuthentication yes" "AuthenticationMethods publickey,password" &&
	write_config && sed -i "/ web1:/s,host_keys: .,&\"$spare\"\, ," "$CONF" && grep -q "$spare" "$CONF" &&
	start_bastion && make_identity ci agent/ci
'

test_expect_success 'one of two pinned keys is enough, and RSA is as good' '
	bssh ci "$TEST_LOGIN@web1" "echo it ran" >out && echo "it ran" >expect && test_cmp expect out &&
	bssh ci "$TEST_LOGIN@rsa" "echo it ran" >out && test_cmp expect out
'

test_expect_success 'a target with a key of each type may be pinned by any one of them (C29)' '
	for type in ed25519 ecdsa rsa
	do
		ssh-keygen -q -t $type -N "" -f key-$type && echo "HostKey $TRASH_DIRECTORY/key-$type" || return 1
	done >keys && sed "/^HostKey/d" target-web1/config >three.config && cat keys >>three.config && port=$(test-tool free-port) &&
	sed -i "s/^Port .*/Port $port/" three.config && { "$SSHD" -D -e -f three.config >three.log 2>&1 & } && three=$! && test_atexit "stop_pid $three sshd" &&
	for type in ed25519 ecdsa rsa
	do
		sed -i "s|^targets:|&\n  three-$type: {address: \"127.0.0.1:$port\", logins: [\"*\"], host_keys: [\"$(cut -d" " -f1,2 key-$type.pub)\"]}|" "$CONF" || return 1
	done && sallyport -f "$CONF" reload && wait_until "test-tool accepts $port" &&
	for type in ed25519 ecdsa rsa
	do
		bssh ci "$TEST_LOGIN@three-$type" "echo it ran" >out && test_cmp expect out || return 1
	done
'

test_expect_success 'a target that wants a second proof says so (C9)' '
	test_expect_code 69 bssh ci "$TEST_LOGIN@mfa" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "^sallyport: unreachable REQ-[A-Z0-9]*: target mfa: target wants another proof besides ours"
'

test_expect_success 'a changed key is a hard stop: one line with both keys, nothing was sent, and it is on record' '
	bssh ci "$TEST_LOGIN@moved" true && another_host_key moved ed25519 &&
	test_expect_code 69 bssh ci "$TEST_LOGIN@moved" "echo it ran" >out 2>err && test_must_be_empty out &&
	old=$(fingerprint moved.old.pub) new=$(fingerprint target-moved/host.pub) &&
	said_once err "^sallyport: unreachable REQ-[A-Z0-9]*: target moved: host key of moved has changed: expected $old, got $new; nothing was sent; nothing has run; tell whoever runs this bastion$" &&
	audit_has event=target.hostkey target=moved expected="$old" got="$new" && test_line_count -eq 1 rec &&
	test_grep ! "Accepted\|publickey" target-moved/log
'

test_expect_success 'a key of another type in its place is the same' '
	another_host_key retyped ecdsa &&
	test_expect_code 69 bssh ci "$TEST_LOGIN@retyped" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "host key of retyped has changed: expected $(fingerprint retyped.old.pub), got no key of that type; nothing was sent" &&
	audit_has event=target.hostkey target=retyped && test_grep ! "Accepted\|publickey" target-retyped/log
'

test_expect_success 'no certificate was minted for either since' '
	audit_has event=cert.mint target=moved && test_line_count -eq 1 rec && audit_lacks event=cert.mint target=retyped
'

test_expect_success 'a target that opens no session at all says so at once' '
	test_expect_code 69 bssh ci "$TEST_LOGIN@none" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "^sallyport: unreachable REQ-[A-Z0-9]*: the target opens no session (MaxSessions.*nothing has run"
'

test_expect_success 'one that opens no more is to be tried again, and the first command goes on' '
	mkfifo hold && BSSH_OPTS="-o ControlMaster=yes -o ControlPath=$TRASH_DIRECTORY/mux" &&
	background first bssh ci "$TEST_LOGIN@one" "echo began; timeout 60 cat $TRASH_DIRECTORY/hold" && wait_until "grep -q began first.out" &&
	BSSH_OPTS="-o ControlPath=$TRASH_DIRECTORY/mux" &&
	test_expect_code 75 bssh ci "$TEST_LOGIN@one" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "^sallyport: not now REQ-[A-Z0-9]*: the target opens no more sessions.*nothing has run, try again" &&
	BSSH_OPTS= && echo done >hold && ended first 0 && test_grep done first.out
'

test_expect_success 'the bastion is unharmed' '
	bssh ci "$TEST_LOGIN@web1" "echo it ran" >out && stop_bastion
'

test_done
