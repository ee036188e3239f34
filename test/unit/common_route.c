/* SPDX-License-Identifier: PostgreSQL
 *
 * The route table and its matcher.
 */
#include "route.h"

#include "common_tap.h"

#define COLUMNS 14
#define ROW(method, path, function, params)                                                        \
	method, path, function, "account", NULL, NULL, "f", "t", NULL, "f", "200", params, "SELECT 1", \
		NULL
#define ID                                                                                         \
	"[{\"name\":\"id\",\"type\":\"bigint\",\"oid\":20,\"required\":true,\"source\":\"path\"}]"
#define TWO                                                                                        \
	"[{\"name\":\"b\",\"type\":\"text\",\"oid\":25,\"required\":true,\"source\":\"path\"},"        \
	"{\"name\":\"a\",\"type\":\"text\",\"oid\":25,\"required\":true,\"source\":\"path\"}]"

static const char *const cells[] = {
	ROW("GET", "/characters", "list", "[]"),
	ROW("POST", "/characters", "create", "[]"),
	ROW("GET", "/characters/me", "me", "[]"),
	ROW("GET", "/characters/{id}", "read", ID),
	ROW("DELETE", "/characters/{id}", "delete", ID),
	ROW("GET", "/characters/me/bag/small", "small", "[]"),
	ROW("GET", "/characters/{id}/bag/{slot}", "slot", "[]"),
	ROW("GET", "/two/{a}/{b}", "two", TWO),
	ROW("GET", "/broken", "broken",
		"[{\"name\":\"x\",\"type\":\"money\",\"oid\":1,\"source\":\"query\"}]"),
	ROW("BREW", "/coffee", "coffee", "[]"),
	ROW("GET", "/characters/{other}", "twice", "[]"),
	ROW("GET", "/missing/{x}", "missing", ID),
};
#define ROWS ((int) (sizeof(cells) / sizeof(cells[0])) / COLUMNS)

static const char *
find(const NecpRoutes *routes, NecpMethod method, const char *path)
{
	static NecpMatch match;

	switch (necp_routes_match(routes, method, necp_slice(path), &match))
	{
		case NECP_MATCH:
			return match.route->function;
		case NECP_MATCH_METHOD:
			return "405";
		default:
			return "404";
	}
}

static void
test_match(const NecpRoutes *routes)
{
	is(find(routes, NECP_GET, "/characters"), "list", "a literal");
	is(find(routes, NECP_POST, "/characters"), "create", "another method");
	is(find(routes, NECP_GET, "/characters/me"), "me", "a literal beats a parameter");
	is(find(routes, NECP_GET, "/characters/7"), "read", "a parameter");
	is(find(routes, NECP_DELETE, "/characters/me"),
	   "delete",
	   "where the literal lacks the method, the parameter takes it");
	is(find(routes, NECP_GET, "/characters/me/bag/small"), "small", "a long literal");
	is(find(routes, NECP_GET, "/characters/me/bag/5"),
	   "slot",
	   "back from a literal that led nowhere");
	is(find(routes, NECP_GET, "/char%61cters/me"), "me", "percent-encoded");
	is(find(routes, NECP_PUT, "/characters/7"), "405", "no such method");
	is(find(routes, NECP_GET, "/character"), "404", "no such path");
	is(find(routes, NECP_GET, "/characters/"), "404", "an empty segment is no parameter");
	is(find(routes, NECP_GET, "/characters//bag/1"), "404", "nor in the middle");
	is(find(routes, NECP_GET, "/"), "404", "the root");
	is(find(routes, NECP_GET, ""), "404", "nothing");
	is(find(routes, NECP_GET, "characters"), "404", "no slash");
	is(find(routes, NECP_GET, "/characters/7/"), "404", "a slash at the end");
}

static void
test_values(const NecpRoutes *routes)
{
	char long_path[2000];
	NecpMatch match;
	char allow[64];

	necp_routes_match(routes, NECP_GET, necp_slice("/two/x/y%20z"), &match);
	ok(match.nvalues == 2 && necp_slice_is(match.values[0], "x") &&
		   necp_slice_is(match.values[1], "y%20z"),
	   "values in the order of the path, raw");
	ok(match.route->params[0].path_index == 1 && match.route->params[1].path_index == 0,
	   "parameters know their place");
	ok(match.route->statement.nparams == 6 && match.route->statement.types[5] == 25,
	   "types of the statement");
	necp_routes_match(routes, NECP_PATCH, necp_slice("/characters/me"), &match);
	necp_method_list(match.allowed, allow);
	is(allow, "GET, DELETE", "Allow has the methods of all that match");
	memset(long_path, '/', sizeof(long_path));
	for (size_t i = 1; i < sizeof(long_path); i += 2)
		long_path[i] = 'a';
	ok(necp_routes_match(routes, NECP_GET, (NecpSlice){long_path, sizeof(long_path)}, &match) ==
		   NECP_MATCH_NOT_FOUND,
	   "a path of a thousand segments");
}

static void
test_reload(const NecpRoutes *routes, const PGresult *result)
{
	NecpRoutes *same = necp_routes_build(result);
	PGresult *fewer = make_result(COLUMNS, ROWS - 1, cells);
	NecpRoutes *other = necp_routes_build(fewer);
	PGresult *wrong = make_result(2, 1, cells);

	ok(necp_routes_equal(routes, same), "equal rows make equal tables");
	ok(!necp_routes_equal(routes, other) && !necp_routes_equal(routes, NULL), "others do not");
	ok(strcmp(necp_routes_at(routes, 0)->statement.name, necp_routes_at(same, 0)->statement.name) !=
		   0,
	   "statements of two tables have different names");
	ok(necp_routes_build(wrong) == NULL, "other columns are refused");
	necp_routes_unref(same);
	necp_routes_unref(other);
	PQclear(fewer);
	PQclear(wrong);
}

int
main(void)
{
	PGresult *result = make_result(COLUMNS, ROWS, cells);
	NecpRoutes *routes = necp_routes_build(result);

	ok(necp_routes_count(routes) == 8, "four rows that make no sense are left out");
	test_match(routes);
	test_values(routes);
	test_reload(routes, result);
	necp_routes_unref(routes);
	PQclear(result);
	return done_testing();
}
