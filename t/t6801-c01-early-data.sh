#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C1: what a client sends before the target is there waits for it, whole'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

test_expect_success 'a bastion whose target does not answer yet' '
	setup_gated --go "$TRASH_DIRECTORY/go" &&
	head -c 200000 /dev/urandom >in &&
	sha256sum <in >expect
'

test_expect_success 'a command, its input, and its end are all sent before the target is there' '
	background_in_=in && background early bssh ci "$TEST_LOGIN@web1" sha256sum && unset background_in_ &&
	printf "one\ntwo\n" >lines && background_in_=lines &&
	background piped bssh ci "$TEST_LOGIN@web1" "while read -r l; do echo got \$l; done" && unset background_in_ &&
	audit_has event=exec.start command=sha256sum && audit_has event=exec.start "command=while read*" &&
	test ! -e early.status && test ! -e piped.status
'

test_expect_success 'so is a command whose client does not wait for an answer to anything' '
	wire ci "$TEST_LOGIN@web1" "unasked=wc -c" "fill=100000" eof "out=counted" >raw & raw=$! &&
	audit_has event=exec.start "command=wc -c"
'

test_expect_success 'the target comes: everything has waited for it' '
	>go &&
	ended early 0 && test_cmp expect early.out &&
	ended piped 0 && printf "got one\ngot two\n" >expect && test_cmp expect piped.out &&
	wait $raw && test_grep "^status 0$" raw && test_grep "^100000$" counted
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
