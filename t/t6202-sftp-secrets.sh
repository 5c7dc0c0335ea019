#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secrets in files stop there, either way, in whatever pieces and order they are read or written'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-sftp.sh"
command -v python3 >/dev/null || skip_all "no python3 here"

SECRET=$(made_up_secret)

test_expect_success 'a bastion with rules on files' '
	setup_sftp &&
	{ echo "# settings"; echo "user = kim"; printf "password = %s\n" "$SECRET"; seq 200; } >leaky &&
	cp leaky "$BOX/leaky"
'

test_expect_success 'a secret does not leave: the file stops before it, and one line says which and where' '
	test_must_fail bscp ci web1:$BOX/leaky got 2>err &&
	grep "^sallyport: " err >said && test_line_count -eq 1 said &&
	test_grep "denied REQ-[0-9A-Z]* rule=secret-in-file: .*github.* in .*/box/leaky, line 3 (ghp_" said &&
	test_grep ! "${SECRET#ghp_aB}" err &&
	{ ! test -e got || test_grep ! "$SECRET" got; } &&
	audit_has event=file.transfer direction=out path=*/box/leaky result=denied &&
	test_grep ! "$SECRET" "$STATE/audit/log.jsonl"
'

test_expect_success 'a secret does not enter: the upload fails and what it made is emptied' '
	test_must_fail bscp ci leaky web1:$BOX/new 2>err &&
	test_grep "denied REQ-[0-9A-Z]* rule=secret-in-file: .* in .*/box/new, line 3 .*the file on the target was emptied" err &&
	test -f "$BOX/new" && ! test -s "$BOX/new" &&
	test_must_fail bsftp ci >out 2>err <<-EOT &&
	put leaky $BOX/new2
	EOT
	! test -s "$BOX/new2" &&
	audit_has event=file.transfer direction=in path=*/box/new result=denied &&
	test_grep ! "$SECRET" "$STATE/audit/log.jsonl"
'

test_expect_success 'what was on the target before is not emptied' '
	seq 1000 >"$BOX/old" &&
	test_must_fail bsftp ci >out 2>err <<-EOT &&
	reput leaky $BOX/old
	EOT
	cp "$BOX/old" before && seq 10 >"$BOX/old" &&
	test_must_fail bsftp ci >out 2>err <<-EOT &&
	reput leaky $BOX/old
	EOT
	test_grep "what came before it is on the target" err &&
	test "$(head -10 "$BOX/old")" = "$(seq 10)" &&
	test_grep ! "$SECRET" "$BOX/old"
'

test_expect_success 'in pieces of one byte, too' '
	test_must_fail bsftp ci -R 1 -B 1 >out 2>err <<-EOT &&
	get $BOX/leaky bytes
	EOT
	{ ! test -e bytes || test_grep ! "${SECRET#ghp_aB3d}" bytes; } &&
	test_must_fail bsftp ci -R 1 -B 1 >out 2>err <<-EOT &&
	put leaky $BOX/bytes
	EOT
	! test -s "$BOX/bytes" &&
	rawsftp put-split "$BOX/split" "$SECRET" >out && cat out &&
	grep -c "write denied close denied" out >count && test "$(cat count)" -eq 4 &&
	test "$(cat "$BOX"/split-* | wc -c)" -eq 0
'

test_expect_success 'no order of reading gets at it' '
	rawsftp search "$BOX/leaky" "$SECRET" $(grep -b -o "$SECRET" leaky | cut -d: -f1) >out &&
	cat out &&
	test_grep "^seen 0" out && test_grep "^byte-by-byte hidden" out &&
	{ head -c 3000000 /dev/zero | tr "\0" "\n"; cat leaky; } >"$BOX/far" &&
	rawsftp search "$BOX/far" "$SECRET" $(grep -a -b -o "$SECRET" "$BOX/far" | cut -d: -f1) >out &&
	cat out &&
	test_grep "^seen 0" out && test_grep "^byte-by-byte hidden" out
'

test_expect_success 'a secret at the very end, without a newline, and one across the 32 KiB border' '
	printf "%s" "$SECRET" >"$BOX/end" &&
	{ head -c 32750 /dev/zero | tr "\0" x; printf "\npassword = %s\n" "$SECRET"; head -c 100000 /dev/zero; } >"$BOX/border" &&
	for file in end border
	do
		test_must_fail bscp ci web1:$BOX/$file $file.got 2>err &&
		test_grep "rule=secret-in-file" err &&
		{ ! test -e $file.got || test_grep ! "$SECRET" $file.got; } &&
		cp "$BOX/$file" $file.mine &&
		test_must_fail bscp ci $file.mine web1:$BOX/$file.put 2>err &&
		! test -s "$BOX/$file.put" || return 1
	done
