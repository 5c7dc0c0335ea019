#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: what is encoded, by the programs that people encode with'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
body=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
token=gh$(printf p_)$body

# found DECODED [MEMBER] <TEXT: the token, once, and what was peeled off it
found () {
	test_expect_code 1 secretscan --format jsonl --show-secrets - >out &&
	test_line_count -eq 1 out &&
	test_grep "\"rule\":\"github-token\"" out &&
	test_grep "\"decoded\":\"$1\"" out
}

test_expect_success 'base64, whatever stands before the token' '
	for before in "" "a " "ab " "user:" "several words and "
	do
		printf "data: %s\n" "$(printf "%s%s and more" "$before" "$token" | base64 -w0)" | found base64 || return 1
	done
'

test_expect_success 'base64 in lines, of 76 and of 64' '
	printf "some text that is long enough for lines\nkey %s\nmore text\n" "$token" >text &&
	base64 text | found base64 &&
	base64 -w64 text | found base64 &&
	openssl base64 -in text | found base64 &&
	base64 text | sed "s/^/    /" | found base64
'

test_expect_success 'base64 twice, and of hexadecimal, and the other way round' '
	printf %s "$token" | base64 -w0 | base64 -w0 | found base64,base64 &&
	printf %s "$token" | xxd -p -c 256 | base64 -w0 | found base64,hex &&
	printf %s "$token" | base64 -w0 | xxd -p -c 256 | found hex,base64
'

test_expect_success 'hexadecimal, in lines as well' '
	printf "the key is %s and so on" "$token" | xxd -p | found hex &&
	printf %s "$token" | xxd -p -c 256 | tr a-f A-F | found hex
'

test_expect_success 'a Secret of Kubernetes, a data URI, an encoded command' '
	printf "apiVersion: v1\nkind: Secret\ndata:\n  token: %s\n" "$(printf %s "$token" | base64 -w0)" | found base64 &&
	printf "<a href=\"data:text/plain;base64,%s\">" "$(printf %s "$token" | base64 -w0)" | found base64 &&
	printf "powershell -EncodedCommand %s\n" "$(printf "x -Key %s" "$token" | iconv -t UTF-16LE | base64 -w0)" |
		found base64,utf-16
'

test_expect_success 'UTF-16 and UTF-32, with a mark and without, and within other bytes' '
	printf "key = %s\n" "$token" >text &&
	for to in UTF-16 UTF-16LE UTF-16BE
	do
		iconv -t $to text | found utf-16 || return 1
	done &&
	for to in UTF-32 UTF-32LE UTF-32BE
	do
		iconv -t $to text | found utf-32 || return 1
	done &&
	{ printf "\001\002\003\004\005\006\377\376\375"; iconv -t UTF-16LE text; printf "\001\377\003"; } | found utf-16
'

test_expect_success 'percent, JSON, HTML, quoted-printable' '
	python3 - "$token" <<-\EOF &&
	import html, json, quopri, sys, urllib.parse
	t = sys.argv[1]
	open("percent", "w").write("?key=" + "".join("%%%02x" % ord(c) for c in t))
	open("form", "w").write(urllib.parse.quote_plus("the key is " + t + " and = that"))
	open("json", "w").write(json.dumps({"text": "first\n" + t + "\n\"last\""}))
	open("json2", "w").write(json.dumps({"text": json.dumps({"text": "first\n" + t + "\n\"last\""})}))
	open("unicode", "w").write("".join("\\u%04x" % ord(c) for c in t))
	open("html", "w").write("".join("&#%d;" % ord(c) for c in t))
	open("mail", "wb").write(quopri.encodestring(("A line of a mail which is quite long = so long, token=" + t).encode()))
	EOF
	found percent <percent &&
	found "" <form &&
	found "" <json &&
	found "" <json2 &&
	found escape <unicode &&
	found html <html &&
	found quoted-printable <mail
'

test_expect_success 'what jq makes of it' '
	printf "a\n%s\tb\n" "$token" | jq -Rs "{text: .}" | found "" &&
	printf "a\n%s\tb\n" "$token" | jq -Rs "{text: (. | @base64)}" | found base64 &&
	printf "a\n%s\tb\n" "$token" | jq -Rs "{text: ({inner: .} | tojson)}" | found ""
'

test_expect_success 'colours, in the middle of the token as well' '
	printf "key %s\n" "$token" >text &&
	GREP_COLORS= grep --color=always 7hJ9 text | found terminal &&
	{ printf "\033[32m"; cat text; printf "\033[0m"; } | found "" &&
	{ printf "\033]0;title\007\033[1mprompt\033[m\$ "; cat text; } | found ""
'

test_expect_success 'a diff, CRLF, lines broken for their length' '
	{
		printf "Private-%s: 2\n" Lines &&
		printf "%s" "$(printf %s "$body$body$body" | head -c 64)" && echo &&
		printf "%s" "$(printf %s "$body$body" | tail -c 64)" && echo
	} >key.ppk &&
	test_expect_code 1 secretscan key.ppk &&
	sed "s/^/+/" key.ppk | test_expect_code 1 secretscan - &&
	sed "s/^/-/" key.ppk | test_expect_code 1 secretscan - &&
	sed "s/\$/\r/" key.ppk | test_expect_code 1 secretscan - &&
	for width in 3 20 40 47
	do
		printf "%*s token %s and what follows\n" $width "" "$token" | fold -w 80 | tail -n +1 >folded &&
		secretscan --format jsonl --show-secrets - <folded | grep "\"secret\":\"$token\"" || return 1
	done
'

test_expect_success 'a zip in base64 in JSON' '
	echo "key $token" >inside.txt &&
	python3 -c "import zipfile; z = zipfile.ZipFile(\"a.zip\", \"w\", zipfile.ZIP_DEFLATED); z.write(\"inside.txt\")" &&
	printf "{\"archive\": \"%s\"}\n" "$(base64 -w0 a.zip)" | found base64 &&
	test_grep "\"member\":\"inside.txt\"" out
'

test_expect_success 'the place is that of what is written there' '
	printf "first\nsecond: %s\n" "$(printf "%s and more" "$token" | base64 -w0)" >text &&
	test_expect_code 1 secretscan --format jsonl text >out &&
	test_grep "\"line\":2,\"column\":9,\"end_line\":2,\"end_column\":62," out
'

test_expect_success 'what is encoded too many times is said' '
	printf %s "$token" >text &&
	for i in 1 2 3 4 5 6 7
	do
		base64 -w0 text >next && mv next text || return 1
	done &&
	test_expect_code 1 secretscan text >out &&
	test_grep "not-fully-scanned" out
'

# These bytes are as good as random; each decoder finds something in what the one before has found, and 20 bytes are left.
test_expect_success 'but not of what chance has left of random data' '
	head -c 3000000 /dev/zero | openssl enc -aes-128-ctr -K 0000000000000000000000000000000a -iv 0 >noise 2>enc.err &&
	{ secretscan noise >out || :; } && test_grep "^noise.*opaque-data" out && test_grep ! "not-fully-scanned" out
'

test_done
