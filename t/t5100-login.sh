#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a certificate of fifteen minutes opens the bastion, and whoami says what it holds'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion with an agent and an engineer' '
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim --session run-17 2>ci.err &&
	make_identity eng human/eva --group engineers --ttl 1h
'

test_expect_success 'issuing tells key id (identity:serial), which revoking takes' '
	test_grep -E "^sallyport: issued agent/ci:[0-9]+, valid until " ci.err
'

test_expect_success 'ssh-keygen reads the certificate' '
	ssh-keygen -L -f id/ci-cert.pub >out &&
	test_grep "ssh-ed25519-cert-v01@openssh.com user certificate" out &&
	test_grep "Signing CA: .*$(ssh-keygen -l -f state/keys/user_ca.pub | cut -d" " -f2)" out &&
	test_grep "^ *agent/ci$" out &&
	test_grep "Critical Options: (none)" out &&
	test_grep "owner@sallyport" out
'

test_expect_success 'it is valid for fifteen minutes unless told otherwise' '
	valid () {
		from=$(sed -n "s/.*Valid: from \(.*\) to .*/\1/p" out) &&
		to=$(sed -n "s/.*Valid: from .* to \(.*\)/\1/p" out) &&
		echo $(($(date -d "$to" +%s) - $(date -d "$from" +%s)))
	} &&
	ssh-keygen -L -f id/ci-cert.pub >out && ci=$(valid) &&
	test "$ci" -ge 900 && test "$ci" -le 1020 &&
	ssh-keygen -L -f id/eng-cert.pub >out && eng=$(valid) &&
	test "$eng" -ge 3600 && test "$eng" -le 3720
'

test_expect_success 'the agent is let in, and told who it is' '
	bssh ci bastion whoami >out 2>err &&
	test_must_be_empty err &&
	test_grep "^identity  *agent/ci$" out &&
	test_grep "^owner  *human/kim$" out &&
	test_grep "^from  *127.0.0.1$" out &&
	test_grep -E "^session +S-" out
'

test_expect_success 'so is the engineer, with her group' '
	bssh eng bastion whoami >out &&
	test_grep "^identity  *human/eva$" out &&
	test_grep "^groups  *engineers$" out
'

test_expect_success 'JSON for programs, when asked for' '
	BSSH_OPTS="-o SetEnv=SALLYPORT_FORMAT=json" bssh ci bastion whoami >out &&
	test_grep "^{.*\"identity\":\"agent/ci\"" out
'

test_expect_success 'cert list names both' '
	sallyport -f "$CONF" cert list >out &&
	test_grep agent/ci out && test_grep human/eva out
'

test_expect_success 'both logins are in the audit log, with what is claimed apart from what is known' '
	audit_has event=session.start identity=agent/ci owner=human/kim claimed_session=run-17 &&
	audit_has event=session.start identity=human/eva &&
	sallyport -f "$CONF" audit verify
'

test_expect_success 'the bastion stops in order' '
	stop_bastion
'

test_done
