#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: bytes that are listed one by one, dumped, compressed and encoded'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
line="some text before it, the key is $token and so on"

# found DECODED <TEXT: the token, once and exactly, and what was peeled off it
found () {
	test_expect_code 1 secretscan --format jsonl --show-secrets - >out &&
	test_line_count -eq 1 out &&
	test_grep "\"decoded\":\"$1\"" out &&
	test_grep "\"secret\":\"$token\"" out
}

# pairs BETWEEN: the token's bytes in hexadecimal
pairs () {
	printf %s "$token" | xxd -p -c 1 | tr -d '\r' | paste -sd '|' | sed "s/|/$1/g"
}

test_expect_success 'hexadecimal with something between the bytes' '
	for between in : " " - , ", "
	do
		pairs "$between" | found hex || return 1
		pairs "$between" | tr a-f A-F | found hex || return 1
	done
'

test_expect_success 'arrays of C, with comments and without' '
	printf %s "$token" | xxd -i | found hex &&
	printf %s "$token" | xxd -i | sed "s/\$/ \/* these *\//" | found hex &&
	printf %s "$token" | xxd -i -u | found hex &&
	{ printf "static const char key[] = { "; pairs ", 0x" | sed "s/^/0x/"; printf " };\n"; } | found hex &&
	{ printf "k = \""; pairs "\\\\x" | sed "s/^/\\\\x/" | fold -w 48 | sed "s/\$/\"/; 2,\$s/^/    \"/"; } | found hex
'

test_expect_success 'decimal: a Buffer in JSON, an array of Java' '
	printf %s "$token" | od -An -v -tu1 -w1 | tr -d " " | paste -sd, >numbers &&
	printf "{\"type\":\"Buffer\",\"data\":[%s]}\n" "$(cat numbers)" | found decimal &&
	printf "new String(new byte[] { %s });\n" "$(sed "s/,/, /g" numbers)" | found decimal
'

test_expect_success 'dumps: xxd, hexdump, od, gdb' '
	echo "$line" >text &&
	xxd text | found dump &&
	xxd -g1 -u -c 32 text | found dump &&
	xxd -g4 text | found dump &&
	hexdump -C text | found dump &&
	hexdump text | found dump &&
	od -tx1 text | found dump &&
	od -Ax -tx1z text | found dump &&
	od -x text | found dump &&
	od -An -tx1 text | found hex &&
	{ echo "(gdb) x/64xb 0x4000"; xxd -g1 -c 8 text | sed "s/^0000/0x0000/; s/  .*//; s/ / 0x/g"; } | found dump
'

test_expect_success 'a dump within other text, and one in JSON' '
	echo "$line" >text &&
	{ echo "what came over the wire:"; hexdump -C text | sed "s/^/    /"; echo "and then nothing"; } | found dump &&
	hexdump -C text | jq -Rs "{log: .}" | found escape,dump
'

test_expect_success 'a list of lists: base64 in hexadecimal with colons' '
	printf "%s" "$line" | base64 -w0 | xxd -p -c 1 | paste -sd: | found hex,base64
'

test_expect_success 'compressed, then written in base64 or hexadecimal' '
	python3 - "$line" <<-\EOF &&
	import base64, bz2, gzip, lzma, sys, zlib
	t = b"this is said again and again, " * 9 + sys.argv[1].encode()
	for level in (1, 5, 6, 9):
	    open("zlib%d" % level, "wb").write(base64.b64encode(zlib.compress(t, level)))
	open("zlib-hex", "w").write(zlib.compress(t).hex())
	open("gzip-hex", "w").write("data = \"" + gzip.compress(t).hex() + "\"")
	open("xz-hex", "w").write(lzma.compress(t).hex().upper())
	open("bz2", "wb").write(base64.b64encode(bz2.compress(t)))
	open("url", "wb").write(base64.urlsafe_b64encode(zlib.compress(t)))
	open("twice", "wb").write(base64.b64encode(zlib.compress(base64.b64encode(zlib.compress(t)))))
	open("inside", "wb").write(base64.b64encode(b"state: " + base64.b64encode(zlib.compress(t))))
	EOF
	for i in zlib1 zlib5 zlib6 zlib9 bz2 url
	do
		found base64 <$i || return 1
	done &&
	found hex <zlib-hex &&
	found hex <gzip-hex &&
	found hex <xz-hex &&
	found base64,base64 <twice &&
	found base64,base64 <inside
'

test_expect_success 'half of what is compressed is scanned, and said' '
	python3 -c "
import base64, sys, zlib
sys.stdout.write(base64.b64encode(zlib.compress(sys.argv[1].encode() * 3, 0)[:120]).decode())
" "$line" >half &&
	test_expect_code 1 secretscan half >out &&
	test_grep github-token out &&
	test_grep not-fully-scanned out
'

test_expect_success 'what only begins like it says nothing' '
	{
		printf "eJw%s\n" "$(printf %s "$line" | sha512sum | xxd -r -p | base64 -w0)" &&
		printf "789c%s\n" "$(printf %s "$line" | sha512sum | cut -c1-124)" &&
		printf "00:1a:2b:3c:4d:5e 00:1a:2b:3c:4d:5f\n192.168.1.1, 10, 20, 30, 40, 50, 60, 70, 80, 90\n"
	} >innocent &&
	secretscan innocent >out &&
	test_must_be_empty out
'

test_expect_success 'backslashes without end are no encoding' '
	for n in 7 16 40 100 1000
	do
		printf "x=%s%s\n" "$(printf "%${n}s" "" | tr " " "\\\\")" "\"quoted\"" || return 1
	done >drawn &&
	secretscan drawn >out &&
	test_must_be_empty out
'

test_done
