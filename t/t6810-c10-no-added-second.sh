#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C10: the bastion adds neither a second to a login nor forty milliseconds to a keystroke'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
# best_of N COMMAND..: the shortest of N runs, in ms: the machine may be busy, and only the bastion is to be blamed here.
best_of () {
	best_n_=$1
	best_=999999
	shift
	while test "$best_n_" -gt 0
	do
		best_start_=$(test-tool ms) &&
		"$@" >/dev/null || return 1
		best_took_=$(($(test-tool ms) - best_start_))
		test "$best_took_" -ge "$best_" || best_=$best_took_
		best_n_=$((best_n_ - 1))
	done
	echo "$best_"
}

test_expect_success 'a bastion, and a way past it' '
	setup_quiet && open_direct && dssh true
'

test_expect_success PLAIN 'a command takes less than 200 ms more than without the bastion' '
	direct=$(best_of 7 dssh true) &&
	ours=$(best_of 7 bssh ci "$TEST_LOGIN@web1" true) &&
	echo "direct $direct ms, through the bastion $ours ms" &&
	test $((ours - direct)) -lt 200
'

test_expect_success PLAIN 'a line there and back takes less than 10 ms' '
	cat >pingpong <<-\EOT &&
	import subprocess, sys, time
	p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
	times = []
	for i in range(100):
	    line = b"%d\n" % i
	    start = time.monotonic()
	    p.stdin.write(line)
	    assert p.stdout.readline() == line
	    times.append(time.monotonic() - start)
	p.stdin.close()
	print("median %d us" % (1e6 * sorted(times)[50]))
	sys.exit(p.wait() or times[50] > 0.010 and sorted(times)[50] > 0.010)
	EOT
	python3 pingpong ssh -F id/ci.conf "$TEST_LOGIN@web1@127.0.0.1" cat
'

test_expect_success 'the bastion is well' '
	bastion_is_well && stop_bastion
'

test_done
