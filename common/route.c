/* SPDX-License-Identifier: PostgreSQL
 *
 * The route table: built from rows, held in one arena, matched through a tree of path segments.
 */
#include "route.h"

#include <jansson.h>
#include <sodium.h>
#include <stdatomic.h>

#include "log.h"

#define UUID_OID 2950
#define BYTEA_OID 17

enum
{
	COL_METHOD,
	COL_PATH,
	COL_FUNCTION,
	COL_AUTH,
	COL_PERMISSION,
	COL_RATE,
	COL_IDEMPOTENT,
	COL_READ_ONLY,
	COL_PASSWORD,
	COL_ISSUES_TOKEN,
	COL_STATUS,
	COL_PARAMS,
	COL_STATEMENT,
	COL_LOOKUP,
	COLUMNS
};

typedef struct Node
{
	struct Node *next; /* among the literals of one parent */
	struct Node *literals;
	struct Node *parameter;
	NecpSlice segment;
	unsigned methods;
	NecpRoute *routes[NECP_METHODS];
} Node;

struct NecpRoutes
{
	_Atomic int references;
	uint32_t generation;
	int count;
	NecpRoute *routes;
	Node root;
	unsigned char digest[crypto_generichash_BYTES];
	NecpArena arena;
};

static const char *const method_names[NECP_METHODS] = {"GET", "POST", "PUT", "DELETE", "PATCH"};
static const char *const auth_names[] = {"public", "account", "character", NULL};
static const char *const password_names[] =
	{"", "hash", "verify", "optional", "change", "reset", NULL};
static const char *const source_names[] = {"path", "query", "body", "edge", NULL};
static const char *const type_names[] = {"bigint",
										 "integer",
										 "smallint",
										 "boolean",
										 "text",
										 "uuid",
										 "double precision",
										 "numeric",
										 "inet",
										 "json",
										 "bigint[]",
										 "integer[]",
										 "text[]",
										 "uuid[]",
										 NULL};

/* Index of text in the list, -1 if it is not there. */
static int
find_name(const char *const *names, const char *text)
{
	for (int i = 0; text != NULL && names[i] != NULL; i++)
		if (strcmp(names[i], text) == 0)
			return i;
	return -1;
}

bool
necp_method_by_name(NecpSlice name, NecpMethod *method)
{
	for (int i = 0; i < NECP_METHODS; i++)
		if (necp_slice_is(name, method_names[i]))
		{
			*method = (NecpMethod) i;
			return true;
		}
	return false;
}

const char *
necp_method_name(NecpMethod method)
{
	return method_names[method];
}

void
necp_method_list(unsigned methods, char *out)
{
	out[0] = '\0';
	for (int i = 0; i < NECP_METHODS; i++)
		if ((methods & (1u << i)) != 0)
		{
			if (out[0] != '\0')
				strcat(out, ", ");
			strcat(out, method_names[i]);
		}
}

/* A cell as text in the table's arena, NULL for SQL NULL. */
static const char *
cell(NecpRoutes *table, const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return NULL;
	return necp_arena_text(&table->arena,
						   PQgetvalue(result, row, column),
						   (size_t) PQgetlength(result, row, column));
}

static bool
cell_is_true(const PGresult *result, int row, int column)
{
	return !PQgetisnull(result, row, column) && PQgetvalue(result, row, column)[0] == 't';
}

/* The segment starting at *at; moves it behind. False at the end of the path. */
static bool
next_segment(NecpSlice path, size_t *at, NecpSlice *segment)
{
	size_t start;

	if (*at >= path.len || path.base[*at] != '/')
		return false;
	start = ++*at;
	while (*at < path.len && path.base[*at] != '/')
		++*at;
	*segment = (NecpSlice){path.base + start, *at - start};
	return true;
}

static bool
is_parameter(NecpSlice segment)
{
	return segment.len > 2 && segment.base[0] == '{' && segment.base[segment.len - 1] == '}';
}

/* Which parameter of the template has this name, -1 if none. */
static int
path_index(const char *template, const char *name)
{
	NecpSlice path = necp_slice(template);
	NecpSlice segment;
	size_t at = 0;
	int index = 0;

	while (next_segment(path, &at, &segment))
	{
		if (!is_parameter(segment))
			continue;
		if (necp_slice_is((NecpSlice){segment.base + 1, segment.len - 2}, name))
			return index;
		index++;
	}
	return -1;
}

static const char *
member_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static const char *
read_param(NecpRoutes *table, NecpRoute *route, const json_t *json, NecpParam *param, Oid *type_oid)
{
	int type = find_name(type_names, member_text(json, "type"));
	int source = find_name(source_names, member_text(json, "source"));
	const char *name = member_text(json, "name");
	json_int_t oid = json_integer_value(json_object_get(json, "oid"));

	if (name == NULL || type < 0 || source < 0 || oid <= 0)
		return "a parameter without a known name, type, oid and source";
	param->name = necp_arena_text(&table->arena, name, strlen(name));
	param->type = (NecpType) type;
	param->source = (NecpSource) source;
	param->required = json_is_true(json_object_get(json, "required"));
	param->path_index = source == NECP_FROM_PATH ? path_index(route->path, name) : 0;
	if (param->path_index < 0)
		return "a parameter that is not in its path";
	if (source == NECP_FROM_BODY)
		route->has_body = true;
	*type_oid = (Oid) oid;
	return NULL;
}

