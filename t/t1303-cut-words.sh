#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: tokens cut in two by what is not seen, by look-alikes, and by the syntax of languages'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
head=gh$(printf p_)aB3dE5fG7hJ9kL1m
tail=N3pQ5rS7tU9vW1xY3zA5
token=$head$tail

# found DECODED <TEXT: the token, once and exactly, and what was peeled off it
found () {
	test_expect_code 1 secretscan --format jsonl --show-secrets - >out &&
	test_line_count -eq 1 out &&
	test_grep "\"decoded\":\"$1\"" out &&
	test_grep "\"secret\":\"$token\"" out
}

test_expect_success 'characters that are not seen, every fifth' '
	python3 - "$token" <<-\EOF &&
	import sys
	t = sys.argv[1]
	unseen = [0xad, 0x301, 0x34f, 0x61c, 0x115f, 0x17b4, 0x180e, 0x200b, 0x200d, 0x200e, 0x202a, 0x202e, 0x2060,
	    0x2066, 0x2069, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xe0041, 0xe0100]
	for i, c in enumerate(unseen):
	    text = "key " + "".join(t[k:k+5] + chr(c) for k in range(0, len(t), 5)) + " end\n"
	    open("unseen%d" % i, "w", encoding="utf-8").write(text)
	EOF
	for i in unseen*
	do
		found terminal <$i || return 1
	done
'

test_expect_success 'full-width and mathematical letters and digits, all or some' '
	python3 - "$token" <<-\EOF &&
	import sys
	t = sys.argv[1]
	def wide(s):
	    return "".join(chr(ord(c) + 0xfee0) for c in s)
	def bold(s, upper, lower, digit):
	    return "".join(chr(upper + ord(c) - 65) if c.isupper() else chr(lower + ord(c) - 97) if c.islower() else
	        chr(digit + ord(c) - 48) if c.isdigit() else c for c in s)
	open("wide", "w", encoding="utf-8").write("key " + wide(t) + "\n")
	open("some", "w", encoding="utf-8").write("key " + t[:7] + wide(t[7:12]) + t[12:] + "\n")
	open("bold", "w", encoding="utf-8").write("key " + bold(t, 0x1d400, 0x1d41a, 0x1d7ce) + "\n")
	open("mono", "w", encoding="utf-8").write("key " + bold(t, 0x1d670, 0x1d68a, 0x1d7f6) + "\n")
	EOF
	for i in wide some bold mono
	do
		found look-alike <$i || return 1
	done
'

test_expect_success 'literals that a program puts together' '
	sed "s/@/$head/; s/&&/$tail/" >cases <<-\EOF &&
	char *k = "@" "&&";
	k = "@" + "&&"
	$k = "@" . "&&";
	k = "@" .. "&&"
	k = "@" & "&&"
	k = "@" || "&&"
	K="@""&&"
	EOF
	while read -r line
	do
		printf "%s\n" "$line" | found concat || return 1
		printf "%s\n" "$line" | tr "\"" "\047" | found concat || return 1
	done <cases &&
	printf "char *k = \"%s\"\n\t\"%s\";\n" $head $tail | found concat &&
	printf "k = \"%s\" +\n    \"%s\";\n" $head $tail | found concat &&
	printf "k = \"%s\"\r\n    + \"%s\";\r\n" $head $tail | found concat &&
	printf "k = (\"%s\" \\\\\n    \"%s\")\n" $head $tail | found concat &&
	printf "k = \"%s\" +\n    \"%s\" +\n    \"%s\"\n" ${head%L1m} L1mN3pQ5 ${tail#N3pQ5} | found concat
'

test_expect_success 'two literals of a list are two' '
	printf "k = [\"%s\", \"%s\"]\n" $head $tail >list &&
	secretscan list
'

test_expect_success 'a carriage return in the middle, as terminals write it' '
	printf "key %s\r%s\n" $head $tail | found return &&
	printf "key %s \r%s\n" $head $tail | found return
'

test_expect_success 'lines that end in a carriage return alone stay lines' '
	printf "first line\rkey=%s\rnext=line\rlast line\r" $token | found ""
'

test_expect_success 'a backslash at the end of a line' '
	printf "KEY=%s\\\\\n%s\n" $head $tail | found escape &&
	printf "KEY := %s\\\\\n\t%s\n" $head $tail | found escape
'

test_done
