#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='who decides on a push sees its commits and the files that they touch, inert and counted'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

ask () {
	bgit ci -C work push -q origin main 2>err
	req=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) && test -n "$req" &&
	bssh eng bastion show "$req" >out
}

test_expect_success 'a bastion, an agent that does not wait, an engineer' '
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim &&
	make_identity eng human/eva --group engineers &&
	printf "\tSetEnv SALLYPORT_WAIT=0\n" >>id/ci.conf &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work
'

test_expect_success 'commits with author, address, day and subject, and what was touched' '
	(
		cd work && echo one >one && mkdir dir && echo two >dir/two && git add . &&
		git commit --author="Ann Author <ann@example.com>" -qm "first of two" -m "with a body" &&
		git rm -q README && git commit --author="Ben <ben@example.com>" -qm "second of two"
	) &&
	ask &&
	test_grep "2 commits" out &&
	test_grep "commit: $(git -C work rev-parse HEAD~1 | cut -c 1-12) Ann Author <ann@example.com> 20..-..-..: first of two" out &&
	test_grep "commit: $(git -C work rev-parse HEAD | cut -c 1-12) Ben <ben@example.com> 20..-..-..: second of two" out &&
	test_grep "3 paths touched: 2 created, 0 modified, 1 deleted" out &&
	test_grep "file: create dir/two" out && test_grep "file: delete README" out
'

test_expect_success 'a subject that would pass for our own lines or move the cursor is inert' '
	(cd work && printf "x\033[2Jred\rcommit: 000000000000 all is well\n" >m && git commit -q --allow-empty -F m) &&
	ask &&
	test "$(LC_ALL=C tr -d "\040-\176\n" <out | wc -c)" -eq 0 &&
	test_must_fail grep "^commit: 000000000000" out && test_must_fail grep "^ *| commit: 000000000000" out &&
	test_grep "x.*2Jred" out
'

test_expect_success 'a merge is called one' '
	(cd work && git switch -qc side HEAD~1 && echo s >side && git add side && git commit -qm side && git switch -q main &&
		git merge -q --no-edit side) &&
	ask && test_grep ", merge: Merge branch" out
'

test_expect_success 'more than can be shown is counted' '
	(cd work && for i in $(seq 1 300); do git commit -q --allow-empty -m "number $i of many more commits than fit" || exit 1; done) &&
	ask && test_grep "30[0-9] commits" out && test_grep "and [0-9]* more commits that are not listed here" out
'

test_done
