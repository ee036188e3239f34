/* SPDX-License-Identifier: PostgreSQL
 *
 * The binder: every type from a body and from a query, and every refusal with its field.
 */
#include "bind.h"

#include "common_tap.h"

#define COLUMNS 14
#define PARAM(name, type, source)                                                                  \
	"{\"name\":\"" name "\",\"type\":\"" type                                                      \
	"\",\"oid\":20,\"required\":false,\"source\":\"" source "\"}"
#define REQUIRED(name, type, source)                                                               \
	"{\"name\":\"" name "\",\"type\":\"" type                                                      \
	"\",\"oid\":20,\"required\":true,\"source\":\"" source "\"}"
#define ALL(source)                                                                                                                                                                   \
	"[" PARAM("a", "bigint", source) "," PARAM("b", "integer", source) "," PARAM("c", "smallint", source) "," PARAM("d", "boolean", source) "," PARAM("e", "text", source) "," PARAM( \
		"f",                                                                                                                                                                          \
		"uuid",                                                                                                                                                                       \
		source) "," PARAM("g",                                                                                                                                                        \
						  "double precision",                                                                                                                                         \
						  source) "," PARAM("h",                                                                                                                                      \
											"numeric",                                                                                                                                \
											source) "," PARAM("i",                                                                                                                    \
															  "inet",                                                                                                                 \
															  source) "," PARAM("j",                                                                                                  \
																				"json",                                                                                               \
																				source) "," PARAM("k",                                                                                \
																								  "bigint[]",                                                                         \
																								  source) "," PARAM("l",                                                              \
																													"integer[]",                                                      \
																													source) "," PARAM("m",                                            \
																																	  "text[]",                                       \
																																	  source) "," PARAM("n",                          \
																																						"uuid[]",                     \
																																						source) "," PARAM("ip",       \
																																										  "inet",     \
																																										  "edge") "]"
#define ROW(method, path, params, password, lookup)                                                \
	method, path, "f", "public", NULL, NULL, "f", "f", password, "f", "200", params, "SELECT 1",   \
		lookup

static const char *const cells[] = {
	ROW("POST", "/all", ALL("body"), NULL, NULL),
	ROW("GET", "/all", ALL("query"), NULL, NULL),
	ROW("POST", "/id/{id}",
		"[" REQUIRED("id", "integer", "path") "," REQUIRED("x", "text", "body") "]", NULL, NULL),
	ROW("GET", "/name/{name}",
		"[" REQUIRED("name", "text", "path") "," REQUIRED("q", "text", "query") "]", NULL, NULL),
	ROW("POST", "/hash",
		"[" REQUIRED("user", "text", "body") "," PARAM("password_hash", "text", "edge") "]", "hash",
		NULL),
	ROW("POST", "/change", "[" PARAM("password_hash", "text", "edge") "]", "change", "SELECT 1"),
	ROW("POST", "/reset",
		"[" REQUIRED("token", "text", "body") "," PARAM("password_reused", "boolean", "edge") "]",
		"reset", "SELECT 1"),
	ROW("DELETE", "/optional",
		"[" PARAM("code", "text", "body") "," PARAM("verified_hash", "text", "edge") "]",
		"optional", "SELECT 1"),
	ROW("DELETE", "/verify", "[" PARAM("verified_hash", "text", "edge") "]", "verify", "SELECT 1"),
	ROW("POST", "/none", "[]", NULL, NULL),
};

static NecpRoutes *routes;
static NecpProblem problem;
static NecpBound bound;
static bool bound_ok;

/* Binds; the bound values stay until the next call. */
static bool
bind(NecpMethod method, const char *path, const char *query, NecpSlice body)
{
	NecpMatch match;
	NecpInput input = {&match, necp_slice(query), body};

	if (bound.route != NULL)
		necp_bound_free(&bound);
	memset(&problem, 0, sizeof(problem));
	if (necp_routes_match(routes, method, necp_slice(path), &match) != NECP_MATCH)
		abort();
	bound_ok = necp_bind(&bound, &input, &problem);
	return bound_ok;
}

