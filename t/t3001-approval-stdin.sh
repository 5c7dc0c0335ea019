#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='standard input and environment are part of what is approved'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# ask_with STDIN [NAME=VALUE]: ask for a shell that reads its commands from there; 75, and the request in $req.
ask_with () {
	{ cat id/ci.conf && printf "\tSetEnv %s\n" "SALLYPORT_WAIT=0 $2"; } >id/now.conf &&
	printf '%s' "$1" | test_expect_code 75 bssh now "$TEST_LOGIN@web1" sh >out 2>err &&
	req=$(sed -n 's/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p' err) && test -n "$req"
}

test_expect_success 'a bastion, an agent, an engineer' '
	setup_bastion &&
	make_identity ci agent/ci &&
	make_identity eva human/eva --group engineers
'

test_expect_success 'a script on standard input is asked about' '
	ask_with "echo hello; exit 3" && first=$req &&
	test_grep "rule=unresolved-too" err
'

test_expect_success 'the engineer is shown the script' '
	bssh eva bastion show "$first" >out && test_grep "standard input, 18 bytes" out && test_grep "| echo hello; exit 3" out
'

test_expect_success 'another script is another request' '
	ask_with "echo hello; exit 4" && test "$req" != "$first" &&
	ask_with "echo hello; exit 3
" && test "$req" != "$first"
'

test_expect_success 'another environment is another request' '
	ask_with "echo hello; exit 3" LANG=de_DE.UTF-8 && test "$req" != "$first" &&
	bssh eva bastion show "$req" >out && test_grep "LANG=de_DE.UTF-8" out
'

test_expect_success 'what was approved is what runs' '
	bssh eva bastion approve "$first" &&
	printf "echo hello; exit 3" | test_expect_code 3 bssh ci "$TEST_LOGIN@web1" sh >out 2>err &&
	echo hello >expect && test_cmp expect out
'

test_expect_success 'input that comes after the asking does not reach the command' '
	conversation late bssh ci "$TEST_LOGIN@web1" sh &&
	wait_until "grep -q pending late.err" && echo "echo smuggled" >&9 &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" late.err) &&
	bssh eva bastion show "$req" >out && test_grep ! "standard input" out &&
	bssh eva bastion approve "$req" && ended late 0 && exec 9>&- &&
	test_must_be_empty late.out
'

test_expect_success 'input that has begun is asked about when it has ended, whole' '
	conversation slow bssh ci "$TEST_LOGIN@web1" sh && echo "echo one" >&9 &&
	bssh ci bastion whoami && ! grep pending slow.err &&
	echo "echo two" >&9 && exec 9>&- && wait_until "grep -q pending slow.err" &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" slow.err) &&
	bssh eva bastion show "$req" >out && test_grep "| echo one.*echo two" out &&
	bssh eva bastion approve "$req" && ended slow 0 &&
	printf "one\ntwo\n" >expect && test_cmp expect slow.out
'

test_expect_success 'a secret in the script is masked for the approver' '
	body=$(random_word 36) && token=gh$(printf p_)$body &&
	ask_with "TOKEN=$token make deploy" &&
	bssh eva bastion show "$req" >out && test_grep "make deploy" out && test_grep ! "$body" out &&
	! grep -rF "$body" state daemon.log
'

test_expect_success 'control characters cannot hide anything from the approver' '
	ask_with "$(printf "echo harmless\rrm -rf home #\033[2K\nls")" &&
	bssh eva bastion show "$req" >out && test_grep "\\\\x0drm -rf home #\\\\x1b\[2K" out
'

test_expect_success 'more than a human can read is refused' '
	head -c 20000 /dev/zero | tr "\0" "#" >long &&
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" sh <long 2>err &&
	said_once err "more text than a human can be shown" &&
	head -c 3000000 /dev/zero | tr "\0" "#" >long &&
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" sh <long 2>err && said_once err "denied REQ-"
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
