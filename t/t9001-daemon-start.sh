#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a daemon that cannot start says why in one line, and leaves nothing running'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# will_not_start TEXT [OPTION..]: status 1, one line on standard error, and TEXT is in it.
will_not_start () {
	will_not_=$1
	shift
	test_expect_code 1 timeout 20 sallyportd -f "$CONF" -D "$@" >out 2>err </dev/null || { cat err >&2; return 1; }
	test_must_be_empty out && test_line_count -eq 1 err && test_grep "$will_not_" err && bastion_never_ran
}

bastion_never_ran () {
	! test-tool accepts "$BASTION_PORT"
}

# with LINE..: the good configuration and these.
with () {
	write_config "$@"
}

test_expect_success 'a state directory' '
	init_bastion && write_config && sallyportd -f "$CONF" -t
'

test_expect_success 'an unknown key: file, line, key' '
	with "listne: 127.0.0.1:22" && line=$(wc -l <"$CONF") &&
	will_not_start "sallyport.yaml:$line: .*listne" && will_not_start "sallyport.yaml:$line: .*listne" -t
'

test_expect_success 'a key twice, a bad value, a bad unit, a list for a word' '
	with "user: a" "user: b" && will_not_start "sallyport.yaml:[0-9]*: .*user" &&
	with "limits: {login_grace: soon}" && will_not_start "sallyport.yaml:[0-9]*: .*login_grace" &&
	with "limits: {login_grace: 5 parsecs}" && will_not_start "sallyport.yaml:[0-9]*: " &&
	with "banner: [a, b]" && will_not_start "sallyport.yaml:[0-9]*: .*banner"
'

test_expect_success 'YAML that is none, an anchor, binary' '
	with "targets: {web1" && will_not_start "sallyport.yaml:[0-9]*: " &&
	with "banner: &x hello" && will_not_start "sallyport.yaml:[0-9]*: " &&
	{ head -c 100 /dev/zero; } >"$CONF" && will_not_start "sallyport.yaml"
'

test_expect_success 'no file, an empty file, a folder' '
	rm "$CONF" && will_not_start "sallyport.yaml: No such file" &&
	: >"$CONF" && will_not_start "sallyport.yaml" &&
	rm "$CONF" && mkdir "$CONF" && will_not_start "sallyport.yaml" && rmdir "$CONF"
'

test_expect_success 'a target without host keys' '
	with "targets: {web1: {address: \"127.0.0.1:22\", logins: [root]}}" && will_not_start "sallyport.yaml:[0-9]*: .*host_keys"
'

test_expect_success 'a host key that is no key' '
	with "targets: {web1: {address: \"127.0.0.1:22\", logins: [root], host_keys: [\"ssh-ed25519 AAAA\"]}}" &&
	will_not_start "sallyport.yaml:[0-9]*: "
'

test_expect_success 'a configuration that others can write' '
	with && test_when_finished "chmod 600 \"$CONF\"" && chmod 666 "$CONF" && will_not_start "sallyport.yaml: writable by others; chmod go-w it"
'

test_expect_success 'no policy file; a wrong one, with line; one that others can write' '
	mv state/policy.yaml p && will_not_start "policy.yaml: No such file" &&
	{ cat p; echo "  - id: x"; } >state/policy.yaml && will_not_start "policy.yaml:[0-9]*: " &&
	{ cat p; echo "  - {id: x, who: [a], on: [b], exec: [ls], do: maybe}"; } >state/policy.yaml && will_not_start "policy.yaml:[0-9]*: " &&
	cp p state/policy.yaml && chmod 666 state/policy.yaml && will_not_start "policy.yaml: writable by others" && chmod 600 state/policy.yaml
'

test_expect_success 'a state directory that others can enter' '
	chmod 755 state && will_not_start "state: must be a directory that only its owner can enter: chmod 700" && chmod 700 state
'

test_expect_success 'no state directory: how to make one' '
	cp "$CONF" conf && cp state/policy.yaml policy.yaml && chmod 600 conf policy.yaml && echo "state_dir: $(pwd)/elsewhere" >>conf &&
	CONF=conf && will_not_start "elsewhere: .*make it with: sallyport init" && CONF=$STATE/sallyport.yaml
'

test_expect_success 'a host key that others can read, one that is none, one that is not there' '
	chmod 644 state/keys/host_ed25519 && will_not_start "keys/host_ed25519: must be ours and readable by its owner alone" &&
	chmod 600 state/keys/host_ed25519 && cp state/keys/host_ed25519 k &&
	echo no key >state/keys/host_ed25519 && will_not_start "keys/host_ed25519: " &&
	rm state/keys/host_ed25519 && will_not_start "keys/host_ed25519: No such file" &&
	cp k state/keys/host_ed25519 && chmod 600 state/keys/host_ed25519
'

test_expect_success 'a fingerprint key that is too short' '
	cp state/keys/fingerprint.key k && printf short >state/keys/fingerprint.key && will_not_start "fingerprint.key: must hold 32 bytes" &&
	cp k state/keys/fingerprint.key
'

test_expect_success 'a port that is in use' '
	start_target taken && with && sed -i "s/^listen:.*/listen: 127.0.0.1:$TARGET_PORT_taken/" "$CONF" &&
	will_not_start "listen 127.0.0.1:$TARGET_PORT_taken: Address already in use" &&
	stop_target taken && bastion_targets_=
'

test_expect_success 'a second daemon on one state directory' '
	with && start_bastion &&
	sed "s/^listen:.*/listen: 127.0.0.1:$(test-tool free-port)/" "$CONF" >state/second.yaml && chmod 600 state/second.yaml &&
	test_expect_code 1 timeout 20 sallyportd -f state/second.yaml -D 2>err &&
	test_line_count -eq 1 err && test_grep "another sallyportd runs on this state directory" err &&
	test-tool accepts "$BASTION_PORT" && sallyport -f "$CONF" cert list && stop_bastion
'

test_expect_success 'a CA key that was altered: no connection is ever taken' '
	cp state/keys/user_ca.sealed k && test-tool flip state/keys/user_ca.sealed 70 &&
	timeout 20 sallyportd -f "$CONF" -D >out 2>err
	test $? -eq 1 && test_grep "user_ca" err && bastion_never_ran && cp k state/keys/user_ca.sealed
'

test_expect_success 'a master key that is not there' '
	mv state/keys/master m && timeout 20 sallyportd -f "$CONF" -D >out 2>err
	test $? -eq 1 && test_grep "keys/master: No such file" err && bastion_never_ran && mv m state/keys/master
'

test_expect_success 'wrong options are answered with the usage, status 2' '
	test_expect_code 2 sallyportd 2>err && test_grep "^usage: sallyportd" err &&
	test_expect_code 2 sallyportd -x 2>err && test_expect_code 2 sallyportd -f "$CONF" more 2>err
'

test_expect_success 'after all that it starts' '
	start_bastion && stop_bastion
'

test_done
