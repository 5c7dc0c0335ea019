#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a target may be known by a host certificate of a CA, and only by one that holds'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

command -v ssh-keyscan >/dev/null || skip_all 'no ssh-keyscan here (openssh-client)'

# start_certified NAME SSH-KEYGEN-OPTION..: a target whose host certificate was made with these options.
start_certified () {
	cert_name_=$1
	shift
	mkdir "target-$cert_name_" && ssh-keygen -q -t ed25519 -N "" -f "target-$cert_name_/host" &&
	certify "$cert_name_" "$@" &&
	start_target "$cert_name_" "HostCertificate $TRASH_DIRECTORY/target-$cert_name_/host-cert.pub"
}

certify () {
	certify_=$1
	shift
	ssh-keygen -q -I "$certify_" "$@" "target-$certify_/host.pub"
}

# reload_target NAME: the sshd of a target reads its files anew, on the same port.
reload_target () {
	eval "reload_port_=\$TARGET_PORT_$1 reload_pid_=\$TARGET_PID_$1"
	stop_pid "$reload_pid_" sshd
	{ "$SSHD" -D -e -f "target-$1/config" >"target-$1/log" 2>&1 & } && reload_pid_=$! &&
	eval "TARGET_PID_$1=$reload_pid_" && test_atexit "stop_pid $reload_pid_ sshd" && wait_until "test-tool accepts $reload_port_"
}

# refused NAME TEXT: nothing runs and no certificate is minted for it; 69 and one line.
refused () {
	test_expect_code 69 bssh ci "$TEST_LOGIN@$1" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "^sallyport: unreachable REQ-[A-Z0-9]*: target $1: its host $2; nothing was sent; nothing has run; try again later, or tell whoever runs this bastion$" &&
	test_grep ! "Accepted\|publickey" "target-$1/log" && audit_lacks event=cert.mint target="$1" &&
	audit_has event=target.hostcert target="$1"
}

test_expect_success 'a bastion with targets and a CA of hosts' '
	init_bastion && ssh-keygen -q -t ed25519 -N "" -f hostca && ssh-keygen -q -t ed25519 -N "" -f otherca &&
	start_certified good -s hostca -h -n 127.0.0.1 -V -1h:+1h &&
	start_certified wild -s hostca -h -n "x.example.net,127.0.0.?" -V -1h:+1h &&
	start_certified named -s hostca -h -n web7.example.net -V -1h:+1h &&
	start_certified expired -s hostca -h -n 127.0.0.1 -V -2h:-1h &&
	start_certified early -s hostca -h -n 127.0.0.1 -V +1h:+2h &&
	start_certified otherca -s otherca -h -n 127.0.0.1 -V -1h:+1h &&
	start_certified othername -s hostca -h -n elsewhere.example.net -V -1h:+1h &&
	start_certified noname -s hostca -h -V -1h:+1h &&
	start_certified critical -s hostca -h -n 127.0.0.1 -V -1h:+1h -O critical:new@example.net &&
	start_target plain && start_target down &&
	ssh-keygen -q -t rsa -b 2048 -N "" -f good-rsa && ssh-keygen -q -s hostca -h -I good-rsa -n 127.0.0.1 good-rsa.pub &&
	sed -i "s,^HostKey.*,&\nHostKey $TRASH_DIRECTORY/good-rsa\nHostCertificate $TRASH_DIRECTORY/good-rsa-cert.pub," target-good/config && reload_target good &&
	start_target web1 && write_config "limits: {dial_timeout: 5s}" &&
	ca=$(cut -d" " -f1,2 hostca.pub) &&
	sed -i "/^  web1:/!s,host_keys: .*\],host_ca: [\"$ca\"]," "$CONF" && sed -i "/^  named:/s,}\$,\, host_principal: web7.example.net}," "$CONF" &&
	start_bastion && make_identity ci agent/ci
'

test_expect_success 'a good one opens it, with the name of its address, a pattern, or host_principal' '
	for name in good wild named web1
	do
		bssh ci "$TEST_LOGIN@$name" "echo it ran" >out && echo "it ran" >expect && test_cmp expect out || return 1
	done
'

test_expect_success 'one that does not hold is refused, and says why' '
	refused expired "certificate has expired" && refused early "certificate is not valid yet" &&
	refused otherca "certificate is not from a CA in host_ca" &&
	refused othername "certificate is for another host name (see host_principal)" &&
	refused noname "certificate is for any host, which is for none here" &&
	refused critical "certificate has a critical option, and none is known for hosts"
'

test_expect_success 'a target without one is refused' '
	test_expect_code 69 bssh ci "$TEST_LOGIN@plain" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "^sallyport: unreachable REQ-[A-Z0-9]*: target plain: it shows no host certificate; nothing was sent; nothing has run; " &&
	audit_has event=target.hostcert target=plain &&
	audit_lacks event=cert.mint target=plain
'

