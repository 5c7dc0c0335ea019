#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a target whose SFTP server lies costs its own channel, and reaches neither files nor terminals of the agent'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-sftp.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

evil_policy () {
	sftp_policy &&
	cat <<-EOT
	  - id: all-of-evil
	    who: ["agent/*"]
	    on: [evil]
	    sftp: {paths: ["/srv/**", "~/**"]}
	    do: allow
	EOT
}

# as MODE: what the target's server is from now on.
as () {
	echo "$1" >mode
}

bevil () {
	sftp -F id/ci.conf -o "User=$TEST_LOGIN@evil" -b - "$@" 127.0.0.1
}

# fails_clear TEXT: SFTP with evil ends, with this line of the bastion's. The client may end by SIGPIPE.
fails_clear () {
	fails_text_=$1
	! timeout 60 sftp -F id/ci.conf -o "User=$TEST_LOGIN@evil" -b - 127.0.0.1 >out 2>err &&
	test_grep "^sallyport: $fails_text_" err || { cat out err; return 1; }
}

test_expect_success 'a bastion, a good target and an evil one' '
	mkdir -p "$BOX/vault" && echo well >"$BOX/well" &&
	evil_policy >sftp-policy.yaml &&
	BASTION_POLICY=$TRASH_DIRECTORY/sftp-policy.yaml &&
	init_bastion && start_target web1 &&
	start_target evil "ForceCommand exec python3 $TEST_SRCDIR/t/helper/evil-sftp.py \$(cat $TRASH_DIRECTORY/mode)" &&
	seed_repo demo && write_config && start_bastion &&
	make_identity ci agent/ci
'

test_expect_success 'as long as it behaves, all is well, even with answers in pieces and in any order' '
	for mode in Plain Dribble Shuffle
	do
		as $mode && rm -f got &&
		bevil >out <<-EOT &&
		get /srv/file got
		put got /srv/up
		ls /srv/dir
		EOT
		test_line_count -eq 20000 got && test "$(tail -1 got)" = "line 19999" &&
		test_grep good out || return 1
	done
'

test_expect_success 'what is no SFTP ends the session with a line' '
	for mode in Noise Version6 NoHome TwoPaths
	do
		as $mode &&
		echo pwd | fails_clear "\(stopped\|unreachable\) REQ-[A-Z0-9]*: .*target" || return 1
	done &&
	for mode in HugeLength WrongId Twice WrongType Flood
	do
		as $mode &&
		printf "ls -l /srv/x\nls -l /srv/x\n" | fails_clear "stopped REQ-[A-Z0-9]*: .*target" || return 1
	done &&
	for mode in HugeHandle TooMuch NoData
	do
		as $mode &&
		echo "get /srv/x got" | fails_clear "stopped REQ-[A-Z0-9]*: .*target" || return 1
	done
'

test_expect_success 'a server that resolves no links is not used' '
	as TextPaths &&
	echo "ls /srv" | fails_clear "unreachable REQ-[A-Z0-9]*: .*does not resolve links"
'

test_expect_success 'names that lead elsewhere are decided by where they lead' '
	as Elsewhere &&
	test_must_fail bevil >out 2>err <<-EOT &&
	get /srv/x got
	EOT
	test_grep "denied REQ-[0-9A-Z]* rule=default: no rule allows it; stat /etc/shadow/x on evil" err &&
	as RelativePath &&
	echo "get /srv/x got" | fails_clear "stopped REQ-[A-Z0-9]*: .*target"
'

