#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: history'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
body=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
token=gh$(printf p_)$body

find_all () {
	test_expect_code 1 secretscan --format jsonl --git repo "$@" >out
}

# at FILE: commit of the finding in this file
field () {
	python3 -c "
import json, sys
for line in open(\"out\"):
    o = json.loads(line)
    if o[\"file\"] == sys.argv[1]:
        print(o[sys.argv[2]])" "$1" "$2"
}

test_expect_success 'set up' '
	git init -q -b main repo &&
	cd repo &&
	printf "%s\n" "$token" >first && git add . && git commit -q -m one &&
	git rev-parse HEAD >../brought && git rev-parse HEAD:first >../blob &&
	git mv first second && git commit -q -m two &&
	mkdir dir && echo fine >"dir/$token.txt" && cp "dir/$token.txt" dir/same && git add . && git commit -q -m three &&
	git checkout -q -b side HEAD~1 && echo a >a && git add . && git commit -q -m side &&
	git checkout -q main && git merge -q --no-commit side && printf "evil %s\n" "$token" >merged && git add . &&
	git commit -q -m merged &&
	git notes add -m "noted $token" HEAD &&
	git tag -a -m "tagged $token" v1 && git update-ref "refs/heads/x$(printf -)$token" HEAD
	git -C . branch -q "b-$token" &&
	cd ..
'

test_expect_success 'a finding has the commit that brought it, the path and the object' '
	find_all &&
	field first commit >actual && test_cmp brought actual &&
	field first object >actual && test_cmp blob actual
'

test_expect_success 'what a merge alone brought, names, notes, tags and references are found' '
	test $(field merged commit) = $(git -C repo rev-parse main) &&
	test $(field dir commit) = $(git -C repo rev-parse main^1) &&
	test -n "$(field "(tag)" object)" &&
	test -n "$(field "(references)" rule)" &&
	grep -c noted out || :
	test $(field "$(git -C repo rev-parse main)" commit) = $(git -C repo rev-parse refs/notes/commits)
'

test_expect_success 'a range is that range' '
	find_all main^1..main && test_line_count -eq 1 out && test -n "$(field merged commit)" &&
	secretscan --git repo side~1..side
'

test_expect_success 'the stash is found, older entries as well' '
	git clone -q repo other 2>/dev/null && rm -rf repo && git init -q -b main repo && cd repo &&
	echo fine >a && git add . && git commit -q -m one &&
	printf "%s\n" "$token" >a && git stash -q && echo other >a && git stash -q && cd .. &&
	find_all && test_line_count -eq 1 out && test -n "$(field a commit)"
'

test_expect_success 'what nothing refers to is found with --unreachable, and only then' '
	git -C repo stash clear &&
	secretscan --git repo &&
	find_all --unreachable && test_line_count -eq 1 out &&
	git -C repo cat-file -e $(field "(blob)" object) &&
	git -C repo commit -q --allow-empty -m "lost $token" && git -C repo reset -q --hard HEAD~1 &&
	secretscan --git repo &&
	find_all --unreachable && test_line_count -eq 2 out && test -n "$(field "(commit)" commit)"
'

test_expect_success 'a repository without a commit, a broken one, and what git refuses' '
	git init -q empty && secretscan --git empty &&
	cp -R repo broken && rm -f broken/.git/objects/$(git -C repo rev-parse HEAD:a | sed "s,..,&/,") &&
	test_expect_code 2 secretscan --git broken 2>err && test_grep "missing" err &&
	test_expect_code 2 secretscan --git repo --unreachable main &&
	test_expect_code 2 secretscan --git repo --staged
'

test_expect_success 'names with line ends and other bytes, many objects' '
	git init -q names && cd names && printf "%s\n" "$token" >"$(printf "a\nb\033")" && mkdir "$(printf "d\nd")" &&
	printf "x%s\n" "$token" >"$(printf "d\nd")/c" && seq 700 | while read -r i; do echo $i >f$i || exit 1; done &&
	printf "last\n%s\n" "$token" >z && git add . && git commit -q -m names && cd .. &&
	test_expect_code 1 secretscan --git names >out && test_line_count -eq 2 out && test_grep ":z:2:1:" out
'

test_expect_success 'in a hook of another repository' '
	test_expect_code 1 env GIT_DIR="$PWD/empty/.git" GIT_INDEX_FILE=x secretscan --git names >actual &&
	test_cmp out actual
'

test_expect_success 'a repository of SHA-256' '
	git init -q --object-format=sha256 wide && printf "%s\n" "$token" >wide/f && git -C wide add . &&
	git -C wide commit -q -m one && test_expect_code 1 secretscan --git wide >out && test_line_count -eq 1 out
'

test_done
