/* SPDX-License-Identifier: PostgreSQL
 *
 * Access tokens. libjwt checks the signature; algorithm, key id, issuer, type and times are checked
 * here, because libjwt 1.10 does not.
 */
#include "token.h"

#include <errno.h>
#include <jwt.h>
#include <sodium.h>
#include <stdatomic.h>

#include "log.h"

#define ISSUER "necpgame"
#define MAX_TOKEN 4096
#define MAX_KID 64
#define MIN_SECRET 32
#define NBF_LEEWAY 5 /* clocks of two edges differ */
#define BYTEA_OID 17

typedef struct Key
{
	char kid[MAX_KID + 1];
	unsigned char *secret;
	int len;
	int64_t signs_from; /* seconds since the epoch */
} Key;

struct NecpKeys
{
	_Atomic int references;
	int count;
	Key *keys;
};

typedef struct CacheEntry
{
	unsigned char digest[crypto_shorthash_siphashx24_BYTES];
	NecpClaims claims;
} CacheEntry;

struct NecpTokenCache
{
	unsigned char secret[crypto_shorthash_siphashx24_KEYBYTES];
	NecpKeys *keys; /* what the entries were verified with */
	size_t mask;
	CacheEntry *entries;
};

static bool
add_key(NecpKeys *keys, const char *kid, const void *secret, size_t len, int64_t signs_from)
{
	Key *key = &keys->keys[keys->count];

	if (strlen(kid) > MAX_KID || strlen(kid) == 0 || len < MIN_SECRET || len > 1024)
		return false;
	strcpy(key->kid, kid);
	key->secret = necp_alloc(len);
	memcpy(key->secret, secret, len);
	key->len = (int) len;
	key->signs_from = signs_from;
	keys->count++;
	return true;
}

static NecpKeys *
make_keys(int count)
{
	NecpKeys *keys = necp_alloc_zero(sizeof(NecpKeys));

	atomic_init(&keys->references, 1);
	keys->keys = necp_alloc_zero((size_t) (count + 1) * sizeof(Key));
	return keys;
}

NecpKeys *
necp_keys_build(const PGresult *result)
{
	NecpKeys *keys;

	if (PQnfields(result) != 3)
		return NULL;
	keys = make_keys(PQntuples(result));
	for (int row = 0; row < PQntuples(result); row++)
	{
		const char *kid = PQgetvalue(result, row, 0);
		const char *text = PQgetvalue(result, row, 1);
		size_t len = (size_t) PQgetlength(result, row, 1);
		int64_t signs_from = strtoll(PQgetvalue(result, row, 2), NULL, 10);
		unsigned char *bytes = NULL;

		if (PQftype(result, 1) == BYTEA_OID)
			bytes = PQunescapeBytea((const unsigned char *) text, &len);
		if (!add_key(keys, kid, bytes ? (const void *) bytes : text, len, signs_from))
			necp_log(NECP_LOG_ERROR,
					 "signing key \"%s\" is shorter than %d bytes, left out",
					 kid,
					 MIN_SECRET);
		PQfreemem(bytes);
	}
	return keys;
}

NecpKeys *
necp_keys_single(const char *kid, const void *secret, size_t len)
{
	NecpKeys *keys = make_keys(1);

	add_key(keys, kid, secret, len, 0);
	return keys;
}

NecpKeys *
necp_keys_ref(NecpKeys *keys)
{
	if (keys != NULL)
		atomic_fetch_add_explicit(&keys->references, 1, memory_order_relaxed);
	return keys;
}

void
necp_keys_unref(NecpKeys *keys)
{
	if (keys == NULL || atomic_fetch_sub(&keys->references, 1) != 1)
		return;
	for (int i = 0; i < keys->count; i++)
	{
		sodium_memzero(keys->keys[i].secret, (size_t) keys->keys[i].len);
		free(keys->keys[i].secret);
	}
	free(keys->keys);
	free(keys);
}

static const Key *
find_key(const NecpKeys *keys, const char *kid)
{
	for (int i = 0; keys != NULL && kid != NULL && i < keys->count; i++)
		if (strcmp(keys->keys[i].kid, kid) == 0)
			return &keys->keys[i];
	return NULL;
}

/*
 * The latest of those whose time has come; of two that begin in the same second the one listed last,
 * so that all servers agree. Before any: the earliest, for who runs on a clock that is late.
 */
