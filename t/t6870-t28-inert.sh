#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T28: what a terminal would obey is shown as text, wherever an agent can have it written'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
ESC=$(printf '\033')
C1=$(printf '\302\233')		# CSI as one character of UTF-8
BIDI=$(printf '\342\200\256')	# right-to-left override
EVIL="$ESC]52;c;ZXZpbA==$(printf '\007')$ESC]0;owned$(printf '\007')$ESC[21t${ESC}P+q$ESC\\$ESC]8;;http://evil/$ESC\\${C1}31m$BIDI"

# inert FILE..: there is something in it, and nothing but printable ASCII, tabs and ends of lines.
inert () {
	for inert_file_
	do
		test -s "$inert_file_" || { echo >&2 "$inert_file_ is empty"; return 1; }
		tr -d '\n\t -~' <"$inert_file_" >inert.rest && test_must_be_empty inert.rest || { cat -v "$inert_file_" >&2; return 1; }
	done
}

# quiet FILE: no sequence that does more than colour and place text: no OSC, DCS, window report, C1 or override of direction.
quiet () {
	! LC_ALL=C grep -a -e "$ESC[]P^_X]" -e "$ESC\[[0-9;]*t" -e "$C1" -e "$BIDI" "$1" >quiet.found || { cat -v quiet.found >&2; return 1; }
}

test_expect_success 'a bastion with a receiver of webhooks' '
	{
		default_policy
		cat <<-EOT
		  - {id: systems, who: [agent/*], on: ["*"], subsystem: [sftp], do: allow}
		  - {id: files, who: [agent/*], on: ["*"], sftp: {paths: ["$TRASH_DIRECTORY/box/**"]}, do: allow}
		EOT
	} >policy && BASTION_POLICY=$PWD/policy && mkdir box &&
	init_bastion && start_target web1 && seed_repo demo && start_sink &&
	write_config "approvals: {webhooks: [{url: \"$WEBHOOK_URL\", secret_file: keys/webhook}]}" && start_bastion &&
	make_identity ci agent/ci && make_identity eva human/eva --group engineers
'

test_expect_success 'in commands: control characters are refused, others are shown as what they are' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "printf %s \"$EVIL\"" 2>err && inert err && said_once err rule=malformed &&
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "printf risky \"$C1\"" 2>err && inert err && said_once err rule=malformed &&
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "printf risky \"$BIDI\"" 2>err && inert err && said_once err rule=malformed
'

test_expect_success 'in input that goes with a command, and in what is said of it' '
	printf "shown %s" "$EVIL" >evil &&
	BSSH_OPTS="-o SetEnv=SALLYPORT_WAIT=0" test_expect_code 75 bssh ci "$TEST_LOGIN@web1" "printf risky; cat" <evil 2>err && inert err &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" err) && test -n "$req"
'

test_expect_success 'in user names, variables, subsystems, verbs' '
	{
		ssh -F id/ci.conf -l "$EVIL" 127.0.0.1 whoami
		ssh -F id/ci.conf -l "$EVIL@web1" 127.0.0.1 true
		ssh -F id/ci.conf -o SetEnv="AI_AGENT=$EVIL" "$TEST_LOGIN@web1@127.0.0.1" true
		BSSH_OPTS=-s bssh ci "$TEST_LOGIN@web1" "$EVIL"
		bssh ci bastion "$EVIL"
		bssh ci bastion status "$EVIL"
	} >out 2>err </dev/null
	grep -a "^sallyport: " err >lines && cat -v lines && inert lines && test "$(wc -l <lines)" -ge 3
'

test_expect_success 'in names of files, of repositories and references, and in what commits say' '
	name=$(printf "%s" "$EVIL" | tr -d "/\\\\") && echo x >mine && mkdir there && : >"there/$name" &&
	sftp -q -F id/ci.conf -b - "$TEST_LOGIN@web1@127.0.0.1" >out 2>err <<-EOT &&
	put there/* $TRASH_DIRECTORY/box
	EOT
	ls box >names && test -s names && audit_has event=file.transfer direction=in &&
	test_must_fail bgit ci clone "$BASTION_URL/hosted/$EVIL.git" 2>err && grep -a "sallyport:" err >lines && inert lines &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work && echo y >"work/f$BIDI$C1" && git -C work add -A &&
	git -C work commit -qm "$EVIL" &&
	GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf" && export GIT_SSH_COMMAND &&
	git -C work push -q origin "HEAD:refs/heads/agent/x" &&
	{ test_must_fail git -C work push -q origin "HEAD:refs/heads/agent/$BIDI$C1" 2>err || { cat -v err; false; }; } &&
	unset GIT_SSH_COMMAND &&
	grep -a "sallyport" err | sed "s/$ESC\[[0-9;]*[mK]//g" >lines && cat -v lines && inert lines
'

test_expect_success 'in output: it passes to who asked for it, as it is' '
	bssh ci "$TEST_LOGIN@web1" "cat $TRASH_DIRECTORY/evil; exit 9" >out
	test $? -eq 9 && cmp evil out
'

test_expect_success 'the approver sees text' '
	bssh eva bastion pending >out && inert out && bssh eva bastion show "$req" >out && inert out &&
	bssh eva bastion deny "$req" --reason "$EVIL" >out 2>err; cat out err >both && inert both &&
	bssh ci bastion status "$req" >out && inert out
'

test_expect_success 'so does whoever reads webhooks, the log, the daemon'\''s own words' '
	wait_until "test -f sink/000.json" && inert sink/*.json &&
	inert state/audit/log.jsonl && inert daemon.log &&
	sallyport -f "$CONF" audit search "event=*" >out && inert out &&
	sallyport -f "$CONF" sessions list >out && inert out &&
	for id in $(grep -o "S-[A-Z0-9]*" out | sort -u)
	do
		sallyport -f "$CONF" sessions show "$id" >one && inert one || return 1
	done
'

test_expect_success 'replaying does not reach the clipboard, the title, or the terminal'\''s answers' '
	rec=$(recording_of status=9) && test -f "$rec" &&
	id=$(basename "$rec" .cast) && sallyport -f "$CONF" replay "$id" --instant >out 2>err
	test_grep "^shown" out && quiet out
'

test_expect_success 'the bastion is well' '
	bastion_is_well && stop_bastion
'

test_done
