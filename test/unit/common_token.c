/* SPDX-License-Identifier: PostgreSQL
 *
 * Access tokens: what passes, and above all what does not.
 */
#include "token.h"

#include <jwt.h>

#include "common_tap.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define SESSION "6f1c0c6e-8f0e-4d8e-9d38-0123456789ab"
#define NOW 1700000000

/* A token with everything right but what the test changes. */
typedef struct Draft
{
	jwt_alg_t alg;
	const char *kid;
	const char *iss;
	const char *type;
	const char *sub;
	const char *sid;
	long exp;
	long nbf;
	const char *secret;
} Draft;

static const Draft good =
	{JWT_ALG_HS256, "k1", "necpgame", "access", "42", SESSION, NOW + 60, 0, SECRET};

static char *
encode(Draft draft)
{
	jwt_t *jwt;
	char *text;

	jwt_new(&jwt);
	jwt_set_alg(jwt,
				draft.alg,
				draft.alg == JWT_ALG_NONE ? NULL : (const unsigned char *) draft.secret,
				draft.alg == JWT_ALG_NONE ? 0 : (int) strlen(draft.secret));
	jwt_add_header(jwt, "kid", draft.kid);
	jwt_add_grant(jwt, "iss", draft.iss);
	jwt_add_grant(jwt, "type", draft.type);
	jwt_add_grant(jwt, "sub", draft.sub);
	jwt_add_grant(jwt, "sid", draft.sid);
	if (draft.exp != 0)
		jwt_add_grant_int(jwt, "exp", draft.exp);
	if (draft.nbf != 0)
		jwt_add_grant_int(jwt, "nbf", draft.nbf);
	text = jwt_encode_str(jwt);
	jwt_free(jwt);
	return text;
}

static NecpErrorCode
verify(const NecpKeys *keys, Draft draft)
{
	char *text = encode(draft);
	NecpClaims claims;
	NecpErrorCode code = necp_token_verify(keys, necp_slice(text), NOW, &claims);

	free(text);
	return code;
}

#define CHANGED(...)                                                                               \
	({                                                                                             \
		Draft draft_ = good;                                                                       \
		__VA_ARGS__;                                                                               \
		draft_;                                                                                    \
	})

static void
test_verify(const NecpKeys *keys)
{
	ok(verify(keys, good) == NECP_NO_ERROR, "a good token");
	ok(verify(keys, CHANGED(draft_.exp = NOW)) == NECP_TOKEN_EXPIRED, "expired");
	ok(verify(keys, CHANGED(draft_.exp = 0)) == NECP_UNAUTHENTICATED, "without exp");
	ok(verify(keys, CHANGED(draft_.nbf = NOW + 60)) == NECP_UNAUTHENTICATED, "not yet valid");
	ok(verify(keys, CHANGED(draft_.nbf = NOW + 2)) == NECP_NO_ERROR, "clocks may differ a little");
	ok(verify(keys, CHANGED(draft_.iss = "x")) == NECP_UNAUTHENTICATED, "another issuer");
	ok(verify(keys, CHANGED(draft_.type = "refresh")) == NECP_UNAUTHENTICATED, "another type");
	ok(verify(keys, CHANGED(draft_.sub = "-1")) == NECP_UNAUTHENTICATED, "no account");
	ok(verify(keys, CHANGED(draft_.sub = "99999999999999999999")) == NECP_UNAUTHENTICATED,
	   "too large an account");
	ok(verify(keys, CHANGED(draft_.sid = "x")) == NECP_UNAUTHENTICATED, "no session");
	ok(verify(keys, CHANGED(draft_.kid = "k2")) == NECP_UNAUTHENTICATED, "an unknown key");
	ok(verify(keys, CHANGED(draft_.secret = "x123456789abcdef0123456789abcdef")) ==
		   NECP_UNAUTHENTICATED,
	   "another secret");
	ok(verify(keys, CHANGED(draft_.alg = JWT_ALG_NONE)) == NECP_UNAUTHENTICATED, "alg none");
	ok(verify(keys, CHANGED(draft_.alg = JWT_ALG_HS512)) == NECP_UNAUTHENTICATED, "alg HS512");
	ok(verify(NULL, good) == NECP_UNAUTHENTICATED, "no keys at all");
}

