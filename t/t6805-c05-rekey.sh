#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C5: much data goes through while keys are exchanged anew all the time, on both legs'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
MIB=${REKEY_MIB-96}

test_expect_success 'a target that wants new keys every megabyte' '
	init_bastion &&
	start_target web1 "RekeyLimit 1M" "LogLevel DEBUG1" &&
	write_config && start_bastion &&
	make_identity ci agent/ci &&
	openssl rand -out big $((MIB * 1024 * 1024)) &&
	sha256sum <big >expect
'

for limit in 1M 16M
do
	test_expect_success "there, with RekeyLimit $limit at the client" '
		BSSH_OPTS="-v -o RekeyLimit=$limit" bssh ci "$TEST_LOGIN@web1" sha256sum <big >out 2>err &&
		test_cmp expect out &&
		grep -c "SSH2_MSG_NEWKEYS sent" err >times && test "$(cat times)" -gt $((MIB / (2 * ${limit%M})))
	'

	test_expect_success "and back, with RekeyLimit $limit" '
		BSSH_OPTS="-v -o RekeyLimit=$limit" bssh ci "$TEST_LOGIN@web1" "cat $TRASH_DIRECTORY/big" 2>err | sha256sum >out &&
		test_cmp expect out &&
		grep -c "SSH2_MSG_NEWKEYS sent" err >times && test "$(cat times)" -gt $((MIB / (2 * ${limit%M})))
	'
done

test_expect_success 'both ways at once' '
	BSSH_OPTS="-o RekeyLimit=1M" bssh ci "$TEST_LOGIN@web1" cat <big | sha256sum >out && test_cmp expect out
'

test_expect_success 'a client that wants new keys every second while nothing moves' '
	{ cat id/ci.conf && echo "	RekeyLimit 1G 1s"; } >id/often.conf &&
	BSSH_OPTS=-v && conversation slow bssh often "$TEST_LOGIN@web1" cat && unset BSSH_OPTS &&
	for n in 2 3 4
	do
		echo "$n" >&9 && wait_until "grep -q $n slow.out" &&
		wait_until "test \$(grep -c \"SSH2_MSG_NEWKEYS sent\" slow.err) -ge $n" || return 1
	done &&
	exec 9>&- && ended slow 0 &&
	printf "2\n3\n4\n" >expect && test_cmp expect slow.out
'

test_expect_success 'the target has exchanged keys, too' '
	grep -c "SSH2_MSG_NEWKEYS sent" target-web1/log >times && test "$(cat times)" -gt $MIB
'

test_expect_success 'the bastion is well' '
	bastion_is_well && stop_bastion
'

test_done
