#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a push with a secret in an archive, a database or a document is refused like any other'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

command -v python3 >/dev/null || skip_all 'no python3 here'
command -v 7z >/dev/null && test_set_prereq SEVENZIP

# refused FILE MEMBER: a commit with this file does not pass, and where in it the secret is stands in the answer.
refused () {
	(cd work && git switch -q -C agent/x origin/main && cp "../$1" . && git add "$1" && git commit -q -m "$1") &&
	push_refused ci work origin agent/x &&
	test_grep -F "file=$1" err &&
	test_grep ! "$body" err
}

test_expect_success 'a bastion, an agent with a clone, and a secret in many coats' '
	setup_bastion &&
	make_identity ci agent/ci &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work &&
	body=$(random_word 36) && token=gh$(printf p_)$body && export token &&
	mkdir d && printf "token: %s\n" "$token" >d/app.yaml &&
	tar -czf app.tgz d && python3 -m zipfile -c app.zip d && xz -k -c app.zip >app.zip.xz &&
	python3 - <<-\EOF
	import os, sqlite3, zlib
	d = sqlite3.connect("app.db")
	d.execute("CREATE TABLE t (note TEXT)")
	d.execute("INSERT INTO t VALUES (?)", ("x" * 3000 + " " + os.environ["token"] + " " + "y" * 9000,))
	d.commit()
	page = zlib.compress(b"BT (%s) Tj ET" % os.environ["token"].encode())
	open("app.pdf", "wb").write(b"%PDF-1.4\n1 0 obj\n<</Filter/FlateDecode>>\nstream\n" + page + b"\nendstream\n")
	EOF
'

for file in app.tgz app.zip app.zip.xz app.db app.pdf
do
	test_expect_success "$file" 'refused $file'
done

test_expect_success SEVENZIP 'app.7z' '
	7z a -bd app.7z d >/dev/null &&
	refused app.7z
'

test_expect_success 'nothing is left, and the daemon ends well' '
	upstream_has_none demo work "origin/main..agent/x" &&
	stop_bastion
'

test_done
