#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='every header compiles alone, twice, and keeps its guard'

. "$(dirname "$0")/test-lib.sh"

CC=$(sed -n 's/^CC = //p' "$TEST_BUILDDIR/Makefile" | head -n 1)
test -n "$CC" || CC=cc
# Headers may use a library's types; where the libraries are is the build's knowledge.
CPPFLAGS=$(sed -n 's/^\(LIBSSH\|LIBGIT2\|SODIUM\|JANSSON\|CURL\|EVENT\|HS\|PCRE2\|CRYPTO\)_CFLAGS = //p' \
	"$TEST_BUILDDIR/Makefile" | tr '\n' ' ')

alone () {
	printf '#include "config.h"\n#include "%s"\n#include "%s"\nextern int not_empty;\n' "$2" "$2" >alone.c &&
	$CC -std=gnu11 -Wall -Wextra -Wstrict-prototypes -Wundef -Werror -fsyntax-only \
		-I"$1" -I"$TEST_SRCDIR" -I"$TEST_BUILDDIR" $CPPFLAGS alone.c
}

test_expect_success 'there are headers' '
	(cd "$TEST_SRCDIR" && find secretscan gitfilter approvals bastion -name "*.h" | sort) >headers &&
	test_line_count -gt 20 headers
'

for header in $(cat headers)
do
	test_expect_success "$header stands alone" '
		alone . "$header" &&
		test_grep "^#ifndef [A-Z0-9_]*_H$" "$TEST_SRCDIR/$header"
	'
done

test_expect_success 'a header that needs another one first is found' '
	echo "struct a { size_t n; };" >needy.h &&
	test_must_fail alone . needy.h
'

test_done
