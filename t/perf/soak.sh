#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# soak.sh: everything at once for SOAK_MINUTES (60): commands, files, pushes and fetches, connections that are shared, clients
# and session processes that are killed, reloads, questions that nobody answers. "make soak" builds first.
#
# Every SOAK_SAMPLE seconds (60) it prints PSS and descriptors of each long-lived process. Twice everything pauses, after the
# first fifth and at the end, and then the processes must be as they were: it fails when one has grown by more than a tenth and
# 2 MiB, holds more descriptors, when a process or a zombie stays, when a command fails that nobody killed, or when the log or
# a recording does not hold. Before that one command takes and one gives SOAK_BIG_MIB (1536) with new keys all the time.
test_description='everything at once, for long'

set --
: "${TEST_SRCDIR:=$(dirname "$0")/../..}"
. "$(dirname "$0")/../test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

exec 4>&1	# the bodies of tests have no other way to say something at once
minutes=${SOAK_MINUTES:-60}
sample=${SOAK_SAMPLE:-60}
big=${SOAK_BIG_MIB:-1536}
helpers='parent keyd auditd approvald'
workers='commands outputs files git shared killed asked reloads'

# Workers. Each goes through its round, and says what went wrong that should not have.

failed () {
	echo "$1: $2" >>failures
}

# rest N: half a second, N times. What a soak is for is time; nothing here is expected to have happened after it.
rest () {
	rest_n_=$1
	while test "$rest_n_" -gt 0 && test ! -e stop && test ! -e pause
	do
		test-tool nap 500
		rest_n_=$((rest_n_ - 1))
	done
}

round_commands () {
	for code in 0 3 77
	do
		bssh ci "$TEST_LOGIN@web1" "echo $code; echo e >&2; exit $code" >commands.out 2>commands.err </dev/null
		got=$?
		test $got -eq $code && grep -qx $code commands.out || failed commands "$got for $code: $(cat commands.err)"
	done
	bssh ci bastion whoami >commands.out 2>&1 || failed commands "whoami: $(cat commands.out)"
}

round_outputs () {
	n=$(bssh ci "$TEST_LOGIN@web1" "seq 200000" </dev/null 2>outputs.err | wc -l)
	test "$n" -eq 200000 || failed outputs "$n lines: $(cat outputs.err)"
	head -c 3000000 /dev/zero | bssh ci "$TEST_LOGIN@web1" "wc -c" >outputs.out 2>outputs.err
	grep -qx 3000000 outputs.out || failed outputs "input: $(cat outputs.out outputs.err)"
	rest 2
}

round_files () {
	sftp -q -b - -F id/ci.conf "$TEST_LOGIN@web1@127.0.0.1" >files.out 2>&1 <<-EOT || failed files "$(cat files.out)"
	put file $TRASH_DIRECTORY/box/file
	get $TRASH_DIRECTORY/box/file file.back
	rename $TRASH_DIRECTORY/box/file $TRASH_DIRECTORY/box/moved
	rm $TRASH_DIRECTORY/box/moved
	EOT
	cmp file file.back >files.out 2>&1 || failed files "$(cat files.out)"
	test-tool nap 300
}

round_git () {
	git_round=$((git_round + 1))
	(
		cd work && echo "$git_round" >README && git commit -qam "round $git_round" &&
		git push -q "$BASTION_URL/hosted/demo.git" "+HEAD:refs/heads/agent/soak" && git fetch -q "$BASTION_URL/hosted/demo.git"
	) >git.out 2>&1 || failed git "$(cat git.out)"
	test-tool nap 300
}

round_shared () {
	ssh -F id/ci.conf -o ControlMaster=yes -o ControlPath="$TRASH_DIRECTORY/mux" -N "$TEST_LOGIN@web1@127.0.0.1" 2>shared.err &
	master=$!
	wait_until "test -S mux || ! is_alive $master" 2>/dev/null
	for n in 1 2 3 4 5 6 7 8
	do
		ssh -F id/ci.conf -o ControlPath="$TRASH_DIRECTORY/mux" "$TEST_LOGIN@web1@127.0.0.1" "exit $n" 2>shared.err.$n </dev/null &
		eval "shared_$n=$!"
	done
	for n in 1 2 3 4 5 6 7 8
	do
		eval "wait \$shared_$n"
		got=$?
		test $got -eq $n || failed shared "$got for $n: $(cat shared.err.$n)"
	done
	kill $master 2>/dev/null
	wait $master
	test-tool nap 300
}

# A client is killed in the middle, and every other time the session process itself: the one that was not there before.
round_killed () {
	killed_round=$((killed_round + 1))
	ssh -F id/victim.conf "$TEST_LOGIN@web1@127.0.0.1" "echo \$PPID; yes" >killed.out 2>/dev/null </dev/null &
	victim=$!
	wait_until "test -s killed.out" 2>/dev/null || failed killed 'did not begin'
	test-tool nap $((killed_round % 7 * 50))
	if test $((killed_round % 2)) -eq 0
	then
		session=$(python3 "$TEST_SRCDIR/t/helper/session-of.py" "$victim" "$BASTION_PID") && kill -KILL "$session" ||
		failed killed 'its session was not found'
	fi
	kill -KILL $victim 2>/dev/null
	wait $victim 2>/dev/null
	: >killed.out
	test-tool nap 500
}

round_asked () {
	BSSH_OPTS="-o SetEnv=SALLYPORT_WAIT=0" bssh ci "$TEST_LOGIN@web1" "printf risky" >asked.out 2>&1 </dev/null
	got=$?
	test $got -eq 75 || failed asked "$got: $(cat asked.out)"
	bssh ci "$TEST_LOGIN@web1" "printf forbidden" >asked.out 2>&1 </dev/null
	got=$?
	test $got -eq 77 || failed asked "$got: $(cat asked.out)"
	timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$BASTION_PORT; printf 'GET / HTTP/1.0\r\n\r\n' >&3; cat <&3" >/dev/null 2>&1
	test-tool nap 500
}

