#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='every fuzz target gets through its corpus: good inputs and named bad ones'

. "$(dirname "$0")/test-lib.sh"

(cd "$TEST_BUILDDIR" && ls fuzz-* 2>/dev/null | grep -v '[.]') >targets

test_expect_success 'there are fuzz targets' '
	test -s targets
'

for target in $(cat targets)
do
	corpus=$TEST_SRCDIR/t/fuzz/corpus/${target#fuzz-}
	test_expect_success "$target replays its corpus" '
		test -d "$corpus" &&
		timeout 120 "$target" "$corpus" >out 2>&1 || { cat out; false; }
	'
done

# A corpus without its program is a test that does not run.
test_expect_success 'every corpus has its target' '
	for corpus in "$TEST_SRCDIR"/t/fuzz/corpus/*/
	do
		test -x "$TEST_BUILDDIR/fuzz-$(basename "$corpus")" || basename "$corpus"
	done >orphans &&
	test_must_be_empty orphans
'

test_done
