/* SPDX-License-Identifier: Apache-2.0 */
/* Any command line is judged without a crash, and what is not UTF-8 text is never allowed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/conf_tree.h"
#include "bastion/policy/policy.h"
#include "bastion/policy/script.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char rules[] =
	"rules:\n"
	" - {id: a, who: [x], on: [y], exec: [ls, \"git status\", {program: cat, operands: [\"/srv/**\"]}], do: allow}\n"
	" - {id: b, who: [x], on: [y], exec: {program: rm, flags: [r], operands: [/]}, do: deny, because: b}\n"
	" - {id: c, who: [x], on: [y], exec: {write: [\"/tmp/**\"]}, do: allow}\n";

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tree_error e = { .file = "rules" };
	struct subject who = { .identity = "x" };
	struct request req = { .kind = REQUEST_EXEC, .target = "y", .command = p, .command_len = n };
	struct policy *policy = NULL;
	struct script s;
	struct verdict v;

	if (policy_load("rules", rules, strlen(rules), &policy, &e) != 0)
		abort();
	decide(policy, &who, &req, &v);
	if (v.what == DECISION_ALLOW && script_malformed(p, n) != NULL)
		abort();
	policy_free(policy);
	script_parse(&s, (const char *)p, n);
	script_resolve(&s);
	script_release(&s);
	return 0;
}
