#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='what a command printed can be replayed and exported, and whoever alters it is found out'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion, an agent, a recorded command' '
	setup_bastion &&
	make_identity ci agent/ci &&
	test_expect_code 3 bssh ci "$TEST_LOGIN@web1" "echo first line; echo to stderr >&2; printf \"caf\\303\\251\\n\"; exit 3" >live.out 2>live.err &&
	cast=$(recording_of status=3) && id=$(basename "$cast" .cast) && test -f "$cast"
'

test_expect_success 'the recording is an asciicast of version 3 with the command in it' '
	head -n 1 "$cast" >head && test_grep "^{\"version\":3,\"term\":{\"cols\":80,\"rows\":24" head &&
	test_grep "echo first line" head && test_grep "\"title\":\"$TEST_LOGIN@web1 as agent/ci\"" head &&
	test_grep "first line" "$cast" && test_grep "to stderr" "$cast" && test_grep ", \"x\", \"3\"\]" "$cast"
'

test_expect_success 'nobody else can read it' '
	find state/recordings -perm /077 >open && test_must_be_empty open
'

test_expect_success 'replay shows what was shown' '
	sallyport -f "$CONF" replay "$id" --instant >out 2>err &&
	test_grep "first line" out && test_grep "café" out &&
	sallyport -f "$CONF" replay "$id" --instant --stderr-only >out 2>&1 && test_grep "to stderr" out && test_grep ! "first line" out
'

test_expect_success 'export makes a version 2 for older players' '
	sallyport -f "$CONF" export "$id" --v2 >v2 && head -n 1 v2 >head && test_grep "\"version\":2" head && test_grep "first line" v2 &&
	sallyport -f "$CONF" export "$id" -o v3 && cmp v3 "$cast"
'

test_expect_success 'an unknown recording is one line' '
	test_expect_code 1 sallyport -f "$CONF" replay S-AAAAAAAAAA.1 2>err && test_line_count -eq 1 err &&
	test_must_fail sallyport -f "$CONF" replay ../../keys/master 2>err && test_line_count -le 4 err
'

test_expect_success 'one altered byte of the recording is found, and the recording named' '
	stop_bastion && sallyport -f "$CONF" audit verify &&
	chmod u+w "$cast" && test-tool flip "$cast" 200 &&
	test_expect_code 1 sallyport -f "$CONF" audit verify >out && test_grep "ALTERED" out && test_grep "$id" out &&
	test_must_fail sallyport -f "$CONF" replay "$id" --instant >out 2>err && test_grep ! "first line" out &&
	test-tool flip "$cast" 200 && sallyport -f "$CONF" audit verify
'

test_expect_success 'so is one altered byte of the log, wherever it is' '
	for at in 10 500 $(($(wc -c <state/audit/log.jsonl) - 30))
	do
		test-tool flip state/audit/log.jsonl $at &&
		test_must_fail sallyport -f "$CONF" audit verify >out 2>&1 && test-tool flip state/audit/log.jsonl $at || return 1
	done && sallyport -f "$CONF" audit verify
'

test_expect_success 'and a recording that has gone' '
	mv "$cast" away && test_expect_code 1 sallyport -f "$CONF" audit verify >out && test_grep "$id" out && mv away "$cast"
'

test_expect_success 'and a log that was cut' '
	cp state/audit/log.jsonl whole && sed -i "\$d" state/audit/log.jsonl &&
	test_must_fail sallyport -f "$CONF" audit verify >out 2>&1 &&
	{ sallyportd -f "$CONF" -D >cut.log 2>&1 & } && cut=$! && test_atexit "stop_pid $cut sallyportd" &&
	wait_until "grep -q \"auditd.*\(log\|checkpoint\)\" cut.log" 60 && wait_until "! is_alive $cut" 60 &&
	cp whole state/audit/log.jsonl
'

test_done
