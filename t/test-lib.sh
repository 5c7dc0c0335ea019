# SPDX-License-Identifier: Apache-2.0
# The shell test library: sourced by every t/tNNNN-*.sh, POSIX sh (dash and bash). See t/README.
#
#	#!/bin/sh
#	test_description='what this script proves'
#	. "$(dirname "$0")/test-lib.sh"
#
#	test_expect_success 'a sentence' '
#		command >out &&
#		test_cmp expect out
#	'
#
#	test_done
#
# Options: -v all output, -x trace as well, -i stop at the first failure, -d keep the trash directory.

test -n "$test_description" || { echo "Bail out! $0 has no test_description" ; exit 1; }

TEST_SRCDIR=$(cd "${TEST_SRCDIR:-$(dirname "$0")/..}" && pwd) || exit 1

# The build that is tested: given by make check; by hand the current folder or the first build found below the source.
if test -z "$TEST_BUILDDIR"
then
	for test_dir_ in . .. "$TEST_SRCDIR/build" "$TEST_SRCDIR/build/check-plain" "$TEST_SRCDIR"
	do
		if test -f "$test_dir_/config.status"
		then
			TEST_BUILDDIR=$test_dir_
			break
		fi
	done
	test -n "$TEST_BUILDDIR" || { echo "Bail out! no build found; set TEST_BUILDDIR"; exit 1; }
fi
TEST_BUILDDIR=$(cd "$TEST_BUILDDIR" && pwd) || exit 1
PATH=$TEST_BUILDDIR:$TEST_SRCDIR/t/helper:$PATH:/usr/sbin:/sbin

test_verbose_=
test_trace_=
test_immediate_=
test_debug_=
while test $# -gt 0
do
	case "$1" in
	-v|--verbose) test_verbose_=t ;;
	-x) test_trace_=t test_verbose_=t ;;
	-i|--immediate) test_immediate_=t ;;
	-d|--debug) test_debug_=t ;;
	-vi|-iv) test_verbose_=t test_immediate_=t ;;
	*) echo "Bail out! $0: unknown option $1" ; exit 1 ;;
	esac
	shift
done

# One world for every test: no locale, no user's configuration, no agent, no git variables from outside.
LC_ALL=C.UTF-8
TZ=UTC
TERM=dumb
EDITOR=:
GIT_CONFIG_NOSYSTEM=1
GIT_TERMINAL_PROMPT=0
GIT_AUTHOR_NAME='A U Thor'
GIT_AUTHOR_EMAIL=author@example.com
GIT_COMMITTER_NAME='C O Mitter'
GIT_COMMITTER_EMAIL=committer@example.com
GIT_AUTHOR_DATE='1763700000 +0000'
GIT_COMMITTER_DATE='1763700000 +0000'
# A sanitizer's report ends the program as a signal does, so that test_must_fail never takes it for an answer.
ASAN_OPTIONS=abort_on_error=1:exitcode=134:detect_stack_use_after_return=1
LSAN_OPTIONS=exitcode=134
UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
unset SSH_AUTH_SOCK SSH_ASKPASS SSH_CONNECTION SSH_CLIENT SSH_TTY CDPATH GREP_OPTIONS LANG LANGUAGE
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_SSH
unset GIT_SSH_COMMAND GIT_CONFIG_COUNT GIT_TRACE GIT_PROTOCOL GIT_EXEC_PATH http_proxy https_proxy all_proxy
unset XDG_CONFIG_HOME MAKEFLAGS MAKELEVEL MFLAGS
umask 022

test_name_=$(basename "$0" .sh)
TRASH_DIRECTORY=$TEST_BUILDDIR/t-trash/$test_name_
rm -rf "$TRASH_DIRECTORY"
mkdir -p "$TRASH_DIRECTORY" && cd "$TRASH_DIRECTORY" || { echo "Bail out! cannot make $TRASH_DIRECTORY"; exit 1; }
HOME=$TRASH_DIRECTORY/home
mkdir "$HOME"
export TEST_SRCDIR TEST_BUILDDIR TRASH_DIRECTORY PATH HOME LC_ALL TZ TERM EDITOR GIT_CONFIG_NOSYSTEM
export GIT_TERMINAL_PROMPT GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
export GIT_AUTHOR_DATE GIT_COMMITTER_DATE ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS

