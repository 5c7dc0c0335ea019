#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='ssh -R: the target listens for the agent only where policy says, and only this agent gets what comes in'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

command -v python3 >/dev/null || skip_all 'no python3 here'

# talk PORT TEXT: what comes back from there.
talk () {
	python3 -c 'import socket,sys
s=socket.create_connection(("127.0.0.1",int(sys.argv[1])),5); s.sendall(sys.argv[2].encode()); s.shutdown(1)
d=b""
while True:
    x=s.recv(65536)
    if not x: break
    d+=x
sys.stdout.write(d.decode())' "$1" "$2"
}

test_expect_success 'a service beside the agent, an agent that may listen at one port, one that may not' '
	cat >service.py <<-\EOT &&
	import socket, sys, threading
	def serve(c):
	    with c:
	        d = b""
	        while True:
	            x = c.recv(65536)
	            if not x: break
	            d += x
	        c.sendall(d.upper())
	s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(64)
	open("port", "w").write(str(s.getsockname()[1]))
	while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
	EOT
	{ python3 service.py & } && test_atexit "stop_pid $! service" && wait_until "test -s port" && service=$(cat port) &&
	at=$(test-tool free-port) && other=$(test-tool free-port) &&
	cat >policy <<-EOT &&
	profiles:
	  - {who: ["agent/gated"], use: exec-gated}
	  - {who: ["*"], use: shell-audited}
	rules:
	  - {id: run, who: [agent/*], on: [web1], exec: {any: true}, do: allow}
	  - {id: expose, who: [agent/ci, agent/gated], on: [web1], listen: ["localhost:$at"], do: allow}
	EOT
	BASTION_POLICY=$PWD/policy && BSSH_OPTS="-o LogLevel=INFO" && setup_bastion "limits: {keepalive_interval: 1s}" &&
	make_identity ci agent/ci && make_identity none agent/none && make_identity gated agent/gated
'

test_expect_success 'what comes in at the target reaches the agent'\''s service, and the answer comes back' '
	conversation one bssh ci "$TEST_LOGIN@web1" -R "$at:127.0.0.1:$service" "echo up; cat" && wait_until "test-tool accepts $at" &&
	test "$(talk $at hello)" = HELLO && audit_has event=listen.start "at=localhost:$at" rule=expose &&
	audit_has event=forward.start rule=listen "to=localhost:$at from 127.0.0.1:*" &&
	audit_has event=forward.end sent=5 received=5
'

test_expect_success 'much, and several at once' '
	big=$(head -c 60000 /dev/zero | tr "\\0" a) && BIG=$(head -c 60000 /dev/zero | tr "\\0" A) &&
	for i in 1 2 3 4 5; do { talk $at "$big" >talk.$i & } done && wait_for=1 &&
	wait_until "test \$(cat talk.? | wc -c) -eq 300000" && test "$(cat talk.3)" = "$BIG"
'

test_expect_success 'the end of the connection is the end of the listening' '
	exec 9>&- && ended one 0 && wait_until "! test-tool accepts $at" && audit_has event=listen.end "at=localhost:$at"
'

test_expect_success 'no other port, no other address, not for another agent, not under exec-gated, not at the bastion' '
	for where in "$other" "0.0.0.0:$at" "*:$at" "127.0.0.1:$at"
	do
		test_expect_code 255 bssh ci "$TEST_LOGIN@web1" -o ExitOnForwardFailure=yes -R "$where:127.0.0.1:$service" true 2>err &&
		test_grep "remote port forwarding failed" err || return 1
	done &&
	for who in none gated
	do
		test_expect_code 255 bssh $who "$TEST_LOGIN@web1" -o ExitOnForwardFailure=yes -R "$at:127.0.0.1:$service" true 2>err || return 1
	done &&
	test_expect_code 255 bssh ci bastion -o ExitOnForwardFailure=yes -R "$at:127.0.0.1:$service" whoami 2>err &&
	audit_has event=forward.decision identity=agent/gated rule=profile-exec-gated &&
	! test-tool accepts $at
'

test_expect_success 'nobody but who listens can take it back or use it; a second connection gets its own' '
	conversation two bssh ci "$TEST_LOGIN@web1" -R "$at:127.0.0.1:$service" "echo up; cat" && wait_until "test-tool accepts $at" &&
	bssh ci "$TEST_LOGIN@web1" -R "$at:127.0.0.1:$service" "test-tool nap 100 2>/dev/null; echo over" >out 2>err &&
	test "$(talk $at still)" = STILL &&
	exec 9>&- && ended two 0
'

test_expect_success 'a port that the target cannot take is told' '
	{ python3 -c "import socket,time
s=socket.create_server((\"\",$at), family=socket.AF_INET6, dualstack_ipv6=True); open(\"held\",\"w\").write(\"x\"); time.sleep(1000)" & } && held=$! &&
	test_when_finished "kill $held" && wait_until "test -s held" &&
	conversation three bssh ci "$TEST_LOGIN@web1" -R "$at:127.0.0.1:$service" "echo up; cat" &&
	wait_until "grep -q \"does not listen at localhost:$at\" three.err" && exec 9>&- && ended three 0
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
