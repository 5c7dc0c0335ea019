#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: words of documents that are cut into runs; containers behind something else'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
token=gh$(printf p_)aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5

# found FILE [MEMBER]: the token, once, in this member
found () {
	test_expect_code 1 secretscan --format jsonl --show-secrets "$1" >out &&
	test_line_count -eq 1 out &&
	test_grep "\"secret\":\"$token\"" out &&
	test_grep "\"member\":\"${2-}" out
}

cat >make.py <<\EOF
import gzip, os, sys, zipfile

T = sys.argv[1]
a, b = T[:17], T[17:]
OFFICE = "http://schemas.openxmlformats.org/"
OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
W = '<w:document xmlns:w="' + OFFICE + 'wordprocessingml/2006/main"><w:body>%s</w:body></w:document>'
R = "<w:r><w:t>%s</w:t></w:r>"

def pack(name, member, text):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(member, text)

for name, text in {
    "bold": R % a + "<w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">%s</w:t></w:r>" % b,
    "proof": R % a + '<w:proofErr w:type="spellStart"/><w:bookmarkStart w:id="0"/>' + R % b,
    "link": "<w:hyperlink>" + R % a + '</w:hyperlink><w:ins w:author="x">' + R % b + "</w:ins>",
    "gone": "<w:del><w:r><w:delText>%s</w:delText></w:r><w:r><w:delText>%s</w:delText></w:r></w:del>" % (a, b),
    "field": "<w:r><w:instrText>%s</w:instrText></w:r><w:r><w:instrText>%s</w:instrText></w:r>" % (a, b),
    "pretty": "\n  <w:r>\n    <w:t>%s</w:t>\n  </w:r>\n  <w:r>\n    <w:t>%s</w:t>\n  </w:r>\n" % (a, b),
}.items():
    pack(name + ".docx", "word/document.xml", W % ("<w:p>" + text + "</w:p>"))
pack("shared.xlsx", "xl/sharedStrings.xml", '<sst xmlns="%sspreadsheetml/2006/main"><si><r><t>%s</t></r><r><rPr><b/></rPr>'
    '<t>%s</t></r></si></sst>' % (OFFICE, a, b))
pack("slide.pptx", "ppt/slides/slide1.xml", '<p:sld xmlns:a="%sdrawingml/2006/main"><a:p><a:r><a:t>%s</a:t></a:r>'
    '<a:r><a:t>%s</a:t></a:r></a:p></p:sld>' % (OFFICE, a, b))
pack("span.odt", "content.xml", '<office:document-content xmlns:text="%stext:1.0"><text:p>key<text:s/>%s<text:span>%s'
    '</text:span></text:p></office:document-content>' % (OASIS, a, b))
open("flat.xml", "w").write('<?xml version="1.0"?><w:wordDocument '
    'xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"><w:p>' + R % a + R % b + "</w:p></w:wordDocument>")
pack("two.docx", "word/document.xml", W % ("<w:p>" + R % ("x" + a) + "</w:p><w:p>" + R % b + "</w:p>"))

text = b"again and again, " * 20 + b"key " + T.encode() + b"\n"
pack("small.zip", "inside.txt", text)
with zipfile.ZipFile("large.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("inside.txt", text)
    z.writestr("pictures.bmp", b"BM" + bytes(range(256)) * 4000 + os.urandom(64))
    z.writestr("drawn", "".join("%d %d\n" % (i, i * i) for i in range(1500000)))
program = b"a program that unpacks itself\n" * 170000
for name in ("small", "large"):
    open(name + ".exe", "wb").write(program + open(name + ".zip", "rb").read())
open("script.run", "wb").write(b"#!/bin/sh\nsed 1,3d $0 | gzip -dc | tar x\nexit\n" + gzip.compress(text))
EOF

test_expect_success 'set up' '
	python3 make.py "$token" && test $(wc -c <small.exe) -gt 4194304 && test $(wc -c <large.zip) -gt 4194304
'

for document in bold proof link gone field pretty
do
	test_expect_success "Word: $document" '
		found $document.docx "word/document.xml!(text)"
	'
done

test_expect_success 'Excel, PowerPoint, LibreOffice, Word of 2003' '
	found shared.xlsx "xl/sharedStrings.xml" &&
	found slide.pptx "ppt/slides/slide1.xml" &&
	found span.odt "content.xml" &&
	found flat.xml
'

test_expect_success 'two paragraphs are two' '
	secretscan two.docx
'

test_expect_success 'a zip at the end of a file of more than a window, smaller and larger than one' '
	found small.exe inside.txt &&
	found large.exe inside.txt
'

test_expect_success 'from a pipe: what is not held any more is said' '
	cat small.exe | found - inside.txt &&
	test_expect_code 1 secretscan - <large.exe >out && test_grep not-fully-scanned out
'

test_expect_success 'one that is too large to be unpacked is said' '
	cp large.exe huge.exe && truncate -s 300M huge.exe && cat large.zip >>huge.exe &&
	test_expect_code 2 secretscan huge.exe 2>err &&
	test_grep "huge.exe: a container that is too large to be unpacked" err
'

test_expect_success 'a compressed file behind a script' '
	found script.run
'

test_done
