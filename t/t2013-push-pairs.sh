#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the two halves of a credential are told as one, in one file and over the files and commits of a push'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# Made up anew: sixteen of the letters that such ids have, forty of those that such secrets have.
key_id () {
	printf 'AK%s%s\n' IA "$(head -c 2000 /dev/urandom | base64 | tr -dc A-Z2-7 | cut -c 1-16)"
}

test_expect_success 'a bastion and an agent with a clone' '
	setup_bastion && make_identity ci agent/ci && bgit ci clone -q "$BASTION_URL/hosted/demo.git" work &&
	git -C work switch -q -c agent/x
'

test_expect_success 'over two files of two commits' '
	id=$(key_id) secret=$(random_word 40) && (
		cd work && mkdir -p conf && echo "id: $id" >conf/id.yaml && git add . && git commit -q -m one &&
		printf "aws_%s=%s\n" secret_access_key "$secret" >conf/key.env && git add . && git commit -q -m two
	) &&
	push_refused ci work origin agent/x &&
	test_grep "rule=aws-access-key-id .* file=conf/id.yaml:1 value=[^ ]* (a whole credential, with rule=aws-secret-access-key file=conf/key.env)" err &&
	test_grep "rule=aws-secret-access-key .* file=conf/key.env:1 .*with rule=aws-access-key-id file=conf/id.yaml)" err &&
	test_grep ! "$secret" err && test_grep ! "$id" err &&
	audit_has event=push.finding rule=aws-access-key-id pair=aws-secret-access-key
'

test_expect_success 'a half alone is a finding all the same, and goes with nothing' '
	push_refused ci work origin agent/x~1:refs/heads/agent/y && test_grep "rule=aws-access-key-id " err &&
	test_grep ! "whole credential" err
'

test_expect_success 'where a second secret could belong to it as well, nothing is said' '
	(cd work && printf "aws_%s=%s\n" secret_access_key "$(random_word 40)" >conf/other.env && git add . && git commit -q -m three) &&
	push_refused ci work origin agent/x && test_grep ! "whole credential" err && test $(grep -c BLOCKED err) -eq 3
'

test_expect_success 'in one file the nearest go together' '
	git -C work switch -q -C agent/x origin/main && for i in 1 2; do
		printf "[p%s]\nid = %s\naws_%s = %s\n" $i "$(key_id)" secret_access_key "$(random_word 40)" || exit 1
	done >work/credentials && (cd work && git add . && git commit -q -m one) &&
	push_refused ci work origin agent/x && test $(grep -c "a whole credential, with rule=aws-.* file=credentials)" err) -eq 4
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
