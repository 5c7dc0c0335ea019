#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T23: what is minted for a session opens nothing that its own certificate does not, and for no longer'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

{
	default_policy
	cat <<-EOT
	  - {id: tunnels, who: [agent/*], on: [web1], forward: ["127.0.0.1:1"], do: allow}
	EOT
} >policy

# minted NAME: the certificate that the target is shown for a session of it, as ssh-keygen tells it.
minted () {
	bssh "$1" "$TEST_LOGIN@web1" "cat \$SSH_USER_AUTH" >auth </dev/null &&
	sed -n "s/^publickey //p" auth >seen && test -s seen && ssh-keygen -L -f seen
}

# ends NAME-OF-FILE: when a certificate ends, in seconds; of what ssh-keygen told.
ends () {
	date -d "$(sed -n "s/.*Valid: .* to //p" "$1")" +%s
}

test_expect_success 'a bastion, a target that tells what it was shown, identities with more and less rights' '
	BASTION_POLICY=$PWD/policy && init_bastion && start_target web1 "ExposeAuthInfo yes" && write_config && start_bastion &&
	make_identity ci agent/ci && make_identity plain agent/plain --no-pty && make_identity tied agent/tied --no-port-forwarding &&
	make_identity both agent/both --no-pty --no-port-forwarding && make_identity short agent/short --ttl 45s
'

test_expect_success 'with all rights: a terminal and the forwards of policy, no agent, no X11' '
	minted ci >got && test_grep permit-pty got && test_grep permit-port-forwarding got &&
	test_grep ! -E "agent-forwarding|X11|user-rc" got
'

test_expect_success 'without a right to a terminal, or to forward, there is none in what is minted' '
	minted plain >got && test_grep ! permit-pty got && test_grep permit-port-forwarding got &&
	minted tied >got && test_grep permit-pty got && test_grep ! permit-port-forwarding got &&
	minted both >got && test_grep ! permit- got
'

test_expect_success 'where policy forwards nothing, nothing can be forwarded' '
	default_policy >state/policy.yaml && sallyport -f "$CONF" reload && minted ci >got && test_grep permit-pty got &&
	test_grep ! permit-port-forwarding got
'

test_expect_success 'it is for this login, names identity, session and target, and lives a minute at most' '
	minted ci >got && sed -n "/Principals:/{n;s/ //g;p;}" got >principal && echo "$TEST_LOGIN" >expect && test_cmp expect principal &&
	test_grep "Key ID: \"agent/ci S-[0-9A-Z]* web1\"" got && test "$(ends got)" -le $(($(date +%s) + 60))
'

test_expect_success 'and no longer than the certificate that it is minted for' '
	ssh-keygen -L -f id/short-cert.pub >own && minted short >got && echo "$(ends own) $(ends got)" &&
	test "$(ends got)" -le "$(ends own)"
'

test_expect_success 'the bastion is well' '
	stop_bastion
'

test_done
