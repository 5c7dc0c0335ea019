#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='clients that speak SFTP badly, or too much of it, cost their own channel only'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-sftp.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

test_expect_success 'a bastion with rules on files' '
	setup_sftp && echo well >"$BOX/well"
'

test_expect_success 'garbage ends the channel with one line and 77, what only ends early ends well' '
	rawsftp garbage >out && cat out &&
	for name in noise http no-init version-2 huge-length length-zero string-over-packet second-init an-answer
	do
		test_grep "^$name 77 sallyport: denied REQ-[0-9A-Z]* rule=malformed: what your client says is not SFTP" out || return 1
	done &&
	test_grep "^half-a-packet 0 *$" out && test_grep "^nothing 0 *$" out
'

test_expect_success 'requests that nobody knows are answered so' '
	rawsftp unknown >out && cat out &&
	grep -c " unsupported" out >count && test "$(cat count)" -eq 8 &&
	test_grep "^exit 0" out
'

test_expect_success '64k handles: a bounded number opens, the rest is refused, and closing makes room' '
	rawsftp handles "$BOX/well" 65536 >out && cat out &&
	test_grep "^open 128" out && test_grep "^unknown failure failure failure" out &&
	test_grep "^close ok again failure" out && test_grep "^after open" out
'

test_expect_success 'ten thousand requests at once are answered, each' '
	rawsftp many "$BOX/well" 10000 >out && test_grep "^answers 10000" out
'

test_expect_success 'refusals without end end the channel' '
	rawsftp many "$BOX/vault/gold" 1500 >out 2>err;
	sallyport -f "$CONF" audit search event=file.op verdict=deny "path=*/vault/gold" >rec &&
	test "$(wc -l <rec)" -eq 1000 &&
	audit_has event=exec.end status=77 refusals=1000
'

test_expect_success PLAIN 'one that asks for 300 MiB and reads nothing costs little memory, and gets all of it when it reads' '
	seq 40000000 | head -c 314572800 >"$BOX/huge" &&
	mkfifo go && { rawsftp greedy "$BOX/huge" 300 <go >greedy.out 2>&1 & } &&
	client=$! && test_when_finished "kill $client 2>/dev/null || :; rm -f \"$BOX/huge\"" &&
	exec 7>go &&
	wait_until "grep -q stuffed greedy.out" 60 &&
	pid=$(session_pids | head -1) &&
	awk "/^Pss:/ {print \$2}" /proc/$pid/smaps_rollup >pss && cat pss &&
	test "$(cat pss)" -lt 24000 &&
	bscp ci web1:$BOX/well . && test_grep well well &&
	echo go >&7 && exec 7>&- &&
	wait $client; cat greedy.out &&
	test_grep "^sha256 $(sha256_of "$BOX/huge")" greedy.out
'

test_expect_success PLAIN 'as many windows as there can be stay within a ceiling' '
	head -c 3000000 /dev/urandom >"$BOX/wide" &&
	mkfifo on && { rawsftp windows "$BOX/wide" 128 <on >windows.out 2>&1 & } &&
	client=$! && test_when_finished "kill $client 2>/dev/null || :" &&
	exec 7>on &&
	wait_until "grep -q read windows.out" 60 &&
	pid=$(session_pids | head -1) &&
	private_kb "$pid" >kb && cat kb && test "$(cat kb)" -lt 72000 &&
	echo go >&7 && exec 7>&- &&
	wait $client && test_grep "^closed {.ok.}" windows.out
'

test_expect_success 'a client that is killed in the middle leaves a record of what passed' '
	head -c 104857600 /dev/zero >zeros &&
	{ scp -q -l 80000 -F id/ci.conf -o "User=$TEST_LOGIN@web1" zeros 127.0.0.1:$BOX/cut >cut.log 2>&1 & } && client=$! &&
	wait_until "test -s \"$BOX/cut\"" && kill -9 $(children_of $client) $client &&
	audit_has event=file.transfer path=*/box/cut "result=cut off" partial=true &&
	wait_until "test -z \"\$(session_pids)\""
'

test_expect_success 'whoever must be asked about SFTP is asked once, before anything happens' '
	sed "s/subsystem: .sftp.\$/&/; /id: sftp/,/do: allow/ s/do: allow/do: ask\n    because: files are looked after\n    approvers: [\"group:engineers\"]/" \
		sftp-policy.yaml >"$STATE/policy.yaml" &&
	kill -HUP "$BASTION_PID" && wait_until "grep -q \"loaded again\" daemon.log" &&
	make_identity eng human/eva --group engineers &&
	{ bscp ci web1:$BOX/well asked >ask.out 2>ask.err & } && client=$! &&
	wait_until "grep -q \"^sallyport: pending REQ-\" ask.err" &&
	request=$(sed -n "s/^sallyport: pending \(REQ-[0-9A-Z]*\).*/\1/p" ask.err | head -1) &&
	! test -e asked &&
	bssh eng bastion approve "$request" >approve.out &&
	wait $client && test_grep well asked
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
