# SPDX-License-Identifier: Apache-2.0
# What tests of the conformance list share (t/README names the lines): sourced after lib-faults.sh and lib-checks.sh.
#
#	wire NAME LOGIN@TARGET STEP..	helper/wire.py through the bastion: every message of one channel, a line each
#	open_direct			an identity "direct" that the targets take without a bastion between
#	wire_direct STEP.., dssh COMMAND..	the same without the bastion: what a plain sshd does is the measure
#	gate_target NAME GATE-OPTION..	what the bastion takes for the target is helper/gate.py before it
#	same_end STEP..			both end in the same way

wire () {
	wire_key_=$TRASH_DIRECTORY/id/$1
	wire_user_=$2
	shift 2
	# shellcheck disable=SC2086
	"$PARAMIKO_PYTHON" "$TEST_SRCDIR/t/helper/wire.py" --port "$BASTION_PORT" --user "$wire_user_" --key "$wire_key_" \
		$WIRE_OPTS "$@"
}

open_direct () {
	open_ca &&
	sign_identity direct -n "$TEST_LOGIN" -V -1m:+1h &&
	{
		printf 'Host *\n\tPort %s\n\tStrictHostKeyChecking no\n\tUserKnownHostsFile /dev/null\n' \
			"${REAL_PORT_web1-$TARGET_PORT_web1}" &&
		grep -E 'Identity|Certificate|Batch|Preferred|LogLevel' id/direct.conf
	} >id/direct.new &&
	mv id/direct.new id/direct.conf
}

# keep_connection: BSSH_OPTS=$mux makes one connection, which is kept until the script ends.
keep_connection () {
	mux="-o ControlMaster=auto -o ControlPath=$TRASH_DIRECTORY/mux -o ControlPersist=yes" &&
	test_atexit "ssh -O exit -o ControlPath=$TRASH_DIRECTORY/mux x 2>/dev/null"
}

wire_direct () {
	# shellcheck disable=SC2086
	"$PARAMIKO_PYTHON" "$TEST_SRCDIR/t/helper/wire.py" --port "${REAL_PORT_web1-$TARGET_PORT_web1}" --user "$TEST_LOGIN" \
		--key "$TRASH_DIRECTORY/id/direct" $WIRE_OPTS "$@"
}

dssh () {
	# shellcheck disable=SC2086
	ssh -F "$TRASH_DIRECTORY/id/direct.conf" $BSSH_OPTS "$TEST_LOGIN@127.0.0.1" "$@"
}

gate_target () {
	gate_name_=$1
	shift
	eval "gate_to_=\${REAL_PORT_$gate_name_:-\$TARGET_PORT_$gate_name_}"
	rm -f "gate-$gate_name_.port"
	python3 "$TEST_SRCDIR/t/helper/gate.py" --to "$gate_to_" --port-file "gate-$gate_name_.port" "$@" 9>&- &
	gate_pid_=$!
	test_atexit "faults_end_ $gate_pid_"
	wait_until "test -s 'gate-$gate_name_.port'" &&
	eval "REAL_PORT_$gate_name_=$gate_to_ TARGET_PORT_$gate_name_=$(cat "gate-$gate_name_.port") GATE_PID_$gate_name_=$gate_pid_"
}

# same_end STEP..: through the bastion and without it there is the same output, and the same end of it. Where sshd has a
# choice (EOF may come before the status, output and errors in any order) the bastion has none: what it says of a channel is all
# output, one status or signal, EOF, CLOSE.
same_end () {
	wire_direct "$@" >wire.direct 2>wire.err &&
	wire ci "$TEST_LOGIN@web1" "$@" >wire.ours 2>>wire.err || { cat wire.err >&2; return 1; }
	wire_sum_ <wire.direct >wire.expect &&
	wire_sum_ <wire.ours >wire.got &&
	test_cmp wire.expect wire.got &&
	sed -n '/^\(status\|signal\) /,$ { s/ .*//; p; }' wire.ours >wire.end &&
	grep -oE '^(status|signal)' wire.expect >wire.expect-end &&
	printf 'eof\nclose\nover\n' >>wire.expect-end &&
	test_cmp wire.expect-end wire.end
}

wire_sum_ () {
	grep -v ^global | awk '/^(out|err) / { n[$1] += $2; next } { print } END { for (i in n) print i, n[i] }' | sort
}

# setup_gated GATE-OPTION..: setup_quiet without its whoami, with a gate before the target web1.
setup_gated () {
	init_bastion &&
	start_target web1 &&
	gate_target web1 "$@" &&
	seed_repo demo &&
	write_config &&
	start_bastion &&
	make_identity ci agent/ci
}

# bad_targets WAY..: targets of helper/badtarget.py, each named after its way, for write_config.
bad_targets () {
	mkdir -p target-bad &&
	ssh-keygen -q -t ed25519 -N '' -f target-bad/host || return 1
	"$PARAMIKO_PYTHON" "$TEST_SRCDIR/t/helper/badtarget.py" --host-key target-bad/host --ports target-bad/ports "$@" \
		>target-bad/log 2>&1 9>&- &
	bad_pid_=$!
	test_atexit "faults_end_ $bad_pid_"
	wait_until "test -f target-bad/ports || ! is_alive $bad_pid_" 20 && test -f target-bad/ports ||
	{ cat target-bad/log >&2; return 1; }
	while read -r bad_way_ bad_port_
	do
		mkdir -p "target-$bad_way_" && cp target-bad/host.pub "target-$bad_way_/" || return 1
		bastion_targets_="$bastion_targets_ $bad_way_"
		eval "TARGET_PORT_$bad_way_=$bad_port_"
	done <target-bad/ports
}

# peak_begin; peak_below KIB: no process of the bastion has had more memory of its own since.
peak_begin () {
	test -z "$peak_pid_" || kill "$peak_pid_" 2>/dev/null
	rm -f peak
	python3 "$TEST_SRCDIR/t/helper/peak.py" "$BASTION_PID" peak 9>&- &
	peak_pid_=$!
	test_atexit "faults_end_ $peak_pid_"
	wait_until "test -s peak"
}

peak_below () {
	echo "at most $(cat peak) KiB" &&
	test "$(cat peak)" -lt "$1"
}
