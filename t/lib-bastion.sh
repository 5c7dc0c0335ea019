# SPDX-License-Identifier: Apache-2.0
# A whole bastion for a test script: sourced after test-lib.sh. Everything listens on 127.0.0.1 and stops with the script.
#
#	setup_bastion			init, one target "web1", an upstream "hosted" with demo.git, daemon started
#	make_identity ci agent/ci --owner human/kim
#	bssh ci "$TEST_LOGIN@web1" 'make test'		stock ssh; the command on the target
#	bssh ci bastion whoami				a verb of the bastion's own
#	bgit ci clone "$BASTION_URL/hosted/demo.git"	stock git
#
# or step by step: init_bastion, start_target NAME, write_config, start_bastion. The pieces in files:
#	state/				what sallyport init made; state/policy.yaml is $BASTION_POLICY or default_policy
#	daemon.log			what sallyportd said
#	target-NAME/log			what the target's sshd said (VERBOSE: key id of every certificate)
#	id/NAME, id/NAME-cert.pub, id/NAME.conf		one identity and its ssh_config
# Variables: STATE, CONF, BASTION_PORT, BASTION_PID, BASTION_URL, TEST_LOGIN (the login that works on targets),
# TARGET_PORT_web1.

STATE=$TRASH_DIRECTORY/state
CONF=$STATE/sallyport.yaml
TEST_LOGIN=$(id -un)
SSHD=${SSHD:-$(command -v sshd)}
BASTION_PID=
BASTION_PENALTIES=
bastion_targets_=

for test_need_ in ssh ssh-keygen git
do
	command -v "$test_need_" >/dev/null || skip_all "no $test_need_ here"
done
test -x "$SSHD" || skip_all "no sshd here (openssh-server)"
for test_need_ in sallyport sallyportd
do
	test -x "$TEST_BUILDDIR/$test_need_" || skip_all "$test_need_ is not built"
done

# stop_pid PID [WORD]: ask one process of ours to end, and wait for it; kill it when it does not.
stop_pid () {
	test -n "$1" || return 0
	kill -TERM "$1" 2>/dev/null || { wait "$1" 2>/dev/null; return 0; }
	if ! wait_until "! is_alive $1" "${STOP_SECONDS-20}"
	then
		kill -KILL "$1"
		wait "$1"
		echo >&2 "${2-process} $1 did not end by itself"
		return 1
	fi
	wait "$1"
	return 0
}

