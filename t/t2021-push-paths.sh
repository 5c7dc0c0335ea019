#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='rules on the paths that a push changes: every commit against every parent, files that guard others'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git

{
	default_policy
	cat <<-\EOT
	  - id: guarded
	    who: [agent/*]
	    on: [hosted]
	    change: {repos: [demo], preset: protected, not_paths: ["docs/**"]}
	    do: ask
	    because: it says what the others may do
	    approvers: ["group:engineers"]
	    match: [modify Makefile, create sub/claude.MD, delete .github/workflows/ci.yml, create .claude/settings.json]
	    not_match: [modify docs/Makefile, modify src/a.c, create makefile.txt]
	  - id: ledger
	    who: [agent/*]
	    on: [hosted]
	    change: {repos: [demo], paths: ["ledger/**"], ops: [modify, delete]}
	    do: deny
	    because: the ledger only grows
	  - id: everything
	    who: [agent/*]
	    on: [hosted]
	    change: {repos: [listed]}
	    do: deny
	    because: it is counted
	EOT
} >policy
BASTION_POLICY=$PWD/policy

# fresh: the clone on a new branch agent/x from what the upstream's main is.
fresh () {
	git -C work switch -q -C agent/x origin/main
}

# asked PATTERN: the push does not pass unseen, and this is what an engineer is shown.
asked () {
	GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf -o SetEnv=SALLYPORT_WAIT=0" \
		test_expect_code 1 git -C work push --force origin agent/x:refs/heads/agent/new 2>err &&
	test_grep "(pending REQ-[A-Z0-9]*: " err &&
	req=$(sed -n 's/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p' err) &&
	bssh eng bastion show "$req" >shown && test_grep "$1" shown
}

# passes: it does, and the branch is gone again afterwards.
passes () {
	bgit ci -C work push -q origin agent/x:refs/heads/agent/new && git -C "$UP" update-ref -d refs/heads/agent/new
}

test_expect_success 'a bastion, an agent with a clone, an engineer, and a repository with files of all kinds' '
	setup_bastion && seed_repo listed &&
	make_identity ci agent/ci && make_identity eng human/eva --group engineers &&
	git clone -q "$UP" seed && (
		cd seed && mkdir -p src/deep ledger .github/workflows docs && echo a >src/deep/a.c && echo 1 >ledger/one &&
		echo on: push >.github/workflows/ci.yml && echo all: >Makefile && echo x >docs/Makefile &&
		git add . && git commit -q -m files && git push -q origin main
	) &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work
'

test_expect_success 'what no rule names passes' '
	fresh && (cd work && echo b >>src/deep/a.c && echo 2 >ledger/two && echo y >docs/Makefile && git add . &&
		git commit -q -m harmless) && passes
'

test_expect_success 'a guarded file asks, in any folder and in any letters' '
	fresh && (cd work && echo evil >>Makefile && git commit -q -a -m m) &&
	asked "change: modify Makefile commit=$(git -C work rev-parse HEAD | cut -c 1-12) (rule guarded: ask)" &&
	fresh && (cd work && mkdir -p a/b && echo x >a/b/Agents.MD && git add . && git commit -q -m m) &&
	asked "change: create a/b/Agents.MD " &&
	fresh && (cd work && git mv .github/workflows/ci.yml src/ci.yml && git commit -q -m m) &&
	asked "change: delete .github/workflows/ci.yml "
'

test_expect_success 'two rules that ask the same people ask once, and the parent takes that one answer' '
	fresh && (cd work && echo more >>Makefile && git commit -q -a -m m) &&
	push_now () { GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf -o SetEnv=SALLYPORT_WAIT=0" git -C work push "$@"; } &&
	test_expect_code 1 push_now origin agent/x:main 2>err &&
	both=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) && bssh eng bastion show "$both" >shown &&
	test_grep "rule guarded: ask" shown && test_grep "rule main-is-asked: ask" shown &&
	bssh eng bastion approve "$both" && push_now origin agent/x:main && bgit ci -C work fetch -q
'

test_expect_success 'what an engineer has approved passes when it is pushed again, and is on record' '
	bssh eng bastion approve "$req" && passes &&
	audit_has event=push.change rule=guarded verdict=ask op=delete path=.github/workflows/ci.yml
'

test_expect_success 'changed and changed back in a later commit is still asked about' '
	fresh && (cd work && echo evil >>Makefile && git commit -q -a -m m && git revert --no-edit HEAD >/dev/null) &&
	asked "change: modify Makefile commit=$(git -C work rev-parse HEAD~1 | cut -c 1-12)"
'

test_expect_success 'a change that only a merge makes is seen' '
	fresh && (cd work && echo 1 >src/one && git add . && git commit -q -m one && git switch -q -c side HEAD~1 &&
		echo 2 >src/two && git add . && git commit -q -m two && git switch -q agent/x &&
		git merge -q --no-commit side && echo evil >>Makefile && git add . && git commit -q -m merged) &&
	asked "change: modify Makefile commit=$(git -C work rev-parse HEAD | cut -c 1-12)"
'

test_expect_success 'a link or submodule in the place of a guarded folder is asked about' '
	fresh && (cd work && git rm -q -r .github && ln -s src .github && git add . && git commit -q -m link) &&
	asked "change: create .github commit" &&
	fresh && (cd work && git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),.claude && git commit -q -m sub) &&
	asked "change: create .claude commit"
'

test_expect_success 'a denial says rule, commit, path and what to do, and nothing is stored' '
	fresh && (cd work && echo not one >ledger/one && git commit -q -a -m changed && echo 1 >ledger/one && git commit -q -a -m back) &&
	push_refused ci work origin agent/x:refs/heads/agent/new &&
	test_grep "denied REQ-[A-Z0-9]* rule=ledger: modify commit=$(git -C work rev-parse HEAD~1 | cut -c 1-12) file=ledger/one: the ledger" err &&
	test_grep "what may not be pushed must be left out of every commit" err &&
	test_grep "(denied REQ-[A-Z0-9]* rule=ledger: the ledger only grows)" err &&
	upstream_has_none demo work origin/main..agent/x &&
	audit_has event=push.decision verdict=deny rule=ledger
'

test_expect_success 'a file that becomes a folder, and one that moves away, count as deleted' '
	fresh && (cd work && git rm -q ledger/one && mkdir -p ledger/one && echo 1 >ledger/one/a && git add . && git commit -q -m m) &&
	push_refused ci work origin agent/x:refs/heads/agent/new && test_grep "delete commit=.* file=ledger/one:" err &&
	fresh && (cd work && git mv ledger elsewhere && git commit -q -m m) &&
	push_refused ci work origin agent/x:refs/heads/agent/new && test_grep "delete commit=.* file=ledger/one:" err
'

test_expect_success 'a folder too large for one message is compared as well' '
	git clone -q "$UP" big && (
		cd big && mkdir -p many && blob=$(echo x | git hash-object -w --stdin) &&
		for i in $(seq 1 6000); do printf "100644 blob %s\tfile-with-a-rather-long-name-%s\n" "$blob" "$i"; done >../entries &&
		tree=$(git mktree <../entries) && git read-tree --prefix=ledger/many "$tree" &&
		git commit -q -m many && git push -q origin HEAD:main
	) &&
	bgit ci -C work fetch -q origin && fresh &&
	(cd work && echo y >ledger/many/file-with-a-rather-long-name-4711 && git commit -q -a -m one) &&
	push_refused ci work origin agent/x:refs/heads/agent/new &&
	test_grep "file=ledger/many/file-with-a-rather-long-name-4711:" err &&
	test $(grep -c "remote: sallyport: denied" err) -eq 1
'

test_expect_success 'the changes of a history are those that git lists, each path once an operation' '
	bgit ci clone -q "$BASTION_URL/hosted/listed.git" listed && (
		cd listed && git switch -q -c agent/x && mkdir -p a/b/c && echo 1 >a/b/c/one && echo 2 >a/two && echo 3 >a-b &&
		git add . && git commit -q -m 1 && git mv a/b z && git commit -q -m 2 && rm a/two && ln -s z a/two &&
		git add . && git commit -q -m 3 && git switch -q -c other HEAD~2 && echo 9 >a/nine && git rm -q a-b && mkdir a-b &&
		echo 4 >a-b/four && git add . && git commit -q -m 4 && git switch -q agent/x && git merge -q -m 5 other &&
		echo >README && git commit -q -a -m 6 && git switch -q --orphan root && echo r >README && echo g >gone && git add . &&
		git commit -q -m 7 && git switch -q agent/x && git merge -q -s ours --allow-unrelated-histories -m 8 root &&
		git log -m --root --no-renames --name-status --format= origin/main..HEAD |
			sed "s/^[A]/create/; s/^[MT]/modify/; s/^D/delete/; s/	/ /" | sort -u >../expect
	) &&
	push_refused ci listed origin agent/x &&
	audit_has event=push.change rule=everything &&
	sed -n "s/.*\"op\":\"\([a-z]*\)\".*\"path\":\"\([^\"]*\)\".*/\1 \2/p" rec | sort -u >actual &&
	test_grep "delete gone" expect && test_cmp expect actual
'

test_expect_success 'such a rule cannot allow, and its words are checked' '
	bad () { { default_policy; printf "  - {id: c, who: [\"*\"], on: [\"*\"], change: %s, do: %s, because: b}\n" "$1" "$2"; } >bad.yaml
		test_must_fail sallyport policy check bad.yaml >out 2>&1 && test_grep "$3" out; } &&
	bad "{preset: protected}" allow "can be asked about or denied" &&
	bad "{preset: proteced}" deny "there is no preset" &&
	bad "{paths: [/etc/x]}" deny "begins and ends with no /" &&
	bad "{ops: [force]}" deny "ops of change are create, modify, delete"
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
