#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the table of processes is true: what each one links, holds and may do'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

command -v ldd >/dev/null || skip_all 'no ldd here'

# links_none PROGRAM LIBRARY..
links_none () {
	ldd "$TEST_BUILDDIR/$1" >linked || return 1
	shift
	for library
	do
		test_grep ! "^[[:space:]]*$library\.so" linked || return 1
	done
}

while read -r program libraries
do
	test_expect_success "$program is not linked with $libraries" '
		links_none $program $libraries
	'
done <<EOT
sallyport-keyd libssh libcurl libgit2 libhs libsqlite3 libpcre2-8
sallyport-auditd libssh libcurl libgit2 libhs libsqlite3 libpcre2-8
sallyport-approvald libssh libgit2 libhs libpcre2-8
sallyport-gitleg libssh libsqlite3 libhs
sallyportd libcurl libgit2
EOT

test_expect_success 'a bastion with a command and a push under way' '
	setup_quiet &&
	start_push held && push=$CLIENT && SESSION_GIT=$SESSION &&
	mkfifo hold &&
	bg_bssh ci "$TEST_LOGIN@web1" "echo up; cat $TRASH_DIRECTORY/hold" >out && client=$CLIENT &&
	wait_until "grep -q up out" &&
	SESSION=$(session_pids | grep -vx "$SESSION_GIT")
'

# Descriptors above the three standard ones, as readlink shows them.
descriptors () {
	for fd in /proc/"$1"/fd/*
	do
		test "${fd##*/}" -le 2 || readlink "$fd"
	done
}

# inet_sockets PID: the Internet sockets among them.
inet_sockets () {
	cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null >inet
	descriptors "$1" | sed -n "s/^socket:\[\(.*\)\]$/\1/p" | while read -r inode
	do
		awk -v inode="$inode" "\$10 == inode { print inode }" inet
	done
}

sandboxed () {
	test_grep "^NoNewPrivs:	1$" "/proc/$1/status" &&
	test_grep "^Seccomp:	2$" "/proc/$1/status"
}

no_core () {
	test_grep "^Max core file size  *0  *0 " "/proc/$1/limits"
}

# holds_none PID PATTERN: no descriptor and no mapping of such a file.
holds_none () {
	descriptors "$1" >held &&
	cat held &&
	test_grep ! -e "$2" held &&
	test_grep ! -e "$2" "/proc/$1/maps"
}

for name in keyd auditd approvald
do
	test_expect_success "$name: sandboxed, no core files, no Internet socket" '
		pid=$(helper_pid $name) &&
		sandboxed $pid && no_core $pid &&
		inet_sockets $pid >sockets &&
		test_must_be_empty sockets
	'
done

test_expect_success 'auditd holds no key' '
	holds_none "$(helper_pid auditd)" /keys/
'

test_expect_success 'approvald holds no key, no log and no recording' '
	holds_none "$(helper_pid approvald)" "/keys/\|/audit/\|/recordings/\|/ca/"
'

test_expect_success 'keyd holds no log, no recording and no repository' '
	holds_none "$(helper_pid keyd)" "/audit/\|/recordings/\|/repos/"
'

test_expect_success 'a session: sandboxed, its agent, its target and three links, no file' '
	sandboxed "$SESSION" && no_core "$SESSION" &&
	inet_sockets "$SESSION" >sockets &&
	test_line_count -eq 2 sockets &&
	descriptors "$SESSION" >held && cat held &&
	test_grep ! -v "^socket:" held &&
	test_line_count -eq 5 held &&
	holds_none "$SESSION" "$STATE"
'

test_expect_success 'a session with a push: its agent, three links, the leg and the inspector' '
	sandboxed "$SESSION_GIT" && no_core "$SESSION_GIT" &&
	inet_sockets "$SESSION_GIT" >sockets &&
	test_line_count -eq 1 sockets &&
	descriptors "$SESSION_GIT" >held && cat held &&
	test_grep ! -v "^socket:" held &&
	test_line_count -eq 6 held
'

test_expect_success 'the inspector: sandboxed, limited, the spool and two links' '
	pid=$(inspector_pids) &&
	sandboxed $pid && no_core $pid &&
	inet_sockets $pid >sockets &&
	test_must_be_empty sockets &&
	descriptors $pid >held && cat held &&
	test_line_count -eq 3 held &&
	test_grep "/spool/.*deleted" held &&
	test_grep -E "^Max cpu time  *[0-9]+ " "/proc/$pid/limits"
'

test_expect_success PLAIN 'and in address space, too' '
	test_grep -E "^Max address space  *[0-9]+ " "/proc/$pid/limits"
'

test_expect_success 'the git leg: no core files, no Internet socket, nothing of the state but its repository' '
	pid=$(leg_pids) &&
	no_core $pid &&
	inet_sockets $pid >sockets &&
	test_must_be_empty sockets &&
	holds_none $pid "/keys/\|/audit/\|/recordings/\|/ca/"
'

test_expect_success 'the daemon: no core files, no key, no log' '
	no_core "$BASTION_PID" &&
	holds_none "$BASTION_PID" "/keys/\|/audit/\|/recordings/"
'

test_expect_success 'all is let go' '
	>go && wait_client "$push" && test "$CODE" -eq 0 &&
	echo done >hold && wait_client "$client" && test "$CODE" -eq 0 &&
	no_session && bastion_is_well && stop_bastion
'

test_done
