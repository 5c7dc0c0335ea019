#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='upstreams that are down, refuse the bastion, are somebody else, or move: one reason each, and nothing half-applied'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-upstream.sh"

# unreached CLIENT-NAME TEXT: a clone ends with this reason, once, and 69 is what ssh would have ended with.
unreached () {
	rm -rf none && test_must_fail bgit ci clone -q "$BASTION_URL/$1/demo.git" none 2>err &&
	said_once err "^sallyport: unreachable REQ-[A-Z0-9]*: $1/demo: $2" && ! test -e none &&
	test_expect_code 69 bssh ci git@bastion "git-upload-pack '/$1/demo.git'" </dev/null >out 2>err2
}

test_expect_success 'upstreams: one with a held key, one that does not know it, one with another host key, one that is not there' '
	upstream_policy | sed "s/on: \[hosted, forge\]/on: [hosted, forge, stranger, false, nobody, unkept]/" >policy.up &&
	BASTION_POLICY=$TRASH_DIRECTORY/policy.up && init_bastion &&
	for name in forge stranger false unkept nobody
	do
		start_upstream $name "TrustedUserCAKeys none" && seed_upstream $name demo || return 1
	done &&
	UP=$TRASH_DIRECTORY/upstream-forge/repos/demo.git &&
	ssh-keygen -q -t ed25519 -N "" -f deploy && ssh-keygen -q -t ed25519 -N "" -f other &&
	cat deploy.pub >upstream-forge/authorized && cat deploy.pub >upstream-false/authorized && cat other.pub >upstream-stranger/authorized &&
	for name in forge stranger false nobody
	do
		upstream_conf $name "auth: {key: deploy}" || return 1
	done >ups.yaml &&
	upstream_conf unkept "auth: {key: missing}" >>ups.yaml &&
	sed -i "/^  false:/,/host_keys/s#host_keys:.*#host_keys: [\"$(cut -d" " -f1,2 other.pub)\"]#" ups.yaml &&
	stop_target nobody &&
	write_upstreams ups.yaml && start_bastion && make_identity ci agent/ci &&
	sallyport -f "$CONF" secret put deploy --key deploy
'

test_expect_success 'the held key opens the first, and is on record' '
	bgit ci clone -q "$BASTION_URL/forge/demo.git" work &&
	test_grep "Accepted publickey for $TEST_LOGIN .*$(ssh-keygen -lf deploy.pub | cut -d" " -f2)" target-forge/log &&
	audit_has event=key.use target=forge name=deploy kind=key identity=agent/ci && audit_lacks event=cert.mint
'

test_expect_success 'down' '
	unreached nobody "the upstream cannot be reached: connect to host .* Connection refused"
'

test_expect_success 'its credential is not taken' '
	unreached stranger "the upstream refuses the bastion.s key or certificate: expired, revoked or not entered there"
'

test_expect_success 'its credential is not to be had' '
	unreached unkept "the key or certificate that opens the upstream is not to be had: there is no secret of this name"
'

test_expect_success 'it is somebody else' '
	unreached false "the upstream shows another host key than the one that is pinned; nothing was sent" &&
	test_must_fail grep "Accepted publickey" target-false/log
'

# hold_push REF: a push of work HEAD to it, that waits for ./go before it sends anything, in the background as "held".
hold_push () {
	cat >work/.git/hooks/pre-push <<-EOT
	#!/bin/sh
	>$TRASH_DIRECTORY/ready
	until test -f $TRASH_DIRECTORY/go
	do
		test-tool nap 20
	done
	EOT
	chmod +x work/.git/hooks/pre-push && rm -f ready go &&
	background held bgit ci -C work push origin "$@" && wait_until "test -f ready"
}

test_expect_success 'it moves while a push is under way: fetch first, and no reference of the push is there' '
	git -C work switch -q -c agent/x && (cd work && test_commit one) && bgit ci -C work push -q origin agent/x &&
	git clone -q -b agent/x "$UP" direct && (cd work && test_commit two) &&
	hold_push agent/x HEAD:refs/heads/agent/new &&
	(cd direct && test_commit elsewhere && git push -q origin agent/x) && >go && ended held 1 &&
	test_grep "rejected.*agent/x .the upstream has moved meanwhile: fetch first" held.err &&
	test_grep "rejected.*agent/new .not sent: another reference has moved upstream" held.err &&
	test_must_fail git -C "$UP" rev-parse -q --verify agent/new &&
	test "$(git -C "$UP" rev-parse agent/x)" = "$(git -C direct rev-parse HEAD)" &&
	test_must_fail git -C state/mirrors/forge/demo.git cat-file -e "$(git -C work rev-parse HEAD)" && rm work/.git/hooks/pre-push
'

test_expect_success 'and after a fetch it goes through' '
	bgit ci -C work pull -q --no-edit --no-rebase origin agent/x && bgit ci -C work push -q origin agent/x &&
	test "$(git -C "$UP" rev-parse agent/x)" = "$(git -C work rev-parse HEAD)"
'

test_expect_success 'it goes down while a push is under way, and up again' '
	(cd work && test_commit three) && before=$(git -C "$UP" rev-parse agent/x) &&
	hold_push agent/x && stop_upstream forge &&
	>go && ended held 1 && test_grep "rejected.*agent/x .REQ-[A-Z0-9]*: the upstream cannot be reached" held.err &&
	test "$(git -C "$UP" rev-parse agent/x)" = "$before" && rm work/.git/hooks/pre-push && restart_upstream forge &&
	bgit ci -C work push -q origin agent/x && test "$(git -C "$UP" rev-parse agent/x)" = "$(git -C work rev-parse HEAD)"
'

test_expect_success 'nothing is left behind' '
	test -z "$(find state/mirrors -name "incoming-*")" && test -z "$(ls state/spool)" &&
	for name in stranger false nobody unkept
	do
		! test -e state/mirrors/$name/demo.git || return 1
	done &&
	stop_bastion
'

test_done
