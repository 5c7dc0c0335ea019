#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='rules on what files of a push are, how large, and how much one push brings'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"

UP=$STATE/repos/demo.git

{
	default_policy
	cat <<-\EOT
	  - id: programs
	    who: [agent/*]
	    on: [hosted]
	    change: {repos: [demo], types: [executable, archive]}
	    do: deny
	    because: programs are built, not pushed
	    not_match: [create a.out]
	  - id: pictures
	    who: [agent/*]
	    on: [hosted]
	    change: {repos: [demo], types: [image], not_paths: ["assets/**"]}
	    do: deny
	    because: pictures live in assets
	  - id: large
	    who: [agent/*]
	    on: [hosted]
	    change: {repos: [demo], paths: ["**"], larger: 100K}
	    do: ask
	    because: large files stay for ever
	    approvers: ["group:engineers"]
	  - id: minified
	    who: [agent/*]
	    on: [hosted]
	    change: {repos: [demo], types: [minified], paths: ["**/*.js"]}
	    do: deny
	    because: nobody can review it
	  - id: many-commits
	    who: [agent/*]
	    on: [hosted]
	    push: {repos: [bulk], over: {commits: 5}}
	    do: deny
	    because: in small steps
	  - id: many-files
	    who: [agent/*]
	    on: [hosted]
	    push: {repos: [bulk], over: {files: 10, bytes: 1M}}
	    do: ask
	    because: that is a lot to look at
	    approvers: ["group:engineers"]
	EOT
} >policy
BASTION_POLICY=$PWD/policy

fresh () {
	git -C work switch -q -C agent/x origin/main
}

commit () {
	(cd work && git add . && git commit -q -m "$1")
}

refused () {
	push_refused ci work origin agent/x:refs/heads/agent/new && test_grep "$1" err
}

passes () {
	bgit ci -C work push -q origin agent/x:refs/heads/agent/new && git -C "$UP" update-ref -d refs/heads/agent/new
}

# asked CLONE PATTERN
asked () {
	GIT_SSH_COMMAND="ssh -F $TRASH_DIRECTORY/id/ci.conf -o SetEnv=SALLYPORT_WAIT=0" \
		test_expect_code 1 git -C "$1" push origin agent/x:refs/heads/agent/new 2>err &&
	req=$(sed -n 's/.*(pending \(REQ-[A-Z0-9]*\):.*/\1/p' err) && bssh eng bastion show "$req" >shown && test_grep "$2" shown
}

# text N: that many bytes in lines.
text () {
	awk -v n="$1" 'BEGIN { for (i = 0; i < n / 32; i++) printf "%031d\n", i }'
}

test_expect_success 'a bastion, an agent with clones, an engineer' '
	setup_bastion && seed_repo bulk && make_identity ci agent/ci && make_identity eng human/eva --group engineers &&
	bgit ci clone -q "$BASTION_URL/hosted/demo.git" work && bgit ci clone -q "$BASTION_URL/hosted/bulk.git" bulk
'

test_expect_success 'a real program, an object file and an archive are known by what they hold, whatever their name' '
	fresh && cp "$(command -v sallyport)" work/README.md && commit one &&
	refused "rule=programs: create commit=$(git -C work rev-parse HEAD | cut -c 1-12) file=README.md: programs are built, not pushed (elf, [0-9]* bytes)" &&
	fresh && echo "int x;" >x.c && cc -c -o work/notes.txt x.c && commit one && refused "file=notes.txt: .* (elf, " &&
	fresh && tar cf work/a.dat policy && commit one && refused "file=a.dat: .* (archive, " &&
	fresh && gzip <policy >work/b && commit one && refused "file=b: .* (archive, " &&
	fresh && printf "MZ%058d\100\0\0\0PE\0\0" 0 >work/c && commit one && refused "file=c: .* (pe, " &&
	upstream_has_none demo work origin/main..agent/x
'

test_expect_success 'so is one that a later commit takes away, and one that is small at first' '
	fresh && cp x.c work/tool && commit one && printf "\177ELF and so on" >work/tool && commit two && git -C work rm -q tool &&
	commit three && refused "rule=programs: modify commit=$(git -C work rev-parse HEAD~1 | cut -c 1-12) file=tool: .* (elf, " &&
	fresh && text 1000 >work/list && commit one && text 2000 >work/list && commit more && text 200000 >work/list && commit two && text 99000 >work/list && commit three &&
	asked work "change: modify list commit=$(git -C work rev-parse HEAD~1 | cut -c 1-12) (rule large: ask) (text, 200000 bytes)" &&
	bssh eng bastion approve "$req" && passes
'

test_expect_success 'text, small files and what stands where it may pass' '
	fresh && mkdir -p work/assets && printf "\211PNG\r\n\032\n and so on" >work/assets/logo.png && text 90000 >work/list && commit one && passes &&
	cp work/assets/logo.png work/logo && commit two && refused "rule=pictures: create commit=.* file=logo: .* (image, "
'

test_expect_success 'lines that no human writes' '
	fresh && text 9000 | tr -d "\n" >work/app.js && commit one && refused "rule=minified: create commit=.* file=app.js: .* (minified, 8" &&
	fresh && text 9000 >work/app.js && commit one && passes
'

test_expect_success 'more commits, files or bytes than one push may bring' '
	git -C bulk switch -q -c agent/x && (cd bulk && for i in 1 2 3 4 5 6; do echo $i >a && git add a && git commit -q -m $i || exit 1; done) &&
	push_refused ci bulk origin agent/x:refs/heads/agent/new &&
	test_grep "rule=many-commits: create of refs/heads/agent/new: in small steps; it brings 6 commits, 1 changed paths, 12 bytes" err &&
	bgit ci -C bulk push -q origin agent/x~1:refs/heads/agent/five &&
	(cd bulk && git reset -q --hard HEAD~1 && for i in 1 2 3 4 5 6 7 8 9 10 11; do echo $i >f-$i || exit 1; done && git add . &&
		git commit -q -m files) &&
	asked bulk "create refs/heads/agent/new .*(rule many-files: ask)" && bssh eng bastion approve "$req" &&
	bgit ci -C bulk push -q origin agent/x:refs/heads/agent/new &&
	(cd bulk && text 1100000 >big && git add big && git commit -q -m big) &&
	asked bulk "update refs/heads/agent/new .*(rule many-files: ask)"
'

test_expect_success 'an operator can ask what a path would get' '
	test_expect_code 0 sallyport policy test policy --as agent/ci --on hosted --change demo bin/x create >out &&
	test_expect_code 77 sallyport policy test policy --as agent/ci --on hosted --change demo bin/x create --type elf --size 9 >out &&
	test_grep "^deny rule=programs" out &&
	test_expect_code 75 sallyport policy test policy --as agent/ci --on hosted --change demo bin/x modify --size 102401 >out &&
	test_grep "^ask rule=large" out &&
	test_expect_code 0 sallyport policy test policy --as agent/ci --on hosted --change demo bin/x modify --size 102400 &&
	test_expect_code 2 sallyport policy test policy --as agent/ci --on hosted --change demo bin/x modify --type exe 2>err &&
	test_expect_code 77 sallyport policy test policy --as agent/ci --on hosted --push bulk refs/heads/agent/x create --commits 6 >out &&
	test_grep "^deny rule=many-commits" out && test_grep "it brings 6 commits" out &&
	test_expect_code 75 sallyport policy test policy --as agent/ci --on hosted --push bulk refs/heads/agent/x create \
		--commits 5 --files 11 >out && test_grep "^ask rule=many-files" out &&
	test_expect_code 0 sallyport policy test policy --as agent/ci --on hosted --push bulk refs/heads/agent/x create --files 10 --bytes 9
'

test_expect_success 'the words of such rules are checked' '
	bad () { { default_policy; printf "  - {id: c, who: [\"*\"], on: [\"*\"], %s, do: %s, because: b}\n" "$1" "$2"; } >bad.yaml
		test_must_fail sallyport policy check bad.yaml >out 2>&1 && test_grep "$3" out; } &&
	bad "change: {types: [exe]}" deny "types: there is no .exe" &&
	bad "change: {types: []}" deny "types is empty" &&
	bad "change: {larger: much}" deny larger &&
	bad "push: {over: {commits: 1}}" allow "over is what to ask about or to deny" &&
	bad "push: {over: {}}" deny "over needs commits, files or bytes" &&
	bad "push: {over: {commit: 1}}" deny "unknown key .commit"
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
