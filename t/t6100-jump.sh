#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='ssh -J through the bastion: the inner SSH ends here too, is decided and recorded, and is bound to its outer one'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# jssh NAME LOGIN@TARGET COMMAND..: by ProxyJump; the inner host key is the bastion's as well.
jssh () {
	jssh_conf=$TRASH_DIRECTORY/id/$1-j.conf
	{
		printf 'Host gate\n\tHostName 127.0.0.1\n'
		test -z "$JMUX" || printf '\tControlMaster auto\n\tControlPath %s\n\tControlPersist yes\n' "$JMUX"
		printf 'Host web1 web2 elsewhere\n\tPort 22\n\tProxyJump gate\n\tHostKeyAlias [127.0.0.1]:%s\n' "$BASTION_PORT"
		cat "$TRASH_DIRECTORY/id/$1.conf"
	} >"$jssh_conf"
	shift
	# shellcheck disable=SC2086
	ssh -F "$jssh_conf" $BSSH_OPTS "$@"
}

test_expect_success 'a bastion with two targets, an agent that may reach one, another agent' '
	cat >policy <<-\EOT &&
	rules:
	  - {id: one, who: [agent/ci], on: [web1], exec: {any: true}, do: allow}
	  - {id: two, who: [agent/both], on: ["*"], exec: {any: true}, do: allow}
	  - {id: not-this, who: [agent/ci], on: [web1], exec: ["printf forbidden"], do: deny, because: it is forbidden}
	EOT
	BSSH_OPTS="-o LogLevel=INFO" && BASTION_POLICY=$PWD/policy &&
	init_bastion && start_target web1 && start_target web2 && write_config && start_bastion &&
	make_identity ci agent/ci && make_identity both agent/both
'

test_expect_success 'a command on the target, with its status; the login is the user name' '
	test_expect_code 3 jssh ci "$TEST_LOGIN@web1" "echo inside; exit 3" >out && echo inside >expect && test_cmp expect out
'

test_expect_success 'it has its own session, bound to the outer one, its own record and recording' '
	audit_has event=session.start target=web1 "outer=S-*" && outer=$(sed -n "s/.*\"outer\":\"\([^\"]*\)\".*/\1/p" rec) &&
	audit_has event=forward.start jump=web1 "session=$outer" &&
	audit_has event=exec.start "command=echo inside; exit 3" target=web1 &&
	rec=$(recording_of status=3) && test_grep inside "$rec"
'

test_expect_success 'policy decides inside as everywhere' '
	test_expect_code 77 jssh ci "$TEST_LOGIN@web1" "printf forbidden" 2>err >out && test_must_be_empty out &&
	said_once err "denied REQ-[A-Z0-9]* rule=not-this: it is forbidden"
'

test_expect_success 'a target that no rule opens is not jumped to, and it is on record' '
	test_expect_code 255 jssh ci "$TEST_LOGIN@web2" true 2>err &&
	test_grep "stdio forwarding failed" err &&
	audit_has event=forward.decision verdict=deny "to=web2:22" &&
	audit_lacks event=session.start target=web2
'

test_expect_success 'what is no target is not dialled from the bastion' '
	test_expect_code 255 jssh ci "$TEST_LOGIN@elsewhere" true 2>err &&
	audit_has event=forward.decision verdict=deny "to=elsewhere:22" &&
	test_expect_code 255 bssh ci bastion -W "127.0.0.1:$BASTION_PORT" </dev/null 2>err &&
	audit_has event=forward.decision verdict=deny "to=127.0.0.1:$BASTION_PORT"
'

test_expect_success 'a target named by the address that is dialled is that target: no blind connection to it' '
	conversation blind bssh ci bastion -W "127.0.0.1:$TARGET_PORT_web1" && wait_until "test -s blind.out" && exec 9>&- &&
	wait_until "test -e blind.status" && tr -d "\0" <blind.out >banner &&
	test_grep "SSH-2.0-Sallyport" banner &&
	test_grep ! OpenSSH banner
'

test_expect_success 'the inner identity must be the outer one' '
	jssh both "$TEST_LOGIN@web2" true &&
	sed -e "/^Host \*/,\$d" id/both-j.conf >mixed.conf && sed "s,^Host \*,Host gate," id/ci.conf >>mixed.conf &&
	sed "s,^Host \*,Host web1," id/both.conf | grep -v Port >>mixed.conf &&
	test_must_fail ssh -F mixed.conf "$TEST_LOGIN@web1" "echo ran" >out 2>err && test_must_be_empty out &&
	said_once err "not let in: not the identity of the connection that it comes through" &&
	audit_lacks event=session.start identity=agent/both target=web1
'

test_expect_success 'several targets over one kept outer connection, each decided and recorded by itself' '
	JMUX=$TRASH_DIRECTORY/mux && test_atexit "ssh -O exit -o ControlPath=$JMUX x 2>/dev/null" &&
	jssh both gate whoami >/dev/null && test -S "$JMUX" &&
	jssh both "$TEST_LOGIN@web1" "echo a-web1" >out && jssh both "$TEST_LOGIN@web2" "echo b-web2" >>out && JMUX= &&
	printf "a-web1\nb-web2\n" >expect && test_cmp expect out &&
	audit_has event=session.start target=web1 identity=agent/both && one=$(sed -n "s/.*\"outer\":\"\([^\"]*\)\".*/\1/p" rec | tail -1) &&
	audit_has event=session.start target=web2 identity=agent/both && two=$(sed -n "s/.*\"outer\":\"\([^\"]*\)\".*/\1/p" rec | tail -1) &&
	test "$one" = "$two"
'

test_expect_success 'half-close passes, and bulk arrives whole both ways' '
	head -c 8388608 /dev/urandom >blob &&
	jssh ci "$TEST_LOGIN@web1" "cat | sha256sum; head -c 4194304 /dev/zero | sha256sum" <blob >out &&
	{ sha256sum <blob; head -c 4194304 /dev/zero | sha256sum; } >expect && test_cmp expect out &&
	jssh ci "$TEST_LOGIN@web1" cat <blob >back && cmp blob back
'

test_expect_success 'the end of the outer connection is the end of the inner one' '
	background one jssh ci "$TEST_LOGIN@web1" "echo up; exec sleep 30" &&
	wait_until "grep -q up one.out" && audit_has event=exec.start "command=echo up; exec sleep 30" &&
	audit_has event=session.start target=web1 identity=agent/ci && outer=$(sed -n "s/.*\"outer\":\"\([^\"]*\)\".*/\1/p" rec | tail -1) &&
	sallyport -f "$CONF" sessions kill "$outer" >/dev/null &&
	audit_has event=exec.end signal=HUP
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
