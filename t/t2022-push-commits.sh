#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='rules on the commits of a push: people, messages, signatures, merges, roots, dates'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git

ssh-keygen -q -t ed25519 -N '' -C signer -f signer && ssh-keygen -q -t ed25519 -N '' -C other -f other || exit 1
SIGNER=$(ssh-keygen -l -f signer.pub | cut -d' ' -f2)

{
	default_policy
	cat <<-EOT
	  - id: own-name
	    who: [agent/*]
	    on: [hosted]
	    commit: {repos: [demo], not_people: ["{name}@agents.test", "Eva Example <eva@test>", "A U Thor <*>"]}
	    do: deny
	    because: agents commit as themselves
	    match: ["Mallory <m@test>: x", "Eva <eva@test>: x"]
	    not_match: ["Eva Example <EVA@test>: x", "x <{name}@agents.test>: y"]
	  - id: messages
	    who: [agent/*]
	    on: [hosted]
	    commit: {repos: [demo], not_subject: ["^(fix|feat|docs): .{3,}"]}
	    do: deny
	    because: messages begin with fix, feat or docs
	    match: ["A U Thor <a@t>: wip", "A U Thor <a@t>: feature: x"]
	    not_match: ["A U Thor <a@t>: fix: the build"]
	  - id: no-skips
	    who: [agent/*]
	    on: [hosted]
	    commit: {repos: [demo], message: ["\\\\[(skip ci|ci skip)\\\\]"]}
	    do: ask
	    because: pipelines are not left out unseen
	    approvers: ["group:engineers"]
	    match: ["A U Thor <a@t>: fix: x [skip ci]"]
	  - id: no-merges
	    who: [agent/*]
	    on: [hosted]
	    commit: {repos: [demo], shape: [merge, root]}
	    do: deny
	    because: histories here are straight
	    match: ["[merge] A U Thor <a@t>: x", "[root] A U Thor <a@t>: x"]
	    not_match: ["A U Thor <a@t>: x"]
	  - id: dates
	    who: [agent/*]
	    on: [hosted]
	    commit: {repos: [demo], ahead: 1h}
	    do: deny
	    because: clocks are right here
	  - id: tasks
	    who: [agent/*]
	    on: [hosted]
	    commit: {repos: [strict], not_trailers: ["Task: T-*"]}
	    do: deny
	    because: work has a task
	  - id: signed
	    who: [agent/*]
	    on: [hosted]
	    commit: {repos: [signed], not_signed: [ssh]}
	    do: deny
	    because: commits are signed
	    match: ["[openpgp] a <a@t>: x", "a <a@t>: x"]
	    not_match: ["[ssh] a <a@t>: x"]
	  - id: known-signer
	    who: [agent/*]
	    on: [hosted]
	    commit: {repos: [signed], not_signers: ["$SIGNER"]}
	    do: deny
	    because: by a key that is known
	EOT
} >policy
BASTION_POLICY=$PWD/policy

fresh () {
	git -C work switch -q -C agent/x origin/main
}

# as NAME EMAIL COMMAND..: author and committer of what it commits.
as () {
	as_name=$1 as_email=$2
	shift 2
	GIT_AUTHOR_NAME=$as_name GIT_COMMITTER_NAME=$as_name GIT_AUTHOR_EMAIL=$as_email GIT_COMMITTER_EMAIL=$as_email "$@"
}

commit () {
	(cd work && date +%N >>file && git add file && git commit -q "$@")
}

refused () {
	push_refused ci work origin agent/x:refs/heads/agent/new && test_grep "$1" err &&
	upstream_has_none demo work origin/main..agent/x
}

passes () {
	bgit ci -C work push -q origin agent/x:refs/heads/agent/new && git -C "$UP" update-ref -d refs/heads/agent/new
}

test_expect_success 'a bastion, an agent with a clone, an engineer' '
	setup_bastion && seed_repo strict && seed_repo signed &&
	make_identity ci agent/ci && make_identity eng human/eva --group engineers &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work &&
	bgit ci clone -q "$BASTION_URL/hosted/strict.git" strict &&
	bgit ci clone -q "$BASTION_URL/hosted/signed.git" signed
'

test_expect_success 'commits by the identity pass, in any letters' '
	fresh && as bot CI@agents.test commit -m "fix: the build" && passes
'

test_expect_success 'another author is refused in one line with rule, commit, who, and what to do' '
	fresh && as bot ci@agents.test commit -m "fix: one" && as Mallory m@evil.test commit -m "fix: two" &&
	as bot ci@agents.test commit -m "fix: three" &&
	refused "^remote: sallyport: denied REQ-[A-Z0-9]* rule=own-name: commit=$(git -C work rev-parse HEAD~1 | cut -c 1-12): agents commit as" &&
	test_grep "by Mallory <m@evil.test>: author, committer or a co-author is not one who may be; set user.name" err &&
	test_grep "(denied REQ-[A-Z0-9]* rule=own-name: agents commit as themselves)" err &&
	test $(grep -c "rule=own-name: commit=" err) -eq 1 &&
	audit_has event=push.commit rule=own-name verdict=deny
'

test_expect_success 'so is another committer, an identity of somebody else, and a co-author who is not listed' '
	fresh && GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@test commit --author "bot <ci@agents.test>" -m "fix: one" &&
	refused "rule=own-name" &&
	fresh && as bot other@agents.test commit -m "fix: one" && refused "rule=own-name" &&
	fresh && as bot ci@agents.test commit -m "fix: one" -m "co-authored-by:  Stranger <s@test>" -m "More." &&
	refused "rule=own-name" &&
	fresh && as bot ci@agents.test commit -m "fix: one" -m "Co-authored-by: Eva Example <eva@test>" && passes
'

test_expect_success 'the form of the first line, and an expression that asks' '
	fresh && as bot ci@agents.test commit -m "wip" && refused "rule=messages: commit=.* first line is not of the form" &&
	fresh && as bot ci@agents.test commit -m "fix: this" -m "and [ci skip] that" &&
	GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf -o SetEnv=SALLYPORT_WAIT=0" \
		test_expect_code 1 git -C work push origin agent/x:refs/heads/agent/new 2>err &&
	req=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) && bssh eng bastion show "$req" >shown &&
	test_grep "judged: commit=$(git -C work rev-parse HEAD | cut -c 1-12) (rule no-skips: ask) by bot <ci@agents.test>: " shown &&
	bssh eng bastion approve "$req" && passes
'

test_expect_success 'merges, and a history of its own' '
	fresh && as bot ci@agents.test commit -m "fix: one" && git -C work switch -q -c side HEAD~1 &&
	(cd work && echo >two && git add two && as bot ci@agents.test git commit -q -m "fix: two" && git switch -q agent/x &&
		as bot ci@agents.test git merge -q -m "fix: merged" side) && refused "rule=no-merges: commit=.* it is a merge" &&
	git -C work switch -q --orphan own && (cd work && echo >three && git add three &&
		as bot ci@agents.test git commit -q -m "fix: own") && git -C work branch -f agent/x own &&
	push_refused ci work origin agent/x:refs/heads/agent/new &&
	test_grep "rule=no-merges: commit=.* is it the right repository (git remote -v)" err
'

test_expect_success 'the first push to an empty repository has a root' '
	git init -q --bare -b main "$STATE/repos/empty.git" && sed "s/repos: \[demo\], shape/repos: [empty], shape/" policy >policy.2 &&
	cp policy.2 "$STATE/policy.yaml" && sallyport -f "$CONF" reload >reload.out && git init -q first &&
	(cd first && echo >a && git add a && as bot ci@agents.test git commit -q -m "fix: a") &&
	bgit ci -C first push -q "$BASTION_URL/hosted/empty.git" HEAD:refs/heads/agent/first &&
	(cd first && git switch -q --orphan again && echo >b && git add b && as bot ci@agents.test git commit -q -m "fix: b") &&
	test_expect_code 1 bgit ci -C first push "$BASTION_URL/hosted/empty.git" HEAD:refs/heads/agent/second 2>err &&
	test_grep "rule=no-merges" err &&
	cp policy "$STATE/policy.yaml" && sallyport -f "$CONF" reload >reload.out
'

test_expect_success 'a date in the future' '
	fresh && GIT_COMMITTER_DATE="@$(($(date +%s) + 86400)) +0000" as bot ci@agents.test commit -m "fix: one" &&
	refused "rule=dates: commit=.* its date lies in the future"
'

test_expect_success 'a line that a message must end with' '
	(cd strict && git switch -q -c agent/x && echo >a && git add a && git commit -q -m "one" -m "Task: T-1" -m "but not last") &&
	push_refused ci strict origin agent/x && test_grep "rule=tasks: commit=.* git commit --amend --trailer" err &&
	git -C strict commit -q --amend -m one -m "Some words." -m "task: T-1
Other: x" && bgit ci -C strict push -q origin agent/x
'

test_expect_success 'unsigned, signed by a key that is not listed, signed, and changed after it was signed' '
	cd signed && git switch -q -c agent/x && git config gpg.format ssh && git config user.signingkey "$TRASH_DIRECTORY/signer" &&
	echo >a && git add a && git commit -q -m one && cd .. &&
	push_refused ci signed origin agent/x && test_grep "rule=signed: commit=.* not signed as it must be" err &&
	git -C signed -c user.signingkey="$TRASH_DIRECTORY/other" commit -q --amend -S -m one &&
	push_refused ci signed origin agent/x && test_grep "rule=known-signer: commit=" err &&
	git -C signed commit -q --amend -S -m one && bgit ci -C signed push -q origin agent/x &&
	git -C signed commit -q --allow-empty -S -m two &&
	git -C signed cat-file commit HEAD | sed "s/^two/twO/" >forged &&
	git -C signed reset -q --hard $(git -C signed hash-object -t commit -w ../forged) &&
	push_refused ci signed origin agent/x && test_grep "rule=known-signer: commit=" err && test_grep ! "rule=signed" err
'

test_expect_success 'a commit that can be read in two ways meets every rule, and hostile names stay inert' '
	fresh && as bot ci@agents.test commit -m "fix: one" && git -C work cat-file commit HEAD |
		sed "s/^author bot <ci@agents.test>/author Eva Example <eva@test> <x@test>/" >two &&
	git -C work reset -q --hard $(git -C work hash-object --literally -t commit -w ../two) &&
	push_refused ci work origin agent/x:refs/heads/agent/new && test_grep "denied REQ" err &&
	fresh && as "$(printf "M\033]0;x\007al\342\200\256lory")" m@evil.test commit -m "fix: two" &&
	refused "rule=own-name" && ! LC_ALL=C grep -n "[^ -~]" err >&2
'

test_expect_success 'a secret in a name is not repeated' '
	word=$(random_word 36) && fresh && as "ghp_$word" m@evil.test commit -m "fix: two" &&
	push_refused ci work origin agent/x:refs/heads/agent/new && test_grep "rule=own-name" err && test_grep ! "$word" err &&
	audit_has event=push.commit rule=own-name && test_grep ! "$word" rec
'

test_expect_success 'an operator can ask what a commit would get' '
	fresh && as Mallory m@evil.test commit -m "fix: two" && git -C work cat-file commit HEAD >raw &&
	test_expect_code 77 sallyport policy test policy --as agent/ci --on hosted --commit demo raw >out &&
	test_grep "^deny rule=own-name" out && test_grep "by Mallory <m@evil.test>: author, committer" out &&
	test_expect_code 0 sallyport policy test policy --as agent/ci --on hosted --commit other - <raw >out &&
	git -C signed cat-file commit HEAD~1 >raw &&
	test_expect_code 0 sallyport policy test policy --as agent/ci --on hosted --commit signed raw >out &&
	test_expect_code 77 sallyport policy test policy --as agent/ci --on hosted --commit signed forged >out &&
	test_grep "rule=known-signer" out
'

test_expect_success 'the words of such rules are checked' '
	bad () { { default_policy; printf "  - {id: c, who: [\"*\"], on: [\"*\"], commit: %s, do: %s, because: b%s}\n" "$1" "$2" "$4"; } >bad.yaml
		test_must_fail sallyport policy check bad.yaml >out 2>&1 && test_grep "$3" out; } &&
	bad "{shape: [merge]}" allow "a commit can be asked about or denied" &&
	bad "{shape: [octopus]}" deny "there is merge, root" &&
	bad "{autors: [x]}" deny "autors" &&
	bad "{not_authors: [\"{nme}@x\"]}" deny "there is {identity}, {name}" &&
	bad "{message: [\"(a\"]}" deny "no extended regular expression" &&
	bad "{message: [\"(a)\\\\1\"]}" deny "cannot refer back" &&
	bad "{not_signers: [x]}" deny "no fingerprint" &&
	bad "{ahead: tomorrow}" deny "ahead" &&
	bad "{shape: [merge]}" deny "does not match" ", match: [\"a <a@t>: x\"]" &&
	bad "{shape: [merge]}" deny "is not .*NAME" ", match: [\"merge: x\"]"
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
