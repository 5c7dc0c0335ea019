#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='stock sftp and scp through the bastion: what they do, and the one record of each file'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-sftp.sh"

test_expect_success 'a bastion with rules on files' '
	setup_sftp
'

test_expect_success 'get brings the file, byte for byte' '
	head -c 100000 /dev/urandom >"$BOX/blob" &&
	: >"$BOX/empty" &&
	bsftp ci >out <<-EOT &&
	get "$BOX/blob" got
	get "$BOX/empty" got-empty
	EOT
	cmp got "$BOX/blob" &&
	test -f got-empty && ! test -s got-empty
'

test_expect_success 'its one record has direction, size and hash' '
	audit_has event=file.transfer path=*/box/blob direction=out bytes=100000 sha256=$(sha256_of got) result=done how=sftp &&
	test_line_count -eq 1 rec &&
	audit_has event=file.open path=*/box/blob op=read &&
	test_line_count -eq 1 rec
'

test_expect_success 'put takes it there' '
	head -c 70000 /dev/urandom >mine &&
	bsftp ci >out <<-EOT &&
	put mine "$BOX/there"
	EOT
	cmp mine "$BOX/there" &&
	audit_has event=file.transfer path=*/box/there direction=in bytes=70000 sha256=$(sha256_of mine) result=done &&
	test_line_count -eq 1 rec
'

test_expect_success 'folders, names, modes and links' '
	bsftp ci >out <<-EOT &&
	mkdir $BOX/d
	put mine $BOX/d/a
	rename $BOX/d/a $BOX/d/b
	chmod 600 $BOX/d/b
	ln -s b $BOX/d/soft
	ln $BOX/d/b $BOX/d/hard
	ls -l $BOX/d
	rm $BOX/d/soft
	rm $BOX/d/hard
	mkdir $BOX/d/e
	rmdir $BOX/d/e
	cd $BOX/d
	pwd
	df
	EOT
	test_grep "rw-------.* .*/d/b" out &&
	test_grep "soft" out &&
	test_grep "box/d$" out &&
	test "$(ls "$BOX/d")" = b &&
	cmp mine "$BOX/d/b" &&
	for op in mkdir posix-rename@openssh.com setstat symlink hardlink@openssh.com remove rmdir
	do
		audit_has event=file.op op=$op verdict=allow || return 1
	done
'

test_expect_success 'a name that is not there is told as sshd tells it' '
	test_must_fail bsftp ci >out 2>err <<-EOT &&
	get $BOX/nothing
	EOT
	test_grep "nothing.* not found" err &&
	test_must_fail bsftp ci >out 2>err <<-EOT &&
	rmdir $BOX/nothing
	EOT
	test_grep "No such file" err
'

test_expect_success 'sftp without a file to copy reaches the target too' '
	bsftp ci >out <<-EOT &&
	pwd
	EOT
	test_grep "working directory: /" out
'

test_expect_success 'scp takes files and folders both ways and ends with 0' '
	mkdir -p tree/sub &&
	echo one >tree/one && echo two >tree/sub/two && chmod 750 tree/sub/two &&
	bscp ci -r -p tree web1:$BOX/tree &&
	diff -r tree "$BOX/tree" &&
	test "$(stat -c %a "$BOX/tree/sub/two")" = 750 &&
	bscp ci -r web1:$BOX/tree back &&
	diff -r tree back &&
	bscp ci "web1:$BOX/tree/*/t?o" . && cmp two tree/sub/two &&
	test_must_fail bscp ci web1:$BOX/nothing . 2>err &&
	test_grep "No such file" err
'

test_expect_success 'names with blanks, quotes and stars stay whole' '
	mkdir odd && : >"odd/a b" && : >"odd/q\"u'"'"'o" && : >"odd/new
line" &&
	bscp ci -r odd web1:$BOX/odd &&
	diff -r odd "$BOX/odd" &&
	bscp ci -r web1:$BOX/odd odd-back &&
	diff -r odd odd-back
'

test_expect_success '64 MiB go and come' '
	seq 20000000 | head -c 67108864 >big &&
	bscp ci big web1:$BOX/big && cmp big "$BOX/big" &&
	bscp ci web1:$BOX/big big2 && cmp big big2 &&
	audit_has event=file.transfer path=*/box/big direction=in bytes=67108864 sha256=$(sha256_of big) &&
	audit_has event=file.transfer path=*/box/big direction=out bytes=67108864 sha256=$(sha256_of big) &&
	rm -f big big2 "$BOX/big"
'

test_expect_success 'small requests, one at a time, change nothing' '
	head -c 3000 /dev/urandom >small &&
	bsftp ci -R 1 -B 1 >out <<-EOT &&
	put small $BOX/small
	get $BOX/small small2
	EOT
	cmp small small2 && cmp small "$BOX/small" &&
	audit_has event=file.transfer path=*/box/small direction=out bytes=3000 sha256=$(sha256_of small)
'

test_expect_success 'an upload is taken up again where it broke off' '
	head -c 200000 /dev/urandom >long &&
	head -c 90000 long >"$BOX/long" &&
	bsftp ci >out <<-EOT &&
	reput long $BOX/long
	EOT
	cmp long "$BOX/long" &&
	audit_has event=file.transfer path=*/box/long bytes=110000 sequential=true partial=true
'

test_expect_success 'a folder of 5,000 files is listed whole' '
	mkdir "$BOX/many" && (cd "$BOX/many" && seq -f "file-number-%g-with-a-long-name" 1 5000 | xargs touch) &&
	bsftp ci >out <<-EOT &&
	ls -l $BOX/many
	EOT
	grep -c with-a-long-name out >count && test "$(cat count)" = 5000
'

test_expect_success 'the recording tells what happened, without content' '
	audit_has event=exec.end files=1 bytes_in=70000 &&
	recording=$(sed -n "s/.*\"recording\":\"\([^\"]*\)\".*/\1/p" rec | head -1) &&
	test_grep "\"m\", *\"write .*/box/there\"" "$STATE/recordings/$recording.cast" &&
	test_grep "\"m\", *\"in .*/box/there 70000 bytes: done\"" "$STATE/recordings/$recording.cast" &&
	test "$(wc -c <"$STATE/recordings/$recording.cast")" -lt 4000
'

test_expect_success 'what agents may do is told, and can be tried beforehand' '
	bssh ci bastion policy >out && test_grep "allow sftp on .*: everything but sync paths .*/box/\*\*" out &&
	sallyport policy test "$CONF" --as agent/ci --on web1 --sftp read "$BOX/x" >out && test_grep "^allow rule=box" out &&
	test_expect_code 77 sallyport policy test "$CONF" --as agent/ci --on web1 --sftp list "$BOX/vault" >out &&
	test_grep "^deny rule=vault" out
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
