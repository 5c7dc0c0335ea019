#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='processes that need files see their own part of the file system and no other'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

test -x "$TEST_BUILDDIR/sandbox-probe" || skip_all 'sandbox-probe is not built'
sandbox-probe paths >table
test $? -ne 3 || skip_all 'this kernel has no Landlock'

test_expect_success 'what is named is there, what is not is not' '
	cat table &&
	cat >expect <<-\EOT &&
	all read allowed
	all write allowed
	all create allowed
	some read allowed
	some write refused
	some create refused
	some remove refused
	names read refused
	names write refused
	names remove allowed
	none read refused
	none by another way refused
	none create refused
	none rename refused
	none link refused
	system read refused
	EOT
	test_cmp expect table
'

test_expect_success 'a repository that borrows its objects from another one is not served' '
	setup_quiet &&
	git init -q --bare -b main elsewhere.git && git init -q -b main private &&
	(cd private && test_commit one secret "of somebody else" && git push -q ../elsewhere.git main) &&
	git clone -q --bare --shared elsewhere.git "$STATE/repos/borrower.git" &&
	git -C "$STATE/repos/borrower.git" log -1 main &&
	! bgit ci clone -q "$BASTION_URL/hosted/borrower.git" taken &&	# by an error, or by the signal of a broken pipe
	test_path_is_missing taken/secret
'

test_expect_success 'others are' '
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" demo && test -f demo/README && no_session && stop_bastion
'

test_done
