#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the ways in which agents'\'' tools use ssh work as they do without a bastion'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

sessions () {
	sallyport -f "$CONF" audit search event=session.start | wc -l
}

test_expect_success 'a bastion, an agent, an engineer who may have a shell' '
	default_policy >policy &&
	cat >>policy <<-\EOT &&
	  - id: engineers-shell
	    who: [human/*]
	    on: ["*"]
	    shell: true
	    do: allow
	EOT
	BASTION_POLICY=policy setup_bastion && make_identity ci agent/ci && make_identity eva human/eva &&
	mkdir tree && head -c 3000000 /dev/urandom >tree/random && head -c 200000 /dev/zero >tree/zeros &&
	printf "\n\r\000\377\033[31m\n" >tree/odd && mkdir tree/empty && ln -s odd tree/link && chmod 640 tree/odd
'

test_expect_success 'ssh -n in a loop leaves the loop its input' '
	printf "one\ntwo\nthree\n" >list &&
	while read -r word
	do
		BSSH_OPTS=-n bssh ci "$TEST_LOGIN@web1" "cat; echo $word"
	done <list >out && test_cmp list out
'

test_expect_success 'ssh -f goes into the background once it is let in, and the command runs on' '
	mkfifo gate && BSSH_OPTS=-f bssh ci "$TEST_LOGIN@web1" "cat $TRASH_DIRECTORY/gate >$TRASH_DIRECTORY/passed" >f.out 2>&1 &&
	test ! -s passed && echo open >gate && wait_until "grep -q open passed"
'

test_expect_success 'a key is appended on the other side, as ssh-copy-id does it' '
	for key in "ssh-ed25519 AAAA1 one" "ssh-ed25519 AAAA2 two"
	do
		echo "$key" | bssh ci "$TEST_LOGIN@web1" "exec sh -c \"cd $TRASH_DIRECTORY; umask 077; mkdir -p dot-ssh && cat >> dot-ssh/authorized_keys || exit 1\"" || return 1
	done &&
	printf "ssh-ed25519 AAAA1 one\nssh-ed25519 AAAA2 two\n" >expect && test_cmp expect dot-ssh/authorized_keys &&
	test "$(stat -c %a dot-ssh/authorized_keys)" = 600
'

test_expect_success 'tar there and back again, every byte, mode and link' '
	mkdir there back && tar -cf - tree | bssh ci "$TEST_LOGIN@web1" "tar -C $TRASH_DIRECTORY/there -xpf -" &&
	bssh ci "$TEST_LOGIN@web1" "tar -C $TRASH_DIRECTORY/there -cf - tree" | tar -C back -xpf - &&
	diff -r tree back/tree && test "$(readlink back/tree/link)" = odd && test "$(stat -c %a back/tree/odd)" = 640 &&
	tar -czf - tree | bssh ci "$TEST_LOGIN@web1" "tar -tzf - | sort" >out && tar -cf - tree | tar -tf - | sort >expect && test_cmp expect out
'

test_expect_success 'a command of several lines is one command' '
	bssh ci "$TEST_LOGIN@web1" "for i in 1 2
do
	echo \$i
done
echo end" >out && printf "1\n2\nend\n" >expect && test_cmp expect out &&
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "echo one
printf forbidden" 2>err >out && said_once err "rule=forbidden" && test_must_be_empty out
'

test_expect_success 'git clones, fetches and pushes over one connection that is kept' '
	before=$(sessions) &&
	export GIT_SSH_COMMAND="ssh -F $PWD/id/ci.conf -o ControlMaster=auto -o ControlPath=$TRASH_DIRECTORY/mux -o ControlPersist=yes" &&
	test_atexit "ssh -O exit -o ControlPath=$TRASH_DIRECTORY/mux x 2>/dev/null" &&
	git clone -q "$BASTION_URL/hosted/demo.git" one && git clone -q "$BASTION_URL/hosted/demo.git" two &&
	(cd one && test_commit more && git push -q origin HEAD:refs/heads/agent/more) &&
	(cd two && git fetch -q origin agent/more && git rev-parse FETCH_HEAD) >got && git -C one rev-parse HEAD >expect && test_cmp expect got &&
	unset GIT_SSH_COMMAND &&
	test "$(sessions)" = $((before + 1)) && ssh -O exit -o ControlPath="$TRASH_DIRECTORY/mux" x
'

test_expect_success 'algorithms of old clients' '
	for o in "KexAlgorithms=curve25519-sha256@libssh.org Ciphers=aes128-ctr MACs=hmac-sha2-256 HostKeyAlgorithms=ssh-ed25519" \
		"KexAlgorithms=ecdh-sha2-nistp256 Ciphers=aes256-ctr MACs=hmac-sha2-512 HostKeyAlgorithms=ssh-ed25519" \
		"KexAlgorithms=curve25519-sha256 Ciphers=chacha20-poly1305@openssh.com PubkeyAcceptedAlgorithms=ssh-ed25519-cert-v01@openssh.com,ssh-ed25519"
	do
		BSSH_OPTS=$(printf -- "-o %s " $o) && BSSH_OPTS="$BSSH_OPTS -o RekeyLimit=1M" &&
		test "$(bssh ci "$TEST_LOGIN@web1" "cat $TRASH_DIRECTORY/tree/random" | cksum)" = "$(cksum <tree/random)" || return 1
	done
	unset BSSH_OPTS
'

test_expect_success 'those that are broken are not spoken' '
	for o in KexAlgorithms=diffie-hellman-group1-sha1 KexAlgorithms=diffie-hellman-group14-sha1 Ciphers=3des-cbc Ciphers=aes128-cbc \
		"Ciphers=aes128-ctr MACs=hmac-md5" "Ciphers=aes128-ctr MACs=hmac-sha1"
	do
		BSSH_OPTS="$(printf -- "-o %s " $o) -o LogLevel=INFO" && test_expect_code 255 bssh ci bastion whoami 2>err && test_grep "no matching" err || return 1
	done
	unset BSSH_OPTS
'

test_expect_success 'an RSA key with SHA-2 opens the door, the same with SHA-1 does not' '
	ssh-keygen -q -t rsa -b 2048 -N "" -f id/rsa && sallyport -f "$CONF" cert issue --identity agent/old --key id/rsa.pub >id/rsa-cert.pub &&
	sed "s,id/ci,id/rsa,g" id/ci.conf >id/rsa.conf &&
	BSSH_OPTS="-o PubkeyAcceptedAlgorithms=rsa-sha2-256-cert-v01@openssh.com,rsa-sha2-256" bssh rsa bastion whoami >out && test_grep agent/old out &&
	BSSH_OPTS="-o PubkeyAcceptedAlgorithms=rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-512" bssh rsa bastion whoami >out && test_grep agent/old out &&
	BSSH_OPTS="-o PubkeyAcceptedAlgorithms=ssh-rsa-cert-v01@openssh.com,ssh-rsa" test_expect_code 255 bssh rsa bastion whoami >out 2>err
'

# An editor starts a shell without a terminal, and talks to it for as long as it is open.
test_expect_success 'an editor'\''s server: a shell that reads commands as they come, for those who may have one' '
	conversation editor bssh eva "$TEST_LOGIN@web1" bash &&
	echo "echo ready; uname -s" >&9 && wait_until "grep -q Linux editor.out" &&
	echo "cd $TRASH_DIRECTORY && exec 3>&1 && echo \$PWD && false; echo status \$?" >&9 && wait_until "grep -q \"status 1\" editor.out" &&
	echo "exit 7" >&9 && ended editor 7 && exec 9>&- && test_grep "^$TRASH_DIRECTORY$" editor.out && test_must_be_empty editor.err &&
	audit_has event=exec.start identity=human/eva command=bash rule=engineers-shell
'

test_expect_success 'not for an agent: it is asked about, whole' '
	echo "echo smuggled" | BSSH_OPTS="-o SetEnv=SALLYPORT_WAIT=0" test_expect_code 75 bssh ci "$TEST_LOGIN@web1" bash >out 2>err &&
	test_must_be_empty out && test_grep "pending REQ-[A-Z0-9]* rule=unresolved-too" err
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
