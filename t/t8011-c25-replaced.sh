#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='C25: an upgrade replaces the programs under a running daemon, which goes on, and is stopped and started when it suits'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

programs='sallyportd sallyport-keyd sallyport-auditd sallyport-approvald sallyport-gitleg'

# install_programs: as package managers do it: a new file beside the old one, renamed over it.
install_programs () {
	for program in $programs
	do
		cp "$TEST_BUILDDIR/$program" "bin/$program.new" && mv "bin/$program.new" "bin/$program" || return 1
	done
}

push_works () {
	(cd work && test_commit "$1") && bgit ci -C work push -q "$BASTION_URL/hosted/demo.git" "HEAD:refs/heads/agent/$1"
}

test_expect_success 'an installed bastion' '
	mkdir bin && install_programs && PATH=$PWD/bin:$PATH && test "$(command -v sallyportd)" = "$PWD/bin/sallyportd" &&
	setup_quiet "limits: {stop_grace: 60s}" && bgit ci clone -q "$BASTION_URL/hosted/demo.git" work &&
	test "$(readlink /proc/$BASTION_PID/exe)" = "$PWD/bin/sallyportd" &&
	test "$(readlink "/proc/$(helper_pid keyd)/exe")" = "$PWD/bin/sallyport-keyd"
'

test_expect_success 'a command runs while all its programs are replaced' '
	conversation one bssh ci "$TEST_LOGIN@web1" "echo up; cat; exit 5" && wait_until "grep -q up one.out" &&
	install_programs && readlink "/proc/$BASTION_PID/exe" >exe && test_grep "deleted" exe &&
	echo "still here" >&9 && wait_until "grep -q \"still here\" one.out"
'

test_expect_success 'new sessions and pushes are served' '
	bssh ci "$TEST_LOGIN@web1" "echo new" >out && echo new >expect && test_cmp expect out && push_works replaced
'

test_expect_success 'reloads as well, twice and three times' '
	for n in 1 2 3
	do
		kill -HUP "$BASTION_PID" &&
		wait_until "test \$(grep -c \"configuration loaded again\" daemon.log) -ge $n" || return 1
	done &&
	bssh ci "$TEST_LOGIN@web1" "echo reloaded" >out && test_grep reloaded out
'

for name in approvald auditd keyd
do
	test_expect_success "$name is started again, from what is there now" '
		old=$(children_of "$BASTION_PID" | while read -r pid
		do
			case $(readlink "/proc/$pid/exe") in *"sallyport-$name (deleted)") echo "$pid" ;; esac
		done) && test -n "$old" && kill -KILL "$old" && wait_until "test -n \"\$(helper_pid $name)\"" &&
		wait_until "bssh ci \"$TEST_LOGIN@web1\" \"echo again\" >again 2>err" && is_alive "$BASTION_PID"
	'
done

test_expect_success 'half an upgrade: a program is missing; what needs it is refused, with words, and nothing else' '
	mv bin/sallyport-gitleg gitleg.away && ! push_works missing 2>err && cat err && test_grep "sallyport: \|remote: " err &&
	bssh ci "$TEST_LOGIN@web1" "echo beside" >out && test_grep beside out && is_alive "$BASTION_PID" &&
	mv gitleg.away bin/sallyport-gitleg && push_works again
'

test_expect_success 'the restart: what runs ends by itself, the new daemon takes over' '
	conversation two bssh ci "$TEST_LOGIN@web1" "echo up; cat; exit 6" && wait_until "grep -q up two.out" &&
	kill -TERM "$BASTION_PID" && wait_until "! test-tool accepts $BASTION_PORT" &&
	echo "last words" >&9 && exec 9>&- && ended two 6 && test_grep "last words" two.out &&
	wait_until "! is_alive $BASTION_PID" && start_bastion &&
	test "$(readlink /proc/$BASTION_PID/exe)" = "$PWD/bin/sallyportd" &&
	bssh ci "$TEST_LOGIN@web1" "echo served" >out && test_grep served out && sallyport -f "$CONF" audit verify
'

test_expect_success 'the bastion is well' '
	no_session && stop_bastion
'

test_done
