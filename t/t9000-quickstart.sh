#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the show that a newcomer runs first goes through to its end'

. "$(dirname "$0")/test-lib.sh"

for need in ssh sshd git python3 script
do
	command -v "$need" >/dev/null || skip_all "no $need here"
done

test_expect_success 'all seven steps pass' '
	sh "$TEST_SRCDIR/contrib/quickstart" --build "$TEST_BUILDDIR" --demo "$TRASH_DIRECTORY/demo" >show 2>&1 ||
		{ cat show; false; } &&
	test_grep "^All seven steps passed in [0-9]* s$" show
'

test_expect_success 'nothing of it goes on running' '
	for pid in $(cat demo/pids)
	do
		test_expect_code 1 kill -0 "$pid" || return 1
	done
'

test_expect_success 'no sanitizer has spoken' '
	test_grep ! -E "AddressSanitizer|LeakSanitizer|runtime error:" demo/daemon.log
'

test_done
