#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='E12: what only looks like scp or rsync is an ordinary command, and what is one is decided by files alone'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-copy.sh"

cat_rules () {
	copy_policy
	cat <<-\EOT
	  - id: no-scp
	    who: [agent/noscp]
	    on: ["*"]
	    exec: [scp]
	    do: deny
	    because: this one uses sftp
	  - id: run
	    who: [agent/runner]
	    on: ["*"]
	    exec: {any: true}
	    do: allow
	EOT
}

test_expect_success 'agents: ci has rules on files, free on commands too, noscp a denial; runner may run anything' '
	cat_rules | sed "s/who: \[agent\/\*\]/who: [agent\/ci, agent\/free, agent\/noscp]/" >policy.copy &&
	BASTION_POLICY=policy.copy setup_bastion && mkdir -p far/in far/keys near && echo a >near/a && echo k >far/keys/k &&
	for name in ci free noscp runner
	do
		make_identity $name agent/$name --owner human/kim || return 1
	done
'

test_expect_success 'a line with anything beside the copy is an ordinary command, and those need a rule on commands' '
	n=0 &&
	while IFS= read -r line
	do
		n=$((n + 1)) &&
		test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "$line" >out 2>err </dev/null &&
		test_grep "^sallyport: denied REQ-[A-Z0-9]* rule=" err && test_must_be_empty out &&
		audit_has event=exec.decision kind=exec verdict=deny "command=$(printf "%s" "$line" | sed "s/[][*?\\\\]/?/g")" || return 1
	done <<-EOT &&
	scp -t $FAR_DIR/in/x; id
	scp -t $FAR_DIR/in/x && id
	scp -f $FAR_DIR/in/x | id
	scp -f $FAR_DIR/in/x > $FAR_DIR/in/y
	scp -t $FAR_DIR/in/x -S id
	scp -S id -t $FAR_DIR/in/x
	scp -oProxyCommand=id -f $FAR_DIR/in/x
	X=1 scp -t $FAR_DIR/in/x
	LD_PRELOAD=/tmp/x scp -t $FAR_DIR/in/x
	/tmp/scp -t $FAR_DIR/in/x
	scp -t \$HOME
	scp -t \$(id)
	sudo scp -t $FAR_DIR/in/x
	scp -f $FAR_DIR/in/x $FAR_DIR/in/y
	rsync --server -r --rsh=id . $FAR_DIR/in/x
	rsync --server -r --log-file=$FAR_DIR/in/x . $FAR_DIR/in/y
	rsync --server -r . $FAR_DIR/in/x; id
	scp
	EOT
	test "$n" = 18
'

test_expect_success 'with a terminal it is an ordinary command' '
	BSSH_OPTS=-tt test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "scp -t $FAR_DIR/in/x" >out 2>err </dev/null &&
	audit_has event=exec.decision kind=exec pty=true verdict=deny "command=scp -t $FAR_DIR/in/x"
'

test_expect_success 'who may run anything may still copy only what the rules on files allow' '
	COPY_AS=free bscp near/a "$FAR/in/a" && cmp near/a far/in/a &&
	COPY_AS=free test_expect_code 1 bscp "$FAR/keys/k" near/k 2>err && test_grep "rule=no-keys" err &&
	COPY_AS=free test_expect_code 1 bscp /etc/hostname target:/etc/sallyport-test 2>err && test_grep "rule=default" err &&
	test_path_is_missing /etc/sallyport-test &&
	bssh free "$TEST_LOGIN@web1" "scp -t $FAR_DIR/in/b; echo ran" >out </dev/null && test_grep ran out &&
	test_expect_code 77 bssh runner "$TEST_LOGIN@web1" "scp -f $FAR_DIR/in/a" 2>err </dev/null &&
	test_grep "^sallyport: denied REQ-[A-Z0-9]* rule=default: no rule allows files to be copied; it takes a rule on files" err
'

test_expect_success 'a rule that denies the command denies the copy' '
	COPY_AS=noscp test_must_fail bscp near/a "$FAR/in/noscp" 2>err && test_grep "rule=no-scp: this one uses sftp" err &&
	test_path_is_missing far/in/noscp
'

test_expect_success 'sallyport policy test says so before it happens' '
	sallyport policy test "$STATE/policy.yaml" --as agent/ci --on web1 -- "scp -t $FAR_DIR/in/x" >out &&
	test_grep "^allow rule=by-file" out && test_grep "^copy: each file is decided" out &&
	test_must_fail sallyport policy test "$STATE/policy.yaml" --as agent/ci --on web1 -- "scp -t $FAR_DIR/in/x; id" >out &&
	test_grep "^deny " out && test_must_fail sallyport policy test "$STATE/policy.yaml" --as agent/runner --on web1 -- "scp -f x" >out &&
	test_grep "^deny rule=default" out
'

test_expect_success 'paths that only a shell could resolve are refused' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "scp -f ~nobody/x" 2>err </dev/null && test_grep "rule=unresolved" err &&
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "scp -f $FAR_DIR/*/k" 2>err </dev/null && test_grep "rule=unresolved" err &&
	test_grep "patterns in the last part" err
'

test_expect_success 'a target without SFTP, which could say where names lead, copies nothing' '
	sed -i "s/^Subsystem sftp.*/Subsystem other internal-sftp/" target-web1/config && kill -HUP "$TARGET_PID_web1" &&
	wait_until "test \$(grep -c \"Server listening\" target-web1/log) -ge 2" &&
	test_must_fail bscp near/a "$FAR/in/nosftp" 2>err && test_grep "rule=unresolved: .*it offers no SFTP; copying needs" err &&
	test_path_is_missing far/in/nosftp
'

test_expect_success 'the bastion ends in order' '
	stop_bastion
'

test_done
