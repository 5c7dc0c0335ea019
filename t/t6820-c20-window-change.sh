#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C20: the terminal has the size that the client has, first and later'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

test_expect_success 'a bastion, and a script that tells its size' '
	setup_quiet &&
	cat >sizes <<-\EOT
	trap "stty size" WINCH
	stty size
	while :; do sleep 0.05; done
	EOT
'

test_expect_success 'the first size, then each one that follows' '
	wire ci "$TEST_LOGIN@web1" "out=$TRASH_DIRECTORY/said" pty=101x33 "exec=sh $TRASH_DIRECTORY/sizes" "until=33 101" \
		resize=42x17 "until=17 42" resize=200x60 "until=60 200" close >got &&
	tr -d "\r" <said >sizes.got && printf "33 101\n17 42\n60 200\n" >expect && test_cmp expect sizes.got
'

test_expect_success 'the recording has them' '
	cast=$(recording_of "recording=*") &&
	test_grep "\"r\", *\"42x17\"" "$cast" && test_grep "\"r\", *\"200x60\"" "$cast"
'

test_expect_success 'a size of nothing, and one that no terminal has, end nothing' '
	wire ci "$TEST_LOGIN@web1" "out=$TRASH_DIRECTORY/said" pty=80x24 "exec=sh $TRASH_DIRECTORY/sizes" "until=24 80" \
		resize=0x0 resize=4294967295x4294967295 resize=90x30 "until=30 90" close >got &&
	test_grep "^success$" got
'

test_expect_success 'a resize without a terminal, and before the command, ends nothing' '
	wire ci "$TEST_LOGIN@web1" resize=90x30 "exec=exit 4" >got && test_grep "^status 4$" got &&
	wire ci "$TEST_LOGIN@web1" "out=$TRASH_DIRECTORY/said" pty=80x24 resize=90x30 "exec=stty size" >got &&
	test_grep "^30 90" said
'

test_expect_success 'a thousand of them at once' '
	steps= && n=0 && while test $n -lt 1000; do steps="$steps resize=$((80 + n % 9))x24"; n=$((n + 1)); done &&
	wire ci "$TEST_LOGIN@web1" "out=$TRASH_DIRECTORY/said" pty=80x24 "exec=sh $TRASH_DIRECTORY/sizes" "until=24 80" \
		$steps resize=77x22 "until=22 77" close >got
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
