#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: a baseline, by rule and fingerprint'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
other=gh$(printf p_)qW3rT5yU7iO9pA1sD3fG5hJ7kL9zX1cV3bN5

test_expect_success 'what is written is not reported any more, wherever it moves' '
	mkdir tree && printf "%s\n" "$token" >tree/a &&
	secretscan --write-baseline base tree >out 2>err && test_must_be_empty out && test_grep "1 entries written" err &&
	test_grep ! aB3dE5 base && test_grep "^[0-9a-f]\{16\} github-token$" base &&
	secretscan --baseline base tree &&
	printf "1\n2\n  %s # moved\n" "$token" >tree/b && rm tree/a && secretscan --baseline base tree &&
	secretscan base
'

test_expect_success 'what is new is reported, what was found under another rule as well' '
	printf "%s\n" "$other" >tree/c &&
	test_expect_code 1 secretscan --baseline base tree >out && test_line_count -eq 1 out && test_grep ^tree/c: out &&
	sed "s/github-token/gitlab-token/" base >elsewhere &&
	test_expect_code 1 secretscan --baseline elsewhere tree >out && test_line_count -eq 2 out &&
	sed "s/github-token/*/" base >any && test_expect_code 1 secretscan --baseline any tree >out &&
	test_line_count -eq 1 out
'

test_expect_success 'with --baseline-paths an entry counts in its file only, whatever bytes its name has' '
	name=$(printf "a\nb\\\\ c\377") && printf "%s\n" "$token" >"tree/$name" &&
	(cd tree && secretscan --write-baseline ../paths --baseline-paths . 2>err &&
	secretscan --baseline ../paths . && secretscan --baseline ../paths b c "$name" &&
	printf "%s\n" "$token" >new && test_expect_code 1 secretscan --baseline ../paths . >out &&
	test_line_count -eq 1 out && test_grep "^./new:" out) &&
	test_line_count -eq 4 paths
'

test_expect_success 'it is sorted, and two of them merge as lines' '
	printf "%s\n%s\n%s\n" "$other" "$token" "$other" >both && secretscan --write-baseline two both 2>err &&
	sed 1d two >entries && LC_ALL=C sort -u entries >sorted && test_cmp sorted entries && test_line_count -eq 2 entries &&
	git init -q repo && cd repo && echo "base merge=union" >.gitattributes &&
	mkdir tree && echo x >tree/x && secretscan --write-baseline base tree 2>err && git add . && git commit -q -m one &&
	git checkout -q -b side && printf "%s\n" "$token" >tree/a && secretscan --write-baseline base tree 2>err &&
	git add . && git commit -q -m side && git checkout -q - &&
	printf "%s\n" "$other" >tree/b && secretscan --write-baseline base tree 2>err && git add . && git commit -q -m main &&
	git merge -q side && secretscan --baseline base tree && secretscan --baseline base --git .
'

test_expect_success 'fingerprints of another key are refused, not taken for unknown' '
	printf %032d 7 >key &&
	test_expect_code 2 secretscan --key key --baseline base tree 2>err && test_grep "base:1: made with another key" err &&
	secretscan --key key --write-baseline keyed tree 2>err && test_grep ! guessed err &&
	secretscan --key key --baseline keyed tree &&
	test_expect_code 2 secretscan --baseline keyed tree &&
	secretscan --write-baseline base tree 2>err && test_grep "made without a key" err
'

test_expect_success 'the key of the user is taken when there is one' '
	mkdir -p "$HOME/.config/secretscan" && cp key "$HOME/.config/secretscan/key" && secretscan --baseline keyed tree &&
	mkdir -p xdg/secretscan && printf %032d 8 >xdg/secretscan/key &&
	test_expect_code 2 env XDG_CONFIG_HOME="$PWD/xdg" secretscan --baseline keyed tree &&
	SECRETSCAN_KEY_FILE=key secretscan --baseline keyed tree &&
	rm -r "$HOME/.config"
'

test_expect_success 'a slip in one is told with its line; several may be given' '
	for line in 0123456789abcdef "123 github-token" "0123456789abcdefx github-token" "<<<<<<< HEAD" \
		"0123456789abcdef a \\q"
	do
		{ cat base && echo "$line"; } >wrong &&
		test_expect_code 2 secretscan --baseline wrong tree 2>err && test_grep "wrong:$(wc -l <wrong): expected" err || return 1
	done &&
	test_expect_code 2 secretscan --baseline missing tree &&
	printf "%s\n" "$token" >one && printf "%s\n" "$other" >two && secretscan --write-baseline b1 one 2>err &&
	secretscan --write-baseline b2 two 2>err && secretscan --baseline b1 --baseline b2 one two &&
	test_expect_code 1 secretscan --baseline b1 one two >out && test_line_count -eq 1 out
'

test_done
