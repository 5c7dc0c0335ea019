#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='what every file of the project keeps to: licence line, banned calls, no left-over marks'

. "$(dirname "$0")/test-lib.sh"

ours () {
	(
		cd "$TEST_SRCDIR" &&
		find bastion gitfilter secretscan approvals contrib t .ci -type f \( "$@" \) | grep -v '^t/fuzz/corpus/' | sort
	)
}

test_expect_success 'every source file starts with its licence' '
	ours -name "*.[ch]" -o -name "*.sh" -o -name "*.py" -o -name "*.inc" >files &&
	(cd "$TEST_SRCDIR" && while read -r f; do head -n 2 "$f" | grep -q "SPDX-License-Identifier: Apache-2.0" || echo "$f"; done) \
		<files >without &&
	test_must_be_empty without
'

test_expect_success 'no call is used that cannot be used safely' '
	ours -name "*.[ch]" >files &&
	(cd "$TEST_SRCDIR" && xargs grep -nE \
		"(^|[^a-zA-Z0-9_>.])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|system|popen|alloca|mktemp|tmpnam)[ ]*\\(") \
		<files >all || : &&
	grep -vE "awk .BEGIN.system" all >found || : &&
	test_must_be_empty found
'

test_expect_success 'no mark says that something is left to do' '
	ours -name "*.[ch]" -o -name "*.sh" -o -name "*.inc" -o -name "*.py" >files &&
	marks="TO""DO|FIX""ME|X""XX" &&
	(cd "$TEST_SRCDIR" && xargs grep -nwE "$marks") <files >found || : &&
	test_must_be_empty found
'

test_done
