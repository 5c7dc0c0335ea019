#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='Ansible through the bastion, with the files of contrib/examples/ansible'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

command -v ansible-playbook >/dev/null || skip_all 'no Ansible here (ansible-core)'
test -x /usr/bin/python3 || skip_all 'no python3 for the target here'

# Names of sockets are short.
sockets=$(mktemp -d)
leave_sockets () {
	for s in "$sockets"/*
	do
		test -S "$s" && ssh -O exit -o ControlPath="$s" x 2>/dev/null
	done
	rm -rf "$sockets"
}

# in_ansible COMMAND..: in a copy of the example's folder, everything of Ansible's own below the trash directory.
in_ansible () {
	(
		cd ansible &&
		ANSIBLE_SSH_ARGS="-F $TRASH_DIRECTORY/account/.ssh/config -o ControlMaster=auto -o ControlPersist=60s -o LogLevel=ERROR" \
		ANSIBLE_SSH_CONTROL_PATH_DIR=$sockets ANSIBLE_REMOTE_TMP=$TRASH_DIRECTORY/remote-tmp \
		ANSIBLE_LOCAL_TEMP=$TRASH_DIRECTORY/local-tmp HOME=$TRASH_DIRECTORY/account ANSIBLE_NOCOLOR=1 LC_ALL=C.UTF-8 \
		"$@" -e "ansible_user=$TEST_LOGIN" 9>&-
	)
}

test_expect_success 'a bastion, an agent that has joined, the example' '
	test_atexit leave_sockets &&
	default_policy | sed "s/use: shell-audited/use: exec-gated/" >policy && BASTION_POLICY=policy setup_bastion &&
	make_identity ci agent/ci &&
	mkdir account && bssh ci bastion join --identity "$TRASH_DIRECTORY/id/ci" >script &&
	env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME="$PWD/account" sh script && cp -R "$TEST_SRCDIR/contrib/examples/ansible" ansible
'

test_expect_success 'ping' '
	in_ansible ansible web1 -m ping >out 2>err && test_grep "\"ping\": \"pong\"" out
'

test_expect_success 'the playbook: a folder, a file, a command; the second time nothing is changed' '
	in_ansible ansible-playbook site.yml -e "folder=$TRASH_DIRECTORY/hello" >out 2>err && test_grep "changed=2 .*failed=0" out &&
	test_grep "through the bastion" hello/hello.txt && test_grep "said.stdout.*through the bastion" out &&
	in_ansible ansible-playbook site.yml -e "folder=$TRASH_DIRECTORY/hello" >out 2>err && test_grep "changed=0 .*failed=0" out
'

test_expect_success 'a file of a megabyte arrives whole' '
	head -c 1000000 /dev/urandom >random &&
	in_ansible ansible web1 -m copy -a "src=$TRASH_DIRECTORY/random dest=$TRASH_DIRECTORY/arrived" >out 2>err && cmp random arrived
'

test_expect_success 'a command'\''s own status arrives, and what policy refuses is refused in its words' '
	in_ansible ansible web1 -m raw -a "exit 7" >out 2>err; test_grep "rc=7" out &&
	in_ansible ansible web1 -m raw -a "printf forbidden" >out 2>err; test_grep "rc=77" out && test_grep "rule=forbidden: it is forbidden" out
'

test_expect_success 'with pipelining a module is a script on standard input, more than a human could read: refused' '
	test_expect_code 2 in_ansible env ANSIBLE_PIPELINING=1 ansible web1 -m ping >out 2>err &&
	test_grep "rule=unresolved-too: more text than a human can be shown" out && test_grep "\"rc\": 77" out
'

test_expect_success 'one connection served many commands, each with its record' '
	audit_has event=exec.start "command=*AnsiballZ_ping.py*" && audit_has event=exec.start "command=*AnsiballZ_copy.py*" &&
	test "$(sallyport -f "$CONF" audit search event=session.start target=web1 | wc -l)" -le 2
'

test_expect_success 'the daemon ends in order' '
	leave_sockets && stop_bastion
'

test_done
