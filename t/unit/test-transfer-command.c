/* SPDX-License-Identifier: Apache-2.0 */
/* Which command lines are a server side of scp or rsync and nothing else (E12), and what they copy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/policy/transfer-command.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* What each is: in or out, flags, then the paths in angle brackets; a star after one that the shell expands, a tilde before. */
static const struct { const char *command, *what; } copies[] = {
	{ "scp -t /srv/x", "scp in </srv/x>" },
	{ "scp -f /srv/x", "scp out </srv/x>" },
	{ "scp  -v -q -p\t-t x ", "scp in <x>" },
	{ "scp -r -d -t .", "scp in recursive folder <.>" },
	{ "scp -rpt dir/", "scp in recursive <dir/>" },
	{ "scp -pf '/a b/\"c\"'", "scp out </a b/\"c\">" },
	{ "scp -f a\\ b", "scp out <a b>" },
	{ "scp -t -- -S", "scp in <-S>" },
	{ "/usr/bin/scp -t x", "scp in <x>" },
	{ "/bin/scp -t x", "scp in <x>" },
	{ "'scp' \"-t\" x", "scp in <x>" },
	{ "scp -f *.log", "scp out <*.log>*" },
	{ "scp -f '*.log'", "scp out <*.log>" },
	{ "scp -f ~/x", "scp out ~<~/x>" },
	{ "scp -f '~/x'", "scp out <~/x>" },
	{ "scp -f 'a;b|c&d>e'", "scp out <a;b|c&d>e>" },
	{ "scp -f a=b", "scp out <a=b>" },
	{ "scp -f a#b", "scp out <a#b>" },
	{ "rsync --server -vlogDtpre.iLsfxCIvu . /srv/in/", "rsync in recursive links </srv/in/>" },
	{ "rsync --server --sender -vlogDtpre.iLsfxCIvu . a b*", "rsync out recursive links <a><b*>*" },
	{ "rsync --server --sender -te.LsfxCIvu . x", "rsync out <x>" },
	{ "rsync --server -vlogDtprze.iLsfxCIvu . x", "rsync in recursive compressed links <x>" },
	{ "rsync --server -re.iLsfxCIvu --compress-choice=zstd . x", "rsync in recursive compressed <x>" },
	{ "rsync --server -logDtpre.iLsfxCIvu --delete --timeout=30 --log-format=%i . x",
	    "rsync in recursive deletes links <x>" },
	{ "rsync --server -tr --delete-after --partial --numeric-ids . ~/x", "rsync in recursive deletes ~<~/x>" },
};

