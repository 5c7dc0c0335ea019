#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='git-lfs through the bastion: objects are held until the push that names them, stored with it, and served'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_SRCDIR/t/lib-bastion.sh"
. "$TEST_SRCDIR/t/lib-checks.sh"
. "$TEST_SRCDIR/t/lib-lfs.sh"

test_expect_success 'a bastion, and an agent with a clone in which git-lfs keeps *.bin' '
	setup_bastion && lfs_settings && make_identity ci agent/ci && lfs_clone ci work &&
	head -c 300000 /dev/urandom >work/one.bin && echo "a small text" >work/two.bin &&
	one=$(lfs_oid work/one.bin) && two=$(lfs_oid work/two.bin) &&
	(cd work && git add . && git commit -q -m "Two files" && git lfs ls-files | wc -l) >n && test "$(cat n)" -eq 2
'

test_expect_success 'git lfs push brings them, and they are held' '
	bgit ci -C work lfs push origin agent/x >out 2>&1 || { cat out; false; } &&
	lfs_held "$one" && lfs_held "$two" && ! lfs_stored "$one" && ! lfs_stored "$two" &&
	audit_has event=lfs.put verdict=allow "oid=$one" size=300000 upstream=hosted repository=demo "request=REQ-*"
'

test_expect_success 'the push that names them stores them, and none is held any more' '
	bgit ci -C work push -q origin agent/x &&
	lfs_stored "$one" && lfs_stored "$two" && ! lfs_held "$one" && ! lfs_held "$two" &&
	audit_has event=lfs.stored upstream=hosted repository=demo objects=2 identity=agent/ci "request=REQ-*"
'

test_expect_success 'a clone gets the content, and each object is on record' '
	bgit ci clone -q -b agent/x "$BASTION_URL/hosted/demo.git" other &&
	cmp work/one.bin other/one.bin && cmp work/two.bin other/two.bin &&
	audit_has event=lfs.get "oid=$one" size=300000 verdict=allow rule=read repository=demo
'

test_expect_success 'one push does both' '
	head -c 5000000 /dev/urandom >work/three.bin && three=$(lfs_oid work/three.bin) &&
	(cd work && git add . && git commit -q -m "Another") &&
	bgit ci -C work push -q origin agent/x && lfs_stored "$three" &&
	bgit ci -C other pull -q && cmp work/three.bin other/three.bin
'

test_expect_success 'what is there already is not sent again' '
	rm -rf work/.git/lfs/cache && bgit ci -C work lfs push --all origin >out 2>&1 &&
	sallyport -f "$CONF" audit search event=lfs.put "oid=$one" >rec && test $(wc -l <rec) -eq 1
'

test_expect_success 'many objects at once' '
	for i in $(seq 1 150); do echo "number $i" >work/n$i.bin; done &&
	(cd work && git add . && git commit -q -m "Many") && bgit ci -C work push -q origin agent/x &&
	bgit ci -C other pull -q && cmp work/n150.bin other/n150.bin && cmp work/n1.bin other/n1.bin
'

test_expect_success 'an object that another branch of the repository has needs no upload' '
	cp work/one.bin work/again.bin && (cd work && git add . && git commit -q -m "The same") &&
	bgit ci -C work push -q --no-verify origin agent/x
'

test_expect_success 'the daemon ends in order' '
	stop_bastion
'

test_done
