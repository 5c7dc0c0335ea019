#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: comments and baselines in what is scanned count only on demand'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
other=gh$(printf p_)qW3rT5yU7iO9pA1sD3fG5hJ7kL9zX1cV3bN5

test_expect_success 'a comment on the line counts with --allow-inline, and only with it' '
	for word in secretscan:allow gitleaks:allow "pragma: allowlist secret" nosec trufflehog:ignore
	do
		printf "a = %s # %s\n" "$token" "$word" >file &&
		test_expect_code 1 secretscan file >out && secretscan --allow-inline file || return 1
	done
'

test_expect_success 'not one on another line, but one that speaks of the next' '
	printf "# secretscan:allow\na = %s\n# secretscan:allow\n" "$token" >file &&
	test_expect_code 1 secretscan --allow-inline file >out &&
	printf "# pragma: allowlist nextline secret\na = %s\nb = %s\n" "$token" "$other" >file &&
	test_expect_code 1 secretscan --allow-inline file >out && test_line_count -eq 1 out && test_grep ^file:3: out
'

test_expect_success 'ours can name the rules it means' '
	printf "a = %s # secretscan:allow github-token\n" "$token" >file && secretscan --allow-inline file &&
	printf "a = %s # secretscan:allow gitlab-token\n" "$token" >file &&
	test_expect_code 1 secretscan --allow-inline file >out &&
	printf "a = %s # secretscan:allow gitlab-token, github-token because\n" "$token" >file &&
	secretscan --allow-inline file
'

test_expect_success 'a baseline in the tree counts with --allow-tree, and only with it' '
	mkdir tree && printf "%s\n" "$token" >tree/a && secretscan --write-baseline tree/.secretscan-baseline tree 2>err &&
	test_expect_code 1 secretscan tree >out && test_expect_code 1 secretscan --allow-inline tree >out &&
	secretscan --allow-tree tree && mkdir tree/sub && printf "%s\n" "$other" >tree/sub/b &&
	test_expect_code 1 secretscan --allow-tree tree >out && test_line_count -eq 1 out &&
	echo broken >tree/.secretscan-baseline && test_expect_code 2 secretscan --allow-tree tree 2>err &&
	test_grep "tree/.secretscan-baseline:1: " err
'

test_expect_success 'in a repository: the one at its top' '
	git init -q repo && printf "%s\n" "$token" >repo/a && git -C repo add . &&
	secretscan --write-baseline repo/.secretscan-baseline repo 2>err &&
	test_expect_code 1 secretscan --staged repo >out && secretscan --allow-tree --staged repo &&
	git -C repo commit -q -m one && secretscan --allow-tree --git repo
'

test_done
