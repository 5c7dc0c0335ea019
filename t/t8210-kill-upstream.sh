#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='kill -9 of whatever takes part in a push to an upstream: no update is lost, doubled or half there, and the mirror finds the truth'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-upstream.sh"

MIRROR=state/mirrors/forge/demo.git

# The upstream's hook says that it has all, and then waits for ./go before anything is stored.
test_expect_success 'a bastion with an upstream that can be stopped before it stores' '
	setup_upstream && bgit ci clone -q "$BASTION_URL/forge/demo.git" work &&
	cat >"$UP/hooks/pre-receive" <<-EOT &&
	#!/bin/sh
	cat >/dev/null
	>$TRASH_DIRECTORY/there
	until test -f $TRASH_DIRECTORY/go
	do
		$TEST_BUILDDIR/test-tool nap 20
	done
	EOT
	chmod +x "$UP/hooks/pre-receive"
'

# begin_push NAME: it is at the upstream, which has not stored it. $OID is what is pushed.
begin_push () {
	rm -f there go && no_session && git -C work checkout -q -B "agent/$1" origin/main &&
	(cd work && test_commit "$1") && OID=$(git -C work rev-parse HEAD) &&
	background push bgit ci -C work push origin "agent/$1" "agent/$1:refs/heads/agent/$1-too" && wait_until "test -f there"
}

# upstream_has NAME: both references, or neither.
upstream_has () {
	test "$(git -C "$UP" rev-parse -q --verify "agent/$1")" = "$OID" && test "$(git -C "$UP" rev-parse -q --verify "agent/$1-too")" = "$OID"
}

upstream_lacks () {
	test_must_fail git -C "$UP" rev-parse -q --verify "agent/$1" && test_must_fail git -C "$UP" rev-parse -q --verify "agent/$1-too"
}

# push_again NAME: afterwards it is there once, whatever it was, and the mirror says the same as the upstream.
push_again () {
	>go && no_session && bgit ci -C work push -q origin "agent/$1" "agent/$1:refs/heads/agent/$1-too" && upstream_has "$1" &&
	git -C "$UP" for-each-ref >there.refs && bgit ci -C work fetch -q origin &&
	git -C $MIRROR for-each-ref refs/heads refs/tags >here.refs && test_cmp there.refs here.refs &&
	git -C "$UP" rev-list --count --all >count && git -C $MIRROR rev-list --count --all >count.here && test_cmp count count.here &&
	git -C "$UP" fsck --strict && git -C $MIRROR fsck
}

test_expect_success 'nobody disturbs it' '
	begin_push fine && upstream_lacks fine && >go && ended push 0 && upstream_has fine && push_again fine
'

for victim in gitleg session
do
	test_expect_success "$victim: killed when the upstream has all and has not stored it" '
		begin_push $victim && pid=$(children_named_ $victim | while read -r p
		do
			tr "\0" "\n" <"/proc/$p/cmdline" | grep -q "^master$" || echo "$p"
		done) && test "$(echo "$pid" | wc -w)" -eq 1 && kill -KILL $pid && >go &&
		wait_until "test -f push.status" && test "$(cat push.status)" -ne 0 && no_session
	'

	test_expect_success "$victim: what the upstream did is what the log does not deny, and the next push finds it" '
		wait_until "upstream_has $victim || upstream_lacks $victim" &&
		test_must_fail log_event push.refused "agent/$victim\".*declined" && push_again $victim
	'
done

test_expect_success 'the connection: killed then; the client is told what is known, and both ends agree afterwards' '
	begin_push master && pid=$(master_pids) && test "$(echo "$pid" | wc -w)" -eq 1 && kill -KILL $pid && >go &&
	# The leg asks over a new connection: what it hears depends on how far the upstream is by then.
	{ ended push 0 || { ended push 1 && test_grep "rejected.*agent/master .*not known: fetch and look\|rejected.*not stored so far" push.err; }; } &&
	push_again master
'

test_expect_success 'the upstream: its receive-pack killed then; nothing is there, and the client is told so' '
	begin_push receive && pid=$(for p in /proc/[0-9]*
	do
		test "$(readlink "$p/cwd" 2>/dev/null)" = "$UP" && tr "\0" " " <"$p/cmdline" | grep -q "receive-pack" && echo "${p#/proc/}"
	done; :) && test -n "$pid" && kill -KILL $pid && >go && ended push 1 && upstream_lacks receive &&
	test_grep "rejected.*agent/receive .*not stored so far: fetch and look" push.err &&
	test_must_fail git -C $MIRROR rev-parse -q --verify agent/receive && push_again receive
'

test_expect_success 'the daemon: killed then; started again it finds what the upstream has' '
	begin_push daemon && kill -KILL "$BASTION_PID" && wait "$BASTION_PID"; >go && wait_until "test -f push.status" &&
	test "$(cat push.status)" -ne 0 && BASTION_PID= && wait_until "start_bastion" && push_again daemon
'

test_expect_success 'nothing is left behind, and the log is whole' '
	test -z "$(find state/mirrors -name "incoming-*" -o -name "tmp_*")" && test -z "$(ls state/spool)" &&
	sallyport -f "$CONF" audit verify && stop_bastion
'

test_done
