#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a target may be reached by a program: started without a shell, gone with its session, whatever names are asked for (T11)'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-faults.sh"

TOOL=$(command -v test-tool)
! command -v socat >/dev/null || test_set_prereq SOCAT

# by TARGET WORDS: write proxy_command into that target's part of the configuration; its address leads nowhere.
by () {
	eval "by_port_=\$TARGET_PORT_$1"
	sed -i "/^  $1: /{s|127.0.0.1:$by_port_|no-such-host.invalid:$by_port_|;s|}\$|, proxy_command: [$2]}|}" "$CONF"
}

unreached () {
	test_expect_code 69 bssh ci "$TEST_LOGIN@$1" "echo it ran" >out 2>err && test_must_be_empty out && said_once err "$2"
}

test_expect_success 'a bastion with targets behind programs' '
	init_bastion &&
	for name in relay script missing broken silent stubborn socat
	do
		start_target $name || return 1
	done &&
	cat >script <<-EOT &&
	#!/bin/sh
	env >$TRASH_DIRECTORY/script.env; ls /proc/self/fd >$TRASH_DIRECTORY/script.fds; printf "%s\n" "\$@" >$TRASH_DIRECTORY/script.args
	exec $TOOL relay \$1 $TRASH_DIRECTORY/script.who "\$2"
	EOT
	cat >stubborn <<-EOT &&
	#!/bin/sh
	trap "" TERM HUP
	sleep 300 <&- >&- 2>&- & echo \$! >$TRASH_DIRECTORY/stubborn.child
	echo \$\$ >$TRASH_DIRECTORY/stubborn.self
	$TOOL relay \$1 $TRASH_DIRECTORY/stubborn.who x
	while :; do sleep 1; done
	EOT
	cat >noisy <<-EOT &&
	#!/bin/sh
	i=0; while test \$i -lt 500; do echo "line \$i" >&2; i=\$((i + 1)); done
	exit 3
	EOT
	chmod +x script stubborn noisy && write_config "limits: {dial_timeout: 3s}" &&
	by relay "$TOOL, relay, \"{port}\", $TRASH_DIRECTORY/relay.who, \"{login}\"" &&
	by script "$TRASH_DIRECTORY/script, \"{port}\", \"-o{login}@{host}:{port}\", \"\$(id) ; \`id\` *\"" &&
	by missing "/no/such/program, \"{port}\"" && by broken "$TRASH_DIRECTORY/noisy" && by silent "/bin/sleep, \"60\"" &&
	by stubborn "$TRASH_DIRECTORY/stubborn, \"{port}\"" && by socat "$(command -v socat || echo /usr/bin/socat), STDIO, \"TCP:127.0.0.1:{port}\"" &&
	A_SECRET_OF_THE_DAEMON=1 && export A_SECRET_OF_THE_DAEMON && start_bastion && make_identity ci agent/ci
'

test_expect_success 'a command runs through one, and much goes through both ways' '
	bssh ci "$TEST_LOGIN@relay" "echo it ran; exit 4" >out || test $? -eq 4 && echo "it ran" >expect && test_cmp expect out &&
	head -c 20000000 /dev/urandom >big && sum=$(sha256sum <big) && bssh ci "$TEST_LOGIN@relay" sha256sum <big >out && echo "$sum" >expect.sum && test_cmp expect.sum out &&
	cut -d" " -f2- relay.who | sort -u >who && echo "$TEST_LOGIN" >expect.who && test_cmp expect.who who &&
	audit_has event=exec.start target=relay && test_grep "ID agent/ci S-[A-Z0-9]* relay " target-relay/log
'

test_expect_success SOCAT 'the same with socat' '
	bssh ci "$TEST_LOGIN@socat" "echo it ran" >out && test_cmp expect out
'

test_expect_success 'words stay words, and nothing of the daemon goes along' '
	bssh ci "$TEST_LOGIN@script" "echo it ran" >out && test_cmp expect out &&
	printf "%s\n" "$TARGET_PORT_script" "-o$TEST_LOGIN@no-such-host.invalid:$TARGET_PORT_script" "\$(id) ; \`id\` *" >expect.args && test_cmp expect.args script.args &&
	test_grep ! A_SECRET script.env && cut -d= -f1 script.env | sort >names && test_grep HOME names && test_grep ! -v "^\(HOME\|LC_ALL\|OLDPWD\|PATH\|PWD\|SHLVL\|_\)$" names &&
	printf "%s\n" 0 1 2 3 >expect.fds && test_cmp expect.fds script.fds