/* The value of parameter i after binding, NULL if it was refused. */
static const char *
value(int i)
{
	return bound_ok ? bound.values[NECP_FIXED_PARAMS + i] : NULL;
}

static const char *
body_value(int i, const char *body)
{
	bind(NECP_POST, "/all", NULL, necp_slice(body));
	return value(i);
}

static const char *
query_value(int i, const char *query)
{
	bind(NECP_GET, "/all", query, (NecpSlice){NULL, 0});
	return value(i);
}

/* Refused with VALIDATION, naming the field. */
static void
refused(const char *body, const char *field, const char *name)
{
	bool ok_before = bind(NECP_POST, "/all", NULL, necp_slice(body));

	ok(!ok_before && problem.code == NECP_VALIDATION && strcmp(problem.field, field) == 0, name);
	if (ok_before || strcmp(problem.field, field) != 0)
		printf("# field %s, detail %s\n", problem.field, problem.detail);
}

static void
test_body_types(void)
{
	is(body_value(0, "{\"a\":9223372036854775807}"), "9223372036854775807", "bigint");
	is(body_value(0, "{\"a\":-9223372036854775808}"), "-9223372036854775808", "the smallest");
	is(body_value(1, "{\"b\":-2147483648}"), "-2147483648", "integer");
	is(body_value(2, "{\"c\":32767}"), "32767", "smallint");
	is(body_value(3, "{\"d\":false}"), "f", "boolean");
	is(body_value(4, "{\"e\":\"h\\u00e9\"}"), "h\xC3\xA9", "text");
	is(body_value(5, "{\"f\":\"6F1C0C6E-8f0e-4d8e-9d38-0123456789ab\"}"),
	   "6f1c0c6e-8f0e-4d8e-9d38-0123456789ab",
	   "uuid");
	is(body_value(6, "{\"g\":0.1}"), "0.1", "double");
	is(body_value(6, "{\"g\":3}"), "3", "an integer is a double");
	is(body_value(7, "{\"h\":12.5}"), "12.5", "numeric");
	is(body_value(8, "{\"i\":\"2001:db8::/32\"}"), "2001:db8::/32", "inet");
	is(body_value(9, "{\"j\":{\"x\":[1,null]}}"), "{\"x\":[1,null]}", "json");
	is(body_value(10, "{\"k\":[1,-2]}"), "{1,-2}", "bigint[]");
	is(body_value(11, "{\"l\":[]}"), "{}", "an empty list");
	is(body_value(12, "{\"m\":[\"a\\\"b\",\"c\\\\\",\"\",\"NULL\"]}"),
	   "{\"a\\\"b\",\"c\\\\\",\"\",\"NULL\"}",
	   "text[]");
	is(body_value(0, "{\"a\":null}"), NULL, "null");
	ok(bound_ok, "null is allowed where nothing is required");
	ok(bind(NECP_POST, "/all", NULL, (NecpSlice){NULL, 0}), "no body at all");
}

