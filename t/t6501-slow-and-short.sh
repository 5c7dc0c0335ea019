#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a name server that says nothing costs one command its time, and a certificate that ends lets its command end'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# Only root can give a daemon another list of name servers; on 127.0.0.9 none answers, and nobody hangs up either.
if test "$(id -u)" = 0 && unshare -m true 2>/dev/null
then
	test_set_prereq RESOLVER
fi

test_expect_success RESOLVER 'a bastion whose name server is silent' '
	init_bastion && start_target web1 &&
	{ /usr/bin/python3 - >ns.log 2>&1 <<-\EOT &
	import socket
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind(("127.0.0.9", 53))
	while True:
	    print(s.recvfrom(512), flush=True)
	EOT
	} && ns=$! && test_atexit "stop_pid $ns" &&
	echo "nameserver 127.0.0.9" >resolv.conf &&
	write_config "limits: {dial_timeout: 2s}" &&
	key=$(cut -d" " -f1,2 target-web1/host.pub) &&
	sed -i "s,^targets:,&\n  named: {address: \"target.example.net:22\"\, logins: [\"*\"]\, host_keys: [\"$key\"]}," "$CONF" &&
	cat >sallyportd-mount <<-EOT &&
	#!/bin/sh
	mount --bind $TRASH_DIRECTORY/resolv.conf /etc/resolv.conf && exec sallyportd "\$@"
	EOT
	chmod +x sallyportd-mount && real=$(command -v sallyportd) &&
	sallyportd () { exec unshare -m ./sallyportd-mount "$@"; } &&
	start_bastion && unset -f sallyportd && make_identity ci agent/ci
'

test_expect_success RESOLVER 'a command there ends at dial_timeout with one line, and others are served meanwhile' '
	background slow bssh ci "$TEST_LOGIN@named" "echo it ran" && wait_until "test -s ns.log" &&
	bssh ci "$TEST_LOGIN@web1" "echo it ran" >out && ! test -e slow.status &&
	ended slow 69 && test_must_be_empty slow.out &&
	said_once slow.err "^sallyport: unreachable REQ-[A-Z0-9]*: target named: no answer in time; nothing has run"
'

test_expect_success RESOLVER 'and again, with the same resolver' '
	test_expect_code 69 bssh ci "$TEST_LOGIN@named" "echo it ran" 2>err && said_once err "named: no answer in time" &&
	bssh ci "$TEST_LOGIN@web1" "echo it ran" >out && stop_bastion
'

test_expect_success 'a bastion with an identity for seconds' '
	{ test -d state || { init_bastion && start_target web1; }; } && write_config && start_bastion &&
	make_identity ci agent/ci && make_identity short agent/short --ttl 6s
'

test_expect_success 'its command outlives it, and keeps its exit status' '
	mkfifo hold &&
	BSSH_OPTS="-o ControlMaster=yes -o ControlPath=$TRASH_DIRECTORY/mux" &&
	background long bssh short "$TEST_LOGIN@web1" "echo began; timeout 60 cat $TRASH_DIRECTORY/hold; exit 7" &&
	wait_until "grep -q began long.out" &&
	BSSH_OPTS="-o ControlMaster=no -o ControlPath=$TRASH_DIRECTORY/mux" &&
	wait_until "! bssh short $TEST_LOGIN@web1 true 2>err" 20 && ! test -e long.status &&
	BSSH_OPTS= && echo done >hold && ended long 7 && test_grep done long.out
'

test_expect_success 'nothing new was let through on it' '
	BSSH_OPTS="-o LogLevel=INFO" && not_let_in short "certificate has expired" && BSSH_OPTS= &&
	bssh ci "$TEST_LOGIN@web1" "echo it ran" >out && stop_bastion
'

test_done
