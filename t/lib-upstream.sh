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

# need_web: git behind a web server with TLS, or the script is skipped.
need_web () {
	LIGHTTPD=$(command -v lighttpd || echo /usr/sbin/lighttpd)
	test -x "$LIGHTTPD" || skip_all 'no web server here (lighttpd)'
	test -f /usr/lib/lighttpd/mod_openssl.so || skip_all 'lighttpd without TLS here (lighttpd-mod-openssl)'
	BACKEND=$(git --exec-path)/git-http-backend
	test -x "$BACKEND" || skip_all 'no git-http-backend here'
	command -v openssl >/dev/null || skip_all 'no openssl here'
}

# make_web: web/, a server at https://127.0.0.1:$WEB_PORT/git with a certificate of its own CA (web/ca.pem), which wants
# x-access-token and $TOKEN. start_web, stop_web.
make_web () {
	mkdir -p web upstream-forge/repos && WEB_PORT=$(test-tool free-port) &&
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Test CA" -keyout web/ca.key -out web/ca.pem 2>/dev/null &&
	openssl req -newkey rsa:2048 -nodes -subj "/CN=127.0.0.1" -keyout web/key -out web/csr 2>/dev/null &&
	printf "subjectAltName=IP:127.0.0.1\n" >web/ext &&
	openssl x509 -req -in web/csr -CA web/ca.pem -CAkey web/ca.key -CAcreateserial -days 2 -extfile web/ext -out web/cert 2>/dev/null &&
	cat web/key web/cert >web/pem && printf "x-access-token:%s\n" "$TOKEN" >web/users &&
	cat >web/conf <<-EOT
	server.document-root = "$TRASH_DIRECTORY/upstream-forge"
	server.bind = "127.0.0.1"
	server.port = $WEB_PORT
	server.errorlog = "$TRASH_DIRECTORY/web/error.log"
	accesslog.filename = "$TRASH_DIRECTORY/web/access.log"
	server.modules = ("mod_auth", "mod_authn_file", "mod_setenv", "mod_cgi", "mod_alias", "mod_openssl", "mod_accesslog")
	server.upload-dirs = ("$TRASH_DIRECTORY/web")
	ssl.engine = "enable"
	ssl.pemfile = "$TRASH_DIRECTORY/web/pem"
	auth.backend = "plain"
	auth.backend.plain.userfile = "$TRASH_DIRECTORY/web/users"
	auth.require = ("/" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
	alias.url = ("/git" => "$BACKEND")
	\$HTTP["url"] =~ "^/git" {
		cgi.assign = ("" => "")
		setenv.add-environment = ("GIT_PROJECT_ROOT" => "$TRASH_DIRECTORY/upstream-forge/repos", "GIT_HTTP_EXPORT_ALL" => "1")
	}
	EOT
}

start_web () {
	"$LIGHTTPD" -D -f web/conf >>web/out 2>&1 &
	WEB_PID=$!
	test_atexit "stop_pid $WEB_PID lighttpd"
	wait_until "test-tool accepts $WEB_PORT || ! is_alive $WEB_PID" && is_alive $WEB_PID || { cat web/out; return 1; }
}

stop_web () {
	kill -TERM $WEB_PID && wait_until "! is_alive $WEB_PID"
}
