#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='scp in its own protocol (scp -O), both ways, is decided file by file and recorded once a file'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-copy.sh"

test_expect_success 'a bastion whose policy has rules on files' '
	copy_policy >policy.copy && BASTION_POLICY=policy.copy setup_bastion &&
	make_identity ci agent/ci --owner human/kim && mkdir -p far/in far/out near
'

test_expect_success 'a file goes in and comes out again, byte for byte, and each way is one record with its hash' '
	head -c 100000 /dev/urandom >near/a && bscp near/a "$FAR/in/a" >out 2>err && cmp near/a far/in/a &&
	test_must_be_empty err &&
	bscp "$FAR/in/a" near/back && cmp near/a near/back &&
	sum=$(sha256sum <near/a | cut -d" " -f1) &&
	audit_has event=file.transfer how=scp direction=in path="$FAR_DIR/in/a" bytes=100000 sequential=true result=done \
		sha256=$sum && test_line_count -eq 1 rec &&
	audit_has event=file.transfer how=scp direction=out path="$FAR_DIR/in/a" bytes=100000 sha256=$sum &&
	test_line_count -eq 1 rec &&
	audit_has event=exec.start kind=scp verdict=allow rule=by-file && test_line_count -eq 2 rec &&
	audit_has event=file.open op=write path="$FAR_DIR/in/a" verdict=allow rule=files &&
	audit_has event=exec.end status=0 files=1 file_bytes=100000 && test_line_count -eq 2 rec
'

test_expect_success 'the recording has a line about the file, and nothing of it' '
	printf "plain words in a file\n" >near/words && bscp near/words "$FAR/in/" &&
	cast=$(recording_of files=1 file_bytes=22) && test -f "$cast" &&
	test_grep "scp in $FAR_DIR/in/words: 22 bytes, done" "$cast" && test_grep ! "plain words" "$cast"
'