test_expect_success 'names in a listing that are no plain names are dropped' '
	as BadNames &&
	bevil >out 2>err <<-EOT &&
	ls -a /srv/dir
	EOT
	test_grep good out && test_grep ! evil out && test_grep ! passwd out && test_grep ! "a/b" out && test_grep ! nul out &&
	RAW_TARGET=evil rawsftp names /srv/dir long >out && cat out &&
	grep "^name" out >names && test_line_count -eq 4 names &&
	test_grep "^name b.good. " names && test_grep "b.bell.x07.x1b.0;x.x07. b.long bell??.0;x?." names &&
	mkdir copy && (cd copy && bscp_evil () { scp -q -F ../id/ci.conf -o "User=$TEST_LOGIN@evil" "$@"; } &&
	bscp_evil -r 127.0.0.1:/srv/dir . ; :) &&
	test_path_is_missing evil && test_path_is_missing copy/evil &&
	as OnlyBadNames &&
	bevil >out 2>err <<-EOT &&
	ls -a /srv/dir
	EOT
	test_grep ! evil out &&
	as ManyNames &&
	echo "ls /srv/dir" | fails_clear "stopped REQ-[A-Z0-9]*: .*target"
'

test_expect_success 'one that gives a byte at a time gives no secret away' '
	{ seq 30; printf "password = %s\n" "$(made_up_secret)"; seq 30; } >leaky &&
	as "LeakyDribble $TRASH_DIRECTORY/leaky" &&
	RAW_TARGET=evil rawsftp search /srv/x "$(made_up_secret)" $(grep -b -o "$(made_up_secret)" leaky | cut -d: -f1) >out &&
	cat out &&
	test_grep "^seen 0" out && test_grep "^byte-by-byte hidden" out &&
	test_must_fail bevil >out 2>err <<-EOT &&
	get /srv/x got
	EOT
	test_grep "rule=secret-in-file" err && { ! test -e got || test_grep ! "ghp_aB" got; }
'

test_expect_success 'its words reach no terminal raw' '
	as LongWords &&
	RAW_TARGET=evil rawsftp status "STAT|/srv/x" >out &&
	test_grep "failure" out && LC_ALL=C test_grep ! "$(printf "\033")" out &&
	test "$(wc -c <out)" -lt 2000
'

test_expect_success 'its failures are the failures of what was asked' '
	for mode in WriteFails CloseFails
	do
		as $mode &&
		test_must_fail bevil >out 2>err <<-EOT &&
		put mode /srv/x
		EOT
		audit_has event=file.transfer path=/srv/x result=failed || return 1
	done
'

test_expect_success 'one that dies in the middle is told, and the transfer recorded as cut off' '
	as DiesInRead &&
	# sftp may die of writing to an ssh that has gone: that is no success either.
	! timeout 60 bash -c "echo get /srv/cut got | sftp -F id/ci.conf -o User=$TEST_LOGIN@evil -b - 127.0.0.1" >out 2>err &&
	audit_has event=file.transfer path=/srv/cut "result=cut off"
'

test_expect_success PLAIN 'a file and a folder without end cost no memory' '
	as Endless &&
	{ sftp -F id/ci.conf -o "User=$TEST_LOGIN@evil" 127.0.0.1:/srv/x endless >endless.log 2>&1 & } &&
	client=$! && test_when_finished "kill $client 2>/dev/null || :; rm -f endless" &&
	wait_until "test -n \"\$(session_pids)\"" && pid=$(session_pids | head -1) &&
	wait_until "test \$(stat -c %s endless 2>/dev/null || echo 0) -ge 100000000" 60 &&
	awk "/^Pss:/ {print \$2}" /proc/$pid/smaps_rollup >pss && cat pss &&
	test "$(cat pss)" -lt 24000 &&
	kill $client && wait_until "! is_alive $pid"
'

test_expect_success 'a silent one is left alone, and nobody waits for it but its client' '
	as Silent &&
	{ sftp -F id/ci.conf -o "User=$TEST_LOGIN@evil" 127.0.0.1 >silent.log 2>&1 & } &&
	client=$! && test_when_finished "kill $client 2>/dev/null || :" &&
	wait_until "test -n \"\$(session_pids)\"" &&
	bscp ci web1:$BOX/well . && test_grep well well &&
	kill $client && wait_until "test -z \"\$(session_pids)\""
'

test_expect_success 'the good target serves on, and the daemon ends in order' '
	bscp ci web1:$BOX/well well2 && cmp well well2 &&
	stop_bastion
'

test_done
