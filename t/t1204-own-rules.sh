#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: rules of one'\''s own beside and instead of the built-in ones'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5

rule () {
	cat <<-END
	provider: Own
	rules:
	  - id: $1
	    description: Own token
	    anchors: [$2]
	    secret: $2[0-9]{8}
	    good: [${2}12345678]
	    bad: [${2}1234]
	END
}

test_expect_success 'set up' '
	mkdir own more && rule own-token own_ >own/own.yaml && rule own-token more_ >more/more.yaml &&
	rule github-token gh_ >github.yaml &&
	printf "%s\nown_87654321\nmore_87654321\ngh_87654321\n" "$token" >text
'

test_expect_success 'they are added; a file will do' '
	test_expect_code 1 secretscan --rules own text >out && cut -d: -f2 out >actual &&
	printf "1\n2\n" >expect && test_cmp expect actual &&
	test_expect_code 1 secretscan --rules own/own.yaml text >actual && test_cmp out actual
'

test_expect_success 'a rule takes the place of a built-in one, and of an earlier one' '
	test_expect_code 1 secretscan --rules github.yaml text >out && cut -d: -f2,4 out >actual &&
	echo "4: github-token" >expect && test_cmp expect actual &&
	test_expect_code 1 secretscan --rules own --rules more text >out && cut -d: -f2 out >actual &&
	printf "1\n3\n" >expect && test_cmp expect actual
'

test_expect_success '--only-rules leaves the built-in ones out' '
	test_expect_code 1 secretscan --rules own --only-rules text >out && cut -d: -f2 out >actual &&
	echo 2 >expect && test_cmp expect actual &&
	secretscan --rules own --only-rules --list >out && test_line_count -eq 1 out
'

test_expect_success 'the same id twice in one folder is a slip' '
	cp own/own.yaml own/zwei.yaml && test_expect_code 2 secretscan --rules own text 2>err &&
	test_grep "own/zwei.yaml:3: .*exists already" err
'

test_expect_success 'an expression that explodes ends in bounded time, and its file is named' '
	rule bomb aaa | sed "s/secret: .*/secret: (aaa)(a+)+b/; s/good: .*/good: [aaaab]/; s/bad: .*/bad: [aaac]/" >bomb.yaml &&
	head -c 300000 /dev/zero | tr "\000" a >explodes &&
	test_expect_code 2 timeout 60 secretscan --rules bomb.yaml explodes text >out 2>err &&
	test_grep "explodes: a limit was reached: not fully scanned" err &&
	test_grep "^text:1:1: github-token" out
'

test_done
