#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T13, T14: every kind of request, by every kind of identity, is decided: one table'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"

# The table is t/matrix.table: a row a kind, a column an identity. Each kind has a driver here, kind_NAME WHO DEST, that uses
# stock programs and succeeds only when it had its effect: output that came from the target, a file that is there, bytes that
# came back. What else happened is read from what was said. A kind or identity without a row or column here is an error.

BOX=$TRASH_DIRECTORY/box
TABLE=$TEST_SRCDIR/t/matrix.table

rules_of () {
	# $1: id prefix, $2: who, $3: more conditions, $4: do and because
	cat <<-EOT
	  - {id: $1-run, who: [$2], $3 exec: {any: true}, $4}
	  - {id: $1-shell, who: [$2], $3 shell: true, $4}
	  - {id: $1-system, who: [$2], $3 subsystem: ["*"], $4}
	  - {id: $1-files, who: [$2], $3 sftp: {paths: ["$BOX/**"]}, $4}
	  - {id: $1-sync, who: [$2], $3 sftp: {paths: ["$BOX/**"], ops: [sync]}, $4}
	  - {id: $1-forward, who: [$2], $3 forward: ["127.0.0.1:$service"], $4}
	  - {id: $1-listen, who: [$2], $3 listen: ["localhost:$at"], $4}
	EOT
}

git_of () {
	cat <<-EOT
	  - {id: $1-fetch, who: [$2], on: [$3], fetch: {repos: ["**"]}, $4}
	  - {id: $1-push, who: [$2], on: [$3], push: {repos: ["**"], refs: ["refs/heads/agent/**"]}, $4}
	EOT
}

matrix_policy () {
	cat <<-EOT
	profiles:
	  - {who: [agent/gated], use: exec-gated}
	  - {who: [agent/mover], use: transfer-only}
	  - {who: ["*"], use: shell-audited}
	rules:
	EOT
	for who in all gated mover denied asks
	do
		rules_of "$who" "agent/$who" 'on: [web1],' 'do: allow' && git_of "$who" "agent/$who" hosted 'do: allow' || return 1
	done
	rules_of no agent/denied 'on: ["*"],' 'do: deny, because: not for you' &&
	git_of no agent/denied '"*"' 'do: deny, because: not for you' &&
	rules_of login agent/login 'on: ["*"], login: [somebody-else],' 'do: allow' &&
	rules_of other agent/other 'on: [web2],' 'do: allow' && git_of other agent/other elsewhere 'do: allow'
}

# Drivers

kind_exec () { bssh "$1" "$2" "echo effect"; has_effect; }
kind_exec_tty () { BSSH_OPTS=-tt bssh "$1" "$2" "echo effect"; has_effect; }
kind_shell () { echo "echo effect" | bssh "$1" "$2"; has_effect; }
kind_shell_tty () { printf 'echo eff""ect\nexit\n' | BSSH_OPTS=-tt bssh "$1" "$2" | tr -d '\r'; has_effect; }
kind_bare_shell () { echo "echo effect" | bssh "$1" "$2" sh; has_effect; }
kind_env () { FOO=effect LD_PRELOAD_X=x BSSH_OPTS="-o SendEnv=FOO" bssh "$1" "$2" "printenv FOO; echo ran"; has_effect; }
kind_subsystem_netconf () { BSSH_OPTS=-s bssh "$1" "$2" netconf; has_effect; }
kind_subsystem_sftp_raw () { printf '\000\000\000\005\001\000\000\000\003' | BSSH_OPTS=-s bssh "$1" "$2" sftp | grep -q . && echo effect >out; has_effect; }

# batch WHO DEST COMMAND..: stock sftp; an error of a command is its status.
batch () {
	batch_who_=$1 batch_dest_=$2
	shift 2
	printf '%s\n' "$*" | sftp -q -b - -F "id/$batch_who_.conf" "$batch_dest_@127.0.0.1"
}

kind_sftp_get () { batch "$1" "$2" get "$BOX/file" got; cmp got "$BOX/file"; }
kind_sftp_put () { batch "$1" "$2" put mine "$BOX/new"; cmp mine "$BOX/new"; }
kind_sftp_ls () { batch "$1" "$2" ls -1 "$BOX"; grep -q "$BOX/file" out; }
kind_sftp_rm () { batch "$1" "$2" rm "$BOX/file"; test ! -e "$BOX/file"; }
kind_sftp_rename () { batch "$1" "$2" rename "$BOX/file" "$BOX/moved"; test -e "$BOX/moved"; }
kind_sftp_mkdir () { batch "$1" "$2" mkdir "$BOX/new"; test -d "$BOX/new"; }
kind_sftp_rmdir () { batch "$1" "$2" rmdir "$BOX/empty"; test ! -d "$BOX/empty"; }
kind_sftp_chmod () { batch "$1" "$2" chmod 600 "$BOX/file"; test "$(stat -c %a "$BOX/file")" = 600; }
kind_sftp_link () { batch "$1" "$2" ln -s file "$BOX/soft"; test -L "$BOX/soft"; }
kind_sftp_outside () { batch "$1" "$2" get "$TRASH_DIRECTORY/outside" got; cmp got outside; }
kind_sftp_dots () { batch "$1" "$2" get "$BOX/../outside" got; cmp got outside; }

