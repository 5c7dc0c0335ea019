#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the systemd unit is one that systemd understands, and leaves room for what the configuration allows'
. "$(dirname "$0")/test-lib.sh"

unit=$TEST_SRCDIR/contrib/sallyport.service

# setting NAME: the value of the unit's line.
setting () {
	sed -n "s/^$1=//p" "$unit"
}

command -v systemd-analyze >/dev/null && test_set_prereq SYSTEMD

test_expect_success SYSTEMD 'systemd has nothing to say against it' '
	sed -e "s,/usr/local/sbin/sallyportd,$TEST_BUILDDIR/sallyportd,; /^Documentation=/d" "$unit" >sallyport.service &&
	systemd-analyze verify "$PWD/sallyport.service" >said 2>&1 &&
	test_must_be_empty said
'

test_expect_success SYSTEMD 'and calls it safe' '
	systemd-analyze security --offline=yes "$PWD/sallyport.service" >rating 2>&1 &&
	tail -1 rating &&
	level=$(sed -n "s/.*exposure level for sallyport.service: \([0-9]*\).*/\1/p" rating) &&
	test "$level" -le 2
'

test_expect_success 'every line is a section, a setting or a comment, and every setting stands once' '
	test_grep ! -v -E "^(#.*|\[(Unit|Service|Install)\]|[A-Z][A-Za-z]+=.*|)$" "$unit" &&
	sed -n "s/^\([A-Z][A-Za-z]*\)=.*/\1/p" "$unit" | sort | uniq -d >twice &&
	test_must_be_empty twice
'

test_expect_success 'there is room for max_sessions, and for stop_grace' '
	sallyport init state >out &&
	sallyportd -T -f state/sallyport.yaml >effective &&
	sessions=$(sed -n "s/^  max_sessions: //p" effective) &&
	grace=$(sed -n "s/^  stop_grace: \(.*\)s$/\1/p" effective) &&
	test "$(setting TasksMax)" -ge $((sessions + 1024)) &&
	test "$(setting LimitNOFILE)" -ge $((sessions + 8192)) &&
	test "$(setting TimeoutStopSec)" -ge $((grace * 2 + 20)) &&
	test "$(setting LimitCORE)" -eq 0
'

test_expect_success 'it runs as the user that the sysusers file makes' '
	test_grep "^u $(setting User) " "$TEST_SRCDIR/contrib/sallyport.sysusers"
'

test_done
