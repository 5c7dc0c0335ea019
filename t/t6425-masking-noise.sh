#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a secret is masked whatever a program on a terminal put between its characters'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5

# What is read on the terminal: without its control sequences.
seen () {
	sed 's/\x1b\[[0-9;]*[A-Za-z]//g' "$1" | tr -d '\r'
}

test_expect_success 'a bastion' '
	setup_bastion && make_identity ci agent/ci &&
	printf "one %s two\n" "$token" >file && printf "one %s two\r\n" "$token" >crlf
'

for tty in -T -tt
do
	test_expect_success "a pattern that is coloured within the token ($tty)" '
		BSSH_OPTS=$tty bssh ci "$TEST_LOGIN@web1" "grep --color=always kL1m $PWD/file" >out && seen out >read &&
		test_grep ! "W1xY3zA5" read && test_grep "^one \[masked:github-token:[0-9a-f]*\] two\$" read
	'

	test_expect_success "a line that ends as a terminal ends it ($tty)" '
		BSSH_OPTS=$tty bssh ci "$TEST_LOGIN@web1" "cat $PWD/crlf" >out && seen out >read &&
		test_grep "^one \[masked:github-token:[0-9a-f]*\] two\$" read
	'
done

test_expect_success 'base64 of a file' '
	bssh ci "$TEST_LOGIN@web1" "base64 $PWD/file" >out && test_grep "\[masked:github-token:" out &&
	base64 file | cut -c 12-50 >rest && test_grep ! "$(cat rest)" out
'

test_expect_success 'colours elsewhere come as they are' '
	bssh ci "$TEST_LOGIN@web1" "grep --color=always one $PWD/file" >out &&
	{ GREP_COLORS= grep --color=always one file | sed "s/gh[p]_[A-Za-z0-9]*.*//" | tr -d "\n"; } >expect &&
	test "$(head -c "$(wc -c <expect)" out)" = "$(cat expect)"
'

test_done
