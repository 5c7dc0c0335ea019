#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: of rules that match the same text the one with the better evidence names it'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic. The samples are those of one rule alone.
token=abc_q7Zk2WmX9vBt4LrY8cNd
body=k7Zq2WmX9vBt4LrY8cNd

# rule ID ANCHOR WHERE SECRET SAMPLE
rule () {
	cat <<-END
	  - id: $1
	    description: One of several
	    anchors: ['$2']
	    $3
	    secret: '$4'
	    good: ['$5']
	    bad: ['nothing']
	END
}

# named ID OTHER: both orders of the two rules in a file, the same name for the token.
named () {
	for order in "$1 $2" "$2 $1"
	do
		printf "provider: Test\nrules:\n" >rules.yaml &&
		for name in $order
		do
			cat "$name" >>rules.yaml || return 1
		done &&
		test_expect_code 1 secretscan --rules rules.yaml --only-rules text >out &&
		test_line_count -eq 1 out &&
		test_grep ": $1:" out || return 1
	done
}

test_expect_success 'set up' '
	rule short abc_ "entropy: 3" "abc_[A-Za-z0-9]{20}" "abc_$body" >short &&
	rule long abc_q "entropy: 3" "abc_q[A-Za-z0-9]{19}" "$token" >long &&
	rule keyword acme "near: 40" "[A-Za-z0-9_]{24}" "acme_key = xyz_$body" >keyword &&
	rule both acme "near: 40" "abc_[A-Za-z0-9]{20}" "acme_key = abc_$body" >both &&
	rule within cNd "behind: 21" "ab[cd]_[A-Za-z0-9]{17}cNd" "abd_$body" >within &&
	echo "acme_key = $token" >text
'

test_expect_success 'a longer literal before a shorter one' 'named long short'
test_expect_success 'a literal of its own before a keyword beside it' 'named long keyword'
test_expect_success 'a keyword beside a literal before the literal' 'named both long'
test_expect_success 'a keyword before an anchor within' 'named keyword within'
test_expect_success 'a literal at its beginning before an anchor within' 'named short within'

test_done