copy () {
	copy_who_=$1 copy_dest_=$2
	shift 2
	"$@" -F "id/$copy_who_.conf" -o "User=$copy_dest_" -o HostName=127.0.0.1 -o "HostKeyAlias=[127.0.0.1]:$BASTION_PORT" \
		$copy_args_
}

kind_scp_get () { copy_args_="far:$BOX/file got" && copy "$1" "$2" scp -q; cmp got "$BOX/file"; }
kind_scp_put () { copy_args_="mine far:$BOX/new" && copy "$1" "$2" scp -q; cmp mine "$BOX/new"; }
kind_scp_old_get () { copy_args_="far:$BOX/file got" && copy "$1" "$2" scp -q -O; cmp got "$BOX/file"; }
kind_scp_old_put () { copy_args_="mine far:$BOX/new" && copy "$1" "$2" scp -q -O; cmp mine "$BOX/new"; }
kind_scp_old_outside () { copy_args_="far:$TRASH_DIRECTORY/outside got" && copy "$1" "$2" scp -q -O; cmp got outside; }

brsync () {
	brsync_who_=$1 brsync_dest_=$2
	shift 2
	rsync -e "ssh -F id/$brsync_who_.conf -o User=$brsync_dest_ -o HostName=127.0.0.1 -o HostKeyAlias=[127.0.0.1]:$BASTION_PORT" "$@"
}

kind_rsync_get () { brsync "$1" "$2" "far:$BOX/file" got; cmp got "$BOX/file"; }
kind_rsync_put () { brsync "$1" "$2" mine "far:$BOX/new"; cmp mine "$BOX/new"; }

kind_forward_W () { echo effect | bssh "$1" "$2" -W "127.0.0.1:$service"; grep -q EFFECT out; }
kind_forward_W_other () { echo effect | bssh "$1" "$2" -W "127.0.0.1:$unnamed"; grep -q EFFECT out; }
kind_forward_W_bastion () { echo effect | bssh "$1" "$2" -W "127.0.0.1:$BASTION_PORT"; grep -q SSH- out; }
kind_forward_W_metadata () { echo effect | bssh "$1" "$2" -W 169.254.169.254:80; grep -q HTTP out; }

# talk PORT [SOCKS-PORT]: what the service says, through a forwarded port, or asked for by SOCKS 4 there.
talk () {
	timeout 60 python3 talk.py "$@" >>out
}

# with_ssh WHO DEST PORT OPTION.. -- runs ssh -N until PORT accepts, then what "then" says.
with_ssh () {
	with_who_=$1 with_dest_=$2 with_port_=$3
	shift 3
	ssh -F "id/$with_who_.conf" -o LogLevel=INFO -o ExitOnForwardFailure=yes -N "$@" "$with_dest_@127.0.0.1" &
	with_pid_=$!
	wait_until "test-tool accepts $with_port_ || ! is_alive $with_pid_" && is_alive $with_pid_ && $then
	kill $with_pid_ 2>/dev/null
	wait $with_pid_
}

kind_forward_L () { then="talk $local" && with_ssh "$1" "$2" "$local" -L "$local:127.0.0.1:$service"; grep -q EFFECT out; }
kind_forward_D () { then="talk $local $service" && with_ssh "$1" "$2" "$local" -D "$local"; grep -q EFFECT out; }
kind_listen_R () { then="talk $at" && with_ssh "$1" "$2" "$at" -R "$at:127.0.0.1:$service"; grep -q EFFECT out; }
kind_listen_R_other () { then="talk $free" && with_ssh "$1" "$2" "$free" -R "$free:127.0.0.1:$service"; grep -q EFFECT out; }
kind_streamlocal_L () { then="talk $local" && with_ssh "$1" "$2" "$local" -L "$local:$TRASH_DIRECTORY/service.sock"; grep -q EFFECT out; }
kind_streamlocal_R () {
	then=: && rm -f far.sock && with_ssh "$1" "$2" 1 -R "$TRASH_DIRECTORY/far.sock:127.0.0.1:$service"
	test -e far.sock
}
kind_tun () { timeout 60 ssh -F "id/$1.conf" -o LogLevel=INFO -o ExitOnForwardFailure=yes -o Tunnel=yes -N "$2@127.0.0.1"; has_effect; }
kind_agent () { BSSH_OPTS="-A -o IdentityAgent=$TRASH_DIRECTORY/agent" bssh "$1" "$2" "ssh-add -l && echo effect"; has_effect; }
kind_x11 () { DISPLAY=:99 BSSH_OPTS="-X -o LogLevel=INFO" bssh "$1" "$2" "printenv DISPLAY && echo effect"; has_effect; }

