#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='sallyportd -t warns of what is allowed and yet hardly meant'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"

# warned TEXT: -t succeeds, with one warning, and TEXT is in it.
warned () {
	sallyportd -f "$CONF" -t >out 2>err && test_must_be_empty out && test_line_count -eq 1 err &&
	test_grep "^sallyportd: warning: .*$1" err
}

test_expect_success 'nothing of what init makes, and nothing of a good configuration' '
	init_bastion && sallyportd -f "$CONF" -t >out 2>err && test_must_be_empty err &&
	start_target web1 && write_config && sallyportd -f "$CONF" -t >out 2>err && test_must_be_empty out && test_must_be_empty err
'

test_expect_success 'a rule about a target that there is not: file, line, rule, name' '
	{ default_policy && echo "  - {id: stale, who: [agent/*], on: [web1, web9], exec: {any: true}, do: allow}"; } >state/policy.yaml &&
	warned "policy.yaml:$(wc -l <state/policy.yaml): rule stale is about .web9."
'

test_expect_success 'a pattern that meets one is no mistake' '
	{ default_policy && echo "  - {id: fine, who: [agent/*], on: [\"web*\", \"*\"], exec: {any: true}, do: allow}"; } >state/policy.yaml &&
	sallyportd -f "$CONF" -t 2>err && test_must_be_empty err
'

test_expect_success 'a profile behind one that names the same identities' '
	default_policy | sed "s/^rules:/  - {who: [human\/*], use: exec-gated}\n  - {who: [agent\/*], use: transfer-only}\n&/" >state/policy.yaml &&
	warned "profile 3 (transfer-only for agent/\*) is never used" &&
	default_policy | sed "s/^profiles:/&\n  - {who: [\"*\"], use: exec-gated}/" >state/policy.yaml && warned "profile 2 (shell-audited for agent/\*) is never used"
'

test_expect_success 'a user and a folder that are not there' '
	write_config "user: nobody-of-this-name" && warned "no user nobody-of-this-name" &&
	write_config && sed -i "s/path: repos/path: nowhere/" "$CONF" && warned "upstream hosted: there is no folder .*/nowhere"
'

test_expect_success 'a way that a held key opens' '
	write_config && key=$(cut -d" " -f1,2 target-web1/host.pub) &&
	sed -i "s,^targets:,&\n  gate: {address: \"127.0.0.1:22\"\, logins: [\"*\"]\, host_keys: [\"$key\"]\, auth: {key: one}}\n  far: {address: \"127.0.0.1:22\"\, logins: [\"*\"]\, host_keys: [\"$key\"]\, via: gate\, via_login: deploy}," "$CONF" &&
	warned "target far is reached via gate, which a held key opens"
'

test_done