static const char *
read_params(NecpRoutes *table, NecpRoute *route, const char *text, Oid **oids)
{
	json_t *array = text ? json_loads(text, 0, NULL) : NULL;
	size_t count = json_array_size(array);
	const char *trouble = NULL;
	NecpParam *params;

	if (!json_is_array(array) || count > NECP_MAX_PARAMS)
	{
		json_decref(array);
		return "params that are not a list, or too many";
	}
	params = necp_arena_alloc(&table->arena, (count + 1) * sizeof(NecpParam));
	*oids = necp_arena_alloc(&table->arena, (NECP_FIXED_PARAMS + count) * sizeof(Oid));
	memcpy(*oids,
		   (Oid[]){UUID_OID, UUID_OID, BYTEA_OID, UUID_OID},
		   NECP_FIXED_PARAMS * sizeof(Oid));
	for (size_t i = 0; i < count && trouble == NULL; i++)
		trouble = read_param(table,
							 route,
							 json_array_get(array, i),
							 &params[i],
							 &(*oids)[NECP_FIXED_PARAMS + i]);
	route->params = params;
	route->nparams = (int) count;
	json_decref(array);
	return trouble;
}

/* Fills the route from its row; returns what is wrong with it, or NULL. */
static const char *
read_route(NecpRoutes *table, NecpRoute *route, const PGresult *result, int row)
{
	const char *password = cell(table, result, row, COL_PASSWORD);
	const char *method = cell(table, result, row, COL_METHOD);
	const char *sql = cell(table, result, row, COL_STATEMENT);
	const char *status = cell(table, result, row, COL_STATUS);
	int auth = find_name(auth_names, cell(table, result, row, COL_AUTH));
	int mode = find_name(password_names, password ? password : "");
	const char *trouble;
	Oid *oids;

	*route = (NecpRoute){.table = table};
	route->path = cell(table, result, row, COL_PATH);
	route->function = cell(table, result, row, COL_FUNCTION);
	route->permission = cell(table, result, row, COL_PERMISSION);
	route->rate = cell(table, result, row, COL_RATE);
	route->idempotent = cell_is_true(result, row, COL_IDEMPOTENT);
	route->read_only = cell_is_true(result, row, COL_READ_ONLY);
	route->issues_token = cell_is_true(result, row, COL_ISSUES_TOKEN);
	route->status = status ? atoi(status) : 200;
	if (method == NULL || !necp_method_by_name(necp_slice(method), &route->method))
		return "an unknown method";
	if (route->path == NULL || route->path[0] != '/' || route->function == NULL || sql == NULL)
		return "no path, function or statement";
	if (auth < 0 || mode < 0 || route->status < 200 || route->status > 299)
		return "an unknown auth, password mode or status";
	route->auth = (NecpAuth) auth;
	route->password = (NecpPasswordMode) mode;
	route->has_body = mode != NECP_PASSWORD_NONE;
	trouble = read_params(table, route, cell(table, result, row, COL_PARAMS), &oids);
	if (trouble != NULL)
		return trouble;
	necp_statement_init(&route->statement,
						table->generation,
						sql,
						NECP_FIXED_PARAMS + route->nparams,
						oids);
	sql = cell(table, result, row, COL_LOOKUP);
	if (sql != NULL)
		necp_statement_init(&route->lookup,
							table->generation,
							sql,
							NECP_FIXED_PARAMS + route->nparams,
							oids);
	else if (mode != NECP_PASSWORD_NONE && mode != NECP_PASSWORD_HASH)
		return "no password lookup";
	return NULL;
}

static Node *
make_node(NecpRoutes *table, NecpSlice segment)
{
	Node *node = necp_arena_alloc(&table->arena, sizeof(Node));

	*node = (Node){.segment = segment};
	return node;
}

static Node *
find_literal(const Node *parent, NecpSlice segment)
{
	for (Node *node = parent->literals; node != NULL; node = node->next)
		if (node->segment.len == segment.len &&
			memcmp(node->segment.base, segment.base, segment.len) == 0)
			return node;
	return NULL;
}

/* Hangs the route into the tree; returns what is wrong, or NULL. */
static const char *
insert_route(NecpRoutes *table, NecpRoute *route)
{
	NecpSlice path = necp_slice(route->path);
	NecpSlice segment;
	Node *node = &table->root;
	size_t at = 0;
	int parameters = 0;

	while (next_segment(path, &at, &segment))
	{
		Node *child = is_parameter(segment) ? node->parameter : find_literal(node, segment);

		if (is_parameter(segment) && ++parameters > NECP_MAX_PATH_PARAMS)
			return "too many parameters in its path";
		if (child == NULL)
		{
			child = make_node(table, segment);
			if (is_parameter(segment))
				node->parameter = child;
			else
			{
				child->next = node->literals;
				node->literals = child;
			}
		}
		node = child;
	}
	if (node->routes[route->method] != NULL)
		return "the same method and path as another";
	node->routes[route->method] = route;
	node->methods |= 1u << route->method;
	return NULL;
}

