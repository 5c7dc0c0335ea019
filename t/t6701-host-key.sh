#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a new host key: clients learn of it beforehand, and never see a wrong one'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# known NAME: lines for known_hosts as the bastion says them to that identity, over a connection that was checked.
known () {
	bssh "$1" bastion host-keys >keys && cat keys >id/known_hosts
}

test_expect_success 'a bastion, an agent that pins its key, a connection that is kept' '
	setup_bastion && make_identity ci agent/ci && cp id/known_hosts first &&
	MUX="-o ControlMaster=auto -o ControlPath=$TRASH_DIRECTORY/mux -o ControlPersist=yes -o RekeyLimit=1M" &&
	test_atexit "ssh -O exit -o ControlPath=$TRASH_DIRECTORY/mux x 2>/dev/null" &&
	BSSH_OPTS="$MUX" bssh ci "$TEST_LOGIN@web1" "echo before" &&
	known ci && test_line_count -eq 1 id/known_hosts &&
	test "$(cut -d" " -f2- id/known_hosts)" = "$(cut -d" " -f1,2 state/keys/host_ed25519.pub)"
'

test_expect_success 'there is nothing to rotate to before a next key was made' '
	test_expect_code 1 sallyport -f "$CONF" host-key rotate 2>err && said_once err "sallyport host-key next"
'

test_expect_success 'the next key is made, private, once, and clients are told of both' '
	sallyport -f "$CONF" host-key next && test "$(stat -c %a state/keys/host_ed25519.next)" = 600 &&
	ssh-keygen -y -f state/keys/host_ed25519.next >pub && test_cmp state/keys/host_ed25519.next.pub pub &&
	test_expect_code 1 sallyport -f "$CONF" host-key next 2>err && said_once err "made already" &&
	sallyport -f "$CONF" host-key show >shown && test_line_count -eq 2 shown && test_grep "^next *ssh-ed25519" shown &&
	known ci && test_line_count -eq 2 id/known_hosts &&
	bssh ci bastion join --refresh >script && test "$(grep -c "^\[127.0.0.1\]:$BASTION_PORT,sallyport-bastion ssh-ed25519 " script)" = 2 &&
	bssh ci "$TEST_LOGIN@web1" "echo meanwhile" >out && test_grep meanwhile out
'

test_expect_success 'the next key becomes the present one while sessions go on; the former is kept' '
	cp state/keys/host_ed25519 former && cp state/keys/host_ed25519.next.pub coming &&
	sallyport -f "$CONF" host-key rotate && test_cmp coming state/keys/host_ed25519.pub && test_cmp former state/keys/host_ed25519.old &&
	test_path_is_missing state/keys/host_ed25519.next && test "$(stat -c %a state/keys/host_ed25519)" = 600 &&
	BSSH_OPTS="$MUX" bssh ci "$TEST_LOGIN@web1" "echo still here" >out && test_grep "still here" out &&
	test "$(head -c 5000000 /dev/zero | BSSH_OPTS="$MUX" bssh ci "$TEST_LOGIN@web1" "cat" | wc -c)" = 5000000 &&
	BSSH_OPTS="-o FingerprintHash=sha256 -v" bssh ci bastion whoami 2>&1 | tr -d "\r" | sed -n "s/.*Server host key: //p" >seen &&
	test "$(cut -d" " -f2 seen)" = "$(ssh-keygen -l -f coming | cut -d" " -f2)"
'

test_expect_success 'a client that learnt of both goes on strictly, one that did not is stopped by its own ssh' '
	bssh ci "$TEST_LOGIN@web1" "echo after" >out && test_grep after out &&
	test_expect_code 255 ssh -F id/ci.conf -o UserKnownHostsFile="$PWD/first" 127.0.0.1 whoami 2>err && test_grep "verification failed" err &&
	known ci && test_line_count -eq 1 id/known_hosts && bssh ci bastion whoami >out
'

test_expect_success 'it is on record which key is used since when' '
	key=$(cut -d" " -f1,2 coming) && audit_has event=daemon.reload "host_key=$key" &&
	audit_has event=daemon.start "host_key=$(ssh-keygen -y -f former | cut -d" " -f1,2)"
'

test_expect_success 'a second rotation, and a restart, with the new key' '
	sallyport -f "$CONF" host-key next && known ci && sallyport -f "$CONF" host-key rotate && bssh ci bastion whoami >out &&
	ssh -O exit -o ControlPath="$TRASH_DIRECTORY/mux" x && stop_bastion && start_bastion && bssh ci bastion whoami >out
'

# Everything of an account that has joined, the inner connection too, before, during and after.
test_expect_success 'an account that joined refreshes by one line, and never meets an unknown key' '
	mkdir account && HOME_OF="env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME=$PWD/account" &&
	jssh="ssh -F $PWD/account/.ssh/config -o BatchMode=yes -o LogLevel=ERROR" &&
	bssh ci bastion join --identity "$TRASH_DIRECTORY/id/ci" | $HOME_OF sh && test "$($jssh "$TEST_LOGIN@web1" "echo before")" = before &&
	sallyport -f "$CONF" host-key next && $jssh bastion join --refresh | $HOME_OF sh &&
	test "$(grep -c sallyport-bastion account/.ssh/known_hosts)" = 2 && test "$($jssh "$TEST_LOGIN@web1" "echo during")" = during &&
	sallyport -f "$CONF" host-key rotate && test "$($jssh "$TEST_LOGIN@web1" "echo after")" = after &&
	$jssh bastion join --refresh | $HOME_OF sh && test "$(grep -c sallyport-bastion account/.ssh/known_hosts)" = 1 &&
	test "$($jssh "$TEST_LOGIN@web1" "echo later")" = later &&
	sallyport -f "$CONF" host-key next && sallyport -f "$CONF" host-key rotate &&
	test_expect_code 255 $jssh bastion whoami 2>err && test_grep "verification failed" err && known_hosts_ >id/known_hosts
'

test_expect_success 'a key that is none, or that others can read, stops a reload and changes nothing' '
	cp state/keys/host_ed25519 good &&
	echo "no key" >state/keys/host_ed25519 && test_expect_code 1 sallyport -f "$CONF" reload 2>err && said_once err "present configuration" && test_grep "host_ed25519: not a usable host key" daemon.log &&
	bssh ci bastion whoami >out &&
	cat good >state/keys/host_ed25519 && chmod 644 state/keys/host_ed25519 && test_must_fail sallyport -f "$CONF" reload &&
	test_grep "host_ed25519: must be ours and readable by its owner alone" daemon.log && bssh ci bastion whoami >out &&
	chmod 600 state/keys/host_ed25519 && sallyport -f "$CONF" reload && bssh ci bastion whoami >out &&
	echo "no key" >state/keys/host_ed25519.next && chmod 600 state/keys/host_ed25519.next && test_must_fail sallyport -f "$CONF" reload &&
	test_grep "host_ed25519.next: not a usable host key" daemon.log && bssh ci bastion whoami >out && rm state/keys/host_ed25519.next
'

test_expect_success 'without a daemon it is prepared for the next start' '
	stop_bastion && sallyport -f "$CONF" host-key next >out && test_grep "No daemon runs" out && sallyport -f "$CONF" host-key rotate >out &&
	start_bastion && known_hosts_ >id/known_hosts && bssh ci bastion whoami >out && stop_bastion
'

test_done
