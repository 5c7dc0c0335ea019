#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='which kinds of request a profile lets through to the rules, with stock ssh, sftp, scp and git'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# The rules allow everything to everybody: what is refused here, the profile refused.
cat >open-policy <<-\EOT
profiles:
  - {who: [agent/audited], use: shell-audited}
  - {who: ["group:movers"], use: transfer-only}
rules:
  - {id: run, who: ["*"], on: ["*"], exec: {any: true}, do: allow}
  - {id: unresolved-too, who: ["*"], on: ["*"], exec: {unresolved: true}, do: ask, because: it cannot be told,
     approvers: ["group:engineers"]}
  - {id: log-in, who: ["*"], on: ["*"], shell: true, do: allow}
  - {id: systems, who: ["*"], on: ["*"], subsystem: ["*"], do: allow}
  - {id: files, who: ["*"], on: ["*"], sftp: {}, do: allow}
  - {id: rsync-into, who: ["*"], on: ["*"], sftp: {ops: [sync]}, do: allow}
  - {id: forwards, who: ["*"], on: ["*"], forward: ["127.0.0.1:PORT"], do: allow}
  - {id: read, who: ["*"], on: [hosted], fetch: {}, do: allow}
  - {id: write, who: ["*"], on: [hosted], push: {}, do: allow}
EOT
BASTION_POLICY=$PWD/open-policy

test_expect_success 'a bastion that allows everything, and four identities' '
	init_bastion && start_target web1 && seed_repo demo && sed -i "s/PORT/$BASTION_PORT/" open-policy &&
	write_config && start_bastion &&
	make_identity gated agent/gated && make_identity audited agent/audited &&
	make_identity mover agent/mover --group movers && make_identity kim human/kim
'

if command -v rsync >/dev/null
then
	test_set_prereq RSYNC
fi

# refused_by PROFILE FILE: one line, by that rule, with what to do next.
refused_by () {
	tr -d '\r' <"$2" >refused.lines && said_once refused.lines "^sallyport: denied REQ-[A-Z0-9]* rule=profile-$1: .*; .*"
}

# into NAME COMMAND..: a shell without a terminal, fed by its standard input.
into () {
	into_=$1
	shift
	bssh "$into_" "$TEST_LOGIN@web1" "$@"
}

test_expect_success 'a command: all but transfer-only' '
	for who in gated audited kim
	do
		echo ran >expect && into $who "echo ran" >out </dev/null && test_cmp expect out || return 1
	done &&
	test_expect_code 77 into mover "echo ran" >out 2>err </dev/null && test_must_be_empty out && refused_by transfer-only err &&
	audit_has event=exec.decision identity=agent/mover kind=exec verdict=deny rule=profile-transfer-only
'

