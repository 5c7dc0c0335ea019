#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='terminals of no size or of any, names and modes that are none, a storm of changes (T27)'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

# has NAME STATUS TEXT: how that terminal fared.
has () {
	test_grep "^$1 $2 .$3.$" out
}

test_expect_success 'each on a channel of its own, and a command in it' '
	setup_quiet "limits: {max_channels: 50}" &&
	badclient terminal --user "$TEST_LOGIN@web1" --key id/ci --count 20000 \
		--command "stty size 2>/dev/null || echo none; echo \"\$TERM\"" >out &&
	cat out
'

test_expect_success 'one of no size gets the usual one' '
	has plain 0 "24 80.*xterm" && has zero 0 "24 80.*xterm"
'

test_expect_success 'one of any size is none, the command runs without' '
	has huge 0 "none.*"
'

test_expect_success 'a name of 64 kB is none; escapes in a name are made visible' '
	has name-64k 0 "none.*" &&
	test_grep "^name-escapes 0 .24 80.r.n..x1b.0;owned..x07..x1b.2J.$" out &&
	has name-nul 0 "24 80.*xterm" && test_grep ! evil out
'

test_expect_success 'modes that are none do no harm' '
	has modes-cut 0 "24 80.*" && has modes-unknown 0 "24 80.*" && has modes-long 0 "24 80.*" && has modes-none 0 "24 80.*"
'

test_expect_success 'after twenty thousand changes of size it has the last one, and the connection lives' '
	has storm 0 "43 132.*" && test_grep "^alive yes$" out
'

test_expect_success 'recordings are whole, and the bastion is well' '
	no_session && sallyport -f "$CONF" audit verify && bastion_is_well && stop_bastion
'

test_done
