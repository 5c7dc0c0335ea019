#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='an administrator sees who is there and ends a session at once'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion with a running command' '
	setup_bastion &&
	make_identity ci agent/ci && make_identity other agent/other &&
	conversation run bssh ci "$TEST_LOGIN@web1" "echo running; cat" && wait_until "grep -q running run.out" &&
	sallyport -f "$CONF" sessions list >out && id=$(sed -n "s/^\(S-[A-Z0-9]*\) .*open.*agent\/ci.*/\1/p" out) && test -n "$id"
'

test_expect_success 'kill ends it, with the reason' '
	sallyport -f "$CONF" sessions kill "$id" && ended run 75 && exec 9>&- &&
	test_grep "^sallyport: stopped REQ-[A-Z0-9]*: an administrator has ended this session" run.err
'

test_expect_success 'that, and who did it, is on record; the recording is sealed' '
	audit_has event=session.kill "session=$id" "by=host/*" && audit_has event=exec.end "session=$id" signal=HUP &&
	audit_has event=recording.close "session=$id"
'

test_expect_success 'others are not touched, the same identity may come again' '
	bssh other bastion whoami && bssh ci bastion whoami
'

test_expect_success 'a session that is not there is one line' '
	test_expect_code 1 sallyport -f "$CONF" sessions kill S-AAAAAAAAAA 2>err && said_once err "no live session" &&
	test_expect_code 1 sallyport -f "$CONF" sessions kill "$id" 2>err && stop_bastion
'

test_done
