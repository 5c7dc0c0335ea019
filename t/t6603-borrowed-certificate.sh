#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a certificate opens nothing without its own key, whatever else was offered or signed (T4)'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

test_expect_success 'a bastion, and two agents' '
	setup_quiet "limits: {login_grace: 3s, max_tries: 3}" &&
	make_identity ann agent/ann && make_identity bob agent/bob
'

test_expect_success 'the certificate of one, signed by the key of the other' '
	badclient borrowed --user x --key id/ann --other id/bob --seconds 6 >out &&
	cat out && test_grep "^not-let-in" out && no_session &&
	test_must_fail log_event session.start agent/ann &&
	test_must_fail log_event session.start agent/bob
'

test_expect_success 'the certificate of one, signed by a key without any' '
	ssh-keygen -q -t ed25519 -N "" -f stranger &&
	badclient borrowed --user x --key id/ann --other stranger --seconds 6 >out &&
	cat out && test_grep "^not-let-in" out && no_session &&
	test_must_fail log_event session.start agent/ann
'

# An agent that holds both keys, and signs with the second alone: ssh offers both.
test_expect_success 'offered first and not signed, it is not who logs in' '
	sed -e "s,IdentityFile .*,IdentityFile $PWD/id/bob," -e "/CertificateFile/s,.*,	CertificateFile $PWD/id/ann-cert.pub\n	CertificateFile $PWD/id/bob-cert.pub," \
		id/ci.conf >both.conf &&
	ssh -v -F both.conf 127.0.0.1 whoami >out 2>err &&
	grep Offering err &&
	test_grep "identity *agent/bob" out && no_session &&
	test_must_fail log_event session.start agent/ann
'

test_expect_success 'offers are no failures: five of them and then the right one' '
	for i in 1 2 3 4 5
	do
		cp id/ann id/off$i && ssh-keygen -q -t ed25519 -N "" -f id/new$i && echo "	IdentityFile $PWD/id/new$i"
	done >offers &&
	{ echo "Host *" && cat offers && sed 1d id/ann.conf; } >many.conf &&
	ssh -F many.conf 127.0.0.1 whoami >out && test_grep "identity *agent/ann" out
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
