#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='bytes that are no UTF-8, wherever an agent sends text: refused or shown as what they are, and no process dies'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

bad=$(printf '\377\376x')

test_expect_success 'a bastion' '
	setup_quiet
'

test_expect_success 'a command' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" "echo $bad" 2>err && test_grep "^sallyport: denied .* not UTF-8" err
'

test_expect_success 'a subsystem of a target' '
	test_expect_code 77 bssh ci "$TEST_LOGIN@web1" -s "$bad" 2>err && cat err && test_grep "^sallyport: denied REQ-" err &&
	log_event exec.decision "xff"
'

test_expect_success 'a subsystem, a command and a request of the bastion itself' '
	test_expect_code 77 bssh ci bastion -s "$bad" 2>err && test_grep "^sallyport: " err &&
	test_expect_code 77 bssh ci bastion "$bad" 2>err && test_grep "^sallyport: " err &&
	test_expect_code 2 bssh ci bastion "approve $bad" 2>err && test_grep "^sallyport: " err
'

for service in upload receive
do
	test_expect_success "a repository ($service-pack)" '
		test_expect_code 77 bssh ci bastion "git-$service-pack '\''hosted/$bad.git'\''" 2>err && test_grep "^sallyport: denied" err
	'
done

test_expect_success 'variables, and what an agent claims of itself' '
	SALLYPORT_AGENT=$bad SALLYPORT_SESSION=$bad LC_X=$bad bssh ci "$TEST_LOGIN@web1" -o "SendEnv=SALLYPORT_* LC_*" "echo done" >out &&
	test_grep "^done$" out
'

test_expect_success 'a destination of a forwarding' '
	test_expect_code 255 bssh ci bastion -W "$bad:22" 2>err
'

test_expect_success 'every session ended in order, records are text, and the bastion is well' '
	no_session && sallyport -f "$CONF" audit verify &&
	! LC_ALL=C grep -n "[^ -~]" "$STATE/audit/log.jsonl" &&
	test_grep ! "crashed" daemon.log &&
	bastion_is_well && stop_bastion
'

test_done
