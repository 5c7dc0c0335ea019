#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='windows of time in which nothing new may happen, or a human is asked about it'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# at SECONDS: that far from now, as a policy file has it.
at () {
	date -u -d "@$(($(date +%s) + $1))" +%Y-%m-%dT%H:%M:%SZ
}

# freeze_policy WINDOW-LINE..: the default policy with these windows.
freeze_policy () {
	echo freeze:
	for freeze_line_
	do
		printf '  - %s\n' "$freeze_line_"
	done
	default_policy
}

# freeze_now WINDOW-LINE..: and in effect.
freeze_now () {
	freeze_policy "$@" >"$STATE/policy.yaml" && sallyport -f "$CONF" reload
}

test_expect_success 'a bastion, an agent, an engineer' '
	setup_bastion &&
	make_identity ci agent/ci && make_identity eva human/eva --group engineers &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" clone
'

test_expect_success 'a window that is over and one that has not begun stop nothing' '
	freeze_now "{id: past, who: [\"*\"], on: [\"*\"], until: $(at -60), do: deny, because: it is over}" \
		"{id: future, who: [\"*\"], on: [\"*\"], from: $(at 3600), do: deny, because: it comes}" &&
	bssh ci "$TEST_LOGIN@web1" true &&
	bssh ci bastion policy >out && test_grep "^frozen from 20.*Z: no exec, .* on \* \[future\] it comes" out && test_grep ! past out
'

test_expect_success 'a running command lives through the beginning of a window' '
	conversation run bssh ci "$TEST_LOGIN@web1" "echo running; cat; exit 5" && wait_until "grep -q running run.out" &&
	end=$(at 3600) &&
	freeze_now "{id: hold, who: [\"agent/*\"], on: [web1], until: $end, do: deny, because: change freeze}"
'

test_expect_success 'a new one is refused: the window, its reason, its end; nothing crosses' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "touch $PWD/crossed" 2>err &&
	said_once err "^sallyport: denied REQ-[A-Z0-9]* rule=hold: change freeze; frozen until ${end%:00Z}" &&
	test_path_is_missing crossed && audit_has event=exec.decision verdict=deny rule=hold "reason=change freeze"
'

test_expect_success 'what the rules refuse is refused by them, and the strictest words are the same' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "printf forbidden" 2>err && said_once err "rule=forbidden"
'

test_expect_success 'policy tells that it is frozen now, and until when' '
	bssh ci bastion policy >out && test_grep "^FROZEN NOW, until ${end%:00Z}.*: no exec, .* on web1 \[hold\] change freeze" out &&
	bssh eva bastion policy >out && test_grep ! FROZEN out
'

test_expect_success 'other targets, fetches and the bastion itself go on, and so does what ran' '
	bssh ci bastion whoami && git -C clone fetch -q 2>/dev/null; bgit ci -C clone fetch -q &&
	echo "to its own end" >&9 && exec 9>&- && ended run 5 && test_grep "to its own end" run.out
'

test_expect_success 'a push in a window is refused and leaves nothing behind' '
	freeze_now "{id: no-push, who: [\"*\"], on: [hosted], until: $end, kinds: [push], do: deny, because: release day}" &&
	(cd clone && git checkout -q -b agent/x && test_commit x) &&
	push_refused ci clone origin agent/x && test_grep "rule=no-push: release day" err &&
	upstream_has_none demo clone main..agent/x && bssh ci "$TEST_LOGIN@web1" true
'

test_expect_success 'and passes when the window is lifted' '
	freeze_now "{id: no-push, who: [\"*\"], on: [hosted], until: $(at -1), kinds: [push], do: deny, because: release day}" &&
	bgit ci -C clone push -q origin agent/x
'

test_expect_success 'files: read as ever, by sftp and scp of both kinds, and not written' '
	{ echo "profiles: [{who: [agent/*], use: exec-gated}]"
	  echo "freeze: [{id: hold, who: [\"*\"], on: [web1], until: $end, do: deny, because: change freeze}]"
	  echo "rules: [{id: files, who: [\"*\"], on: [web1], sftp: {}, do: allow},"
	  echo "        {id: sub, who: [\"*\"], on: [web1], subsystem: [sftp], do: allow}]"; } >"$STATE/policy.yaml" &&
	sallyport -f "$CONF" reload && echo content >there &&
	for old in "" -O
	do
		rm -f here && scp -q $old -F id/ci.conf -o User="$TEST_LOGIN@web1" "127.0.0.1:$PWD/there" here && test_cmp there here &&
		test_must_fail scp -q $old -F id/ci.conf -o User="$TEST_LOGIN@web1" there "127.0.0.1:$PWD/not-there" 2>err &&
		test_path_is_missing not-there || return 1
	done &&
	test_grep "rule=hold: change freeze" err && audit_has event=file.op verdict=deny rule=hold
'

test_expect_success 'a window that asks: its approvers decide what a rule would have allowed' '
	freeze_now "{id: careful, who: [\"*\"], on: [\"*\"], until: $end, do: ask, because: a freeze, approvers: [\"group:engineers\"]}" &&
	background asked bssh ci "$TEST_LOGIN@web1" "echo after all" && wait_until "grep -q pending asked.err" &&
	test_grep "rule=careful: a freeze" asked.err &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" asked.err) &&
	bssh eva bastion approve "$req" && ended asked 0 && test_grep "after all" asked.out
'

test_expect_success 'a push in such a window, held and approved; the parent agrees' '
	(cd clone && test_commit y) &&
	background push bgit ci -C clone push -q origin agent/x && wait_until "grep -q pending push.err" &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" push.err | head -n 1) &&
	bssh eva bastion approve "$req" && ended push 0 &&
	test "$(git -C clone rev-parse agent/x)" = "$(git -C "$STATE/repos/demo.git" rev-parse agent/x)"
'

test_expect_success 'what a rule asks about already is refused there: one approval cannot stand for two' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "printf risky" 2>err &&
	said_once err "rule=careful: a freeze; freeze careful and rule risky both ask"
'

test_expect_success 'policy test --at: the same at any time' '
	freeze_policy "{id: friday, who: [\"*\"], on: [web1], days: [fri], hours: \"16:00-24:00\", do: deny, because: weekend}" >frozen.yaml &&
	sallyport policy test frozen.yaml --as agent/ci --on web1 --at 2026-12-25T15:59Z -- true &&
	test_expect_code 77 sallyport policy test frozen.yaml --as agent/ci --on web1 --at 2026-12-25T16:00Z -- true >out &&
	test_grep "^deny rule=friday" out && test_grep "frozen until 2026-12-26T00:00Z" out &&
	sallyport policy test frozen.yaml --as agent/ci --on web1 --at 2026-12-26T00:00Z -- true &&
	test_expect_code 2 sallyport policy test frozen.yaml --as agent/ci --on web1 --at tomorrow -- true 2>err &&
	test_grep "must be a time in UTC" err
'

test_expect_success 'a window that cannot be read is one line, and the old policy stays' '
	freeze_policy "{id: f, who: [\"*\"], on: [\"*\"], do: deny, because: b, hours: 9-17}" >"$STATE/policy.yaml" &&
	test_must_fail sallyportd -t -f "$CONF" 2>err && test_line_count -eq 1 err && test_grep "policy.yaml:2: hours must be" err
'

test_expect_success 'the daemon ends in order' '
	stop_bastion && sallyport -f "$CONF" audit verify
'

test_done
