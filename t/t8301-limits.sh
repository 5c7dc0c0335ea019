#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='limits on connections and channels hold, and what is over them costs nobody else anything'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"
need_paramiko

# silent COUNT: so many connections that say nothing, open until end_silent.
silent () {
	bg_badclient silent --count "$1" --seconds 60 >silent.out && SILENT=$CLIENT &&
	wait_until "grep -q ^ready silent.out"
}

end_silent () {
	faults_end_ "$SILENT" && no_session
}

# restart LINE: the same bastion with another line of limits.
restart () {
	stop_bastion && write_config "$@" && start_bastion && wait_until "bssh ci bastion whoami" && no_session
}

test_expect_success 'max_startups_per_source' '
	setup_quiet "limits: {max_startups_per_source: 5, login_grace: 60s}" &&
	silent 20 &&
	wait_until "test \$(session_pids | wc -w) -eq 5" &&
	test_expect_code 255 bssh ci bastion whoami &&
	test "$(session_pids | wc -w)" -eq 5 &&
	test_grep "too many connections from this source" daemon.log &&
	end_silent &&
	bssh ci bastion whoami
'

test_expect_success 'who has authenticated does not count' '
	mkfifo hold &&
	bg_bssh ci "$TEST_LOGIN@web1" "cat $TRASH_DIRECTORY/hold" >out && client=$CLIENT &&
	wait_until "log_event exec.start" &&
	silent 4 &&
	soon_enough 2000 bssh ci bastion whoami &&
	faults_end_ "$SILENT" &&
	echo done >hold && wait_client $client && test_grep done out &&
	no_session
'

test_expect_success 'max_startups, over all sources' '
	restart "limits: {max_startups: 8, max_startups_per_source: 100, login_grace: 60s}" &&
	silent 20 &&
	wait_until "test \$(session_pids | wc -w) -eq 8" &&
	test_expect_code 255 bssh ci bastion whoami &&
	test_grep "too many connections that have not authenticated" daemon.log &&
	end_silent &&
	bssh ci bastion whoami
'

test_expect_success 'max_sessions' '
	restart "limits: {max_sessions: 2}" &&
	rm -f hold && mkfifo hold &&
	bg_bssh ci "$TEST_LOGIN@web1" "cat $TRASH_DIRECTORY/hold" >one && one=$CLIENT &&
	wait_until "test \$(session_pids | wc -w) -eq 1" &&
	BSSH_OPTS="-o ControlMaster=yes -o ControlPath=$TRASH_DIRECTORY/mux" &&
	bg_bssh ci bastion -N && two=$CLIENT &&
	wait_until "test \$(session_pids | wc -w) -eq 2" &&
	wait_until "test -S mux" &&
	BSSH_OPTS= &&
	test_expect_code 255 bssh ci bastion whoami &&
	test_grep "too many sessions" daemon.log &&
	kill $two && wait_client $two &&
	wait_until "bssh ci bastion whoami" &&
	echo done >hold && wait_client $one && test_grep done one &&
	no_session
'

test_expect_success 'max_channels: one more is refused, and one that closes makes room' '
	restart "limits: {max_channels: 4}" &&
	badclient channels --user "$TEST_LOGIN@web1" --key id/ci --command "sleep 30" --count 20 >out &&
	cat out &&
	test_grep "^channels 4$" out &&
	test_grep "^alive yes$" out &&
	test_grep "^again yes$" out &&
	no_session
'

test_expect_success 'two hundred silent connections, and others log in all the same' '
	restart "limits: {max_startups: 300, max_startups_per_source: 300, login_grace: 60s}" &&
	silent 200 &&
	wait_until "test \$(session_pids | wc -w) -eq 200" &&
	soon_enough 1500 bssh ci bastion whoami &&
	soon_enough 1500 bssh ci "$TEST_LOGIN@web1" "echo in" &&
	test_grep "^in$" out &&
	kill "$SILENT" && wait_client "$SILENT" &&
	wait_until "test -z \"\$(session_pids)\""
'

test_expect_success 'the bastion is well' '
	bastion_is_well && stop_bastion
'

test_done
