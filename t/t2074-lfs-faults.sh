#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a push with LFS objects where something fails: no reference leads to an object that is not stored'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-lfs.sh"

UP=$STATE/repos/demo.git

{
	default_policy
	cat <<-\EOT
	  - id: new
	    who: [agent/*]
	    on: [hosted]
	    change: {repos: [demo], paths: ["asked*"]}
	    do: ask
	    because: somebody looks at it
	    approvers: ["group:engineers"]
	EOT
} >policy
BASTION_POLICY=$PWD/policy

# every_pointer_leads: what the pointers on all references of the repository name is stored.
every_pointer_leads () {
	git -C "$UP" rev-list --objects --no-object-names --all |
	git -C "$UP" cat-file --batch-check='%(objectname) %(objecttype) %(objectsize)' >all &&
	while read -r oid kind size
	do
		test "$kind" = blob && test "$size" -lt 1024 || continue
		git -C "$UP" cat-file blob "$oid" >blob && grep -q "^version https://git-lfs" blob || continue
		lfs_stored "$(sed -n 's/^oid sha256://p' blob)" || { echo >&2 "not stored: $(cat blob)"; return 1; }
	done <all
}

# next NAME: one more commit with an object in it.
next () {
	echo "$1" >"work/$1.bin" && (cd work && git add . && git commit -q -m "$1") && OID=$(lfs_oid "work/$1.bin")
}

unmoved () {
	test "$(git -C "$UP" rev-parse refs/heads/agent/x)" = "$(git -C work rev-parse HEAD~1)"
}

test_expect_success 'a bastion, and an agent that has pushed with git-lfs' '
	setup_quiet && lfs_settings && lfs_clone ci work && next one && bgit ci -C work push -q origin agent/x && every_pointer_leads
'

test_expect_success 'where the object cannot be moved into the repository, nothing is stored, and the agent is told' '
	next two && place=$(lfs_place "$OID") && mkdir -p "${place%/*/*}" && : >"${place%/*}" &&
	push_refused ci work origin agent/x && cat err &&
	test_grep "its LFS objects could not be moved into the repository; nothing was stored; push again" err && unmoved &&
	lfs_held "$OID" && test_must_fail log_event push.stored "$(git -C work rev-parse HEAD)"
'

test_expect_success 'once it can, the same push passes' '
	rm "${place%/*}" && bgit ci -C work push -q origin agent/x && lfs_stored "$OID" && every_pointer_leads
'

test_expect_success 'where the folder of objects cannot be made, the push is refused before it is judged' '
	next three && mv "$UP/lfs" aside && : >"$UP/lfs" && push_refused ci work --no-verify origin agent/x && cat err &&
	test_grep "rule=inspection: its LFS objects cannot be looked at; push again" err && unmoved &&
	rm "$UP/lfs" && mv aside "$UP/lfs" && bgit ci -C work push -q origin agent/x && every_pointer_leads
'

test_expect_success 'an object that was put into the folder of held ones by a link is none' '
	next four && bgit ci -C work lfs push origin agent/x && held=$(ls "$STATE"/lfs/*/"$OID"-*) && mv "$held" elsewhere &&
	ln -s "$PWD/elsewhere" "$held" && push_refused ci work --no-verify origin agent/x && test_grep "$OID is not here" err && unmoved &&
	mv elsewhere "$held" && bgit ci -C work push -q origin agent/x && every_pointer_leads
'

test_expect_success 'while a human is asked, the keeper is killed: approved, nothing is stored, and it can be pushed again' '
	make_identity eng human/eva --group engineers && next asked &&
	{
		GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf" git -C work push origin agent/x >push.out 2>push.err &
		CLIENT=$!
	} && wait_until "grep -q pending push.err" && KEEPER=$(keeper_pids) && test "$(echo "$KEEPER" | wc -w)" -eq 1 &&
	kill -KILL $KEEPER && req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\).*/\1/p" push.err | head -1) &&
	bssh eng bastion approve "$req" && { wait "$CLIENT"; test $? -ne 0; } && cat push.err &&
	test_grep "its LFS objects could not be moved into the repository; nothing was stored; push again" push.err &&
	unmoved && every_pointer_leads
'

test_expect_success 'nothing is left running, and the daemon ends in order' '
	no_session && wait_until "test -z \"\$(keeper_pids)\"" && bastion_is_well && stop_bastion
'

test_done
