#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: a key id and its secret name each other'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
id1=AK$(printf IA)UJZDEGXDNCF32EPF
id2=AK$(printf IA)ZQ5K7TLDM3NHR6WX
secret1="7faC9qEwjky40UVsWmfl""/zdE1F8ResqEDusTpkr0"
secret2="Kq3vT8pLw2ZrX6mBn9cJ""/yHd4FsGa7UeR1oWi5Nt"

key () {
	printf 'aws_access_key_id = %s\n' "$1"
}

secret () {
	printf 'aws_secret_access_key = %s\n' "$1"
}

# pairs PATH..: FILE:LINE and the FILE:LINE that it names, by fingerprint; "none" for none.
pairs () {
	test_expect_code 1 secretscan --format jsonl "$@" >out &&
	python3 - <<-\END
	import json
	all = [json.loads(line) for line in open("out")]
	at = {}
	for o in all:
	    at.setdefault(o["fingerprint"], "%s:%d" % (o["file"], o["line"]))
	for o in all:
	    print("%s:%d" % (o["file"], o["line"]), at[o["pair"]] if "pair" in o else "none")
	END
}

test_expect_success 'neighbours in one file, each with its own' '
	{ key $id1 && secret $secret1 && echo && key $id2 && secret $secret2; } >near &&
	pairs near >actual &&
	printf "near:1 near:2\nnear:2 near:1\nnear:4 near:5\nnear:5 near:4\n" >expect && test_cmp expect actual
'

test_expect_success 'over files, when there is only one that can be meant' '
	mkdir far && key $id1 >far/a && secret $secret1 >far/b && pairs far >actual &&
	printf "far/a:1 far/b:1\nfar/b:1 far/a:1\n" >expect && test_cmp expect actual
'

test_expect_success 'not when it could be either' '
	secret $secret2 >far/c && pairs far >actual &&
	printf "far/a:1 none\nfar/b:1 none\nfar/c:1 none\n" >expect && test_cmp expect actual
'

test_expect_success 'the same secret elsewhere has the same other half' '
	mkdir again && { key $id1 && secret $secret1; } >again/a && secret $secret1 >again/b && pairs again >actual &&
	printf "again/a:1 again/a:2\nagain/a:2 again/a:1\nagain/b:1 again/a:1\n" >expect && test_cmp expect actual
'

test_expect_success 'far apart in one file counts as over files; text shows a pair as well' '
	{ key $id1 && seq 3000 && secret $secret1; } >apart &&
	pairs apart >actual && printf "apart:1 apart:3002\napart:3002 apart:1\n" >expect && test_cmp expect actual &&
	test_expect_code 1 secretscan apart >out && test_grep " with [0-9a-f]*$" out
'

test_expect_success 'every pair that a built-in rule names exists' '
	cd "$TEST_SRCDIR/secretscan/rules" &&
	sed -n "s/^    pairs: \[\(.*\)\]/\1/p" *.yaml | tr -d " " | tr , "\n" | sort -u >"$TRASH_DIRECTORY/named" &&
	sed -n "s/^  - id: //p" *.yaml | sort -u >"$TRASH_DIRECTORY/ids" &&
	cd "$TRASH_DIRECTORY" && test_line_count -gt 10 named && comm -23 named ids >unknown && test_must_be_empty unknown
'

test_done
