#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='rules on paths hold whatever the name looks like and wherever links lead'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-sftp.sh"
command -v python3 >/dev/null || skip_all "no python3 here"

# refused REQUEST..: each of these raw requests is answered "permission denied".
refused () {
	rawsftp status "$@" >out || { cat out; return 1; }
	cat out
	grep -c "^[A-Za-z-]*|.* denied denied REQ-[0-9A-Z]* rule=" out >count || :
	test "$(cat count)" -eq $# || { cat out >&2; return 1; }
}

# passes REQUEST..: each is not refused by policy.
passes () {
	rawsftp status "$@" >out || { cat out; return 1; }
	cat out
	test_grep ! " denied denied " out
}

test_expect_success 'a bastion with rules on files' '
	setup_sftp &&
	mkdir "$BOX/in" && echo mine >"$BOX/in/mine" && echo other >outside &&
	echo secret-of-host >"$TRASH_DIRECTORY/host-file" && mkdir "$TRASH_DIRECTORY/elsewhere"
'

test_expect_success 'what no rule allows is refused, in one line that says what to do' '
	test_must_fail bsftp ci >out 2>err <<-EOT &&
	get $TRASH_DIRECTORY/host-file
	EOT
	said_once err "^sallyport: denied REQ-[0-9A-Z]* rule=default: no rule allows it; .*host-file on web1; ssh BASTION policy" &&
	test_path_is_missing host-file.got &&
	test_must_fail bsftp ci >out 2>err <<-EOT &&
	put outside $TRASH_DIRECTORY/elsewhere/put
	EOT
	grep "^sallyport: " err >said && test_line_count -eq 2 said &&
	test_grep "rule=default: no rule allows it; stat .*/elsewhere/put on web1" said &&
	test_grep "rule=default: no rule allows it; write .*/elsewhere/put on web1" said &&
	test_path_is_missing "$TRASH_DIRECTORY/elsewhere/put" &&
	audit_has event=file.op op=open verdict=deny path=*/elsewhere/put rule=default
'

test_expect_success 'a denial inside an allowed folder holds for every operation' '
	refused "OPEN-READ|$BOX/vault/gold" "OPEN-WRITE|$BOX/vault/new" "STAT|$BOX/vault/gold" "LSTAT|$BOX/vault/gold" \
		"OPENDIR|$BOX/vault" "REMOVE|$BOX/vault/gold" "MKDIR|$BOX/vault/d" "RMDIR|$BOX/vault/d" \
		"SETSTAT|$BOX/vault/gold" "TRUNCATE|$BOX/vault/gold" "READLINK|$BOX/vault/gold" "lsetstat|$BOX/vault/gold" \
		"RENAME|$BOX/vault/gold|$BOX/gold" "RENAME|$BOX/in/mine|$BOX/vault/mine" \
		"posix-rename|$BOX/vault/gold|$BOX/gold" "hardlink|$BOX/vault/gold|$BOX/gold" \
		"hardlink|$BOX/in/mine|$BOX/vault/mine" "SYMLINK|$BOX/vault/gold|$BOX/gold" \
		"SYMLINK|vault/gold|$BOX/gold" "SYMLINK|$BOX/in/mine|$BOX/vault/mine" &&
	test "$(cat "$BOX/vault/gold")" = treasure && test "$(ls "$BOX/vault")" = gold && test_path_is_missing "$BOX/gold"
'

test_expect_success 'dots, slashes and relative names are the same name' '
	refused "OPEN-READ|$BOX/in/../vault/gold" "OPEN-READ|$BOX//vault/./gold" "OPEN-READ|$BOX/./in/../../box/vault/gold" \
		"OPEN-READ|$BOX/vault/../vault/gold" "OPEN-READ|$BOX/../host-file" "OPEN-READ|/../../..$BOX/vault/gold" \
		"OPEN-READ|../../../../../../../../../etc/passwd" "OPENDIR|/" "OPEN-WRITE|x" "OPEN-READ|" &&
	passes "OPEN-READ|$BOX//in/./../in/mine" "STAT|$BOX" "OPENDIR|$BOX/"
'

test_expect_success 'links on the target lead around no rule' '
	ln -s "$TRASH_DIRECTORY/host-file" "$BOX/in/link" && ln -s "$TRASH_DIRECTORY" "$BOX/in/up" &&
	ln -s ../vault "$BOX/in/v" && ln -s "$TRASH_DIRECTORY/elsewhere/not-yet" "$BOX/in/loose" &&
	refused "OPEN-READ|$BOX/in/link" "OPEN-READ|$BOX/in/up/host-file" "OPEN-WRITE|$BOX/in/up/elsewhere/x" \
		"OPEN-WRITE|$BOX/in/loose" "OPEN-READ|$BOX/in/v/gold" "OPENDIR|$BOX/in/v" "OPENDIR|$BOX/in/up" \
		"STAT|$BOX/in/link" "SETSTAT|$BOX/in/link" "TRUNCATE|$BOX/in/link" "REMOVE|$BOX/in/v/gold" \
		"MKDIR|$BOX/in/up/d" "RENAME|$BOX/in/v/gold|$BOX/in/gold" "hardlink|$BOX/in/v/gold|$BOX/in/gold" &&
	test_path_is_missing "$TRASH_DIRECTORY/elsewhere/not-yet" && test_path_is_missing "$TRASH_DIRECTORY/elsewhere/x" &&
	audit_has event=file.op verdict=deny path=*/in/link resolved=*/host-file
