#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='wrong words to the bastion itself are answered in one line that helps'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion and an agent' '
	setup_bastion && make_identity ci agent/ci && make_identity eva human/eva --group engineers
'

test_expect_success 'help and policy tell what can be done' '
	bssh ci bastion help >out && test_grep "whoami" out && test_grep "LOGIN@TARGET@BASTION" out &&
	for way in "ssh -J" "scp -P" sftp rsync "-L, -D" "git clone"
	do
		test_grep -e "$way" out || return 1
	done &&
	bssh ci bastion policy >out && test -s out
'

test_expect_success 'an unknown verb' '
	test_expect_code 77 bssh ci bastion frobnicate --all 2>err && said_once err "no such command of the bastion: frobnicate; ssh BASTION help"
'

test_expect_success 'a command that was meant for a target' '
	test_expect_code 77 bssh ci bastion "ls -l /" 2>err && said_once err "LOGIN@TARGET@BASTION"
'

test_expect_success 'no command at all, a subsystem, a verb of control characters' '
	test_expect_code 77 bssh ci bastion </dev/null 2>err && said_once err "no shell on the bastion itself" &&
	BSSH_OPTS=-s test_expect_code 77 bssh ci bastion sftp </dev/null 2>err && said_once err "subsystem sftp" &&
	test_expect_code 77 bssh ci bastion "$(printf "who\033[31mami\001")" 2>err && said_once err "no such command"
'

test_expect_success 'requests that are not there, not ours, or no requests' '
	for verb in status show approve "deny --reason x" wait
	do
		test_must_fail bssh eva bastion ${verb%% *} REQ-AAAAAA ${verb#* } >out 2>err && said_once err "" || return 1
		test_must_fail bssh eva bastion ${verb%% *} "../../etc/passwd" >out 2>err && said_once err "" || return 1
		test_must_fail bssh eva bastion ${verb%% *} >out 2>err && said_once err "" || return 1
	done
'

test_expect_success 'somebody else'\''s request does not exist for an agent' '
	make_identity other agent/other &&
	BSSH_OPTS="-o SetEnv=SALLYPORT_WAIT=0" test_expect_code 75 bssh ci "$TEST_LOGIN@web1" "printf risky" 2>err &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" err) &&
	test_must_fail bssh other bastion show "$req" >out 2>err && test_must_be_empty out && said_once err "$req" && sed "s/$req/REQ/" err >one &&
	test_must_fail bssh other bastion show REQ-AAAAAA >out 2>err && sed "s/REQ-AAAAAA/REQ/" err >two && test_cmp one two
'

test_expect_success 'a word of twenty thousand bytes, and more words than anybody has' '
	test_expect_code 77 bssh ci bastion "$(head -c 20000 /dev/zero | tr "\0" a)" 2>err && said_once err "no such command" &&
	test "$(wc -c <err)" -lt 1000 &&
	test_must_fail bssh eva bastion "show $(yes x | head -n 5000 | tr "\n" " ")" >out 2>err && said_once err ""
'

test_expect_success 'port forwarding, X11 and agent forwarding are refused, and on record' '
	timeout 20 ssh -F id/ci.conf -o ExitOnForwardFailure=yes -N -R 0:127.0.0.1:1 127.0.0.1 2>err
	test $? -ne 0 && test $? -ne 124 && audit_has event=forward.decision verdict=deny "what=remote forwarding*" &&
	test_must_fail timeout 20 ssh -F id/ci.conf -W 127.0.0.1:$BASTION_PORT 127.0.0.1 >out 2>err </dev/null &&
	test_must_be_empty out && audit_has event=forward.decision verdict=deny "to=127.0.0.1:$BASTION_PORT"
'

test_expect_success 'the bastion is unharmed' '
	bssh ci bastion whoami && stop_bastion
'

test_done
