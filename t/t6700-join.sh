#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='one line puts an account behind the bastion, one takes it out, under every shell that is here'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

# in_home HOME SHELL [VERB OPTION..]: what an agent types in that home; its ssh is the one of the test, its key id/ci.
in_home () {
	home_=$1
	shell_=$2
	shift 2
	bssh ci bastion "$@" >script && env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME="$home_" "$shell_" <script
}

# Every file, folder and link of a home, with mode, bytes and, for TIMES=yes, when it was last changed.
picture () {
	(
		cd "$1" &&
		find . | LC_ALL=C sort | while IFS= read -r f
		do
			if test -L "$f"
			then
				printf '%s -> %s\n' "$f" "$(readlink "$f")"
			elif test -d "$f"
			then
				printf '%s/ %s\n' "$f" "$(stat -c %a "$f")"
			else
				printf '%s %s %s %s\n' "$f" "$(stat -c "%a${TIMES:+ %y}" "$f")" "$(sha256sum <"$f")" "$(wc -c <"$f")"
			fi
		done
	)
}

# A home that was lived in: no line end at the end of a file, odd modes, links, comments, bytes that are no text.
old_home () {
	mkdir -p "$1/.ssh" "$1/dotfiles" && chmod 755 "$1/.ssh" &&
	printf 'Host other\n\tUser me\n\t# no line end' >"$1/.ssh/config" && chmod 640 "$1/.ssh/config" &&
	printf '# mine\n|1|abc|def ssh-rsa AAAA\n\n\377\376 odd bytes\n' >"$1/.ssh/known_hosts" &&
	printf '[user]\n\tname = Somebody\n' >"$1/dotfiles/gitconfig" && ln -s dotfiles/gitconfig "$1/.gitconfig"
}

SHELLS=
for shell in dash bash 'busybox sh' mksh
do
	command -v ${shell%% *} >/dev/null && SHELLS="$SHELLS|$shell"
done