test_expect_success 'one that is down is said to be down' '
	stop_target down && test_expect_code 69 bssh ci "$TEST_LOGIN@down" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "^sallyport: unreachable REQ-[A-Z0-9]*: target down: Connection refused; nothing has run; " && audit_lacks event=target.hostcert target=down
'

test_expect_success 'the scan is kept: another session opens no second one' '
	stop_target good && reload_target good && bssh ci "$TEST_LOGIN@good" true &&
	grep "^Connection from" target-good/log >from && test_line_count -eq 2 from
'

test_expect_success 'a new key with a new certificate is looked up and taken, without a word' '
	rm target-wild/host* && ssh-keygen -q -t ed25519 -N "" -f target-wild/host && certify wild -s hostca -h -n 127.0.0.1 && reload_target wild &&
	bssh ci "$TEST_LOGIN@wild" "echo it ran" >out 2>err && test_cmp expect out &&
	test_must_be_empty err && audit_lacks event=target.hostkey
'

test_expect_success 'a new key without a certificate is not' '
	rm target-named/host* && ssh-keygen -q -t ed25519 -N "" -f target-named/host && sed -i /HostCertificate/d target-named/config && reload_target named &&
	test_expect_code 69 bssh ci "$TEST_LOGIN@named" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "target named: it shows no host certificate" && test_grep ! "Accepted\|publickey" target-named/log
'

test_expect_success 'a host key that was revoked opens nothing more, kept scan or not' '
	bssh ci "$TEST_LOGIN@wild" true && sallyport -f "$CONF" cert revoke target-wild/host.pub && mark=$(wc -l <target-wild/log) &&
	test_expect_code 69 bssh ci "$TEST_LOGIN@wild" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "target wild: its host certificate is revoked; nothing was sent" &&
	tail -n "+$((mark + 1))" target-wild/log >said && test_grep ! "Accepted\|publickey" said
'

# A man in the middle who lets key scans through to the real host, and everybody else to his own.
test_expect_success 'a good certificate shown by one that has not its key is a hard stop' '
	start_target own && start_certified real -s hostca -h -n 127.0.0.1 -V -1h:+1h &&
	cat >middle.py <<-\EOT &&
	import socket, sys, threading
	real, own = int(sys.argv[1]), int(sys.argv[2])
	def copy(a, b):
	    try:
	        while True:
	            p = a.recv(65536)
	            if not p:
	                break
	            b.sendall(p)
	    except OSError:
	        pass
	    for s in (a, b):
	        try:
	            s.shutdown(socket.SHUT_RDWR)
	        except OSError:
	            pass
	def line(s):
	    p = b""
	    while not p.endswith(b"\n"):
	        p += s.recv(1)
	    return p
	def serve(c):
	    r = socket.create_connection(("127.0.0.1", real))
	    c.sendall(line(r))
	    hello = line(c)
	    if b"keyscan" not in hello:
	        r = socket.create_connection(("127.0.0.1", own))
	        line(r)
	        print("took one over", flush=True)
	    r.sendall(hello)
	    threading.Thread(target=copy, args=(c, r), daemon=True).start()
	    copy(r, c)
	s = socket.create_server(("127.0.0.1", int(sys.argv[3])))
	while True:
	    c, _ = s.accept()
	    threading.Thread(target=serve, args=(c,), daemon=True).start()
	EOT
	port=$(test-tool free-port) && { /usr/bin/python3 middle.py $TARGET_PORT_real $TARGET_PORT_own $port >middle.log 2>&1 & } &&
	middle=$! && test_atexit "stop_pid $middle" && wait_until "test-tool accepts $port" &&
	sed -i "s|^targets:|&\n  middle: {address: \"127.0.0.1:$port\", logins: [\"*\"], host_ca: [\"$ca\"]}|" "$CONF" && sallyport -f "$CONF" reload &&
	test_expect_code 69 bssh ci "$TEST_LOGIN@middle" "echo it ran" >out 2>err && test_must_be_empty out &&
	said_once err "host key of middle has changed: expected $(ssh-keygen -lf target-real/host.pub | cut -d" " -f2), got $(ssh-keygen -lf target-own/host.pub | cut -d" " -f2); nothing was sent" &&
	test_grep ! "Accepted\|publickey" target-own/log && audit_lacks event=cert.mint target=middle && audit_has event=target.hostkey target=middle &&
	grep "took one over" middle.log >took && test_line_count -eq 2 took
'

test_expect_success 'the configuration says one way to know a target, and the bastion is unharmed' '
	sallyportd -f "$CONF" -T >printed && test_grep "host_ca: \[\"$ca\"\]" printed && test_grep "host_principal: \"web7.example.net\"" printed &&
	cp "$CONF" both && sed -i "/^  good:/s,}\$,\, host_keys: [\"$ca\"]}," "$CONF" && test_must_fail sallyportd -t -f "$CONF" 2>err &&
	test_grep "target good needs host_keys or host_ca, not both" err && cp both "$CONF" && chmod 600 "$CONF" &&
	bssh ci "$TEST_LOGIN@web1" "echo it ran" >out && stop_bastion
'

test_done
