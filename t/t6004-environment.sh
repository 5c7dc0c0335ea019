#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='environment: what is on the list passes, what agents say of themselves is recorded as claimed'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion and an agent; the target would take more than the bastion passes' '
	init_bastion &&
	start_target web1 "AcceptEnv FOO AI_AGENT LD_PRELOAD" &&
	write_config && start_bastion &&
	make_identity ci agent/ci
'

test_expect_success 'LANG and LC_TIME pass, FOO does not' '
	BSSH_OPTS="-o SetEnv=LANG=C.UTF-8 -o SetEnv=FOO=bar" bssh ci "$TEST_LOGIN@web1" env >out &&
	test_grep "^LANG=C.UTF-8$" out &&
	test_grep ! "^FOO=" out
'

test_expect_success 'nothing that changes how programs are loaded passes' '
	LD_PRELOAD= FOO=1 BSSH_OPTS="-o SendEnv=FOO -o SetEnv=LD_PRELOAD=/tmp/evil.so" bssh ci "$TEST_LOGIN@web1" env >out &&
	test_grep ! -E "^(LD_PRELOAD|FOO)=" out
'

test_expect_success 'claims are recorded as claims and stay here' '
	BSSH_OPTS="-o SetEnv=AI_AGENT=helper-7" bssh ci "$TEST_LOGIN@web1" env >out &&
	test_grep ! AI_AGENT out &&
	audit_has event=exec.start "claimed=*helper-7*"
'

test_expect_success 'what the bastion is told stays here too' '
	BSSH_OPTS="-o SetEnv=SALLYPORT_WAIT=0" bssh ci "$TEST_LOGIN@web1" env >out &&
	test_grep ! SALLYPORT out
'

test_expect_success 'a list of one'\''s own replaces the default' '
	write_config "accept_env: [FOO]" &&
	sallyport -f "$CONF" reload &&
	BSSH_OPTS="-o SetEnv=FOO=bar -o SendEnv=LANG" LANG=C bssh ci "$TEST_LOGIN@web1" env >out &&
	test_grep "^FOO=bar$" out && test_grep ! "^LANG=" out
'

test_done
