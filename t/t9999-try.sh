#!/bin/sh
test_description='try'
. "${TEST_SRCDIR:-.}/t/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
test_expect_success setup 'setup_bastion && make_identity ci agent/ci --owner human/kim && make_identity eva human/eva --group engineers'
test_expect_success whoami 'bssh ci bastion whoami; cat daemon.log'
test_expect_success run 'bssh ci "$TEST_LOGIN@web1" "echo out; echo err >&2; exit 3" >o 2>e; echo rc=$?; cat o e; cat daemon.log target-web1/log'
test_done