# A process that ended and was not waited for yet is not alive.
is_alive () {
	kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# A private folder for sshd's own separation, which it insists on as root.
if test "$(id -u)" = 0 && ! test -d /run/sshd
then
	mkdir -m 0755 /run/sshd 2>/dev/null || :
fi

# sshd looks for a locked account by itself unless PAM does; root is locked on many images, and only root can tell.
sshd_pam_ () {
	if test "$(id -u)" = 0 && getent shadow "$TEST_LOGIN" | cut -d: -f2 | grep -q '^!' && test -f /etc/pam.d/sshd
	then
		echo yes
	else
		echo no
	fi
}

# start_target NAME [SSHD-CONFIG-LINE..]: an ordinary OpenSSH sshd that trusts nothing but the bastion's user CA. With
# that SHLVL bash takes itself for an inner shell and leaves the user's .bashrc alone, which would be slow and may speak.
start_target () {
	target_=$1
	shift
	target_dir_=$TRASH_DIRECTORY/target-$target_
	mkdir -p "$target_dir_" &&
	{ test -f "$target_dir_/host" || ssh-keygen -q -t ed25519 -N '' -C "target $target_" -f "$target_dir_/host"; } &&
	target_port_=$(test-tool free-port) &&
	{
		for target_line_
		do
			printf '%s\n' "$target_line_"
		done
		cat <<-EOT
		ListenAddress 127.0.0.1
		Port $target_port_
		HostKey $target_dir_/host
		PidFile none
		TrustedUserCAKeys $STATE/keys/user_ca.pub
		AuthorizedKeysFile none
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		UsePAM $(sshd_pam_)
		StrictModes no
		UseDNS no
		PrintMotd no
		LogLevel VERBOSE
		MaxStartups 200
		MaxSessions 100
		AcceptEnv LANG LC_* SALLYPORT_*
		SetEnv SHLVL=5
		Subsystem sftp internal-sftp
		EOT
	} >"$target_dir_/config" || return 1
	"$SSHD" -D -e -f "$target_dir_/config" >"$target_dir_/log" 2>&1 &
	target_pid_=$!
	test_atexit "stop_pid $target_pid_ sshd"
	eval "TARGET_PORT_$target_=$target_port_ TARGET_PID_$target_=$target_pid_"
	bastion_targets_="$bastion_targets_ $target_"
	wait_until "test-tool accepts $target_port_ || ! is_alive $target_pid_" 20 &&
	is_alive "$target_pid_" || { cat "$target_dir_/log" >&2; return 1; }
}

stop_target () {
	eval "stop_pid \"\$TARGET_PID_$1\" sshd"
}

init_bastion () {
	sallyport init "$STATE" >init.out 2>&1 || { cat init.out >&2; return 1; }
	BASTION_PORT=$(test-tool free-port) &&
	BASTION_URL=ssh://git@127.0.0.1:$BASTION_PORT
}

# What tests mean when they do not care: agents may do what is harmless here, two things are asked, two are refused. Their
# profile lets all kinds through to the rules; what agents get without one is tested in t64xx.
default_policy () {
	cat <<-\EOT
	profiles:
	  - {who: [agent/*], use: shell-audited}
	rules:
	  - id: anything
	    who: [agent/*]
	    on: ["*"]
	    exec: {any: true}
	    do: allow
	  - id: unresolved-too
	    who: [agent/*]
	    on: ["*"]
	    exec: {unresolved: true}
	    do: ask
	    because: it cannot be told what it does
	    approvers: ["group:engineers"]
	  - id: risky
	    who: [agent/*]
	    on: ["*"]
	    exec: ["printf risky"]
	    do: ask
	    because: it is risky
	    approvers: ["group:engineers"]
	  - id: forbidden
	    who: [agent/*]
	    on: ["*"]
	    exec: ["printf forbidden"]
	    do: deny
	    because: it is forbidden
	  - id: read
	    who: ["*"]
	    on: [hosted]
	    fetch: {repos: ["**"]}
	    do: allow
	  - id: own-branches
	    who: [agent/*]
	    on: [hosted]
	    push: {repos: ["**"], refs: ["refs/heads/agent/**"], ops: [create, update]}
	    do: allow
	  - id: main-is-asked
	    who: [agent/*]
	    on: [hosted]
	    push: {repos: ["**"], refs: [refs/heads/main], ops: [update]}
	    do: ask
	    because: main is what gets deployed
	    approvers: ["group:engineers"]
	EOT
}

# write_config [LINE..]: state/sallyport.yaml for the targets started so far, with these top-level lines added.
write_config () {
	{
		echo "listen: 127.0.0.1:$BASTION_PORT"
		echo 'policy: policy.yaml'
		test -n "$BASTION_PENALTIES" || echo 'penalty_exempt: [127.0.0.0/8]'	# most tests are of one bad source
		echo 'upstreams: {hosted: {path: repos}}'
		test -z "$bastion_targets_" || echo 'targets:'
		for target_ in $bastion_targets_
		do
			eval "target_port_=\$TARGET_PORT_$target_"
			target_key_=$(cut -d' ' -f1,2 "$TRASH_DIRECTORY/target-$target_/host.pub") || return 1
			echo "  $target_: {address: \"127.0.0.1:$target_port_\", logins: [\"*\"], host_keys: [\"$target_key_\"]}"
		done
		for config_line_
		do
			printf '%s\n' "$config_line_"
		done
	} >"$CONF" &&
	if test -n "$BASTION_POLICY"
	then
		cat "$BASTION_POLICY" >"$STATE/policy.yaml"
	else
		default_policy >"$STATE/policy.yaml"
	fi
}

# start_bastion [OPTION..]: sallyportd on $CONF, in the background, until it accepts.
start_bastion () {
	sallyportd -f "$CONF" -D "$@" >>"$TRASH_DIRECTORY/daemon.log" 2>&1 &
	BASTION_PID=$!
	test_atexit "stop_pid $BASTION_PID sallyportd"
	wait_until "test-tool accepts $BASTION_PORT || ! is_alive $BASTION_PID" 30 &&
	is_alive "$BASTION_PID" || { cat "$TRASH_DIRECTORY/daemon.log" >&2; return 1; }
}

# stop_bastion: SIGTERM, as an operator does; fails when it did not end, or when a sanitizer has spoken.
stop_bastion () {
	stop_pid "$BASTION_PID" sallyportd || return 1
	BASTION_PID=
	bastion_log_is_clean
}

bastion_log_is_clean () {
	test_grep ! -E 'AddressSanitizer|LeakSanitizer|runtime error:' "$TRASH_DIRECTORY/daemon.log"
}

# make_identity NAME IDENTITY [cert issue OPTION..]: a fresh key, its certificate, and id/NAME.conf for ssh and git.
make_identity () {
	id_name_=$1
	id_dir_=$TRASH_DIRECTORY/id
	id_identity_=$2
	shift 2
	mkdir -p "$id_dir_" && chmod 700 "$id_dir_" &&
	rm -f "$id_dir_/$id_name_" "$id_dir_/$id_name_.pub" &&
	ssh-keygen -q -t ed25519 -N '' -C "$id_name_" -f "$id_dir_/$id_name_" &&
	sallyport -f "$CONF" cert issue --identity "$id_identity_" --key "$id_dir_/$id_name_.pub" "$@" \
		>"$id_dir_/$id_name_-cert.pub" &&
	known_hosts_ >"$id_dir_/known_hosts" &&
	cat >"$id_dir_/$id_name_.conf" <<-EOT
	Host *
		Port $BASTION_PORT
		IdentityFile $id_dir_/$id_name_
		CertificateFile $id_dir_/$id_name_-cert.pub
		IdentitiesOnly yes
		IdentityAgent none
		BatchMode yes
		PreferredAuthentications publickey
		StrictHostKeyChecking yes
		UserKnownHostsFile $id_dir_/known_hosts
		GlobalKnownHostsFile /dev/null
		UpdateHostKeys no
		ConnectTimeout 20
		LogLevel ERROR
	EOT
}

known_hosts_ () {
	printf '[127.0.0.1]:%s %s\n' "$BASTION_PORT" "$(cut -d' ' -f1,2 "$STATE/keys/host_ed25519.pub")"
}

# bssh NAME LOGIN@TARGET|bastion [COMMAND..]; ssh's own options go into $BSSH_OPTS.
bssh () {
	bssh_conf_=$TRASH_DIRECTORY/id/$1.conf
	case "$2" in
	*@*) bssh_dest_=$2@127.0.0.1 ;;
	*) bssh_dest_=127.0.0.1 ;;
	esac
	shift 2
	# shellcheck disable=SC2086
	ssh -F "$bssh_conf_" $BSSH_OPTS "$bssh_dest_" "$@"
}

# bgit NAME GIT-ARGUMENTS
bgit () {
	bgit_conf_=$TRASH_DIRECTORY/id/$1.conf
	shift
	GIT_SSH_COMMAND="ssh -F '$bgit_conf_'" git "$@"
}

# seed_repo NAME: state/repos/NAME.git with one commit on main, as the operator makes it.
seed_repo () {
	git init -q --bare -b main "$STATE/repos/$1.git" &&
	rm -rf seed-work && git init -q -b main seed-work &&
	(
		cd seed-work &&
		test_commit first README "This is $1." &&
		git push -q "$STATE/repos/$1.git" main
	) &&
	rm -rf seed-work
}

# start_sink: the receiver of webhooks; WEBHOOK_URL, and state/keys/webhook with the secret. Bodies land in sink/.
start_sink () {
	command -v python3 >/dev/null || return 1
	mkdir -p sink &&
	(
		umask 077 &&
		printf 'whsec_%s\n' "$(head -c 32 /dev/urandom | base64 | tr -d '\n')" >"$STATE/keys/webhook"
	) || return 1
	python3 "$TEST_SRCDIR/t/helper/webhook-sink.py" --port 0 --secret-file "$STATE/keys/webhook" \
		--port-file "$TRASH_DIRECTORY/sink.port" --out "$TRASH_DIRECTORY/sink" >sink.log 2>&1 &
	sink_pid_=$!
	test_atexit "stop_pid $sink_pid_ sink"
	wait_until "test -s '$TRASH_DIRECTORY/sink.port'" 20 &&
	WEBHOOK_URL=http://127.0.0.1:$(cat sink.port)/hook
}

setup_bastion () {
	init_bastion &&
	start_target web1 &&
	seed_repo demo &&
	write_config "$@" &&
	start_bastion
}
