#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh: the bastion beside OpenSSH, measured in one run on one machine, ours and theirs in turns. Prints a table and
# writes bench.json into the build folder. "make bench" builds first; BENCH_MIB (256), BENCH_ROUNDS (5) and
# BENCH_GIB (20, for the long transfer), BENCH_COMMITS (9500, about 100,000 objects) and BENCH_TEXT (500, MiB) size it.
#
# The rivals for bulk data: "ssh -J" through a second sshd, and a second sshd whose ForceCommand is ssh to the target.
# All legs use aes256-gcm@openssh.com. Meant for an idle machine; only ratios inside one run mean anything.
test_description='the bastion beside OpenSSH'

# What to measure: exec, memory, connections, bulk, sftp, idle2000, long, secretscan, push, inspection; all by default.
bench_what="$*"
set --
: "${TEST_SRCDIR:=$(dirname "$0")/../..}"
. "$(dirname "$0")/../test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-upstream.sh"

command -v python3 >/dev/null || skip_all 'no python3 here'
export PYTHONDONTWRITEBYTECODE=1 TEST_SRCDIR TEST_BUILDDIR
bench_cipher=aes256-gcm@openssh.com

# rival NAME PORT: an ssh_config entry for plain sshd with the benchmark's own key.
rival () {
	cat <<-EOT
	Host $1
		HostName 127.0.0.1
		Port $2
		User $TEST_LOGIN
		IdentityFile $TRASH_DIRECTORY/bench
		IdentitiesOnly yes
		IdentityAgent none
		BatchMode yes
		Ciphers $bench_cipher
		StrictHostKeyChecking no
		UserKnownHostsFile /dev/null
		GlobalKnownHostsFile /dev/null
		LogLevel ERROR
	EOT
}

set_up () {
	ssh-keygen -q -t ed25519 -N '' -C bench -f "$TRASH_DIRECTORY/bench" &&
	init_bastion &&
	start_target web1 "AuthorizedKeysFile $TRASH_DIRECTORY/bench.pub" &&
	start_target jump "AuthorizedKeysFile $TRASH_DIRECTORY/bench.pub" &&
	start_target chain "AuthorizedKeysFile $TRASH_DIRECTORY/bench.pub" \
		"ForceCommand ssh -F $TRASH_DIRECTORY/rivals web1 \"\$SSH_ORIGINAL_COMMAND\"" &&
	start_upstream forge && cat bench.pub >upstream-forge/authorized &&
	{
		rival web1 "$TARGET_PORT_web1" &&
		rival jump "$TARGET_PORT_jump" &&
		rival chain "$TARGET_PORT_chain" &&
		rival forge "$TARGET_PORT_forge"
	} >rivals &&
	bastion_targets_=web1 &&
	BASTION_POLICY=$TRASH_DIRECTORY/bench-policy &&
	{
		default_policy &&
		echo "  - {id: sftp, who: [agent/*], on: [\"*\"], subsystem: [sftp], do: allow}" &&
		echo "  - {id: files, who: [agent/*], on: [\"*\"], sftp: {}, do: allow}"
	} >"$BASTION_POLICY" &&
	sed -i 's/on: \[hosted\]/on: [hosted, forge]/' "$BASTION_POLICY" && upstream_conf forge >forge.yaml &&
	write_upstreams forge.yaml 'limits: {max_startups_per_source: 100, max_sessions: 2500, sessions_per_identity: 0}' &&
	start_bastion &&
	make_identity ci agent/ci --owner human/kim &&
	echo "	Ciphers $bench_cipher" >>id/ci.conf &&
	bssh ci "$TEST_LOGIN@web1" true &&
	ssh -F rivals web1 true && ssh -F rivals -J jump web1 true && ssh -F rivals chain true
}

set_up >"$test_log_" 2>&1 || { cat "$test_log_" >&6; exit 1; }
python3 "$TEST_SRCDIR/t/perf/measure.py" --trash "$TRASH_DIRECTORY" --login "$TEST_LOGIN" --bastion "$BASTION_PID" --port "$BASTION_PORT" \
	--sshd "$TARGET_PID_web1" --mib "${BENCH_MIB-256}" --rounds "${BENCH_ROUNDS-5}" --gib "${BENCH_GIB-20}" \
	--commits "${BENCH_COMMITS-9500}" --text "${BENCH_TEXT-500}" \
	--json "$TEST_BUILDDIR/bench.json" $bench_what >&5 2>&6
status=$?
test_finished_=t
exit "$status"