static void
test_body_refusals(void)
{
	refused("{\"a\":\"5\"}", "a", "text is no integer");
	refused("{\"a\":5.0}", "a", "5.0 is no integer");
	refused("{\"b\":2147483648}", "b", "integer out of range");
	refused("{\"c\":-32769}", "c", "smallint out of range");
	refused("{\"d\":0}", "d", "0 is no boolean");
	refused("{\"e\":5}", "e", "a number is no text");
	refused("{\"e\":\"a\\u0000b\"}", "e", "NUL");
	refused("{\"j\":{\"x\":[\"\\u0000\"]}}", "j", "NUL deep inside");
	refused("{\"f\":\"x\"}", "f", "no UUID");
	refused("{\"i\":\"1.2.3.4/33\"}", "i", "no address");
	refused("{\"k\":[1,\"2\"]}", "k", "a list with something else");
	refused("{\"k\":[null]}", "k", "a list with null");
	refused("{\"k\":1}", "k", "no list");
	refused("{\"zz\":1}", "zz", "an unknown field");
	refused("{\"ip\":\"1.2.3.4\"}", "ip", "what the edge fills in");
	refused("{\"e\":\"\\\"a\\\":\",\"a\":9223372036854775808}", "a", "beyond 64 bits");
	refused("{\"j\":{\"a\":[99999999999999999999]},\"a\":1}", "j", "beyond 64 bits deep inside");
	refused("{\"a\":1,\"g\":1e999}", "g", "beyond a double");
	refused("{\"a\":1,\"b\":2,\"a\":3}", "a", "a member twice");
	refused("{\"j\":{\"x\":1,\"x\":1}}", "j", "a member twice deep inside");
	refused("{\"g\":NaN}", "", "NaN");
	refused("{\"a\":1} x", "", "something behind");
	refused("[]", "", "no object");
	refused("{\"e\":\"\xFF\"}", "", "no UTF-8");
	refused("{\"e\":\"\\ud800\"}", "", "half a surrogate");
}

static void
test_query(void)
{
	is(query_value(0, "a=-5"), "-5", "bigint");
	is(query_value(4, "e=a%20b%2Bc+d"), "a b+c d", "text, decoded");
	is(query_value(6, "g=1e3"), "1000", "double");
	is(query_value(7, "h=12345678901234567890.5"),
	   "12345678901234567890.5",
	   "numeric keeps its digits");
	is(query_value(10, "k=1,2&k=3"), "{1,2,3}", "a list, by comma and repeated");
	is(query_value(12, "m=a,b&m=c"), "{\"a,b\",\"c\"}", "a list of texts, repeated only");
	is(query_value(3, "&&d=true&"), "t", "empty members are nothing");
	is(query_value(0, "a=05"), NULL, "a leading zero");
	is(problem.field, "a", "names the field");
	is(query_value(0, "a=1&a=2"), NULL, "twice");
	is(query_value(0, "b=+1"), NULL, "a plus (a space)");
	is(query_value(0, "a=1.0"), NULL, "a fraction");
	is(query_value(0, "g=NaN"), NULL, "NaN");
	is(query_value(0, "e=%00"), NULL, "NUL");
	is(query_value(0, "e=%ff"), NULL, "no UTF-8");
	is(query_value(0, "e=%f"), NULL, "half an escape");
	is(query_value(0, "zz=1"), NULL, "unknown");
	is(problem.field, "zz", "names it");
}

static void
test_path_and_required(void)
{
	ok(bind(NECP_POST, "/id/7", NULL, NECP_SLICE("{\"x\":\"y\"}")), "path and body");
	is(value(0), "7", "from the path");
	ok(!bind(NECP_POST, "/id/x", NULL, NECP_SLICE("{\"x\":\"y\"}")) &&
		   strcmp(problem.field, "id") == 0,
	   "no integer");
	ok(!bind(NECP_POST, "/id/7", NULL, NECP_SLICE("{}")) && strcmp(problem.field, "x") == 0,
	   "missing in the body");
	ok(!bind(NECP_POST, "/id/7", NULL, NECP_SLICE("{\"x\":null}")) &&
		   strcmp(problem.field, "x") == 0,
	   "null is missing");
	ok(!bind(NECP_POST, "/id/7", NULL, (NecpSlice){NULL, 0}) && strcmp(problem.field, "x") == 0,
	   "no body");
	ok(!bind(NECP_POST, "/id/7", NULL, NECP_SLICE("{\"x\":\"\",\"id\":7}")) &&
		   strcmp(problem.field, "id") == 0,
	   "what belongs to the path is unknown in the body");
	ok(!bind(NECP_POST, "/id/7", "x=1", NECP_SLICE("{\"x\":\"\"}")) &&
		   strcmp(problem.field, "x") == 0,
	   "and what belongs to the body in the query");
	ok(bind(NECP_GET, "/name/a%2Fb+c", "q=", (NecpSlice){NULL, 0}), "an empty text is there");
	is(value(0), "a/b+c", "a path is decoded, its plus is a plus");
	ok(!bind(NECP_GET, "/name/x", NULL, (NecpSlice){NULL, 0}) && strcmp(problem.field, "q") == 0,
	   "missing in the query");
	ok(!bind(NECP_POST, "/none", NULL, NECP_SLICE("{\"x\":1}")) && strcmp(problem.field, "x") == 0,
	   "nothing is wanted");
	ok(bind(NECP_POST, "/none", NULL, NECP_SLICE("{}")), "nothing is given");
}