# each_shell COMMAND: with $shell set; blanks in its name are a command and its word.
each_shell () {
	IFS='|'
	set -- "$1" ${SHELLS#|}
	unset IFS
	each_=$1
	shift
	for sh_
	do
		if test "$sh_" = "busybox sh"
		then
			printf '#!/bin/sh\nexec busybox sh "$@"\n' >busybox-sh && chmod +x busybox-sh && sh_=./busybox-sh
		fi
		eval "$each_" || { echo "under $sh_"; return 1; }
	done
}

test_expect_success 'a bastion; a policy with a reason that would like to be a command' '
	init_bastion && start_target web1 && seed_repo demo &&
	default_policy >policy &&
	cat >>policy <<-EOT &&
	  - id: nasty
	    who: [agent/*]
	    on: ["*"]
	    exec: ["printf nasty"]
	    do: deny
	    because: "'\''; touch $TRASH_DIRECTORY/owned; '\'' \$(touch $TRASH_DIRECTORY/owned) \`touch $TRASH_DIRECTORY/owned\`"
	EOT
	BASTION_POLICY=policy write_config &&
	start_bastion && make_identity ci agent/ci --owner human/kim && make_identity eva human/eva
'

test_expect_success 'the script is short, reads well, and every shell that is here reads it' '
	bssh ci bastion join >script && sed "/^known_hosts_text/,\$d" script >code && test "$(wc -l <code)" -le 120 &&
	test_grep "Undone by: ssh bastion leave" script &&
	bssh ci bastion help >help && test_grep "join \[--print\] . sh" help && test_grep "leave . sh" help &&
	each_shell "\$sh_ -n script"
'

test_expect_success 'into an empty home and out again: what is there, who may read it, and nothing is left' '
	each_shell "
		rm -rf empty && mkdir empty && picture empty >before &&
		in_home \"\$PWD/empty\" \$sh_ join >out 2>&1 && picture empty >joined &&
		test_grep \"^./.ssh/ 700\" joined && test_grep \"^./.ssh/sallyport/bastion.conf 600\" joined &&
		test_grep \"^./.config/sallyport/bastion.md 600\" joined && test_grep \"^./.gitconfig 600\" joined &&
		in_home \"\$PWD/empty\" \$sh_ leave && picture empty >after && test_cmp before after
	"
'

test_expect_success 'no name and no word of the policy was a command' '
	bssh ci bastion join >script && test_path_is_missing owned && grep -q "touch $TRASH_DIRECTORY/owned" script
'

test_expect_success 'a second join changes nothing, not even a date' '
	each_shell "
		rm -rf twice && mkdir twice && old_home twice &&
		in_home \"\$PWD/twice\" \$sh_ join && TIMES=yes picture twice >once &&
		in_home \"\$PWD/twice\" \$sh_ join >out && TIMES=yes picture twice >again && test_cmp once again &&
		test_grep ! ^changed out
	"
'

test_expect_success 'a home that was lived in is byte for byte as before after leaving, links and modes too' '
	each_shell "
		rm -rf old && mkdir old && old_home old && picture old >before &&
		in_home \"\$PWD/old\" \$sh_ join && test \"\$(sed -n 2p old/.ssh/config | cut -d\\\" -f2)\" = \"\$PWD/old/.ssh/sallyport/bastion.conf\" &&
		picture old >joined && test_grep \"gitconfig -> dotfiles/gitconfig\" joined && test_grep \"^./.ssh/config 640\" joined &&
		in_home \"\$PWD/old\" \$sh_ leave && picture old >after && test_cmp before after &&
		in_home \"\$PWD/old\" \$sh_ leave && picture old >after && test_cmp before after
	"
'

test_expect_success 'what was added meanwhile stays' '
	rm -rf old && mkdir old && in_home "$PWD/old" sh join &&
	echo "Host later" >>old/.ssh/config && { echo "# earlier"; cat old/.ssh/known_hosts; } >kh && cat kh >old/.ssh/known_hosts &&
	touch old/.ssh/id && git config --file old/.gitconfig user.name Me &&
	in_home "$PWD/old" sh leave &&
	echo "Host later" >expect && test_cmp expect old/.ssh/config && echo "# earlier" >expect && test_cmp expect old/.ssh/known_hosts &&
	test -f old/.ssh/id && test "$(git config --file old/.gitconfig user.name)" = Me && test_path_is_missing old/.config
'

test_expect_success 'two bastions in one home, left in either order' '
	for first in bastion other
	do
		rm -rf two && mkdir two && old_home two && rm two/.ssh/known_hosts && picture two >before &&
		in_home "$PWD/two" sh join && picture two >one && in_home "$PWD/two" sh join --name other &&
		in_home "$PWD/two" sh join && in_home "$PWD/two" sh join --name other >out && test_grep ! ^changed out &&
		if test $first = bastion; then second=other; else second=bastion; fi &&
		in_home "$PWD/two" sh leave --name $first && grep -rq "sallyport $second begin" two && ! grep -rq "sallyport $first begin" two &&
		in_home "$PWD/two" sh leave --name $second && picture two >after && test_cmp before after || return 1
	done
'

test_expect_success 'marks that were damaged stop it, and nothing is lost' '
	rm -rf old && mkdir old && old_home old && in_home "$PWD/old" sh join &&
	sed -i "/sallyport bastion end/d" old/.ssh/known_hosts && cp old/.ssh/known_hosts kh &&
	test_must_fail in_home "$PWD/old" sh leave 2>err && test_grep "known_hosts: the line .* is missing; repair it by hand" err &&
	test_cmp kh old/.ssh/known_hosts
'

test_expect_success 'a script that was cut does nothing, wherever the cut is' '
	bssh ci bastion join >script && size=$(wc -c <script) && rm -rf cut && mkdir cut && picture cut >before &&
	for at in 100 1000 3000 4000 $((size - 40)) $((size - 6))
	do
		head -c $at script | env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME="$PWD/cut" sh >out 2>&1
		picture cut >after && test_cmp before after || return 1
	done
'

test_expect_success 'and then ssh and git just work, host keys checked strictly' '
	rm -rf home && mkdir home &&
	bssh ci bastion join --identity "$TRASH_DIRECTORY/id/ci" >script &&
	env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME="$PWD/home" sh script &&
	jssh="ssh -F $PWD/home/.ssh/config -o BatchMode=yes -o IdentityAgent=none" &&
	test "$($jssh bastion whoami | sed -n "s/^identity *//p")" = agent/ci &&
	test "$($jssh "$TEST_LOGIN@web1@bastion" "echo by name" 2>err)" = "by name" && test_grep ! "not let in" err &&
	test "$($jssh "$TEST_LOGIN@web1" "echo by jump" 2>err)" = "by jump" && test_grep ! "not let in" err &&
	audit_has event=session.start target=web1 "outer=S-*" &&
	test_expect_code 77 $jssh "$TEST_LOGIN@web1" "printf forbidden" &&
	env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME="$PWD/home" GIT_SSH_COMMAND="$jssh" git clone -q hosted:demo.git cloned &&
	test_grep "This is demo" cloned/README
'

# In a name space of its own the account's real home is the one of the test: then ssh needs no -F.
real_home=$(getent passwd "$(id -u)" | cut -d: -f6)
in_real_home () {
	env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME="$real_home" REAL="$PWD/$1" unshare -m sh -c "mount --bind \"\$REAL\" \"\$HOME\" && $2"
}
mkdir real-home
in_real_home real-home true 2>/dev/null && test_set_prereq REAL_HOME

test_expect_success REAL_HOME 'with nothing but one line, in the home that ssh reads by itself' '
	bssh ci bastion join --identity "$TRASH_DIRECTORY/id/ci" >script && bssh ci bastion leave >leave && cp script leave id/ci* real-home/ &&
	sed -i "s,$TRASH_DIRECTORY/id,$real_home," real-home/script && picture real-home >before &&
	in_real_home real-home "cd \"\$HOME\" && sh ./script && ssh bastion whoami && ssh $TEST_LOGIN@web1 echo by jump && git clone -q hosted:demo.git &&
		rm -rf demo && sh ./leave" >out 2>err &&
	test_grep "agent/ci" out && test_grep "by jump" out && test_grep ! "by itself" err && picture real-home >after && test_cmp before after
'

test_expect_success 'a home with a blank in its name; one with a quote is left alone' '
	mkdir "ho me" && bssh ci bastion join --identity "$TRASH_DIRECTORY/id/ci" >script &&
	env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME="$PWD/ho me" sh script &&
	ssh -F "$PWD/ho me/.ssh/config" -o LogLevel=ERROR bastion whoami >out && test_grep agent/ci out &&
	mkdir "ho\"me" && test_must_fail env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME="$PWD/ho\"me" sh script 2>err &&
	said_once err "cannot be written" && test -z "$(ls -A "ho\"me")"
'

test_expect_success 'git is told where git looks: below .config, or in the file that the environment names' '
	rm -rf old && mkdir -p old/.config/git && printf "[user]\n\tname = X" >old/.config/git/config && picture old >before &&
	in_home "$PWD/old" sh join && test_path_is_missing old/.gitconfig &&
	test "$(env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME="$PWD/old" git config --global url.ssh://git@bastion/hosted/.insteadOf)" = hosted: &&
	in_home "$PWD/old" sh leave && picture old >after && test_cmp before after &&
	bssh ci bastion join >script && bssh ci bastion leave >leave && rm -rf old && mkdir old && >named &&
	for f in named /dev/null
	do
		env -u XDG_CONFIG_HOME GIT_CONFIG_GLOBAL=$f HOME="$PWD/old" sh script 2>err && test_path_is_missing old/.gitconfig &&
		test -c /dev/null && if test $f = named; then test_grep insteadOf named; else test_grep "left alone" err; fi &&
		env -u XDG_CONFIG_HOME GIT_CONFIG_GLOBAL=$f HOME="$PWD/old" sh leave && test ! -s named && test -z "$(ls -A old)" || return 1
	done
'

test_expect_success 'an ssh that is too old for this is told from one that is not, and nothing is changed' '
	mkdir oldbin && printf "#!/bin/sh\necho \"line 1: Bad configuration option: include\" >&2\nexit 255\n" >oldbin/ssh && chmod +x oldbin/ssh &&
	rm -rf cut && mkdir cut &&
	test_must_fail env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME="$PWD/cut" PATH="$PWD/oldbin:$PATH" sh script 2>err &&
	said_once err "older than OpenSSH 7.3.*Bad configuration option" && test -z "$(ls -A cut)"
'

test_expect_success 'when a file cannot be replaced it stays as it was, and nothing lies about' '
	rm -rf old && mkdir old && old_home old && picture old >before &&
	mkdir bin && printf "#!/bin/sh\ncase \"\$*\" in *known_hosts) exit 1 ;; esac\nexec %s \"\$@\"\n" "$(command -v mv)" >bin/mv && chmod +x bin/mv &&
	test_must_fail env -u GIT_CONFIG_GLOBAL -u XDG_CONFIG_HOME HOME="$PWD/old" PATH="$PWD/bin:$PATH" sh script &&
	picture old | grep -v "^./.ssh/sallyport\|^./.config" >after && test_cmp before after &&
	in_home "$PWD/old" sh join && in_home "$PWD/old" sh leave && picture old >after && test_cmp before after
'

test_expect_success 'the note tells what may be done, how to ask, and the exit statuses' '
	note=home/.config/sallyport/bastion.md &&
	for word in "agent/ci" "ssh LOGIN@web1 " "ssh LOGIN@TARGET@bastion" "git clone hosted:PATH" "status 77" "status 75" "status 69" "bastion wait REQ" \
		"it is risky" "SALLYPORT_FORMAT=json" "join | sh" "leave | sh"
	do
		test_grep "$word" "$note" || return 1
	done &&
	test_grep ! "[^ -~]" "$note"
'

test_expect_success 'an identity that reaches nothing is shown nothing' '
	bssh eva bastion join >script && test_grep ! "web1" script && test_grep "hosted" script
'

test_expect_success '--print shows the same and is no script' '
	bssh ci bastion join --print >shown && test_grep ! -v "^#" shown && test_grep "insteadOf = hosted:" shown &&
	test_grep "HostKeyAlias sallyport-bastion" shown && test_grep "it is risky" shown &&
	bssh ci bastion leave --print >taken && test_grep ! -v "^#" taken && test_grep "sallyport bastion begin" taken &&
	rm -rf cut && mkdir cut && HOME=$PWD/cut sh shown && HOME=$PWD/cut sh taken && test -z "$(ls -A cut)"
'

test_expect_success 'wrong options are told in one line, and nothing goes into the shell' '
	for o in --frob --name "--name ../x" "--name -o" "--address x;y" "--address [::1" "--identity relative" "--identity /a%h" "--name Bad"
	do
		test_expect_code 2 bssh ci bastion "join $o" >out 2>err && test_must_be_empty out && said_once err "usage: join" || return 1
	done
'

test_expect_success 'client-config on the host gives the same script' '
	bssh ci bastion join >script && sallyport -f "$CONF" client-config --script --as agent/ci --owner human/kim >own && test_cmp script own &&
	bssh ci bastion leave >script && sallyport -f "$CONF" client-config --leave >own && test_cmp script own &&
	sallyport -f "$CONF" client-config >own && test_grep ! -v "^#" own && test_grep "HostKeyAlias" own
'

test_expect_success 'public_address is what clients are told; a bastion that listens everywhere asks for it' '
	sed "s/^listen: .*/listen: 0.0.0.0:$BASTION_PORT/" "$CONF" >"$STATE/wide.yaml" &&
	test_expect_code 1 sallyport -f "$STATE/wide.yaml" client-config 2>err && said_once err "public_address" &&
	sallyport -f "$STATE/wide.yaml" client-config --address "[2001:db8::7]:2200" >out && test_grep "HostName 2001:db8::7" out &&
	test_grep "Port 2200" out && test_grep "\[2001:db8::7\]:2200,sallyport-bastion" out &&
	echo "public_address: bastion.example.com:22" >>"$CONF" && kill -HUP "$BASTION_PID" &&
	wait_until "bssh ci bastion join | grep -q \"HostName bastion.example.com\"" && bssh ci bastion host-keys >out &&
	test_grep "^bastion.example.com,sallyport-bastion ssh-ed25519 " out &&
	sallyportd -T -f "$CONF" >printed && test_grep "^public_address: \"bastion.example.com:22\"" printed
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