test_expect_success 'names with blanks, quotes and letters of other alphabets' '
	for name in "a b" "it'\''s" "q\"q" "gr\303\274n" "semi;colon" "st*r"
	do
		name=$(printf "$name") && printf "%s" "$name" >"near/$name" || return 1
	done &&
	(cd near && bscp -- "./a b" "./it'\''s" "./q\"q" "./$(printf "gr\303\274n")" "./semi;colon" "./st*r" "$FAR/in") &&
	for name in near/*
	do
		cmp "$name" "far/in/${name#near/}" || test "${name#near/}" = back || return 1
	done &&
	bscp "$FAR/in/a\\ b" near/b1 && cmp near/b1 "near/a b" &&
	bscp "$FAR/in/it\\'\''s" near/b2 && cmp near/b2 "near/it'\''s" &&
	bscp "$FAR/in/st\\*r" near/b3 && cmp near/b3 "near/st*r"
'

test_expect_success 'nothing, and a lot' '
	: >near/empty && bscp near/empty "$FAR/in/empty" && test -f far/in/empty && test ! -s far/in/empty &&
	bscp "$FAR/in/empty" near/empty2 && test -f near/empty2 && test ! -s near/empty2 &&
	head -c 67108864 /dev/urandom >near/big && bscp near/big "$FAR/in/big" && cmp near/big far/in/big &&
	bscp "$FAR/in/big" near/big2 && cmp near/big near/big2 &&
	audit_has event=file.transfer direction=out bytes=67108864 sha256=$(sha256sum <near/big | cut -d" " -f1)
'

test_expect_success 'a folder with -r, times and modes with -p, both ways' '
	rm -rf tree && mkdir -p tree/one/two tree/empty && echo 1 >tree/one/1 && echo 2 >tree/one/two/2 && : >tree/0 &&
	chmod 640 tree/one/1 && touch -d "2020-02-02 02:02:02" tree/one/1 &&
	bscp -r -p tree "$FAR/in/" && diff -r tree far/in/tree &&
	test "$(stat -c "%a %Y" tree/one/1)" = "$(stat -c "%a %Y" far/in/tree/one/1)" &&
	bscp -r -p "$FAR/in/tree" near/tree && diff -r tree near/tree &&
	test "$(stat -c "%a %Y" tree/one/1)" = "$(stat -c "%a %Y" near/tree/one/1)" &&
	bscp -r tree "$FAR/in/new" && diff -r tree far/in/new &&
	audit_has event=file.transfer direction=in path="$FAR_DIR/in/tree/one/two/2" && test_line_count -eq 1 rec &&
	audit_has event=file.transfer direction=in path="$FAR_DIR/in/new/one/two/2" && test_line_count -eq 1 rec &&
	audit_has event=file.transfer direction=out path="$FAR_DIR/in/tree/one/two/2" && test_line_count -eq 1 rec
'

test_expect_success 'C17: the target'\''s shell expands patterns and ~ as ever' '
	mkdir -p far/globs got && echo a >far/globs/x1.log && echo b >far/globs/x2.log && echo c >far/globs/y.txt &&
	bscp "$FAR/globs/x?.log" got/ && ls got >list && printf "x1.log\nx2.log\n" >expect && test_cmp expect list &&
	bscp "$FAR/globs/*" got/ && diff -r far/globs got &&
	test_expect_code 1 bscp "$FAR/globs/*.none" got/ 2>err && test_grep "No such file" err &&
	test_expect_code 1 bscp "target:~/$(random_word 8)" got/ 2>err && test_grep "denied REQ-[A-Z0-9]* rule=default" err
'

test_expect_success 'C16: exit codes are those of scp' '
	test_expect_code 1 bscp "$FAR/out/none" near/x 2>err && test_grep "scp: $FAR_DIR/out/none: No such file" err &&
	test_expect_code 1 bscp "$FAR/none-such/dir/x" near/x 2>err &&
	test_expect_code 1 bscp near/a "$FAR/in/none-such/x" 2>err && test_grep "sallyport: not found REQ-[A-Z0-9]*: $FAR_DIR/in/none-such/x is in no folder .*; make its folder first" err &&
	test_expect_code 1 bscp "$FAR/in" near/x 2>err && test_grep "not a regular file" err &&
	test_expect_code 1 bscp near/none "$FAR/in/" 2>err &&
	test_expect_code 1 bscp near/a near/empty "$FAR/in/a" 2>err && test_grep "ot a directory" err &&
	bscp near/a "$FAR/in/a"
'

test_expect_success 'what no rule allows is refused in words, and the rest is copied' '
	mkdir -p far/keys far/mixed/keys && echo k >far/keys/k && echo f >far/mixed/f &&
	test_expect_code 1 bscp "$FAR/keys/k" near/k 2>err && test_path_is_missing near/k &&
	test_grep "sallyport: denied REQ-[A-Z0-9]* rule=no-keys: keys stay where they are; read $FAR_DIR/keys/k on web1" err &&
	test_expect_code 1 bscp near/a "$FAR/keys/new" 2>err && test_grep "rule=no-keys" err && test_path_is_missing far/keys/new &&
	test_expect_code 1 bscp near/a "$FAR/keys" 2>err && test_grep "rule=no-keys" err && test_path_is_missing far/keys/a &&
	test_expect_code 1 bscp /etc/hostname "target:/etc/sallyport-test" 2>err && test_grep "rule=default" err &&
	test_path_is_missing /etc/sallyport-test &&
	audit_has event=file.op verdict=deny op=read path="$FAR_DIR/keys/k" rule=no-keys &&
	rm -rf got && mkdir got && test_expect_code 1 bscp -r "$FAR/*" got/ 2>err && test_grep "rule=no-keys" err &&
	test -f got/mixed/f && test_path_is_missing got/keys &&
	mkdir -p tree/keys && echo k >tree/keys/k && mkdir -p far/none &&
	test_expect_code 1 bscp -r tree/keys tree/one "$FAR/" 2>err && test_path_is_missing far/keys/k2 && diff -r tree/one far/one
'

test_expect_success 'a link, or dots, on the target lead around no rule' '
	ln -s ../keys/k far/out/link && ln -s ../keys far/out/dir && ln -s /etc/hostname far/out/etc &&
	for path in out/link out/dir/k out/../keys/k out/etc in/../../far/keys/k
	do
		rm -f near/got && test_expect_code 1 bscp "$FAR/$path" near/got 2>err && test_path_is_missing near/got &&
		test_grep "sallyport: denied REQ-[A-Z0-9]* rule=" err || return 1
	done &&
	test_expect_code 1 bscp near/a "$FAR/out/dir/new" 2>err && test_path_is_missing far/keys/new &&
	test_expect_code 1 bscp near/a "$FAR/out/dir" 2>err && test_path_is_missing far/keys/a &&
	cp -r tree/one far/out/plain && rm -rf got && test_expect_code 1 bscp -r "$FAR/out" got 2>err &&
	test -f got/plain/1 && test_path_is_missing got/link && test_path_is_missing got/dir && test_path_is_missing got/etc &&
	mkdir near/up && echo evil >near/up/k && ln -sfn ../keys far/in/up &&
	test_expect_code 1 bscp -r near/up "$FAR/in/" 2>err && test "$(cat far/keys/k)" = k &&
	audit_has event=file.op verdict=deny path="$FAR_DIR/out/link" resolved="$FAR_DIR/keys/k"
'

test_expect_success 'data that is sent before anybody has asked arrives whole' '
	{ printf "C0644 6 early\nearly\n\0"; } >early.in &&
	bssh ci "$TEST_LOGIN@web1" "scp -t $FAR_DIR/in/early" <early.in >out && test "$(cat far/in/early)" = early &&
	printf "\0\0\0" >expect && test_cmp expect out
'

test_expect_success 'an agent that goes in the middle of a file leaves a record of what had passed' '
	printf "C0644 1000000000 cut\n" >cut.in && head -c 3000000 /dev/zero >>cut.in &&
	test_expect_code 1 bssh ci "$TEST_LOGIN@web1" "scp -t $FAR_DIR/in/cut" <cut.in >out 2>err &&
	audit_has event=file.transfer path="$FAR_DIR/in/cut" "result=cut short" && test_grep ! "\"result\":\"done\"" rec
'

test_expect_success 'the bastion ends in order' '
	stop_bastion
'

test_done