static const char *const ordinary[] = {
	"", " ", "scp", "scp -t", "scp -f", "scp /a /b", "scp -t /tmp/x; bash", "scp -t /tmp/x;", "scp -t /tmp/x && id",
	"scp -t /tmp/x || id", "scp -t /tmp/x | sh", "scp -t /tmp/x &", "scp -t /tmp/x > /etc/cron.d/x",
	"scp -f /etc/motd >> y", "scp -t x < /etc/shadow", "scp -f x 2>&1", "scp -t x\nid", "\nscp -t x", "scp -t x\n",
	"(scp -t x)", "{ scp -t x; }", "! scp -t x", "time scp -t x", "exec scp -t x", "env scp -t x", "sudo scp -t x",
	"PATH=/tmp scp -t x", "A=b scp -t x", "IFS=x", "scp -t $(id)", "scp -t `id`", "scp -t $HOME", "scp -t \"$HOME/x\"",
	"scp -t ${X:-/tmp}", "scp -t $((1))", "scp -t x <<E\nE\n", "scp -t <(id)", "scp -t x # y", "scp -t {a,b}", "scp -t x y",
	"scp -f x y", "scp -t x -S prog", "scp -S prog -t x", "scp -Sprog -t x", "scp -oProxyCommand=id -t x", "scp -tt -S x",
	"scp -D id -f x", "scp -J h -f x", "scp -F c -f x", "scp -t -f x", "scp -tf x", "scp -3 -t x", "scp - -t x", "scp -t -",
	"scp -t -x", "scp -t ''", "scp -t -- ", "scp -t -- x -S y", "scp -t *", "scp -t a?", "scp -t [ab]", "scp --t x",
	"scp -t $'x'", "scp -t x\\", "scp -t 'x", "scp -t \"x", "./scp -t x", "/tmp/scp -t x", "/usr/bin/../../tmp/scp -t x",
	"/usr/local/bin/scp -t x", "~/scp -t x", "sc? -t x", "*/scp -t x", "scp2 -t x", "SCP -t x", "scp -t x\001", "scp -t \377",
	"rsync", "rsync a b", "rsync --server", "rsync --server .", "rsync --server --sender -r", "rsync --server -r x",
	"rsync --server -r . x y", "rsync -r --server . x", "rsync --server --daemon . x", "rsync --server --config=x . y",
	"rsync --server -r --rsh=id . x", "rsync --server -r -e id . x", "rsync --server '-e id' . x", "rsync --server -e/bin/x . x",
	"rsync --server --sender -rL . x", "rsync --server -rK . x", "rsync --server -rk . x", "rsync --server -rs . x",
	"rsync --server -rb . x", "rsync --server -rT/tmp . x", "rsync --server -r --log-file=/etc/cron.d/x . y",
	"rsync --server -r --partial-dir=/etc . y", "rsync --server -r --temp-dir=/etc . y", "rsync --server -r --files-from=- . y",
	"rsync --server -r --backup-dir=/etc . y", "rsync --server -r --link-dest=/etc . y", "rsync --server -r --copy-dest=/x . y",
	"rsync --server -r --write-batch=x . y", "rsync --server -r --only-write-batch=x . y", "rsync --server -r --super . y",
	"rsync --server -Re.LsfxCIvu --no-implied-dirs . y",
	"rsync --server -r --copy-links . y", "rsync --server -r --copy-unsafe-links . y", "rsync --server -r --iconv=x . y",
	"rsync --server -r --delete=x . y", "rsync --server -r --timeout . y", "rsync --server -r --timeout= . y",
	"rsync --server -r --timeout=1x . y", "rsync --server -r --log-format='%i>x' . y", "rsync --server -r . -x",
	"rsync --server -r . x --rsh=id", "rsync --server -r . --rsync-path=x", "rsync --server -r . *", "rsync --server -- . x",
	"rsync --server - . x", "rsync --server x -r . y", "rsync --server -r . x; id", "rsync --server -r . $X",
	"rsync --server -r --secluded-args . x", "rsync --server -r --protect-args . x", "rsync --server --sender -r . ''",
};

static void
describe(const struct transfer_command *t, char *p, size_t n)
{
	size_t at = (size_t)snprintf(p, n, "%s %s%s%s%s%s%s ", transfer_program_word(t->program), t->to_target ? "in" : "out",
	    t->recursive ? " recursive" : "", t->folder ? " folder" : "", t->compressed ? " compressed" : "",
	    t->deletes ? " deletes" : "", t->links ? " links" : "");

	for (size_t i = 0; i < t->npaths; i++)
		at += (size_t)snprintf(p + at, n - at, "%s<%s>%s", t->paths[i].tilde ? "~" : "", t->paths[i].text,
		    t->paths[i].glob ? "*" : "");
}

static void
test_copies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(copies); i++) {
		struct transfer_command t;
		char got[512] = "nothing";

		if (transfer_command_parse(&t, copies[i].command, strlen(copies[i].command))) {
			describe(&t, got, sizeof(got));
			transfer_command_release(&t);
		}
		if (strcmp(got, copies[i].what) != 0)
			fail_msg("'%s' is %s, not %s", copies[i].command, got, copies[i].what);
	}
}

static void
test_ordinary(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ordinary); i++) {
		struct transfer_command t;

		if (transfer_command_parse(&t, ordinary[i], strlen(ordinary[i])))
			fail_msg("'%s' is taken for a copy", ordinary[i]);
		assert_int_equal(t.npaths, 0);
	}
}

/* A NUL in it, and more paths or words than there is room for. */
static void
test_bounds(void **state)
{
	char line[8192] = "rsync --server --sender -r . ";
	struct transfer_command t;
	size_t n = strlen(line);

	(void)state;
	assert_false(transfer_command_parse(&t, "scp -t x\0; id", 13));
	for (int i = 0; i < TRANSFER_PATHS_MAX; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "p%d ", i);
	assert_true(transfer_command_parse(&t, line, n));
	assert_int_equal(t.npaths, TRANSFER_PATHS_MAX);
	transfer_command_release(&t);
	n += (size_t)snprintf(line + n, sizeof(line) - n, "x");
	assert_false(transfer_command_parse(&t, line, n));
	for (int i = 0; i < 500; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, " y");
	assert_false(transfer_command_parse(&t, line, n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_ordinary),
		cmocka_unit_test(test_bounds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
