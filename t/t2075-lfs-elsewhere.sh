#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='where LFS objects cannot go: upstreams that are not hosted here, and pushes that are parked'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-upstream.sh"
. "$TEST_SRCDIR/t/lib-lfs.sh"

# In the place of lib-upstream's: the same, and one path that is parked.
upstream_policy () {
	default_policy | sed 's/on: \[hosted\]/on: [hosted, forge]/' &&
	cat <<-\EOT
	  - id: looked-at
	    who: [agent/*]
	    on: [hosted]
	    change: {repos: [demo], paths: ["parked*"]}
	    do: park
	    because: somebody looks at it later
	    approvers: ["group:engineers"]
	EOT
}

test_expect_success 'a bastion with repositories of its own and an upstream elsewhere' '
	setup_upstream && lfs_settings && bgit ci clone -q "$BASTION_URL/forge/demo.git" far && git -C far switch -q -c agent/x &&
	(cd far && git lfs install --local >/dev/null && git lfs track "*.bin" >/dev/null && echo a >a.bin && git add . &&
		git commit -q -m "A file") && oid=$(lfs_oid far/a.bin)
'

test_expect_success 'an upload to that upstream is refused in one line, which the stock client shows' '
	lfs_push_refused ci far origin agent/x && cat err &&
	test_grep "sallyport: denied REQ-[A-Z0-9]* rule=default: LFS objects are kept for repositories that the bastion hosts itself" err &&
	test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/x
'

test_expect_success 'so is a push with a pointer in it, and one without passes' '
	push_refused ci far --no-verify origin agent/x && cat err &&
	test_grep "rule=inspection: it names LFS objects: LFS objects are kept for repositories that the bastion hosts itself" err &&
	(cd far && git rm -q a.bin && git commit -q --amend -m "No file" --allow-empty) && bgit ci -C far push -q --no-verify origin agent/x
'

test_expect_success 'a push that would be parked does not bring objects that anybody could fetch' '
	seed_repo demo && lfs_clone ci work && echo b >work/parked.bin && (cd work && git add . && git commit -q -m "To be looked at") &&
	oid=$(lfs_oid work/parked.bin) && push_refused ci work origin agent/x && cat err &&
	test_grep "what names LFS objects cannot be parked" err && ! lfs_stored "$oid" && lfs_held "$oid"
'

test_expect_success 'without them it is parked' '
	echo c >work/parked.txt && (cd work && git rm -q --cached parked.bin && git add parked.txt && git commit -q --amend -m "Text") &&
	bgit ci -C work push --no-verify origin agent/x 2>err && test_grep "parked REQ-" err
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
