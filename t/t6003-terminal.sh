#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a terminal, where policy and certificate allow one'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion, an agent, and one without the right to a terminal' '
	setup_bastion &&
	make_identity ci agent/ci &&
	make_identity plain agent/plain --no-pty
'

test_expect_success 'ssh -tt: the command has a terminal of our size and kind' '
	BSSH_OPTS=-tt TERM=vt220 bssh ci "$TEST_LOGIN@web1" "tty; echo \$TERM; stty -a" >out </dev/null &&
	test_grep "^/dev/pts/" out && test_grep "^vt220" out
'

test_expect_success 'its status is still the command'\''s own' '
	BSSH_OPTS=-tt test_expect_code 7 bssh ci "$TEST_LOGIN@web1" "exit 7" </dev/null
'

test_expect_success 'the recording knows that it was a terminal' '
	audit_has event=exec.start pty=true
'

test_expect_success 'without -t there is none' '
	test_expect_code 1 bssh ci "$TEST_LOGIN@web1" tty >out &&
	echo "not a tty" >expect && test_cmp expect out
'

test_expect_success 'a certificate without permit-pty gets none, in words; without -tt the command runs' '
	BSSH_OPTS=-tt test_expect_code 77 bssh plain "$TEST_LOGIN@web1" tty >out 2>err </dev/null &&
	cat out err | tr -d "\r" >both && test_grep "denied REQ-[A-Z0-9]* rule=certificate: your certificate has no permit-pty" both &&
	audit_lacks event=exec.start identity=agent/plain &&
	bssh plain "$TEST_LOGIN@web1" true
'

test_expect_success 'a shell is refused without a rule for it, and the reason names what to do' '
	BSSH_OPTS=-tt test_expect_code 77 bssh ci "$TEST_LOGIN@web1" >out </dev/null 2>err &&
	tr -d "\r" <err >err.lines && cat out err.lines >both &&
	test_grep "sallyport: denied REQ-[A-Z0-9]* rule=default: " both
'

test_expect_success 'the daemon ends in order' '
	stop_bastion && sallyport -f "$CONF" audit verify
'

test_done
