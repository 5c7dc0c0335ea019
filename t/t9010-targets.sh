#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a target that cannot be had is 69 and one clear line; a name that is none is refused'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# unreached DESTINATION TEXT [STATUS]: nothing runs; 69, and one line with TEXT.
unreached () {
	test_expect_code "${3-69}" bssh ci "$1" "echo it ran" >out 2>err && test_must_be_empty out && said_once err "$2"
}

test_expect_success 'a bastion with targets that are down, have another key, know another CA, speak no SSH, say nothing' '
	init_bastion && start_target web1 && start_target down && start_target imposter && start_target strange &&
	ssh-keygen -q -t ed25519 -N "" -f other && cp target-imposter/host real-host &&
	write_config "limits: {dial_timeout: 2s}" &&
	stop_target down &&
	stop_target imposter && rm target-imposter/host* && bastion_targets_= && start_target imposter "Port $TARGET_PORT_imposter" &&
	stop_target strange && cp other.pub "target-strange/ca.pub" &&
	sed -i "s,^TrustedUserCAKeys.*,TrustedUserCAKeys $TRASH_DIRECTORY/other.pub," target-strange/config &&
	{ "$SSHD" -D -e -f target-strange/config >target-strange/log 2>&1 & } && strange=$! && test_atexit "stop_pid $strange sshd" &&
	wait_until "test-tool accepts $TARGET_PORT_strange" &&
	start_bastion && make_identity ci agent/ci
'

test_expect_success 'the good one is fine' '
	bssh ci "$TEST_LOGIN@web1" "echo it ran" >out && test_grep "it ran" out
'

test_expect_success 'a target that is down' '
	unreached "$TEST_LOGIN@down" "^sallyport: unreachable REQ-[A-Z0-9]*: .*down.*refused.*; nothing has run; try again later, or tell"
'

test_expect_success 'a target with another host key: a hard stop that names it, and no certificate was shown to it' '
	unreached "$TEST_LOGIN@imposter" "^sallyport: unreachable REQ-[A-Z0-9]*: .*imposter.*host key" &&
	test_grep ! "Accepted\|Failed publickey" target-imposter/log &&
	audit_lacks event=cert.mint target=imposter
'

test_expect_success 'a target that does not know our CA' '
	unreached "$TEST_LOGIN@strange" "^sallyport: unreachable REQ-[A-Z0-9]*: .*strange.*\(refused\|accept\|TrustedUserCAKeys\)"
'

test_expect_success 'a login that the target does not have' '
	unreached "nosuchuser@web1" "^sallyport: unreachable REQ-[A-Z0-9]*: "
'

test_expect_success 'a target that nobody has heard of, in the words for one that may not be reached' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@nowhere" "echo it ran" >out 2>err || test_expect_code 69 bssh ci "$TEST_LOGIN@nowhere" "echo it ran" >out 2>err
	test_must_be_empty out && said_once err nowhere
'

# bad_name USER: with exactly this user name nothing runs, the status is one of ours, and there is one line.
bad_name () {
	printf 'Host *\n\tUser "%s"\n' "$(printf %s "$1" | sed 's/["\\]/\\&/g')" >id/name.conf && cat id/ci.conf >>id/name.conf &&
	ssh -F id/name.conf 127.0.0.1 "echo it ran" >out 2>err </dev/null
	status=$?
	test "$status" -eq 69 || test "$status" -eq 77 || { printf "%s: status %s\n" "$1" "$status" >&2 && cat err >&2; return 1; }
	test_must_be_empty out && said_once err ""
}

test_expect_success 'logins and targets with characters that have no place in a name' '
	for name in "ro'\''ot@web1" "ro\"ot@web1" "root;id@web1" "\$(id)@web1" "-oProxyCommand=x@web1" "root@we b1" "root@../web1" \
		"..@web1" "@web1" "root@" "ro@ot@web1" "root@web1/x" "$(printf "root@we\tb1")" \
		"$(printf "root@we\303\251b1")" "root@web1%00" "root%00@web1" "ROOT@WEB1" "root@web1."
	do
		bad_name "$name" || return 1
	done
'

test_expect_success 'a user name of four thousand bytes is not let in; the record says why (ssh shows only the name, cut off)' '
	long=$(head -c 4000 /dev/zero | tr "\0" a) &&
	for name in "$long@web1" "$TEST_LOGIN@$long" "$long"
	do
		printf "Host *\n\tUser %s\n" "$name" >id/name.conf && cat id/ci.conf >>id/name.conf &&
		test_expect_code 255 ssh -F id/name.conf 127.0.0.1 "echo it ran" >out 2>err </dev/null && test_must_be_empty out || return 1
	done && audit_has event=auth.fail "why=the user name is longer than 256 bytes*"
'

test_expect_success 'a command of thirty thousand bytes runs, one of forty thousand is refused' '
	word=$(head -c 30000 /dev/zero | tr "\0" a) &&
	bssh ci "$TEST_LOGIN@web1" "echo $word | wc -c" >out && echo 30001 >expect && test_cmp expect out &&
	word=$(head -c 40000 /dev/zero | tr "\0" a) &&
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "echo $word | wc -c" >out 2>err && said_once err "put it into a file"
'

test_expect_success 'one that would not fit into a record does not run' '
	word=$(head -c 32000 /dev/zero | tr "\0" "\"") &&
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "echo '\''$word'\'' | wc -c" >out 2>err && test_must_be_empty out &&
	said_once err "denied REQ-[A-Z0-9]* rule=malformed: the command is too long to be recorded whole; put it into a file" &&
	audit_has event=exec.decision verdict=deny rule=malformed
'

test_expect_success 'the bastion is unharmed' '
	bssh ci "$TEST_LOGIN@web1" "echo it ran" >out && stop_bastion
'

test_done
