#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='contrib/secretscan/pre-commit: no commit with a secret'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
other=gh$(printf p_)qW3rT5yU7iO9pA1sD3fG5hJ7kL9zX1cV3bN5

hook=$TEST_SRCDIR/contrib/secretscan/pre-commit

test_expect_success 'a commit with a secret is refused, one without it is made' '
	git init -q repo && cd repo && cp "$hook" .git/hooks/pre-commit &&
	echo fine >a && git add a && git commit -q -m fine 2>err && test_must_be_empty err &&
	printf "%s\n" "$token" >b && git add b && test_must_fail git commit -q -m leak 2>err &&
	test_grep ":b:1:1: github-token" err && test_grep "secrets are staged" err && test_grep ! aB3dE5fG err &&
	test $(git rev-list --count HEAD) = 1 && git commit -q --no-verify -m anyway
'

test_expect_success 'what HEAD has does not hold up; part of a file can be staged; amend' '
	cd repo && echo more >>b && git add b && git commit -q -m more 2>err && test_must_be_empty err &&
	printf "%s\n" "$other" >c && git add c && echo fine >c && test_must_fail git commit -q -m c &&
	git add c && git commit -q -m c && git commit -q --amend -m c2 && git diff --quiet HEAD
'

test_expect_success 'the baseline of HEAD counts, that of the commit does not' '
	cd repo && printf "%s\n" "$other" >d && secretscan --write-baseline secretscan.baseline . 2>err &&
	git add d secretscan.baseline && test_must_fail git commit -q -m both &&
	git reset -q d && git commit -q -m baseline && git add d && git commit -q -m known
'

test_expect_success 'in a worktree, in a subfolder, with the hook in another folder' '
	cd repo && git worktree add -q ../tree -b tree && mkdir ../tree/sub && cd ../tree/sub &&
	printf "%s3\n" "gh""o_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA" >e && git add e && test_must_fail git commit -q -m e 2>err &&
	test_grep ":sub/e:1:1:" err && mkdir ../hooks && cp "$hook" ../hooks && rm ../../repo/.git/hooks/pre-commit &&
	git config core.hooksPath "$PWD/../hooks" && test_must_fail git commit -q -m e
'

test_expect_success 'what cannot be looked at does not pass' '
	cd tree && git reset -q && echo x >f && git add f && mkdir ../bin &&
	for program in git sh mktemp rm; do ln -s "$(command -v $program)" ../bin/ || return 1; done &&
	PATH=$PWD/../bin test_must_fail git commit -q -m f 2>err && test_grep "secretscan is not installed" err
'

test_done
