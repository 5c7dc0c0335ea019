#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='jumps are the affair of the connection that they come through: they take no newcomer'\''s place and earn no penalty'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion with little room for newcomers and little patience, two agents' '
	BASTION_PENALTIES=yes && setup_bastion "limits: {max_startups_per_source: 2, penalty_start: 4s, login_grace: 60s}" &&
	make_identity ci agent/ci && make_identity two agent/two &&
	{ bssh ci bastion -M -S "$PWD/mux" -N & } && test_atexit "stop_pid $! mux" && wait_until "test -S mux"
'

test_expect_success 'jumps that say nothing keep nobody out' '
	for i in 1 2 3 4
	do
		mkfifo hold.$i && { ssh -S "$PWD/mux" -W web1:22 x <hold.$i >held.$i & } || return 1
	done &&
	exec 6>hold.1 7>hold.2 8>hold.3 9>hold.4 &&
	wait_until "test -s held.1 && test -s held.2 && test -s held.3 && test -s held.4" &&
	bssh two bastion whoami >who && test_grep agent/two who
'

test_expect_success 'nor do jumps that come to nothing' '
	exec 6>&- 7>&- 8>&- 9>&- &&
	for i in 1 2 3 4 5 6 7 8
	do
		: >out && wait_until "test -s out" | ssh -S "$PWD/mux" -W web1:22 x >out && test -s out || return 1
	done &&
	bssh two bastion whoami >who && test_grep agent/two who
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
