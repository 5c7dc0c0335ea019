#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='where policy parks a push it lands out of sight, the client sees where, and a human releases or drops it'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git

cat >policy <<\EOT
rules:
  - {id: read, who: ["*/*"], on: [hosted], fetch: {}, do: allow}
  - {id: review, who: ["group:reviewers"], on: [hosted], fetch: {refs: ["refs/sallyport/review/**"]}, do: allow}
  - {id: free, who: [agent/*], on: [hosted], push: {refs: ["refs/heads/agent/**"]}, do: allow}
  - id: main-is-parked
    who: [agent/*]
    on: [hosted]
    push: {refs: [refs/heads/main, refs/heads/old], ops: [create, update, delete]}
    do: park
    because: main is for reviewed work
    approvers: ["group:engineers"]
    match: ["update refs/heads/main"]
    not_match: ["force refs/heads/main"]
  - id: secrets-are-parked
    who: [agent/*]
    on: [hosted]
    finding: {}
    do: park
    because: a human looks at it
    approvers: ["group:engineers"]
EOT

ZERO=0000000000000000000000000000000000000000

# push_raw OLD NEW REF [PACK]: what no git client would send: this update with this pack, or an empty one; out has the answer.
push_raw () {
	{
		text=$(printf "%s %s %s" "$1" "$2" "$3") &&
		printf "%04x%s\\0 report-status" $((${#text} + 19)) "$text" && printf 0000 &&
		if test -n "$4"
		then
			cat "$4"
		else
			git pack-objects --stdout -q </dev/null
		fi
	} | timeout 30 ssh -F id/ci.conf 127.0.0.1 "git-receive-pack hosted/demo" >answer 2>>answer
	tr -d "\\000" <answer >out
}

# The id under which the last push says that it is parked, from err.
parked_as () {
	sed -n "s/.*sallyport: parked \(REQ-[A-Z0-9]*\) rule=.*/\1/p" err
}

test_expect_success 'a bastion, an agent, an engineer, a reviewer, and the human behind the agent' '
	BASTION_POLICY=$TRASH_DIRECTORY/policy &&
	setup_bastion &&
	make_identity ci agent/ci --owner human/kim && make_identity eng human/eva --group engineers &&
	make_identity rev human/rob --group reviewers && make_identity kim human/kim --group engineers &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work && (cd work && test_commit one) &&
	before=$(git -C "$UP" rev-parse main) && tip=$(git -C work rev-parse HEAD)
'

test_expect_success 'a push to main succeeds, and says that it landed elsewhere' '
	bgit ci -C work push origin main 2>err && req=$(parked_as) && test -n "$req" &&
	test_grep "main -> refs/sallyport/review/$req/heads/main" err &&
	test_grep "rule=main-is-parked: main is for reviewed work; a human decides" err &&
	test "$(git -C "$UP" rev-parse main)" = "$before" &&
	test "$(git -C "$UP" rev-parse "refs/sallyport/review/$req/heads/main")" = "$tip"
'

test_expect_success 'a client that cannot be told so hears a refusal that says it' '
	printf "%s\n%s\n" "$tip" "^$before" | git -C work pack-objects --revs --stdout -q >pack &&
	push_raw "$before" "$tip" refs/heads/main pack && again=$(sed -n "s/.*ng refs.heads.main parked \(REQ-[A-Z0-9]*\): it waits.*/\1/p" out) &&
	test -n "$again" && test "$again" != "$req" && sallyport -f "$CONF" drop "$again"
'

test_expect_success 'agents do not see it, and cannot fetch it by name' '
	bgit ci ls-remote "$BASTION_URL/hosted/demo.git" >out && test_must_fail grep sallyport out &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" fresh &&
	test_must_fail bgit ci -C fresh fetch -q origin "refs/sallyport/review/$req/heads/main" &&
	test_must_fail bgit ci -C fresh fetch -q origin "$tip" && test_must_fail git -C fresh cat-file -e "$tip"
'

test_expect_success 'who may review fetches it' '
	bgit rev clone -q "$BASTION_URL/hosted/demo.git" reviewer &&
	bgit rev -C reviewer fetch -q origin "refs/sallyport/review/$req/heads/main" &&
	test "$(git -C reviewer rev-parse FETCH_HEAD)" = "$tip" &&
	bgit rev ls-remote "$BASTION_URL/hosted/demo.git" >out && test_must_fail grep -e kept -e parked out
'

test_expect_success 'the list, and all about one, for who may decide' '
	bssh eng bastion parked >out && test_grep "^$req .* agent/ci owner=human/kim rule=main-is-parked .* refs/heads/main" out &&
	bssh eng bastion parked "$req" >out && test_grep "update $before $tip refs/heads/main" out &&
	test_grep "commit: $(echo $tip | cut -c 1-12) A U Thor" out &&
	bssh ci bastion parked >out && test_must_be_empty out &&
	sallyport -f "$CONF" parked >out && test_grep "^$req " out
'

test_expect_success 'not the agent, not its human, not who only reviews: nobody else decides' '
	for who in ci kim rev
	do
		test_expect_code 77 bssh $who bastion release "$req" 2>err && test_grep "denied $req" err &&
		test_expect_code 77 bssh $who bastion drop "$req" 2>err && test_expect_code 77 bssh $who bastion parked "$req" || return 1
	done &&
	test "$(git -C "$UP" rev-parse main)" = "$before"
'

test_expect_success 'released: main is what was pushed, and nothing is parked any more' '
	bssh eng bastion release "$req" >out && test_grep "refs/heads/main is $tip now" out &&
	test "$(git -C "$UP" rev-parse main)" = "$tip" &&
	test -z "$(git -C "$UP" for-each-ref refs/sallyport/review refs/sallyport/parked)" &&
	test_expect_code 1 bssh eng bastion release "$req" 2>err && test_grep "nothing is parked under" err
'

test_expect_success 'a release can be undone like any push' '
	sallyport -f "$CONF" restore "$req" && test "$(git -C "$UP" rev-parse main)" = "$before" &&
	git -C "$UP" update-ref refs/heads/main "$tip"
'

test_expect_success 'main has moved since: it is not released, and the line says what to do' '
	(cd work && test_commit two) && bgit ci -C work push -q origin main 2>err && req=$(parked_as) &&
	git -C "$UP" update-ref refs/heads/main "$before" &&
	test_expect_code 1 bssh eng bastion release "$req" 2>err && test_grep "refs/heads/main has moved since" err &&
	test "$(git -C "$UP" rev-parse main)" = "$before" && git -C "$UP" update-ref refs/heads/main "$tip"
'

test_expect_success 'dropped: it is gone, with the reason on record' '
	bssh eng bastion drop "$req" --reason "not this way" >out && test_grep "$req is dropped" out &&
	test -z "$(git -C "$UP" for-each-ref refs/sallyport/review refs/sallyport/parked)" &&
	audit_has event=push.drop "by=human/eva" "reason=not this way"
'

test_expect_success 'what was dropped is not taken back in by its name' '
	two=$(git -C work rev-parse HEAD) && git -C "$UP" cat-file -e "$two" &&
	push_raw $ZERO "$two" refs/heads/agent/sneak && cat out &&
	test_grep "which no reference of the repository leads to" out &&
	test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/sneak
'

test_expect_success 'nor is it when a new commit refers to one of its files' '
	blob=$(git -C work rev-parse HEAD:two.t 2>/dev/null || git -C work rev-parse HEAD:two) &&
	git -C fresh switch -q -c agent/y && tree=$(printf "100644 blob $blob\tstolen\n" | git -C work mktree) &&
	commit=$(git -C work commit-tree -p "$before" -m "refers" "$tree") &&
	printf "%s\n%s\n" "$tree" "$commit" | git -C work pack-objects --stdout -q >pack &&
	push_raw $ZERO "$commit" refs/heads/agent/y pack && cat out &&
	test_grep "which no reference of the repository leads to" out && test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/y
'

test_expect_success 'honest pushes of old content go on, also of a file that only an older commit had' '
	git -C work switch -q -c agent/z "$tip" && git -C work rm -q README && git -C work commit -qm "without" &&
	bgit ci -C work push -q origin agent/z &&
	git -C work checkout -q "$before" -- README && git -C work commit -qm "with it again" && bgit ci -C work push -q origin agent/z
'

test_expect_success 'a deletion is parked too, and done when it is released' '
	git -C "$UP" branch old "$before" && bgit ci -C work push origin :refs/heads/old 2>err; req=$(parked_as) && test -n "$req" &&
	git -C "$UP" rev-parse -q --verify old && bssh eng bastion release "$req" && test_must_fail git -C "$UP" rev-parse -q --verify old
'

test_expect_success 'forcing main is not parked but denied' '
	git -C work switch -q main && git -C work reset -q --hard "$before" && (cd work && test_commit three) &&
	push_refused ci work --force origin main && test_grep "denied REQ-" err
'

test_expect_success 'a push with a secret is parked, and who could not read the secret still cannot' '
	body=$(random_word 36) && token=gh$(printf p_)$body &&
	git -C work switch -q -c agent/s "$tip" && echo "token: $token" >work/conf && git -C work add conf && git -C work commit -qm conf &&
	bgit ci -C work push origin agent/s 2>err && req=$(parked_as) && test_grep "BLOCKED.*file=conf:1 " err && test_grep ! "$body" err &&
	s=$(git -C work rev-parse HEAD) && blob=$(git -C work rev-parse HEAD:conf) &&
	test_must_fail git -C "$UP" rev-parse -q --verify agent/s && make_identity other agent/other &&
	test_must_fail bgit other -C fresh fetch -q origin "refs/sallyport/review/$req/heads/agent/s" &&
	test_must_fail bgit other -C fresh fetch -q origin "$s" && test_must_fail git -C fresh cat-file -e "$blob" &&
	push_raw $ZERO "$s" refs/heads/agent/sneak && test_grep "which no reference of the repository leads to" out &&
	bssh eng bastion parked "$req" >out && test_grep "finding: rule=github" out && test_grep ! "$body" out &&
	test_must_fail grep -rqF "$body" state/audit daemon.log && bssh eng bastion drop "$req"
'

test_expect_success 'a rule that parks needs approvers, and is for pushes alone' '
	cp "$STATE/policy.yaml" saved &&
	printf "  - {id: p, who: [a/b], on: [x], exec: {any: true}, do: park, because: b, approvers: [group:g]}\n" >>"$STATE/policy.yaml" &&
	test_must_fail sallyportd -t -f "$CONF" 2>err && test_grep "only what comes with a push can be parked" err && cp saved "$STATE/policy.yaml" &&
	printf "  - {id: p, who: [a/b], on: [x], push: {}, do: park, because: b}\n" >>"$STATE/policy.yaml" &&
	test_must_fail sallyportd -t -f "$CONF" 2>err && test_grep "rule p parks, so it needs approvers" err && cp saved "$STATE/policy.yaml"
'

test_expect_success 'each step is on record; the repository is whole' '
	audit_has event=push.parked result=parked && audit_has event=push.release by=human/eva &&
	audit_has event=push.released done=true && audit_has event=push.released done=false && audit_has event=push.dropped done=true &&
	audit_has event=push.decide.refused by=human/kim &&
	git -C "$UP" fsck --strict && sallyport -f "$CONF" audit verify
'

test_expect_success 'who waits too long is dropped' '
	git -C work switch -q main && git -C work reset -q --hard "$tip" && (cd work && test_commit four) && bgit ci -C work push -q origin main &&
	test -n "$(git -C "$UP" for-each-ref refs/sallyport/parked)" &&
	stop_bastion && printf "git:\n  park: 1s\n" >>"$CONF" && start_bastion &&
	wait_until "test -z \"\$(git -C $UP for-each-ref refs/sallyport/parked refs/sallyport/review)\"" 30 && stop_bastion
'

test_done