static void
digest_result(NecpRoutes *table, const PGresult *result)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof(table->digest));
	for (int row = 0; row < PQntuples(result); row++)
		for (int column = 0; column < COLUMNS; column++)
		{
			int len = PQgetisnull(result, row, column) ? -1 : PQgetlength(result, row, column);

			crypto_generichash_update(&state, (const unsigned char *) &len, sizeof(len));
			crypto_generichash_update(&state,
									  (const unsigned char *) PQgetvalue(result, row, column),
									  len < 0 ? 0 : (unsigned long long) len);
		}
	crypto_generichash_final(&state, table->digest, sizeof(table->digest));
}

NecpRoutes *
necp_routes_build(const PGresult *result)
{
	static _Atomic uint32_t next_generation = 1;
	int rows = PQntuples(result);
	NecpRoutes *table;

	if (PQnfields(result) != COLUMNS)
		return NULL;
	table = necp_alloc_zero(sizeof(NecpRoutes));
	atomic_init(&table->references, 1);
	table->generation = atomic_fetch_add(&next_generation, 1);
	necp_arena_init(&table->arena);
	table->routes = necp_arena_alloc(&table->arena, ((size_t) rows + 1) * sizeof(NecpRoute));
	for (int row = 0; row < rows; row++)
	{
		NecpRoute *route = &table->routes[table->count];
		const char *trouble = read_route(table, route, result, row);

		if (trouble == NULL)
			trouble = insert_route(table, route);
		if (trouble != NULL)
		{
			necp_log(NECP_LOG_ERROR,
					 "route %s %s is left out: it has %s",
					 PQgetvalue(result, row, COL_METHOD),
					 PQgetvalue(result, row, COL_PATH),
					 trouble);
			continue;
		}
		route->index = table->count++;
	}
	digest_result(table, result);
	return table;
}

NecpRoutes *
necp_routes_ref(NecpRoutes *routes)
{
	if (routes != NULL)
		atomic_fetch_add_explicit(&routes->references, 1, memory_order_relaxed);
	return routes;
}

void
necp_routes_unref(NecpRoutes *routes)
{
	if (routes == NULL || atomic_fetch_sub(&routes->references, 1) != 1)
		return;
	necp_arena_free(&routes->arena);
	free(routes);
}

int
necp_routes_count(const NecpRoutes *routes)
{
	return routes->count;
}

NecpRoute *
necp_routes_at(const NecpRoutes *routes, int index)
{
	return &routes->routes[index];
}

bool
necp_routes_equal(const NecpRoutes *a, const NecpRoutes *b)
{
	return a != NULL && b != NULL && memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char) (c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes into out (as long as the segment); the segment itself if nothing is encoded. */
static NecpSlice
decode_segment(NecpSlice segment, char *out)
{
	size_t len = 0;

	if (memchr(segment.base, '%', segment.len) == NULL)
		return segment;
	for (size_t i = 0; i < segment.len; i++)
	{
		char c = segment.base[i];

		if (c == '%' && i + 2 < segment.len && hex_digit(segment.base[i + 1]) >= 0 &&
			hex_digit(segment.base[i + 2]) >= 0)
		{
			c = (char) (hex_digit(segment.base[i + 1]) * 16 + hex_digit(segment.base[i + 2]));
			i += 2;
		}
		out[len++] = c;
	}
	return (NecpSlice){out, len};
}

/*
 * Walks the tree, literals first; goes back to a parameter where a literal led nowhere. The depth
 * is bounded by the longest template.
 */
static bool
match_node(const Node *node, NecpMethod method, NecpSlice path, size_t at, NecpMatch *match)
{
	char decoded[256];
	NecpSlice segment;
	const Node *literal;

	if (!next_segment(path, &at, &segment))
	{
		match->allowed |= node->methods;
		match->route = node->routes[method];
		return match->route != NULL;
	}
	if (segment.len == 0)
		return false;
	if (node->literals != NULL && segment.len <= sizeof(decoded))
	{
		literal = find_literal(node, decode_segment(segment, decoded));
		if (literal != NULL && match_node(literal, method, path, at, match))
			return true;
	}
	if (node->parameter == NULL || match->nvalues == NECP_MAX_PATH_PARAMS)
		return false;
	match->values[match->nvalues++] = segment;
	if (match_node(node->parameter, method, path, at, match))
		return true;
	match->nvalues--;
	return false;
}

NecpMatchResult
necp_routes_match(const NecpRoutes *routes, NecpMethod method, NecpSlice path, NecpMatch *match)
{
	match->route = NULL;
	match->allowed = 0;
	match->nvalues = 0;
	if (path.len > 1 && match_node(&routes->root, method, path, 0, match))
		return NECP_MATCH;
	return match->allowed != 0 ? NECP_MATCH_METHOD : NECP_MATCH_NOT_FOUND;
}
