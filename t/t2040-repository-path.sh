#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a repository path that is not plainly one of ours is refused in one line'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# path_refused PATH TEXT: whatever git command is sent with it.
path_refused () {
	for service in git-upload-pack git-receive-pack
	do
		test_expect_code "${3-77}" raw "$service $1" </dev/null >out 2>err || return 1
		test_must_be_empty out && said_once err "$2" || return 1
	done
}

# raw COMMAND: exactly these bytes as the command of an ssh connection to the bastion itself.
raw () {
	ssh -F id/ci.conf git@127.0.0.1 "$1"
}

test_expect_success 'a bastion with a repository, and one beside it that is none of ours' '
	setup_bastion &&
	make_identity ci agent/ci &&
	raw "git-upload-pack '\''/hosted/demo.git'\''" </dev/null >out 2>err && test_grep -a refs/heads/main out
'

test_expect_success '..' '
	path_refused "'\''/hosted/../secret.git'\''" "has .\\.\\.." &&
	path_refused "'\''/hosted/demo.git/../../../secret.git'\''" "has" &&
	path_refused "'\''/../hosted/demo.git'\''" "has"
'

test_expect_success 'double slashes and a bare slash' '
	path_refused "'\''/hosted//demo.git'\''" "//" &&
	path_refused "'\''/hosted/'\''" "repository path" &&
	path_refused "'\''/'\''" "repository path" &&
	path_refused "'\'''\''" "repository path"
'

test_expect_success 'quotes, however escaped' '
	path_refused "'\''/hosted/de'\''\\'\'''\''mo.git'\''" "a character that is not" &&
	path_refused "'\''/hosted/demo.git" "not one plainly quoted word" &&
	path_refused "\"/hosted/demo.git\"" "not one plainly quoted word"
'

test_expect_success 'a shell'\''s work' '
	path_refused "/hosted/demo.git; id" "not one plainly quoted word" &&
	path_refused "/hosted/\$(id).git" "not one plainly quoted word" &&
	path_refused "'\''/hosted/demo.git'\'' --help" "not one plainly quoted word" &&
	path_refused "'\''/hosted/a b.git'\''" "a character that is not" &&
	path_refused "--upload-pack=x '\''/hosted/demo.git'\''" "not one plainly quoted word"
'

test_expect_success 'control characters, and their escapes' '
	path_refused "$(printf "'\''/hosted/de\001mo.git'\''")" "a character that is not" &&
	path_refused "$(printf "'\''/hosted/demo.git\n'\''")" "a character that is not" &&
	path_refused "'\''/hosted/demo%00.git'\''" "a character that is not"
'

test_expect_success 'a name that starts with a dash' '
	path_refused "'\''/hosted/-demo.git'\''" "unreachable REQ-[A-Z0-9]*: " 69
'

test_expect_success 'four thousand bytes' '
	path_refused "'\''/hosted/$(head -c 4000 /dev/zero | tr "\0" a).git'\''" "over 256 bytes"
'

test_expect_success 'an upstream that does not exist' '
	path_refused "'\''/elsewhere/demo.git'\''" "no upstream of this name; ssh BASTION policy"
'

test_expect_success 'a repository that does not exist: the same words as for one that cannot be read' '
	path_refused "'\''/hosted/nothing.git'\''" "unreachable REQ-[A-Z0-9]*: hosted/nothing: " 69
'

test_expect_success 'a link out of the folder of repositories' '
	ln -s ../secret.git state/repos/link.git &&
	path_refused "'\''/hosted/link.git'\''" "unreachable REQ-[A-Z0-9]*: hosted/link: " 69
'

test_expect_success 'a folder that is no repository' '
	mkdir state/repos/folder.git &&
	path_refused "'\''/hosted/folder.git'\''" "unreachable REQ-[A-Z0-9]*: hosted/folder: " 69
'

test_expect_success 'git itself shows the line' '
	test_expect_code 128 bgit ci clone "$BASTION_URL/hosted/nothing.git" 2>err &&
	test_grep "^sallyport: unreachable REQ-[A-Z0-9]*: hosted/nothing: " err &&
	test_expect_code 128 bgit ci clone "$BASTION_URL/elsewhere/demo.git" 2>err && said_once err "no upstream"
'

test_expect_success 'archives are not offered, nor other LFS transfers than up and down, in plain words' '
	test_expect_code 77 raw "git-upload-archive '\''/hosted/demo.git'\''" </dev/null >out 2>err && test_must_be_empty out &&
	said_once err "only git fetch and push and LFS transfers are offered" &&
	test_expect_code 77 raw "git-lfs-transfer hosted/demo.git lock" </dev/null >out 2>err && test_must_be_empty out &&
	said_once err "LFS transfers are offered for upload and download" &&
	test_expect_code 77 raw "git-lfs-transfer ../demo.git upload" </dev/null >out 2>err && test_must_be_empty out &&
	test_must_fail bgit ci archive --remote="$BASTION_URL/hosted/demo.git" main >out 2>err &&
	test_grep "only git fetch and push and LFS transfers are offered" err
'

test_expect_success 'other git commands are no commands of the bastion' '
	test_expect_code 77 raw "git-shell -c id" 2>err </dev/null && said_once err "no such command of the bastion" &&
	test_expect_code 77 raw "git-upload-packx '\''/hosted/demo.git'\''" 2>err </dev/null
'

test_expect_success 'and the bastion is unharmed' '
	bgit ci ls-remote "$BASTION_URL/hosted/demo.git" && stop_bastion
'

test_done
