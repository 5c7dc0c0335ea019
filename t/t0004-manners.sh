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

# banned FILE..: calls outside comments and strings.
banned () {
	awk '
		{
			gsub(/"([^"\\]|\\.)*"/, "")
			gsub(/\/[*].*[*]\//, "")
		}
		/^[ \t]*([*]|\/[*])/ { next }
		/(^|[^a-zA-Z0-9_>.])(strcpy|strcat|v?sprintf|strtok|ato[il]|gets|system|popen|alloca|mktemp|tmpnam) *[(]/ {
			print FILENAME ":" FNR ": " $0
		}
	' "$@"
}

test_expect_success 'no call is used that cannot be used safely' '
	ours -name "*.[ch]" >files &&
	(cd "$TEST_SRCDIR" && banned $(cat "$TRASH_DIRECTORY/files")) >found &&
	test_must_be_empty found
'

test_expect_success 'such a call is found, and words about it are not' '
	printf "%s\n" "/* never strcpy() */" "	x = \"system(1)\";" "	not_atoi(1); p->gets(2);" >fine.c &&
	banned fine.c >found &&
	test_must_be_empty found &&
	printf "%s\n" "	(void)strcpy(a, \"x\");" "system (b);" >bad.c &&
	banned bad.c >found &&
	test_line_count -eq 2 found
'

test_expect_success 'no mark says that something is left to do' '
	ours -name "*.[ch]" -o -name "*.sh" -o -name "*.inc" -o -name "*.py" >files &&
	marks="TO""DO|FIX""ME|X""XX" &&
	(cd "$TEST_SRCDIR" && xargs grep -nwE "$marks") <files >found || : &&
	test_must_be_empty found
'

test_done
