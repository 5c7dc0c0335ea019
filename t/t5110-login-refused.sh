#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='whoever is not let in hears why, in one line'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion, and the key of its CA' '
	setup_bastion &&
	make_identity ci agent/ci &&
	bssh ci bastion whoami &&
	open_ca
'

test_expect_success 'what this script signs by itself is as good as what the bastion signs' '
	sign_identity good -n agent/ci &&
	bssh good bastion whoami >out && test_grep "agent/ci" out
'

test_expect_success 'a plain key' '
	ssh-keygen -q -t ed25519 -N "" -f id/plain &&
	borrow_conf plain && sed -i /CertificateFile/d id/plain.conf &&
	not_let_in plain "a plain key does not open this door, a certificate does"
'

test_expect_success 'a certificate that has expired' '
	sign_identity old -n agent/ci -V 20200101:20200102 &&
	not_let_in old "certificate has expired"
'

test_expect_success 'one that was issued for two seconds, and they are over' '
	make_identity short agent/ci --ttl 2s &&
	wait_until "! bssh short bastion whoami >/dev/null 2>&1" &&
	not_let_in short "certificate has expired"
'

test_expect_success 'a certificate for later' '
	sign_identity later -n agent/ci -V 20400101:20400102 &&
	not_let_in later "certificate is not valid yet"
'

test_expect_success 'a certificate of another CA' '
	ssh-keygen -q -t ed25519 -N "" -f foreign &&
	SIGN_WITH=foreign sign_identity theirs -n agent/ci &&
	not_let_in theirs "certificate is not from this bastion.s CA"
'

test_expect_success 'a host certificate, of which ssh itself offers the key alone' '
	sign_identity host -h -n agent/ci &&
	not_let_in host "a plain key does not open this door"
'

test_expect_success 'an unknown critical option' '
	sign_identity critical -n agent/ci -O critical:nosuch@example.com=1 &&
	not_let_in critical "certificate has a critical option that is not known here"
'

test_expect_success 'a force-command' '
	sign_identity force -n agent/ci -O force-command=true &&
	not_let_in force "certificate has a force-command"
'

test_expect_success 'the wrong source address, and the right one opens' '
	sign_identity away -n agent/ci -O source-address=10.0.0.0/8,192.0.2.1/32 &&
	not_let_in away "certificate may not be used from this address" &&
	sign_identity here -n agent/ci -O source-address=10.0.0.0/8,127.0.0.0/8 &&
	bssh here bastion whoami &&
	make_identity issued agent/ci --source-address 10.0.0.0/8 &&
	not_let_in issued "certificate may not be used from this address"
'

test_expect_success 'no principal' '
	sign_identity nobody &&
	not_let_in nobody "certificate must have exactly one principal"
'

test_expect_success 'two principals' '
	sign_identity two -n agent/ci,agent/other &&
	not_let_in two "certificate must have exactly one principal"
'

test_expect_success 'a principal that is a login, as in certificates minted for targets' '
	sign_identity login -n root &&
	not_let_in login "certificate.s principal is not an identity"
'

test_expect_success 'a principal that is a path' '
	sign_identity dots -n agent/../ci &&
	not_let_in dots "certificate.s principal is not an identity"
'

test_expect_success 'each of them is on record, with the reason' '
	audit_has event=auth.fail "why=certificate has expired" &&
	audit_has event=auth.fail "why=certificate is not from this*" &&
	test_grep -c theirs rec &&
	audit_lacks event=session.start key_id=theirs
'

test_expect_success 'and the bastion is unharmed' '
	bssh ci bastion whoami &&
	stop_bastion
'

test_done
