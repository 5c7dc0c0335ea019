#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='jumps (ssh -J) cost a process each: one connection has so many at once, and then ten a second'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
need_paramiko

test_expect_success 'a bastion' '
	setup_quiet "limits: {max_channels: 100}" && make_identity two agent/two && jump_conf two
'

test_expect_success 'who jumps without end is let through at that pace, others jump as ever' '
	start=$(test-tool ms) &&
	bg_badclient jumps --user bastion --key id/ci --count 400 >jumps && jumper=$CLIENT &&
	ssh -F id/two-j.conf "$TEST_LOGIN@web1" "echo through" >out && test_grep "^through$" out &&
	wait_client $jumper && took=$(($(test-tool ms) - start)) && cat jumps &&
	greeted=$(sed -n "s/^greeted //p" jumps) && refused=$(sed -n "s/^refused //p" jumps) &&
	echo "$greeted of 400 in $took ms" && test "$greeted" -ge 64 && test "$greeted" -le $((65 + took / 100)) &&
	test $((greeted + refused)) -eq 400 && test_grep "too many in a short time" daemon.log
'

test_expect_success 'the same connection jumps again after a moment' '
	BSSH_OPTS="-M -S $PWD/mux" && { bssh ci bastion -N & } && test_atexit "stop_pid $! mux" && wait_until "test -S mux" &&
	for n in 1 2 3
	do
		: >banner && wait_until "test -s banner" | ssh -S "$PWD/mux" -W web1:22 x >banner && test_grep -a ^SSH- banner || return 1
	done
'

test_expect_success 'the bastion is well' '
	ssh -S "$PWD/mux" -O exit x 2>/dev/null
	no_session && bastion_is_well && stop_bastion
'

test_done