static const Key *
signing_key(const NecpKeys *keys, int64_t now)
{
	const Key *latest = NULL;
	const Key *earliest = NULL;

	for (int i = 0; keys != NULL && i < keys->count; i++)
	{
		const Key *key = &keys->keys[i];

		if (earliest == NULL || key->signs_from < earliest->signs_from)
			earliest = key;
		if (key->signs_from <= now && (latest == NULL || key->signs_from >= latest->signs_from))
			latest = key;
	}
	return latest != NULL ? latest : earliest;
}

bool
necp_keys_can_sign(const NecpKeys *keys)
{
	return keys != NULL && keys->count > 0;
}

bool
necp_keys_equal(const NecpKeys *a, const NecpKeys *b)
{
	if (a == NULL || b == NULL || a->count != b->count)
		return a == b;
	for (int i = 0; i < a->count; i++)
	{
		const Key *x = &a->keys[i];
		const Key *y = &b->keys[i];

		if (strcmp(x->kid, y->kid) != 0 || x->signs_from != y->signs_from || x->len != y->len ||
			sodium_memcmp(x->secret, y->secret, (size_t) x->len) != 0)
			return false;
	}
	return true;
}

/* The key id that the header names, if it names HS256 as well; decref header in any case. */
static const char *
kid_of_header(NecpSlice token, json_t **header)
{
	const char *dot = memchr(token.base, '.', token.len);
	unsigned char decoded[512];
	const char *alg;
	size_t len;

	*header = NULL;
	if (dot == NULL || sodium_base642bin(decoded,
										 sizeof(decoded),
										 token.base,
										 (size_t) (dot - token.base),
										 NULL,
										 &len,
										 NULL,
										 sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return NULL;
	*header = json_loadb((const char *) decoded, len, JSON_REJECT_DUPLICATES, NULL);
	alg = json_string_value(json_object_get(*header, "alg"));
	if (alg == NULL || strcmp(alg, "HS256") != 0)
		return NULL;
	return json_string_value(json_object_get(*header, "kid"));
}

static const Key *
key_of_header(const NecpKeys *keys, NecpSlice token)
{
	json_t *header;
	const Key *key = find_key(keys, kid_of_header(token, &header));

	json_decref(header);
	return key;
}

bool
necp_token_names_other_key(const NecpKeys *keys, NecpSlice token)
{
	json_t *header;
	const char *kid;
	bool other;

	if (token.len == 0 || token.len > MAX_TOKEN)
		return false;
	kid = kid_of_header(token, &header);
	other = kid != NULL && *kid != '\0' && strlen(kid) <= MAX_KID && find_key(keys, kid) == NULL;
	json_decref(header);
	return other;
}

static bool
grant_is(jwt_t *jwt, const char *name, const char *expected)
{
	const char *value = jwt_get_grant(jwt, name);

	return value != NULL && strcmp(value, expected) == 0;
}

static bool
read_account(jwt_t *jwt, int64_t *account_id)
{
	const char *sub = jwt_get_grant(jwt, "sub");
	char *end;

	if (sub == NULL || *sub < '1' || *sub > '9' || strlen(sub) > 19)
		return false;
	errno = 0;
	*account_id = strtoll(sub, &end, 10);
	return *end == '\0' && errno == 0;
}

static NecpErrorCode
read_claims(jwt_t *jwt, int64_t now, NecpClaims *claims)
{
	const char *sid = jwt_get_grant(jwt, "sid");
	long nbf;

	/* what has no algorithm of ours must not pass, whatever the header said before */
	if (jwt_get_alg(jwt) != JWT_ALG_HS256)
		return NECP_UNAUTHENTICATED;
	if (!grant_is(jwt, "iss", ISSUER) || !grant_is(jwt, "type", "access") ||
		!read_account(jwt, &claims->account_id) || sid == NULL ||
		!necp_uuid_parse(&claims->session, sid, strlen(sid)))
		return NECP_UNAUTHENTICATED;
	errno = 0;
	claims->expires_at = jwt_get_grant_int(jwt, "exp");
	if (errno != 0)
		return NECP_UNAUTHENTICATED;
	errno = 0;
	nbf = jwt_get_grant_int(jwt, "nbf");
	if (errno == 0 && nbf > now + NBF_LEEWAY)
		return NECP_UNAUTHENTICATED;
	return claims->expires_at > now ? NECP_NO_ERROR : NECP_TOKEN_EXPIRED;
}

NecpErrorCode
necp_token_verify(const NecpKeys *keys, NecpSlice token, int64_t now, NecpClaims *claims)
{
	char text[MAX_TOKEN + 1];
	NecpErrorCode code;
	const Key *key;
	jwt_t *jwt;

	if (token.len == 0 || token.len > MAX_TOKEN || memchr(token.base, '\0', token.len) != NULL)
		return NECP_UNAUTHENTICATED;
	key = key_of_header(keys, token);
	if (key == NULL)
		return NECP_UNAUTHENTICATED;
	memcpy(text, token.base, token.len);
	text[token.len] = '\0';
	if (jwt_decode(&jwt, text, key->secret, key->len) != 0)
		return NECP_UNAUTHENTICATED;
	code = read_claims(jwt, now, claims);
	jwt_free(jwt);
	return code;
}

static bool
add_json_grant(jwt_t *jwt, const char *name, const json_t *value)
{
	json_t *claim = json_object();
	char *text;
	bool ok;

	json_object_set_new(claim,
						name,
						json_is_array(value) ? json_incref((json_t *) value) : json_array());
	text = json_dumps(claim, JSON_COMPACT);
	ok = text != NULL && jwt_add_grants_json(jwt, text) == 0;
	free(text);
	json_decref(claim);
	return ok;
}

static bool
add_grants(jwt_t *jwt, const json_t *answer, int64_t now, int64_t seconds)
{
	const json_t *account = json_object_get(answer, "account_id");
	const char *session = json_string_value(json_object_get(answer, "session_id"));
	NecpUuid sid;
	NecpUuid jti;
	char sub[24];

	if (!json_is_integer(account) || session == NULL ||
		!necp_uuid_parse(&sid, session, strlen(session)))
		return false;
	necp_format_int(sub, json_integer_value(account));
	necp_uuid_generate(&jti);
	return jwt_add_grant(jwt, "iss", ISSUER) == 0 && jwt_add_grant(jwt, "type", "access") == 0 &&
		   jwt_add_grant(jwt, "sub", sub) == 0 && jwt_add_grant(jwt, "sid", sid.text) == 0 &&
		   jwt_add_grant(jwt, "jti", jti.text) == 0 && jwt_add_grant_int(jwt, "iat", now) == 0 &&
		   jwt_add_grant_int(jwt, "exp", now + seconds) == 0 &&
		   add_json_grant(jwt, "roles", json_object_get(answer, "roles")) &&
		   add_json_grant(jwt, "permissions", json_object_get(answer, "permissions"));
}

char *
necp_token_sign(const NecpKeys *keys, const json_t *answer, int64_t now, int64_t seconds)
{
	const Key *key = signing_key(keys, now);
	char *token = NULL;
	jwt_t *jwt;

	if (key == NULL || jwt_new(&jwt) != 0)
		return NULL;
	if (add_grants(jwt, answer, now, seconds) &&
		jwt_set_alg(jwt, JWT_ALG_HS256, key->secret, key->len) == 0 &&
		jwt_add_header(jwt, "kid", key->kid) == 0)
		token = jwt_encode_str(jwt);
	jwt_free(jwt);
	return token;
}

NecpTokenCache *
necp_token_cache_new(size_t entries)
{
	NecpTokenCache *cache = necp_alloc_zero(sizeof(NecpTokenCache));
	size_t size = 64;

	while (size < entries)
		size *= 2;
	cache->mask = size - 1;
	cache->entries = necp_alloc_zero(size * sizeof(CacheEntry));
	randombytes_buf(cache->secret, sizeof(cache->secret));
	return cache;
}

void
necp_token_cache_free(NecpTokenCache *cache)
{
	if (cache == NULL)
		return;
	necp_keys_unref(cache->keys);
	free(cache->entries);
	free(cache);
}

NecpErrorCode
necp_token_check(NecpTokenCache *cache, const NecpKeys *keys, NecpSlice token, int64_t now,
				 NecpClaims *claims)
{
	unsigned char digest[crypto_shorthash_siphashx24_BYTES];
	CacheEntry *entry;
	NecpErrorCode code;
	uint64_t place;

	if (cache->keys != keys)
	{
		memset(cache->entries, 0, (cache->mask + 1) * sizeof(CacheEntry));
		necp_keys_unref(cache->keys);
		cache->keys = necp_keys_ref((NecpKeys *) keys);
	}
	crypto_shorthash_siphashx24(digest,
								(const unsigned char *) token.base,
								token.len,
								cache->secret);
	memcpy(&place, digest, sizeof(place));
	entry = &cache->entries[place & cache->mask];
	if (entry->claims.expires_at > now && memcmp(entry->digest, digest, sizeof(digest)) == 0)
	{
		*claims = entry->claims;
		return NECP_NO_ERROR;
	}
	code = necp_token_verify(keys, token, now, claims);
	if (code == NECP_NO_ERROR)
	{
		memcpy(entry->digest, digest, sizeof(digest));
		entry->claims = *claims;
	}
	return code;
}
