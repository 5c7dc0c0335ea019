#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='each sandbox profile refuses what its processes have no use for, by every way there is'
. "$(dirname "$0")/test-lib.sh"

test -x "$TEST_BUILDDIR/sandbox-probe" || skip_all 'sandbox-probe is not built'

test_expect_success 'the probe enters each profile and tries' '
	sandbox-probe >table &&
	cat table &&
	for profile in session inspector store network
	do
		test "$(grep -c "^$profile " table)" -eq 22 || return 1
	done
'

# allowed PROFILE WHAT..: exactly these, whatever else is tried.
allowed () {
	profile=$1
	shift
	printf "%s\n" "$@" | sort >expect &&
	sed -n "s/^$profile \(.*\) allowed$/\1/p" table | sort >actual &&
	test_cmp expect actual
}

test_expect_success 'session: what it has, and nothing else' '
	allowed session own-limit raise socketpair
'

test_expect_success 'inspector: the same' '
	allowed inspector own-limit raise socketpair
'

test_expect_success 'key and audit process: files, no network, no programs, no other process' '
	allowed store open create unlink own-limit raise socketpair
'

test_expect_success 'approvals process: files and network, no programs, no other process' '
	allowed network open create unlink socket-inet socket-unix connect listen own-limit raise socketpair
'

test_done
