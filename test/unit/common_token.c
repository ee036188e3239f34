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
	const char *cells[] = {"k1", SECRET, "0", "k2", "short", "0", "k3", SECRET, "0"};
	PGresult *result = make_result(3, 3, cells);
	NecpKeys *keys = necp_keys_build(result);

	ok(verify(keys, good) == NECP_NO_ERROR, "an older key verifies");
	ok(verify(keys, CHANGED(draft_.kid = "k2", draft_.secret = "short")) == NECP_UNAUTHENTICATED,
	   "a short key is left out");
	ok(necp_keys_can_sign(keys), "there is one that signs");
	necp_keys_unref(keys);
	PQclear(result);
	result = make_result(0, 3, cells);
	keys = necp_keys_build(result);
	ok(!necp_keys_can_sign(keys), "no keys, none signs");
	necp_keys_unref(keys);
	PQclear(result);
}

/* The kid of a token that is signed at a time. */
static const char *
signed_with(const NecpKeys *keys, int64_t now)
{
	json_t *answer = json_pack("{s:I,s:s}", "account_id", (json_int_t) 7, "session_id", SESSION);
	char *text = necp_token_sign(keys, answer, now, 900);
	static const char *const kids[] = {"k1", "k2", "k3"};
	NecpClaims claims;
	const char *found = "none";

	for (int i = 0; i < 3; i++)
	{
		NecpKeys *one = necp_keys_single(kids[i], SECRET, 32);

		if (text != NULL && necp_token_verify(one, necp_slice(text), now, &claims) == NECP_NO_ERROR)
			found = kids[i];
		necp_keys_unref(one);
	}
	json_decref(answer);
	free(text);
	return found;
}

static void
test_turns(void)
{
	const char *cells[] = {"k1", SECRET, "1000", "k2", SECRET, "2000", "k3", SECRET, "2000"};
	const char *other[] = {"k1", SECRET, "1000", "k2", SECRET, "2001", "k3", SECRET, "2000"};
	PGresult *result = make_result(3, 3, cells);
	NecpKeys *keys = necp_keys_build(result);
	NecpKeys *same = necp_keys_build(result);
	NecpKeys *late;

	is(signed_with(keys, 1000), "k1", "a key signs from its time on");
	is(signed_with(keys, 1999), "k1", "until another's time has come");
	is(signed_with(keys, 2000), "k3", "of two that begin together the last one");
	is(signed_with(keys, 999), "k1", "before its time, where there is no other");
	ok(verify(keys, CHANGED(draft_.kid = "k3")) == NECP_NO_ERROR, "one to come verifies already");
	ok(necp_keys_equal(keys, same), "the same keys are equal");
	PQclear(result);
	result = make_result(3, 3, other);
	late = necp_keys_build(result);
	ok(!necp_keys_equal(keys, late), "with another turn they are not");
	ok(!necp_keys_equal(keys, NULL) && necp_keys_equal(NULL, NULL), "none are equal to none");
	PQclear(result);
	necp_keys_unref(late);
	necp_keys_unref(same);
	necp_keys_unref(keys);
}

static bool
names_other(const NecpKeys *keys, Draft draft)
{
	char *text = encode(draft);
	bool other = necp_token_names_other_key(keys, necp_slice(text));

	free(text);
	return other;
}

static void
test_other_key(NecpKeys *keys)
{
	char long_kid[66];

	memset(long_kid, 'k', 65);
	long_kid[65] = '\0';
	ok(!names_other(keys, good), "a key that is known");
	ok(names_other(keys, CHANGED(draft_.kid = "k9")), "one that is not");
	ok(!names_other(keys, CHANGED(draft_.kid = "k9", draft_.alg = JWT_ALG_HS512)),
	   "another algorithm is not asked about");
	ok(!names_other(keys, CHANGED(draft_.kid = NULL)), "nor is no key");
	ok(!names_other(keys, CHANGED(draft_.kid = long_kid)), "nor what no key is called");
	ok(!necp_token_names_other_key(keys, necp_slice("")), "nor no token");
	ok(!necp_token_names_other_key(keys, necp_slice("e30.e30.x")), "nor an empty header");
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
	test_turns();
	test_other_key(keys);
	necp_keys_unref(keys);
	return done_testing();
}
