#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: large and broken input'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
body=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
token=gh$(printf p_)$body

# lines FILE: line and column of each token, told by awk.
places () {
	awk -v t="$token" '{ i = index($0, t); if (i) print NR ":" i }' "$1"
}

test_expect_success 'a file of several windows has the same findings at the same places' '
	awk -v t="$token" "BEGIN {
		srand(1)
		for (i = 0; i < 130000; i++)
			printf \"%*s%s\\n\", rand() * 200, \"x\", rand() < 0.01 ? \" key = \" t : \"\"
	}" >big &&
	test $(wc -c <big) -gt 12000000 &&
	places big >expect &&
	test_line_count -gt 1000 expect &&
	test_expect_code 1 secretscan big >out &&
	cut -d: -f2,3 out >actual &&
	test_cmp expect actual &&
	test_expect_code 1 secretscan - <big >out &&
	cut -d: -f2,3 out >actual &&
	test_cmp expect actual
'

test_expect_success 'a line of several windows' '
	{ head -c 9000000 /dev/zero | tr "\000" x && printf " %s\n%s\n" "$token" "$token"; } >line &&
	test_expect_code 1 secretscan line >out &&
	cut -d: -f2,3 out >actual &&
	printf "1:9000002\n2:1\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'terabytes, sparse: what stands behind the hole is found at its place' '
	printf "key = %s\n" "$token" >sparse &&
	truncate -s 2T sparse &&
	printf "\n%s\n" "$token" >>sparse &&
	test_expect_code 1 timeout 100 secretscan sparse >out &&
	cut -d: -f2,3 out >actual &&
	printf "1:7\n3:1\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'a blob of several windows, and what comes after it' '
	git init -q repo && cp big repo/ && cp line repo/line &&
	git -C repo add . && git -C repo commit -q -m big &&
	test_expect_code 1 secretscan --git repo >out &&
	cut -d: -f3,4 out >actual &&
	places big >expect && printf "1:9000002\n2:1\n" >>expect &&
	test_cmp expect actual
'

test_expect_success 'a container of several windows is taken apart, in a file, a stream and a blob' '
	python3 - "$token" <<-\END &&
	import sys, zipfile
	with zipfile.ZipFile("big.zip", "w") as z:
	    z.writestr("long.txt", b"x\n" * (3 << 20))
	    z.writestr("deep/conf", b"one\nkey = %s\n" % sys.argv[1].encode(), zipfile.ZIP_DEFLATED)
	END
	test_expect_code 1 secretscan big.zip >out && test_grep "^big.zip!deep/conf:2:7: github-token" out &&
	test_expect_code 1 secretscan - <big.zip >out && test_grep "^-!deep/conf:2:7: github-token" out &&
	git init -q zipped && cp big.zip zipped/ && git -C zipped add . && git -C zipped commit -q -m zip &&
	echo "$token" >zipped/z && git -C zipped add . && git -C zipped commit -q -m next &&
	test_expect_code 1 secretscan --git zipped >out && test_grep ":big.zip!deep/conf:2:7:" out && test_grep ":z:1:1:" out
'

test_expect_success 'a limit that is reached in a later window is told, once; random bytes are told once' '
	python3 - <<-\END &&
	import base64, io, random, zipfile
	b = io.BytesIO()
	with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as z:
	    z.writestr("a", "x" * 100)
	line = b"data: " + base64.b64encode(b.getvalue()) + b"\n"
	with open("late", "wb") as f:
	    f.write(b"plain text line\n" * 600000 + line * 70000)
	with open("random", "wb") as f:
	    f.write(random.Random(1).randbytes(9000000))
	END
	test_expect_code 1 secretscan late >out && test_line_count -eq 1 out && test_grep ": not-fully-scanned:" out &&
	test_expect_code 1 secretscan random >out && grep -c opaque-data out >count && echo 1 >expect && test_cmp expect count
'

test_expect_success 'pipes, sockets and links in a ring are named, the rest is scanned, and it is exit 2' '
	mkdir odd && mkfifo odd/a && ln -s c odd/b && ln -s b odd/c && printf "%s\n" "$token" >odd/d &&
	mkdir odd/e && ln -s .. odd/e/up &&
	test_expect_code 2 secretscan odd >out 2>err &&
	test_grep "odd/a: a pipe, socket or device: skipped" err &&
	test_line_count -eq 1 err &&
	test_grep "^odd/d:1:1:" out &&
	test_line_count -eq 1 out
'

test_expect_success 'a link in a ring that is named is an error; a pipe that is named is read' '
	test_expect_code 2 secretscan odd/b 2>err &&
	test_grep "odd/b: Too many levels" err &&
	mkfifo pipe &&
	{ printf "%s\n" "$token" >pipe & } &&
	test_expect_code 1 secretscan pipe >out &&
	test_grep "^pipe:1:1:" out
'

test_expect_success 'a file and a folder that cannot be read are named, the rest is scanned, and it is exit 2' '
	mkdir -p closed/b && printf "%s\n" "$token" >closed/c && echo x >closed/a && chmod 0 closed/a closed/b &&
	test_when_finished "chmod 700 closed/b" &&
	if test $(id -u) = 0
	then
		setpriv --reuid 65534 --regid 65534 --clear-groups secretscan closed >out 2>err
	else
		secretscan closed >out 2>err
	fi
	test $? = 2 &&
	test_grep "closed/a: Permission denied" err &&
	test_grep "closed/b: Permission denied" err &&
	test_grep "^closed/c:1:1:" out
'

test_expect_success 'a deep tree' '
	( mkdir deep && cd deep && i=0 && while test $i -lt 400; do
		mkdir d && cd d && i=$((i + 1)) || exit 1
	done && printf "%s\n" "$token" >leaf ) &&
	test_expect_code 1 secretscan deep >out &&
	test_line_count -eq 1 out
'

test_expect_success 'a tree that is deeper than names can be is named in a short line, the rest is scanned' '
	mkdir abyss && printf "%s\n" "$token" >abyss/z &&
	(cd abyss && perl -e "for (1 .. 500) { mkdir q(ddddddddd) and chdir q(ddddddddd) or die }") &&
	test_expect_code 2 secretscan abyss >out 2>err && test_grep "^abyss/z:1:1:" out && test_line_count -eq 1 out &&
	test_line_count -eq 1 err && test_grep "ddddddddd: File name too long" err && test $(wc -c <err) -lt 600
'

test_done
