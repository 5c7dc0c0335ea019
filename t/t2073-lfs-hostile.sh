#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='LFS clients that do not speak as git-lfs does, bring what they did not name, or bring too much'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-lfs.sh"

# up, down: these bytes on one channel; what came back is in "out" and "err", the status in raw.status.
up () {
	lfs_raw ci "git-lfs-transfer /hosted/demo.git upload"
}

down () {
	lfs_raw ci "git-lfs-transfer /hosted/demo.git download"
}

# head OID SIZE: the beginning of a put-object.
head_of () {
	lfs_text "put-object $1" && lfs_text "size=$2" && printf 0001
}

# content FILE: as packet lines of at most 32 KiB, and the end.
content () {
	python3 -c '
import sys
f = open(sys.argv[1], "rb")
while True:
	p = f.read(32768)
	if not p:
		break
	sys.stdout.buffer.write(b"%04x" % (len(p) + 4) + p)
sys.stdout.buffer.write(b"0000")' "$1"
}

quit () {
	lfs_text quit && printf 0000
}

# put FILE: all of an upload.
put () {
	head_of "$(lfs_oid "$1")" "$(wc -c <"$1")" && content "$1"
}

# refused TEXT: the one put was refused so, and nothing of it is kept.
refused () {
	test_grep "status 422" out && test_grep "sallyport: denied REQ-[A-Z0-9]* LFS object [0-9a-f]*: $1" out && nothing_held
}

nothing_held () {
	test -z "$(find "$STATE/lfs" -type f)"
}

# malformed TEXT: it is told what was wrong, once, and the channel ends.
malformed () {
	test "$(cat raw.status)" -eq 77 && test_grep "sallyport: denied REQ-[A-Z0-9]* rule=malformed: $1" err && nothing_held
}

test_expect_success 'a bastion that takes objects up to a mebibyte, and holds one and a half' '
	setup_quiet "git: {max_lfs_object: 1M, lfs_held: 1536K}" && make_identity cd agent/cd && lfs_settings &&
	echo small >small && small=$(lfs_oid small) && echo other >other
'

test_expect_success 'what is not what its name says is not held' '
	{ head_of "$(lfs_oid other)" 6 && content small && quit; } | up && refused "its SHA-256 is not its name" &&
	audit_has event=lfs.put verdict=deny "oid=$(lfs_oid other)" "reason=its SHA-256*"
'

test_expect_success 'nor what is shorter or longer' '
	{ head_of "$small" 7 && content small && quit; } | up && refused "it is shorter" &&
	{ head_of "$small" 5 && content small && quit; } | up && refused "it is longer"
'

test_expect_success 'nor what is over the limit, however it is declared' '
	head -c 1048577 /dev/zero >large && { put large && quit; } | up && refused "it is over the limit of 1048576 bytes" &&
	{ head_of "$(lfs_oid large)" 1048576 && content large && quit; } | up && refused "it is longer" &&
	{ head_of "$small" 9223372036854775807 && content small && quit; } | up && refused "it is over the limit"
'

test_expect_success 'after a refusal the channel goes on' '
	{ put large && put small && quit; } | up && test "$(cat raw.status)" -eq 0 && lfs_held "$small"
'

test_expect_success 'together they may not be more than may be held, by one identity for one repository' '
	head -c 1048576 /dev/urandom >one && head -c 1048576 /dev/urandom >two && { put one && quit; } | up && lfs_held "$(lfs_oid one)" &&
	{ put two && quit; } | up && ! lfs_held "$(lfs_oid two)" &&
	test_grep "more than 1572864 bytes of LFS objects would wait for a push; push the commits that name the others first" out &&
	{ put two && quit; } | lfs_raw cd "git-lfs-transfer /hosted/demo.git upload" && lfs_held "$(lfs_oid two)"
'

test_expect_success 'what has waited too long makes room' '
	touch -d "25 hours ago" "$STATE"/lfs/*/* && { put two && quit; } | up && lfs_held "$(lfs_oid two)" &&
	! lfs_held "$(lfs_oid one)" && ! lfs_held "$small" && rm "$STATE"/lfs/*/*
'

