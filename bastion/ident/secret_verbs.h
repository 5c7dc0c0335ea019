/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret_verbs: what an administrator may do with the secrets that open targets: put, list, remove. A secret goes in and
 * never comes out again: list shows names, kinds and the public halves.
 */
#ifndef IDENT_SECRET_VERBS_H
#define IDENT_SECRET_VERBS_H

struct secrets;
struct verb_answer;
struct verb_request;

/* As issuer_verb; argv[0] is "secret". */
void	secret_verb(struct secrets *, const struct verb_request *, struct verb_answer *);

#endif
