#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='sallyport init makes a state directory once, and the command explains itself'
. "$(dirname "$0")/test-lib.sh"

test_expect_success 'init makes keys that OpenSSH reads' '
	sallyport init state >out &&
	ssh-keygen -l -f state/keys/user_ca.pub >ca &&
	ssh-keygen -l -f state/keys/host_ed25519.pub >host &&
	ssh-keygen -y -f state/keys/host_ed25519 >again &&
	test_cmp state/keys/host_ed25519.pub again &&
	test_grep "$(cut -d" " -f2 ca)" out &&
	test_grep "$(cut -d" " -f2 host)" out
'

test_expect_success 'nobody else can read any of it' '
	find state -perm /077 ! -name "*.pub" >open &&
	test_must_be_empty open
'

test_expect_success 'no secret lies open: the CA key opens with the master key alone' '
	test "$(wc -c <state/keys/master)" -eq 32 &&
	test_must_fail ssh-keygen -y -P "" -f state/keys/user_ca.sealed
'

test_expect_success 'init says what to do next, with commands that name this directory' '
	test_grep "TrustedUserCAKeys" out &&
	test_grep "sallyportd -f $(pwd)/state/sallyport.yaml" out &&
	test_grep "cert issue --identity" out
'

test_expect_success 'a second init changes nothing' '
	find state -type f -exec sha256sum {} + | sort >before &&
	test_expect_code 1 sallyport init state 2>err &&
	test_grep "nothing was changed" err &&
	test "$(wc -l <err)" -eq 1 &&
	find state -type f -exec sha256sum {} + | sort >after &&
	test_cmp before after
'

test_expect_success 'init refuses a directory that holds something else' '
	mkdir other && echo mine >other/file &&
	test_expect_code 1 sallyport init other 2>err &&
	test_grep "not empty" err &&
	test "$(ls other)" = file
'

test_expect_success 'an empty directory will do' '
	mkdir empty && sallyport init empty >out && test -f empty/sallyport.yaml
'

test_expect_success 'two state directories have nothing in common' '
	test_must_fail cmp state/keys/user_ca.pub empty/keys/user_ca.pub &&
	test_must_fail cmp state/keys/host_ed25519.pub empty/keys/host_ed25519.pub &&
	test_must_fail cmp state/keys/audit.pub empty/keys/audit.pub
'

test_expect_success 'a command that does not exist suggests one that does' '
	test_expect_code 2 sallyport crt 2>err &&
	test_grep "did you mean .cert." err &&
	test_expect_code 2 sallyport frobnicate 2>err &&
	test_grep "sallyport help" err
'

test_expect_success 'help lists every command and explains each' '
	sallyport help >out &&
	for cmd in $(sed -n "s/^  \([a-z]*\) .*/\1/p" out)
	do
		sallyport help $cmd >one && test_grep "^usage: sallyport $cmd" one || return 1
	done &&
	sallyport --version >out && test_grep "^sallyport [0-9]" out
'

test_expect_success 'wrong arguments are answered with the usage, status 2' '
	test_expect_code 2 sallyport cert 2>err && test_grep "^usage: sallyport cert issue" err &&
	test_expect_code 2 sallyport cert frob 2>err && test_grep "^usage:" err &&
	test_expect_code 2 sallyport init 2>err && test_grep "^usage: sallyport init DIR" err
'

test_expect_success 'without a daemon, a verb says how to start it' '
	test_expect_code 1 sallyport -f state/sallyport.yaml ca show 2>err &&
	test_grep "no daemon answers at .*run/control; start it: sallyportd -f" err
'

test_expect_success 'a private key never goes to the daemon' '
	ssh-keygen -q -t ed25519 -N "" -f id &&
	test_expect_code 1 sallyport -f state/sallyport.yaml cert issue --identity agent/ci --key id 2>err &&
	test_grep "private key; give the public one, id.pub" err
'

test_done
