/* SPDX-License-Identifier: PostgreSQL
 *
 * All randomness of the rules. Seeded from the operating system, or by necp.random_seed() in tests.
 */
#ifndef NECP_KERNEL_RANDOM_H
#define NECP_KERNEL_RANDOM_H

#include "postgres.h"

/* Uniform integer in [min, max]. */
extern int64 necp_random_int(int64 min, int64 max);
/* Uniform in [0, 1). */
extern double necp_random_double(void);
/* Secret bytes, never seeded: tokens, keys. */
extern void necp_random_secret(void *buf, size_t len);
/* A secret as 43 characters of base64url (32 bytes), palloc'd. */
extern char *necp_random_token(void);
/* SHA-256 of a string as bytea, palloc'd: how secrets are stored. */
extern bytea *necp_digest(const char *s);

#endif
