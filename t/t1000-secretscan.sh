#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: the program'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
body=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
token=gh$(printf p_)$body

test_expect_success 'a clean folder is exit 0 and silent' '
	mkdir clean &&
	echo "nothing to see" >clean/file &&
	secretscan clean >out &&
	test_must_be_empty out
'

test_expect_success 'a token is exit 1, with its place and never its text' '
	mkdir -p leak/deep &&
	printf "one\nkey = %s\n" "$token" >leak/deep/file.txt &&
	test_expect_code 1 secretscan leak >out &&
	test_grep "^leak/deep/file.txt:2:7: github-token: " out &&
	test_grep ! "$body" out
'

test_expect_success 'standard input is read as -' '
	test_expect_code 1 secretscan - <leak/deep/file.txt >out &&
	test_grep "^-:2:7: github-token" out
'

test_expect_success 'JSON is parsable and has the promised fields' '
	test_expect_code 1 secretscan --format json leak >out &&
	test_grep "^\[{\"file\":\"leak/deep/file.txt\",\"line\":2,\"column\":7,\"end_line\":2,\"end_column\":46," out &&
	for field in rule description fingerprint masked entropy
	do
		test_grep "\"$field\":" out || return 1
	done &&
	test_grep ! "\"secret\"" out &&
	secretscan --format json clean >out &&
	echo "[]" >expect &&
	test_cmp expect out &&
	test_expect_code 1 secretscan --format jsonl leak leak >out &&
	test_line_count -eq 2 out
'

test_expect_success '--show-secrets, and only it, shows them' '
	test_expect_code 1 secretscan --show-secrets --format jsonl leak >out &&
	test_grep "\"secret\":\"$token\"" out
'

test_expect_success 'a fingerprint depends on the key' '
	test_expect_code 1 secretscan leak >one &&
	printf %032d 7 >key &&
	test_expect_code 1 secretscan --key key leak >two &&
	! cmp one two &&
	SECRETSCAN_KEY_FILE=key test_expect_code 1 secretscan leak >three &&
	test_cmp two three &&
	echo short >key &&
	test_expect_code 2 secretscan --key key leak
'

test_expect_success 'UTF-16 is read' '
	printf "key = %s\r\n" "$token" | sed "s/./&\n/g" | tr "\n" "\000" >wide &&
	test_expect_code 1 secretscan wide >out &&
	test_grep github-token out
'

test_expect_success 'a link is text, not a way out; .git is left out' '
	mkdir -p links/.git &&
	ln -s ../leak links/elsewhere &&
	ln -s "$token" links/named &&
	cp leak/deep/file.txt links/.git/ &&
	test_expect_code 1 secretscan links >out &&
	test_line_count -eq 1 out &&
	test_grep "^links/named:1:1:" out
'

test_expect_success 'what cannot be read is exit 2' '
	test_expect_code 2 secretscan clean missing 2>err &&
	test_grep "missing: No such file" err &&
	test_expect_code 2 secretscan 2>err &&
	test_grep ^usage: err &&
	test_expect_code 2 secretscan --format xml clean
'

test_expect_success 'history: what was deleted, commit text, tag text and names' '
	git init -q repo &&
	(
		cd repo &&
		printf "key = %s\n" "$token" >gone &&
		git add gone && git commit -q -m first &&
		git rm -q gone && git commit -q -m "second, with $token" &&
		echo fine >"$token" && git add . && git commit -q -m third &&
		git tag -a -m "tagged $token" v1
	) &&
	test_expect_code 1 secretscan --git repo >out &&
	test_line_count -eq 4 out &&
	test_grep ":gone:1:7: github-token" out &&
	secretscan --git repo HEAD~1..HEAD~1 >out &&
	test_must_be_empty out &&
	test_expect_code 1 secretscan --git repo HEAD~1..HEAD >out &&
	test_line_count -eq 1 out &&
	test_expect_code 2 secretscan --git repo no-such-branch &&
	test_expect_code 2 secretscan --git repo --output=x &&
	test_expect_code 2 secretscan --git no-such-repository
'

test_expect_success 'rules of one'\''s own, alone' '
	mkdir rules &&
	cat >rules/own.yaml <<-\EOF &&
	provider: Own
	rules:
	  - id: own-token
	    description: Own token
	    anchors: [own_]
	    secret: own_[0-9]{8}
	    good: [own_12345678]
	    bad: [own_1234]
	EOF
	echo own_87654321 >own &&
	test_expect_code 1 secretscan --rules rules --only-rules own leak >out &&
	test_line_count -eq 1 out &&
	test_grep "^own:1:1: own-token" out
'

test_expect_success 'a rule that misses its sample is refused with file and line' '
	sed "s/own_12345678/own_1/" rules/own.yaml >rules/wrong.yaml &&
	rm rules/own.yaml &&
	test_expect_code 2 secretscan --rules rules own 2>err &&
	test_grep "rules/wrong.yaml:7: own-token: a good sample is not found" err
'

test_expect_success '--list and --explain' '
	secretscan --list >out &&
	test_line_count -ge 80 out &&
	secretscan --explain github-token >out &&
	test_grep "^check  *crc32-base62" out &&
	test_expect_code 2 secretscan --explain no-such-rule
'

test_expect_success 'the rules and their samples hold nothing that looks like a live token' '
	secretscan "$TEST_SRCDIR/secretscan" >out &&
	test_must_be_empty out
'

test_done
