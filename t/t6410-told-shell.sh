#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='E11: a shell without a terminal is told its commands on its input: the recording shows them, masked'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion on which a human may have a shell' '
	cat >policy <<-\EOT &&
	rules:
	  - {id: log-in, who: [human/eva], on: [web1], shell: true, do: allow}
	  - {id: run, who: [human/eva], on: [web1], exec: [cat], do: allow}
	EOT
	BASTION_POLICY=$PWD/policy && setup_bastion && make_identity eva human/eva
'

test_expect_success 'each line that a bare shell is told is in its recording, also the last one without an end' '
	token=gh$(printf p)_$(head -c 2000 /dev/urandom | LC_ALL=C tr -dc A-Za-z0-9 | cut -c1-36) &&
	printf "echo one\necho %s >/dev/null\n\necho \"t\303\274r\"\033[2J; exit 5" "$token" >script &&
	test_expect_code 5 bssh eva "$TEST_LOGIN@web1" -T <script >out 2>err && rec=$(recording_of status=5) &&
	test_grep "\"m\", *\"input: echo one\"" "$rec" && test_grep "input: echo .masked:github" "$rec" &&
	test_grep "input: echo .*exit 5\"" "$rec" && test_grep ! "$token" "$rec" &&
	LC_ALL=C test_grep ! "$(printf "\033")" "$rec"
'

test_expect_success 'so it is for "bash" and "sh -s" as commands; not for a program that reads data' '
	echo "exit 6 # bash" | test_expect_code 6 bssh eva "$TEST_LOGIN@web1" bash && rec=$(recording_of status=6) &&
	test_grep "input: exit 6 # bash" "$rec" &&
	echo "exit 7 # sh" | test_expect_code 7 bssh eva "$TEST_LOGIN@web1" "sh -s" && rec=$(recording_of status=7) &&
	test_grep "input: exit 7 # sh" "$rec" &&
	echo "only data" | bssh eva "$TEST_LOGIN@web1" cat >out && rec=$(recording_of stdin_bytes=10) && test_grep ! "input:" "$rec"
'

test_expect_success 'very much is cut, and says so; the shell gets all of it' '
	{ yes ": 0123456789abcdef0123456789abcdef0123456789abcdef" | head -n 40000; echo "exit 8"; } >long &&
	test_expect_code 8 bssh eva "$TEST_LOGIN@web1" -T <long >out 2>err && rec=$(recording_of status=8) &&
	test_grep "input: the rest is not shown" "$rec" && test $(wc -c <"$rec") -lt 4000000
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
