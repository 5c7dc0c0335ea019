#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='gitolite behind the bastion: one held key, its rules above ours, its words in our refusals'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-upstream.sh"

command -v gitolite >/dev/null || skip_all 'no gitolite here (gitolite3)'

OLITE=$TRASH_DIRECTORY/olite

# The account's home is ours to choose only in the forced command.
test_expect_success 'a gitolite that knows the bastion by one key, and lets it write what is not main' '
	ssh-keygen -q -t ed25519 -N "" -f bastion-key && mkdir -m 700 "$OLITE" &&
	HOME=$OLITE gitolite setup -pk bastion-key.pub >setup.out 2>&1 &&
	cat >"$OLITE/.gitolite/conf/gitolite.conf" <<-EOT &&
	repo team/app
	    RW  agent/ = @all
	    RW  main$ = nobody
	    R   = @all
	EOT
	HOME=$OLITE gitolite compile && HOME=$OLITE gitolite trigger POST_COMPILE &&
	git init -q -b main seed && (cd seed && test_commit first README "This is app.") &&
	git -C "$OLITE/repositories/team/app.git" fetch -q "$TRASH_DIRECTORY/seed" main:main &&
	git -C "$OLITE/repositories/team/app.git" symbolic-ref HEAD refs/heads/main &&
	upstream_policy >policy.up && BASTION_POLICY=$TRASH_DIRECTORY/policy.up &&
	init_bastion && start_upstream forge "TrustedUserCAKeys none" &&
	sed "s,command=\"[^\"]*gitolite-shell,command=\"HOME=$OLITE /usr/share/gitolite3/gitolite-shell," "$OLITE/.ssh/authorized_keys" \
		>upstream-forge/authorized &&
	upstream_conf forge "auth: {key: gitolite}" | sed "s,url: \([^ ]*127.0.0.1:[0-9]*\)/.*,url: \1," >forge.yaml &&
	write_upstreams forge.yaml && start_bastion && make_identity ci agent/ci &&
	sallyport -f "$CONF" secret put gitolite --key bastion-key
'

test_expect_success 'clone and push' '
	bgit ci clone -q "$BASTION_URL/forge/team/app.git" work && test_grep "This is app" work/README &&
	git -C work switch -q -c agent/x && (cd work && test_commit second) && bgit ci -C work push -q origin agent/x &&
	test "$(git -C "$OLITE/repositories/team/app.git" rev-parse agent/x)" = "$(git -C work rev-parse HEAD)" &&
	test -e state/mirrors/forge/team%app.git/HEAD
'

test_expect_success 'what gitolite refuses is refused in its words, and not in the mirror' '
	sed "s/agent\/\*\*/**/" "$STATE/policy.yaml" >policy.new && cat policy.new >"$STATE/policy.yaml" &&
	sallyport -f "$CONF" reload &&
	test_must_fail bgit ci -C work push origin HEAD:refs/heads/other 2>err &&
	test_grep "remote: forge: FATAL: W refs/heads/other team/app .* DENIED by fallthru" err &&
	test_grep "rejected.*other .hook declined" err &&
	test_must_fail git -C state/mirrors/forge/team%app.git rev-parse -q --verify other
'

test_expect_success 'a repository that it does not show' '
	test_must_fail bgit ci clone -q "$BASTION_URL/forge/gitolite-admin.git" no 2>err &&
	test_grep "unreachable REQ-[A-Z0-9]*: forge/gitolite-admin: the upstream says: FATAL: R any gitolite-admin bastion-key DENIED" err && stop_bastion
'

test_done
