/* SPDX-License-Identifier: PostgreSQL
 *
 * Access tokens (docs/interfaces.md §5): HS256 and nothing else, keys by kid from
 * necp.edge_keys(). A NecpKeys never changes; a reload makes a new one.
 */
#ifndef NECP_TOKEN_H
#define NECP_TOKEN_H

#include <jansson.h>
#include <libpq-fe.h>

#include "errors.h"
#include "uuid.h"

#define NECP_KEYS_QUERY "SELECT kid, secret, signs_from FROM necp.edge_keys()"

typedef struct NecpKeys NecpKeys;
typedef struct NecpTokenCache NecpTokenCache;

typedef struct NecpClaims
{
	int64_t account_id;
	int64_t expires_at; /* seconds since the epoch */
	NecpUuid session;
} NecpClaims;

/* NULL if the result has other columns. Keys shorter than 32 bytes are logged and left out. */
NecpKeys *necp_keys_build(const PGresult *result);
/* For tests: one key that signs. */
NecpKeys *necp_keys_single(const char *kid, const void *secret, size_t len);
NecpKeys *necp_keys_ref(NecpKeys *keys);
void necp_keys_unref(NecpKeys *keys);
bool necp_keys_can_sign(const NecpKeys *keys);
bool necp_keys_equal(const NecpKeys *a, const NecpKeys *b);

/* now in seconds since the epoch. NECP_NO_ERROR, UNAUTHENTICATED or TOKEN_EXPIRED. */
NecpErrorCode necp_token_verify(const NecpKeys *keys, NecpSlice token, int64_t now,
								NecpClaims *claims);
/* The token is well-formed as far as it names a key, and that key is not among these. */
bool necp_token_names_other_key(const NecpKeys *keys, NecpSlice token);

/*
 * The token for what a route with issues_token returned: answer is a JSON object with account_id,
 * session_id, roles, permissions, signed with the key whose turn it is at that time. NULL if the
 * answer is not so or there is no key. free() it.
 */
char *necp_token_sign(const NecpKeys *keys, const json_t *answer, int64_t now, int64_t seconds);

/* Remembers verified tokens by a keyed digest until they expire; for one thread. */
NecpTokenCache *necp_token_cache_new(size_t entries);
void necp_token_cache_free(NecpTokenCache *cache);
/* As necp_token_verify. Other keys than last time empty the cache. */
NecpErrorCode necp_token_check(NecpTokenCache *cache, const NecpKeys *keys, NecpSlice token,
							   int64_t now, NecpClaims *claims);

#endif
