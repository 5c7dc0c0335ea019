#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a client that is not of OpenSSH finds SFTP as it should be: paramiko, with its prefetching and pipelining'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-sftp.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

test_expect_success 'a bastion with rules on files' '
	setup_sftp && mkdir "$BOX/para" && mkdir -p "$BOX/para/vault"
'

test_expect_success 'all that it does works, and content is the same in whatever order it is read' '
	ln -s "$BOX/vault/gold" "$BOX/para/vault/gold" &&
	"$PARAMIKO_PYTHON" "$TEST_SRCDIR/t/helper/paramiko-sftp.py" id/ci "$BASTION_PORT" "$TEST_LOGIN@web1" "$BOX/para" >out 2>err ||
	{ cat out err; false; } &&
	cat out &&
	test_grep "^put 700000" out && test_grep "^get True" out && test_grep "^here-and-there True" out &&
	test_grep "^stat 700000" out && test_grep "^patched True" out && test_grep "^link r 1 True" out &&
	test_grep "^list ..p., .r., .s., .vault..$" out && test_grep "^relative 5" out &&
	test_grep "^left ..vault..$" out
'

test_expect_success 'the refusal reaches the program as the error of the call' '
	test_grep "^vault .*[Pp]ermission denied\|^vault .*denied REQ-[0-9A-Z]* rule=vault" out
'

test_expect_success 'what was uploaded whole has its hash, what was patched has none' '
	audit_has event=file.transfer path=*/para/p direction=in bytes=700000 sha256=$(sha256_of local) &&
	audit_has event=file.transfer path=*/para/q direction=in bytes=5 partial=true &&
	test_grep ! sha256 rec
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
