#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: rules in the form of gitleaks'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
value=a8b3c9d2e7f1g5h4

cat >my.toml <<\END
title = "mine"

[[rules]]
id = "my-pat"
description = "My token"
regex = '''(?i)\bmy_pat[=:]\s*["']?([a-z0-9\v]{16,20})(?:['"]|\z|\s)'''
secretGroup = 1
entropy = 3.0
keywords = ["MY_PAT"]
END

# found FILE..: FILE:LINE RULE of what is found with my.toml
found () {
	secretscan --rules my.toml --format jsonl "$@" >out
	test $? -le 1 && python3 - <<-\END
	import json
	for line in open("out"):
	    o = json.loads(line)
	    print("%s:%d:%d %s" % (o["file"], o["line"], o["column"], o["rule"]))
	END
}

test_expect_success 'regex, secretGroup, keywords and entropy' '
	mkdir tree && printf "one\nMY_PAT=\"%s\"\n" $value >tree/a && echo my_pat=aaaaaaaaaaaaaaaa >tree/b &&
	found tree >actual && echo "tree/a:2:9 my-pat" >expect && test_cmp expect actual &&
	test_expect_code 1 secretscan --rules my.toml --show-secrets tree >out && test_grep ": $value (" out &&
	sed "s/MY_PAT/other/" my.toml >other.toml && secretscan --rules other.toml tree
'

test_expect_success 'beside the built-in ones, and alone' '
	echo "$token" >tree/c && found tree >actual &&
	printf "tree/a:2:9 my-pat\ntree/c:1:1 github-token\n" >expect && test_cmp expect actual &&
	found --only-rules tree >actual && echo "tree/a:2:9 my-pat" >expect && test_cmp expect actual &&
	secretscan --rules my.toml --list >out && test_grep "^my-pat " out &&
	secretscan --rules my.toml --explain my-pat >out && test_grep "^entropy *3.0" out
'

test_expect_success 'disabledRules and a rule of the same id take built-in ones away' '
	printf "[extend]\nuseDefault = true\ndisabledRules = [\"github-token\"]\n" >off.toml &&
	secretscan --rules off.toml tree &&
	sed "s/my-pat/github-token/" my.toml >same.toml && test_expect_code 1 secretscan --rules same.toml tree >out &&
	test_line_count -eq 1 out && test_grep "^tree/a:2:9: github-token: My token" out
'

test_expect_success 'allow lists: of one rule, of all, with conditions and targets, for built-in rules too' '
	mkdir -p tree/tests tree/vendor && cp tree/a tree/vendor && echo "my_pat=${value}5 # fixture" >tree/tests/d &&
	echo "my_pat=${value}6" >tree/tests/e && echo "my_pat=a8b3exampleh4xyz0" >tree/f &&
	cat >>my.toml <<-\END &&
	  [[rules.allowlists]]
	  condition = "AND"
	  regexTarget = "line"
	  regexes = ["fixture"]
	  paths = ["(^|/)tests?/"]
	  [[rules.allowlists]]
	  stopwords = ["EXAMPLE"]
	[[allowlists]]
	paths = ["vendor/"]
	[[allowlists]]
	targetRules = ["github-token"]
	regexes = ["^ghp_aB3"]
	END
	found tree >actual && printf "tree/a:2:9 my-pat\ntree/tests/e:1:8 my-pat\n" >expect && test_cmp expect actual
'

test_expect_success 'a commit can be allowed' '
	git init -q repo && echo "my_pat=$value" >repo/a && git -C repo add . && git -C repo commit -q -m one &&
	test_expect_code 1 secretscan --rules my.toml --git repo >out &&
	printf "[allowlist]\ncommits = [\"%s\"]\n" $(git -C repo rev-parse HEAD) >commit.toml &&
	secretscan --rules my.toml --rules commit.toml --git repo
'

test_expect_success 'a rule on paths finds files of that name' '
	printf "[[rules]]\nid = \"keystore\"\npath = \"(?i)\\\\\\\\.p12$\"\n" >path.toml && echo x >tree/K.P12 &&
	test_expect_code 1 secretscan --rules path.toml --only-rules tree >out && test_line_count -eq 1 out &&
	test_grep "^tree/K.P12:1:1: keystore" out
'

test_expect_success 'a file extends another; what is its own counts' '
	printf "[extend]\npath = \"my.toml\"\n[[rules]]\nid = \"my-pat\"\nregex = \"own_[0-9]{4}\"\n" >more.toml &&
	echo own_1234 >tree/own && test_expect_code 1 secretscan --rules more.toml --only-rules tree >out &&
	test_line_count -eq 1 out && test_grep "^tree/own:1:1: my-pat" out &&
	printf "[extend]\npath = \"round.toml\"\n" >round.toml &&
	test_expect_code 2 secretscan --rules round.toml tree 2>err && test_grep "too many files that extend" err
'

test_expect_success 'what a built-in rule finds too is one finding' '
	printf "[[rules]]\nid = \"again\"\nregex = \"ghp_[A-Za-z0-9]{36}\"\n" >again.toml &&
	test_expect_code 1 secretscan --rules again.toml tree/c >out && test_line_count -eq 1 out &&
	test_grep ": github-token:" out
'

test_expect_success 'what cannot be is refused with file and line' '
	printf "x = 1\n[[rules]]\nid = \"a\"\nregex = \"(?=a)\"\n" >bad.toml &&
	test_expect_code 2 secretscan --rules bad.toml tree 2>err && test_grep "bad.toml:4: a: look-around" err &&
	printf "x = 1\n[[rules]\n" >bad.toml &&
	test_expect_code 2 secretscan --rules bad.toml tree 2>err && test_grep "bad.toml:2: expected the name" err &&
	printf "[[rules]]\nid = \"a\"\nregex = \"[a\"\n" >bad.toml &&
	test_expect_code 2 secretscan --rules bad.toml tree 2>err && test_grep "bad.toml:3: a: a class" err &&
	printf "[[rules]]\nregex = \"a\"\n" >bad.toml &&
	test_expect_code 2 secretscan --rules bad.toml tree 2>err && test_grep "bad.toml:1: a rule needs an id" err &&
	test_expect_code 2 secretscan --rules missing.toml tree 2>err && test_grep "missing.toml:0: No such file" err
'

test_expect_success 'an expression that explodes ends, is named, and the rest is scanned' '
	printf "[[rules]]\nid = \"bomb\"\nregex = \"(a+)+$\"\n" >bomb.toml &&
	{ head -c 1000000 /dev/zero | tr "\000" a && echo b; } >explodes &&
	test_expect_code 2 timeout 60 secretscan --rules bomb.toml explodes tree/c >out 2>err &&
	test_grep "explodes: rule bomb takes too long here: not fully scanned" err && test_grep "^tree/c:1:1: github-token" out
'

test_done
