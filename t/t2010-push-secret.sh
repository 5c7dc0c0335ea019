#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a push with a secret in it stores nothing, says where the secret is, and never what it is'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test_expect_success 'a bastion, an agent with a clone, and a secret' '
	setup_bastion &&
	make_identity ci agent/ci &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work && git -C work switch -q -c agent/x &&
	body=$(random_word 36) && token=gh$(printf p_)$body
'

test_expect_success 'three commits, a secret in the second, taken out again in the third' '
	(
		cd work && test_commit one && mkdir -p conf &&
		printf "host: example.com\n\ntoken: %s\n" "$token" >conf/app.yaml && git add conf && git commit -q -m two &&
		bad=$(git rev-parse HEAD) &&
		printf "host: example.com\n\ntoken: from the vault\n" >conf/app.yaml && git commit -q -a -m three
	) &&
	bad=$(git -C work rev-parse HEAD~1)
'

test_expect_success 'the push is refused' '
	push_refused ci work origin agent/x
'

test_expect_success 'the words name rule, commit, path and line' '
	test_grep "^remote: sallyport: BLOCKED REQ-[A-Z0-9]* rule=github-[a-z-]* .*commit=$(echo $bad | cut -c 1-12) file=conf/app.yaml:3 " err
'

test_expect_success 'they say what to do, and that a later commit does not help' '
	test_grep "^remote: .*git rebase.*rotated" err
'

test_expect_success 'the reason stands behind the rejected reference too' '
	test_grep "! \[remote rejected\] agent/x -> agent/x (denied REQ-[A-Z0-9]* rule=secret-in-push: 1 secret(s) in the push)" err
'

test_expect_success 'the secret is in no word of it, and in nothing that the bastion keeps' '
	test_grep ! "$body" err && ! grep -rF "$body" state daemon.log
'

test_expect_success 'no object of the push is in the upstream, and no reference' '
	upstream_has_none demo work "origin/main..agent/x" &&
	test_must_fail git -C state/repos/demo.git rev-parse -q --verify refs/heads/agent/x &&
	wait_until "test -z \"\$(ls state/spool)\""
'

test_expect_success 'it is on record, by fingerprint' '
	audit_has event=push.finding "rule=github*" path=conf/app.yaml line=3 "fingerprint=?*" "commit=$bad" &&
	audit_has event=push.decision verdict=deny rule=secret-in-push findings=1 &&
	audit_lacks event=push.stored
'

test_expect_success 'a push of the good commit alone passes' '
	bgit ci -C work push -q origin HEAD~2:refs/heads/agent/x
'

test_expect_success 'with the secret taken out of every commit the push passes' '
	git -C work reset -q --hard HEAD~2 &&
	(cd work && test_commit two-again) &&
	bgit ci -C work push -q origin agent/x
'

test_expect_success 'in a commit message' '
	(cd work && echo x >f && git add f && git commit -q -m "Use the token

The token is $token, do not tell.") &&
	push_refused ci work origin agent/x &&
	test_grep "rule=github-[a-z-]* .*commit=$(git -C work rev-parse --short=12 HEAD) file=commit" err && test_grep ! "$body" err &&
	upstream_has_none demo work agent/x~1..agent/x &&
	git -C work reset -q --hard HEAD~1
'

test_expect_success 'in the message of a tag, below a branch' '
	git -C work tag -a -m "token $token" v1 &&
	push_refused ci work origin v1:refs/heads/agent/tagged && test_grep "BLOCKED" err && test_grep ! "$body" err &&
	test_must_fail git -C state/repos/demo.git cat-file -e "$(git -C work rev-parse v1)" &&
	git -C work tag -d v1
'

test_expect_success 'in the name of a file' '
	(cd work && echo x >"note-$token.txt" && git add . && git commit -q -m "A file") &&
	push_refused ci work origin agent/x && test_grep "BLOCKED" err && test_grep ! "$body" err &&
	upstream_has_none demo work agent/x~1..agent/x &&
	git -C work reset -q --hard HEAD~1
'

test_expect_success 'in the name of a reference' '
	push_refused ci work origin "agent/x:refs/heads/agent/$token" && test_grep "^remote: .*sallyport: " err &&
	git -C state/repos/demo.git for-each-ref >refs && test_grep ! "$body" refs &&
	! grep -rF "$body" state/audit daemon.log
'

test_expect_success 'in the middle of a large file' '
	(cd work && { seq 1 100000; echo "key = $token"; seq 1 100000; } >big && git add big && git commit -q -m big) &&
	push_refused ci work origin agent/x && test_grep "file=big:100001 " err &&
	git -C work reset -q --hard HEAD~1
'

test_expect_success 'with UTF-16 around it' '
	(cd work && echo "token = $token" | iconv -t UTF-16 >wide && git add wide && git commit -q -m wide) &&
	push_refused ci work origin agent/x && test_grep "BLOCKED.*file=wide" err &&
	git -C work reset -q --hard HEAD~1
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
