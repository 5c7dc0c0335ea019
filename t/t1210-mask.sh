#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan --mask: a filter for logs'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5

test_expect_success 'a secret is masked, the rest passes, the exit status tells' '
	printf "before\na = %s\nafter\n" "$token" >in && test_expect_code 1 secretscan --mask <in >out &&
	test_grep ! "${token#????????}" out && test_grep "^a = \[masked:github-token:[0-9a-f]*\]\$" out &&
	test_grep ^before\$ out && test_grep ^after\$ out &&
	printf "nothing\0of interest" >in && secretscan --mask - <in >out && cmp in out && secretscan --mask </dev/null
'

test_expect_success 'what is not secret comes at once' '
	mkfifo to from && { secretscan --mask <to >from & } && exec 8>to 9<from &&
	printf "a line\n" >&8 && read -r line <&9 && exec 8>&- && cat <&9 >rest && wait && exec 9<&- &&
	test "$line" = "a line" && test_must_be_empty rest
'

test_expect_success 'columns are kept, personal data on demand' '
	printf "%s|mail to a.b@example.org\n" "$token" >in &&
	test_expect_code 1 secretscan --mask --keep-columns <in >out && test_grep a.b@example.org out &&
	test "$(wc -c <out)" -eq "$(wc -c <in)" &&
	test_expect_code 1 secretscan --mask --pii email,iban <in >out && test_grep ! a.b@example.org out &&
	test_expect_code 2 secretscan --mask --pii shoes <in 2>err && test_grep "shoes: no such kind" err
'

test_expect_success 'what does not go together is refused, a full disk is an error' '
	test_expect_code 2 secretscan --mask file 2>err && test_expect_code 2 secretscan --pii all . 2>err &&
	test_grep "go with --mask" err && test_expect_code 2 secretscan --mask --git . 2>err &&
	if test -e /dev/full; then test_expect_code 2 secretscan --mask <in >/dev/full 2>err && test_grep output err; fi
'

test_done
