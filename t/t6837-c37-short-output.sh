#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C37: short outputs are never lost, and errors still arrive after the output has ended'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-wire.sh"
need_paramiko

test_expect_success 'a bastion, and one connection that is kept' '
	setup_quiet && open_direct && keep_connection
'

test_expect_success 'five hundred short outputs on one connection, one hundred on their own' '
	BSSH_OPTS=$mux && n=0 &&
	while test $n -lt 600
	do
		test $n -lt 500 || unset BSSH_OPTS
		got=$(bssh ci "$TEST_LOGIN@web1" "echo $n; exit 3" </dev/null)
		test "$?:$got" = "3:$n" || { echo "$n: $got"; return 1; }
		n=$((n + 1))
	done
'

test_expect_success 'eight at a time' '
	for i in 1 2 3 4 5 6 7 8
	do
		{
			for n in 1 2 3 4 5 6 7 8 9 10
			do
				BSSH_OPTS=$mux bssh ci "$TEST_LOGIN@web1" "echo $i.$n; echo err >&2" 2>>errs.$i
			done >outs.$i </dev/null
			>done.$i
		} &
	done
	for i in 1 2 3 4 5 6 7 8
	do
		wait_until "test -f done.$i" 60 && test_line_count -eq 10 outs.$i && test_line_count -eq 10 errs.$i || return 1
	done
'

test_expect_success 'errors after the end of output, and output after the end of errors' '
	bssh ci "$TEST_LOGIN@web1" "echo a; exec >&-; read -r x; echo b >&2; exit 4" >out 2>err <<-\EOT
	go
	EOT
	test $? -eq 4 && echo a >expect && test_cmp expect out && echo b >expect && test_cmp expect err &&
	bssh ci "$TEST_LOGIN@web1" "echo a >&2; exec 2>&-; read -r x; echo b; exit 4" >out 2>err <<-\EOT
	go
	EOT
	test $? -eq 4 && echo b >expect && test_cmp expect out && echo a >expect && test_cmp expect err
'

test_expect_success 'output after the end of input is whole' '
	head -c 300000 /dev/urandom >in &&
	bssh ci "$TEST_LOGIN@web1" "cat >$TRASH_DIRECTORY/kept; cat $TRASH_DIRECTORY/kept $TRASH_DIRECTORY/kept" <in >out &&
	cat in in | cmp - out
'

test_expect_success 'the messages of fifty ends are those of sshd' '
	n=0 && while test $n -lt 25
	do
		same_end "exec=echo x; echo y >&2; exit $n" && same_end "exec=head -c ${n}0000 /dev/zero" || return 1
		n=$((n + 1))
	done
'

test_expect_success 'the bastion is well' '
	ssh -O exit -o ControlPath="$TRASH_DIRECTORY/mux" x 2>/dev/null
	no_session && bastion_is_well && stop_bastion
'

test_done
