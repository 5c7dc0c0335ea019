#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a hundred thousand variables, and names that are none, neither pass nor do harm (T22)'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

test_expect_success 'they are sent, and the command runs' '
	setup_quiet &&
	badclient environment --user "$TEST_LOGIN@web1" --key id/ci --count 100000 --command "env; echo end" >out &&
	wc out && head -3 out && tail -2 out &&
	test_grep "^status 0$" out && test_grep "^end$" out && test_grep "^alive yes$" out
'

test_expect_success 'what has no name of the list has not passed, nor what is too much' '
	test_grep ! -e LD_PRELOAD -e BASH_ENV -e "^PATH=value" -e SSH_ORIGINAL -e SALLYPORT_SESSION -e "^LC_BIG" -e "LC_A=B" out &&
	test_grep ! "LC_.*=B=" out &&
	passed=$(grep -c "^LC_" out) && echo "$passed passed" && test "$passed" -le 256
'

test_expect_success PLAIN 'the daemon has not grown' '
	test "$(kb "$BASTION_PID" VmRSS)" -le 65536
'

test_expect_success 'the bastion is well' '
	no_session && sallyport -f "$CONF" audit verify && bastion_is_well && stop_bastion
'

test_done
