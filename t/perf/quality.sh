#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make quality: the labelled corpus of t/secrets, ten rounds, and real clean code; quality.json holds the figures.
# QUALITY_CODE="DIR.." is the code. What is found there is listed in quality-code.txt: a token or not, a human has to say.
# QUALITY_REAL="DIR" has the sources that t/secrets/real.tsv labels lines of, unpacked; t/secrets/README says how to get them.
set -e

scan=$TEST_BUILDDIR/secretscan/secretscan
src=$(cd "$(dirname "$0")/../.." && pwd)
code=${QUALITY_CODE:-/usr/include /usr/lib/python3 /usr/share/perl}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say () {
	printf '%s\n' "$*"
}

python3 "$src/t/secrets/make-corpus.py" "$src/secretscan/rules" "$work/corpus" 10
"$scan" --format jsonl "$work/corpus" >"$work/findings" || test $? = 1
python3 "$src/t/secrets/score.py" "$work/corpus" "$work/findings" quality.json | grep -v '^missed\|^false' || :

# shellcheck disable=SC2086
kib=$(du -skc $code | tail -n 1 | cut -f 1)
# shellcheck disable=SC2086
"$scan" --format text $code >quality-code.txt 2>"$work/errors" || test $? = 1 || cat "$work/errors"
n=$(wc -l <quality-code.txt)
say "clean code: $n findings in $((kib / 1024)) MiB of $code"
awk -v n="$n" -v kib="$kib" 'NR > 1 { print last (last ~ /[0-9]$/ ? "," : "") } { last = $0 }
	END { printf " \"code_findings\": %d,\n \"code_findings_per_mib\": %.4f\n}\n", n, n * 1024 / kib }' \
	quality.json | sed 's/,,$/,/' >"$work/json"
python3 -m json.tool "$work/json" quality.json

if test -n "$QUALITY_REAL"; then
	"$scan" --format jsonl "$QUALITY_REAL" >"$work/real" 2>"$work/errors" || test $? = 1 || cat "$work/errors"
	python3 "$src/t/secrets/score-real.py" "$src/t/secrets/real.tsv" "$QUALITY_REAL" "$work/real"
fi
