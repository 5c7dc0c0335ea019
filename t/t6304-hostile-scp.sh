#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T9: a target whose scp or SFTP is hostile gets no file past its folder, and costs its own copy only'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-copy.sh"

test -x /usr/lib/openssh/sftp-server || skip_all 'no sftp-server here'

test_expect_success 'a bastion whose target has such an scp' '
	copy_policy >policy.copy && BASTION_POLICY=policy.copy && init_bastion &&
	start_target web1 "ForceCommand python3 $TEST_SRCDIR/t/helper/badscp.py $(pwd)" &&
	write_config "limits: {dial_timeout: 2s}" && start_bastion &&
	make_identity ci agent/ci --owner human/kim && mkdir -p far/keys near
'

# copied [OPTION] NAME: scp it, with anything that the target may send as the client'\''s own check would let through.
copied () {
	bscp -T "$@" near/ >out 2>err
}

test_expect_success 'names that are not one file of the folder that was asked for' '
	for name in parent absolute inside dots dot empty nul long
	do
		test_expect_code 1 copied "$FAR/$name" && test_grep "^sallyport: stopped REQ-[A-Z0-9]*: what the target sends is not scp.s protocol: a name" err ||
		return 1
	done &&
	test_expect_code 1 copied "$FAR/other" && test_grep "^sallyport: stopped REQ-[A-Z0-9]*: the target sends .bashrc, which was not asked for" err &&
	test_expect_code 1 copied "$FAR/control" && test_grep "which was not asked for" err &&
	test_must_fail grep -q "$(printf "\033")" err &&
	test_expect_code 1 copied "$FAR/twice" && test_grep "the target sends other, which was not asked for" err &&
	rm -f near/twice && ls -A near >list && test_must_be_empty list
'

test_expect_success 'folders that were not asked for, or lead up, or never end' '
	test_expect_code 1 copied "$FAR/folder" && test_grep "a folder, and none was asked for" err &&
	test_expect_code 1 copied -r "$FAR/tree" && test_grep "a name that is not one of a file" err && test_path_is_missing near/up &&
	test_expect_code 1 copied "$FAR/leave" && test_grep "the end of a folder that has not begun" err &&
	test_expect_code 1 copied -r "$FAR/deep" && test_grep "^sallyport: " err && rm -rf near/tree near/deep near/d
'

test_expect_success 'a file that is somewhere else on the target is not taken for one of the folder' '
	mkdir -p far/links && ln -s ../keys/k far/links/out && echo k >far/keys/k && : >far/links/fine &&
	test_expect_code 1 copied -r "$FAR/links" && test_grep "rule=no-keys.*which leads to $FAR_DIR/keys/k" err &&
	test_path_is_missing near/links/out && test "$(cat near/links/fine)" = fine
'

test_expect_success 'sizes that are none, content that is more or less than announced' '
	: >far/more && : >far/less && : >far/huge &&
	test_expect_code 1 copied "$FAR/more" && test_grep "more of a file than was announced" err &&
	test_expect_code 1 copied "$FAR/less" && test_path_is_missing near/less || test "$(wc -c <near/less)" -le 200000 &&
	test_expect_code 1 copied "$FAR/huge" && test_grep "a message that is none of scp.s" err &&
	audit_has event=file.transfer path="$FAR_DIR/less" "result=cut short"
'

test_expect_success 'of a secret that comes byte by byte at the end of a large file not even the beginning passes' '
	head -c 200000 /dev/zero | tr "\0" "x" >far/drip && echo >>far/drip && plant_token far/drip &&
	printf "\0\0\0" | { test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "scp -f $FAR_DIR/drip" >out 2>err; } &&
	test_grep "rule=secret-in-file" err && test "$(wc -c <out)" -gt 190000 && ! grep -a -q "gh[p]_" out
'

test_expect_success 'words before the protocol, nonsense, and a line without end' '
	for name in banner nonsense line
	do
		: >far/$name && test_expect_code 1 copied "$FAR/$name" && test_grep "^sallyport: stopped REQ-[A-Z0-9]*: what the target sends is not scp.s protocol" err ||
		return 1
	done
'

test_expect_success PLAIN 'what never ends is not kept: the session stays small when nobody reads' '
	: >far/notes && : >far/data && mkfifo into from && exec 5<>into 6<>from &&
	for name in notes data
	do
		no_session && printf "\0\0" >&5 &&
		bg_bssh ci "$TEST_LOGIN@web1" "scp -f $FAR_DIR/$name" <into >from 2>err && one_session &&
		wait_until "at_rest $SESSION" &&
		size=$(private_kb $SESSION) && echo "$name: $size kB" && test "$size" -lt 16000 &&
		faults_end_ $CLIENT || return 1
	done && exec 5>&- 6>&- && no_session
'

test_expect_success PLAIN 'a sink that answers before it is asked and takes nothing stops its copy, which goes with the agent' '
	{ printf "C0644 50000000 sink\n"; head -c 50000000 /dev/zero; } >sink.in &&
	bg_bssh ci "$TEST_LOGIN@web1" "scp -t $FAR_DIR/sink" <sink.in >out 2>err && one_session &&
	wait_until "at_rest $SESSION" && size=$(private_kb $SESSION) && echo "$size kB" && test "$size" -lt 16000 &&
	faults_end_ $CLIENT && no_session && bastion_is_well
'

test_expect_success 'an SFTP that lies about names, or is none, resolves nothing: nothing is copied' '
	for what in plain relative dots none other-id many line huge silent
	do
		echo $what >sftp && echo x >near/twice && test_must_fail copied "$FAR/other" && test_grep "^sallyport: denied REQ-[A-Z0-9]* rule=unresolved: .* its SFTP " err &&
		test_must_fail bscp near/twice "$FAR/in" 2>err && test_grep "rule=unresolved" err &&
		{ test $what != plain || test_grep "its SFTP does not resolve links" err; } || return 1
	done && rm sftp
'

test_expect_success 'the bastion ends in order' '
	stop_bastion
'

test_done
