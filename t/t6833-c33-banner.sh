#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C33: ssh -n runs, and no banner gets into what a command prints'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
test_expect_success 'a bastion with a banner, and a target with another' '
	init_bastion &&
	echo "welcome to web1" >target-banner &&
	start_target web1 "Banner $TRASH_DIRECTORY/target-banner" "PrintMotd yes" &&
	write_config "banner: this session is recorded" && start_bastion &&
	make_identity ci agent/ci &&
	sed "s/LogLevel ERROR/LogLevel INFO/" id/ci.conf >id/loud.conf
'

test_expect_success 'output is the output alone; ours is on stderr before it, the target'\''s is not told' '
	bssh loud "$TEST_LOGIN@web1" "echo out" >out 2>err </dev/null &&
	echo out >expect && test_cmp expect out &&
	echo "this session is recorded" >expect && tr -d "\r" <err >err.text && test_cmp expect err.text
'

test_expect_success 'a quiet client hears nothing but its command' '
	bssh ci "$TEST_LOGIN@web1" "echo err >&2" >out 2>err </dev/null &&
	test_must_be_empty out && echo err >expect && test_cmp expect err
'

test_expect_success 'ssh -n and ssh -f run their command' '
	BSSH_OPTS=-n bssh ci "$TEST_LOGIN@web1" "cat; echo n" >out && echo n >expect && test_cmp expect out &&
	BSSH_OPTS=-f bssh ci "$TEST_LOGIN@web1" "echo f >$TRASH_DIRECTORY/f" && wait_until "test -s f"
'

test_expect_success 'in a loop that reads, ssh -n leaves the next line alone' '
	printf "1\n2\n3\n" >lines &&
	while read -r n
	do
		BSSH_OPTS=-n bssh ci "$TEST_LOGIN@web1" "echo $n" || return 1
	done <lines >out &&
	test_cmp lines out
'

test_expect_success 'the bastion is well' '
	stop_bastion
'

test_done
