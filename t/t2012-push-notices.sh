#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='content that nobody can read is judged where a rule names it; findings say member and encoding'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

command -v openssl >/dev/null || skip_all 'no openssl here'

{
	default_policy
	cat <<-\EOT
	  - id: sealed
	    who: [agent/*]
	    on: [hosted]
	    finding: {rules: [encrypted-container], paths: ["vault/**"]}
	    do: ask
	    because: somebody has to know what is in it
	    approvers: ["group:engineers"]
	  - id: never-sealed
	    who: [agent/*]
	    on: [hosted]
	    finding: {rules: [encrypted-container], paths: ["src/**"]}
	    do: deny
	    because: source text is not encrypted
	EOT
} >policy
BASTION_POLICY=$PWD/policy

# with FOLDER: a commit on agent/x with the encrypted file in that folder.
with () {
	git -C work switch -q -C agent/x origin/main &&
	(cd work && mkdir -p "$1" && cp ../sealed.enc "$1/" && git add . && git commit -q -m "$1")
}

test_expect_success 'a bastion, an agent with a clone, an engineer, an encrypted file' '
	setup_bastion && make_identity ci agent/ci && make_identity eng human/eva --group engineers &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work &&
	head -c 3000 /dev/urandom | base64 | openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -out sealed.enc
'

test_expect_success 'it passes where no rule names it, and is on record' '
	with docs && bgit ci -C work push -q origin agent/x:refs/heads/agent/docs &&
	audit_has event=push.finding rule=encrypted-container path=docs/sealed.enc verdict=allow
'

test_expect_success 'a rule denies it, and says where it is' '
	with src && push_refused ci work origin agent/x:refs/heads/agent/src &&
	test_grep "denied REQ-[A-Z0-9]* rule=never-sealed: encrypted-container (.*) commit=$(git -C work rev-parse HEAD | cut -c 1-12) file=src/sealed.enc: source" err &&
	test_grep "(denied REQ-[A-Z0-9]* rule=never-sealed: source text is not encrypted)" err
'

test_expect_success 'a rule asks, and who is asked sees it' '
	with vault && push_now () { GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf -o SetEnv=SALLYPORT_WAIT=0" git -C work push "$@"; } &&
	test_expect_code 1 push_now origin agent/x:refs/heads/agent/vault 2>err &&
	req=$(sed -n "s/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p" err) && bssh eng bastion show "$req" >shown &&
	test_grep "notice: encrypted-container .* vault/sealed.enc (rule sealed: ask)" shown &&
	bssh eng bastion approve "$req" && push_now -q origin agent/x:refs/heads/agent/vault
'

test_expect_success 'more of them than are named one by one count under the strictest rule' '
	git -C work switch -q -C agent/x origin/main && (
		cd work && mkdir -p many && for i in $(seq 1 101); do { cat ../sealed.enc && echo "$i"; } >many/$i.enc; done &&
		git add . && git commit -q -m many
	) && push_refused ci work origin agent/x:refs/heads/agent/many && test_grep "rule=never-sealed" err
'

test_expect_success 'a secret in an archive is refused with the member, its line, and how it is written' '
	token=gh$(printf p_)$(random_word 36) && mkdir -p d && printf "one\ntoken: %s\n" "$token" >d/app.yaml &&
	printf "blob = %s\n" "$(printf "token: %s\n" "$token" | base64 -w0)" >d/coded.yaml &&
	git -C work switch -q -C agent/x origin/main &&
	tar -cf work/app.tar d && cp d/coded.yaml work && git -C work add . && git -C work commit -q -m archive &&
	push_refused ci work origin agent/x:refs/heads/agent/archive &&
	test_grep -F "file=app.tar!d/app.yaml:2 value=" err &&
	test_grep -F "file=app.tar!d/coded.yaml:1 (in base64) value=" err &&
	test_grep -F "file=coded.yaml:1 (in base64) value=" err &&
	audit_has event=push.finding member=d/coded.yaml decoded=base64
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
