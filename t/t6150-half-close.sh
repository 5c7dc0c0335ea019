#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C14: each direction ends by itself: input first, output first, and the status last'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

test_expect_success 'a bastion and an agent' '
	setup_bastion && make_identity ci agent/ci
'

test_expect_success 'the end of input reaches the command while it still prints' '
	printf "one\ntwo\n" | bssh ci "$TEST_LOGIN@web1" "cat; echo after; exit 3" >out
	printf "one\ntwo\nafter\n" >expect && test_cmp expect out &&
	test_expect_code 3 bssh ci "$TEST_LOGIN@web1" "cat; exit 3" </dev/null
'

test_expect_success 'the end of output reaches its reader while the command still runs; input and status come later' '
	badclient halves --user "$TEST_LOGIN@web1" --key id/ci --command "echo x; exec >&- 2>&-; read x; test \"\$x\" = more && exit 7" \
		>out &&
	printf "output ended before the command\nstatus 7\n" >expect && test_cmp expect out
'

test_expect_success 'where the input is over too, the status still arrives' '
	test_expect_code 7 bssh ci "$TEST_LOGIN@web1" "exec >&- 2>&-; test-tool nap 800 2>/dev/null || sleep 1; exit 7" </dev/null
'

test_expect_success 'a command that has closed its output and is then cut off still ends here' '
	background cut bssh ci "$TEST_LOGIN@web1" "exec >&- 2>&-; exec sleep 30" && audit_has event=exec.start "command=exec >&- 2>&-; exec*" &&
	session=$(sed -n "s/.*\"session\":\"\([^\"]*\)\".*/\1/p" rec | tail -1) &&
	sallyport -f "$CONF" sessions kill "$session" >/dev/null && wait_until "test -e cut.status" &&
	test_grep -v "^0$" cut.status
'

test_expect_success 'ssh host exit, and many short ones: none hangs, no byte is lost' '
	test_expect_code 0 bssh ci "$TEST_LOGIN@web1" exit && test_expect_code 9 bssh ci "$TEST_LOGIN@web1" "exit 9" &&
	BSSH_OPTS="-o ControlMaster=auto -o ControlPath=$TRASH_DIRECTORY/mux -o ControlPersist=yes" &&
	test_atexit "ssh -O exit -o ControlPath=$TRASH_DIRECTORY/mux x 2>/dev/null" &&
	i=0 && while test $i -lt 60
	do
		i=$((i + 1))
		test "$(bssh ci "$TEST_LOGIN@web1" "printf %s-x $i; printf e >&2" 2>err)" = "$i-x" && test "$(cat err)" = e || return 1
	done
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
