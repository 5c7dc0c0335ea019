#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='contrib/secretscan: the scripts of the CI jobs'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
other=gh$(printf p_)qW3rT5yU7iO9pA1sD3fG5hJ7kL9zX1cV3bN5

# block FILE: the lines below the first "run: |" or "- |", without their indentation.
block () {
	awk '
		inside && /[^ ]/ {
			match($0, /^ */)
			if (!depth)
				depth = RLENGTH
			if (RLENGTH < depth)
				exit
		}
		inside { print substr($0, depth + 1) }
		/(run:|-) \|$/ { inside = 1 }
	' "$TEST_SRCDIR/contrib/secretscan/$1"
}

test_expect_success 'set up' '
	block github.yml >github.sh && test_grep "^secretscan .*--git . >secretscan.sarif" github.sh &&
	block gitlab.yml >gitlab.sh && test_grep "^  secretscan .*HEAD" gitlab.sh && test_grep ! artifacts gitlab.sh &&
	git init -q -b main repo && cd repo && echo fine >a && git add a && git commit -q -m fine &&
	git rev-parse HEAD >../before && printf "%s\n" "$token" >b && git add b && git commit -q -m leak
'

test_expect_success 'GitHub: fails with a report in SARIF; passes when it is known' '
	cd repo && test_expect_code 1 env KEY= RUNNER_TEMP="$PWD/.." bash -e ../github.sh &&
	python3 -c "import json; assert len(json.load(open(\"secretscan.sarif\"))[\"runs\"][0][\"results\"]) == 1" &&
	printf %032d 7 >../k && secretscan --key ../k --write-baseline secretscan.baseline b 2>../err &&
	KEY=$(base64 -w0 <../k) RUNNER_TEMP="$PWD/.." bash -e ../github.sh &&
	test_expect_code 2 env KEY= RUNNER_TEMP="$PWD/.." bash -e ../github.sh &&
	rm secretscan.baseline
'

test_expect_success 'GitLab: the commits since what was before, or all of them' '
	cd repo && zero=0000000000000000000000000000000000000000 &&
	test_expect_code 1 env CI_COMMIT_BEFORE_SHA=$(cat ../before) bash -e ../gitlab.sh &&
	test_grep "failures=\"1\"" secretscan.xml &&
	CI_COMMIT_BEFORE_SHA=$(git rev-parse HEAD) bash -e ../gitlab.sh && test_grep "failures=\"0\"" secretscan.xml &&
	CI_MERGE_REQUEST_DIFF_BASE_SHA=$(git rev-parse HEAD) CI_COMMIT_BEFORE_SHA=$zero bash -e ../gitlab.sh &&
	test_expect_code 1 env CI_COMMIT_BEFORE_SHA=$zero bash -e ../gitlab.sh
'

test_expect_success 'what they name is what secretscan has' '
	cat "$TEST_SRCDIR/contrib/secretscan/"* | grep -o -e "--[a-z][a-z-]*" | sort -u >used && secretscan --help >help &&
	for option in $(grep -v -e --no-verify used); do test_grep -e "$option" help || return 1; done &&
	test_line_count -ge 6 used
'

test_done
