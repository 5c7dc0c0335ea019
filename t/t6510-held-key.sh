#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='targets that know no CA are opened by a key that never leaves the key process'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

secret () {
	sallyport -f "$CONF" secret "$@"
}

# opened_by TARGET LINE: write it into that target's part of the configuration.
opened_by () {
	sed -i "/^  $1: /s,}\$,\, $2}," "$CONF"
}

test_expect_success 'a bastion with targets that trust keys alone' '
	init_bastion &&
	for type in ed25519 ecdsa rsa
	do
		ssh-keygen -q -t $type -N "" -C "held for $type" -f held-$type || return 1
	done &&
	cat held-*.pub >authorized && ssh-keygen -q -t ed25519 -N "" -f stranger &&
	for name in ed25519 ecdsa rsa wrong missing
	do
		start_target $name "AuthorizedKeysFile $TRASH_DIRECTORY/authorized" "TrustedUserCAKeys none" || return 1
	done &&
	start_target web1 && write_config &&
	for name in ed25519 ecdsa rsa wrong missing
	do
		opened_by $name "auth: {key: $name}" || return 1
	done &&
	start_bastion && make_identity ci agent/ci
'

test_expect_success 'secret put stores a key and prints its public half' '
	for type in ed25519 ecdsa rsa
	do
		secret put $type --key held-$type >out 2>err && test_grep "stored key $type" err &&
		cut -d" " -f1,2 held-$type.pub >expect && cut -d" " -f1,2 out >actual && test_cmp expect actual || return 1
	done &&
	secret put wrong --key - <stranger >out
'

test_expect_success 'what cannot be held is refused with the reason' '
	ssh-keygen -q -t ed25519 -N "a passphrase" -f locked && test_must_fail secret put x --key locked 2>err && test_grep "has a passphrase" err &&
	test_must_fail secret put x --key held-rsa.pub 2>err && test_grep "others may read it\|not a private key" err &&
	chmod 600 held-rsa.pub && test_must_fail secret put x --key held-rsa.pub 2>err && test_grep "not a private key" err &&
	ssh-keygen -q -t rsa -b 1024 -N "" -f weak && test_must_fail secret put x --key weak 2>err && test_grep "2048" err &&
	test_must_fail secret put ../x --key stranger 2>err && test_grep "a name is" err &&
	test_must_fail secret put x --key "" && chmod 644 stranger &&
	test_must_fail secret put x --key stranger 2>err && test_grep "others may read it" err && chmod 600 stranger
'

test_expect_success 'the list shows names and public halves' '
	secret list >out && test_line_count -eq 5 out &&
	test_grep "^rsa  *key .*$(ssh-keygen -lf held-rsa.pub | cut -d" " -f2)" out && test_grep ! "^x " out
'

test_expect_success 'a command runs on each, with the session on the key process and not the key' '
	for type in ed25519 ecdsa rsa
	do
		bssh ci "$TEST_LOGIN@$type" "echo on $type" >out && echo "on $type" >expect && test_cmp expect out &&
		test_grep "Accepted publickey for $TEST_LOGIN .*$(ssh-keygen -lf held-$type.pub | cut -d" " -f2)" target-$type/log &&
		audit_has event=key.use target=$type login="$TEST_LOGIN" name=$type kind=key \
			key="$(ssh-keygen -lf held-$type.pub | cut -d" " -f2)" identity=agent/ci && test_line_count -eq 1 rec || return 1
	done &&
	audit_lacks event=cert.mint
'

test_expect_success 'the use is on record before the command is' '
	sallyport -f "$CONF" audit export --jsonl >log && use=$(grep -n "\"event\":\"key.use\"" log | head -n 1 | cut -d: -f1) &&
	auth=$(grep -n "\"event\":\"exec.end\"" log | head -n 1 | cut -d: -f1) && test "$use" -lt "$auth"
'

