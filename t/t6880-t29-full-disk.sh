#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T29: with a full disk nothing happens unrecorded, whoever asks hears why, and room is all it takes'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
# full FOLDER: a small disk of its own there; fill FOLDER, free FOLDER.
full () {
	cp -a "$1" "$1.was" && mount -t tmpfs -o "size=$2,mode=700" none "$1" && test_atexit "umount -l '$1'" &&
	cp -a "$1.was/." "$1/"
}

fill () {
	cat /dev/zero >"$1/filler" 2>/dev/null
	test -s "$1/filler"
}

free () {
	rm "$1/filler"
}

mkdir disk && mount -t tmpfs -o size=64k none disk 2>/dev/null && umount disk || skip_all 'no file system can be mounted here'

works () {
	test "$(bssh ci "$TEST_LOGIN@web1" "echo works" 2>/dev/null </dev/null)" = works
}

test_expect_success 'a bastion whose log and recordings have small disks of their own' '
	init_bastion && start_target web1 && mkdir -p state/recordings state/audit &&
	full state/recordings 96m && full state/audit 4m && write_config && start_bastion &&
	make_identity ci agent/ci && works
'

test_expect_success 'recordings: a command that prints more than there is room for is stopped, with the reason' '
	BSSH_OPTS= timeout 300 ssh -F id/ci.conf "$TEST_LOGIN@web1@127.0.0.1" "yes 0123456789abcdef | head -c 150000000" >out 2>err </dev/null
	got=$? && echo "status $got, $(wc -c <out) bytes" && cat err && test $got -eq 75 && test "$(wc -c <out)" -lt 100000000 &&
	said_once err "^sallyport: stopped REQ-[A-Z0-9]*: nothing can be recorded now"
'

test_expect_success 'the log has both ends: of the recording, and of the command that it cut short' '
	audit_has event=recording.cut "reason=*nearly full*" && audit_has event=exec.end signal=HUP
'

test_expect_success 'what had got out is in the recording' '
	ls -l state/recordings && cat state/recordings/*.cast | wc -c >kept && test "$(cat kept)" -ge "$(wc -c <out)"
'

test_expect_success 'recordings: with no room nothing runs' '
	{ fill state/recordings || :; } &&
	bssh ci "$TEST_LOGIN@web1" "touch $TRASH_DIRECTORY/ran" >out 2>err </dev/null
	got=$? && cat err && test $got -ne 0 && test ! -e ran && test_grep "^sallyport: " err
'

test_expect_success 'with room again, commands run' '
	rm -f state/recordings/filler && rm state/recordings/*.cast && wait_until works
'

test_expect_success 'the log: with no room nothing runs, and nobody gets anything' '
	fill state/audit &&
	n=0 && while works && test $n -lt 200; do n=$((n + 1)); done; echo "$n more fitted" &&
	bssh ci "$TEST_LOGIN@web1" "touch $TRASH_DIRECTORY/ran" >out 2>err </dev/null
	got=$? && cat err && test $got -ne 0 && test ! -e ran && test_must_be_empty out
'

test_expect_success 'the daemon stays, tries now and then, and refuses who comes meanwhile at once' '
	wait_until "grep -q \"cannot be written; nobody is let in\" daemon.log" &&
	wait_until "test \$(grep -c \"sallyport-auditd.* error: \" daemon.log) -ge 3" && is_alive "$BASTION_PID" &&
	test_grep ! "giving up" daemon.log && BSSH_OPTS="-o ConnectTimeout=60" within 15000 test_expect_code 255 bssh ci bastion whoami 2>err
'

test_expect_success 'the host still gets in: what lies there can be read, and room be made' '
	sallyport -f "$CONF" audit search event=exec.end >out && test -s out && free state/audit
'

test_expect_success 'with room again the same daemon serves, and the log is whole' '
	wait_until works 30 && is_alive "$BASTION_PID" && audit_has event=daemon.restart && ls -l state/audit &&
	{ sallyport -f "$CONF" audit verify >verified; cat verified; grep -v -e "cast: missing$" -e "^ALTERED: .* 2 problems$" verified >other; } ;
	test_must_be_empty other
'

test_expect_success 'the bastion ends in order' '
	stop_bastion
'

test_done
