#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='packs that are small and want much: refused within a second, within the memory that any push may take'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

command -v python3 >/dev/null || skip_all 'no python3 here'
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
UP=$STATE/repos/demo.git
ZERO=0000000000000000000000000000000000000000
BADPACK=$TEST_SRCDIR/t/helper/badpack.py

# field NAME <LINE: its value.
field () {
	sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" took
}

python3 "$BADPACK" kinds >kinds
while read -r kind why
do
	test_expect_success "$kind: it $why, in less than a second of work and 64 MiB" '
		python3 "$BADPACK" $kind >bomb.pack 2>bomb.tip &&
		inspect-pack bomb.pack $(cat bomb.tip) >took && cat took && test_grep "status=bad .*reason=.*$why" took &&
		{ ! test_have_prereq PLAIN || awk "BEGIN { exit !($(field user) + $(field system) < 1.0 && $(field grown) < 65536) }"; }
	'
done <kinds

test_expect_success 'a bastion' '
	setup_bastion && make_identity ci agent/ci
'

for kind in zeros-512m chain-60000 chain-5000-of-1m copies-1g paths-1m
do
	test_expect_success "$kind through the bastion: one line says why, nothing is stored" '
		python3 "$BADPACK" $kind >bomb.pack 2>bomb.tip && why=$(sed -n "s/^$kind //p" kinds) &&
		{ printf "0079%s %s refs/heads/agent/raw\0 report-status" "$ZERO" "$(cat bomb.tip)" && printf 0000 && cat bomb.pack; } >request &&
		timeout 60 ssh -F id/ci.conf git@127.0.0.1 "git-receive-pack '\''/hosted/demo.git'\''" <request >out 2>err &&
		test_grep -a "ng refs/heads/agent/raw denied REQ" out && said_once err "rule=inspection: .*$why" &&
		test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/raw
	'
done

test_expect_success 'the next push is stored as ever; the spool is empty' '
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work && (cd work && test_commit fine) &&
	bgit ci -C work push -q origin HEAD:refs/heads/agent/fine && wait_until "test -z \"\$(ls state/spool)\"" &&
	stop_bastion && ! grep crashed daemon.log
'

test_done
