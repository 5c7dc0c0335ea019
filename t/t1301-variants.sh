#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: every sample of every rule is found as well where its text went through something else'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

cat >make.py <<\EOF
import base64, glob, json, os, re, sys, urllib.parse, yaml

def colour(text):
    return re.sub(r"[A-Za-z0-9_+/=.-]{12,}", lambda m: m.group()[:6] + "\x1b[01;31m\x1b[K" + m.group()[6:10] +
        "\x1b[m\x1b[K" + m.group()[10:], text)

def lines(text, form):
    return "".join(form % line + "\n" for line in text.split("\n"))

VARIANTS = {
    "plain": lambda t: t,
    "colour": colour,
    "prompt": lambda t: lines(t, "\x1b[1;32muser@host\x1b[0m:~$ %s\x1b[K"),
    "crlf": lambda t: t.replace("\n", "\r\n") + "\r\n",
    "diff": lambda t: "@@ -1,2 +1,9 @@\n context\n" + lines(t, "+%s"),
    "undiff": lambda t: "@@ -1,9 +1,2 @@\n context\n" + lines(t, "-%s"),
    "json": lambda t: json.dumps({"text": "first\n" + t + "\nlast"}),
    "json-json": lambda t: json.dumps(json.dumps({"text": "first\n" + t + "\nlast"})),
    "percent": urllib.parse.quote,
    "base64": lambda t: base64.encodebytes(("first line\n" + t).encode()).decode(),
    "hex": lambda t: t.encode().hex(),
    "utf-16": lambda t: t.encode("utf-16"),
}

n = 0
for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.yaml"))):
    with open(path, encoding="utf-8") as f:
        rules = yaml.load(f, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["rules"]
    for rule in rules:
        for sample in rule.get("good", []):
            text = sample if isinstance(sample, str) else "".join(map(str, sample))
            for name, make in VARIANTS.items():
                made = make(text)
                os.makedirs(name, exist_ok=True)
                with open("%s/%05d" % (name, n), "wb") as f:
                    f.write(made if isinstance(made, bytes) else made.encode())
            n += 1
print(n)
EOF

test_expect_success 'samples' '
	mkdir made &&
	(cd made && python3 ../make.py "$TEST_SRCDIR/secretscan/rules") >count &&
	test "$(cat count)" -gt 300
'

# within POINTS VARIANT: of the samples, all but so many in a hundred are found
within () {
	test_expect_code 1 secretscan --format jsonl "made/$2" >out &&
	sed "s/^{\"file\":\"[^\"]*\/\([0-9]*\)\".*/\1/" out | sort -u | wc -l >found &&
	echo "$2: $(cat found) of $(cat count)" &&
	test $(($(cat found) * 100)) -ge $(($(cat count) * (100 - $1)))
}

for variant in plain colour prompt crlf diff undiff json json-json percent base64 hex utf-16
do
	test_expect_success "$variant" '
		within 2 $variant
	'
done

test_done
