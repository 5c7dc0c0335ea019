#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: what is staged'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
body=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
token=gh$(printf p_)$body

test_expect_success 'what is in the index counts, not what is in the folder; before the first commit as well' '
	git init -q repo && cd repo &&
	printf "%s\n" "$token" >leak && secretscan --staged && git add leak && rm leak &&
	test_expect_code 1 secretscan --staged >out && test_grep ":leak:1:1: github-token" out && test_line_count -eq 1 out
'

test_expect_success 'what HEAD has already is not new, wherever it moves in its file' '
	cd repo && git checkout -q -- leak && git commit -q -m known && secretscan --staged &&
	printf "one\ntwo\n%s\n" "$token" >leak && git add leak && secretscan --staged >out && test_must_be_empty out &&
	printf "one\ntwo\n%s\n%s4\n" "$token" "gh""p_b$body" >leak && git add leak &&
	test_expect_code 1 secretscan --staged >out && test_grep ":leak:4:1:" out && test_line_count -eq 1 out &&
	git reset -q --hard
'

test_expect_success 'names, links and a repository elsewhere' '
	cd repo && ln -s "$token" link && git add link &&
	test_expect_code 1 secretscan --staged >out && test_grep ":link:1:1:" out &&
	git reset -q --hard && echo x >"$token" && git add . &&
	test_expect_code 1 secretscan --staged >out && test_line_count -eq 1 out &&
	mkdir ../sub && cd ../sub && test_expect_code 1 secretscan --staged ../repo >out && test_line_count -eq 1 out &&
	test_expect_code 2 secretscan --staged /
'

test_expect_success 'many files, old and new among each other' '
	git init -q many && cd many && for i in $(seq 400); do
		printf "%s\n" "$token" >old$i || return 1
	done && git add . && git commit -q -m old && for i in $(seq 400); do
		echo more >>old$i && echo new >new$i || return 1
	done && echo "$token" >new200 && git add . &&
	test_expect_code 1 secretscan --staged >out && test_line_count -eq 1 out && test_grep ":new200:1:1" out
'

test_done
