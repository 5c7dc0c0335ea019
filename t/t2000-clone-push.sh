#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='clone, fetch and push through the bastion, with stock git'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git

test_expect_success 'a bastion that hosts a repository, and an agent' '
	setup_bastion &&
	make_identity ci agent/ci
'

test_expect_success 'clone' '
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work &&
	echo "This is demo." >expect && test_cmp expect work/README
'

test_expect_success 'the name works with and without .git' '
	bgit ci ls-remote "$BASTION_URL/hosted/demo" >one && bgit ci ls-remote "$BASTION_URL/hosted/demo.git" >two &&
	test_cmp one two && test_grep refs/heads/main one
'

test_expect_success 'push to a branch of the agent'\''s own' '
	git -C work switch -q -c agent/x &&
	(cd work && test_commit second) &&
	bgit ci -C work push origin agent/x 2>err &&
	test "$(git -C "$UP" rev-parse refs/heads/agent/x)" = "$(git -C work rev-parse HEAD)" &&
	git -C "$UP" fsck --strict
'

test_expect_success 'and again, with more commits' '
	(cd work && test_commit third && test_commit fourth) &&
	bgit ci -C work push -q origin agent/x &&
	test "$(git -C "$UP" rev-parse refs/heads/agent/x)" = "$(git -C work rev-parse HEAD)"
'

test_expect_success 'the first line comes when the commands are there, before the pack is' '
	tip=$(git -C "$UP" rev-parse main) && rm -f fifo && mkfifo fifo &&
	{ timeout 60 ssh -F id/ci.conf git@127.0.0.1 "git-receive-pack '\''/hosted/demo.git'\''" <fifo >first 2>first.err & } && first_pid=$! &&
	exec 8>fifo && wait_until "grep -aq 0000 first" && start=$(test-tool ms) &&
	{ printf "0000000000000000000000000000000000000000 %s refs/heads/agent/first\0 report-status side-band-64k" "$tip" >line &&
		printf "%04x" $(($(wc -c <line) + 4)) && cat line && printf 0000; } >&8 &&
	wait_until "grep -aq \"sallyport: REQ-.*receiving\" first" && took=$(($(test-tool ms) - start)) && echo "$took ms" &&
	exec 8>&- && wait "$first_pid"; test_must_fail git -C "$UP" rev-parse -q --verify refs/heads/agent/first &&
	test "$took" -lt 2000 &&
	(cd work && test_commit loud && test_commit soft) && bgit ci -C work push origin HEAD~1:refs/heads/agent/loud 2>err &&
	test_grep "^remote: sallyport: REQ-[A-Z0-9]*: receiving" err && bgit ci -C work push -q origin HEAD:refs/heads/agent/loud &&
	git -C work reset -q --hard HEAD~2 && git -C "$UP" update-ref -d refs/heads/agent/loud
'

test_expect_success 'when everything is up to date, git says so' '
	bgit ci -C work push origin agent/x 2>err && test_grep "Everything up-to-date" err
'

test_expect_success 'a second branch of objects that are there already' '
	bgit ci -C work push origin HEAD~1:refs/heads/agent/y 2>err &&
	test "$(git -C "$UP" rev-parse refs/heads/agent/y)" = "$(git -C work rev-parse HEAD~1)"
'

test_expect_success 'fetch what somebody else has put there' '
	git clone -q "$UP" direct && (cd direct && test_commit from-elsewhere && git push -q origin main) &&
	bgit ci -C work fetch -q origin &&
	test "$(git -C work rev-parse origin/main)" = "$(git -C "$UP" rev-parse main)"
'

test_expect_success 'a shallow clone, and its deepening' '
	bgit ci clone -q --depth 1 "$BASTION_URL/hosted/demo.git" shallow &&
	git -C shallow rev-list HEAD >list && test_line_count -eq 1 list &&
	bgit ci -C shallow fetch -q --unshallow &&
	git -C shallow rev-list HEAD >list && test_line_count -eq 2 list
'

test_expect_success 'a push of files that are not text, large ones, links and modes' '
	(
		cd work &&
		head -c 3000000 /dev/urandom >blob && ln -s README link && echo "#!/bin/sh" >run && chmod +x run &&
		mkdir -p "deep/er/with space" && echo x >"deep/er/with space/caf$(printf "\303\251")" &&
		git add . && git commit -q -m "All kinds of files"
	) &&
	bgit ci -C work push -q origin agent/x &&
	git -C "$UP" ls-tree -r agent/x >up && git -C work ls-tree -r HEAD >here && test_cmp here up &&
	git -C "$UP" fsck --strict
'

test_expect_success 'decision and result are on record, each with the references' '
	audit_has event=push.decision identity=agent/ci upstream=hosted repository=demo verdict=allow rule=own-branches &&
	audit_has event=push.stored result=stored "updates=*refs/heads/agent/x*" &&
	audit_has event=fetch.decision verdict=allow rule=read &&
	sallyport -f "$CONF" audit verify
'

test_expect_success 'nothing is left in the spool' '
	wait_until "test -z \"\$(ls state/spool)\""
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