kind_jump () {
	{
		printf 'Host gate\n\tHostName 127.0.0.1\n'
		printf 'Host web1\n\tPort 22\n\tProxyJump gate\n\tHostKeyAlias [127.0.0.1]:%s\n' "$BASTION_PORT"
		cat "id/$1.conf"
	} >"id/$1-jump.conf"
	ssh -F "id/$1-jump.conf" "$2" "echo effect"
	has_effect
}

kind_mux_second () {
	ssh -F "id/$1.conf" -o ControlMaster=yes -o ControlPath="$TRASH_DIRECTORY/mux-$1" -N "$2@127.0.0.1" &
	mux_pid_=$!
	wait_until "test -S mux-$1" && bssh "$1" "$2" -o ControlPath="$TRASH_DIRECTORY/mux-$1" "echo effect"
	mux_code_=$?
	kill $mux_pid_ && wait $mux_pid_
	has_effect && return 0
	return $mux_code_
}

kind_fetch () { rm -rf clone && bgit "$1" clone -q "$BASTION_URL/hosted/demo.git" clone; test -f clone/README; }
kind_fetch_raw () { printf 0000 | ssh -F "id/$1.conf" git@127.0.0.1 "git-upload-pack '/hosted/demo.git'" 2>&1 | grep -a -q refs/heads/main && echo effect >out; has_effect; }
kind_archive () { bgit "$1" archive --remote="$BASTION_URL/hosted/demo.git" main | tar -t | grep -q README; }
push_to () {
	git -C seed push "$BASTION_URL/hosted/demo.git" "+HEAD:refs/heads/$2"
	test "$(git -C "$STATE/repos/demo.git" rev-parse -q --verify "refs/heads/$2")" = "$(git -C seed rev-parse HEAD)"
}
kind_push () { GIT_SSH_COMMAND="ssh -F '$TRASH_DIRECTORY/id/$1.conf'" push_to "$1" "agent/$1"; }
kind_push_main () { GIT_SSH_COMMAND="ssh -F '$TRASH_DIRECTORY/id/$1.conf'" push_to "$1" main; }

kind_verb_whoami () { bssh "$1" bastion whoami; grep -q "agent/$1" out; }
kind_verb_policy () { bssh "$1" bastion policy; test -s out; }
kind_verb_pending () { bssh "$1" bastion pending; grep -q REQ- out; }
kind_verb_show () { bssh "$1" bastion show "$request"; grep -q "echo asked" out; }
kind_verb_approve () { bssh "$1" bastion approve "$request"; grep -q approved out; }
kind_verb_deny () { bssh "$1" bastion deny "$request" --reason no; grep -q denied out; }

has_effect () { tr -d '\r' <out | grep -q '^effect$'; }

# A cell: what became of it, in one word.
fresh () {
	rm -rf "$BOX" got out err && mkdir -p "$BOX/empty" && echo "a file" >"$BOX/file" && chmod 644 "$BOX/file" &&
	git -C seed commit -q --allow-empty -m again
}

outcome () {
	fresh || return 1
	if "kind_$1" "$2" "$3" >>out 2>err </dev/null
	then
		echo works
		return 0
	fi
	cell_rule_=$(cat out err | tr -d '\r' | sed -n 's/.*denied REQ-[A-Z0-9]* rule=\([^:]*\): .*/\1/p;s/.*denied rule=\([^:]*\): .*/\1/p' | head -n 1)
	if test -n "$cell_rule_"
	then
		echo "$cell_rule_"
	elif grep -q -e 'administratively prohibited' -e 'open failed' -e 'stdio forwarding failed' err
	then
		echo prohibited
	elif grep -q 'forwarding failed' err
	then
		echo no-listen
	elif grep -q 'forwarding request failed' err
	then
		echo no-forward
	elif grep -q 'sallyport: unreachable' err
	then
		echo unreachable
	elif grep -q -i 'permission denied' err
	then
		echo permission
	elif grep -q '^ran$' out
	then
		echo kept-back
	else
		echo nothing
	fi
}