# Descriptor 5 is where TAP goes. The output of the tests goes to a file, and is shown when one of them fails.
exec 5>&1 6>&2
test_log_=$TEST_BUILDDIR/t-trash/$test_name_.out
: >"$test_log_"

test_count_=0
test_failed_=0
test_prereqs_=
test_atexit_=:
test_finished_=

test_say_ () {
	printf '%s\n' "$*" >&5
}

# Runs whatever way the script ends: what was started is stopped, and a script that forgot test_done is a failure.
test_exit_ () {
	test_code_=$?
	trap - EXIT
	cd "$TRASH_DIRECTORY" 2>/dev/null
	if test -n "$test_verbose_"
	then
		eval "$test_atexit_" </dev/null >&5 2>&6 5>&- 6>&-
	else
		eval "$test_atexit_" </dev/null >>"$test_log_" 2>&1 5>&- 6>&-
	fi
	if test -z "$test_finished_"
	then
		test_count_=$((test_count_ + 1))
		test_say_ "not ok $test_count_ - $test_name_ ended before test_done (status $test_code_)"
		test_say_ "1..$test_count_"
		test -n "$test_verbose_" || tail -n 50 "$test_log_" | sed 's/^/#   /' >&6
		test "$test_code_" -ne 0 || test_code_=1
	fi
	cd "$TEST_BUILDDIR"
	if test "$test_code_" -eq 0 && test -z "$test_debug_"
	then
		rm -rf "$TRASH_DIRECTORY" "$test_log_"
	fi
	exit "$test_code_"
}
trap test_exit_ EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# test_atexit CMD: run it when the script ends, latest first.
test_atexit () {
	test_atexit_="$1
$test_atexit_"
}

# test_set_prereq NAME; test_have_prereq NAME[,NAME..]; an unmet prerequisite skips the test, visibly.
test_set_prereq () {
	test_prereqs_="$test_prereqs_ $1 "
}

test_have_prereq () {
	for test_p_ in $(printf '%s' "$1" | tr ',' ' ')
	do
		case "$test_p_" in
		!*)
			case "$test_prereqs_" in *" ${test_p_#!} "*) return 1 ;; esac ;;
		*)
			case "$test_prereqs_" in *" $test_p_ "*) : ;; *) return 1 ;; esac ;;
		esac
	done
	return 0
}

test_eval_ () {
	test_cleanup_=:
	if test -n "$test_trace_"
	then
		eval "set -x
$1"
		test_ret_=$?
		{ set +x; } 2>/dev/null
	else
		eval "$1"
		test_ret_=$?
	fi
	eval "$test_cleanup_" || test_ret_=1
	return "$test_ret_"
}

# test_expect_success [PREREQ[,PREREQ..]] TITLE BODY: the body is run here, so variables live on; join commands with &&.
test_expect_success () {
	test_pr_=
	if test $# -eq 3
	then
		test_pr_=$1
		shift
	fi
	test $# -eq 2 || { echo "Bail out! test_expect_success wants 2 or 3 arguments" >&5; exit 1; }
	test_count_=$((test_count_ + 1))
	if test -n "$test_pr_" && ! test_have_prereq "$test_pr_"
	then
		test_say_ "ok $test_count_ - $1 # SKIP needs $test_pr_"
		return 0
	fi
	cd "$TRASH_DIRECTORY" || exit 1
	test_title_=$1
	if test -n "$test_verbose_"
	then
		printf '# expecting success: %s\n%s\n' "$1" "$2" | sed '2,$s/^/#/' >&5
		test_eval_ "$2" </dev/null >&5 2>&6 5>&- 6>&-
	else
		test_eval_ "$2" </dev/null >"$test_log_" 2>&1 5>&- 6>&-
	fi
	test_ok_=$?
	if test "$test_ok_" -eq 0
	then
		test_say_ "ok $test_count_ - $test_title_"
		return 0
	fi
	test_failed_=$((test_failed_ + 1))
	test_say_ "not ok $test_count_ - $test_title_"
	{
		echo "# $test_name_: failed: $test_title_"
		printf '%s\n' "$2" | sed 's/^/#/'
		test -n "$test_verbose_" || { echo "# its output, the last 200 lines:"; tail -n 200 "$test_log_" | sed 's/^/#   /'; }
	} >&6
	test -z "$test_immediate_" || { test_finished_=t; exit 1; }
	return 0
}

