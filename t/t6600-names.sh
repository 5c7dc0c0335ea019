#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='user names that try to be options, commands, paths or two names reach nothing (T11, T26)'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

# as USER [COMMAND]: log in under this name and run a command that shows when it is run.
as () {
	badclient user --user="$1" --key id/ci --command "${2-echo reached; >$TRASH_DIRECTORY/reached}" >out 2>err && cat out
}

reaches_nothing () {
	rm -f reached &&
	as "$@" &&
	test_path_is_missing reached && test_path_is_missing "$TRASH_DIRECTORY/pwned" &&
	test_grep ! "^out .*reached" out
}

test_expect_success 'a bastion, and a name that is good' '
	setup_quiet &&
	as "$TEST_LOGIN@web1" && test_grep "^status 0$" out && test_grep "reached" out && test -e reached
'

while read -r name
do
	test_expect_success "$name" '
		reaches_nothing "$name" </dev/null &&
		test_grep "^let-in" out && test_grep "^err .sallyport: " out && test_grep "^status \(69\|77\)$" out
	'
done <<\EOT
-oProxyCommand=touch\x20pwned@web1
$(touch pwned)@web1
`touch pwned`@web1
root;touch pwned@web1
root@web1;touch pwned
root@web1\x0atouch pwned
root\x0a@web1
root\x1b]0;owned\x07@web1
%h%p@web1
"root"@web1
'root'@web1
root @web1
@web1
root@
root@web1@
root@@web1
root@web1@web1
root@../web1
../root@web1
root@WEB1
root@web1.
root@web1/../web2
root/x@web1
\xff\xfe@web1
EOT

test_expect_success 'a NUL ends the name, for the decision as for the target: nobody else is reached' '
	as "nobody\x00@$TEST_LOGIN@web1" && test_grep ! reached out &&
	rm -f reached && as "$TEST_LOGIN@web1\x00@elsewhere" &&
	log_event session.start "\"target\":\"web1\",\"login\":\"$TEST_LOGIN\"" &&
	test_must_fail log_event session.start elsewhere
'

test_expect_success 'a name without a target is for the bastion itself, and is no command of it' '
	as "approve" whoami && test_grep "identity *agent/ci" out &&
	as "--help" whoami && test_grep "identity *agent/ci" out
'

test_expect_success '256 bytes are a name, 257 are none, and it says so' '
	reaches_nothing "{251}@web1" && test_grep "^let-in" out &&
	reaches_nothing "{252}@web1" && test_grep "^not-let-in" out &&
	test_grep "not let in: the user name is longer than 256 bytes" out &&
	reaches_nothing "{4096}@web1" && test_grep "^not-let-in" out &&
	reaches_nothing "{30000}" && test_grep "^not-let-in" out
'

test_expect_success 'what is on record holds no control character, and the bastion is well' '
	no_session && sallyport -f "$CONF" audit verify &&
	! LC_ALL=C grep -n "[^ -~]" "$STATE/audit/log.jsonl" &&
	! LC_ALL=C grep -n "[^ -~]" daemon.log &&
	bastion_is_well && stop_bastion
'

test_done
