#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C5: new keys under load, asked for by any of the four ends: every byte arrives, in order'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# both_ways OPTIONS: 24 MiB up and down at once; err has what ssh -v says.
both_ways () {
	BSSH_OPTS="-v $*" bssh ci "$TEST_LOGIN@web1" cat <blob >back 2>err && cmp blob back
}

# rekeys: how many key exchanges the client has seen.
rekeys () {
	grep -c 'SSH2_MSG_NEWKEYS received' err
}

test_expect_success 'a bastion that renews keys after 1 MiB, and a target that does' '
	init_bastion && start_target web1 "RekeyLimit 1M" && write_config "limits: {rekey_data: 1M}" && start_bastion &&
	make_identity ci agent/ci && head -c 25165824 /dev/urandom >blob
'

test_expect_success 'the bastion and the target ask' '
	both_ways && test $(rekeys) -ge 5 &&
	BSSH_OPTS= bssh ci "$TEST_LOGIN@web1" "head -c 50000000 /dev/zero" >out && test $(wc -c <out) -eq 50000000
'

test_expect_success 'all ask, the client too, and commands run beside it' '
	mux="-o ControlPath=$TRASH_DIRECTORY/mux" &&
	background one both_ways -o RekeyLimit=256K -o ControlMaster=yes $mux &&
	wait_until "test -S mux" &&
	for i in 1 2 3 4 5 6 7 8
	do
		test "$(BSSH_OPTS=$mux bssh ci "$TEST_LOGIN@web1" "echo $i; exit $i" ; echo $?)" = "$(printf "%s\n%s" $i $i)" || return 1
	done &&
	wait_until "test -e one.status" 60 && ended one 0 && test $(rekeys) -ge 20
'

test_expect_success 'only the client asks' '
	write_config && sallyport -f "$CONF" reload >/dev/null && both_ways -o RekeyLimit=512K && test $(rekeys) -ge 10
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