'

test_expect_success 'clean content passes in every order, byte for byte' '
	{ seq 3000; head -c 60000 /dev/urandom; printf "ghp_not-one\nAKIA\n-----BEGIN \n"; seq 5000; } >clean &&
	cp clean "$BOX/clean" &&
	rawsftp orders "$BOX/clean" clean >out && cat out &&
	test_grep ! "WRONG\|unexpected" out && test_grep "^denied 0" out &&
	rawsftp scattered "$BOX/scattered" clean >out &&
	test_grep "^writes ok close ok" out && cmp clean "$BOX/scattered" &&
	audit_has event=file.transfer path=*/box/scattered sequential=false bytes=$(wc -c <clean) &&
	test_grep ! sha256 rec
'

test_expect_success 'a secret that is written in shuffled pieces is found before the file is closed' '
	rawsftp scattered "$BOX/shuffled" leaky 10 >out && cat out &&
	test_grep "^writes ok close denied" out && test_grep "rule=secret-in-file.*emptied" out &&
	test -f "$BOX/shuffled" && ! test -s "$BOX/shuffled" &&
	audit_has event=file.transfer path=*/box/shuffled result=denied &&
	rawsftp scattered "$BOX/left" leaky 10 left-open >out && cat out &&
	test_grep "left open" out && test_grep "rule=secret-in-file.*emptied" out && ! test -s "$BOX/left"
'

test_expect_success 'what is read back is bounded: a large hole in a new file is refused, a small one is not' '
	rawsftp hole "$BOX/holes" >out 2>&1 && cat out &&
	test_grep "^first ok" out && test_grep "^near ok" out && test_grep "^close ok" out &&
	test_grep "^far denied" out && test_grep "denied REQ-[A-Z0-9]* rule=not-scanned: more than 64 MiB .*; write the file from its" out &&
	test_grep "^last denied" out && test $(wc -c <"$BOX/holes") -eq $(((1 << 20) + 10)) &&
	audit_has event=file.op op=write verdict=deny rule=not-scanned path=*/box/holes
'

test_expect_success 'two handles cannot each write what is no secret by itself' '
	rawsftp two-writers "$BOX/twice" leaky >out && cat out && test_grep "^second failure" out && test_grep "^again ok" out &&
	! cmp leaky "$BOX/twice"
'

test_expect_success 'one handle for reading and writing sees what it wrote' '
	rawsftp append-read "$BOX/both" >out && cat out &&
	test_grep "^read b.hello ." out && test_grep "^read eof" out && test_grep "^read b.hello world." out &&
	test_grep "^close ok" out
'

test_expect_success 'a part of a file has no hash in its record, the whole has' '
	rawsftp search "$BOX/clean" nothing-of-this-kind-in-there 0 >out &&
	audit_has event=file.transfer path=*/box/clean partial=true &&
	bscp ci web1:$BOX/clean clean2 && cmp clean clean2 &&
	audit_has event=file.transfer path=*/box/clean sha256=$(sha256_of clean) result=done
'

test_expect_success 'a secret in a name is masked in records and in recordings, and in a refusal' '
	bscp ci clean "web1:$BOX/in-$SECRET" && bscp ci "web1:$BOX/in-$SECRET" out && test_must_fail bscp ci clean "web1:$BOX/vault/$SECRET" 2>err &&
	test_grep "rule=vault" err && grep "^sallyport: " err >said && test_grep ! "${SECRET#ghp_aB}" said &&
	audit_has event=file.transfer direction=in "path=*/box/in-*" && test_grep ! "${SECRET#ghp_aB}" "$STATE/audit/log.jsonl" &&
	cat "$STATE"/recordings/*.cast >casts && test_grep "in .*/box/in-.masked:" casts && test_grep ! "${SECRET#ghp_aB}" casts
'

test_expect_success 'the recording has no content of any file' '
	cat "$STATE"/recordings/*.cast >casts &&
	test_grep "clean" casts && test_grep ! "$SECRET" casts && test_grep ! "user = kim" casts
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
