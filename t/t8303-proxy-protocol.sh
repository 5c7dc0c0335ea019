#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the PROXY header is read from named senders alone, whole and in time, or the connection ends (T15)'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

# The balancers of these tests: 127.7.7.7 in version 1, 127.7.7.8 in version 2. Everybody else is none.

# through HEADER SOURCE [IDENTITY-COMMAND..]: ssh through a balancer that says SOURCE.
through () {
	header=$1
	client=$2
	case $header in v1*) balancer=127.7.7.7 ;; *) balancer=127.7.7.8 ;; esac
	shift 2
	ssh -F id/ci.conf -o "ProxyCommand=python3 '$TEST_SRCDIR/t/helper/badclient.py' via --port %p --source $balancer \
		--header $header --client $client" 127.0.0.1 "$@"
}

test_expect_success 'a bastion behind two balancers' '
	setup_quiet "proxy_protocol: [127.7.7.7, 127.7.7.8/32]" "limits: {max_startups_per_source: 3, login_grace: 20s}"
'

for header in v1 v2
do
	test_expect_success "$header: the client that the balancer names is the source" '
		through $header 192.0.2.33 whoami >out &&
		test_grep agent/ci out &&
		log_event session.start "\"source\":\"192.0.2.33\"" &&
		through $header 2001:db8::33 whoami &&
		log_event session.start "\"source\":\"2001:db8::33\""
	'
done

test_expect_success 'a certificate that is bound to an address is bound to the one that the balancer names' '
	make_identity ci agent/ci --source-address 192.0.2.0/24 &&
	through v1 192.0.2.33 whoami >out &&
	test_grep agent/ci out &&
	test_expect_code 255 through v1 198.51.100.33 whoami &&
	log_event auth.fail 198.51.100.33 &&
	make_identity ci agent/ci
'

for header in v1-unknown v2-local v2-unix v2-unspec
do
	test_expect_success "$header: it is the balancer itself" '
		through $header 192.0.2.34 whoami &&
		log_event session.start "\"source\":\"127.7.7.[78]\"" &&
		test_must_fail log_event session.start "\"source\":\"192.0.2.34\""
	'
done

test_expect_success 'additions to a version 2 header are passed over' '
	through v2-tlv 192.0.2.35 whoami && log_event session.start "\"source\":\"192.0.2.35\""
'

test_expect_success 'a header in pieces of one byte' '
	through v1-dribble 192.0.2.36 whoami && log_event session.start "\"source\":\"192.0.2.36\"" &&
	through v2-dribble 192.0.2.37 whoami && log_event session.start "\"source\":\"192.0.2.37\""
'

test_expect_success 'from anybody else a header is no SSH' '
	for header in v1 v2
	do
		python3 "$TEST_SRCDIR/t/helper/badclient.py" proxy --port $BASTION_PORT --source 127.0.0.1 --header $header --seconds 20 >out &&
		cat out && test_grep "^$header closed$" out || return 1
	done
'

test_expect_success 'a balancer that sends none is cut off, and a second header is no SSH' '
	for header in none v1-twice v2-twice
	do
		python3 "$TEST_SRCDIR/t/helper/badclient.py" proxy --port $BASTION_PORT --source 127.7.7.7 --header $header --seconds 20 >out &&
		cat out && test_grep "^$header closed$" out || return 1
	done
'

test_expect_success 'bad, too long and contradictory headers' '
	for header in v1-long v1-port v1-lf v1-name v2-long v2-short v2-command v2-family v2-signature
	do
		python3 "$TEST_SRCDIR/t/helper/badclient.py" proxy --port $BASTION_PORT --source 127.7.7.7 --header $header --seconds 20 >out &&
		cat out && test_grep "^$header closed$" out || return 1
	done &&
	test_grep "no PROXY header from a sender that must send one" daemon.log
'

test_expect_success 'a slow one is cut off after five seconds, and holds up nobody' '
	start=$(test-tool ms) &&
	{ python3 "$TEST_SRCDIR/t/helper/badclient.py" proxy --port $BASTION_PORT --source 127.7.7.7 --header v1-cut --seconds 19 >out & } &&
	slow=$! &&
	soon_enough 1500 bssh ci bastion whoami &&
	wait $slow &&
	took=$(($(test-tool ms) - start)) &&
	cat out && echo "$took ms" &&
	test_grep "^v1-cut closed$" out &&
	test $took -ge 4000 && test $took -le 15000
'

test_expect_success 'limits of a source are of the one that the balancer names' '
	python3 "$TEST_SRCDIR/t/helper/badclient.py" proxy --port $BASTION_PORT --source 127.7.7.7 --header v1-silent \
		--client 192.0.2.40 --count 6 --seconds 3 >out &&
	cat out &&
	test_grep "^left 3$" out &&
	through v1 192.0.2.41 whoami
'

test_expect_success 'the bastion is well' '
	no_session 25 && bastion_is_well && stop_bastion
'

test_done
