#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='the programs that are installed are hardened as the build says'

. "$(dirname "$0")/test-lib.sh"

command -v readelf >/dev/null || skip_all 'no readelf here (binutils)'
grep -q '^#define SALLYPORT_SANITIZE' "$TEST_BUILDDIR/config.h" && skip_all 'this build has sanitizers instead'

# What make install would put into bin, sbin and libexec.
for list in bin_PROGRAMS sbin_PROGRAMS pkglibexec_PROGRAMS
do
	printf 'print-%s:\n\t@for p in $(%s); do echo $$p; done\n' "$list" "$list"
done >print.mk

installed () {
	make -s -C "$TEST_BUILDDIR" -f Makefile -f "$TRASH_DIRECTORY/print.mk" \
		print-bin_PROGRAMS print-sbin_PROGRAMS print-pkglibexec_PROGRAMS
}

hardened () {
	readelf -hldW "$1" >elf &&
	test_grep "Type: *DYN" elf &&
	test_grep "GNU_RELRO" elf &&
	test_grep -E "BIND_NOW|FLAGS.* NOW" elf &&
	test_grep "GNU_STACK.* RW " elf &&
	test_grep ! "GNU_STACK.* RWE" elf &&
	test_grep ! -E "RPATH|RUNPATH|TEXTREL" elf
}

test_expect_success 'the list of programs' '
	installed >programs &&
	cat programs
'

for program in $(cat programs)
do
	test_expect_success "$program is position independent, with read-only relocations and no executable stack" '
		hardened "$TEST_BUILDDIR/$program"
	'
	test_expect_success "$program has stack protection" '
		readelf -sW "$TEST_BUILDDIR/$program" >symbols &&
		test_grep __stack_chk_fail symbols
	'
done

test_expect_success 'a program without these would be found' '
	echo "int main(void) { return 0; }" >plain.c &&
	cc -no-pie -Wl,-z,norelro,-z,execstack -o plain plain.c &&
	test_must_fail hardened plain
'

test_done