# skip_all REASON: nothing here can run on this machine.
skip_all () {
	test_say_ "1..0 # SKIP $*"
	test_finished_=t
	exit 0
}

test_done () {
	test_say_ "1..$test_count_"
	test_finished_=t
	test "$test_failed_" -eq 0 || exit 1
	exit 0
}

# test_when_finished CMD: run after this test, whether it succeeded or not; its failure fails the test. Latest first.
test_when_finished () {
	test_cleanup_="{ $*
} && (exit \"\$test_ret_\"); test_ret_=\$?
$test_cleanup_"
}

# test_must_fail CMD: it has to fail by itself; death by signal, "not found" and a sanitizer's report do not count.
test_must_fail () {
	"$@"
	test_mf_=$?
	if test "$test_mf_" -eq 0
	then
		echo >&2 "test_must_fail: it succeeded: $*"
		return 1
	elif test "$test_mf_" -eq 126 || test "$test_mf_" -eq 127
	then
		echo >&2 "test_must_fail: it could not be run: $*"
		return 1
	elif test "$test_mf_" -gt 128 && test "$test_mf_" -le 192
	then
		echo >&2 "test_must_fail: it died by signal $((test_mf_ - 128)): $*"
		return 1
	fi
	return 0
}

# test_expect_code N CMD
test_expect_code () {
	test_want_=$1
	shift
	"$@"
	test_got_=$?
	test "$test_got_" -eq "$test_want_" && return 0
	echo >&2 "test_expect_code: $test_got_ instead of $test_want_: $*"
	return 1
}

# test_cmp EXPECT ACTUAL
test_cmp () {
	test $# -eq 2 || { echo >&2 "test_cmp wants two files"; return 1; }
	diff -u "$1" "$2"
}

# test_grep [!] GREP-ARGS FILE: shows the file when it is not as hoped.
test_grep () {
	test_neg_=
	if test "x$1" = 'x!'
	then
		test_neg_=t
		shift
	fi
	for test_file_ in "$@"; do :; done
	test -f "$test_file_" || { echo >&2 "test_grep: no file $test_file_"; return 1; }
	grep "$@"
	test_g_=$?
	test "$test_g_" -le 1 || { echo >&2 "test_grep: grep itself failed: $*"; return 1; }
	if test -n "$test_neg_"
	then
		test "$test_g_" -eq 1 && return 0
		echo >&2 "test_grep: found what must not be there: $*"
		return 1
	fi
	test "$test_g_" -eq 0 && return 0
	echo >&2 "test_grep: not found: $*; the file is:"
	cat "$test_file_" >&2
	return 1
}

test_must_be_empty () {
	test -f "$1" || { echo >&2 "test_must_be_empty: no file $1"; return 1; }
	test -s "$1" || return 0
	echo >&2 "test_must_be_empty: $1 holds:"
	cat "$1" >&2
	return 1
}

test_path_is_missing () {
	test -e "$1" || test -L "$1" || return 0
	echo >&2 "test_path_is_missing: it exists: $1"
	return 1
}

test_line_count () {
	# test_line_count -eq 3 FILE
	test_lines_=$(wc -l <"$3") || return 1
	test "$test_lines_" "$1" "$2" && return 0
	echo >&2 "test_line_count: $test_lines_ lines, not $1 $2, in $3:"
	cat "$3" >&2
	return 1
}

# test_commit NAME [FILE [TEXT]]: in the current repository, commit FILE (NAME.t) holding TEXT (NAME), and tag it NAME.
test_commit () {
	printf '%s\n' "${3-$1}" >"${2-$1.t}" &&
	git add "${2-$1.t}" &&
	git commit -q -m "$1" &&
	git tag "$1"
}

# wait_until CMD [SECONDS]: run CMD every 20 ms until it succeeds; fails after SECONDS (20).
wait_until () {
	test_end_=$(($(test-tool ms) + ${2-20} * 1000))
	until eval "$1"
	do
		if test "$(test-tool ms)" -ge "$test_end_"
		then
			echo >&2 "wait_until: not within ${2-20} s: $1"
			return 1
		fi
		test-tool nap 20 || return 1
	done
	return 0
}
