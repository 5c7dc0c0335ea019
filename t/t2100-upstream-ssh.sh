#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a repository on an SSH server behind the bastion: clone, fetch and push with stock git, through a mirror'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-upstream.sh"

test_expect_success 'a bastion, an upstream that trusts its CA, and an agent' '
	setup_upstream
'

test_expect_success 'clone: what the upstream has, on the branch that its HEAD stands for' '
	git -C "$UP" branch trunk main && git -C "$UP" symbolic-ref HEAD refs/heads/trunk &&
	git -C "$UP" tag -a -m "a tag" v1 main &&
	bgit ci clone -q "$BASTION_URL/forge/demo.git" work &&
	echo "This is demo." >expect && test_cmp expect work/README &&
	test "$(git -C work symbolic-ref HEAD)" = refs/heads/trunk &&
	test "$(git -C work rev-parse v1)" = "$(git -C "$UP" rev-parse v1)"
'

test_expect_success 'the upstream saw a certificate for this identity, of which nothing lies on the disk' '
	test_grep "Accepted publickey for $TEST_LOGIN .*ED25519-CERT .*ID agent/ci S-" target-forge/log &&
	audit_has event=key.use identity=agent/ci target=forge kind=certificate &&
	test -z "$(find state/mirrors -name "id_*" -o -name "*-cert.pub")" &&
	test_must_fail grep -rl "PRIVATE KEY" state/mirrors
'

test_expect_success 'push: the upstream has it, and the mirror too' '
	git -C work switch -q -c agent/x && (cd work && test_commit second && test_commit third) &&
	bgit ci -C work push origin agent/x 2>err &&
	test "$(git -C "$UP" rev-parse refs/heads/agent/x)" = "$(git -C work rev-parse HEAD)" &&
	test "$(git -C state/mirrors/forge/demo.git rev-parse refs/heads/agent/x)" = "$(git -C work rev-parse HEAD)" &&
	git -C "$UP" fsck --strict && git -C state/mirrors/forge/demo.git fsck &&
	test -z "$(find state/mirrors/forge/demo.git -name "incoming-*")"
'

test_expect_success 'fetch what somebody else has put there, and do not see what has gone' '
	git clone -q "$UP" direct && (cd direct && test_commit from-elsewhere && git push -q origin trunk && git push -q origin :main) &&
	bgit ci -C work fetch -q --prune origin &&
	test "$(git -C work rev-parse origin/trunk)" = "$(git -C "$UP" rev-parse trunk)" &&
	test_must_fail git -C work rev-parse -q --verify origin/main && git -C "$UP" branch main trunk
'

test_expect_success 'a branch of objects that are there already, a second push, a force that policy refuses' '
	bgit ci -C work push -q origin HEAD~1:refs/heads/agent/y &&
	test "$(git -C "$UP" rev-parse refs/heads/agent/y)" = "$(git -C work rev-parse HEAD~1)" &&
	(cd work && test_commit fourth) && bgit ci -C work push -q origin agent/x &&
	test "$(git -C "$UP" rev-parse refs/heads/agent/x)" = "$(git -C work rev-parse HEAD)" &&
	before=$(git -C "$UP" rev-parse refs/heads/agent/x) &&
	test_must_fail bgit ci -C work push -q --force origin HEAD~2:refs/heads/agent/x 2>err && test_grep "denied REQ" err &&
	test "$(git -C "$UP" rev-parse refs/heads/agent/x)" = "$before"
'

test_expect_success 'several references at once' '
	bgit ci -C work push -q origin HEAD:refs/heads/agent/a HEAD~1:refs/heads/agent/b &&
	test "$(git -C "$UP" rev-parse agent/a agent/b)" = "$(git -C work rev-parse HEAD HEAD~1)"
'

test_expect_success 'the upstream says what its hooks have to say, and refuses what it refuses' '
	printf "#!/bin/sh\necho \"create a request at https://forge.example/\033[31m1\" >&2\n! grep -q agent/no\n" >"$UP/hooks/pre-receive" &&
	chmod +x "$UP/hooks/pre-receive" &&
	bgit ci -C work push origin HEAD:refs/heads/agent/yes 2>err && test_grep "remote: forge: create a request at https://forge.example/" err &&
	test_must_fail grep "$(printf "\033")" err &&
	test_must_fail bgit ci -C work push origin HEAD:refs/heads/agent/no 2>err && test_grep "remote rejected.*pre-receive hook declined" err &&
	rm "$UP/hooks/pre-receive" && test_must_fail git -C "$UP" rev-parse -q --verify agent/no &&
	test_must_fail git -C state/mirrors/forge/demo.git rev-parse -q --verify agent/no &&
	audit_has event=push.refused "updates=*refs/heads/agent/no*declined*"
'

test_expect_success 'a secret does not get there, nor into the mirror' '
	git -C work switch -q -c agent/leak &&
	ssh-keygen -q -t ed25519 -N "" -f work/id && git -C work add id && git -C work commit -q -m "a key" &&
	test_must_fail bgit ci -C work push origin agent/leak 2>err && test_grep "denied REQ" err &&
	test_must_fail git -C "$UP" cat-file -e "$(git -C work rev-parse HEAD)" &&
	test_must_fail git -C state/mirrors/forge/demo.git cat-file -e "$(git -C work rev-parse HEAD)" &&
	git -C work switch -q agent/x
'

test_expect_success 'one connection served it all' '
	grep -c "Accepted publickey" target-forge/log >count && echo 1 >expect && test_cmp expect count
'

test_expect_success 'a repository that is not there, and no folder for it here' '
	test_must_fail bgit ci clone -q "$BASTION_URL/forge/nothing.git" no 2>err &&
	test_grep "forge/nothing: the upstream has no such repository" err &&
	wait_until "! test -e state/mirrors/forge/nothing.git"
'

test_expect_success 'decision and result are on record; the daemon ends in order, and its connections with it' '
	audit_has event=push.stored upstream=forge repository=demo result=stored "updates=*refs/heads/agent/x*" &&
	sallyport -f "$CONF" audit verify &&
	stop_bastion && test -z "$(ls state/mirrors/forge/.pool)"
'

test_done
