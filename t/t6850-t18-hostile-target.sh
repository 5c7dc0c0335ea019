#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='T18: a target that speaks no SSH, or too much of it, or in the wrong order, costs its own connection only'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

# One row a misdeed of helper/badtarget.py: WAY, exit status, output, and what the agent is told in one line ("-": nothing).
cat >rows <<\EOT
silent 69 - unreachable REQ-[A-Z0-9]*: target silent: no answer in time; nothing has run
close_at_once 69 - unreachable REQ-[A-Z0-9]*: target close_at_once: .*; nothing has run
banner_endless 69 - unreachable REQ-[A-Z0-9]*: target banner_endless: no answer in time; nothing has run
banner_one_line 69 - unreachable REQ-[A-Z0-9]*: target banner_one_line: Receiving banner: too large banner; nothing has run
version_slow 69 - unreachable REQ-[A-Z0-9]*: target version_slow: no answer in time; nothing has run
version_then_noise 69 - unreachable REQ-[A-Z0-9]*: target version_then_noise: .*; nothing has run
version_then_nothing 69 - unreachable REQ-[A-Z0-9]*: target version_then_nothing: no answer in time; nothing has run
version_then_close 69 - unreachable REQ-[A-Z0-9]*: target version_then_close: .*; nothing has run
length_huge 69 - unreachable REQ-[A-Z0-9]*: target length_huge: .*Packet len too high.*; nothing has run
kexinit_then_nothing 69 - unreachable REQ-[A-Z0-9]*: target kexinit_then_nothing: no answer in time; nothing has run
kexinit_then_close 69 - unreachable REQ-[A-Z0-9]*: target kexinit_then_close: .*; nothing has run
kexinit_slow 69 - unreachable REQ-[A-Z0-9]*: target kexinit_slow: no answer in time; nothing has run
kexinit_endless 69 - unreachable REQ-[A-Z0-9]*: target kexinit_endless: .*; nothing has run
kex_reply_noise 69 - unreachable REQ-[A-Z0-9]*: target kex_reply_noise: .*; nothing has run
ignore_endless_before_kex 69 - unreachable REQ-[A-Z0-9]*: target ignore_endless_before_kex: no answer in time; nothing has run
service_never 69 - unreachable REQ-[A-Z0-9]*: target service_never: no answer in time; nothing has run
service_then_close 69 - unreachable REQ-[A-Z0-9]*: target service_then_close: .*; nothing has run
noise_after_newkeys 69 - unreachable REQ-[A-Z0-9]*: target noise_after_newkeys: .*; nothing has run
auth_never 69 - unreachable REQ-[A-Z0-9]*: target auth_never: no answer in time; nothing has run
auth_no 69 - unreachable REQ-[A-Z0-9]*: target auth_no: target refused our certificate for this login; nothing has run
auth_partial 69 - unreachable REQ-[A-Z0-9]*: target auth_partial: target wants another proof besides ours .*; nothing has run
auth_then_close 69 - \(unreachable\|stopped\) REQ-[A-Z0-9]*: .*
auth_banners 0 - -
open_never 69 - unreachable REQ-[A-Z0-9]*: the target has not answered the request in time; nothing is known to have run
open_no 69 - unreachable REQ-[A-Z0-9]*: the target opens no session .*; nothing has run
open_then_close 69 - \(unreachable\|stopped\) REQ-[A-Z0-9]*: .*
open_confirmed_wrongly 69 - unreachable REQ-[A-Z0-9]*: the target has not answered the request in time; nothing is known to have run
exec_never 69 - unreachable REQ-[A-Z0-9]*: the target has not answered the request in time; nothing is known to have run
exec_no 69 - unreachable REQ-[A-Z0-9]*: the target refused the request; nothing has run
packet_none 69 - unreachable REQ-[A-Z0-9]*: the target has not answered the request in time; nothing is known to have run
exec_then_close 69 - stopped REQ-[A-Z0-9]*: the connection to the target ended before the command did.*
exec_then_reset 69 - stopped REQ-[A-Z0-9]*: the connection to the target ended before the command did.*
close_without_status 69 some_output stopped REQ-[A-Z0-9]*: the connection to the target ended before the command did.*
open_back 0 8_refused,_0_granted -
open_back_flood 0 after_the_flood -
globals_flood 0 after_the_flood -
forward_flood 0 after_the_flood -
ignore_flood 0 after_the_flood -
ask_and_not_read 69 - stopped REQ-[A-Z0-9]*: .*peer asks and does not read the answers
pings_and_not_read 69 - stopped REQ-[A-Z0-9]*: .*peer asks and does not read the answers
rekey_and_pings 69 - stopped REQ-[A-Z0-9]*: .*peer asks and does not read the answers
window_overrun 69 * stopped REQ-[A-Z0-9]*: .*peer sent more than its window allows
extended_unknown 0 known *
data_after_eof 3 * *
data_after_close 3 before -
data_elsewhere 0 here -
unasked_answers 0 known -
status_twice 3 - -
status_and_signal 3 - -
window_byte 0 500_bytes -
window_overflow 0 known -
rekey_endless 0 still_here -
disconnect_wordy 69 - stopped REQ-[A-Z0-9]*: the connection to the target ended before the command did.*
EOT

test_expect_success 'a bastion with a good target and all the bad ones; a command runs on the good one throughout' '
	init_bastion && start_target web1 &&
	bad_targets signal_huge requests_flood $(cut -d" " -f1 rows) &&
	write_config "limits: {dial_timeout: 3s}" && start_bastion && make_identity ci agent/ci &&
	conversation good bssh ci "$TEST_LOGIN@web1" cat && echo begin >&9 && wait_until "grep -q begin good.out" &&
	head -c 2000000 /dev/zero >zeros && peak_begin
'

while read -r way status output line
do
	test_expect_success "$way: $status" '
		timeout 60 ssh -F id/ci.conf "$TEST_LOGIN@$way@127.0.0.1" "echo x" <zeros >out 2>err
		got=$? && echo "status $got" && head -c 300 out err && test $got -eq $status &&
		case $output in
		-) test_must_be_empty out ;;
		\*) ;;
		*) test "$(head -n 1 out | tr " " _)" = "$output" ;;
		esac &&
		case $line in
		-) test_must_be_empty err ;;
		\*) ;;
		*) said_once err "^sallyport: $line" && test_line_count -eq 1 err ;;
		esac &&
		echo "$way" >&9 && wait_until "grep -q ^$way\$ good.out"
	'
done <rows

test_expect_success 'what a signal is called does not reach the agent or the log unless it is a name' '
	wire ci "$TEST_LOGIN@signal_huge" "exec=echo x" >got && test_grep "^signal UNKNOWN$" got &&
	audit_has event=exec.end signal=UNKNOWN
'

test_expect_success 'requests that only a client may make run nothing and end no other connection' '
	timeout 60 ssh -F id/ci.conf "$TEST_LOGIN@requests_flood@127.0.0.1" "echo x" <zeros >out 2>err
	got=$? && { test $got -eq 0 || test $got -eq 69; } && audit_lacks "command=y"
'

test_expect_success PLAIN 'no session process has become large' '
	peak_below 32768
'

test_expect_success 'the command on the good target has noticed nothing' '
	exec 9>&- && ended good 0 && test_line_count -eq $(($(wc -l <rows) + 1)) good.out
'

test_expect_success 'the bastion is well' '
	no_session && bastion_is_well && stop_bastion
'

test_done
