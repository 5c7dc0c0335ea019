#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T17: while a human is being asked, nothing that the agent does reaches the target unseen'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

MARK=$TRASH_DIRECTORY/mark

# began N: the target has begun so many commands.
began () {
	test "$(grep -c "Starting session:" target-web1/log)" -eq "$1"
}

test_expect_success 'a bastion, an agent, an engineer, a service that policy names' '
	service=$(test-tool free-port) && unnamed=$(test-tool free-port) &&
	{ python3 -m http.server --bind 127.0.0.1 "$service" >service.log 2>&1 & } && test_atexit "stop_pid $! service" &&
	wait_until "test-tool accepts $service" &&
	{
		default_policy &&
		cat <<-EOT
		  - {id: service, who: [agent/*], on: [web1], forward: ["127.0.0.1:$service"], do: allow}
		EOT
	} >policy && BASTION_POLICY=$PWD/policy &&
	setup_bastion "approvals: {wait: 60s}" && make_identity ci agent/ci --owner human/kim && make_identity wide agent/wide &&
	make_identity eva human/eva --group engineers
'

test_expect_success 'input, variables, a terminal, a resize, signals, other commands, on the channel that waits' '
	wire ci "$TEST_LOGIN@web1" "out=$TRASH_DIRECTORY/out" env=LANG=C "exec=printf risky; cat; printenv LC_ALL; tee $MARK" \
		"data=late input" env=LC_ALL=C.UTF-8 pty=80x24 resize=90x30 signal=TERM signal=KILL "exec=touch $MARK" shell \
		subsystem=sftp request=x@y data=more eof "wait=$TRASH_DIRECTORY/go" >got 2>wire.err & client=$! &&
	audit_has event=exec.decision verdict=ask rule=risky &&
	wait_until "test \$(grep -c ^failure got) -eq 6" &&
	began 0 && audit_lacks event=exec.start && test ! -e "$MARK"
'

test_expect_success 'approved, it gets what was there when it was asked, and nothing of the rest' '
	bssh eva bastion pending >pending && req=$(grep -o "REQ-[A-Z0-9]*" pending | head -n 1) &&
	bssh eva bastion show "$req" >shown && test_grep ! LC_ALL=C shown &&
	bssh eva bastion approve "$req" && wait_until "grep -q ^status got" && >go && wait $client
	test_grep ! "UTF-8" out && began 1 && audit_has event=exec.start "command=printf risky*" && test_line_count -eq 1 rec &&
	{ bssh eva bastion show "$req" | grep -q "late input" || test_grep ! "late input" out; } && rm -f "$MARK"
'

test_expect_success 'other channels of the connection meanwhile: each its own decision, record and recording' '
	mux="-o ControlPath=$TRASH_DIRECTORY/mux" &&
	BSSH_OPTS="$mux -o ControlMaster=yes" bg_bssh wide "$TEST_LOGIN@web1" "printf risky again; touch $MARK" >waits.out 2>waits.err </dev/null &&
	waits=$CLIENT && wait_until "grep -q pending waits.err" && wait_until "test -S mux" &&
	BSSH_OPTS=$mux bssh wide "$TEST_LOGIN@web1" "echo harmless" >out && test_grep harmless out &&
	audit_has event=exec.start "command=echo harmless" &&
	BSSH_OPTS=$mux test_expect_code 77 bssh wide "$TEST_LOGIN@web1" "printf forbidden" 2>err &&
	began 2 && test ! -e "$MARK"
'

test_expect_success 'forwards meanwhile: decided and on record, like at any time' '
	BSSH_OPTS=$mux test_must_fail bssh wide "$TEST_LOGIN@web1" -W "127.0.0.1:$unnamed" </dev/null 2>err &&
		audit_has event=forward.decision verdict=deny "to=127.0.0.1:$unnamed" &&
	printf "GET / HTTP/1.0\r\n\r\n" | BSSH_OPTS=$mux bssh wide "$TEST_LOGIN@web1" -W "127.0.0.1:$service" >out 2>err &&
	test_grep "200 OK" out &&
	audit_has event=forward.start rule=service "to=127.0.0.1:$service"
'

test_expect_success 'denied, nothing of it has ever run' '
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" waits.err) &&
	bssh eva bastion deny "$req" --reason no && wait_client $waits && test "$CODE" -eq 77 && test ! -e "$MARK" && began 2
'

test_expect_success 'who closes the channel, the connection, or dies while it waits has nothing run later' '
	{ wire ci "$TEST_LOGIN@web1" "exec=printf risky one; touch $MARK" data=x eof "wait=$TRASH_DIRECTORY/asked" close "wait=$TRASH_DIRECTORY/stay" >got & } &&
	stays=$! && test_atexit "faults_end_ $stays" && wait_until "bssh eva bastion pending </dev/null | grep REQ-" && >asked &&
	wait_until "grep ^close got" &&
	bg_bssh ci "$TEST_LOGIN@web1" "printf risky two; touch $MARK" >out 2>two.err </dev/null &&
	wait_until "grep -q pending two.err" && kill -KILL $CLIENT && wait_until "test \$(session_pids | wc -w) -eq 1" &&
	wait_until "bssh eva bastion pending >pending && test \$(grep -o \"REQ-[A-Z0-9]*\" pending | sort -u | wc -l) -eq 2" &&
	bssh eva bastion pending >pending && grep -o "REQ-[A-Z0-9]*" pending | sort -u >reqs && test -s reqs &&
	while read -r req
	do
		bssh eva bastion approve "$req" </dev/null || return 1
	done <reqs &&
	>stay && wait $stays && no_session && test ! -e "$MARK" && began 2
'

test_expect_success 'a push that waits stores nothing, whatever comes after it' '
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work &&
	(cd work && test_commit change) &&
	{ GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf" git -C work push -q origin HEAD:main >push.out 2>push.err & } &&
	push=$! && wait_until "grep -q pending push.err" &&
	test_must_fail git -C state/repos/demo.git cat-file -e "$(git -C work rev-parse HEAD)" &&
	bssh eva bastion deny "$(sed -n "s,.*pending \(REQ-[A-Z0-9]*\).*,\1,p" push.err | head -n 1)" --reason no && { wait $push || :; } &&
	test_must_fail git -C state/repos/demo.git cat-file -e "$(git -C work rev-parse HEAD)"
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
