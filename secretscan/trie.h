/* SPDX-License-Identifier: Apache-2.0 */
/* trie: many exact texts looked for at once, byte by byte (Aho and Corasick, CACM 18, 1975). For few and short texts. */
#ifndef SECRETSCAN_TRIE_H
#define SECRETSCAN_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRIE_ROOT	0
#define TRIE_NONE	UINT32_MAX

struct trie;

struct trie	*trie_new(void);		/* NULL when there is no memory */
void		 trie_free(struct trie *);	/* wipes the texts; NULL is fine */
/* Add a text with a label. 0, SECRETSCAN_NOMEM, or SECRETSCAN_LIMIT when the whole is too large. */
int		 trie_add(struct trie *, const uint8_t *p, size_t n, uint32_t label);
/* After the last text, before the first step. 0 or SECRETSCAN_NOMEM. */
int		 trie_finish(struct trie *);
uint32_t	 trie_step(const struct trie *, uint32_t state, uint8_t c);
/* How many of the last bytes are the beginning of a text. */
uint32_t	 trie_depth(const struct trie *, uint32_t state);
/* The longest text that ends here: its length and label; 0 when none does. */
uint32_t	 trie_match(const struct trie *, uint32_t state, uint32_t *labelp);
/* Of all texts. */
uint32_t	 trie_longest(const struct trie *);
/* A text begins with c. */
bool		 trie_begins(const struct trie *, uint8_t c);

#endif