static void
test_reset(void)
{
	ok(bind(NECP_POST,
			"/reset",
			NULL,
			NECP_SLICE("{\"token\":\"t\",\"new_password\":\"Passw0rd!\"}")),
	   "a new password without a current one");
	is(bound.new_password, "Passw0rd!", "is to be hashed");
	ok(bound.password == NULL, "nothing is to be verified");
	necp_bind_edge(&bound, "password_reused", "t", 1);
	is(value(1), "t", "whether it was used before is bound");
	ok(!bind(NECP_POST, "/reset", NULL, NECP_SLICE("{\"token\":\"t\"}")) &&
		   problem.code == NECP_VALIDATION && strcmp(problem.field, "new_password") == 0,
	   "it is missing");
	ok(!bind(NECP_POST,
			 "/reset",
			 NULL,
			 NECP_SLICE("{\"token\":\"t\",\"new_password\":\"password\"}")) &&
		   problem.code == NECP_WEAK_PASSWORD && strcmp(problem.field, "new_password") == 0,
	   "it is weak");
}

static void
test_optional(void)
{
	ok(bind(NECP_DELETE, "/optional", NULL, NECP_SLICE("{\"password\":\"x\",\"code\":\"1\"}")),
	   "a DELETE with a body");
	is(bound.password, "x", "its password");
	is(value(0), "1", "and a parameter beside it");
	ok(bind(NECP_DELETE, "/optional", NULL, NECP_SLICE("{\"code\":\"1\"}")) &&
		   bound.password == NULL,
	   "without a password, where it is optional");
	ok(bind(NECP_DELETE, "/optional", NULL, NECP_SLICE("{\"password\":null}")) &&
		   bound.password == NULL,
	   "null is none");
	ok(bind(NECP_DELETE, "/optional", NULL, (NecpSlice){NULL, 0}) && bound.password == NULL,
	   "without a body");
	ok(!bind(NECP_DELETE, "/optional", NULL, NECP_SLICE("{\"password\":5}")) &&
		   strcmp(problem.field, "password") == 0,
	   "a number is none");
	ok(!bind(NECP_DELETE, "/verify", NULL, (NecpSlice){NULL, 0}) &&
		   strcmp(problem.field, "password") == 0,
	   "without a body where a password is wanted");
	ok(!bind(NECP_DELETE, "/verify", "password=x", (NecpSlice){NULL, 0}) &&
		   strcmp(problem.field, "password") == 0,
	   "a password does not come in a query");
}

