#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='who may not read a repository gets none of its LFS objects, and who may not push brings none'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-lfs.sh"

{
	cat <<-\EOT
	rules:
	  - id: work
	    who: [agent/ci]
	    on: [hosted]
	    push: {repos: [demo], refs: ["refs/heads/agent/**"], ops: [create, update]}
	    do: allow
	  - id: read
	    who: [agent/ci, agent/reader]
	    on: [hosted]
	    fetch: {repos: ["**"]}
	    do: allow
	  - id: read-asked
	    who: [agent/asks]
	    on: [hosted]
	    fetch: {repos: ["**"]}
	    do: ask
	    because: it is not its own
	    approvers: ["group:engineers"]
	  - id: elsewhere
	    who: [agent/other]
	    on: [hosted]
	    fetch: {repos: [other]}
	    do: allow
	EOT
} >policy
BASTION_POLICY=$PWD/policy

# get OID, put OID SIZE TEXT: what a client says that leaves out all but this.
get () {
	lfs_text "version 1" && printf 0000 && lfs_text "get-object $1" && printf 0000 && lfs_text quit && printf 0000
}

put () {
	lfs_text "version 1" && printf 0000 && lfs_text "put-object $1" && lfs_text "size=$2" && printf 0001 && lfs_pkt "$3" &&
	printf 0000 && lfs_text "verify-object $1" && lfs_text "size=$2" && printf 0000 && lfs_text quit && printf 0000
}

test_expect_success 'a bastion, agents of several rights, and an object that is stored' '
	setup_bastion && seed_repo other && lfs_settings && make_identity ci agent/ci && make_identity reader agent/reader &&
	make_identity asks agent/asks && make_identity elsewhere agent/other && make_identity eng human/eva --group engineers &&
	lfs_clone ci work && echo "for those who may read" >work/a.bin && oid=$(lfs_oid work/a.bin) &&
	(cd work && git add . && git commit -q -m "A file") && bgit ci -C work push -q origin agent/x && lfs_stored "$oid"
'

test_expect_success 'who may read gets it' '
	get "$oid" | lfs_raw reader "git-lfs-transfer /hosted/demo.git download" && test "$(cat raw.status)" -eq 0 &&
	test_grep "for those who may read" out
'

test_expect_success 'who may not gets one line, and no object by another repository either' '
	get "$oid" | lfs_raw elsewhere "git-lfs-transfer /hosted/demo.git download" && test "$(cat raw.status)" -eq 77 &&
	test_grep "sallyport: denied REQ-[A-Z0-9]* rule=default: " err && test_line_count -eq 1 err && test_must_be_empty out &&
	get "$oid" | lfs_raw elsewhere "git-lfs-transfer /hosted/other.git download" && test_grep "status 404" out &&
	test_grep "LFS object $oid is not stored in hosted/other" out && test_grep ! "for those who may" out &&
	audit_has event=lfs.decision verdict=deny identity=agent/other repository=demo operation=download &&
	audit_lacks event=lfs.get identity=agent/other
'

test_expect_success 'the stock client ends there, and looks nowhere else' '
	git -C work bundle create -q ../all agent/x && git clone -q -b agent/x all copy 2>/dev/null || test -d copy &&
	GIT_LFS_SKIP_SMUDGE=1 git -C copy checkout -q -f agent/x && git -C copy remote set-url origin "$BASTION_URL/hosted/demo.git" &&
	rm -rf copy/.git/lfs/objects && test_must_fail bgit elsewhere -C copy lfs pull origin >out 2>&1 && cat out &&
	test_grep "batch request: sallyport: denied REQ-[A-Z0-9]* rule=default: .*demo.*: exit status 77" out &&
	bgit reader -C copy lfs pull origin && cmp copy/a.bin work/a.bin
'

test_expect_success 'who may read alone brings nothing' '
	echo new >new && new=$(lfs_oid new) &&
	put "$new" 4 "new
" | lfs_raw reader "git-lfs-transfer /hosted/demo.git upload" && test "$(cat raw.status)" -eq 77 &&
	test_grep "sallyport: denied REQ-[A-Z0-9]* rule=default: no rule lets you push" err && ! lfs_held "$new"
'

test_expect_success 'what is held is given to nobody, not even to who brought it' '
	put "$new" 4 "new
" | lfs_raw ci "git-lfs-transfer /hosted/demo.git upload" && test "$(grep -ac "status 200" out)" -eq 4 && lfs_held "$new" &&
	get "$new" | lfs_raw ci "git-lfs-transfer /hosted/demo.git download" && test_grep "status 404" out
'

test_expect_success 'one direction does not do what the other is for' '
	get "$oid" | lfs_raw ci "git-lfs-transfer /hosted/demo.git upload" && test_grep "status 422" out &&
	test_grep ! "for those" out && echo newer >newer &&
	put "$(lfs_oid newer)" 6 "newer
" | lfs_raw ci "git-lfs-transfer /hosted/demo.git download" && test_grep "status 422" out && ! lfs_held "$(lfs_oid newer)"
'

test_expect_success 'where a human is asked about reading, a human is asked' '
	get "$oid" >in && timeout 30 ssh -F id/asks.conf -o SetEnv=SALLYPORT_WAIT=0 git@127.0.0.1 \
		"git-lfs-transfer /hosted/demo.git download" <in >out 2>err
	test $? -eq 75 && req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) && bssh eng bastion show "$req" >shown &&
	test_grep "LFS objects of hosted/demo" shown && test_must_be_empty out && bssh eng bastion approve "$req" &&
	lfs_raw asks "git-lfs-transfer /hosted/demo.git download" <in && test_grep "for those who may read" out &&
	audit_has event=lfs.get identity=agent/asks "oid=$oid"
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
