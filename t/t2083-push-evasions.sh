#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='ways to hide a secret in a push: each is found, named, and stores nothing'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git
BASTION_POLICY=$TRASH_DIRECTORY/policy
{ default_policy && echo '  - {id: all, who: [agent/*], on: [hosted], push: {refs: ["refs/*/**"]}, do: allow}'; } >"$BASTION_POLICY"

test_expect_success 'a bastion, an agent with a clone, and a secret' '
	setup_bastion && make_identity ci agent/ci &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work &&
	body=$(random_word 36) && token=gh$(printf p_)$body
'

# plain: an innocent commit.
plain () {
	echo plain >>plain.txt && git add plain.txt && git commit -q -m plain
}

# hidden TITLE PATTERN [REF] <<SCRIPT: from a fresh branch, in the clone, with $token at hand; the push says PATTERN.
hidden () {
	hide_title_=$1 hide_pattern_=$2 hide_ref_=${3-HEAD:refs/heads/agent/x} hide_script_=$(cat)
	test_expect_success "$hide_title_" '
		git -C work reset -q --hard && git -C work clean -qfd && git -C work switch -q --detach origin/main &&
		(cd work && set -e && eval "$hide_script_") >script.out 2>&1 &&
		push_refused ci work origin "$hide_ref_" &&
		test_grep "^remote: sallyport: BLOCKED .*$hide_pattern_" err &&
		grep "^remote" err >said && test_grep ! "$body" said &&
		git -C "$UP" for-each-ref >refs && test_grep ! -E "agent/x|refs/tags|refs/notes" refs
	'
}

hidden 'only in the result of a merge' 'file=evil.txt:1' <<'S'
git switch -q -C side && test_commit side1 && git switch -q --detach origin/main && test_commit main1
git merge -q --no-commit --no-ff side && echo "key $token" >evil.txt && git add evil.txt && git commit -q -m merged
git rm -q evil.txt && git commit -q -m "and gone"
S
hidden 'behind the second parent, undone by the merge' 'file=s.txt:1' <<'S'
git switch -q -C side && echo "$token" >s.txt && git add s.txt && git commit -q -m s && git switch -q --detach origin/main
test_commit main2 && git merge -q -s ours -m ours side
S
hidden 'in a commit message, in a trailer' 'file=commit' <<'S'
plain && git commit -q --amend -m "fix: things

Reviewed-by: $token"
S
hidden 'in the name of the author' 'file=commit' <<'S'
plain && git commit -q --amend --no-edit --author "$token <a@example.com>"
S
hidden 'in the e-mail address of the committer' 'file=commit' <<'S'
plain && GIT_COMMITTER_EMAIL="$token@example.com" git commit -q --amend --no-edit
S
hidden 'in a header that no tool shows' 'file=commit' <<'S'
plain
git cat-file commit HEAD | sed "s/^committer .*/&\\nencoding UTF-8\\nx-note $token/" | git hash-object -t commit -w --stdin --literally >oid
git reset -q --hard "$(cat oid)"
S
hidden 'in what stands where a signature should' 'file=commit' <<'S'
plain
git cat-file commit HEAD | sed "s/^committer .*/&\\ngpgsig -----BEGIN PGP SIGNATURE-----\\n \\n $token\\n -----END PGP SIGNATURE-----/" |
git hash-object -t commit -w --stdin --literally >oid
git reset -q --hard "$(cat oid)"
S
hidden 'in the text of a tag' 'file=tag' refs/tags/v1 <<'S'
git tag -f -a -m "release $token" v1
S
hidden 'in a tag of a tag' 'file=tag' refs/tags/outer <<'S'
git tag -f -a -m "$token" inner && git tag -f -a -m fine outer inner
S
hidden 'in a file that only a tag names' 'file=blob' refs/tags/b <<'S'
git tag -f b "$(echo "$token" | git hash-object -w --stdin)"
S
hidden 'in a folder that only a tag names' 'file=deep/k' refs/tags/t <<'S'
mkdir deep && echo "$token" >deep/k && git add deep && git tag -f t "$(git write-tree)"
S
hidden 'in a note' 'file=' refs/notes/commits <<'S'
git notes add -f -m "$token" HEAD
S
hidden 'in the name of a reference' 'file=reference' "HEAD:refs/heads/agent/x/$token" <<'S'
plain
S
hidden 'in the name of a file, of a folder' 'file=path' <<'S'
mkdir -p "dir/$token" && echo x >"dir/$token/x" && git add dir && git commit -q -m names
S
hidden 'in what a link points to' 'file=link' <<'S'
ln -s "/tmp/$token" link && git add link && git commit -q -m link
S
hidden 'in a link that becomes a file' 'file=l:1' <<'S'
ln -s /tmp l && git add l && git commit -q -m link && rm l && echo "$token" >l && git add l && git commit -q -m file
S
hidden 'in the URL of a submodule' 'file=.gitmodules:3' <<'S'
printf '[submodule "s"]\n\tpath = s\n\turl = https://x:%s@example.com/s.git\n' "$token" >.gitmodules && git add .gitmodules && git commit -q -m sub
S
hidden 'in a file that an attribute calls binary, or no text' 'file=a.txt:1' <<'S'
echo '*.txt -diff binary -text' >.gitattributes && echo "$token" >a.txt && git add . && git commit -q -m attr && git rm -q a.txt && git commit -q -m gone
S
hidden 'with files of the repository that excuse it, and words beside it' 'file=conf.py:1' <<'S'
printf '[allowlist]\npaths = [".*"]\n' >.gitleaks.toml && echo "conf.py:github-pat:1" >.gitleaksignore && mkdir -p .sallyport && echo '*' >.secretscanignore
echo "key = '$token' # gitleaks:allow # nosec # pragma: allowlist secret # trufflehog:ignore" >conf.py && git add -A && git commit -q -m allow
S
hidden 'in UTF-16' 'file=w.txt' <<'S'
printf '\377\376' >w.txt && echo "key $token" | iconv -t UTF-16LE >>w.txt && git add w.txt && git commit -q -m wide
S
hidden 'in base64 of base64' 'file=b.txt:1' <<'S'
echo "password is $token here" | base64 -w0 | base64 -w0 >b.txt && git add b.txt && git commit -q -m b64
S
hidden 'in a compressed file, in an archive' 'file=x.tar.gz!in/k' <<'S'
mkdir in && echo "$token" >in/k && tar czf x.tar.gz in && rm -r in && git add x.tar.gz && git commit -q -m tar
S
hidden 'among a thousand that are known to be none' 'file=zz.txt' <<'S'
i=0; while test $i -lt 1000; do echo "AKIAIOSFODNN7EXAMPLE"; i=$((i + 1)); done >chaff.txt
echo "$token" >zz.txt && git add . && git commit -q -m chaff
S
hidden 'in a large file, near its end' 'file=big.txt' <<'S'
seq 1 3000000 >big.txt && echo "$token" >>big.txt && git add big.txt && git commit -q -m big
S

test_expect_success 'in a push option' '
	git -C work switch -q --detach origin/main && (cd work && test_commit optional) &&
	push_refused ci work -o "sallyport.reason=with $token" origin HEAD:refs/heads/agent/x &&
	test_grep "^remote: sallyport: BLOCKED .*file=option" err && test_grep ! "$body" err
'

test_expect_success 'an innocent push passes; the secret is in nothing that the bastion keeps' '
	bgit ci -C work push -q -o sallyport.reason=fine origin HEAD:refs/heads/agent/fine &&
	! grep -rF "$body" state daemon.log && stop_bastion && ! grep crashed daemon.log
'

test_done
