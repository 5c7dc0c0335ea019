#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a source whose connections come to nothing is kept out for a while, others are not, and it says so once'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

# from ADDRESS NAME ..: ssh from one of the loopback's addresses.
from () {
	BSSH_OPTS="-b $1"
	shift
	bssh "$@"
	from_code_=$?
	BSSH_OPTS=
	return $from_code_
}

# knocks ADDRESS COUNT: connections that leave without a word of SSH.
knocks () {
	python3 "$TEST_SRCDIR/t/helper/badclient.py" knock --port "$BASTION_PORT" --source "$1" --count "$2" && no_session
}

is_out () {
	test_expect_code 255 from "$1" ci bastion whoami
}

test_expect_success 'a bastion with penalties from four seconds on, and one network without' '
	BASTION_PENALTIES=yes &&
	setup_quiet "penalty_exempt: [127.4.0.0/16]" "limits: {penalty_start: 4s, penalty_max: 6s, login_grace: 2s}"
'

test_expect_success 'who knocks too often and does not come in is out, and nobody else is' '
	knocks 127.3.0.1 6 &&
	is_out 127.3.0.1 &&
	from 127.3.0.2 ci bastion whoami &&
	test_grep "connection from 127.3.0.1 refused: too many connections from this source came to nothing" daemon.log
'

test_expect_success 'refused again and again: it costs no process and is on record once' '
	for i in 1 2 3 4 5
	do
		is_out 127.3.0.1 || return 1
	done &&
	test "$(log_event source.refused "\"source\":\"127.3.0.1\"" | wc -l)" -eq 1
'

test_expect_success 'it runs down by itself' '
	wait_until "from 127.3.0.1 ci bastion whoami" 12
'

test_expect_success 'a key without a certificate: two such connections are enough' '
	cp id/ci id/bare && cp id/ci.pub id/bare.pub &&
	sed -e "s,id/ci-cert.pub,id/none," -e "s,id/ci\$,id/bare," id/ci.conf >id/bare.conf &&
	for i in 1 2
	do
		test_expect_code 255 from 127.3.0.5 bare bastion whoami && no_session || return 1
	done &&
	is_out 127.3.0.5
'

test_expect_success 'a good certificate makes good what others there did' '
	knocks 127.3.0.6 3 &&
	from 127.3.0.6 ci bastion whoami && no_session &&
	knocks 127.3.0.6 3 &&
	from 127.3.0.6 ci bastion whoami
'

test_expect_success 'who stays silent until the grace is over is out at once' '
	python3 "$TEST_SRCDIR/t/helper/badclient.py" silent --port $BASTION_PORT --source 127.3.0.7 --count 1 --seconds 10 &&
	no_session &&
	is_out 127.3.0.7
'

test_expect_success 'never from an exempt network' '
	knocks 127.4.0.1 10 &&
	from 127.4.0.1 ci bastion whoami
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
