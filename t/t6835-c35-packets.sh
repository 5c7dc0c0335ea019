#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C35: packets and windows of any size that the protocol allows carry everything'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

test_expect_success 'a bastion and much to carry' '
	setup_quiet &&
	head -c 3000000 /dev/urandom >big && sum=$(sha256sum <big)
'

for how in "--packet 4096" "--packet 32768" "--packet 16777216" "--window 32768 --packet 32768" "--window 40000 --packet 4096" "--window 2147483647"
do
	test_expect_success "a client with $how" '
		WIRE_OPTS=$how && wire ci "$TEST_LOGIN@web1" "out=$TRASH_DIRECTORY/out" "exec=cat $TRASH_DIRECTORY/big" >got &&
		test_grep "^status 0$" got && test "$(sha256sum <out)" = "$sum" &&
		wire ci "$TEST_LOGIN@web1" "out=$TRASH_DIRECTORY/out" "exec=wc -c" fill=3000000 eof >got &&
		test_grep "^3000000$" out
	'
done

test_expect_success 'the longest command that there may be, and one byte more' '
	unset WIRE_OPTS &&
	awk "BEGIN { for (i = 0; i < 32768 - 5; i++) printf \"a\" }" >long &&
	bssh ci "$TEST_LOGIN@web1" "echo $(cat long)" >out && test "$(wc -c <out)" -eq $((32768 - 4)) &&
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "echo a$(cat long)" >out 2>err && said_once err "rule=malformed"
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