test_expect_success 'requests that are malformed end it with one line' '
	printf "GET / HTTP/1.1" | up && malformed "what was sent is not in packet lines" &&
	{ lfs_text "put-object ../../../etc/passwd" && printf 0001; } | up && malformed "an object is named by 64" &&
	{ lfs_text "put-object $(echo "$small" | tr a-f A-F)" && printf 0001; } | up && malformed "an object is named by 64" &&
	{ lfs_text "put-object $small" && printf 0000; } | up && malformed "a put-object has no content" &&
	{ lfs_text "put-object $small" && lfs_text "size=-1" && printf 0001; } | up && malformed "a size is a decimal" &&
	{ lfs_text batch && printf 0001 && lfs_text "$small" && printf 0000; } | up && malformed "an object in a batch has no size" &&
	{ lfs_text batch && lfs_text "$(printf %02000d 1)" && printf 0000; } | up && malformed "a line is too long" &&
	{ lfs_text batch && printf 00010001; } | up && malformed "a delimiter stands where none" &&
	printf 0000 | up && malformed "a request is empty" &&
	{ lfs_text batch && lfs_text hash-algo=sha1 && printf 00010000; } | up && malformed "objects are named by SHA-256 here" &&
	{ lfs_text batch && printf 0001 && for i in $(seq 1 1001); do lfs_text "$small 6"; done; printf 0000; } | up &&
	malformed "too many objects in one batch"
'

test_expect_success 'what is not offered is refused in its place' '
	{ lfs_text "version 2" && printf 0000 && lfs_text list-lock && lfs_text limit=1 && printf 0000 &&
		lfs_text "gimme all" && printf 0000 && quit; } | up &&
	tr "\000" . <out >seen && test_grep "status 400" seen && test "$(grep -c "status 501" seen)" -eq 2 &&
	test_grep "file locks are not offered here" seen && test "$(cat raw.status)" -eq 0
'

test_expect_success 'an empty batch, one of what is not here, and the same once it is held' '
	ask () { lfs_text batch && printf 0001 && lfs_text "$small 6" && lfs_text "$small 7" && printf 0000; } &&
	{ lfs_text batch && printf 00010000 && ask && put small && ask && quit; } | up &&
	test "$(grep -c "$small 6 upload" out)" -eq 1 && test "$(grep -c "$small 6 noop" out)" -eq 1 &&
	test "$(grep -c "$small 7 upload" out)" -eq 2 && { ask && quit; } | down && test "$(grep -c "noop" out)" -eq 2
'

test_expect_success 'a client that goes in the middle leaves nothing for longer than to the next upload' '
	rm "$STATE"/lfs/*/* && { head_of "$(lfs_oid one)" 1048576 && lfs_pkt "some of it"; } | up &&
	wait_until "test -z \"\$(keeper_pids)\"" && { put small && quit; } | up && lfs_held "$small" &&
	! ls "$STATE"/lfs/*/part-* 2>/dev/null && rm "$STATE"/lfs/*/*
'

# begin_upload: half an object is sent, and the client waits; its pid is $CLIENT, the keeper'\''s $KEEPER.
begin_upload () {
	rm -f pipe && mkfifo pipe && {
		ssh -F id/ci.conf git@127.0.0.1 "git-lfs-transfer /hosted/demo.git upload" <pipe >out 2>err &
		CLIENT=$!
	} && exec 9>pipe && { head_of "$(lfs_oid one)" 1048576 && lfs_pkt "some of it"; } >&9 &&
	wait_until "ls $STATE/lfs/*/part-* >/dev/null 2>&1" && KEEPER=$(keeper_pids) && test "$(echo "$KEEPER" | wc -w)" -eq 1
}

test_expect_success 'a keeper that is killed costs its upload alone, and what it leaves goes with the next' '
	begin_upload && kill -KILL "$KEEPER" &&
	{ wait "$CLIENT"; test $? -eq 69; } && exec 9>&- && test_grep "sallyport: unreachable REQ-[A-Z0-9]*: .*try again" err &&
	ls "$STATE"/lfs/*/part-* && { put small && quit; } | up && lfs_held "$small" && ! ls "$STATE"/lfs/*/part-* 2>/dev/null
'

test_expect_success 'the keeper is in its sandbox: no socket of the network, no file but its two folders, bounded' '
	begin_upload && grep -E "^(Seccomp|NoNewPrivs)" "/proc/$KEEPER/status" >status && test_grep "^Seccomp:.*2" status &&
	ls -l "/proc/$KEEPER/fd" | sed -n "s/.*-> //p" >held && cat held &&
	test "$(grep -c "^socket:" held)" -eq 1 && test_grep ! -v "^socket:\|^/dev/null\|$STATE/lfs/\|pipe:\|daemon.log" held &&
	test_grep "^Max file size *1048576 " "/proc/$KEEPER/limits" && exec 9>&- && { wait "$CLIENT"; true; } &&
	wait_until "! is_alive $KEEPER"
'

test_expect_success 'nothing of the objects stays in the repository, and the daemon ends in order' '
	test_path_is_missing "$STATE/repos/demo.git/lfs" && stop_bastion
'

test_done
