#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a repository behind a web server (git-http-backend): clone, fetch and push with a token that nobody but two processes sees'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-upstream.sh"

need_web
TOKEN=$(random_word 40)

test_expect_success 'a web server with a certificate of its own CA, that wants a token, and a bastion' '
	make_web && start_web && seed_upstream forge team/demo && git -C "$UP" config http.receivepack true &&
	upstream_policy >policy.up && BASTION_POLICY=$TRASH_DIRECTORY/policy.up && init_bastion &&
	cat >forge.yaml <<-EOT &&
	  forge:
	    url: https://127.0.0.1:$WEB_PORT/git
	    ca: $TRASH_DIRECTORY/web/ca.pem
	    auth: {password: token}
	EOT
	write_upstreams forge.yaml && start_bastion && make_identity ci agent/ci &&
	printf "%s" "$TOKEN" | sallyport -f "$CONF" secret put token --password-stdin
'

test_expect_success 'clone: with the token, which is on record and in no argument or environment' '
	bgit ci clone -q "$BASTION_URL/forge/team/demo.git" work && test_grep "This is team/demo" work/README &&
	audit_has event=key.use target=forge name=token kind=password identity=agent/ci &&
	test_grep "x-access-token .*GET /git/team/demo.git/info/refs?service=git-upload-pack" web/access.log &&
	! grep -r -a -l -e "$TOKEN" state daemon.log
'

test_expect_success 'push: the upstream has it, and the mirror too' '
	git -C work switch -q -c agent/x && (cd work && test_commit second && head -c 3000000 /dev/urandom >big && git add big &&
		git commit -q -m big) &&
	bgit ci -C work push -q origin agent/x &&
	test "$(git -C "$UP" rev-parse refs/heads/agent/x)" = "$(git -C work rev-parse HEAD)" &&
	test "$(git -C state/mirrors/forge/team%demo.git rev-parse refs/heads/agent/x)" = "$(git -C work rev-parse HEAD)" &&
	git -C "$UP" fsck --strict && stop_web && start_web &&	# which writes its log
	test "$(grep -c "POST /git/team/demo.git/git-receive-pack HTTP/[0-9.]*\" 200" web/access.log)" = 1
'

test_expect_success 'fetch what somebody else has put there; two references at once; a delete that policy refuses' '
	git clone -q "$UP" direct && (cd direct && test_commit from-elsewhere && git push -q origin main) &&
	bgit ci -C work fetch -q origin && test "$(git -C work rev-parse origin/main)" = "$(git -C "$UP" rev-parse main)" &&
	bgit ci -C work push -q origin HEAD:refs/heads/agent/a HEAD~1:refs/heads/agent/b &&
	test "$(git -C "$UP" rev-parse agent/a agent/b)" = "$(git -C work rev-parse HEAD HEAD~1)" &&
	test_must_fail bgit ci -C work push -q origin :agent/a 2>err && git -C "$UP" rev-parse -q --verify agent/a
'

test_expect_success 'the upstream says what its hooks have to say, and refuses what it refuses' '
	printf "#!/bin/sh\necho \"create a request\" >&2\n! grep -q agent/no\n" >"$UP/hooks/pre-receive" && chmod +x "$UP/hooks/pre-receive" &&
	bgit ci -C work push origin HEAD:refs/heads/agent/yes 2>err && test_grep "remote: forge: create a request" err &&
	test_must_fail bgit ci -C work push origin HEAD:refs/heads/agent/no 2>err && test_grep "rejected.*pre-receive hook declined" err &&
	rm "$UP/hooks/pre-receive" && test_must_fail git -C state/mirrors/forge/team%demo.git rev-parse -q --verify agent/no
'

# unreached TEXT: a clone ends with this reason, once.
unreached () {
	rm -rf none && test_must_fail bgit ci clone -q "$BASTION_URL/forge/${2-team/demo}.git" none 2>err &&
	said_once err "^sallyport: unreachable REQ-[A-Z0-9]*: forge/${2-team/demo}: $1" && ! test -e none
}

test_expect_success 'no such repository; the token has expired; it was taken out' '
	unreached "the upstream has no such repository" nothing &&
	printf "x-access-token:%s\n" other >web/users && stop_web && start_web &&
	unreached "the upstream refuses the bastion.s token or password (401): expired, revoked" &&
	printf "x-access-token:%s\n" "$TOKEN" >web/users && stop_web && start_web &&
	sallyport -f "$CONF" secret remove token &&
	unreached "the token or password that opens the upstream is not to be had" &&
	printf "%s" "$TOKEN" | sallyport -f "$CONF" secret put token --password-stdin
'

test_expect_success 'it is down, and it is somebody else' '
	stop_web && unreached "the upstream cannot be reached: .*onnect" &&
	start_web && bgit ci -C work fetch -q origin &&
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Other" -keyout web/o.key -out web/o.pem 2>/dev/null &&
	cat web/o.key web/o.pem >web/pem && stop_web && start_web &&
	unreached "the upstream is not known for the right one; nothing was sent"
'

test_expect_success 'the token is in no log; the daemon ends in order' '
	! grep -r -a -l -e "$TOKEN" state daemon.log && test -z "$(find state/mirrors -name "incoming-*")" && stop_bastion
'

test_done
