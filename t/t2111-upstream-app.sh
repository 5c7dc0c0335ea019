#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='a forge that knows the bastion as an app: its key signs in the key process, and each transfer has a token of its own'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-upstream.sh"

need_web
command -v python3 >/dev/null || skip_all 'no python3 here'
TOKEN=$(random_word 40)

# start_api PUBLIC: gives the token to whoever signs with that key.
start_api () {
	mkdir -p api && rm -f api/port || return 1
	python3 "$TEST_SRCDIR/t/helper/app-forge.py" --pem web/pem --public "$1" --app 4711 --installation 42 --token "$TOKEN" --dir api \
		>>api/out 2>&1 &
	API_PID=$!
	test_atexit "stop_pid $API_PID app-forge"
	wait_until "test -f api/port" || { cat api/out >&2; return 1; }
}

app_conf () {
	cat >forge.yaml <<-EOT &&
	  forge:
	    url: https://127.0.0.1:$WEB_PORT/git
	    ca: $TRASH_DIRECTORY/web/ca.pem
	    auth: {key: app}
	    app: {id: 4711, installation: 42, api: "https://127.0.0.1:$(cat api/port)"}
	EOT
	write_upstreams forge.yaml
}

test_expect_success 'a web server that wants a token, a server that gives it to the app, and a bastion with the key of the app' '
	make_web && start_web && seed_upstream forge demo && git -C "$UP" config http.receivepack true &&
	openssl genrsa -traditional -out app.pem 2048 2>/dev/null && openssl rsa -in app.pem -pubout -out app.pub 2>/dev/null &&
	start_api app.pub && cp app.pem app.key && chmod 600 app.key && ssh-keygen -q -p -N "" -P "" -f app.key >/dev/null &&
	upstream_policy >policy.up && BASTION_POLICY=$TRASH_DIRECTORY/policy.up && init_bastion &&
	app_conf && start_bastion && make_identity ci agent/ci &&
	sallyport -f "$CONF" secret put app --key app.key
'

test_expect_success 'clone and push, each with a token that was given for it' '
	bgit ci clone -q "$BASTION_URL/forge/demo.git" work && test_grep "This is demo" work/README &&
	git -C work switch -q -c agent/x && (cd work && test_commit second) && bgit ci -C work push -q origin agent/x &&
	test "$(git -C "$UP" rev-parse agent/x)" = "$(git -C work rev-parse HEAD)" &&
	printf "given\ngiven\n" >expect && test_cmp expect api/log &&
	audit_has event=key.use target=forge name=app kind=app login=4711 && test_line_count -eq 2 rec
'

test_expect_success 'the configuration comes back as it was read' '
	sallyportd -f "$CONF" -T >printed && test_grep "app: {id: 4711, installation: 42, api: \"https://127.0.0.1:$(cat api/port)\"}" printed
'

test_expect_success 'a forge that does not know the key gives none, and nothing is reached' '
	stop_pid $API_PID && openssl genrsa -out other.pem 2048 2>/dev/null && openssl rsa -in other.pem -pubout -out other.pub 2>/dev/null &&
	start_api other.pub && app_conf && sallyport -f "$CONF" reload &&
	rm -rf none && test_must_fail bgit ci clone -q "$BASTION_URL/forge/demo.git" none 2>err &&
	said_once err "forge/demo: no token for the app: the upstream refuses the bastion.s token or password (401)" &&
	test "$(tail -n 1 api/log)" = signature
'

test_expect_success 'a key that is not RSA is none for an app' '
	ssh-keygen -q -t ed25519 -N "" -f ed && sallyport -f "$CONF" secret put app --key ed &&
	test_must_fail bgit ci clone -q "$BASTION_URL/forge/demo.git" none 2>err && test_grep "forge/demo: the token or password .*not to be had" err
'

test_expect_success 'neither token nor key lies anywhere; the daemon ends in order' '
	! grep -r -a -l -e "$TOKEN" -e "PRIVATE KEY" state/mirrors state/audit state/recordings daemon.log && stop_bastion
'

test_done
