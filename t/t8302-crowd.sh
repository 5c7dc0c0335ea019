#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a thousand silent connections stop nobody else from logging in (T16, C28)'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

# The script holds a thousand sockets in one process, and the daemon as many.
ulimit -n 4096 2>/dev/null || skip_all 'too few descriptors'

# A second; a build with sanitizers makes its processes several times slower.
soon=1000
test_have_prereq PLAIN || soon=5000

# crowd SOURCES [HEADER]: a thousand connections that say nothing, or hello and nothing more, from so many addresses.
crowd () {
	bg_badclient silent --count 1000 --sources "$1" --header "${2-none}" --seconds 60 >crowd.out && CROWD=$CLIENT &&
	wait_until "grep -q ^ready crowd.out"
}

end_crowd () {
	faults_end_ "$CROWD" && no_session
}

# log_in: somebody from an address of his own, by the clock.
log_in () {
	BSSH_OPTS="-b 127.9.9.9" &&
	soon_enough "$soon" bssh ci bastion whoami && test_grep agent/ci out &&
	soon_enough "$soon" bssh ci "$TEST_LOGIN@web1" "echo in" && test_grep "^in$" out &&
	BSSH_OPTS=
}

# Processes and memory that the crowd costs: places for newcomers, and not a process each.
crowd_is_cheap () {
	n=$(session_pids | wc -w) &&
	echo "$n session processes, the daemon holds $(kb "$BASTION_PID" VmRSS) KiB, before $base" &&
	test "$n" -le 100 &&
	{ ! test_have_prereq PLAIN || test $(($(kb "$BASTION_PID" VmRSS) - base)) -le 8192; }
}

test_expect_success 'a bastion with the limits that it comes with' '
	setup_quiet &&
	base=$(kb "$BASTION_PID" VmRSS)
'

test_expect_success 'from one address' '
	crowd 1 &&
	log_in && log_in &&
	crowd_is_cheap &&
	test_grep "too many connections from this source" daemon.log &&
	end_crowd
'

test_expect_success 'from fifty addresses' '
	crowd 50 &&
	log_in && log_in &&
	crowd_is_cheap &&
	wait_until "grep -q \"makes room for somebody from elsewhere\" daemon.log" &&
	end_crowd
'

test_expect_success 'from a thousand addresses' '
	crowd 1000 &&
	log_in && log_in &&
	crowd_is_cheap &&
	end_crowd
'

test_expect_success 'from a thousand addresses that begin as SSH does' '
	crowd 1000 hello &&
	log_in && log_in &&
	crowd_is_cheap &&
	end_crowd
'

test_expect_success 'the log does not grow with the crowd' '
	grep -c "refused" daemon.log >lines &&
	cat lines &&
	test "$(cat lines)" -le 60
'

test_expect_success 'the bastion is well' '
	bssh ci bastion whoami && no_session && bastion_is_well && stop_bastion
'

test_done
