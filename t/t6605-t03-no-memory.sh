#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T3: an allocation that fails lets nobody in, wherever it is, and costs its own connection alone'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko
command -v cc >/dev/null || skip_all 'no compiler here'
test_have_prereq PLAIN || skip_all 'a sanitizer has an allocator of its own'

test_expect_success 'a daemon in whose sessions an allocation can fail' '
	cc -shared -fPIC -O2 -o starve.so "$TEST_SRCDIR/t/helper/starve.c" -ldl &&
	init_bastion && start_target web1 &&
	write_config "limits: {login_grace: 3s, max_startups_per_source: 100, sessions_per_identity: 0, penalty_start: 0s}" &&
	echo 0 >starve.n && export STARVE="$PWD/starve.n" &&
	LD_PRELOAD=$PWD/starve.so start_bastion && make_identity ci agent/ci && bssh ci "$TEST_LOGIN@web1" "echo in" >out && test_grep in out
'

test_expect_success 'good signatures: some get in, some do not; the sessions that fail are on record nowhere as anything else' '
	echo 3000 >starve.n &&
	badclient crowd --method publickey --user "$TEST_LOGIN@web1" --key id/ci --count 150 --seconds 5 >good && cat good &&
	n=$(sed -n "s/^let in \([0-9]*\) of 150/\1/p" good) && test $n -lt 150 && test $n -gt 10
'

test_expect_success 'bad signatures: none gets in' '
	before=$(sallyport -f "$CONF" audit search event=session.start | wc -l) &&
	badclient crowd --method bad-signature --user "$TEST_LOGIN@web1" --key id/ci --count 200 --seconds 5 >bad && cat bad &&
	test_grep "^let in 0 of 200" bad &&
	test $(sallyport -f "$CONF" audit search event=session.start | wc -l) -eq $before
'

test_expect_success 'the bastion is well, and says so' '
	echo 0 >starve.n && bssh ci "$TEST_LOGIN@web1" "echo in" >out && test_grep in out && no_session && stop_bastion
'

test_done
