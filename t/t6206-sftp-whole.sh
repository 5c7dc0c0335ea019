#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='files are scanned like pushed ones: what is in archives and encodings stops them as well, either way'

. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-sftp.sh"
command -v python3 >/dev/null || skip_all "no python3 here"

SECRET=$(made_up_secret)

test_expect_success 'a bastion with rules on files, and a secret in forms' '
	setup_sftp && mkdir forms in && echo "token = $SECRET" >in/settings &&
	{ seq 100 && base64 -w0 in/settings && echo; } >forms/base64 &&
	{ seq 100 && base64 in/settings | base64 -w0 && echo; } >forms/twice &&
	iconv -t UTF-16 in/settings >forms/utf16 &&
	gzip -c in/settings >forms/gz && tar czf forms/tgz in &&
	python3 -c "import zipfile, sys; zipfile.ZipFile(sys.argv[1], \"w\").write(\"in/settings\")" forms/zip &&
	{ head -c 200000 /dev/zero; cat forms/gz; } | gzip >forms/nested &&
	mkdir "$BOX/forms" && cp forms/* "$BOX/forms"
'

for form in base64 twice utf16 gz tgz zip nested
do
	test_expect_success "$form does not leave, by sftp and by scp; nothing of it is given" '
		test_must_fail bscp ci "web1:$BOX/forms/$form" got 2>err && test_grep "denied REQ-[0-9A-Z]* rule=secret-in-file: .*github.* in .*/forms/$form, " err &&
		! test -s got && test_must_fail bscp ci -O "web1:$BOX/forms/$form" got 2>err && test_grep "rule=secret-in-file" err && ! test -s got &&
		audit_has event=file.transfer direction=out path="*/forms/$form" result=denied scanned=whole
	'

	test_expect_success "$form does not enter, by sftp and by scp" '
		test_must_fail bscp ci "forms/$form" "web1:$BOX/new-$form" 2>err && test_grep "denied REQ-[0-9A-Z]* rule=secret-in-file: " err &&
		! test -s "$BOX/new-$form" &&
		test_must_fail bscp ci -O "forms/$form" "web1:$BOX/old-$form" 2>err && test_grep "rule=secret-in-file" err && ! test -s "$BOX/old-$form"
	'
done

test_expect_success 'a file larger than what can be held is refused at its end, and emptied' '
	{ seq 200000 && cat forms/twice; } >large && test_must_fail bscp ci large "web1:$BOX/large" 2>err &&
	test_grep "rule=secret-in-file: .* in .*/large, line 200101, in base64,base64.*the file on the target was emptied" err && ! test -s "$BOX/large"
'

test_expect_success 'what is looked at while it is written is still scanned as a whole' '
	base64 -w0 in/settings >one && rawsftp stat-between "$BOX/pieces" one >out && cat out && test_grep "^close .*denied" out && ! test -s "$BOX/pieces"
'

test_expect_success 'archives and noise without a secret pass, byte for byte' '
	seq 5000 >in/settings && tar czf clean.tgz in && head -c 500000 /dev/urandom >noise && bscp ci clean.tgz noise "web1:$BOX/" &&
	cmp clean.tgz "$BOX/clean.tgz" && cmp noise "$BOX/noise" && bscp ci "web1:$BOX/clean.tgz" "web1:$BOX/noise" . && cmp noise "$BOX/noise" &&
	audit_has event=file.transfer path="*/box/noise" result=done scanned=whole
'

test_expect_success 'a rule may name what cannot be read' '
	printf "%s\n" "  - {id: no-noise, who: [\"*\"], on: [\"*\"], finding: {rules: [opaque-data]}, do: deny, because: nobody can read it}" >>"$STATE/policy.yaml" &&
	kill -HUP "$BASTION_PID" && wait_until "grep -q \"loaded again\" daemon.log" && test_must_fail bscp ci noise "web1:$BOX/noise2" 2>err && test_grep "rule=no-noise: nobody can read it" err &&
	bscp ci clean.tgz "web1:$BOX/clean2.tgz"
'

test_done
