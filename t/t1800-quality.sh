#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: what it finds, and does not, of a labelled corpus; the figures of make quality are of the same kind'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH
secrets=$TEST_SRCDIR/t/secrets

python3 -c 'import yaml' 2>/dev/null || skip_all "needs python3-yaml"

test_expect_success 'the corpus is made' '
	python3 "$secrets/make-corpus.py" "$TEST_SRCDIR/secretscan/rules" corpus 1 &&
	test_expect_code 1 secretscan --format jsonl corpus >findings
'

test_expect_success 'recall, precision and spans are above their floors' '
	python3 "$secrets/score.py" corpus findings >table || {
		cat table
		return 1
	} &&
	grep -v "^missed\|^false" table
'

test_expect_success 'clean code of this system is clean: no more than one finding in ten megabytes' '
	find /usr/include -name "*.h" -size -200k | head -n 2000 | tr "\n" "\000" >list &&
	mkdir code &&
	xargs -0 cp --parents -t code <list &&
	mib=$(du -sm code | cut -f 1) &&
	{ secretscan --format jsonl code >found || test $? = 1; } &&
	echo "$(wc -l <found) findings in $mib MiB" &&
	test $(($(wc -l <found) * 10)) -le "$mib"
'

test_done
