/* SPDX-License-Identifier: Apache-2.0 */
/* pii: is what stands here personal data? Each kind is proven by its check digits or, where it has none, by its structure. */
#ifndef SECRETSCAN_PII_H
#define SECRETSCAN_PII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest of all kinds, with separators: an address of mail (RFC 5321, 4.5.3.1). */
#define PII_MAX		320

enum pii_result {
	PII_NO,
	PII_YES,
	PII_MORE,		/* the text ends too early to say */
};

/* A text from its first byte on; `more` says that it may go on after n bytes. */
struct pii_text {
	const uint8_t	*p;
	size_t		 n;
	bool		 more;
};

struct pii_kind {
	const char	*rule;		/* "pii-" and the name of the kind */
	const char	*description;
	bool		 national;
	/* On PII_YES *np is its length. */
	enum pii_result	(*look)(const struct pii_text *, size_t *np);
};

#define PII_KINDS	26

extern const struct pii_kind pii_kinds[PII_KINDS];

/* Digits, with one separator out of `between` allowed between any two. end[i] is the offset behind digit i. */
#define PII_DIGITS	24

struct pii_digits {
	uint8_t	d[PII_DIGITS];
	size_t	end[PII_DIGITS];
	size_t	n;
	bool	open;		/* ran into the end of a text that may go on */
};

/* Read at most most digits (<= PII_DIGITS - 1); one more is read to see that there are too many. */
void	pii_digits(const struct pii_text *, const char *between, size_t most, struct pii_digits *);
bool	pii_luhn(const uint8_t *d, size_t n);			/* ISO/IEC 7812-1, annex B */
bool	pii_is_word(uint8_t c);

/* pii-national.c */
enum pii_result	pii_us_ssn(const struct pii_text *, size_t *np);
enum pii_result	pii_gb_nhs(const struct pii_text *, size_t *np);
enum pii_result	pii_gb_nino(const struct pii_text *, size_t *np);
enum pii_result	pii_de_idnr(const struct pii_text *, size_t *np);
enum pii_result	pii_fr_nir(const struct pii_text *, size_t *np);
enum pii_result	pii_es_dni(const struct pii_text *, size_t *np);
enum pii_result	pii_it_cf(const struct pii_text *, size_t *np);
enum pii_result	pii_nl_bsn(const struct pii_text *, size_t *np);
enum pii_result	pii_be_nrn(const struct pii_text *, size_t *np);
enum pii_result	pii_pl_pesel(const struct pii_text *, size_t *np);
enum pii_result	pii_pt_nif(const struct pii_text *, size_t *np);
enum pii_result	pii_se_pnr(const struct pii_text *, size_t *np);
enum pii_result	pii_fi_hetu(const struct pii_text *, size_t *np);
enum pii_result	pii_no_fnr(const struct pii_text *, size_t *np);
enum pii_result	pii_dk_cpr(const struct pii_text *, size_t *np);
enum pii_result	pii_ch_ahv(const struct pii_text *, size_t *np);
enum pii_result	pii_br_cpf(const struct pii_text *, size_t *np);
enum pii_result	pii_in_aadhaar(const struct pii_text *, size_t *np);
enum pii_result	pii_cn_rid(const struct pii_text *, size_t *np);
enum pii_result	pii_ca_sin(const struct pii_text *, size_t *np);
enum pii_result	pii_tr_tckn(const struct pii_text *, size_t *np);

#endif
