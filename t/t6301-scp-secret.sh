#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a secret in a file stops scp, either way, and is nowhere in what is said or kept'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-copy.sh"

test_expect_success 'a bastion whose policy has rules on files' '
	copy_policy >policy.copy && BASTION_POLICY=policy.copy setup_bastion &&
	make_identity ci agent/ci --owner human/kim && mkdir -p far/in far/out near
'

test_expect_success 'going in: nothing of a small file arrives, the line says what and where' '
	printf "one\ntwo\n" >near/env && plant_token near/env &&
	test_expect_code 1 bscp near/env "$FAR/in/env" 2>err &&
	test_grep "^sallyport: denied REQ-[A-Z0-9]* rule=secret-in-file: the file carries a secret: github-[a-z-]* in $FAR_DIR/in/env, line 3 (" err &&
	test_grep ! "$token" err && test_path_is_missing far/in/env &&
	audit_has event=file.transfer direction=in path="$FAR_DIR/in/env" result=denied && test_grep "\"findings\":\[{\"rule\":\"github" rec &&
	test_grep "\"line\":3" rec && test_grep ! sha256 rec && audit_has event=exec.end status=0 refusals=1
'

test_expect_success 'coming out: the same' '
	printf "one\n" >far/out/env && plant_token far/out/env && echo after >>far/out/env &&
	test_expect_code 1 bscp "$FAR/out/env" near/got 2>err &&
	test_grep "^sallyport: denied REQ-[A-Z0-9]* rule=secret-in-file: .* in $FAR_DIR/out/env, line 2 (" err &&
	test_grep ! "$token" err && test_path_is_missing near/got
'

test_expect_success 'at the very end of a file, with nothing after it; and a file that was there stays as it was' '
	printf "x" >near/tail && token=gh$(printf p)_$(random_word 36) && printf " %s" "$token" >>near/tail && echo old >far/in/tail &&
	test_expect_code 1 bscp near/tail "$FAR/in/tail" 2>err && test_grep "rule=secret-in-file" err &&
	test "$(cat far/in/tail)" = old &&
	cp near/tail far/out/tail && test_expect_code 1 bscp "$FAR/out/tail" near/tail2 2>err && test_grep "rule=secret-in-file" err &&
	test_path_is_missing near/tail2
'

test_expect_success 'deep in a large file: what is before it may pass, it does not, and all ends' '
	head -c 3000000 /dev/urandom | base64 >near/large && plant_token near/large && echo more >>near/large && echo z >near/z &&
	test_must_fail bscp near/large near/z "$FAR/in/" 2>err && test_grep "rule=secret-in-file" err &&
	test_grep "the [0-9]* bytes before it have been copied" err && test_grep ! "gh[p]_" far/in/large &&
	test_path_is_missing far/in/z && audit_has event=exec.end status=77 &&
	cp near/large far/out/large && test_must_fail bscp "$FAR/out/large" near/large2 2>err &&
	test_grep "rule=secret-in-file" err && test_grep ! "$token" near/large2
'

test_expect_success 'in a folder: that file is passed over, with both directions the same' '
	mkdir -p near/dir && echo a >near/dir/a && plant_token near/dir/b && echo c >near/dir/c &&
	test_expect_code 1 bscp -r near/dir "$FAR/in/" 2>err && test_grep "in $FAR_DIR/in/dir/b, line 1" err &&
	ls far/in/dir >list && printf "a\nc\n" >expect && test_cmp expect list &&
	cp -r near/dir far/out/ && test_expect_code 1 bscp -r "$FAR/out/dir" near/dir2 2>err && ls near/dir2 >list && test_cmp expect list
'

test_expect_success 'written in pieces of one byte it is found as well, in a small and in a large file' '
	plant_token near/slow && head -c 150000 /dev/zero | tr "\0" "x" >near/slow2 && echo >>near/slow2 && plant_token near/slow2 &&
	for file in slow slow2
	do
		n=$(wc -c <near/$file) && { printf "C0644 $n $file\n"; cat near/$file; printf "\0"; } >slow.in &&
		python3 -c "import fcntl, os, select, struct, termios
gone = select.poll()
gone.register(1, 0)	# POLLERR: nobody reads it any more
data = open(\"slow.in\",\"rb\").read()
os.write(1, data[:-300])
for b in data[-300:]:
	os.write(1, bytes([b]))
	while struct.unpack(\"i\", fcntl.ioctl(1, termios.FIONREAD, bytes(4)))[0] and not gone.poll(0):
		os.sched_yield()" 2>/dev/null | { bssh ci "$TEST_LOGIN@web1" "scp -t $FAR_DIR/in/$file" >out 2>err; echo $? >status; } &&
		grep -a -q "rule=secret-in-file" out err &&
		{ ! test -f far/in/$file || test_grep ! "gh[p]_" far/in/$file; } || return 1
	done && test "$(cat status)" = 77
'

test_expect_success 'what the target'\''s scp complains of is masked like any output' '
	name=$(printf gh)p_$(random_word 36) && test_expect_code 1 bscp "$FAR/out/$name" near/x 2>err &&
	test_grep "No such file" err && test_grep ! "$name" err && test_grep "masked:github" err
'

test_expect_success 'a name that is a secret is masked in what is kept' '
	name=$(printf gh)p_$(random_word 36) && echo x >near/named && bscp near/named "$FAR/in/$name" && bscp "$FAR/in/$name" near/x &&
	{ brsync "$FAR/in/$name" near/y || :; } &&
	audit_has event=file.transfer direction=in "path=$FAR_DIR/in/*masked*"
'

test_expect_success 'no secret is in the log or a recording' '
	stop_bastion && ! grep -rE "gh[p]_[A-Za-z0-9]{30}" "$STATE/audit" "$STATE/recordings" daemon.log
'

test_done
