# SPDX-License-Identifier: Apache-2.0
# What tests of copying programs share: a policy with rules on files of one folder, far/, and stock scp and rsync on it.

FAR_DIR=$(pwd)/far
FAR=target:$FAR_DIR

# Reading and writing in far/, but not in far/keys; commands only of agent/free.
copy_policy () {
	cat <<-EOT
	rules:
	  - id: files
	    who: [agent/*]
	    on: ["*"]
	    sftp: {paths: ["$FAR_DIR/**"], not_paths: ["$FAR_DIR/none/**"]}
	    do: allow
	  - id: sync
	    who: [agent/*]
	    on: ["*"]
	    sftp: {paths: ["$FAR_DIR/**"], not_paths: ["$FAR_DIR/none/**", "$FAR_DIR/scp-only/**"], ops: [sync]}
	    do: allow
	  - id: no-keys
	    who: [agent/*]
	    on: ["*"]
	    sftp: {paths: ["$FAR_DIR/keys/**"]}
	    do: deny
	    because: keys stay where they are
	  - id: anything
	    who: [agent/free]
	    on: ["*"]
	    exec: {any: true}
	    do: allow
	EOT
}

# bscp [OPTION..] FROM.. TO as identity $COPY_AS (ci): "target:" is the target web1.
bscp () {
	scp -O -F "$TRASH_DIRECTORY/id/${COPY_AS-ci}.conf" -o User="$TEST_LOGIN@web1" -o HostName=127.0.0.1 \
		-o HostKeyAlias="[127.0.0.1]:$BASTION_PORT" "$@"
}

# brsync [OPTION..] FROM.. TO, the same with rsync.
brsync () {
	brsync_ssh_="ssh -F $TRASH_DIRECTORY/id/${COPY_AS-ci}.conf -o User=$TEST_LOGIN@web1 -o HostName=127.0.0.1"
	rsync -e "$brsync_ssh_ -o HostKeyAlias=[127.0.0.1]:$BASTION_PORT" "$@"
}

# plant_token FILE: a secret at its end, made anew, and never whole in a script; it is in $token.
plant_token () {
	token=gh$(printf p)_$(random_word 36) && printf '%s\n' "$token" >>"$1"
}
