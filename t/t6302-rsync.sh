#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='rsync is decided on its paths with all that is below them, scanned, and counted as one stream each way'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-copy.sh"

command -v rsync >/dev/null || skip_all 'no rsync here'

test_expect_success 'a bastion whose policy has rules on files' '
	copy_policy >policy.copy && BASTION_POLICY=policy.copy setup_bastion &&
	make_identity ci agent/ci --owner human/kim && mkdir -p far/in far/out far/keys near tree/one/two &&
	echo 1 >tree/one/1 && head -c 300000 /dev/urandom >tree/one/two/2 && ln -s 1 tree/one/link && : >tree/empty
'

test_expect_success 'a tree goes in, is brought up to date, and comes out again' '
	brsync -a tree/ "$FAR/in/tree/" && diff -r tree far/in/tree && test -h far/in/tree/one/link &&
	echo more >>tree/one/two/2 && rm tree/empty && brsync -a --delete tree/ "$FAR/in/tree/" && diff -r tree far/in/tree &&
	test_path_is_missing far/in/tree/empty &&
	brsync -a "$FAR/in/tree/" near/tree/ && diff -r tree near/tree &&
	audit_has event=exec.start kind=rsync rule=by-file && test_line_count -eq 3 rec &&
	audit_has event=file.transfer how=rsync direction=in path="$FAR_DIR/in/tree" result=done && test_line_count -eq 3 rec &&
	audit_has event=file.transfer how=rsync direction=out path="$FAR_DIR/in/tree" result=done
'

test_expect_success 'one file, a large file, nothing at all' '
	head -c 20000000 /dev/urandom >near/big && brsync near/big "$FAR/in/big" && cmp near/big far/in/big &&
	brsync "$FAR/in/big" near/big2 && cmp near/big near/big2 &&
	echo x >near/one && brsync -t near/one "$FAR/in/" && cmp near/one far/in/one &&
	brsync --list-only "$FAR/in/" >list && test_grep " big$" list
'

test_expect_success 'a path that cannot be had ends as with rsync' '
	test_expect_code 23 brsync -a "$FAR/in/none-such" near/ 2>err && test_grep "No such file" err &&
	test_must_fail brsync -a tree/ "$FAR/none-such/a/b/" 2>err && test_grep "sallyport: not found REQ-[A-Z0-9]*: $FAR_DIR/none-such/a/b is in no folder .*; make its folder first" err
'

test_expect_success 'paths that no rule covers, or where a denial is below them, are refused before anything is copied' '
	test_must_fail brsync -a tree/ "$FAR/keys/x/" 2>err && test_grep "sallyport: denied REQ-[A-Z0-9]* rule=no-keys" err &&
	test_must_fail brsync -a tree/ "$FAR/" 2>err && test_grep "rule=no-keys" err && test_path_is_missing far/one &&
	test_must_fail brsync -a "$FAR/" near/all 2>err && test_grep "rule=no-keys" err && test_path_is_missing near/all/in &&
	test_must_fail brsync -a /etc/hostname "target:/etc/sallyport-test" 2>err && test_grep "rule=default" err &&
	test_path_is_missing /etc/sallyport-test &&
	ln -s ../keys far/in/link && test_must_fail brsync -a tree/one/1 "$FAR/in/link/" 2>err && test_grep "rule=no-keys" err &&
	test_path_is_missing far/keys/1 &&
	audit_has event=file.op how=rsync verdict=deny rule=no-keys path="$FAR_DIR/in/link" resolved="$FAR_DIR/keys"
'

test_expect_success 'a link in a tree is not followed out of it' '
	echo key >far/keys/k && ln -s ../keys far/out/dir && rm -rf near/out && brsync -a "$FAR/out/" near/out/ &&
	test -h near/out/dir && mkdir -p evil/dir && echo evil >evil/dir/k &&
	brsync -a evil/ "$FAR/out/" && test "$(cat far/keys/k)" = key && test "$(cat far/out/dir/k)" = evil
'

test_expect_success 'compressed streams are refused with the way out' '
	test_must_fail brsync -az tree/ "$FAR/in/z/" 2>err && test_path_is_missing far/in/z &&
	test_grep "sallyport: denied REQ-[A-Z0-9]* rule=not-scanned: what rsync has compressed cannot be scanned for secrets; run it without -z" err
'

test_expect_success 'a secret ends it, either way' '
	mkdir -p secret && echo a >secret/a && plant_token secret/b &&
	test_must_fail brsync -a secret/ "$FAR/in/secret/" 2>err && test_grep "sallyport: denied REQ-[A-Z0-9]* rule=secret-in-file: .* in $FAR_DIR/in/secret, byte [0-9]* (" err &&
	test_grep ! "$token" err && ! grep -rq "$token" far/in &&
	cp -r secret far/out/secret && test_must_fail brsync -a "$FAR/out/secret/" near/secret/ 2>err &&
	test_grep "rule=secret-in-file" err && ! grep -rq "$token" near &&
	audit_has event=file.transfer how=rsync result=denied direction=in && audit_has event=file.transfer how=rsync result=denied direction=out
'

test_expect_success 'options that lead elsewhere make it an ordinary command, which nothing allows here' '
	for option in -K -b --partial-dir=/tmp --temp-dir=/tmp --link-dest=/etc --copy-dest=/etc --super
	do
		test_must_fail brsync -r $option tree/ "$FAR/in/opt/" 2>err && test_grep "rule=unresolved" err || return 1
	done &&
	for option in -L -k --copy-unsafe-links
	do
		test_must_fail brsync -r $option "$FAR/in/tree/" near/opt/ 2>err && test_grep "rule=unresolved" err || return 1
	done &&
	test_must_fail brsync -R --no-implied-dirs tree/one/1 "$FAR/in/opt/" 2>err && test_grep "rule=unresolved" err &&
	test_must_fail brsync -a --rsync-path="sudo rsync" tree/ "$FAR/in/opt/" 2>err && test_grep "rule=unresolved" err &&
	test_must_fail brsync -ab --backup-dir=/tmp tree/ "$FAR/in/opt/" 2>err && test_grep "rule=unresolved" err &&
	test_path_is_missing far/in/opt
'

test_expect_success 'where no rule says sync, rsync brings nothing in: links could lead it away; scp does, and rsync fetches' '
	mkdir -p far/scp-only && test_must_fail brsync -r tree/ "$FAR/scp-only/" 2>err &&
	test_grep "needs a rule with the op sync; scp and sftp do not" err && test -z "$(ls far/scp-only)" &&
	bscp tree/one/1 "$FAR/scp-only/" && brsync "$FAR/scp-only/1" near/fetched && cmp tree/one/1 near/fetched
'

test_expect_success 'the bastion ends in order' '
	stop_bastion
'

test_done