test_expect_success 'a key that the target does not take, and one that is not there' '
	test_expect_code 69 bssh ci "$TEST_LOGIN@wrong" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "^sallyport: unreachable REQ-[A-Z0-9]*: target wrong: target refused the held key for this login; nothing has run" &&
	test_expect_code 69 bssh ci "$TEST_LOGIN@missing" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "target missing: the key that opens it is not to be had: there is no secret of this name" &&
	audit_lacks event=key.use target=missing
'

test_expect_success 'a loan is good for one signature: with it the key process lets go of the session, which goes on' '
	wait_until "test -z \"\$(session_pids)\"" && keyd=$(helper_pid keyd) && before=$(ls /proc/$keyd/fd | wc -l) &&
	rm -f hold && mkfifo hold && background held bssh ci "$TEST_LOGIN@rsa" "echo began; timeout 60 cat $TRASH_DIRECTORY/hold" &&
	wait_until "grep -q began held.out" && wait_until "test \$(ls /proc/$keyd/fd | wc -l) -eq $before" &&
	echo done >hold && ended held 0
'

# in_memory PID HEX: whether that process has these bytes in its memory.
in_memory () {
	/usr/bin/python3 - "$1" "$2" <<-\EOT
	import re, sys
	want = bytes.fromhex(sys.argv[2])
	found = False
	with open("/proc/%s/maps" % sys.argv[1]) as maps, open("/proc/%s/mem" % sys.argv[1], "rb") as mem:
	    for line in maps:
	        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
	        if not m or "[v" in line:
	            continue
	        a, b = int(m[1], 16), int(m[2], 16)
	        try:
	            mem.seek(a)
	            data = mem.read(b - a)
	        except (OSError, ValueError, OverflowError):
	            continue
	        found = found or want in data
	sys.exit(0 if found else 1)
	EOT
}

if test "$(id -u)" = 0 && test -x /usr/bin/python3 && cat /proc/$$/mem 2>&1 | head -c 0
then
	test_set_prereq MEMORY
fi

test_expect_success MEMORY,PLAIN 'no session and not the parent has the private half in memory, during a session and after' '
	wait_until "test -z \"\$(session_pids)\"" && rm -f hold && mkfifo hold && background held bssh ci "$TEST_LOGIN@ed25519" "echo began; timeout 60 cat $TRASH_DIRECTORY/hold" &&
	wait_until "grep -q began held.out" &&
	seed=$(grep -v -e ----- held-ed25519 | base64 -d | tail -c +162 | head -c 32 | od -An -tx1 | tr -d " \n") && test ${#seed} = 64 &&
	session=$(session_pids) && test "$(echo $session | wc -w)" -eq 1 &&
	public=$(cut -d" " -f2 held-ed25519.pub | base64 -d | tail -c 32 | od -An -tx1 | tr -d " \n") &&
	in_memory "$session" "$public" && ! in_memory "$session" "$seed" && ! in_memory "$BASTION_PID" "$seed" &&
	echo done >hold && ended held 0
'

test_expect_success 'a removed key opens nothing any more' '
	secret remove ed25519 2>err && test_grep "removed ed25519" err && test_must_fail secret remove ed25519 2>err && test_grep "none of this name" err &&
	test_expect_code 69 bssh ci "$TEST_LOGIN@ed25519" "echo it ran" >out 2>err && test_must_be_empty out &&
	audit_has event=secret.put name=rsa "by=host/*" && audit_has event=secret.remove name=ed25519
'

test_expect_success 'the store is sealed, outlives a restart, and does not open when altered' '
	test "$(stat -c %a "$STATE/ca/secrets")" = 600 && ! grep -q ecdsa "$STATE/ca/secrets" &&
	stop_bastion && start_bastion && bssh ci "$TEST_LOGIN@rsa" "echo again" >out && echo again >expect && test_cmp expect out &&
	stop_bastion && test-tool flip "$STATE/ca/secrets" 100 && test_must_fail sallyportd -f "$CONF" -D >altered 2>&1 &&
	test_grep "ca/secrets: does not open with this master key, or was altered" altered
'

test_done
