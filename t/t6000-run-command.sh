#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a command on a target: its output, its errors, its status, and who the target thinks it was'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion and an agent' '
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim
'

test_expect_success 'stdout and stderr arrive apart' '
	bssh ci "$TEST_LOGIN@web1" "echo to out; echo to err >&2; echo more" >out 2>err &&
	printf "to out\nmore\n" >expect && test_cmp expect out &&
	echo "to err" >expect && test_cmp expect err
'

test_expect_success 'the command runs as the login that was asked for' '
	bssh ci "$TEST_LOGIN@web1" "id -un" >out &&
	echo "$TEST_LOGIN" >expect && test_cmp expect out
'

test_expect_success 'no output is no output' '
	bssh ci "$TEST_LOGIN@web1" true >out 2>err &&
	test_must_be_empty out && test_must_be_empty err
'

test_expect_success 'every exit status is the command'\''s own' '
	BSSH_OPTS="-o ControlMaster=auto -o ControlPath=$TRASH_DIRECTORY/mux -o ControlPersist=yes" &&
	test_when_finished "ssh -O exit -o ControlPath=$TRASH_DIRECTORY/mux x 2>/dev/null; BSSH_OPTS=" &&
	bssh ci "$TEST_LOGIN@web1" true &&
	for status in 0 1 2 3 63 64 69 75 77 126 127 128 129 130 137 143 200 254 255
	do
		test_expect_code $status bssh ci "$TEST_LOGIN@web1" "exit $status" >out 2>err &&
		test_must_be_empty out && test_must_be_empty err || return 1
	done
'

test_expect_success 'a command that the target does not have is 127, in the words of the shell there' '
	test_expect_code 127 bssh ci "$TEST_LOGIN@web1" no-such-command-here 2>err &&
	test_grep "no-such-command-here" err && test_grep ! "sallyport:" err
'

test_expect_success 'death by signal arrives as such, and is on record' '
	test_expect_code 255 bssh ci "$TEST_LOGIN@web1" "kill -TERM \$\$" 2>err &&
	audit_has event=exec.end signal=TERM
'

test_expect_success 'words are passed as ssh passes them: quotes are the shell'\''s affair on the target' '
	bssh ci "$TEST_LOGIN@web1" "printf \"<%s>\" \"a  b\" '\''c d'\'' e\\ f" >out &&
	printf "<a  b><c d><e f>" >expect && test_cmp expect out
'

test_expect_success 'sshd on the target has the identity and the session in the certificate that it logs' '
	session=$(sallyport -f "$CONF" audit search event=exec.start "command=id -un" | sed -n "s/.*\"session\":\"\([^\"]*\)\".*/\1/p") &&
	test_grep "Accepted publickey for $TEST_LOGIN .* ID \"\?agent/ci $session web1\"\?" target-web1/log
'

test_expect_success 'that certificate was minted for a minute, and is on record' '
	audit_has event=cert.mint &&
	test_grep "\"target\":\"web1\"" rec
'

test_expect_success 'start and end of each command are on record, with what was said' '
	audit_has event=exec.start identity=agent/ci target=web1 "command=id -un" verdict=allow rule=anything &&
	audit_has event=exec.end status=77
'

test_expect_success 'sessions show tells it' '
	sallyport -f "$CONF" sessions list >out && test_grep "agent/ci" out &&
	sallyport -f "$CONF" sessions show "$session" >out && test_grep "id -un" out
'

test_expect_success 'the log holds together, and the daemon ends in order' '
	sallyport -f "$CONF" audit verify >out && test_grep "^ok:" out &&
	stop_bastion &&
	sallyport -f "$CONF" audit verify
'

test_done
