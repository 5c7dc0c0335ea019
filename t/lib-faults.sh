# SPDX-License-Identifier: Apache-2.0
# What tests of faults, limits and hostile peers share: sourced after lib-bastion.sh.
#
#	badclient SUB-COMMAND [OPTION..]	t/helper/badclient.py on this bastion's port; needs need_paramiko when it logs in
#	setup_quiet [LINE..]			setup_bastion, identity ci, nothing connected
#	helper_pid keyd				the process behind a name: keyd, auditd, approvald
#	session_pids, inspector_pids, leg_pids, keeper_pids	the others, by what they hold
#	log_event NAME [TEXT]			lines of the audit log with this event (and this text)

command -v python3 >/dev/null || skip_all 'no python3 here'

# Where paramiko is: the python3 that comes first may be one that was installed beside the system's.
PARAMIKO_PYTHON=
for faults_python_ in python3 /usr/bin/python3
do
	if "$faults_python_" -c 'import paramiko' 2>/dev/null
	then
		PARAMIKO_PYTHON=$faults_python_
		break
	fi
done

# setup_bastion and the identity "ci", and no connection but the test's from here on: the one by which start_bastion saw
# that the daemon accepts comes before the whoami.
setup_quiet () {
	setup_bastion "$@" &&
	make_identity ci agent/ci &&
	bssh ci bastion whoami >whoami &&
	no_session
}

need_paramiko () {
	test -n "$PARAMIKO_PYTHON" || skip_all 'no paramiko here (python3-paramiko)'
}

# Memory says little under a sanitizer, which keeps what was freed.
grep -q '^#define SALLYPORT_SANITIZE' "$TEST_BUILDDIR/config.h" || test_set_prereq PLAIN

badclient () {
	badclient_what_=$1
	shift
	"${PARAMIKO_PYTHON:-python3}" "$TEST_SRCDIR/t/helper/badclient.py" "$badclient_what_" --port "$BASTION_PORT" "$@"
}

cast_text () {
	python3 "$TEST_SRCDIR/t/helper/cast-text.py" "$@"
}

children_of () {
	cat /proc/"$1"/task/*/children 2>/dev/null | tr ' ' '\n' | grep . || :
}

# The daemon's children are told apart by program, and the forked ones by what they hold as descriptor 5.
children_named_ () {
	for faults_pid_ in $(children_of "$BASTION_PID")
	do
		is_alive "$faults_pid_" || continue
		faults_exe_=$(readlink "/proc/$faults_pid_/exe") || continue
		case "${faults_exe_##*/}:$(readlink "/proc/$faults_pid_/fd/5")" in
		sallyportd:*/spool/*) faults_is_=inspector ;;
		sallyportd:*)
			faults_is_=session
			! find "/proc/$faults_pid_/fd" -lname "$STATE/*lfs/*" 2>/dev/null | grep -q . || faults_is_=keeper ;;
		sallyport-*) faults_is_=${faults_exe_##*/sallyport-} && faults_is_=${faults_is_%%:*} ;;
		*) continue ;;
		esac
		test "$faults_is_" != "$1" || echo "$faults_pid_"
	done
}

helper_pid () {
	children_named_ "$1"
}

session_pids () {
	children_named_ session
}

inspector_pids () {
	children_named_ inspector
}

keeper_pids () {
	children_named_ keeper
}

leg_pids () {
	children_named_ gitleg
}

# one_session: wait until there is exactly one session process; its pid is $SESSION.
one_session () {
	wait_until 'SESSION=$(session_pids) && test "$(echo $SESSION | wc -w)" -eq 1'
}

no_session () {
	wait_until 'test -z "$(session_pids)"' "${1-20}"
}

log_event () {
	grep "\"event\":\"$1\"" "$STATE/audit/log.jsonl" | grep -e "${2-event}"
}

# kb PID FIELD: a size from /proc/PID/status, in KiB.
kb () {
	sed -n "s/^$2:[[:space:]]*\([0-9]*\) kB/\1/p" "/proc/$1/status"
}

# private_kb PID: memory that this process alone has; what it shares since its fork (rules, expressions) costs nothing more.
private_kb () {
	sed -n "s/^Private_Dirty:[[:space:]]*\([0-9]*\) kB/\1/p" "/proc/$1/smaps_rollup"
}

# at_rest PID: it has read and written something, and nothing more in the last 300 ms.
at_rest () {
	faults_io_=$(cat "/proc/$1/io") &&
	test-tool nap 300 &&
	test "$faults_io_" = "$(cat "/proc/$1/io")"
}

