#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='secretscan: the forms of a report'

. "$(dirname "$0")/test-lib.sh"

PATH=$TEST_BUILDDIR/secretscan:$PATH

# Synthetic, and never whole in this file.
body=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
token=gh$(printf p_)$body

test_expect_success 'a finding has every promised field, in JSON of one line' '
	printf "one\nkey = %s\n" "$token" >leak &&
	test_expect_code 1 secretscan --format jsonl leak >out &&
	python3 - <<-\END
	import json
	o = json.load(open("out"))
	assert len(o.pop("fingerprint")) == 16 and o.pop("masked").startswith("ghp_*") and 4 < o.pop("entropy") < 6
	assert o == {"file": "leak", "line": 2, "column": 7, "end_line": 2, "end_column": 46, "rule": "github-token",
	    "provider": "GitHub", "description": "GitHub token", "decoded": "", "member": ""}, o
	END
'

test_expect_success 'a report in JSON lines is sorted, however many threads there are' '
	mkdir many && for i in 9 3 7 1 5 2 8 4 6; do
		printf "a\n%s\n" "$token" >many/$i && printf "%s\n" "$token" >many/$i.txt || return 1
	done &&
	test_expect_code 1 secretscan --format jsonl --threads 1 many >one &&
	test_expect_code 1 secretscan --format jsonl --threads 7 many >seven &&
	test_cmp one seven &&
	LC_ALL=C sort one >sorted &&
	test_cmp sorted one &&
	test_line_count -eq 18 one
'

test_expect_success 'SARIF has a version, a tool with rules, and results that name them by place and fingerprint' '
	printf "\303\251\303\251 %s\n" "$token" >"na:me %" &&
	test_expect_code 1 secretscan --format sarif leak "na:me %" >out &&
	test_grep ! "$body" out &&
	python3 - <<-\END
	import json, urllib.parse
	log = json.load(open("out"))
	assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
	run, = log["runs"]
	driver = run["tool"]["driver"]
	assert driver["name"] == "secretscan" and driver["version"]
	assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
	assert len(run["results"]) == 2 and len(driver["rules"]) == 1
	for rule in driver["rules"]:
	    assert rule["shortDescription"]["text"] == "GitHub token" and rule["fullDescription"]["text"] and rule["help"]["text"]
	for r in run["results"]:
	    assert driver["rules"][r["ruleIndex"]]["id"] == r["ruleId"] == "github-token"
	    assert r["level"] == "error" and r["message"]["text"] and len(r["partialFingerprints"]["secretscan/v1"]) == 16
	places = [r["locations"][0]["physicalLocation"] for r in run["results"]]
	assert [urllib.parse.unquote(p["artifactLocation"]["uri"]) for p in places] == ["leak", "./na:me %"]
	assert places[0]["region"] == {"startLine": 2, "startColumn": 7, "endLine": 2, "endColumn": 47}, places
	# Columns are characters.
	assert places[1]["region"]["startColumn"] == 4 and places[1]["region"]["endColumn"] == 44
	END
'

test_expect_success 'JUnit is well-formed, a failure a finding, and one success when there is none' '
	printf "%s\n" "$token" >"<&\"" &&
	test_expect_code 1 secretscan --format junit leak "<&\"" >out &&
	mkdir clean && secretscan --format junit clean >clean.xml &&
	python3 - <<-\END
	import xml.etree.ElementTree as x
	suite, = x.parse("out").getroot()
	assert suite.get("tests") == suite.get("failures") == "2"
	assert [c.get("file") for c in suite] == ["<&\"", "leak"]
	assert all(c[0].tag == "failure" and c.get("classname") == "github-token" for c in suite)
	suite, = x.parse("clean.xml").getroot()
	assert suite.get("tests") == "1" and suite.get("failures") == "0" and len(suite[0]) == 0
	END
'

test_expect_success 'no form shows a secret unless it is told to' '
	for form in text json jsonl sarif junit; do
		test_expect_code 1 secretscan --format $form leak >out && test_grep ! "$body" out &&
		test_expect_code 1 secretscan --format $form --show-secrets leak >out && test_grep "$body" out || return 1
	done
'

test_expect_success 'a name cannot move the cursor, and is still JSON' '
	name=$(printf "a\033[2Jb\302\233c\342\200\256d\377") &&
	printf "%s\n" "$token" >"$name" &&
	test_expect_code 1 secretscan a* >out &&
	test_grep "^a.x1b.2Jb.xc2.x9bc.xe2.x80.xaed.xff:1:1:" out &&
	test_expect_code 1 secretscan --format json a* >out &&
	python3 -c "import json; assert len(json.load(open(\"out\"))) == 1"
'

test_done
