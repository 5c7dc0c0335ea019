# SPDX-License-Identifier: Apache-2.0
# Upstreams that are elsewhere, for a test script: sourced after lib-bastion.sh.
#
#	start_upstream NAME [SSHD-CONFIG-LINE..]	an sshd with repositories in upstream-NAME/repos, which takes the bastion's
#							certificates, and keys that the script writes into upstream-NAME/authorized
#	upstream_conf NAME [LINE..]			its part of sallyport.yaml, with these settings added
#	seed_upstream NAME REPO				a bare repository with one commit on main there; its path is $UP
#	master_pids, stop_upstream NAME, restart_upstream NAME		its connections; down and up again on the same port
#	setup_upstream [LINE..]				a bastion with the upstream "forge" (demo.git) and identity ci
# The policy is default_policy with "hosted" and "forge" alike.

# sshd as start_target has it, with its own folder; a log line for each session it opens.
start_upstream () {
	upstream_=$1
	shift
	mkdir -p "$TRASH_DIRECTORY/upstream-$upstream_/repos" &&
	>"$TRASH_DIRECTORY/upstream-$upstream_/authorized" &&
	start_target "$upstream_" "AuthorizedKeysFile $TRASH_DIRECTORY/upstream-$upstream_/authorized" "$@" &&
	bastion_targets_=$(echo "$bastion_targets_" | sed "s/ $upstream_\$//")
}

upstream_conf () {
	upstream_=$1
	shift
	eval "upstream_port_=\$TARGET_PORT_$upstream_"
	echo "  $upstream_:" &&
	echo "    url: ssh://$TEST_LOGIN@127.0.0.1:$upstream_port_$TRASH_DIRECTORY/upstream-$upstream_/repos" &&
	echo "    host_keys: [\"$(cut -d' ' -f1,2 "$TRASH_DIRECTORY/target-$upstream_/host.pub")\"]" &&
	for upstream_line_
	do
		printf '    %s\n' "$upstream_line_"
	done
}

# master_pids: the processes that hold connections to upstreams.
master_pids () {
	for upstream_pid_ in $(cat /proc/"$BASTION_PID"/task/*/children)
	do
		tr '\0' '\n' <"/proc/$upstream_pid_/cmdline" 2>/dev/null | sed -n 2p | grep -q '^master$' && echo "$upstream_pid_"
	done
	:
}

# stop_upstream NAME: its sshd, and the connections that the bastion has; restart_upstream NAME: on the same port.
stop_upstream () {
	eval "upstream_port_=\$TARGET_PORT_$1" && stop_target "$1" && wait_until "! test-tool accepts $upstream_port_" &&
	for upstream_pid_ in $(master_pids)
	do
		kill -KILL "$upstream_pid_" || return 1
	done
}

restart_upstream () {
	eval "upstream_port_=\$TARGET_PORT_$1"
	"$SSHD" -D -e -f "target-$1/config" >>"target-$1/log" 2>&1 &
	eval "TARGET_PID_$1=$!" && eval "test_atexit \"stop_pid \$TARGET_PID_$1 sshd\"" && wait_until "test-tool accepts $upstream_port_"
}

seed_upstream () {
	UP=$TRASH_DIRECTORY/upstream-$1/repos/$2.git
	mkdir -p "$(dirname "$UP")" &&
	git init -q --bare -b main "$UP" &&
	rm -rf seed-work && git init -q -b main seed-work &&
	(
		cd seed-work &&
		test_commit first README "This is $2." &&
		git push -q "$UP" main
	) &&
	rm -rf seed-work
}

# write_upstreams FILE [LINE..]: sallyport.yaml with these upstreams beside the hosted one, and these lines.
write_upstreams () {
	upstream_file_=$1
	shift
	write_config "$@" && sed -i '/^upstreams:/d' "$CONF" &&
	{
		echo 'upstreams:' && echo '  hosted: {path: repos}' && cat "$upstream_file_"
	} >>"$CONF"
}

upstream_policy () {
	default_policy | sed 's/on: \[hosted\]/on: [hosted, forge]/'
}

# The line of configuration may be "auth: {key: NAME}"; more upstreams come with write_upstreams.
setup_upstream () {
	upstream_policy >policy.up && BASTION_POLICY=$TRASH_DIRECTORY/policy.up &&
	init_bastion && start_upstream forge && seed_upstream forge demo &&
	upstream_conf forge "$@" >forge.yaml && write_upstreams forge.yaml && start_bastion && make_identity ci agent/ci
}