command -v rsync >/dev/null && command -v sftp >/dev/null || skip_all 'no rsync or sftp here'

test_expect_success 'a bastion with two targets, a service beside them, and the identities of the table' '
	cat >service.py <<-\EOT &&
	import socket, sys, threading
	def serve(c):
	    with c:
	        while True:
	            d = c.recv(65536)
	            if not d: break
	            c.sendall(d.upper())
	def loop(s):
	    while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
	a = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
	u = socket.socket(socket.AF_UNIX); u.bind("service.sock"); u.listen(8)
	for s in a + [u]: threading.Thread(target=loop, args=(s,), daemon=True).start()
	open("ports.new", "w").write("%d %d\n" % tuple(s.getsockname()[1] for s in a))
	import os, time; os.rename("ports.new", "ports"); time.sleep(10**6)
	EOT
	cat >talk.py <<-\EOT &&
	import socket, struct, sys
	s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
	if len(sys.argv) > 2:
	    s.sendall(b"\x04\x01" + struct.pack(">H", int(sys.argv[2])) + bytes([127, 0, 0, 1]) + b"\x00")
	    a = b""
	    while len(a) < 8:
	        d = s.recv(8 - len(a))
	        if not d: sys.exit(1)
	        a += d
	s.sendall(b"effect\n")
	print(s.recv(100).decode())
	EOT
	{ python3 service.py & } && test_atexit "stop_pid $! service" && wait_until "test -s ports" &&
	read -r service unnamed <ports && local=$(test-tool free-port) && at=$(test-tool free-port) && free=$(test-tool free-port) &&
	{ ssh-agent -D -a agent >/dev/null 2>&1 & } && test_atexit "stop_pid $! ssh-agent" && wait_until "test -S agent" &&
	echo mine >mine && echo outside >outside && matrix_policy >policy &&
	cat >>policy <<-\EOT &&
	  - {id: ask, who: [agent/asks], on: [web1], exec: ["echo asked"], do: ask, because: ask first, approvers: ["human/*"]}
	EOT
	BASTION_POLICY=$PWD/policy && init_bastion && start_target web1 && start_target web2 && seed_repo demo && write_config &&
	start_bastion && git clone -q "$STATE/repos/demo.git" seed &&
	for who in $(sed -n "s/^kind //p" "$TABLE")
	do
		make_identity "$who" "agent/$who" || return 1
	done &&
	make_identity asks agent/asks &&
	SSH_AUTH_SOCK=$TRASH_DIRECTORY/agent ssh-add -q id/all
'

test_expect_success 'a request that waits, for the verbs' '
	BSSH_OPTS="-o SetEnv=SALLYPORT_WAIT=0" test_expect_code 75 bssh asks "$TEST_LOGIN@web1" "echo asked" 2>err &&
	request=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" err) && test -n "$request"
'

test_expect_success 'the table has every kind that is known here, once' '
	grep -o "^kind_[A-Za-z_0-9]*" "$TEST_SRCDIR/t/t6900-matrix.sh" | sed "s/^kind_//" | sort >known &&
	sed -n "/^#/d;/^kind /d;s/ .*//p" "$TABLE" | grep . | sort >listed && test_cmp known listed
'

set -- $(sed -n 's/^kind //p' "$TABLE")
identities=$*
grep -v -e '^#' -e '^kind ' -e '^$' "$TABLE" >rows
while read -r kind expected
do
	test_expect_success "$kind: $expected" '
		set -- $identities && echo "$kind" >cells.got && echo "$kind" >cells.expect &&
		for expect in $expected
		do
			got=$(outcome "$kind" "$1" "$TEST_LOGIN@web1") &&
			echo "$1 $expect" >>cells.expect && echo "$1 $got" >>cells.got &&
			{ test "$got" = "$expect" || { cat out err; }; } && shift || return 1
		done &&
		test $# -eq 0 && test_cmp cells.expect cells.got
	'
done <rows

test_expect_success 'who may do nothing on web1 was never there' '
	for who in none login other
	do
		test_grep ! "ID \"*agent/$who " target-web1/log || return 1
	done &&
	test_grep "ID \"*agent/all " target-web1/log
'

test_expect_success 'every refusal of them is on record' '
	for who in none denied login other
	do
		for event in exec.decision forward.decision
		do
			audit_has event=$event "identity=agent/$who" verdict=deny || return 1
		done
	done
'

test_expect_success 'no request of another was decided by who may not' '
	bssh asks bastion status "$request" >out && test_grep pending out
'

test_expect_success 'the bastion is well' '
	bastion_is_well && stop_bastion
'

test_done
