#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a risky command waits for an engineer, and what she approves is what runs, once'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# pending_id FILE: the request that it speaks of.
pending_id () {
	sed -n 's/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p' "$1" | head -n 1
}

# ask_now COMMAND: without waiting; 75, and the request in $req.
ask_now () {
	BSSH_OPTS="-o SetEnv=SALLYPORT_WAIT=0" test_expect_code 75 bssh ci "$TEST_LOGIN@web1" "$1" >out 2>err &&
	test_must_be_empty out && req=$(pending_id err) && test -n "$req"
}

test_expect_success 'a bastion, an agent of kim'\''s, two engineers, kim herself' '
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim &&
	make_identity eva human/eva --group engineers &&
	make_identity kim human/kim --group engineers &&
	make_identity robot agent/robot --group engineers &&
	make_identity sam human/sam
'

test_expect_success 'the command waits, and says so at once with the request' '
	background run bssh ci "$TEST_LOGIN@web1" "printf risky; exit 9" &&
	wait_until "grep -q pending run.err" &&
	said_once run.err "^sallyport: pending REQ-[A-Z0-9]* rule=risky: it is risky; a human has been asked, waiting up to 100s" &&
	req=$(pending_id run.err) && test ! -e run.status && test_must_be_empty run.out
'

test_expect_success 'nothing has run' '
	audit_has event=exec.decision verdict=ask rule=risky && audit_lacks event=exec.start
'

test_expect_success 'the engineer sees it, whole' '
	bssh eva bastion pending >out && test_grep "$req.*agent/ci.*$TEST_LOGIN@web1.*risky" out &&
	bssh eva bastion show "$req" >out && test_grep "^who  *agent/ci (owner human/kim)" out &&
	test_grep "| printf risky; exit 9" out && test_grep "^sha256  *[0-9a-f]\{64\}$" out
'

test_expect_success 'who asked cannot approve, nor her owner, nor an agent, nor somebody who is no approver' '
	test_expect_code 77 bssh ci bastion approve "$req" 2>err && test_grep "an agent never decides\|asked for this yourself" err &&
	test_expect_code 77 bssh kim bastion approve "$req" 2>err && test_grep "your own agent asked for this" err &&
	test_expect_code 77 bssh robot bastion approve "$req" 2>err && said_once err "agent" &&
	bssh sam bastion approve "$req" 2>err
	test $? -ne 0 && test ! -e run.status &&
	audit_has event=approval.refused by=human/kim
'

test_expect_success 'she approves, and the command'\''s own output and status come back' '
	bssh eva bastion approve "$req" && ended run 9 &&
	printf risky >expect && test_cmp expect run.out &&
	test_grep "^sallyport: $req approved by human/eva" run.err
'

test_expect_success 'start is on record with the approval; so are ask, vote and use' '
	audit_has event=exec.start rule=risky "approval=$req" &&
	audit_has event=approval.ask "request=$req" && audit_has event=approval.approve "request=$req" by=human/eva &&
	audit_has event=approval.use "request=$req"
'

test_expect_success 'once: the same command again asks again' '
	used=$req && ask_now "printf risky; exit 9" && test "$req" != "$used" && old=$req
'

test_expect_success 'who does not wait gets 75 at once and the way to go on' '
	test_grep "^sallyport: still pending $req: nothing has run; after approval run the same command again, or: ssh BASTION wait $req" err
'

test_expect_success 'the same command meanwhile is the same request, another is another' '
	ask_now "printf risky; exit 9" && test "$req" = "$old" &&
	ask_now "printf risky; exit 8" && test "$req" != "$old"
'

test_expect_success 'after approval the same command runs at once, and only that one' '
	bssh eva bastion approve "$old" &&
	ask_now "printf risky; exit 10" &&
	BSSH_OPTS="-o SetEnv=SALLYPORT_WAIT=0" test_expect_code 9 bssh ci "$TEST_LOGIN@web1" "printf risky; exit 9" >out &&
	test_cmp expect out &&
	ask_now "printf risky; exit 9"
'

test_expect_success 'an approval is for one identity' '
	make_identity other agent/other &&
	ask_now "printf risky mine" && bssh eva bastion approve "$req" &&
	BSSH_OPTS="-o SetEnv=SALLYPORT_WAIT=0" test_expect_code 75 bssh other "$TEST_LOGIN@web1" "printf risky mine" 2>err &&
	test_grep ! "$req" err
'

test_expect_success 'a denial is 77, with who and why' '
	background run bssh ci "$TEST_LOGIN@web1" "printf risky; rm x" && wait_until "grep -q pending run.err" &&
	req=$(pending_id run.err) &&
	bssh eva bastion deny "$req" --reason "use the staging host" &&
	ended run 77 && test_must_be_empty run.out &&
	test_grep "^sallyport: denied $req rule=risky: denied by human/eva: use the staging host$" run.err
'

test_expect_success 'it stands: asking again at once is the same answer' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "printf risky; rm x" 2>err &&
	test_grep "denied $req rule=risky: .*use the staging host" err
'

test_expect_success 'a denial needs a reason' '
	ask_now "printf risky without reason" &&
	test_must_fail bssh eva bastion deny "$req" 2>err && test_grep reason err
'

test_expect_success 'wait REQ ends with the decision' '
	background wait bssh ci bastion wait "$req" &&
	bssh eva bastion approve "$req" && ended wait 0 && test_grep "$req approved by human/eva" wait.err &&
	bssh ci bastion status "$req" >out && test_grep "$req approved" out
'

test_expect_success 'a client that goes away meanwhile does not run anything later' '
	background gone bssh ci "$TEST_LOGIN@web1" "printf risky and gone" && wait_until "grep -q pending gone.err" &&
	req=$(pending_id gone.err) &&
	pid=$(for p in /proc/[0-9]*; do tr "\0" " " <$p/cmdline 2>/dev/null | grep -q "$TRASH_DIRECTORY.*risky and gone" && echo ${p#/proc/}; done | head -n 1)
	kill "$pid" && wait_until "test -f gone.status" &&
	bssh eva bastion approve "$req" &&
	audit_has event=approval.approve "request=$req" && audit_lacks event=exec.start "command=printf risky and gone"
'

test_expect_success 'over a shared connection the wish not to wait comes as a variable: ssh passes SetEnv of its first user only' '
	ssh -F id/ci.conf -o SendEnv="SALLYPORT_*" -M -N -f -S "$PWD/mux" "$TEST_LOGIN@web1@127.0.0.1" &&
	(
		export SALLYPORT_WAIT=0 && BSSH_OPTS="-S $PWD/mux -o SendEnv=SALLYPORT_*" &&
		test_expect_code 75 bssh ci "$TEST_LOGIN@web1" "printf risky shared" 2>err
	) && test_grep "nobody waits here" err && ssh -S "$PWD/mux" -O exit x 2>/dev/null
'

test_expect_success 'the log holds together, and the daemon ends in order' '
	stop_bastion && sallyport -f "$CONF" audit verify
'

test_done
