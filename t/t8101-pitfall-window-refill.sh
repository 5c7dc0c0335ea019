#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a slow reader costs a session a bounded amount of memory, however much the target prints'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

MIB=64

test_expect_success 'a bastion with one target' '
	setup_quiet
'

test_expect_success 'a slow reader gets every byte of a long output' '
	mkfifo slow &&
	{ exec 7<>slow; } &&
	bg_bssh ci "$TEST_LOGIN@web1" "yes 0123456789abcdef | head -c ${MIB}M" >slow &&
	{ exec 8<slow 7<&-; } &&
	one_session &&
	timeout 60 python3 "$TEST_SRCDIR/t/helper/sip.py" "$SESSION" <&8 >sipped &&
	{ exec 8<&-; } &&
	wait $CLIENT &&
	cat sipped &&
	test_grep "^bytes $((MIB * 1024 * 1024))$" sipped
'

test_expect_success PLAIN 'its process never took a quarter of that' '
	top=$(sed -n "s/^top //p" sipped) &&
	test "$top" -gt 0 &&
	test "$top" -lt $((MIB * 1024 / 4))
'

test_expect_success 'and so does a slow reader at the target' '
	no_session && mkfifo far &&
	head -c ${MIB}M /dev/zero >zeros &&
	bg_bssh ci "$TEST_LOGIN@web1" "cat >$TRASH_DIRECTORY/far" <zeros &&
	one_session &&
	timeout 60 python3 "$TEST_SRCDIR/t/helper/sip.py" "$SESSION" far >sipped &&
	wait $CLIENT &&
	cat sipped &&
	test_grep "^bytes $((MIB * 1024 * 1024))$" sipped
'

test_expect_success PLAIN 'whose session does not either' '
	top=$(sed -n "s/^top //p" sipped) &&
	test "$top" -gt 0 &&
	test "$top" -lt $((MIB * 1024 / 4))
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
