#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='standard input reaches the command byte for byte, and ends when it ends'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion and an agent' '
	setup_bastion &&
	make_identity ci agent/ci
'

test_expect_success 'a megabyte of random bytes goes there and comes back' '
	head -c 1048576 /dev/urandom >in &&
	bssh ci "$TEST_LOGIN@web1" cat <in >out &&
	cmp in out
'

test_expect_success 'what arrives there is what was sent here' '
	bssh ci "$TEST_LOGIN@web1" sha256sum <in >out &&
	sha256sum <in >expect && test_cmp expect out
'

# A write may run handlers that move the very buffer it writes from. Only much input can show it, and not in every run.
test_expect_success 'however much it is' '
	head -c 67108864 /dev/urandom >big &&
	sha256sum <big >expect &&
	for i in 1 2 3
	do
		bssh ci "$TEST_LOGIN@web1" sha256sum <big >out && test_cmp expect out || return 1
	done &&
	rm big
'

test_expect_success 'every byte value, NUL and newline among them' '
	awk "BEGIN { for (i = 0; i < 256; i++) printf \"%c\", i }" >in &&
	printf "\000\377\n\r\032\003" >>in &&
	bssh ci "$TEST_LOGIN@web1" cat <in >out &&
	cmp in out
'

test_expect_success 'the end of input is passed on, and output still comes after it' '
	printf "b\nc\na\n" | bssh ci "$TEST_LOGIN@web1" sort >out &&
	printf "a\nb\nc\n" >expect && test_cmp expect out
'

test_expect_success 'empty input ends at once' '
	bssh ci "$TEST_LOGIN@web1" "wc -c" </dev/null >out &&
	echo 0 >expect && test_cmp expect out
'

test_expect_success 'without input (ssh -n) a command does not wait for any' '
	echo not read | BSSH_OPTS=-n bssh ci "$TEST_LOGIN@web1" "cat; echo done" >out &&
	echo done >expect && test_cmp expect out
'

test_expect_success 'a command that does not read its input ends, however much there is' '
	head -c 4194304 /dev/zero | test_expect_code 3 bssh ci "$TEST_LOGIN@web1" "exit 3"
'

test_expect_success 'a conversation goes back and forth' '
	conversation talk bssh ci "$TEST_LOGIN@web1" "while read -r line; do echo \"got \$line\"; done; echo over" &&
	echo one >&9 && wait_until "grep -q \"got one\" talk.out" &&
	echo two >&9 && wait_until "grep -q \"got two\" talk.out" &&
	exec 9>&- && ended talk 0 &&
	printf "got one\ngot two\nover\n" >expect && test_cmp expect talk.out
'

test_expect_success 'the recording has count and hash of the input, not the input' '
	printf "a password that was typed\n" | bssh ci "$TEST_LOGIN@web1" "wc -l" >out &&
	cast=$(recording_of stdin_bytes=26) &&
	test_grep ! "a password" "$cast" &&
	test_grep ! -r "a password" state/audit/log.jsonl
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
