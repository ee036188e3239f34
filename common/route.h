/* SPDX-License-Identifier: PostgreSQL
 *
 * The routes of necp.edge_routes() (docs/interfaces.md §2) and the matcher over them. A table never
 * changes; a reload makes a new one, and requests keep the one they began with.
 */
#ifndef NECP_ROUTE_H
#define NECP_ROUTE_H

#include <libpq-fe.h>

#include "buf.h"
#include "pool.h"

#define NECP_MAX_PARAMS 48 /* of a route, the four of the kernel not counted */
#define NECP_MAX_PATH_PARAMS 8
#define NECP_FIXED_PARAMS 4 /* session, idempotency key, hash, trace id */

typedef enum NecpMethod
{
	NECP_GET,
	NECP_POST,
	NECP_PUT,
	NECP_DELETE,
	NECP_PATCH,
	NECP_METHODS
} NecpMethod;

typedef enum NecpAuth
{
	NECP_AUTH_PUBLIC,
	NECP_AUTH_ACCOUNT,
	NECP_AUTH_CHARACTER
} NecpAuth;

typedef enum NecpPasswordMode
{
	NECP_PASSWORD_NONE,
	NECP_PASSWORD_HASH,
	NECP_PASSWORD_VERIFY,
	NECP_PASSWORD_OPTIONAL,
	NECP_PASSWORD_CHANGE,
	NECP_PASSWORD_RESET
} NecpPasswordMode;

typedef enum NecpType
{
	NECP_TYPE_BIGINT,
	NECP_TYPE_INTEGER,
	NECP_TYPE_SMALLINT,
	NECP_TYPE_BOOLEAN,
	NECP_TYPE_TEXT,
	NECP_TYPE_UUID,
	NECP_TYPE_DOUBLE,
	NECP_TYPE_NUMERIC,
	NECP_TYPE_INET,
	NECP_TYPE_JSON,
	NECP_TYPE_BIGINT_ARRAY,
	NECP_TYPE_INTEGER_ARRAY,
	NECP_TYPE_TEXT_ARRAY,
	NECP_TYPE_UUID_ARRAY,
	NECP_TYPES
} NecpType;

typedef enum NecpSource
{
	NECP_FROM_PATH,
	NECP_FROM_QUERY,
	NECP_FROM_BODY,
	NECP_FROM_EDGE
} NecpSource;

typedef struct NecpParam
{
	const char *name;
	NecpType type;
	NecpSource source;
	bool required;
	int path_index; /* which parameter of the path, if it comes from there */
} NecpParam;

typedef struct NecpRoutes NecpRoutes;

typedef struct NecpRoute
{
	NecpRoutes *table;
	int index; /* 0 .. count - 1 */
	NecpMethod method;
	const char *path; /* the template, without /api/v1 */
	const char *function;
	const char *permission; /* or NULL */
	const char *rate;       /* or NULL */
	NecpAuth auth;
	NecpPasswordMode password;
	bool idempotent;
	bool read_only;
	bool issues_token;
	bool has_body; /* a parameter or a password comes from the body */
	int status;
	int nparams;
	const NecpParam *params; /* value i is placeholder $(5 + i) */
	NecpStatement statement;
	NecpStatement lookup; /* of a password; sql NULL if there is none */
	void *user;           /* for the server; set before the table is shared */
} NecpRoute;

typedef enum NecpMatchResult
{
	NECP_MATCH,
	NECP_MATCH_NOT_FOUND,
	NECP_MATCH_METHOD /* there is such a path, with the methods in allowed */
} NecpMatchResult;

typedef struct NecpMatch
{
	NecpRoute *route;
	unsigned allowed; /* bit 1 << method */
	int nvalues;
	NecpSlice values[NECP_MAX_PATH_PARAMS]; /* raw, still percent-encoded */
} NecpMatch;

/* The query that loads them; its one parameter is the service or NULL. */
#define NECP_ROUTES_QUERY                                                                          \
	"SELECT method, path, function, auth, permission, rate, idempotent, read_only, password,"      \
	" issues_token, status, params, statement, lookup FROM necp.edge_routes($1)"

/*
 * Builds the table; rows that make no sense are logged and left out. NULL if the result has other
 * columns. The caller owns one reference.
 */
NecpRoutes *necp_routes_build(const PGresult *result);
NecpRoutes *necp_routes_ref(NecpRoutes *routes);
void necp_routes_unref(NecpRoutes *routes);
int necp_routes_count(const NecpRoutes *routes);
NecpRoute *necp_routes_at(const NecpRoutes *routes, int index);
/* Whether two tables were built from equal rows. */
bool necp_routes_equal(const NecpRoutes *a, const NecpRoutes *b);

/*
 * Finds the route of a path ("/loot/drops/7/assign", no query). A literal segment beats a
 * parameter; segments are compared after percent-decoding.
 */
NecpMatchResult necp_routes_match(const NecpRoutes *routes, NecpMethod method, NecpSlice path,
								  NecpMatch *match);

bool necp_method_by_name(NecpSlice name, NecpMethod *method);
const char *necp_method_name(NecpMethod method);
/* "GET, POST"; out holds at least 40 bytes. */
void necp_method_list(unsigned methods, char *out);

#endif
