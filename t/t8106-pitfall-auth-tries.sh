#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='nobody may try to authenticate for ever on one connection'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

test_expect_success 'a bastion that allows four failures and eight offers' '
	setup_quiet "limits: {max_tries: 4, max_offers: 8, login_grace: 60s}" &&
	ssh-keygen -q -t ed25519 -N "" -f stranger
'

answered () {
	cat out &&
	n=$(sed -n "s/^answered //p" out) &&
	test "$n" -ge "$1" &&
	test "$n" -le "$2" &&
	test_grep "^end cut$" out
}

test_expect_success 'signatures by a key that is not let in' '
	badclient tries --method publickey --key stranger --count 200 --seconds 3 >out &&
	answered 2 4
'

test_expect_success 'passwords' '
	badclient tries --method password --count 200 --seconds 3 >out &&
	answered 2 4
'

for method in none keyboard-interactive
do
	test_expect_success "requests by $method" '
		badclient tries --method $method --count 200 --seconds 3 >out &&
		answered 2 21
	'
done

test_expect_success 'keys offered by stock ssh, one after the other' '
	opts= &&
	for i in $(seq 12)
	do
		ssh-keygen -q -t ed25519 -N "" -f many.$i &&
		opts="$opts -i many.$i" || return 1
	done &&
	grep -v -e IdentityFile -e CertificateFile id/ci.conf >none.conf &&
	test_expect_code 255 ssh -F none.conf -v $opts 127.0.0.1 whoami 2>err &&
	n=$(grep -c "Offering public key" err) &&
	echo "$n offered" &&
	test "$n" -le 9
'

test_expect_success 'who has a good certificate is let in after a failure or two' '
	bssh ci bastion whoami >out &&
	test_grep agent/ci out &&
	ssh -F id/ci.conf -i stranger 127.0.0.1 whoami >out &&
	test_grep agent/ci out
'

test_expect_success 'the tries are on record, the bastion is well' '
	log_event auth.fail &&
	no_session && bastion_is_well && stop_bastion
'

test_done
