#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='clients that are not today'\''s git, and what git does seldom: dulwich, libgit2, shallow clones, signed pushes, SHA-256'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
python3 -c 'import dulwich' 2>/dev/null && test_set_prereq DULWICH
python3 -c 'import pygit2' 2>/dev/null && test_set_prereq PYGIT2

test_expect_success 'a bastion, a clone with a commit to push, another with a secret' '
	setup_bastion && make_identity ci agent/ci &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work && (cd work && test_commit one) &&
	body=$(random_word 36) && git clone -q work bad && (cd bad && echo "gh$(printf p_)$body" >k && git add k && git commit -q -m k)
'

# dulwich_push CLONE REF: what dulwich says is in "out" and "err".
dulwich_push () {
	cat >push.py <<-\EOT &&
	import os, sys
	from dulwich import porcelain
	from dulwich.client import SSHGitClient, SubprocessSSHVendor
	clone, host, port, path, ref = sys.argv[1:]
	repo = porcelain.open_repo(clone)
	client = SSHGitClient(host, port=int(port), username="git", vendor=SubprocessSSHVendor(),
	                      ssh_command=os.environ["GIT_SSH_COMMAND"])
	ref = ref.encode()
	result = client.send_pack(path.encode(), lambda refs: {ref: repo.head()}, repo.generate_pack_data,
	                          progress=lambda text: sys.stderr.write(text.decode()))
	for name, error in (result.ref_status or {}).items():
	    if error:
	        sys.exit("%s: %s" % (name.decode(), error))
	EOT
	GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf" timeout 60 python3 push.py "$1" 127.0.0.1 "$BASTION_PORT" /hosted/demo.git "$2" >out 2>err
}

test_expect_success DULWICH 'dulwich pushes' '
	dulwich_push work refs/heads/agent/dulwich && test "$(git -C "$UP" rev-parse refs/heads/agent/dulwich)" = "$(git -C work rev-parse HEAD)"
'

test_expect_success DULWICH 'dulwich is told why not, and where' '
	test_must_fail dulwich_push bad refs/heads/agent/secret && test_grep "denied REQ.*rule=secret-in-push" err &&
	test_grep "BLOCKED REQ.*file=k:1" err && test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/secret
'

# pygit2_push CLONE REF: libgit2 speaks to a relay, for it cannot be given our ssh.
pygit2_push () {
	rm -f relay.port &&
	{ python3 "$TEST_SRCDIR/t/helper/gitrelay.py" relay.port ssh -F id/ci.conf git@127.0.0.1 & } &&
	relay_pid=$! && wait_until "test -s relay.port" &&
	cat >pg.py <<-\EOT &&
	import sys, pygit2
	clone, url, ref = sys.argv[1:]
	class Ear(pygit2.RemoteCallbacks):
	    def sideband_progress(self, text):
	        sys.stderr.write(text)
	    def push_update_reference(self, name, message):
	        if message:
	            sys.exit("%s: %s" % (name, message))
	repo = pygit2.Repository(clone)
	repo.remotes.create_anonymous(url).push(["HEAD:" + ref], callbacks=Ear())
	EOT
	timeout 60 python3 pg.py "$1" "git://127.0.0.1:$(cat relay.port)/hosted/demo.git" "$2" >out 2>err
	pg_status_=$?
	wait "$relay_pid"
	return "$pg_status_"
}

test_expect_success PYGIT2 'libgit2 pushes: report-status alone, no side-band of its own asking' '
	git -C work switch -q -c pg && pygit2_push work refs/heads/agent/pygit2 &&
	test "$(git -C "$UP" rev-parse refs/heads/agent/pygit2)" = "$(git -C work rev-parse HEAD)"
'

test_expect_success PYGIT2 'libgit2 is told why not' '
	test_must_fail pygit2_push bad refs/heads/agent/secret2 && test_grep "denied REQ.*rule=secret-in-push" err &&
	test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/secret2
'

test_expect_success 'a push from a shallow clone: what lies beyond the cut is in the repository' '
	git -C work push -q "$UP" HEAD:refs/heads/main 2>/dev/null || git -C "$UP" update-ref refs/heads/main refs/heads/agent/dulwich || : &&
	bgit ci clone -q --depth 1 "$BASTION_URL/hosted/demo.git" shallow && test -s shallow/.git/shallow &&
	git -C shallow switch -q -c agent/s && (cd shallow && test_commit on-top) && bgit ci -C shallow push -q origin agent/s &&
	test "$(git -C "$UP" rev-parse agent/s)" = "$(git -C shallow rev-parse HEAD)" && git -C "$UP" fsck --strict &&
	test_path_is_missing "$UP/shallow"
'

test_expect_success 'a shallow clone of something else: refused, with what to do' '
	git init -q other && (cd other && test_commit first && test_commit second && test_commit third) &&
	git clone -q --depth 1 "file://$PWD/other" cut && git -C cut remote add bastion "$BASTION_URL/hosted/demo.git" &&
	test_must_fail bgit ci -C cut push bastion HEAD:refs/heads/agent/cut 2>err && test_grep "unshallow" err &&
	test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/cut
'

test_expect_success 'a signed push is not offered: --signed ends before anything is sent, --signed=if-asked passes' '
	test_must_fail bgit ci -C work push --signed origin HEAD:refs/heads/agent/signed 2>err &&
	test_grep "does not support --signed" err &&
	bgit ci -C work push -q --signed=if-asked origin HEAD:refs/heads/agent/signed
'

test_expect_success 'a push certificate that was not asked for is refused, in words' '
	printf "0012push-cert\0 \n0000" | timeout 30 ssh -F id/ci.conf git@127.0.0.1 "git-receive-pack '\''/hosted/demo.git'\''" >out 2>err
	test_grep "signed pushes are not taken; push without --signed" err
'

test_expect_success 'a client with SHA-256 names is refused, in words; so is a repository of them' '
	git init -q --object-format=sha256 wide && (cd wide && test_commit w) &&
	test_must_fail bgit ci -C wide push "$BASTION_URL/hosted/demo.git" HEAD:refs/heads/agent/w 2>err &&
	test_grep "hash algorithm\|object format\|SHA-1" err &&
	git init -q --bare --object-format=sha256 state/repos/wide.git &&
	test_must_fail bgit ci -C work push "$BASTION_URL/hosted/wide.git" HEAD:refs/heads/agent/w 2>err && cat err &&
	test_grep "^sallyport: " err && test_must_fail git -C state/repos/wide.git rev-parse -q --verify refs/heads/agent/w
'

test_expect_success 'all is well afterwards' '
	git -C "$UP" fsck --strict && ! grep -rF "$body" state daemon.log && stop_bastion && ! grep crashed daemon.log
'

test_done
