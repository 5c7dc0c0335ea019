#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: what the program says while it works, and about files that change'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5

# slowly: a secret, and so many bytes behind it that it takes two windows, with a pause longer than a line is kept.
slowly () {
	echo "$token" && test-tool nap 300 && head -c 9000000 /dev/zero
}

test_expect_success 'on a terminal a line tells how far it is, and is taken away' '
	mkfifo fifo && { slowly >fifo & } &&
	test_expect_code 1 env TERM=xterm script -qec "secretscan --format jsonl fifo" typescript >screen </dev/null &&
	test_grep "0 scanned, [4-9][0-9.]* MB, [0-9]* MB/s, " screen &&
	tail -n 1 screen >last && test_grep "K{\"file\":\"fifo\"" last
'

test_expect_success 'on a dumb one, and on what is none, it is silent' '
	{ slowly >fifo & } && test_expect_code 1 script -qec "secretscan --format jsonl fifo" typescript >screen </dev/null &&
	test_grep ! scanned screen && { slowly >fifo & } &&
	test_expect_code 1 secretscan fifo >out 2>err && test_must_be_empty err && test_line_count -eq 1 out
'

test_expect_success 'a file that changes while it is read is named, scanned, and it is exit 2' '
	{ echo "$token" && head -c 40000000 /dev/zero | tr "\000" x; } >grows &&
	{ while test ! -e stop; do echo more >>grows || break; done & } && grower=$! &&
	test_expect_code 2 secretscan grows >out 2>err; r=$? && touch stop && wait $grower && test $r = 0 &&
	test_grep "grows: changed while it was read" err && test_grep "^grows:1:1: github-token" out
'

test_done