'

test_expect_success 'what a new link holds counts from the folder that the link is really in' '
	mkdir -p "$BOX/in/x/y/vault" "$BOX/w" && ln -s ../../../w "$BOX/in/x/y/w" &&
	refused "SYMLINK|../vault/gold|$BOX/in/x/y/w/l" "SYMLINK|../../host-file|$BOX/in/x/y/w/l" "SYMLINK|$BOX/vault/gold|$BOX/w/l" \
		"SYMLINK|x/y/w/../vault/gold|$BOX/in/l" "SYMLINK|$BOX/in/x/y/w/../vault/gold|$BOX/w/l" &&
	test_path_is_missing "$BOX/w/l" && test_path_is_missing "$BOX/in/l" &&
	passes "SYMLINK|../in/mine|$BOX/in/x/y/w/l" && test "$(readlink "$BOX/w/l")" = ../in/mine
'

test_expect_success 'the links themselves may be looked at and removed' '
	passes "LSTAT|$BOX/in/link" "READLINK|$BOX/in/link" "REMOVE|$BOX/in/link" &&
	test_path_is_missing "$BOX/in/link" && test -f "$TRASH_DIRECTORY/host-file"
'

test_expect_success 'a folder that holds what is denied is not moved, and what is denied gets no open name' '
	mkdir -p "$BOX/in/sub" "$BOX/in/keep/vault" &&
	refused "RENAME|$BOX|$BOX-away" "posix-rename|$BOX/in/keep|$BOX/in/x" "RENAME|$BOX/in/sub|$BOX/in/keep" &&
	test -d "$BOX/in/keep/vault" &&
	passes "posix-rename|$BOX/in/sub|$BOX/in/moved" && test -d "$BOX/in/moved"
'

test_expect_success 'names that are none are refused before the target hears of them' '
	rawsftp status "STAT|$BOX/in\\x00/../vault" "OPEN-READ|$BOX/in/mine\\x00.txt" "MKDIR|$BOX/in/a\\x00b" \
		"STAT|/$(printf "%05000d" 0)" >out &&
	test_grep ! " attrs" out && test_grep ! " handle" out &&
	grep -c "holds a NUL" out >count && test "$(cat count)" -eq 3 &&
	test_grep "the path is too long" out
'

test_expect_success 'where a path leads is decided like a look at it; the home folder is told to everybody' '
	passes "REALPATH|." "REALPATH|$BOX/in/mine" &&
	refused "REALPATH|$BOX/in/up/nothing/there" "REALPATH|$BOX/in/v" "REALPATH|$BOX/vault" "REALPATH|/" &&
	audit_has event=file.op op=realpath verdict=deny "path=$BOX/vault"
'

test_expect_success 'an operation of its own for every rule' '
	cat >>sftp-policy.yaml <<-EOT &&
	  - id: drop-off
	    who: ["agent/*"]
	    on: ["*"]
	    sftp: {paths: ["$TRASH_DIRECTORY/drop/*"], ops: [write, rename]}
	    do: allow
	  - id: look-only
	    who: ["agent/*"]
	    on: ["*"]
	    sftp: {paths: ["$TRASH_DIRECTORY/look/**"], ops: [list, stat, read, rename]}
	    do: allow
	EOT
	mkdir drop look && echo a >drop/a && echo b >look/b &&
	cat sftp-policy.yaml >"$STATE/policy.yaml" && kill -HUP "$BASTION_PID" &&
	wait_until "grep -q \"loaded again\" daemon.log" &&
	passes "OPEN-WRITE|$TRASH_DIRECTORY/drop/new" "OPEN-READ|$TRASH_DIRECTORY/look/b" "OPENDIR|$TRASH_DIRECTORY/look" &&
	refused "OPEN-READ|$TRASH_DIRECTORY/drop/a" "REMOVE|$TRASH_DIRECTORY/drop/a" "OPEN-WRITE|$TRASH_DIRECTORY/look/b" \
		"SETSTAT|$TRASH_DIRECTORY/drop/a" "TRUNCATE|$TRASH_DIRECTORY/look/b" \
		"RENAME|$TRASH_DIRECTORY/drop/a|$TRASH_DIRECTORY/look/a" &&
	test -f drop/a && test "$(cat look/b)" = b
'

test_expect_success 'without a rule for the subsystem there is no SFTP at all' '
	sed "s/subsystem: .sftp./subsystem: [other]/" sftp-policy.yaml >"$STATE/policy.yaml" && kill -HUP "$BASTION_PID" &&
	wait_until "test \$(grep -c \"loaded again\" \"$TRASH_DIRECTORY/daemon.log\") -ge 2" &&
	test_must_fail bsftp ci >out 2>err <<-EOT &&
	pwd
	EOT
	said_once err "rule=default" &&
	test_must_fail bscp ci web1:$BOX/in/mine . 2>err &&
	said_once err "rule=default"
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