'

test_expect_success 'names that a program could take for something else never reach one' '
	lines=$(wc -l <relay.who) &&
	for login in -x --help "-oProxyCommand=id" "a b" "a;id" "\$(id)" "\`id\`" "a|b" "a\"b" "../a" "{port}" "%h" "$(printf "a\tb")"
	do
		printf "Host *\n\tUser \"%s\"\n" "$(printf %s "$login@relay" | sed "s/[\"\\\\]/\\\\&/g")" >id/name.conf && cat id/ci.conf >>id/name.conf &&
		{ ssh -F id/name.conf 127.0.0.1 "echo it ran" >out 2>err </dev/null; status=$?; } &&
		{ test $status -eq 69 || test $status -eq 77 || { echo "$login: $status"; cat err; return 1; }; } && test_must_be_empty out || return 1
	done &&
	test "$(wc -l <relay.who)" -eq "$lines"
'

test_expect_success 'what it says on standard error is in the log, inert and not without end' '
	test_grep "proxy_command of relay: relay for .x1b\[31m$TEST_LOGIN" daemon.log && ! grep -q "$(printf "\033")" daemon.log &&
	unreached broken "^sallyport: unreachable REQ-[A-Z0-9]*: target broken: .*; nothing has run" &&
	wait_until "grep -q \"proxy_command of broken ended with status 3\" daemon.log" &&
	grep "proxy_command of broken: line" daemon.log >said && test "$(wc -l <said)" -ge 20 && test "$(wc -l <said)" -le 40
'

test_expect_success 'a program that is not there, and one that says nothing' '
	unreached missing "^sallyport: unreachable REQ-[A-Z0-9]*: target missing: its proxy_command cannot be run on this bastion; nothing has run; try again later, or tell whoever runs this bastion$" &&
	unreached silent "^sallyport: unreachable REQ-[A-Z0-9]*: target silent: no answer in time; nothing has run; try again later, or tell whoever runs this bastion$"
'

test_expect_success 'none is left when its session has gone, nor what it has started, willing or not' '
	no_session && background held bssh ci "$TEST_LOGIN@stubborn" "echo began; sleep 300" && wait_until "grep -q began held.out" && one_session &&
	self=$(cat stubborn.self) child=$(cat stubborn.child) && is_alive $self && is_alive $child &&
	ps -o pgid= -p $child >group && test "$(tr -d " " <group)" = "$self" &&
	kill -9 $SESSION && no_session &&
	wait_until "! is_alive $self && ! is_alive $child" 20 && ended held 255 &&
	while read -r pid who
	do
		! is_alive $pid || return 1
	done <relay.who
'

# wrong LINE TEXT: with this in the place of missing the configuration is refused.
wrong () {
	cp "$CONF" good.yaml && sed -i "s|^  missing: .*|  missing: {address: \"h:22\", logins: [a], $key, $1}|" "$CONF" &&
	test_must_fail sallyportd -t -f "$CONF" 2>err && test_grep "$2" err && cat good.yaml >"$CONF"
}

test_expect_success 'what cannot be meant is refused when the file is read' '
	key="host_keys: [\\\"$(cut -d" " -f1,2 target-relay/host.pub)\\\"]" &&
	wrong "proxy_command: \"/bin/sh -c x\"" "is a list" && wrong "proxy_command: [socat]" "absolute path" && wrong "proxy_command: []" "absolute path" &&
	wrong "proxy_command: [/bin/x, \\\"{user}\\\"]" "braces" && wrong "proxy_command: [/bin/x, \\\"{port\\\"]" "braces" && wrong "proxy_command: [\\\"/bin/{login}\\\"]" "absolute path" &&
	wrong "proxy_command: [/bin/x], via: relay, via_login: a" "without via" &&
	sallyportd -T -f "$CONF" >printed && test_grep "proxy_command: \[\"/bin/sleep\", \"60\"\]" printed && stop_bastion
'

test_done
