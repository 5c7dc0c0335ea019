#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T19: other users of the host see nothing and can do nothing, not even where folders were opened to them'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

test "$(id -u)" = 0 || skip_all 'only root can become somebody else'
command -v setpriv >/dev/null || skip_all 'no setpriv here (util-linux)'
id nobody >/dev/null 2>&1 || skip_all 'no user nobody here'

# other COMMAND..: as another user of this host, who has the programs and knows where everything is.
other () {
	setpriv --reuid=nobody --regid=nogroup --clear-groups "$@" </dev/null
}

other test -x "$TEST_BUILDDIR/sallyport" -a -x "$TRASH_DIRECTORY" || skip_all 'user nobody cannot reach the build folder'

# What the administrator can do with a running bastion, a line each.
cat >verbs <<-\EOT
sessions list
sessions show $id
sessions kill $id
replay --instant $id.1
export $id.1
audit verify
audit search event=exec.start
audit export --jsonl
approvals
approvals show $req
approvals approve $req
cert issue --identity agent/mallory --key mallory.pub
cert revoke $serial
cert list
secret list
host-key show
host-key next
host-key rotate
client-config
reload
EOT

# Of all sessions that began only the one with the command has not ended, on record.
one_goes_on () {
	test "$(log_event session.start | wc -l)" -eq $(($(log_event session.end | wc -l) + 1))
}

# asks_in_vain: each of them fails, prints nothing but why not, and leaves nothing on record.
asks_in_vain () {
	wait_until one_goes_on && cp "$STATE/audit/log.jsonl" log.before &&
	while read -r verb
	do
		eval "set -- $verb" &&
		other sallyport -f "$CONF" "$@" >out 2>err
		code=$?
		echo "$code: $verb: $(cat err)"
		test $code -ne 0 && test $code -lt 126 && test -s err && test_must_be_empty out || return 1
	done <verbs &&
	test_cmp log.before "$STATE/audit/log.jsonl" && is_alive "$client" && bssh eva bastion pending >pend && test_grep "$req" pend
}

# What lies below a folder and can be opened by the other user.
open_to_other () {
	find "$1" ! -type d ! -type l | while read -r path
	do
		if other test -r "$path" || other test -w "$path"
		then
			echo "$path"
		fi
	done
}

test_expect_success 'a bastion with a command, a recording and a question under way' '
	setup_bastion && make_identity ci agent/ci && make_identity eva human/eva --group engineers &&
	mkfifo hold && bg_bssh ci "$TEST_LOGIN@web1" "echo up; cat $TRASH_DIRECTORY/hold" >out && client=$CLIENT &&
	wait_until "grep -q up out" && id=$(log_event exec.start | sed "s/.*\"session\":\"\([^\"]*\)\".*/\1/") &&
	serial=$(ssh-keygen -L -f id/ci-cert.pub | sed -n "s/.*Serial: //p") &&
	BSSH_OPTS="-o SetEnv=SALLYPORT_WAIT=0" test_expect_code 75 bssh ci "$TEST_LOGIN@web1" "printf risky" 2>err </dev/null &&
	req=$(sed -n "s/.*pending \(REQ-[A-Z0-9]*\) .*/\1/p" err) && test -n "$req" &&
	ssh-keygen -q -t ed25519 -N "" -f mallory && chmod 644 mallory.pub &&
	wait_until "log_event exec.decision" && test "$(session_pids | wc -w)" -eq 1
'

test_expect_success 'as root, each of these answers' '
	for verb in "sessions show $id" "audit search event=exec.start" "approvals show $req" "cert list"
	do
		sallyport -f "$CONF" $verb >out && test -s out || return 1
	done
'

test_expect_success 'as somebody else, none does' '
	asks_in_vain
'

test_expect_success 'of the whole state directory nothing can be opened' '
	! other ls "$STATE" 2>err && find "$STATE" -type s | grep control && open_to_other "$STATE" >open && test_must_be_empty open
'

test_expect_success 'where the folders were opened by mistake, what lies in them still cannot be, but what is meant to be public' '
	find "$STATE" -type d -exec chmod 755 {} + && open_to_other "$STATE" >open &&
	grep -vE "/(keys/.*\.pub|repos/.*|ca/krl|sallyport\.yaml|policy\.yaml)$" open >more
	test_must_be_empty more
'

test_expect_success 'and nothing can be asked for either but public keys, configuration and all' '
	chmod 644 "$CONF" "$STATE/policy.yaml" && sed -i "/^host-key show/d; /^client-config/d" verbs && asks_in_vain
'

test_expect_success 'a control socket that everybody may open is still only for the administrator: the daemon looks who it is' '
	chmod 777 "$(find "$STATE" -type s -name control)" && asks_in_vain && test_grep "control socket: refused uid $(id -u nobody)" daemon.log
'

test_expect_success 'a second daemon on the same state comes to nothing' '
	test_must_fail other timeout 60 sallyportd -f "$CONF" -D 2>err && cat err && is_alive "$BASTION_PID" && is_alive "$client"
'

test_expect_success 'neither is there a way through the processes: none can be traced, none read' '
	for pid in "$BASTION_PID" $(children_of "$BASTION_PID")
	do
		is_alive "$pid" && ! other cat "/proc/$pid/environ" >out 2>err && ! other ls "/proc/$pid/fd/" >out 2>err &&
		! other sh -c "kill -0 $pid" 2>err && test_must_be_empty out || return 1
	done
'

test_expect_success 'the command ends as it would have, the bastion is well' '
	echo done >hold && wait_client "$client" && test "$CODE" -eq 0 && no_session && bastion_is_well && stop_bastion
'

test_done
