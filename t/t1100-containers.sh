#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: what archives, compressed files, documents and databases hold'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
body=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
token=gh$(printf p_)$body
export token

# found FILE NAME: the token is found in the member of this name, and its text is not shown.
found () {
	test_expect_code 1 secretscan "$1" >found.out &&
	test_grep -F "$1!$2:" found.out &&
	test_grep "github-token" found.out &&
	test_grep ! "$body" found.out
}

test_expect_success 'set up' '
	mkdir -p d/deep clean &&
	echo "nothing to see" >clean/file &&
	printf "one\nkey = %s\n" "$token" >d/deep/file.txt &&
	# Compressed, the token is put together from pieces that were there before.
	for i in 1 2 3 4 5 6 7 8 9
	do
		echo "$i gh p_aB3dE5fG7hJ9kL1 mN3pQ5rS7tU9v W1xY3zA5"
	done >many && cat d/deep/file.txt >>many
'

for kind in 'zip -qr' '7z a -bd' 'tar -cf' 'tar -czf' 'tar -cjf' 'tar -cJf' 'tar --zstd -cf'
do
	command -v "${kind%% *}" >/dev/null || continue
	test_expect_success "$kind: the members are read, and where it was is said" '
		rm -f a.zip clean.zip &&
		$kind a.zip d >/dev/null &&
		$kind clean.zip clean >/dev/null &&
		found a.zip d/deep/file.txt &&
		secretscan clean.zip >out &&
		test_must_be_empty out
	'
done

for kind in gzip bzip2 xz 'xz --format=lzma' 'zstd -q' 'lz4 -q'
do
	command -v "${kind%% *}" >/dev/null || continue
	test_expect_success "$kind: one compressed file is read" '
		$kind -c <many >one &&
		test_grep ! -a "$token" one &&
		test_expect_code 1 secretscan one >out &&
		test_grep github-token out
	'
done

test_expect_success 'cpio, ar, and a Debian package, which is three layers' '
	find d | cpio -o -H newc >a.cpio 2>/dev/null &&
	found a.cpio d/deep/file.txt &&
	mkdir -p pkg/DEBIAN pkg/etc &&
	cp d/deep/file.txt pkg/etc/ &&
	printf "%s: x\n" Package Description Maintainer >pkg/DEBIAN/control &&
	printf "Version: 1\nArchitecture: all\n" >>pkg/DEBIAN/control &&
	dpkg-deb -b pkg x.deb >/dev/null &&
	found x.deb data.tar.xz!./etc/file.txt
'

test_expect_success 'an archive in an archive in an archive' '
	tar -czf in.tgz d &&
	rm -f mid.zip && zip -q mid.zip in.tgz &&
	tar -cJf out.txz mid.zip &&
	found out.txz mid.zip!in.tgz!d/deep/file.txt
'

test_expect_success 'names and the targets of links are read' '
	mkdir -p named && ln -s "$token" named/link && : >"named/$token.txt" &&
	tar -czf link.tgz named/link && found link.tgz "(names)" &&
	tar -czf name.tgz "named/$token.txt" && found name.tgz "(names)" &&
	rm -r named
'

test_expect_success 'a zip behind something else, what follows a tar, and a file that begins with zeros' '
	rm -f a.zip && zip -qr a.zip d &&
	{ echo "#!/bin/sh" && cat a.zip; } >script && found script d/deep/file.txt &&
	{ tar -cf - clean && head -c 20000 /dev/zero && cat d/deep/file.txt; } | gzip >after.tgz &&
	found after.tgz "(rest)" &&
	{ head -c 3000 /dev/zero && cat d/deep/file.txt; } | xz >zeros.xz && found zeros.xz "(rest)"
'

test_expect_success 'a container that is larger than a window is read as a whole, also out of a repository' '
	head -c 5000000 /dev/zero >zero && openssl enc -aes-128-ctr -K $(printf %032d 7) -iv $(printf %032d 1) -nosalt \
		-in zero -out large &&
	rm -f large.zip && zip -q -r large.zip large many && found large.zip many &&
	tar -czf large.tgz large many && found large.tgz many &&
	git init -q big && cp large.tgz big/ && git -C big add large.tgz &&
	git -C big -c user.name=x -c user.email=x@localhost commit -q -m x &&
	test_expect_code 1 secretscan --git big >out && test_grep "large.tgz!many:.*github-token" out