# The daemon has gone through it unharmed: it lives, and neither it nor a child has crashed.
bastion_is_well () {
	is_alive "$BASTION_PID" &&
	test_grep ! -E 'crashed|out of memory|fatal' "$TRASH_DIRECTORY/daemon.log" &&
	bastion_log_is_clean
}

# within MS CMD: it succeeds, and takes no longer.
within () {
	faults_ms_=$1
	shift
	faults_start_=$(test-tool ms) &&
	"$@" &&
	faults_took_=$(($(test-tool ms) - faults_start_)) &&
	echo >&2 "took $faults_took_ ms: $*" &&
	test "$faults_took_" -le "$faults_ms_"
}

# soon_enough MS CMD: one of five tries is within: the machine may be busy, and what is stuck stays so. Its output is in "out".
soon_enough () {
	for faults_try_ in 1 2 3 4 5
	do
		within "$@" >out && return 0
	done
	return 1
}

# Output into a named pipe needs its reader first: exec 7<>PIPE && bg_bssh .. >PIPE && exec 8<PIPE 7<&-
# bg_bssh NAME LOGIN@TARGET|bastion [COMMAND..], bg_badclient ..: in the background, without a shell between; its pid is
# $CLIENT, and it does not outlive the script.
bg_bssh () {
	bssh_conf_=$TRASH_DIRECTORY/id/$1.conf
	case "$2" in
	*@*) bssh_dest_=$2@127.0.0.1 ;;
	*) bssh_dest_=127.0.0.1 ;;
	esac
	shift 2
	# shellcheck disable=SC2086
	{ ssh -F "$bssh_conf_" $BSSH_OPTS "$bssh_dest_" "$@" <&9 7<&- 8<&- 9<&- & CLIENT=$!; } 9<&0 &&
	test_atexit "faults_end_ $CLIENT"
}

bg_badclient () {
	badclient_what_=$1
	shift
	"${PARAMIKO_PYTHON:-python3}" "$TEST_SRCDIR/t/helper/badclient.py" "$badclient_what_" --port "$BASTION_PORT" "$@" &
	CLIENT=$!
	test_atexit "faults_end_ $CLIENT"
}

faults_end_ () {
	kill -KILL "$1" 2>/dev/null && wait "$1"
	return 0
}

# wait_client PID: its exit status in $CODE.
wait_client () {
	wait "$1"
	CODE=$?
	return 0
}

# start_push NAME: a push of work/ to agent/NAME that has been let in and waits for ./go before it sends anything.
# Its pid is $CLIENT, what it pushes $OID.
start_push () {
	test -d work || bgit ci clone -q "$BASTION_URL/hosted/demo.git" work || return 1
	cat >work/.git/hooks/pre-push <<-EOT
	#!/bin/sh
	>$TRASH_DIRECTORY/ready
	until test -f $TRASH_DIRECTORY/go
	do
		test-tool nap 20
	done
	EOT
	chmod +x work/.git/hooks/pre-push &&
	rm -f ready go &&
	no_session &&
	(
		cd work &&
		git checkout -q -B "agent/$1" origin/main &&
		head -c 6000000 /dev/urandom >big &&
		git add big &&
		git commit -qm "push $1"
	) &&
	OID=$(git -C work rev-parse HEAD) &&
	BLOB=$(git -C work rev-parse HEAD:big) &&
	{
		GIT_SSH_COMMAND="ssh -F '$TRASH_DIRECTORY/id/ci.conf'" git -C work push -q origin "agent/$1" \
			>push.out 2>push.err &
		CLIENT=$!
	} &&
	test_atexit "faults_end_ $CLIENT" &&
	wait_until "test -f ready" &&
	one_session
}

# nothing_stored NAME: neither the reference nor an object of the push is in the repository.
nothing_stored () {
	test_must_fail git -C "$STATE/repos/demo.git" rev-parse -q --verify "refs/heads/agent/$1" &&
	test_must_fail git -C "$STATE/repos/demo.git" cat-file -e "$OID" &&
	test_must_fail git -C "$STATE/repos/demo.git" cat-file -e "$BLOB"
}

# stored_as_recorded NAME: it is in the repository if, and only if, the log says so.
stored_as_recorded () {
	if log_event push.stored "agent/$1\".*result.:.stored"
	then
		test "$(git -C "$STATE/repos/demo.git" rev-parse "refs/heads/agent/$1")" = "$OID"
	else
		nothing_stored "$1"
	fi
}
