#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the test library itself: what fails has to be seen to fail'

. "$(dirname "$0")/test-lib.sh"

# A script of its own in a build folder of its own, run with the given body; TAP in tap, diagnostics in err.
inner () {
	mkdir -p inner/build &&
	{
		echo "test_description='inner'"
		echo ". '$TEST_SRCDIR/t/test-lib.sh'"
		cat
	} >inner/t9999-inner.sh &&
	{
		TEST_BUILDDIR=$TRASH_DIRECTORY/inner/build PATH=$TEST_BUILDDIR:$PATH "${TEST_SHELL:-/bin/sh}" \
			inner/t9999-inner.sh "$@" >tap 2>err
		echo $? >code
	}
}

test_expect_success 'a passing test prints ok and the plan' '
	inner <<-\EOF &&
	test_expect_success "fine" ": >made && test -f made"
	test_done
	EOF
	printf "ok 1 - fine\n1..1\n" >expect &&
	test_cmp expect tap &&
	test_must_be_empty err &&
	test "$(cat code)" = 0 &&
	test_path_is_missing inner/build/t-trash/t9999-inner
'

test_expect_success 'a failing test is not ok, shows its output, and fails the script' '
	inner <<-\EOF &&
	test_expect_success "bad" "echo a-word-to-find && false"
	test_expect_success "still run" ":"
	test_done
	EOF
	printf "not ok 1 - bad\nok 2 - still run\n1..2\n" >expect &&
	test_cmp expect tap &&
	test_grep a-word-to-find err &&
	test "$(cat code)" = 1
'

test_expect_success '-i stops at the first failure' '
	inner -i <<-\EOF &&
	test_expect_success "bad" false
	test_expect_success "not run" ":"
	test_done
	EOF
	test_grep ! "not run" tap &&
	test "$(cat code)" = 1
'

test_expect_success 'a script that ends early fails, even with status 0' '
	inner <<-\EOF &&
	test_expect_success "fine" ":"
	exit 0
	EOF
	test_grep "^not ok 2 - .*ended before test_done" tap &&
	test "$(cat code)" = 1
'

test_expect_success 'an unmet prerequisite skips, a set one does not' '
	inner <<-\EOF &&
	test_set_prereq YES
	test_expect_success YES "runs" ":"
	test_expect_success YES,NO "does not" false
	test_expect_success "!NO" "runs too" ":"
	test_done
	EOF
	test_grep "^ok 1 - runs$" tap &&
	test_grep "^ok 2 - does not # SKIP needs YES,NO$" tap &&
	test_grep "^ok 3 - runs too$" tap &&
	test "$(cat code)" = 0
'

test_expect_success 'test_when_finished runs latest first, after a failure too, and its failure counts' '
	inner <<-EOF &&
	test_expect_success "one" "test_when_finished \"echo 1 >>$TRASH_DIRECTORY/order\" &&
		test_when_finished \"echo 2 >>$TRASH_DIRECTORY/order\" && false"
	test_expect_success "two" "test_when_finished false"
	test_expect_success "three" ":"
	test_done
	EOF
	printf "2\n1\n" >expect &&
	test_cmp expect order &&
	test_grep "^not ok 2" tap &&
	test_grep "^ok 3" tap
'

test_expect_success 'test_atexit runs latest first however the script ends' '
	inner <<-EOF &&
	test_atexit "echo 1 >>$TRASH_DIRECTORY/atexit"
	test_atexit "echo 2 >>$TRASH_DIRECTORY/atexit"
	exit 3
	EOF
	printf "2\n1\n" >expect &&
	test_cmp expect atexit &&
	test "$(cat code)" = 3
'

test_expect_success 'test_must_fail: a failure counts; success, a signal and a missing program do not' '
	test_must_fail sh -c "exit 1" &&
	test_must_fail sh -c "exit 255" &&
	! test_must_fail true &&
	! test_must_fail sh -c "kill -TERM \$\$" &&
	! test_must_fail sh -c "exit 134" &&
	! test_must_fail ./no-such-program
'

test_expect_success 'test_expect_code, test_cmp, test_grep, test_line_count, test_must_be_empty say no' '
	test_expect_code 77 sh -c "exit 77" &&
	! test_expect_code 77 true &&
	echo one >a && echo two >b && : >c &&
	! test_cmp a b &&
	test_grep one a &&
	test_grep ! two a &&
	! test_grep two a &&
	! test_grep ! one a &&
	! test_grep ! one missing &&
	test_line_count -eq 1 a &&
	! test_line_count -gt 1 a &&
	test_must_be_empty c &&
	! test_must_be_empty a &&
	test_path_is_missing missing &&
	! test_path_is_missing a
'

test_expect_success 'wait_until waits for the condition, and gives up' '
	(test-tool nap 100 && : >flag) &
	wait_until "test -f flag" 10 &&
	! wait_until "test -f never" 0
'

test_expect_success 'test-tool: a free port is free, and accepts sees a listener' '
	port=$(test-tool free-port) &&
	test "$port" -ge 11000 &&
	test_expect_code 1 test-tool accepts "$port"
'

test_expect_success 'test-tool flip changes exactly one byte' '
	printf abc >f && test-tool flip f 1 &&
	test "$(cat f)" = acc
'

test_expect_success 'count-tap counts ok, not ok, skipped, and a program that just died' '
	mkdir results &&
	printf "ok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no\n1..3\n" >results/x.tap && echo 1 >results/x.status &&
	printf "ok 1 - a\n" >results/died.tap && echo 139 >results/died.status &&
	: >results/silent.tap && echo 0 >results/silent.status &&
	printf "1..0 # SKIP not here\n" >results/skip.tap && echo 0 >results/skip.status &&
	echo "2 3 2" >expect &&
	count-tap results >actual &&
	test_cmp expect actual
'

test_done