round_reloads () {
	sallyport -f "$CONF" reload >reloads.out 2>&1 || failed reloads "$(cat reloads.out)"
	rest 10
}

worker () {
	until test -e stop
	do
		if test -e pause
		then
			: >"paused.$1"
			test-tool nap 100
			continue
		fi
		rm -f "paused.$1"
		"round_$1"
		echo >>"rounds.$1"
	done
	: >"ended.$1"
}

# Looking

pid_of () {
	case $1 in
	parent) echo "$BASTION_PID" ;;
	*) helper_pid "$1" ;;
	esac
}

pss () {
	sed -n 's/^Pss:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$1/smaps_rollup" 2>/dev/null
}

fds () {
	ls "/proc/$1/fd" 2>/dev/null | wc -l
}

zombies () {
	for pid in $(children_of "$BASTION_PID")
	do
		grep -s '^State:.Z' "/proc/$pid/status"
	done | wc -l
}

# look FILE: a line a process, and one of the rest.
look () {
	for who in $helpers
	do
		pid=$(pid_of $who)
		echo "$who $pid $(pss "$pid") $(fds "$pid")"
	done >"$1"
	echo "children 0 $(children_of "$BASTION_PID" | wc -l) $(zombies)" >>"$1"
}

show () {
	awk -v at="$1" '{ line = line sprintf("  %s %d KiB %d fds", $1, $3, $4) } $1 == "children" { sub(/  children.*/, "", line)
		line = line sprintf("  children %d zombies %d", $3, $4) } END { print at line }' "$2"
}

# pause FILE: everything comes to rest, and is looked at.
pause () {
	: >pause
	for who in $workers
	do
		wait_until "test -e paused.$who" 120 || return 1
	done
	no_session 30 && wait_until "test $(echo $helpers | wc -w) -ge \$((\$(children_of $BASTION_PID | wc -l) + 1))" 30
	look "$1"
	show "at rest" "$1"
	rm -f pause
}

grown () {
	paste -d' ' rest.first rest.last | awk '
		$1 == "children" { if ($7 > $3 || $8 > 0) { print "children were " $3 ", are " $7 ", zombies " $8; bad = 1 } next }
		$2 != $6 { print $1 " is another process than before"; bad = 1 }
		$7 > $3 * 1.1 + 2048 { print $1 " has grown from " $3 " to " $7 " KiB"; bad = 1 }
		$8 > $4 { print $1 " holds " $8 " descriptors, not " $4; bad = 1 }
		END { exit bad }'
}

soak_policy () {
	default_policy
	cat <<-EOT
	  - {id: systems, who: [agent/*], on: ["*"], subsystem: [sftp], do: allow}
	  - {id: files, who: [agent/*], on: ["*"], sftp: {paths: ["$TRASH_DIRECTORY/box/**"]}, do: allow}
	EOT
}

test_expect_success 'a bastion' '
	soak_policy >policy && BASTION_POLICY=$PWD/policy && init_bastion && start_target web1 "RekeyLimit 64M" && seed_repo demo &&
	write_config && start_bastion && make_identity ci agent/ci --ttl 12h && make_identity victim agent/victim --ttl 12h &&
	mkdir box && head -c 5000000 /dev/urandom >file &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work && git config --global core.sshCommand "ssh -F $TRASH_DIRECTORY/id/ci.conf"
'

test_expect_success "$big MiB there and back" '
	{ cat id/ci.conf && echo "	RekeyLimit 64M"; } >id/rekey.conf &&
	head -c ${big}M /dev/zero | bssh rekey "$TEST_LOGIN@web1" "wc -c" >out && echo $((big * 1024 * 1024)) >expect &&
	test_cmp expect out &&
	bssh rekey "$TEST_LOGIN@web1" "head -c ${big}M /dev/zero" | wc -c >out && test_cmp expect out && rm -f state/recordings/*.big
'

test_expect_success "everything at once for $minutes minutes" '
	{
		trap "" INT
		start=$(date +%s) && end=$((start + minutes * 60)) && first=$((start + minutes * 12)) && next=$start && : >failures
		for who in $workers
		do
			worker $who 4>&- 9>&- &
		done
		while now=$(date +%s) && test $now -lt $end && is_alive "$BASTION_PID"
		do
			if test $now -ge $next
			then
				look now && show "$(((now - start) / 60)) min" now
				next=$((next + sample))
			fi
			if test ! -e rest.first && test $now -ge $first
			then
				pause rest.first || failed soak "did not come to rest"
			fi
			test-tool nap 500
		done
		pause rest.last || failed soak "did not come to rest"
		: >stop
		for who in $workers
		do
			wait_until "test -e ended.$who" 120
		done
	} >&4 2>&1
	for who in $workers; do echo "$who: $(wc -l <rounds.$who) rounds"; done >&4
	cat failures >&4
	is_alive "$BASTION_PID" && test_must_be_empty failures
'

test_expect_success 'every worker has worked' '
	for who in $workers
	do
		test "$(wc -l <rounds.$who)" -ge 3 || { echo "$who: $(wc -l <rounds.$who) rounds"; return 1; }
	done
'

test_expect_success 'nothing has grown, nothing has stayed' '
	grown >&4
'

test_expect_success 'the evidence holds, the bastion is well' '
	sallyport -f "$CONF" audit verify >verify.out 2>&1 || { cat verify.out >&4; return 1; }
	bastion_is_well && stop_bastion
'

test_done
