#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: what is no proper file, a history that is cut, names that are secrets: said in one line'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5

# refused MESSAGE ARGUMENT..: exit 2 and one line, within the time
refused () {
	message=$1 && shift &&
	test_expect_code 2 timeout 60 secretscan "$@" >out 2>err &&
	test_must_be_empty out &&
	test_line_count -eq 1 err &&
	test_grep "^secretscan: $message\$" err
}

test_expect_success 'a key or a baseline that is no file, or never comes' '
	mkdir tree && echo "key $token" >tree/a && mkfifo nobody &&
	refused "key: /dev/zero: not a file" --key /dev/zero tree &&
	refused "key: nobody: a pipe to which nobody writes" --key nobody tree &&
	refused "key: tree: not a file" --key tree tree &&
	refused "baseline: /dev/zero:0: not a file" --baseline /dev/zero tree &&
	refused "baseline: nobody:0: a pipe to which nobody writes" --baseline nobody tree &&
	head -c 100000 /dev/zero | tr "\000" a >long &&
	refused "baseline: long:1: not a line of a baseline" --baseline long tree
'

test_expect_success 'a pipe that a command writes to is a key and a baseline' '
	head -c 32 /dev/urandom >key && mkfifo pipe &&
	secretscan --key key --write-baseline known tree 2>err &&
	(cat key >pipe &) && secretscan --key pipe --baseline known tree &&
	(cat known >pipe &) && secretscan --key key --baseline pipe tree
'

test_expect_success 'files of the kernel: no end, no size, no answer' '
	test_expect_code 2 timeout 120 secretscan --threads 2 /proc/self >out 2>err &&
	test_grep "/proc/self/pagemap: goes on and on: the rest was not scanned" err &&
	test_grep ! "terminated" err
'

test_expect_success 'the name of a file, a folder and a link is text, and is not repeated' '
	mkdir -p names/$token && echo plain >"names/$token/a" && echo plain >"names/$token.txt" &&
	ln -s nowhere "names/to-$token" &&
	test_expect_code 1 secretscan --format jsonl names >out &&
	test_line_count -eq 3 out && test_grep "(name)" out && test_grep ! "$token" out &&
	for format in text json sarif junit
	do
		test_expect_code 1 secretscan --format $format names >out 2>&1 && test_grep ! "$token" out || return 1
	done &&
	test_expect_code 1 secretscan --show-secrets names >out && test_grep "names/$token.txt" out
'

test_expect_success 'nor in a complaint, nor in a baseline, which still matches' '
	mkfifo "tree/$token" &&
	test_expect_code 2 secretscan tree >out 2>err && test_grep ! "$token" err && test_grep "skipped" err &&
	rm "tree/$token" && echo "again $token" >"tree/$token" &&
	secretscan --baseline-paths --write-baseline known tree && test_grep ! "$token" known &&
	secretscan --baseline known tree
'

test_expect_success 'a shallow clone is cut, and that is said; what a range adds is not' '
	git init -q repo && for i in 1 2 3
	do
		echo $i >repo/file && git -C repo add file && git -C repo -c user.name=n -c user.email=e commit -qm $i || return 1
	done &&
	secretscan --git repo &&
	git clone -q --depth 2 "file://$PWD/repo" shallow &&
	refused "shallow: a shallow clone: older history is not here and was not scanned (git fetch --unshallow)" \
		--git shallow &&
	secretscan --git shallow HEAD^..HEAD
'

test_expect_success 'pairs that name no rule are refused, with their place' '
	cat >own.yaml <<-\EOF &&
	provider: Own
	rules:
	  - id: own-token
	    description: own token
	    anchors: [own_]
	    secret: own_[a-z]{12}
	    pairs:
	      - github-token
	      - githup-token
	    good: [own_wqxzptrhgkva]
	    bad: [own_x]
	EOF
	refused "rules: own.yaml:9: own-token: pairs: there is no rule \"githup-token\"" --rules own.yaml tree &&
	sed /githup/d own.yaml >right.yaml &&
	secretscan --rules right.yaml --explain own-token
'

test_expect_success '--explain shows every field' '
	secretscan --explain aws-secret-near-key-id >out &&
	for field in near bare anchors after entropy window stop
	do
		test_grep "^$field " out || return 1
	done &&
	secretscan --explain aws-access-key-id >out && test_grep "^pairs  *aws-secret" out &&
	secretscan --explain github-token >out && test_grep "^check " out &&
	for id in $(secretscan --list | sed "s/ .*//")
	do
		secretscan --explain $id || return 1
	done >all &&
	for field in behind tail until value generic caseless proof
	do
		test_grep "^$field " all || return 1
	done
'

test_expect_success 'the library asks no locale' '
	nm -u "$TEST_BUILDDIR/libsecretscan.a" >symbols && test_grep "memchr" symbols &&
	test_grep ! -E "__ctype_|strn?casecmp|tolower|toupper|strtod|strcoll|setlocale" symbols
'

test_done