test_expect_success 'a shell: shell-audited alone' '
	for who in audited kim
	do
		echo "in a shell" >expect && echo "echo in a shell" | into $who >out && test_cmp expect out || return 1
	done &&
	for pair in gated:exec-gated mover:transfer-only
	do
		echo "echo in a shell" >in && test_expect_code 77 into ${pair%:*} >out 2>err <in && test_must_be_empty out &&
		refused_by ${pair#*:} err || return 1
	done && test_grep "use sftp, scp, rsync or git" err &&
	audit_has event=exec.decision identity=agent/gated kind=shell verdict=deny rule=profile-exec-gated
'

test_expect_success 'a terminal for a command: shell-audited alone; the others read why and end with 77, not 255' '
	for who in audited kim
	do
		BSSH_OPTS=-tt into $who tty >out </dev/null && test_grep "^/dev/pts/" out || return 1
	done &&
	for pair in gated:exec-gated mover:transfer-only
	do
		BSSH_OPTS="-tt -o LogLevel=INFO" test_expect_code 77 into ${pair%:*} tty >out 2>err </dev/null && test_must_be_empty out &&
		grep -v "^Connection to .* closed" err | grep "^sallyport" >line && refused_by ${pair#*:} line || return 1
	done &&
	BSSH_OPTS=-tt test_expect_code 77 into gated tty 2>err </dev/null && test_grep "ssh -T .. .COMMAND." err
'

test_expect_success 'a terminal for a shell likewise' '
	BSSH_OPTS=-tt test_expect_code 77 into gated >out 2>err </dev/null && test_must_be_empty out && refused_by exec-gated err &&
	BSSH_OPTS=-tt into audited >out 2>err <<-\EOT &&
	tty; exit
	EOT
	test_grep "^/dev/pts/" out
'

test_expect_success 'a terminal is no obstacle to the commands of the bastion itself' '
	for who in gated mover
	do
		BSSH_OPTS=-tt bssh $who bastion whoami >out </dev/null && test_grep "^identity     agent/$who" out || return 1
	done
'

# with NAME PROGRAM ARGUMENT..: stock sftp or scp as that identity.
with () {
	with_conf_=id/$1.conf
	with_program_=$2
	shift 2
	"$with_program_" -q -F "$with_conf_" -o User="$TEST_LOGIN@web1" "$@"
}

test_expect_success 'sftp and scp over it: everybody' '
	head -c 5000 /dev/urandom >file &&
	for who in gated audited mover kim
	do
		echo "put file $PWD/by-sftp-$who" >batch && with $who sftp -b batch 127.0.0.1 >out 2>&1 &&
		test_cmp file by-sftp-$who && with $who scp file "127.0.0.1:$PWD/by-scp-$who" && test_cmp file by-scp-$who &&
		with $who scp "127.0.0.1:$PWD/by-scp-$who" back && test_cmp file back || return 1
	done
'

test_expect_success 'scp of the old kind, which is a command: everybody; a command that holds one is a command' '
	for who in gated audited mover kim
	do
		with $who scp -O file "127.0.0.1:$PWD/by-scp-O-$who" && test_cmp file by-scp-O-$who || return 1
	done &&
	test_expect_code 77 into mover "scp -t $PWD; true" 2>err </dev/null && refused_by transfer-only err
'

test_expect_success RSYNC 'rsync' '
	for who in gated mover
	do
		rsync -e "ssh -F id/$who.conf -l $TEST_LOGIN@web1" file "127.0.0.1:$PWD/by-rsync-$who" && test_cmp file by-rsync-$who ||
			return 1
	done
'

test_expect_success 'a subsystem that is not sftp: not for transfer-only' '
	BSSH_OPTS=-s test_expect_code 77 into mover netconf </dev/null 2>err && refused_by transfer-only err &&
	BSSH_OPTS=-s test_expect_code 69 into gated netconf </dev/null 2>err && test_grep "the target refused" err
'

test_expect_success 'git: everybody' '
	for who in gated audited mover kim
	do
		bgit $who clone -q "$BASTION_URL/hosted/demo.git" clone-$who &&
		(cd clone-$who && test_commit by-$who) && bgit $who -C clone-$who push -q origin HEAD:refs/heads/$who &&
		test "$(git -C clone-$who rev-parse HEAD)" = "$(git -C "$STATE/repos/demo.git" rev-parse refs/heads/$who)" || return 1
	done
'

test_expect_success 'forwarding: not for exec-gated and transfer-only' '
	for who in audited kim
	do
		BSSH_OPTS="-W 127.0.0.1:$BASTION_PORT" into $who >out </dev/null && test_grep "^SSH-2.0-" out || return 1
	done &&
	for pair in gated:exec-gated mover:transfer-only
	do
		BSSH_OPTS="-W 127.0.0.1:$BASTION_PORT" test_must_fail into ${pair%:*} >out </dev/null && test_must_be_empty out &&
		audit_has event=forward.decision identity=agent/${pair%:*} verdict=deny rule=profile-${pair#*:} || return 1
	done
'

test_expect_success 'whoami and policy tell the profile' '
	bssh gated bastion whoami >out && test_grep "^profile      exec-gated: commands" out &&
	BSSH_OPTS="-o SetEnv=SALLYPORT_FORMAT=json" bssh mover bastion whoami >out && test_grep "\"profile\":\"transfer-only\"" out &&
	bssh kim bastion policy >out && test_grep "^Your profile is shell-audited: " out && test_grep ! "not for you" out
'

test_expect_success 'of the rules that a profile makes void policy says so' '
	bssh gated bastion policy >out && cat out && test_grep "allow shell on .*not for you: your profile permits none of it" out &&
	test_grep ! "exec on .*not for you" out && bssh mover bastion policy >out && test_grep "exec on .*not for you" out &&
	test_grep ! "sftp on .*not for you" out
'

test_expect_success 'policy test says the same from the file' '
	test_expect_code 77 sallyport policy test "$CONF" --as agent/gated --on web1 --shell >out && test_grep "rule=profile-exec-gated" out &&
	test_expect_code 77 sallyport policy test "$CONF" --as agent/gated --on web1 --pty -- true >out && test_grep "rule=profile-exec-gated" out &&
	sallyport policy test "$CONF" --as human/kim --on web1 --shell >out && test_grep "^profile: shell-audited" out &&
	sallyport policy test "$CONF" --as agent/x --group movers --on web1 --subsystem sftp &&
	test_expect_code 77 sallyport policy test "$CONF" --as agent/x --group movers --on web1 -- true &&
	test_expect_code 77 sallyport policy test "$CONF" --as agent/gated --on web1 --forward db:5432
'

test_expect_success 'a reload changes the profile of new sessions, not of one that is there' '
	ssh -F id/gated.conf -o ControlPath="$PWD/mux" -M -N -f "$TEST_LOGIN@web1@127.0.0.1" &&
	test_when_finished "ssh -F id/gated.conf -o ControlPath=\"$PWD/mux\" -O exit x 2>/dev/null" &&
	sed "s,agent/audited,agent/*," open-policy >"$STATE/policy.yaml" && sallyport -f "$CONF" reload &&
	echo "echo in a shell" >in && into gated <in >out && test_grep "in a shell" out &&
	BSSH_OPTS="-o ControlPath=$PWD/mux" test_expect_code 77 into gated 2>err <in && refused_by exec-gated err
'

test_expect_success 'the daemon ends in order' '
		stop_bastion && sallyport -f "$CONF" audit verify
'

test_done
