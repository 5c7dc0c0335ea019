#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='environment: what is on the list passes, what agents say of themselves is recorded as claimed'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# benv 'NAME=VALUE ..' COMMAND: as agent/ci, with these set by the client.
benv () {
	{ cat id/ci.conf && printf "\tSetEnv %s\n" "$1"; } >id/env.conf &&
	bssh env "$TEST_LOGIN@web1" "$2"
}

test_expect_success 'a bastion and an agent; the target would take more than the bastion passes' '
	init_bastion &&
	start_target web1 "AcceptEnv FOO AI_AGENT LD_PRELOAD BASH_ENV" &&
	write_config && start_bastion &&
	make_identity ci agent/ci
'

test_expect_success 'LANG and LC_TIME pass, FOO does not' '
	benv "LANG=C.UTF-8 FOO=bar LC_TIME=C" env >out &&
	test_grep "^LANG=C.UTF-8$" out && test_grep "^LC_TIME=C$" out &&
	test_grep ! "^FOO=" out
'

test_expect_success 'nothing that changes how programs are loaded passes' '
	benv "LANG=C LD_PRELOAD=/tmp/evil.so PATH=/tmp BASH_ENV=/tmp/x" "env; which env" >out &&
	test_grep "^LANG=C$" out && test_grep ! -E "^(LD_PRELOAD|BASH_ENV)=" out && test_grep ! "^PATH=/tmp$" out
'

test_expect_success 'claims are recorded as claims and stay here' '
	benv "AI_AGENT=helper-7" env >out &&
	test_grep ! AI_AGENT out &&
	audit_has event=exec.start "claimed=*helper-7*"
'

test_expect_success 'what the bastion is told stays here too' '
	benv "SALLYPORT_WAIT=0 SALLYPORT_FORMAT=json" env >out &&
	test_grep ! SALLYPORT out
'

test_expect_success 'a list of one'\''s own replaces the default' '
	write_config "accept_env: [FOO]" &&
	sallyport -f "$CONF" reload &&
	benv "FOO=bar LANG=C" env >out &&
	test_grep "^FOO=bar$" out && test_grep ! "^LANG=" out
'

test_done
