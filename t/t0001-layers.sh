#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the floors of the house: no include runs upwards, and each library is met at one place'

. "$(dirname "$0")/test-lib.sh"

# What a folder may include, the deeper folder first. secretscan is usable alone; base is the ground; gitfilter and
# approvals know neither the bastion nor each other; the rooms of the bastion know each other's messages and the
# configuration (bastion/conf*.h), never the top floor or bastion/ssh.
cat >allowed <<\EOF
bastion/base/		bastion/base/
bastion/policy/		bastion/policy/ bastion/base/ bastion/conf secretscan/
bastion/ident/		bastion/ident/ bastion/base/ bastion/conf
bastion/audit/		bastion/audit/ bastion/record/ bastion/ident/ bastion/base/ bastion/conf
bastion/record/		bastion/record/ bastion/base/ bastion/conf
bastion/		bastion/ gitfilter/ approvals/ secretscan/
gitfilter/		gitfilter/ secretscan/ bastion/base/
approvals/		approvals/ bastion/base/
secretscan/		secretscan/
EOF

# The one file (or the few, when a library has two faces) that includes a library's header.
cat >libraries <<\EOF
libssh/			bastion/ssh/sshconn_int.h
curl/			approvals/http.c gitfilter/webtalk.c
sqlite3.h		approvals/store.c secretscan/container-sqlite.c
git2.h			gitfilter/gitrepo_int.h
yaml.h			bastion/conf_tree.c secretscan/rulefile.c
hs.h			secretscan/prefilter.c
hs/			secretscan/prefilter.c
pcre2.h			secretscan/regex.c secretscan/search.c
libdeflate.h		gitfilter/inflate.c
zlib.h			gitfilter/inflate.c secretscan/container-inflate.c
archive.h		secretscan/container-archive.c secretscan/container-compressed.c
archive_entry.h		secretscan/container-archive.c secretscan/container-compressed.c
seccomp.h		bastion/base/sandbox-seccomp.c
EOF

# layers TREE: one line for every include that breaks the rules; nothing when all is well.
layers () {
	(
		cd "$1" &&
		find secretscan gitfilter approvals bastion -name '*.[ch]' | sort |
		xargs grep -H '^[ 	]*#[ 	]*include' |
		sed 's/:[ 	]*#[ 	]*include[ 	]*[<"]\([^>"]*\)[>"].*/ \1/'
	) >includes &&
	awk '
		FILENAME == "allowed" {
			room[++rooms] = $1
			for (i = 2; i <= NF; i++)
				may[rooms] = may[rooms] " " $i
			next
		}
		FILENAME == "libraries" {
			lib[++libs] = $1
			for (i = 2; i <= NF; i++)
				place[libs] = place[libs] " " $i
			next
		}
		{
			for (i = 1; i <= libs; i++) {
				slash = substr(lib[i], length(lib[i])) == "/"
				if ((slash ? index($2, lib[i]) == 1 : $2 == lib[i]) && !index(place[i] " ", " " $1 " "))
					print $1 " includes " $2 ", which is met in" place[i] " only"
			}
			if ($2 !~ /^(bastion|gitfilter|approvals|secretscan)\//)
				next
			for (r = 1; r <= rooms && index($1, room[r]) != 1; r++)
				;
			n = split(may[r], ok, " ")
			for (i = 1; i <= n && index($2, ok[i]) != 1; i++)
				;
			if (i > n)
				print $1 " includes " $2 ", which is above it"
		}
	' allowed libraries includes
}

test_expect_success 'no include runs upwards and no library is met twice' '
	layers "$TEST_SRCDIR" >found &&
	test_must_be_empty found &&
	test_line_count -gt 50 includes
'

test_expect_success 'every include of ours is written from the root and exists' '
	awk "\$2 ~ /^(bastion|gitfilter|approvals|secretscan)\// { print \$2 }" includes | sort -u >ours &&
	while read -r h
	do
		test -f "$TEST_SRCDIR/$h" || test -f "$TEST_BUILDDIR/$h" || echo "$h"
	done <ours >missing &&
	test_must_be_empty missing
'

# The test of the test: each of these, added to a copy, has to be found.
breaks () {
	printf '#include %s\n' "$2" >"copy/$1" &&
	layers copy >found &&
	rm "copy/$1" &&
	test_line_count -eq 1 found &&
	test_grep "^$1 includes" found
}

test_expect_success 'an illegal include is found' '
	mkdir -p copy/secretscan copy/gitfilter copy/approvals &&
	for room in base policy ident audit record ssh
	do
		mkdir -p copy/bastion/$room || return 1
	done &&
	echo "#include \"bastion/base/buf.h\"" >copy/gitfilter/fine.c &&
	layers copy >found && test_must_be_empty found &&
	breaks secretscan/x.c "\"bastion/base/buf.h\"" &&
	breaks bastion/base/x.h "\"bastion/conf.h\"" &&
	breaks gitfilter/x.c "\"bastion/policy/decide.h\"" &&
	breaks gitfilter/y.c "\"approvals/request.h\"" &&
	breaks approvals/x.c "\"gitfilter/push.h\"" &&
	breaks bastion/policy/x.c "\"bastion/ssh/session.h\"" &&
	breaks bastion/ident/x.c "\"bastion/sallyportd.h\"" &&
	breaks bastion/ssh/x.c "<libssh/libssh.h>" &&
	breaks bastion/x.c "<sqlite3.h>" &&
	breaks gitfilter/z.c "<curl/curl.h>"
'

test_done
