#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T24: what webhooks carry is bounded, and so is what their receivers can make of the bastion'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# start_bad_sink MODE: one more receiver; adds it to $hooks.
start_bad_sink () {
	python3 "$TEST_SRCDIR/t/helper/bad-sink.py" "$1" "$PWD/$1.port" "$PWD/$1.log" &
	bad_pid_=$!
	test_atexit "stop_pid $bad_pid_ bad-sink"
	wait_until "test -s $1.port" || return 1
	hooks="$hooks, {url: \"http://127.0.0.1:$(cat "$1.port")/hook\", secret_file: keys/webhook}"
}

# asked COMMAND: a question; its id is $req. Nobody waits for the answer.
asked () {
	BSSH_OPTS="-o SetEnv=SALLYPORT_WAIT=0" test_expect_code 75 bssh ci "$TEST_LOGIN@web1" "$1" 2>err &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" err) && test -n "$req"
}

test_expect_success 'a bastion with a decent receiver and four others' '
	init_bastion && start_target web1 && start_sink && hooks="{url: \"$WEBHOOK_URL\", secret_file: keys/webhook}" &&
	for mode in endless headers redirect mute
	do
		start_bad_sink $mode || return 1
	done &&
	write_config "approvals: {webhooks: [$hooks]}" && start_bastion &&
	make_identity ci agent/ci && make_identity eva human/eva --group engineers
'

test_expect_success 'a question of thirty thousand bytes: the announcement has eight, says how many more, and where to read them' '
	head -c 30000 /dev/zero | tr "\0" x >words && asked "printf risky $(cat words)" </dev/null && long=$req && wait_until "test -f sink/000.json" &&
	python3 - "$long" <<-\EOT
	import json, sys
	body = open("sink/000.json", "rb").read()
	data = json.loads(body)["data"]
	print(len(body), len(data["text"]), data["text_bytes"], data["text_more"], data["warning"])
	assert len(body) < 20000 and len(data["text"]) <= 9000
	assert data["text_bytes"] > 30000 and str(data["text_bytes"] - 8192) in str(data["text_more"])
	assert "show " + sys.argv[1] in data["warning"]
	EOT
'

test_expect_success 'the approver who follows that sees all of it' '
	bssh eva bastion show "$long" >out && test "$(tr -dc x <out | wc -c)" -ge 30000
'

test_expect_success 'what grows when it is made plain is bounded as well' '
	head -c 12000 /dev/zero | tr "\0" "\033" >script && asked sh <script && wait_until "test -f sink/001.json" &&
	test "$(wc -c <sink/001.json)" -lt 20000 && test_grep "standard input, 12000 bytes" sink/001.json &&
	test_grep "x1b.*x1b" sink/001.json && test_grep "show $req" sink/001.json
'

test_expect_success 'an answer without end is not read to its end' '
	wait_until "grep -q sent endless.log" && cat endless.log &&
	sent=$(sed -n "s/^1 sent //p" endless.log) && test "$sent" -lt 16000000 &&
	wait_until "grep -q sent headers.log" && cat headers.log &&
	sent=$(sed -n "s/^1 sent //p" headers.log) && test "$sent" -lt 16000000
'

test_expect_success 'a redirection is not followed' '
	test_grep "POST /hook" redirect.log && test_grep "answers 307" daemon.log && test_grep ! elsewhere redirect.log
'

test_expect_success 'who says nothing is hung up on' '
	wait_until "grep -q \"hung up\" mute.log" 40
'

test_expect_success PLAIN 'the process that speaks to them has not grown' '
	size=$(kb "$(helper_pid approvald)" RssAnon) && echo "$size kB" && test "$size" -lt 32000
'

test_expect_success 'and decides as ever, the decent receiver hears of it' '
	background run bssh ci "$TEST_LOGIN@web1" "printf risky again" && wait_until "grep -q pending run.err" &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" run.err) &&
	bssh eva bastion approve "$req" && ended run 0 && wait_until "grep -q \"$req.decided\" sink/*.json"
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