static void
test_passwords(void)
{
	ok(bind(NECP_POST, "/hash", NULL, NECP_SLICE("{\"user\":\"u\",\"password\":\"Passw0rd!\"}")),
	   "a password");
	is(bound.new_password, "Passw0rd!", "is kept for the edge");
	ok(bound.password == NULL, "there is none to verify");
	is(value(1), NULL, "and not bound");
	necp_bind_edge(&bound, "password_hash", "$argon2id$", 10);
	is(value(1), "$argon2id$", "its hash is");
	ok(!bind(NECP_POST, "/hash", NULL, NECP_SLICE("{\"user\":\"u\",\"password\":\"password\"}")) &&
		   problem.code == NECP_WEAK_PASSWORD && strcmp(problem.field, "password") == 0,
	   "a weak one");
	ok(!bind(NECP_POST, "/hash", NULL, NECP_SLICE("{\"user\":\"u\"}")) &&
		   strcmp(problem.field, "password") == 0,
	   "none");
	ok(!bind(NECP_POST, "/hash", NULL, NECP_SLICE("{\"user\":\"u\",\"password\":5}")), "a number");
	ok(bind(NECP_POST,
			"/change",
			NULL,
			NECP_SLICE("{\"current_password\":\"x\",\"new_password\":\"Passw0rd!\"}")),
	   "two of them; the old one may be weak");
	is(bound.password, "x", "one to verify");
	is(bound.new_password, "Passw0rd!", "one to hash");
	ok(!bind(NECP_POST,
			 "/change",
			 NULL,
			 NECP_SLICE("{\"current_password\":\"Passw0rd!\",\"new_password\":\"x\"}")) &&
		   problem.code == NECP_WEAK_PASSWORD && strcmp(problem.field, "new_password") == 0,
	   "the new one may not");
	ok(!bind(NECP_POST, "/change", NULL, NECP_SLICE("{\"new_password\":\"Passw0rd!\"}")) &&
		   strcmp(problem.field, "current_password") == 0,
	   "the current one is missing");
	ok(!bind(NECP_POST,
			 "/change",
			 NULL,
			 NECP_SLICE("{\"password\":\"x\",\"current_password\":\"x\","
						"\"new_password\":\"Passw0rd!\"}")) &&
		   problem.code == NECP_VALIDATION && strcmp(problem.field, "password") == 0,
	   "another mode's field is unknown");
	test_reset();
	test_optional();
	ok(necp_password_strong("Aa1!aaaa") && !necp_password_strong("Aa1!aaa"), "eight characters");
	ok(!necp_password_strong("aa1!aaaa") && !necp_password_strong("AA1!AAAA") &&
		   !necp_password_strong("Aaa!aaaa") && !necp_password_strong("Aa1aaaaa"),
	   "each kind is wanted");
}

static void
test_hash(void)
{
	unsigned char first[32];
	unsigned char second[32];

	bind(NECP_POST, "/all", NULL, NECP_SLICE("{\"a\":1,\"e\":\"x\"}"));
	necp_bind_hash(&bound, first);
	bind(NECP_POST, "/all", NULL, NECP_SLICE(" { \"e\" : \"x\", \"a\":1, \"b\":null}"));
	necp_bind_edge(&bound, "ip", "1.2.3.4", 7);
	necp_bind_hash(&bound, second);
	ok(memcmp(first, second, 32) == 0, "space, order, null and the edge's values do not matter");
	bind(NECP_POST, "/all", NULL, NECP_SLICE("{\"a\":1,\"e\":\"y\"}"));
	necp_bind_hash(&bound, second);
	ok(memcmp(first, second, 32) != 0, "a value does");
	bind(NECP_POST, "/all", NULL, NECP_SLICE("{\"b\":1,\"e\":\"x\"}"));
	necp_bind_hash(&bound, second);
	ok(memcmp(first, second, 32) != 0, "and its place");
	necp_bind_fixed(&bound, "s", NULL, "t");
	ok(bound.values[2] == NULL, "no hash without a key");
	necp_bind_fixed(&bound, "s", "k", "t");
	ok(strncmp(bound.values[2], "\\x", 2) == 0 && strlen(bound.values[2]) == 66,
	   "the hash as bytea");
}

int
main(void)
{
	PGresult *result =
		make_result(COLUMNS, (int) (sizeof(cells) / sizeof(cells[0])) / COLUMNS, cells);

	routes = necp_routes_build(result);
	ok(necp_routes_count(routes) == 10, "routes");
	test_body_types();
	test_body_refusals();
	test_query();
	test_path_and_required();
	test_passwords();
	test_hash();
	necp_bound_free(&bound);
	necp_routes_unref(routes);
	PQclear(result);
	return done_testing();
}
