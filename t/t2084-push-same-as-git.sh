#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='what the inspector sees of a history is what git lists: objects, names, the commit and path of every file'
. "$(dirname "$0")/test-lib.sh"

command -v python3 >/dev/null || skip_all 'no python3 here'
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

# history REPO COMMITS FOLDER..: bare, with merges, renames, copies, links, binary files and tags, in the deltas that git makes.
history () {
	history_repo_=$1
	shift
	git init -q --bare "$history_repo_" &&
	python3 "$TEST_SRCDIR/t/helper/history.py" "$@" >stream &&
	git -C "$history_repo_" fast-import --quiet --done <stream &&
	git -C "$history_repo_" repack -adfq --depth=50 --window=20
}

# packed REPO PACK-OBJECTS-OPTION..: all of it as a push would bring it, in the file "pack"; the tips in "tips".
packed () {
	packed_repo_=$1
	shift
	git -C "$packed_repo_" for-each-ref --format="%(objectname)" | sort -u >tips &&
	git -C "$packed_repo_" pack-objects --revs --stdout -q "$@" <tips >pack
}

# same REPO: the lists are the same.
same () {
	git -C "$1" rev-list --objects --all | cut -d" " -f1 | git -C "$1" cat-file --batch-check="%(objecttype) %(objectname)" |
		sort >expect &&
	inspect-pack --list pack $(cat tips) >list && cut -d" " -f1,2 list | sort >actual && test_line_count -gt 100 actual &&
	test_cmp expect actual &&
	# Every file has a commit that brings it to the path that is named: git lists it there against a parent.
	git -C "$1" -c core.quotePath=false log --all -m --root --raw --no-renames --no-abbrev --format="commit %H" >raw &&
	awk "/^commit / { c = \$2 } /^:/ { split(\$0, t, \"\\t\"); print substr(\$5, 1, 1), c, t[2], \$4 }" raw >changes &&
	awk "\$1 != \"D\" { print \$NF, \$2, \$3 }" changes | sort -u >files &&
	awk "\$1 == \"blob\" { print \$2, \$3, \$4 }" list | sort -u >brought &&
	comm -23 brought files >strange && test_must_be_empty strange &&
	cut -d" " -f1 files | sort -u >expect && cut -d" " -f1 brought | sort -u >actual && test_cmp expect actual &&
	# What is changed, and how: each operation on each path, and where it is done first.
	awk "{ sub(/T/, \"M\", \$1); print \$1, \$3 }" changes | sort -u >expect &&
	inspect-pack --changes pack $(cat tips) >told && cut -d" " -f1,3 told | sort -u >actual && test_cmp expect actual &&
	awk "{ sub(/T/, \"M\", \$1); print \$1, \$2, \$3 }" changes | sort -u >all && sort -u told >few &&
	comm -23 few all >strange && test_must_be_empty strange &&
	# Every name of a file or folder is scanned at least once.
	awk "\$1 != \"D\" { print \$3 }" changes | tr / "\\n" | sort -u >expect &&
	inspect-pack --paths pack $(cat tips) | cut -d" " -f2 | tr / "\\n" | sort -u >actual && test_cmp expect actual
}

test_expect_success 'a history, made of files of this machine' '
	history one 400 "$TEST_SRCDIR" /usr/include /usr/share/perl /usr/lib/python3 &&
	git -C one rev-list --merges --all >merges && test_line_count -gt 2 merges &&
	git -C one fsck --no-dangling 2>fsck.err
'

test_expect_success 'as git push sends it' '
	packed one --delta-base-offset && same one
'

test_expect_success 'with bases by name, and with none that is near' '
	packed one && same one && packed one --no-reuse-delta --window=0 && same one
'

test_expect_success 'chains as deep as they are taken' '
	git -C one repack -adfq --depth=250 --window=50 && packed one --delta-base-offset --depth=250 && same one &&
	git verify-pack -v one/objects/pack/*.idx >chains && test_grep "^chain length = [3-9][0-9]" chains
'

test_expect_success 'the whole inspection of it is clean, or names what it found' '
	inspect-pack pack $(cat tips) >took && cat took && test_grep "^status=\(clean\|found\) " took
'

test_done
