# SPDX-License-Identifier: Apache-2.0
# What the tests of the main job have in common: sourced after lib-bastion.sh.

# audit_has KEY=GLOB..: a record like this is in the log (now, or within seconds); they go into the file "rec".
audit_has () {
	audit_args_=
	for audit_arg_
	do
		audit_args_="$audit_args_ '$audit_arg_'"
	done
	wait_until "sallyport -f '$CONF' audit search $audit_args_ >rec 2>rec.err" && return 0
	cat rec.err >&2
	return 1
}

# audit_lacks KEY=GLOB..: no such record.
audit_lacks () {
	sallyport -f "$CONF" audit search "$@" >rec 2>rec.err
	test $? -eq 1 && return 0
	cat rec rec.err >&2
	return 1
}

# open_ca: ca.key, the private key of this bastion's CA, for certificates that it would not issue itself.
open_ca () {
	(umask 077 && ca-key "$STATE/keys" >ca.key)
}

# sign_identity NAME SSH-KEYGEN-OPTION..: a fresh key and a certificate signed with ca.key (or "$SIGN_WITH"), and its conf.
sign_identity () {
	sign_name_=$1
	shift
	rm -f "id/$sign_name_" "id/$sign_name_.pub" "id/$sign_name_-cert.pub" &&
	ssh-keygen -q -t ed25519 -N '' -C "$sign_name_" -f "id/$sign_name_" &&
	ssh-keygen -q -s "${SIGN_WITH-ca.key}" -I "$sign_name_" "$@" "id/$sign_name_.pub" &&
	borrow_conf "$sign_name_"
}

# borrow_conf NAME: id/NAME.conf, made of that of ci.
borrow_conf () {
	sed "s,id/ci,id/$1,g" id/ci.conf >"id/$1.conf"
}

# jump_conf NAME: id/NAME-j.conf, made of id/NAME.conf: reaches web1 by ProxyJump, where the inner SSH ends at the bastion too.
jump_conf () {
	{
		printf 'Host gate\n\tHostName 127.0.0.1\n'
		printf 'Host web1\n\tPort 22\n\tProxyJump gate\n\tHostKeyAlias [127.0.0.1]:%s\n' "$BASTION_PORT"
		cat "id/$1.conf"
	} >"id/$1-j.conf"
}

# said_once FILE TEXT: FILE holds exactly one line of the bastion's, in ASCII, and TEXT (a basic pattern) is in it.
said_once () {
	grep '^sallyport: ' "$1" >said.lines
	test_line_count -eq 1 said.lines && test_grep "$2" said.lines || { cat "$1" >&2; return 1; }
	! LC_ALL=C grep -n '[^ -~]' said.lines >&2
}

# not_let_in NAME TEXT: ssh ends with 255, and the bastion says why in one line.
not_let_in () {
	BSSH_OPTS='-o LogLevel=INFO' test_expect_code 255 bssh "$1" bastion whoami >out 2>err </dev/null &&
	test_must_be_empty out &&
	said_once err "^sallyport: not let in: $2"
}

# recording_of KEY=GLOB..: the path of the recording that such an exec.end names.
recording_of () {
	audit_has event=exec.end "$@" &&
	echo "$STATE/recordings/$(sed -n 's/.*"recording":"\([^"]*\)".*/\1/p' rec | tail -n 1).cast"
}

# background NAME COMMAND..: run it in the background without input; NAME.out, NAME.err, and NAME.status when it has ended.
background () {
	background_=$1
	shift
	rm -f "$background_.status" "$background_.out" "$background_.err"
	{
		"$@" <"${background_in_-/dev/null}" >"$background_.out" 2>"$background_.err" 9>&-
		echo $? >"$background_.tmp"
		mv "$background_.tmp" "$background_.status"
	} 9>&- &
}

# conversation NAME COMMAND..: the same with what is written to descriptor 9 as its input; exec 9>&- ends it.
conversation () {
	rm -f "$1.in"
	mkfifo "$1.in" && exec 9<>"$1.in" || return 1
	background_in_=$1.in
	background "$@"
	unset background_in_
}

# ended NAME STATUS: it has ended, now or soon, with this status.
ended () {
	wait_until "test -f '$1.status'" && echo "$2" >"$1.expect" && test_cmp "$1.expect" "$1.status"
}

# random_word N: that many random letters and digits. Secrets in tests are synthetic, made anew, and never whole in a script.
random_word () {
	head -c $(($1 * 4 + 100)) /dev/urandom | base64 | tr -dc A-Za-z0-9 | cut -c "1-$1"
}

# upstream_has_none REPOSITORY CLONE RANGE: not one object that RANGE of the clone adds is in the upstream.
upstream_has_none () {
	git -C "$2" rev-list --objects --no-object-names $3 >none.oids && test -s none.oids || return 1
	while read -r none_oid_
	do
		! git -C "$STATE/repos/$1.git" cat-file -e "$none_oid_" 2>/dev/null ||
		{ echo >&2 "the upstream has $none_oid_"; return 1; }
	done <none.oids
}

# push_refused IDENTITY CLONE PUSH-ARGUMENT..: git push ends with 1; what it said is in "err".
push_refused () {
	push_who_=$1
	push_clone_=$2
	shift 2
	test_expect_code 1 bgit "$push_who_" -C "$push_clone_" push "$@" >out 2>err && test_grep "! \[remote rejected\]" err
}
