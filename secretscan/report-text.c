/* SPDX-License-Identifier: Apache-2.0 */
/* FILE:LINE:COLUMN: RULE: DESCRIPTION: MASKED (FINGERPRINT), for people, editors and grep. */
#include <stdio.h>
#include <string.h>

#include "secretscan/record.h"
#include "secretscan/report.h"
#include "secretscan/report_int.h"

static int
text_add(struct report *r, const struct record *f)
{
	if (f->commit != NULL)
		printf("%.12s:", f->commit);
	else if (f->object != NULL)
		printf("%.12s:", f->object);
	report_put_safe(stdout, f->file, strlen(f->file));
	if (f->member[0] != '\0') {
		putchar('!');
		report_put_safe(stdout, f->member, strlen(f->member));
	}
	printf(":%zu:%zu: %s: %s: ", f->line, f->column, f->rule, f->description);
	if (r->show_secrets)
		report_put_safe(stdout, f->secret, f->secret_len);
	else
		printf("%s", f->masked);
	printf(" (%s)", f->fingerprint);
	if (f->decoded[0] != '\0')
		printf(" in %s", f->decoded);
	if (f->pair != NULL)
		printf(" with %s", f->pair);
	putchar('\n');
	return 0;
}

const struct report_ops report_text = { .name = "text", .add = text_add };
