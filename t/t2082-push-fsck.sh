#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='faults of objects: real histories pass, what harms whoever checks it out does not'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git
ZERO=0000000000000000000000000000000000000000

# literally TYPE <CONTENT: an object of exactly these bytes, in work.
literally () {
	git -C work hash-object -t "$1" -w --stdin --literally
}

# raw_oid OID: its twenty bytes.
raw_oid () {
	printf %s "$1" | xxd -r -p
}

# entry MODE NAME OID: one entry of a tree, its bytes.
entry () {
	printf "$1 $2\0" && raw_oid "$3"
}

# push_tree TREE: a commit of it, pushed with whatever of it is new, by exactly these objects. The rest of the arguments too.
push_tree () {
	oid=$(printf 'tree %s\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n' "$1" | literally commit) &&
	push_commit "$oid" "$@"
}

# push_commit OID OBJECT..: to agent/raw.
push_commit () {
	{
		printf '0079%s %s refs/heads/agent/raw\0 report-status' "$ZERO" "$1" && printf 0000 &&
		printf '%s\n' "$@" | git -C work pack-objects -q --stdout
	} >request &&
	timeout 60 ssh -F id/ci.conf git@127.0.0.1 "git-receive-pack '/hosted/demo.git'" <request >out 2>err
}

# stored: it is there; and gone again.
stored () {
	test_grep -a "ok refs/heads/agent/raw" out && git -C "$UP" update-ref -d refs/heads/agent/raw
}

# refused ID: for this fault, in one line that names the object; nothing is there.
refused () {
	test_grep -a "ng refs/heads/agent/raw denied REQ" out && test_grep -E "rule=inspection: (commit|tree|tag|blob) [0-9a-f]{40}: $1: " err &&
	test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/raw
}

test_expect_success 'a bastion, and objects' '
	setup_bastion && make_identity ci agent/ci && git init -q work &&
	blob=$(echo hello | literally blob) && sub=$(entry 100644 a "$blob" | literally tree)
'

test_expect_success 'modes with a zero before them, as old tools wrote them, and an odd time zone: told, and stored' '
	tree=$(entry 040000 d "$sub" | literally tree) &&
	oid=$(printf "tree %s\nauthor A <a@b> 1 +051800\ncommitter A <a@b> 1 +0000\n\nx\n" "$tree" | literally commit) &&
	push_commit "$oid" "$tree" "$sub" "$blob" && stored &&
	test_grep "warning: tree $tree: zeroPaddedFilemode" err && test_grep "warning: commit $oid: badTimezone" err
'

test_expect_success 'names that some system reads as .git' '
	for name in .git .GIT ".git " "git~1" ".g\342\200\214it" "x\\\\.git\\\\y"
	do
		tree=$(entry 100644 "$name" "$blob" | literally tree) && push_tree "$tree" "$blob" && refused hasDotgit || return 1
	done
'

test_expect_success 'names that lead elsewhere, and names with control characters' '
	for row in "hasDot ." "hasDotdot .." "fullPathname a/b" "hasDotdot a\\\\..\\\\b" "controlCharInName a\\nb" "controlCharInName a\\033[2J"
	do
		tree=$(entry 100644 "${row#* }" "$blob" | literally tree) && push_tree "$tree" "$blob" && refused "${row%% *}" || return 1
	done
'

test_expect_success 'a folder with one name twice, in and out of order' '
	tree=$({ entry 100644 a "$blob" && entry 100644 a-b "$blob" && entry 40000 a "$sub"; } | literally tree) &&
	push_tree "$tree" "$sub" "$blob" && refused duplicateEntries &&
	tree=$({ entry 100644 b "$blob" && entry 100644 a "$blob"; } | literally tree) && push_tree "$tree" "$blob" && refused treeNotSorted
'

test_expect_success '.gitmodules: as a link, with commands for URL, path, name, update' '
	tree=$(entry 120000 .gitmodules "$blob" | literally tree) && push_tree "$tree" "$blob" && refused gitmodulesSymlink &&
	for row in "Url url = -x" "Url url = ext::sh" "Path path = -x" "Update update = !sh"
	do
		modules=$(printf "[submodule \"s\"]\n\t%s\n" "${row#* }" | literally blob) &&
		tree=$(entry 100644 .gitmodules "$modules" | literally tree) && push_tree "$tree" "$modules" && refused "gitmodules${row%% *}" ||
		return 1
	done &&
	modules=$(printf "[submodule \"../../s\"]\n" | literally blob) &&
	tree=$(entry 100644 .GitModules "$modules" | literally tree) && push_tree "$tree" "$modules" && refused gitmodulesName