'

test_expect_success 'what is damaged is said, and what is whole in it is read' '
	head -c 30000 /dev/urandom >d/noise &&
	tar -cf all.tar d/deep/file.txt d/noise && gzip -k all.tar && rm d/noise &&
	head -c 5000 all.tar.gz >cut.tgz &&
	test_expect_code 1 secretscan cut.tgz >out &&
	test_grep github-token out &&
	test_grep "not-fully-scanned.*damaged" out &&
	printf "\037\213\010\000nothing of the kind, not at all" >bad.gz &&
	test_expect_code 1 secretscan bad.gz >out &&
	test_grep not-fully-scanned out
'

test_expect_success 'what is encrypted is said, and whose it is' '
	echo "nothing to see" >plain &&
	zip -q -P pw locked.zip plain &&
	openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -in plain -out locked.enc &&
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout key -out cert 2>/dev/null &&
	openssl pkcs12 -export -passout pass:x -inkey key -in cert -out locked.p12 &&
	printf "\$ANSIBLE_VAULT;1.1;AES256\n3031\n" >locked.yml &&
	for f in zip enc p12 yml
	do
		test_expect_code 1 secretscan locked.$f >out &&
		test_line_count -eq 1 out &&
		test_grep "^locked[.]$f.*encrypted-container" out || return 1
	done
'

command -v 7z >/dev/null && test_set_prereq SEVENZIP
test_expect_success SEVENZIP 'a 7z archive that is encrypted, its names as well' '
	7z a -bd -ppw e1.7z plain >/dev/null && 7z a -bd -ppw -mhe=on e2.7z plain >/dev/null &&
	test_expect_code 1 secretscan e1.7z >out && test_grep "encrypted-container.*7z" out &&
	test_expect_code 1 secretscan e2.7z >out && test_grep "encrypted-container.*7z" out
'

test_expect_success 'bytes like random ones are said to be, pictures and programs are not' '
	head -c 40000 /dev/zero >zero &&
	openssl enc -aes-128-ctr -K $(printf %032d 7) -iv $(printf %032d 1) -nosalt -in zero -out opaque &&
	test_expect_code 1 secretscan opaque >out && test_grep "^opaque:1:1: opaque-data" out &&
	{ printf "\211PNG\r\n\032\n" && cat opaque; } >picture && secretscan picture >out && test_must_be_empty out
'

test_expect_success 'a bomb ends soon, and says that it was not read whole' '
	head -c 300000000 /dev/zero | gzip -9 >zeros.gz &&
	gzip -9 <zeros.gz >zeros.gz.gz && rm -f many.zip &&
	zip -q many.zip zeros.gz zeros.gz.gz &&
	for f in zeros.gz zeros.gz.gz many.zip
	do
		test_expect_code 1 timeout 60 secretscan $f >out &&
		test_grep not-fully-scanned out || return 1
	done
'

test_expect_success 'one archive that ends too early leaves the other files to be read' '
	mkdir -p both && cp zeros.gz both/ && cp d/deep/file.txt both/ &&
	test_expect_code 1 secretscan both >out &&
	test_grep "^both/file.txt.*github-token" out && test_grep "^both/zeros.gz.*not-fully-scanned" out
'

