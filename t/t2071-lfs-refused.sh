#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='LFS objects that carry a secret, that nobody has seen, or that are not what they are called do not pass'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-lfs.sh"

UP=$STATE/repos/demo.git

{
	default_policy
	cat <<-\EOT
	  - id: marked
	    who: [agent/*]
	    on: [hosted]
	    finding: {rules: [stripe-*]}
	    do: ask
	    because: perhaps it is a test value
	    approvers: ["group:engineers"]
	  - id: guarded
	    who: [agent/*]
	    on: [hosted]
	    change: {repos: [demo], preset: protected, not_paths: [.gitattributes]}
	    do: deny
	    because: it says what the others may do
	EOT
} >policy
BASTION_POLICY=$PWD/policy

# unmoved: agent/x of the repository is where it was.
unmoved () {
	test "$(git -C "$UP" rev-parse -q --verify refs/heads/agent/x)" = "$tip"
}

# again: the clone is back at what was pushed.
again () {
	git -C work reset -q --hard "$tip"
}

test_expect_success 'a bastion, and an agent with a clone in which git-lfs keeps *.bin' '
	setup_bastion && lfs_settings && make_identity ci agent/ci && make_identity eng human/eva --group engineers &&
	lfs_clone ci work && (cd work && git add . && git commit -q -m "Attributes") &&
	bgit ci -C work push -q origin agent/x && tip=$(git -C work rev-parse HEAD) &&
	body=$(random_word 36) && token=gh$(printf p_)$body
'

test_expect_success 'an object with a secret in it is refused when it comes' '
	{ seq 1 5000; echo "token: $token"; seq 1 5000; } >work/a.bin && bad=$(lfs_oid work/a.bin) &&
	(cd work && git add . && git commit -q -m "With a secret") &&
	lfs_push_refused ci work origin agent/x && cat err &&
	test_grep "denied REQ-[A-Z0-9]* LFS object $bad: rule=secret-in-push: .*github-.* line 5001, " err &&
	test_grep "take it out, rotate it" err && test_grep ! "$body" err && ! lfs_held "$bad" && ! lfs_stored "$bad" && unmoved
'

test_expect_success 'it is on record, by fingerprint' '
	audit_has event=lfs.finding "rule=github*" verdict=deny "oid=$bad" line=5001 "fingerprint=?*" &&
	audit_has event=lfs.put verdict=deny rule=secret-in-push "oid=$bad" findings=1 && ! grep -rF "$body" state daemon.log
'

test_expect_success 'so is one in an archive' '
	mkdir -p pack && cp work/a.bin pack/inner && tar -C pack -czf work/a.bin inner && bad=$(lfs_oid work/a.bin) &&
	(cd work && git commit -q -a --amend -m "In an archive") &&
	lfs_push_refused ci work origin agent/x && test_grep "LFS object $bad: rule=secret-in-push: .* at inner" err && unmoved
'

test_expect_success 'a push that leaves git-lfs out names what is not there: refused, with commit, path, object and what to do' '
	push_refused ci work --no-verify origin agent/x && cat err &&
	test_grep "denied REQ-[A-Z0-9]* rule=inspection: LFS object $bad is not here: git lfs push REMOTE BRANCH first; it is a.bin of commit $(git -C work rev-parse --short=12 HEAD)" err &&
	unmoved && upstream_has_none demo work "$tip..agent/x"
'

test_expect_success 'so does one that somebody else has uploaded and not pushed' '
	again && make_identity cd agent/cd && echo "clean text" >work/b.bin && (cd work && git add . && git commit -q -m "Clean") &&
	bgit cd -C work lfs push origin agent/x && lfs_held "$(lfs_oid work/b.bin)" &&
	push_refused ci work --no-verify origin agent/x && test_grep "is not here" err && unmoved &&
	bgit ci -C work push -q origin agent/x && tip=$(git -C work rev-parse HEAD)
'

test_expect_success 'and one with a pointer that was taken out again in a later commit' '
	cp work/b.bin work/c.bin && echo more >>work/c.bin && (cd work && git add . && git commit -q -m one &&
		git rm -q c.bin && git commit -q -m two) &&
	push_refused ci work --no-verify origin agent/x && test_grep "it is c.bin of commit $(git -C work rev-parse --short=12 HEAD~1)" err &&
	unmoved && again
'

# pointer OID SIZE: as git-lfs writes it.
pointer () {
	printf "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %s\n" "$1" "$2"
}

test_expect_success 'a pointer with another size, one that is padded, one that names nothing' '
	oid=$(lfs_oid work/b.bin) && pointer "$oid" 12 >work/plain && (cd work && git add . && git commit -q -m size) &&
	push_refused ci work --no-verify origin agent/x && test_grep "LFS object $oid is not here.*it is plain of" err && again &&
	{ printf " \n\t"; pointer "$(printf %064d 7)" 5; printf "%2000s"; } >work/plain && (cd work && git add . && git commit -q -m padded) &&
	push_refused ci work --no-verify origin agent/x && test_grep "LFS object 0*7 is not here" err && again &&
	pointer 1234 5 >work/plain && (cd work && git add . && git commit -q -m bad) &&
	push_refused ci work --no-verify origin agent/x && test_grep "plain of commit .* is meant as an LFS pointer, but names no object" err &&
	unmoved && again
'

test_expect_success 'a pointer to what is stored passes, and so does text about pointers' '
	pointer "$(lfs_oid work/b.bin)" 11 >work/plain && { echo "A pointer begins so:"; pointer 1234 5; } >work/notes &&
	(cd work && git add . && git commit -q -m fine) && bgit ci -C work push -q origin agent/x && tip=$(git -C work rev-parse HEAD)
'

test_expect_success 'a finding that a rule asks about is held, and asked about with the push, with its path' '
	key=sk_$(printf live_)$(random_word 24) && echo "stripe $key" >work/d.bin && oid=$(lfs_oid work/d.bin) &&
	(cd work && git add . && git commit -q -m "A key") && bgit ci -C work lfs push origin agent/x && lfs_held "$oid" &&
	GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf -o SetEnv=SALLYPORT_WAIT=0" \
		test_expect_code 1 git -C work push origin agent/x 2>err &&
	test_grep "BLOCKED REQ-[A-Z0-9]* rule=stripe-.* commit=$(git -C work rev-parse --short=12 HEAD) file=d.bin:1 " err &&
	req=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) && test -n "$req" && ! lfs_stored "$oid" && unmoved &&
	bssh eng bastion show "$req" >shown && test_grep "finding: rule=stripe.* LFS object commit=" shown && test_grep ! "$key" shown
'

test_expect_success 'approved, it passes, and its object with it' '
	bssh eng bastion approve "$req" && bgit ci -C work push -q origin agent/x && lfs_stored "$oid" && ! lfs_held "$oid" &&
	tip=$(git -C work rev-parse HEAD)
'

test_expect_success 'a file that leads git-lfs elsewhere is a protected one' '
	(cd work && git config -f .lfsconfig lfs.url https://elsewhere.example/ && git add . && git commit -q -m config) &&
	push_refused ci work --no-verify origin agent/x && test_grep "rule=guarded: create commit=.* file=.lfsconfig" err && unmoved && again
'

test_expect_success 'the other way of git-lfs is refused with one line, and with a status that no client takes for "go on by HTTPS"' '
	test_expect_code 77 bssh ci bastion "git-lfs-authenticate hosted/demo.git download" 2>err &&
	test_line_count -eq 1 err &&
	test_grep "sallyport: denied REQ-[A-Z0-9]* rule=default: git-lfs-authenticate would lead LFS objects around" err
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
