#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a secret in what a command prints reaches neither the agent nor the recording nor the log'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# The secret is nowhere in what the bastion keeps.
kept_nowhere () {
	! grep -rF "$body" state daemon.log >&2
}

test_expect_success 'a bastion, an agent, and a target with a secret on it' '
	setup_bastion &&
	make_identity ci agent/ci &&
	body=$(random_word 36) && token=gh$(printf p_)$body && test ${#token} -eq 40 &&
	printf "user = someone\ntoken = %s\nlast line\n" "$token" >on-target
'

test_expect_success 'in output' '
	bssh ci "$TEST_LOGIN@web1" "cat \"$TRASH_DIRECTORY/on-target\"" >out 2>err &&
	test_grep "^user = someone$" out && test_grep "^last line$" out &&
	test_grep "^token = " out &&
	test_grep ! "$body" out && kept_nowhere
'

test_expect_success 'in errors' '
	bssh ci "$TEST_LOGIN@web1" "cat \"$TRASH_DIRECTORY/on-target\" >&2" >out 2>err &&
	test_must_be_empty out &&
	test_grep "^last line$" err &&
	test_grep ! "$body" err && kept_nowhere
'

test_expect_success 'cut in two by the program that writes it, with time between' '
	printf %s "$token" | cut -c 1-20 | tr -d "\n" >first && printf %s "$token" | cut -c 21- | tr -d "\n" >rest &&
	conversation cut bssh ci "$TEST_LOGIN@web1" "cd \"$TRASH_DIRECTORY\" && cat first && echo half >&2 && read x; cat rest; echo; echo over" &&
	wait_until "grep -q half cut.err" && echo go on >&9 && exec 9>&- && ended cut 0 &&
	test_grep "^over$" cut.out &&
	test_grep ! "$(cat rest)" cut.out && kept_nowhere
'

test_expect_success 'at the very end, without a newline' '
	bssh ci "$TEST_LOGIN@web1" "printf \"the end: \"; cat \"$TRASH_DIRECTORY/first\" \"$TRASH_DIRECTORY/rest\"" >out &&
	test_grep "^the end: " out && test_grep ! "$(cat rest)" out && kept_nowhere
'

test_expect_success 'in a terminal' '
	BSSH_OPTS=-tt bssh ci "$TEST_LOGIN@web1" "cat \"$TRASH_DIRECTORY/on-target\"" >out 2>err </dev/null &&
	test_grep "last line" out && test_grep ! "$body" out && kept_nowhere
'

test_expect_success 'a private key of many lines' '
	ssh-keygen -q -t rsa -b 2048 -m PEM -N "" -f key &&
	bssh ci "$TEST_LOGIN@web1" "echo before; cat \"$TRASH_DIRECTORY/key\"; echo after" >out &&
	test_grep "^before$" out && test_grep "^after$" out &&
	body=$(sed -n 3p key) && test_grep ! -F "$body" out && ! grep -rF "$body" state/recordings state/audit
'

test_expect_success 'in the command line itself: the log and the approver see it masked, the target gets it' '
	body=$(random_word 36) && token=gh$(printf p_)$body &&
	bssh ci "$TEST_LOGIN@web1" "printf %s $token | wc -c" >out &&
	echo 40 >expect && test_cmp expect out && kept_nowhere
'

test_expect_success 'each find is on record with its rule and a fingerprint' '
	audit_has event=mask.hit "rule=github*" "fingerprint=?*" &&
	audit_has event=exec.end masked=1
'

test_expect_success 'what is no secret is untouched' '
	head -c 3000000 /dev/urandom | base64 >noise &&
	bssh ci "$TEST_LOGIN@web1" "seq 1 20000; sha256sum \"$TRASH_DIRECTORY/noise\"; id" >out &&
	{ seq 1 20000; sha256sum "$TRASH_DIRECTORY/noise"; id; } >expect && test_cmp expect out
'

test_done
