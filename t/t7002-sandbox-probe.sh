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
		test "$(grep -c "^$profile .* \(allowed\|refused\|killed\)$" table)" -eq 49 || return 1
	done &&
	test_line_count -eq 196 table
'

# outcome PROFILE allowed|killed WHAT..: exactly these, whatever else is tried. The rest is refused.
outcome () {
	profile=$1
	how=$2
	shift 2
	printf "%s\n" "$@" | sort >expect &&
	sed -n "s/^$profile \(.*\) $how$/\1/p" table | sort >actual &&
	test_cmp expect actual
}

always="clock memory own-limit raise socketpair"
attack="execve execveat memfd ptrace read-memory unshare mount chroot bpf io-uring userfaultfd perf keyring setuid"

for profile in session inspector
do
	test_expect_success "$profile: what it has, and nothing else" '
		outcome $profile allowed $always
	'
	test_expect_success "$profile: an attack ends it, and so does a new socket" '
		outcome $profile killed $attack socket-inet socket-unix socket-packet connect listen
	'
done

test_expect_success 'key and audit process: files, no network, no programs, no other process, no new code' '
	outcome store allowed $always open create unlink
'

test_expect_success 'approvals process: files, network and threads; no programs, no other process, no written code' '
	outcome network allowed $always open create unlink socket-inet socket-unix connect thread load-code
'

for profile in store network
do
	test_expect_success "$profile: an attack ends it" '
		outcome $profile killed $attack
	'
done

test_done
