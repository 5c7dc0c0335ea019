# SPDX-License-Identifier: Apache-2.0
# For tests of files that are copied through a bastion: sourced after lib-bastion.sh and lib-checks.sh.
#
#	setup_sftp		a bastion whose agents may do what they like below $BOX, a folder of the target, but not in $BOX/vault
#	bsftp ci <<-\EOT	stock sftp, commands on standard input, on web1
#	bscp ci FROM TO		stock scp (over SFTP); "web1:" stands for the target in FROM and TO
#	made_up_secret		one that the scanner knows, put together here so that no scanner stumbles over this file

BOX=$TRASH_DIRECTORY/box

command -v sftp >/dev/null && command -v scp >/dev/null || skip_all "no sftp and scp here"

sftp_policy () {
	default_policy &&
	cat <<-EOT
	  - id: sftp
	    who: ["agent/*"]
	    on: ["*"]
	    subsystem: [sftp]
	    do: allow
	  - id: box
	    who: ["agent/*"]
	    on: ["*"]
	    sftp: {paths: ["$BOX/**"]}
	    do: allow
	  - id: vault
	    who: ["agent/*"]
	    on: ["*"]
	    sftp: {paths: ["$BOX/vault/**", "$BOX/in/keep/vault/**"]}
	    do: deny
	    because: the vault is closed
	EOT
}

setup_sftp () {
	mkdir -p "$BOX/vault" &&
	echo treasure >"$BOX/vault/gold" &&
	sftp_policy >sftp-policy.yaml &&
	BASTION_POLICY=$TRASH_DIRECTORY/sftp-policy.yaml &&
	setup_bastion "$@" &&
	make_identity ci agent/ci --owner human/kim
}

bsftp () {
	bsftp_conf_=$TRASH_DIRECTORY/id/$1.conf
	shift
	sftp -F "$bsftp_conf_" -o "User=$TEST_LOGIN@web1" -b - "$@" 127.0.0.1
}

bscp () {
	bscp_conf_=$TRASH_DIRECTORY/id/$1.conf
	shift
	for bscp_arg_
	do
		shift
		case "$bscp_arg_" in
		web1:*) bscp_arg_=127.0.0.1:${bscp_arg_#web1:} ;;
		esac
		set -- "$@" "$bscp_arg_"
	done
	scp -q -F "$bscp_conf_" -o "User=$TEST_LOGIN@web1" "$@"
}

made_up_secret () {
	printf '%s%s' ghp _aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5
}

sha256_of () {
	sha256sum "$1" | cut -d' ' -f1
}

# rawsftp WHAT [ARGUMENT..]: t/helper/rawsftp.py as agent ci on web1 (or $RAW_TARGET).
rawsftp () {
	rawsftp_what_=$1
	shift
	python3 "$TEST_SRCDIR/t/helper/rawsftp.py" "$rawsftp_what_" "$TRASH_DIRECTORY/id/ci.conf" \
		"$TEST_LOGIN@${RAW_TARGET-web1}" "$@"
}