static void
test_garbage(const NecpKeys *keys)
{
	static const char *const texts[] =
		{"", ".", "..", "a.b.c", "eyJhbGciOiJIUzI1NiJ9", "eyJ.eyJ.x", "\xFF.\xFF.\xFF"};
	char *text = encode(good);
	NecpClaims claims;
	bool refused = true;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		refused = refused && necp_token_verify(keys, necp_slice(texts[i]), NOW, &claims) ==
								 NECP_UNAUTHENTICATED;
	ok(refused, "garbage");
	refused = true;
	for (size_t i = 0; i < strlen(text) - 1; i++)
	{
		char kept = text[i];

		/* the last digit of each part may hold bits that do not count */
		text[i] = kept == 'A' ? 'B' : 'A';
		if (text[i + 1] != '.' &&
			necp_token_verify(keys, necp_slice(text), NOW, &claims) == NECP_NO_ERROR)
			refused = false;
		text[i] = kept;
	}
	ok(refused, "any letter changed");
	free(text);
}

static void
test_sign(const NecpKeys *keys)
{
	json_t *answer = json_pack("{s:i,s:s,s:[s],s:[]}",
							   "account_id",
							   7,
							   "session_id",
							   SESSION,
							   "roles",
							   "PLAYER",
							   "permissions");
	char *text = necp_token_sign(keys, answer, NOW, 900);
	NecpClaims claims;

	ok(text != NULL, "signed");
	ok(necp_token_verify(keys, necp_slice(text), NOW, &claims) == NECP_NO_ERROR, "verifies");
	ok(claims.account_id == 7 && claims.expires_at == NOW + 900, "claims");
	is(claims.session.text, SESSION, "session");
	free(text);
	json_object_del(answer, "session_id");
	ok(necp_token_sign(keys, answer, NOW, 900) == NULL, "not without a session");
	ok(necp_token_sign(NULL, answer, NOW, 900) == NULL, "not without a key");
	json_decref(answer);
}

static void
test_cache(NecpKeys *keys)
{
	NecpTokenCache *cache = necp_token_cache_new(64);
	NecpKeys *other = necp_keys_single("k9", SECRET, 32);
	char *text = encode(good);
	NecpClaims claims;

	ok(necp_token_check(cache, keys, necp_slice(text), NOW, &claims) == NECP_NO_ERROR,
	   "first time");
	claims.account_id = 0;
	ok(necp_token_check(cache, keys, necp_slice(text), NOW, &claims) == NECP_NO_ERROR &&
		   claims.account_id == 42,
	   "from the cache");
	ok(necp_token_check(cache, keys, necp_slice(text), NOW + 60, &claims) == NECP_TOKEN_EXPIRED,
	   "the cache does not outlive the token");
	ok(necp_token_check(cache, other, necp_slice(text), NOW, &claims) == NECP_UNAUTHENTICATED,
	   "nor its key");
	free(text);
	necp_token_cache_free(cache);
	necp_keys_unref(other);
}

static void
test_build(void)
{
	const char *cells[] = {"k1", SECRET, "f", "k2", "short", "t", "k3", SECRET, "t"};
	PGresult *result = make_result(3, 3, cells);
	NecpKeys *keys = necp_keys_build(result);

	ok(verify(keys, good) == NECP_NO_ERROR, "an inactive key verifies");
	ok(verify(keys, CHANGED(draft_.kid = "k2", draft_.secret = "short")) == NECP_UNAUTHENTICATED,
	   "a short key is left out");
	ok(necp_keys_can_sign(keys), "the active one signs");
	necp_keys_unref(keys);
	PQclear(result);
}

int
main(void)
{
	NecpKeys *keys = necp_keys_single("k1", SECRET, 32);

	test_verify(keys);
	test_garbage(keys);
	test_sign(keys);
	test_cache(keys);
	test_build();
	necp_keys_unref(keys);
	return done_testing();
}
