#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='what else is masked: personal data where policy says so, and the password that opened the target, in any encoding'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

iban='DE89 3704 0044 0532 0130 00'
card=4526018159083012

# masking ENTRY..: the policy with this list.
masking () {
	default_policy && echo 'masking:' && printf '  - %s\n' "$@"
}

test_expect_success 'a bastion with a target of certificates and one of a password' '
	init_bastion && random_word 24 >word && printf "%s/&+\" x" "$(cat word)" >password && mkdir target-pw &&
	ssh-keygen -q -t ed25519 -N "" -f target-pw/host && start_target web1 && start_target web2 &&
	{ "$PARAMIKO_PYTHON" "$TEST_SRCDIR/t/helper/sshtarget.py" --key target-pw/host --port-file pw.port --user "$TEST_LOGIN" \
		--password-file password --ask password >target-pw/log 2>&1 & } &&
	asking=$! && test_atexit "stop_pid $asking sshtarget" && wait_until "test -s pw.port" && TARGET_PORT_pw=$(cat pw.port) &&
	bastion_targets_="$bastion_targets_ pw" &&
	masking "{who: [agent/ci], on: [web1, pw], personal: [card, iban]}" "{who: [agent/*], on: [web1], personal: [email], keep_columns: true}" \
		>masking.yaml && BASTION_POLICY=$PWD/masking.yaml && write_config &&
	sed -i "/^  pw:/s/^\(.*\)}\$/\1, auth: {password: pw}}/" "$CONF" &&
	start_bastion && make_identity ci agent/ci && make_identity dev agent/dev &&
	sallyport -f "$CONF" secret put pw --password-stdin <password
'

test_expect_success 'personal data of the kinds that are named, for whom and where they are named' '
	bssh ci "$TEST_LOGIN@web1" "echo \"of $iban, card $card, mail a.b@example.org\"" >out &&
	test_grep "^of \[masked:pii-iban:[0-9a-f]*\], card \[masked:pii-card:[0-9a-f]*\], mail a.b@example.org$" out &&
	bssh ci "$TEST_LOGIN@web2" "echo $card" >out && echo $card >expect && test_cmp expect out
'

test_expect_success 'the first entry that fits counts; a mask can be as wide as what it stands for' '
	bssh dev "$TEST_LOGIN@web1" "echo \"$card|somebody.with.a.long.name@mail.example.org|\"" >out &&
	test_grep "^$card|\[masked:pii-email:[0-9a-f]*\]\**|\$" out &&
	echo "$card|somebody.with.a.long.name@mail.example.org|" >plain && test "$(wc -c <plain)" -eq "$(wc -c <out)"
'

test_expect_success 'standard error, a terminal and the recording are masked alike' '
	bssh ci "$TEST_LOGIN@web1" "echo $card >&2" 2>err && test_grep "^\[masked:pii-card:" err && test_grep ! $card err &&
	BSSH_OPTS=-tt bssh ci "$TEST_LOGIN@web1" "echo $card" >out && test_grep "\[masked:pii-card:" out && test_grep ! $card out &&
	audit_has event=mask.hit rule=pii-card
'

# Prints the password in nine forms.
cat >forms <<-EOT && chmod +x forms
	#!/bin/sh
	cat $TRASH_DIRECTORY/password
	base64 <$TRASH_DIRECTORY/password
	{ printf user: && cat $TRASH_DIRECTORY/password; } | base64
	od -An -tx1 $TRASH_DIRECTORY/password
	iconv -t UTF-16LE $TRASH_DIRECTORY/password
	python3 - <<-END
	import html, json, urllib.parse
	text = open("$TRASH_DIRECTORY/password").read()
	print(text.encode().hex().upper(), json.dumps(text), urllib.parse.quote(text, safe=""), html.escape(text), sep="\n")
	END
EOT

test_expect_success 'the password of the target, as it is and in the encodings of real programs' '
	./forms >plain && grep -qF "$(cat word)" plain &&
	bssh ci "$TEST_LOGIN@pw" "$TRASH_DIRECTORY/forms" >out && grep -ao "masked:target-password" out >hits && test_line_count -eq 9 hits &&
	! grep -qaF "$(cat word)" out && ! grep -qaF "$(base64 <password | cut -c1-20)" out && audit_has event=mask.hit rule=target-password
'

test_expect_success 'where it is not the key, it is a word like others' '
	bssh ci "$TEST_LOGIN@web2" "cat $TRASH_DIRECTORY/word" >out && test_cmp word out
'

test_expect_success 'a kind that does not exist is refused with the list' '
	masking "{who: [agent/ci], on: [web1], personal: [ibann]}" >"$STATE/policy.yaml" &&
	test_must_fail sallyportd -f "$CONF" -t 2>err && test_grep "personal knows card, iban, .*national-id and all, not .ibann" err &&
	masking "{who: [agent/ci], personal: [iban]}" >"$STATE/policy.yaml" &&
	test_must_fail sallyportd -f "$CONF" -t 2>err && test_grep "an entry of masking needs on" err
'

test_done
