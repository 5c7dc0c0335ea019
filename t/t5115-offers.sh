#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='keys that open nothing, offered first, do not spoil the certificate that comes after them'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"

test_expect_success 'a bastion, a certificate of a foreign CA, a plain key' '
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim &&
	ssh-keygen -q -t ed25519 -N "" -f foreign_ca &&
	ssh-keygen -q -t ed25519 -N "" -f foreign &&
	ssh-keygen -q -s foreign_ca -I agent/ci -n agent/ci -V +5m foreign.pub &&
	ssh-keygen -q -t ed25519 -N "" -f plain
'

test_expect_success 'foreign certificate, plain key, then the right certificate: let in' '
	{
		echo "Host *" &&
		echo "IdentityFile $PWD/foreign" &&
		echo "CertificateFile $PWD/foreign-cert.pub" &&
		echo "IdentityFile $PWD/plain" &&
		sed 1d id/ci.conf
	} >mixed.conf &&
	for i in 1 2 3
	do
		ssh -F mixed.conf 127.0.0.1 whoami >out 2>err &&
		test_grep "identity *agent/ci" out || return 1
	done
'

test_expect_success 'no session was ended for breaking the rules' '
	test_grep ! "broke the rules" daemon.log
'

test_done
