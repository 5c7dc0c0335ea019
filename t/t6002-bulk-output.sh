#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='much output, of text and of bytes, arrives as it was sent and is all in the recording'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion and an agent' '
	setup_bastion &&
	make_identity ci agent/ci
'

test_expect_success 'fifty megabytes of text' '
	line="all work and no play makes a dull log, sentence by sentence, and none of it is secret" &&
	bssh ci "$TEST_LOGIN@web1" "yes \"$line\" | head -c 52428800" | sha256sum >out &&
	yes "$line" | head -c 52428800 | sha256sum >expect &&
	test_cmp expect out
'

test_expect_success 'the record says how much it was' '
	audit_has event=exec.end output_bytes=52428800 status=0
'

test_expect_success 'the recording is whole and its seal holds' '
	cast=$(recording_of output_bytes=52428800) &&
	test "$(wc -c <"$cast")" -gt 52428800 &&
	sallyport -f "$CONF" audit verify
'

test_expect_success 'lines of any length, without a newline at the end' '
	bssh ci "$TEST_LOGIN@web1" "head -c 300000 /dev/zero | tr \"\\0\" a; printf \"\\n\"; printf end" >out &&
	{ head -c 300000 /dev/zero | tr "\0" a; printf "\nend"; } >expect &&
	cmp expect out
'

test_expect_success 'random bytes arrive as they are' '
	head -c 2097152 /dev/urandom >bytes &&
	bssh ci "$TEST_LOGIN@web1" "cat \"$TRASH_DIRECTORY/bytes\"" >out &&
	cmp bytes out
'

test_expect_success 'so does text in other encodings' '
	printf "caf\351 \303\251 \360\237\224\221 \377\376\n" >bytes &&
	bssh ci "$TEST_LOGIN@web1" "cat \"$TRASH_DIRECTORY/bytes\"" >out &&
	cmp bytes out
'

test_expect_success 'errors and output in bulk at once do not block each other' '
	bssh ci "$TEST_LOGIN@web1" "seq 1 100000; seq 1 100000 >&2; seq 1 100000" >out 2>err &&
	seq 1 100000 >once && cat once once >expect &&
	cmp expect out && cmp once err
'

test_expect_success 'a reader that closes early does not stop the command or the bastion' '
	bssh ci "$TEST_LOGIN@web1" "seq 1 3000000" 2>/dev/null | head -n 1 >out &&
	test_line_count -eq 1 out &&
	bssh ci "$TEST_LOGIN@web1" true
'

test_expect_success 'the daemon ends in order' '
	stop_bastion && sallyport -f "$CONF" audit verify
'

test_done
