#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='targets that know only passwords are opened by one from the key process, shown to nobody else'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

# start_asking NAME HOW: a target that asks for the password in this way.
start_asking () {
	mkdir "target-$1" && ssh-keygen -q -t ed25519 -N "" -f "target-$1/host" &&
	{ "$PARAMIKO_PYTHON" "$TEST_SRCDIR/t/helper/sshtarget.py" --key "target-$1/host" --port-file "$1.port" --user "$TEST_LOGIN" \
		--password-file password --ask "$2" >"target-$1/log" 2>&1 & } &&
	asking_=$! && test_atexit "stop_pid $asking_ sshtarget" &&
	wait_until "test -s $1.port" && eval "TARGET_PORT_$1=\$(cat $1.port)" && bastion_targets_="$bastion_targets_ $1"
}

test_expect_success 'a bastion with targets that ask for a password' '
	init_bastion && random_word 24 >password && random_word 24 >other &&
	for how in password one words two shown
	do
		start_asking $how $how || return 1
	done &&
	start_asking wrong password && start_asking moved password && start_target web1 && write_config &&
	sed -i "/^  web1:/!s/^\(  [a-z0-9]*: {address.*\)}\$/\1, auth: {password: pw}}/; /^  wrong:/s/: pw/: wrong/" "$CONF" &&
	ssh-keygen -q -t ed25519 -N "" -f new && sed -i "/^  moved:/s,host_keys: \[[^]]*,host_keys: [\"$(cut -d" " -f1,2 new.pub)\"," "$CONF" &&
	start_bastion && make_identity ci agent/ci &&
	sallyport -f "$CONF" secret put pw --password-stdin <password && sallyport -f "$CONF" secret put wrong --password-stdin <other
'

test_expect_success 'a password is one line' '
	printf "a\nb\n" | test_must_fail sallyport -f "$CONF" secret put x --password-stdin 2>err && test_grep "one line" err &&
	test_must_fail sallyport -f "$CONF" secret put x --password-stdin </dev/null &&
	sallyport -f "$CONF" secret list >out && test_line_count -eq 3 out && test_grep "^pw  *password" out && ! grep -q "$(cat password)" out
'

test_expect_success 'by the method password' '
	bssh ci "$TEST_LOGIN@password" "echo it ran" >out && echo "it ran" >expect && test_cmp expect out &&
	audit_has event=key.use target=password kind=password name=pw && test_line_count -eq 1 rec
'

test_expect_success 'by keyboard-interactive with one hidden question, and with words before it' '
	bssh ci "$TEST_LOGIN@one" "echo it ran" >out && test_cmp expect out &&
	bssh ci "$TEST_LOGIN@words" "echo it ran" >out && test_cmp expect out &&
	test_grep "method keyboard-interactive" target-words/log
'

test_expect_success 'two questions, or one that is shown, get no answer' '
	for how in two shown
	do
		test_expect_code 69 bssh ci "$TEST_LOGIN@$how" "echo it ran" >out 2>err && test_must_be_empty out &&
		said_once err "target refused the held password for this login, or asked something else" &&
		test_grep asked target-$how/log && test_grep ! wrong target-$how/log || return 1
	done
'

test_expect_success 'a wrong one is tried once in a session, whatever is asked for in it' '
	BSSH_OPTS="-o ControlMaster=yes -o ControlPath=$TRASH_DIRECTORY/mux" && background master bssh ci "$TEST_LOGIN@wrong" -N &&
	wait_until "test -S mux" && BSSH_OPTS="-o ControlPath=$TRASH_DIRECTORY/mux" &&
	test_expect_code 69 bssh ci "$TEST_LOGIN@wrong" "echo it ran" >out 2>err &&
	test_expect_code 69 bssh ci "$TEST_LOGIN@wrong" "echo it ran" >out 2>err && test_must_be_empty out &&
	bssh ci "$TEST_LOGIN@wrong" -O exit 2>exit && BSSH_OPTS= &&
	said_once err "target refused the held password for this login; nothing has run" &&
	grep "method password" target-wrong/log >tries && test_line_count -eq 1 tries &&
	audit_has event=key.use target=wrong && test_line_count -eq 1 rec
'

test_expect_success 'a target with another host key is never asked' '
	test_expect_code 69 bssh ci "$TEST_LOGIN@moved" "echo it ran" 2>err && said_once err "host key of moved has changed" &&
	test_grep ! method target-moved/log && audit_lacks event=key.use target=moved
'

test_expect_success 'the password is nowhere in state, logs or recordings' '
	stop_bastion && ! grep -rqF -f password state daemon.log err out && ! grep -rqF -f other state daemon.log err out
'

test_done
