#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='an editor that works remotely: a shell without a terminal and -D in one connection, by the rules of contrib/examples'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

command -v python3 >/dev/null || skip_all 'no python3 here'

# socks PORT HOST:PORT TEXT: through a SOCKS proxy on this machine, what the other end answers to the text.
socks () {
	python3 - "$@" <<-\EOT
	import socket, struct, sys
	host, port = sys.argv[2].rsplit(":", 1)
	s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
	s.sendall(b"\5\1\0")
	assert s.recv(2) == b"\5\0"
	s.sendall(b"\5\1\0\3" + bytes([len(host)]) + host.encode() + struct.pack(">H", int(port)))
	got = s.recv(10)
	if len(got) < 2 or got[1] != 0:
	    sys.exit(3)
	s.sendall(sys.argv[3].encode())
	s.shutdown(socket.SHUT_WR)
	out = b""
	while True:
	    d = s.recv(65536)
	    if not d:
	        break
	    out += d
	sys.stdout.write(out.decode())
	EOT
}

test_expect_success 'a bastion with the rules of the example, an engineer, an agent' '
	sallyport policy check "$TEST_SRCDIR/contrib/examples/editors.yaml" &&
	BASTION_POLICY=$TEST_SRCDIR/contrib/examples/editors.yaml setup_bastion &&
	make_identity eva human/eva --group engineers && make_identity ci agent/ci && make_identity gil human/gil &&
	proxy=$(test-tool free-port) &&
	cat >server.py <<-\EOT
	import socket
	s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(8)
	print("listening on", s.getsockname()[1], flush=True)
	while True:
	    c = s.accept()[0]
	    d = b""
	    while True:
	        p = c.recv(65536)
	        if not p:
	            break
	        d += p
	    c.sendall(b"server: " + d)
	    c.close()
	    if d == b"stop":
	        break
	EOT
'

test_expect_success 'the editor starts its server by a shell on standard input' '
	BSSH_OPTS="-T -D $proxy" conversation editor bssh eva "$TEST_LOGIN@web1" bash &&
	echo "echo platform \$(uname -s)" >&9 && wait_until "grep -q \"platform Linux\" editor.out" 20 &&
	echo "python3 $TRASH_DIRECTORY/server.py & echo started" >&9 && wait_until "grep -q \"listening on\" editor.out" 20 &&
	port=$(sed -n "s/^listening on //p" editor.out)
'

test_expect_success 'and talks to it through -D, in the same connection, several at once' '
	test "$(socks $proxy 127.0.0.1:$port hello)" = "server: hello" && test "$(socks $proxy localhost:$port again)" = "server: again" &&
	pids= && for i in 1 2 3 4
	do
		socks $proxy 127.0.0.1:$port "number $i" >got.$i &
		pids="$pids $!"
	done && wait $pids && for i in 1 2 3 4
	do
		test "$(cat got.$i)" = "server: number $i" || return 1
	done
'

test_expect_success 'elsewhere it does not lead, and the shell is unharmed' '
	test_expect_code 3 socks $proxy "169.254.169.254:80" x && test_expect_code 3 socks $proxy "127.0.0.2:$port" x &&
	echo "echo still \$((20 + 22))" >&9 && wait_until "grep -q \"still 42\" editor.out" &&
	test "$(socks $proxy 127.0.0.1:$port hello)" = "server: hello"
'

test_expect_success 'when the shell ends, with the server stopped, so does the connection, with its status' '
	test "$(socks $proxy 127.0.0.1:$port stop)" = "server: stop" && echo "wait; exit 3" >&9 && ended editor 3 && exec 9>&- &&
	audit_has event=exec.start rule=engineers-shell command=bash && audit_has event=forward.start rule=editor-server "to=127.0.0.1:$port"
'

test_expect_success 'an agent, and a human of no such group, get neither shell nor forward' '
	for who in ci gil
	do
		echo "echo smuggled" | test_expect_code 77 bssh $who "$TEST_LOGIN@web1" bash >out 2>err && test_must_be_empty out &&
		test_must_fail bssh $who "$TEST_LOGIN@web1" -W 127.0.0.1:$port </dev/null >out 2>err && test_must_be_empty out || return 1
	done
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
