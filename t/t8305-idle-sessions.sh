#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='connections that do nothing cost next to nothing, and none is lost'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

test -x "$TEST_BUILDDIR/idle-crowd" || skip_all 'idle-crowd is not built'

test_expect_success 'sixty of them' '
	setup_quiet "limits: {max_startups_per_source: 100}" &&
	mkfifo end && { idle-crowd "$BASTION_PORT" id/ci 60 <end >crowd.out & } && exec 7>end &&
	wait_until "grep -q ready crowd.out" 120 &&
	wait_until "test \$(session_pids | wc -w) -eq 60"
'

# turns PID: how often it has gone to sleep by itself.
turns () {
	sed -n "s/^voluntary_ctxt_switches:[[:space:]]*//p" "/proc/$1/status"
}

test_expect_success 'each looks about at most once a second or so' '
	for pid in $(session_pids)
	do
		echo "$pid $(turns $pid)"
	done >before &&
	for second in 1 2 3; do test-tool nap 1000 || return 1; done &&
	total=0 &&
	while read -r pid count
	do
		total=$((total + $(turns $pid) - count)) || return 1
	done <before &&
	echo "$total turns of sixty sessions in three seconds" &&
	test "$total" -le 360
'

test_expect_success 'somebody else gets work done meanwhile' '
	soon_enough 2000 bssh ci "$TEST_LOGIN@web1" true
'

test_expect_success 'all of them are still there' '
	exec 7>&- &&
	wait_until "grep -q left crowd.out" &&
	test_grep "^left 60$" crowd.out &&
	no_session && bastion_is_well && stop_bastion
'

test_done
