/* SPDX-License-Identifier: Apache-2.0 */
/* limits: every bound of this folder in one place, each with its reason. */
#ifndef SECRETSCAN_LIMITS_H
#define SECRETSCAN_LIMITS_H

/* A file of rules is written by people; a generated one that is larger should be split by provider. */
#define SS_RULEFILE_MAX		(256 * 1024)
#define SS_RULES_MAX		4096
#define SS_ANCHORS_MAX		64		/* literals of one rule */
/* Shorter literals hit everywhere and slow the whole set down; longer ones gain nothing. */
#define SS_ANCHOR_MIN		3
#define SS_ANCHOR_MAX		48
/* Bytes before an anchor that a look-behind may read; a stream keeps as many after it released them. */
#define SS_CONTEXT		64
/* Bytes that the lead (the public words before a secret) may span, from its anchor. */
#define SS_LEAD_WINDOW		256
/* Bytes that a secret and what must follow it may span: the default, and the most a rule can ask for. */
#define SS_WINDOW		512
#define SS_WINDOW_MAX		8192
/* A block (private key) or a token longer than its window is masked as far as it runs, at most so far. */
#define SS_TAIL_MAX		(64 * 1024)
/* Bytes looked at in one go: a piece and what it drags along stay in the L2 cache. */
#define SS_PIECE		(32 * 1024)
/* Candidates and matches that are open at one time. Text does not reach a hundredth of it; a bomb does. */
#define SS_CANDS_MAX		65536
#define SS_MATCHES_MAX		65536
/* Steps of one regular expression at one place. */
#define SS_REGEX_STEPS		200000

/* Decoding. A content is decoded in segments, so that memory does not grow with it; they overlap by what a block spans. */
#define SS_SEGMENT		(4 * 1024 * 1024)
#define SS_SEGMENT_OVERLAP	(64 * 1024)
/* Layers over each other. Whoever hides something deeper than that hides it from everybody. */
#define SS_DEPTH		5
/*
 * Bytes and texts made out of one content, however it is packed: about a second of work. What becomes fifty times as
 * large was made to be; the first bytes are free, as a small file can be a large one.
 */
#define SS_MADE_BYTES		((size_t)512 * 1024 * 1024)
#define SS_MADE_FREE		((size_t)64 * 1024 * 1024)
#define SS_MADE_TIMES		50
#define SS_MADE_ITEMS		100000
/* Bytes that decoding may make out of one segment. Texts of one noise or another come to less than twice their size. */
#define SS_DECODED_BYTES	((size_t)32 * 1024 * 1024)
/* Containers in base64 in one content: opening one costs as much as scanning 100 KiB. */
#define SS_BLOBS_MAX		400
/* Plain bytes that a decoder takes along before what it decodes: where the name of a key stands. */
#define SS_AROUND		192

/* Bytes between a keyword and the secret that it announces, and what such a rule asks for unless it says otherwise. */
#define SS_NEAR_MAX		128
#define SS_NEAR_LINES		48	/* beyond these it must be on the line of the keyword */
#define SS_NEAR_ENTROPY		2.8

/*
 * Bytes of a secret before its anchor. With the anchor and a look-behind they are within SS_CONTEXT, which a stream keeps:
 * so it knows such a secret too, and masks what follows the anchor. To hold the rest would be to hold every word.
 */
#define SS_BEHIND_MAX		48

/*
 * A member of a container is held in memory up to a piece; a larger one comes in pieces that overlap by more than any
 * token is long. A container within a container is read up to a piece.
 */
#define SS_MEMBER_PIECE		((size_t)16 * 1024 * 1024)
#define SS_MEMBER_OVERLAP	((size_t)64 * 1024)
/* A database is copied to be opened; its statements run so many steps of its machine, about a second. */
#define SS_SQLITE_MAX		((size_t)256 * 1024 * 1024)
#define SS_SQLITE_STEPS		20000000
#define SS_CELL_MAX		(16 * 1024 * 1024)
/* A token of so many bytes makes its surroundings worth a look for keywords; runs this long are few in text. */
#define SS_TOKEN_MIN		20
/* One of so many is worth a look whatever is around it: where a secret is that long, its anchor is sought there only. */
#define SS_RUN_MIN		32

/* Bytes between the beginnings of a key id and of the secret that goes with it, and how many halves may stand there. */
#define SS_PAIR_WINDOW		4096
#define SS_PAIR_NEIGHBOURS	32

#endif
