#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a revoked certificate opens nothing, and what it has opened is closed at once'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion, and an agent with three certificates' '
	setup_bastion &&
	make_identity ci agent/ci &&
	make_identity other agent/other &&
	make_identity spare agent/ci
'

test_expect_success 'a command runs' '
	conversation live bssh ci "$TEST_LOGIN@web1" "echo running; cat" &&
	wait_until "grep -q running live.out"
'

test_expect_success 'revoking its certificate ends it at once' '
	serial=$(ssh-keygen -L -f id/ci-cert.pub | sed -n "s/.*Serial: //p") &&
	sallyport -f "$CONF" cert revoke "$serial" &&
	wait_until "test -f live.status" &&
	exec 9>&-
'

test_expect_success 'and says why, with the status of what is refused: it need not try again' '
	test_grep "sallyport: stopped REQ-[A-Z0-9]*: your certificate has been revoked" live.err &&
	ended live 77
'

test_expect_success 'the end of the command is on record, its recording sealed' '
	audit_has event=session.end identity=agent/ci &&
	audit_has event=exec.end signal=HUP &&
	audit_has event=cert.revoke &&
	audit_has "event=recording.c*" &&
	sallyport -f "$CONF" audit verify
'

test_expect_success 'a new login is refused' '
	not_let_in ci "certificate is revoked"
'

test_expect_success 'other certificates are not touched, not even of the same identity' '
	bssh other bastion whoami && bssh spare bastion whoami
'

test_expect_success 'a certificate is revoked by its key id' '
	sallyport -f "$CONF" cert revoke "$(ssh-keygen -L -f id/other-cert.pub | sed -n "s/.*Key ID: \"\(.*\)\"/\1/p")" &&
	not_let_in other "certificate is revoked"
'

test_expect_success 'a key is revoked for every certificate that is made of it' '
	sallyport -f "$CONF" cert revoke id/spare.pub &&
	not_let_in spare "certificate is revoked" &&
	sallyport -f "$CONF" cert issue --identity agent/ci --key id/spare.pub >id/again 2>err
	test ! -s id/again || { cp id/again id/spare-cert.pub && not_let_in spare "certificate is revoked"; }
'

test_expect_success 'ssh-keygen reads the revocation list' '
	test_expect_code 1 ssh-keygen -Q -f state/ca/krl id/ci-cert.pub >out &&
	test_grep REVOKED out &&
	make_identity fresh agent/ci &&
	ssh-keygen -Q -f state/ca/krl id/fresh-cert.pub
'

test_expect_success 'revocations outlive a restart' '
	stop_bastion && start_bastion &&
	not_let_in ci "certificate is revoked" &&
	bssh fresh bastion whoami
'

test_expect_success 'what was never issued is not revoked, and says so' '
	test_expect_code 1 sallyport -f "$CONF" cert revoke nobody:99 2>err &&
	said_once err nobody:99
'

test_done