test_expect_success 'a loose object and a pack of git' '
	git init -q repo && cp d/deep/file.txt repo/ && git -C repo add file.txt &&
	cp repo/.git/objects/??/* loose && found loose data &&
	git -C repo -c user.name=x -c user.email=x@localhost commit -q -m x && git -C repo gc -q &&
	cp repo/.git/objects/pack/*.pack pack && test_expect_code 1 secretscan pack >out &&
	test_grep "pack!object at.*github-token" out
'

command -v python3 >/dev/null && test_set_prereq PYTHON
test_expect_success PYTHON 'a database with long cells; a notebook; a document whose words are cut into runs' '
	python3 - <<-\EOF &&
	import json, os, sqlite3, zipfile
	t = os.environ["token"]
	d = sqlite3.connect("base", isolation_level=None)
	d.execute("PRAGMA journal_mode = WAL")
	d.execute("CREATE TABLE cells (id INTEGER PRIMARY KEY, note TEXT, made TEXT AS (hex(zeroblob(100000000))))")
	d.execute("INSERT INTO cells (note) VALUES (?)", ("x" * 4030 + " " + t + " " + "y" * 9000,))
	d.execute("PRAGMA wal_checkpoint(TRUNCATE)")
	d.close()
	cell = {"cell_type": "code", "source": ["k = \"" + t[:20], t[20:] + "\"\n"], "outputs": []}
	json.dump({"nbformat": 4, "metadata": {}, "cells": [cell]}, open("book.ipynb", "w"))
	text = "<w:r><w:t>%s</w:t></w:r><w:r><w:rPr/><w:t>%s</w:t></w:r>" % (t[:17], t[17:])
	with zipfile.ZipFile("letter.docx", "w", zipfile.ZIP_DEFLATED) as z:
	    z.writestr("word/document.xml", "<?xml version=\"1.0\"?><w:document xmlns:w=\"http://"
	        "schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:p>" + text + "</w:p></w:document>")
	EOF
	found base cells &&
	found book.ipynb "(text)" &&
	found letter.docx "word/document.xml!(text)"
'

test_expect_success PYTHON 'a PDF: words in parts, glyphs that are numbered as they come, filters over filters' '
	python3 - <<-\EOF &&
	import base64, os, zlib
	t = os.environ["token"]
	def pdf(name, objects):
	    out = b"%PDF-1.5\n"
	    for n, (head, data) in enumerate(objects, 1):
	        out += b"%d 0 obj\n<<%s>>\n" % (n, head)
	        if data is not None:
	            out += b"stream\n" + data + b"\nendstream\n"
	        out += b"endobj\n"
	    open(name, "wb").write(out)
	page = b"BT /F1 12 Tf 72 700 Td [(%s)-20(%s)15(%s)]TJ ET" % tuple(x.encode() for x in (t[:9], t[9:20], t[20:]))
	pdf("parts.pdf", [(b"/Filter[/ASCII85Decode/FlateDecode]", base64.a85encode(zlib.compress(page)) + b"~>")])
	used = sorted(set(t))
	cmap = b"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n%d beginbfchar\n" % len(used)
	cmap += b"".join(b"<%04x> <%04x>\n" % (n + 3, ord(c)) for n, c in enumerate(used)) + b"endbfchar"
	glyphs = b"".join(b"<%04x> Tj 7 0 Td " % (used.index(c) + 3) for c in t)
	pdf("glyphs.pdf", [(b"/Type/Font/ToUnicode 2 0 R", None), (b"/Filter/FlateDecode", zlib.compress(cmap)),
	    (b"/Font<</F7 1 0 R>>", None), (b"/Filter/FlateDecode", zlib.compress(b"BT /F7 9 Tf " + glyphs + b"ET"))])
	EOF
	found parts.pdf "(text)" &&
	found glyphs.pdf "(text)"
'

command -v qpdf >/dev/null && test_set_prereq QPDF
test_expect_success PYTHON,QPDF 'a PDF of object streams, and one that is encrypted' '
	python3 - <<-\EOF &&
	import os, zlib
	page = zlib.compress(b"BT /F1 12 Tf (%s) Tj ET" % os.environ["token"].encode())
	objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
	    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
	    b"<</Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (len(page), page)]
	out, places = b"%PDF-1.5\n", []
	for n, o in enumerate(objects, 1):
	    places.append(len(out))
	    out += b"%d 0 obj\n%s\nendobj\n" % (n, o)
	table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % p for p in places)
	end = b"trailer\n<</Root 1 0 R/Size 5>>\nstartxref\n%d\n%%%%EOF\n" % len(out)
	open("plain.pdf", "wb").write(out + table + end)
	EOF
	qpdf --object-streams=generate plain.pdf streams.pdf && found streams.pdf "(text)" &&
	qpdf --encrypt a b 256 -- plain.pdf locked.pdf &&
	test_expect_code 1 secretscan locked.pdf >out && test_grep "encrypted-container.*PDF" out
'

test_done
