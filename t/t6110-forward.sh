#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='ssh -L, -W, -D: only to destinations that policy names, from the target, on record'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
test -z "$PARAMIKO_PYTHON" || test_set_prereq PARAMIKO
. "$TEST_SRCDIR/t/lib-faults.sh"

command -v python3 >/dev/null || skip_all 'no python3 here'

# echo_server NAME: what it is sent comes back, upper case; ECHO_PORT.
echo_server () {
	cat >echo.py <<-\EOT
	import socket, sys, threading
	def serve(c):
	    with c:
	        while True:
	            d = c.recv(65536)
	            if not d:
	                break
	            c.sendall(d.upper())
	s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(64)
	open(sys.argv[1], "w").write(str(s.getsockname()[1]))
	while True:
	    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
	EOT
	python3 echo.py "$1" &
	test_atexit "stop_pid $! echo"
	wait_until "test -s '$1'" && ECHO_PORT=$(cat "$1")
}

test_expect_success 'a bastion, a service beside the target, an agent that may reach it and one that may not' '
	echo_server port1 && named=$ECHO_PORT && echo_server port2 && other=$ECHO_PORT &&
	cat >policy <<-EOT &&
	profiles:
	  - {who: ["*"], use: shell-audited}
	rules:
	  - {id: run, who: [agent/*], on: [web1], exec: {any: true}, do: allow}
	  - {id: service, who: [agent/ci], on: [web1], forward: {to: ["127.0.0.1:$named", "localhost:$named"]}, do: allow}
	  - {id: wide, who: [agent/wide], on: [web1], forward: {to: ["*:*"]}, do: allow}
	  - id: asked
	    who: [agent/asks]
	    on: [web1]
	    forward: {to: ["127.0.0.1:$named"]}
	    do: ask
	    because: the service is precious
	    approvers: ["human/*"]
	EOT
	BSSH_OPTS="-o LogLevel=INFO" && BASTION_POLICY=$PWD/policy && setup_bastion "approvals: {wait: 20s}" &&
	make_identity ci agent/ci && make_identity none agent/none && make_identity wide agent/wide &&
	make_identity asks agent/asks && make_identity eva human/eva
'

test_expect_success '-W: bytes pass both ways, and the end of one way is not that of the other' '
	printf "hello\n" | bssh ci "$TEST_LOGIN@web1" -W "127.0.0.1:$named" >out && echo HELLO >expect && test_cmp expect out &&
	audit_has event=forward.start rule=service "to=127.0.0.1:$named" target=web1 && audit_has event=forward.end sent=6 received=6
'

test_expect_success 'no other port, no other name for it, and an identity without the rule gets nothing' '
	for to in "127.0.0.1:$other" "127.0.0.2:$named" "web1.example:$named" "169.254.169.254:80" "[::1]:$named"
	do
		test_expect_code 255 bssh ci "$TEST_LOGIN@web1" -W "$to" </dev/null >out 2>err &&
		test_must_be_empty out && test_grep "administratively prohibited" err || return 1
	done &&
	test_expect_code 255 bssh none "$TEST_LOGIN@web1" -W "127.0.0.1:$named" </dev/null 2>err &&
	audit_has event=forward.decision identity=agent/none verdict=deny rule=default "to=127.0.0.1:$named"
'

test_expect_success 'every spelling of an address is that address' '
	printf "x\n" | bssh ci "$TEST_LOGIN@web1" -W "127.1:$named" >out && test_grep X out &&
	printf "y\n" | bssh ci "$TEST_LOGIN@web1" -W "2130706433:$named" >out && test_grep Y out &&
	printf "z\n" | bssh ci "$TEST_LOGIN@web1" -W "LOCALHOST.:$named" >out && test_grep Z out
'

test_expect_success 'a wildcard gives away neither the target itself, nor its metadata service, nor a second SSH' '
	for to in "127.0.0.1:$named" "localhost:$named" "0x7f.1:$named" "[::ffff:127.0.0.1]:$named" 169.254.169.254:80 0:80 example.org:22
	do
		test_expect_code 255 bssh wide "$TEST_LOGIN@web1" -W "$to" </dev/null 2>err &&
		test_grep "administratively prohibited" err || return 1
	done
'

test_expect_success '-L and -D: stock ssh listens, several connections at once, commands go on beside them' '
	lport=$(test-tool free-port) && dport=$(test-tool free-port) &&
	conversation one bssh ci "$TEST_LOGIN@web1" -L "127.0.0.1:$lport:127.0.0.1:$named" -D "127.0.0.1:$dport" "echo up; cat" &&
	wait_until "grep -q up one.out" && wait_until "test-tool accepts $lport" &&
	cat >client.py <<-\EOT &&
	import socket, sys, hashlib, os, threading
	def through(s, n):
	    data = os.urandom(n // 2).hex().encode()
	    got = b""
	    t = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
	    t.start()
	    while True:
	        d = s.recv(65536)
	        if not d:
	            break
	        got += d
	    t.join()
	    assert got == data.upper(), (len(got), len(data))
	kind, port, to = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	def one():
	    s = socket.create_connection(("127.0.0.1", port))
	    if kind == "socks":
	        s.sendall(b"\x05\x01\x00"); assert s.recv(2) == b"\x05\x00"
	        s.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + to.to_bytes(2, "big")); r = s.recv(10); assert r[1] == 0, r
	    through(s, 1 << 20)
	errors = []
	def guarded():
	    try: one()
	    except BaseException as e: errors.append(e)
	ts = [threading.Thread(target=guarded) for _ in range(8)]
	[t.start() for t in ts]; [t.join() for t in ts]
	sys.exit(1 if errors else 0)
	EOT
	python3 client.py plain $lport $named && python3 client.py socks $dport $named &&
	echo still here >&9 && wait_until "grep -q still one.out" && exec 9>&- && ended one 0
'

test_expect_success 'a destination where nobody listens closes that connection and nothing else' '
	dead=$(test-tool free-port) && sed "s/localhost:$named/127.0.0.1:$dead/" policy >state/policy.yaml &&
	sallyport -f "$CONF" reload >/dev/null && lport=$(test-tool free-port) &&
	conversation two bssh ci "$TEST_LOGIN@web1" -L "127.0.0.1:$lport:127.0.0.1:$dead" "echo up; cat" &&
	wait_until "grep -q up two.out" &&
	python3 -c "import socket,sys; s=socket.create_connection((\"127.0.0.1\",$lport)); sys.exit(len(s.recv(1)))" &&
	audit_has event=forward.end "to=127.0.0.1:$dead" "reason=*could not connect*" &&
	echo alive >&9 && wait_until "grep -q alive two.out" && exec 9>&- && ended two 0
'

test_expect_success 'nothing passes while a human is asked; then it does, once' '
	conversation three bssh asks "$TEST_LOGIN@web1" -W "127.0.0.1:$named" && echo early >&9 &&
	wait_until "bssh eva bastion pending >pend && grep -q forward pend" && req=$(grep -o "REQ-[A-Z0-9]*" pend | head -1) &&
	test ! -s three.out && audit_lacks event=forward.start identity=agent/asks &&
	bssh eva bastion approve "$req" >/dev/null &&
	wait_until "grep -q EARLY three.out" && exec 9>&- && ended three 0 &&
	audit_has event=forward.start identity=agent/asks "approval=$req"
'

test_expect_success 'one that is asked for before the identity is vouched for is decided when it is: a freeze may have begun' '
	begin=$(($(date +%s) + 3)) &&
	{ echo "freeze:" && echo "  - {id: hold, who: [\"*\"], on: [web1], from: $(date -u -d "@$begin" +%Y-%m-%dT%H:%M:%SZ), do: deny, because: now}" &&
	  cat policy; } >"$STATE/policy.yaml" && sallyport -f "$CONF" reload &&
	auditd=$(helper_pid auditd) && kill -STOP "$auditd" && test_when_finished "kill -CONT $auditd" &&
	echo hello >hello && { bssh ci "$TEST_LOGIN@web1" -W "127.0.0.1:$named" <hello >late 2>late.err & } && late=$! &&
	wait_until "test \$(date +%s) -gt $begin" && kill -CONT "$auditd" && { wait $late || :; } &&
	test_must_be_empty late && audit_has event=forward.decision verdict=deny rule=hold "to=127.0.0.1:$named"
'

# counted: every denial is in the log, one by one or in a sum.
counted () {
	sallyport -f "$CONF" audit search event=forward.decision identity=agent/none >rec &&
	one_by_one=$(grep -c 203.0.113.1:80 rec) && n=$one_by_one &&
	for k in $(sed -n 's/.*"count":\([0-9]*\).*/\1/p' rec)
	do
		n=$((n + k))
	done && test $n -eq 500
}

test_expect_success PARAMIKO 'an agent that asks without end is refused each time, and its refusals are summed up' '
	badclient forwards --user "$TEST_LOGIN@web1" --key id/none --count 500 >out && test_grep "^refused 500$" out &&
	wait_until counted && test $one_by_one -lt 490
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