'

test_expect_success 'a good .gitmodules passes; under another name a bad one is only a file' '
	modules=$(printf "[submodule \"s\"]\n\tpath = s\n\turl = https://example.com/s.git\n" | literally blob) &&
	tree=$({ entry 100644 .gitmodules "$modules" && entry 160000 s "$(printf %s x | sha1sum | cut -c1-40)"; } | literally tree) &&
	push_tree "$tree" "$modules" && stored &&
	modules=$(printf "[submodule \"s\"]\n\turl = -x\n" | literally blob) &&
	tree=$(entry 100644 modules.txt "$modules" | literally tree) && push_tree "$tree" "$modules" && stored
'

test_expect_success 'a bad .gitmodules that is in the repository already, under another name, is found when it gets that name' '
	tree=$(entry 100644 modules.txt "$modules" | literally tree) && push_tree "$tree" "$modules" &&
	git -C "$UP" update-ref refs/heads/keep refs/heads/agent/raw && git -C "$UP" update-ref -d refs/heads/agent/raw &&
	tree=$(entry 100644 .gitmodules "$modules" | literally tree) && push_tree "$tree" &&
	test_grep -a "ng refs/heads/agent/raw" out && test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/raw
'

test_expect_success 'commits: a NUL in the text, no author, two, a header that git does not know' '
	head="tree $sub\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n" &&
	oid=$(printf "${head}\nx\0hidden\n" | literally commit) && push_commit "$oid" "$sub" "$blob" && refused nulInCommit &&
	oid=$(printf "tree $sub\ncommitter A <a@b> 1 +0000\n\nx\n" | literally commit) && push_commit "$oid" "$sub" "$blob" && refused missingAuthor &&
	oid=$(printf "tree $sub\nauthor A <a@b> 1 +0000\nauthor B <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n" | literally commit) &&
	push_commit "$oid" "$sub" "$blob" && refused multipleAuthors &&
	oid=$(printf "${head}x-own thing\n\nx\n" | literally commit) && push_commit "$oid" "$sub" "$blob" && stored &&
	test_grep "warning: commit $oid: extraHeaderEntry" err
'

test_expect_success 'what counts can be set for an upstream; git'\''s own fsck goes by it as well' '
	sed -i "s,^upstreams:.*,upstreams: {hosted: {path: repos\, fsck: {nulInCommit: warn\, badTimezone: error\, extraHeaderEntry: ignore}}}," "$CONF" &&
	sallyportd -f "$CONF" -T >effective && test_grep "fsck: {.*badTimezone: error.*extraHeaderEntry: ignore.*nulInCommit: warn" effective &&
	stop_bastion && start_bastion &&
	oid=$(printf "${head}\nx\0hidden\n" | literally commit) && push_commit "$oid" "$sub" "$blob" && stored &&
	test_grep "warning: commit $oid: nulInCommit" err &&
	oid=$(printf "tree $sub\nauthor A <a@b> 1 +00\ncommitter A <a@b> 1 +0000\n\nx\n" | literally commit) &&
	push_commit "$oid" "$sub" "$blob" && refused badTimezone &&
	oid=$(printf "${head}x-own thing\n\nx\n" | literally commit) && push_commit "$oid" "$sub" "$blob" && stored &&
	test_grep ! "warning" err
'

test_expect_success 'what cannot be set, and what is no fault, is an error of the configuration' '
	for words in "hasDotgit: warn" "hasDotGit: warn" "badDate: maybe"
	do
		sed "s,fsck: {[^}]*},fsck: {$words}," "$CONF" >"$STATE/other.yaml" && test_must_fail sallyportd -f "$STATE/other.yaml" -t 2>err &&
		test_grep "other.yaml:[0-9]*: " err && test_grep "always an error\|no fault that is looked for\|must be error, warn or ignore" err || return 1
	done
'

test_expect_success 'stop' '
	stop_bastion && ! grep crashed daemon.log
'

test_done
