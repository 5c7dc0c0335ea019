#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='requests and decisions are announced by signed webhooks'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

command -v python3 >/dev/null || skip_all "no python3 for the receiver"

test_expect_success 'a bastion with a receiver' '
	init_bastion && start_target web1 && start_sink &&
	write_config "approvals: {webhooks: [{url: \"$WEBHOOK_URL\", secret_file: keys/webhook}]}" &&
	start_bastion &&
	make_identity ci agent/ci --owner human/kim && make_identity eva human/eva --group engineers
'

test_expect_success 'the receiver hears of the request, with a signature that holds' '
	background run bssh ci "$TEST_LOGIN@web1" "printf risky" &&
	wait_until "test -f sink/000.json && grep -q pending run.err" &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" run.err) &&
	test_grep "\"type\":\"sallyport.approval.requested\"" sink/000.json &&
	test_grep "\"subject\":\"$req\"" sink/000.json && test_grep "\"id\":\"$req.requested\"" sink/000.json
'

test_expect_success 'it is told what, where, who, why and how to decide' '
	test_grep "\"identity\":\"agent/ci\"" sink/000.json && test_grep "\"owner\":\"human/kim\"" sink/000.json &&
	test_grep "\"target\":\"web1\"" sink/000.json && test_grep "\"rule\":\"risky\"" sink/000.json &&
	test_grep "\"because\":\"it is risky\"" sink/000.json && test_grep "\"text\":\"printf risky\"" sink/000.json &&
	test_grep "approve $req" sink/000.json
'

test_expect_success 'and of the decision' '
	bssh eva bastion approve "$req" && ended run 0 &&
	wait_until "test -f sink/001.json" &&
	test_grep "\"type\":\"sallyport.approval.decided\"" sink/001.json &&
	test_grep "\"subject\":\"$req\"" sink/001.json && test_grep "\"by\":\"human/eva\"" sink/001.json
'

test_expect_success 'no delivery had a bad signature, and no secret of ours lies in the log' '
	ls sink >list && test_grep ! bad list &&
	test_grep ! "$(sed s/whsec_// state/keys/webhook)" daemon.log
'

test_expect_success 'a receiver that is down delays nobody' '
	stop_pid "$sink_pid_" sink &&
	background run bssh ci "$TEST_LOGIN@web1" "printf risky again" && wait_until "grep -q pending run.err" &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" run.err) &&
	bssh eva bastion approve "$req" && ended run 0
'

test_expect_success 'a secret file that others can read is an error at the start' '
	stop_bastion && chmod 644 state/keys/webhook &&
	test_must_fail timeout 20 sallyportd -f "$CONF" -D 2>err || sallyportd -f "$CONF" -t 2>err
	test_grep "keys/webhook" err
'

test_done
