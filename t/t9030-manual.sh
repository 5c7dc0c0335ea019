#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the manual page has every command that the admin program has, and help knows each'
. "$(dirname "$0")/test-lib.sh"

test_expect_success 'every command of help has its entry in the manual' '
	sallyport help >help &&
	sed -n "s/^  \([a-z-]*\) .*/\1/p" help | grep -v "^help$" >commands &&
	test "$(wc -l <commands)" -ge 10 &&
	while read -r command
	do
		grep -q "^\.It Cm $command" "$TEST_SRCDIR/bastion/sallyport.1" || { echo "no entry: $command"; return 1; }
	done <commands
'

test_expect_success 'and help explains it' '
	while read -r command
	do
		sallyport help "$command" >out && test_grep "^usage: sallyport $command" out || return 1
	done <commands
'

test_done
