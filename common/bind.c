/* SPDX-License-Identifier: PostgreSQL
 *
 * Binds what a request holds to the parameters of its route. Every value of the client must belong
 * to a parameter, and every parameter gets its value from one place only.
 */
#include "bind.h"

#include <sodium.h>
#include <stdio.h>

#include "bind_int.h"

#define MAX_PAIRS 64

/* A member of a query, decoded. */
typedef struct Pair
{
	NecpSlice name;
	NecpSlice value;
	bool used;
} Pair;

static bool
refuse(NecpProblem *problem, const char *field, const char *reason)
{
	necp_problem_set(problem, NECP_VALIDATION, field, "%s", reason);
	return false;
}

static bool
refuse_missing(NecpProblem *problem, const char *field)
{
	return refuse(problem, field, "is missing");
}

/* A name that came from the client: shown only as far as it is text. */
static bool
refuse_unknown(NecpProblem *problem, const char *name, size_t len)
{
	char field[64] = "?";

	if (len > 0 && necp_utf8_valid(name, len))
		snprintf(field,
				 sizeof(field),
				 "%.*s",
				 (int) necp_utf8_cut(name, len, sizeof(field) - 1),
				 name);
	return refuse(problem, field, "is not a field of this request");
}

static bool
bind_path(NecpBound *bound, const NecpMatch *match, NecpProblem *problem)
{
	const NecpRoute *route = bound->route;

	for (int i = 0; i < route->nparams; i++)
	{
		const NecpParam *param = &route->params[i];
		const char *reason = "has a broken percent escape";
		const char *value = NULL;
		NecpSlice text = {NULL, 0};

		if (param->source != NECP_FROM_PATH)
			continue;
		if (param->path_index < match->nvalues)
			text.base = necp_percent_decode(&bound->arena,
											match->values[param->path_index],
											false,
											&text.len);
		if (text.base != NULL)
			value = necp_value_from_text(&bound->arena, param->type, &text, 1, &reason);
		if (value == NULL)
			return refuse(problem, param->name, reason);
		bound->values[NECP_FIXED_PARAMS + i] = value;
	}
	return true;
}

/* Splits and decodes the query; -1 (with the problem) if it cannot be read. */
static int
split_query(NecpBound *bound, NecpSlice query, Pair *pairs, NecpProblem *problem)
{
	size_t at = 0;
	int count = 0;

	while (at < query.len)
	{
		const char *start = query.base + at;
		const char *end = memchr(start, '&', query.len - at);
		size_t len = end ? (size_t) (end - start) : query.len - at;
		const char *equals = memchr(start, '=', len);
		size_t name_len = equals ? (size_t) (equals - start) : len;
		NecpSlice raw_value = {equals ? equals + 1 : start + len, equals ? len - name_len - 1 : 0};
		Pair *pair = &pairs[count];

		at += len + 1;
		if (len == 0)
			continue;
		if (count == MAX_PAIRS)
		{
			refuse(problem, NULL, "the query has too many fields");
			return -1;
		}
		pair->used = false;
		pair->name.base =
			necp_percent_decode(&bound->arena, (NecpSlice){start, name_len}, true, &pair->name.len);
		pair->value.base = necp_percent_decode(&bound->arena, raw_value, true, &pair->value.len);
		if (pair->name.base == NULL || pair->value.base == NULL)
		{
			refuse(problem, pair->name.base, "has a broken percent escape");
			return -1;
		}
		count++;
	}
	return count;
}

static bool
bind_query_param(NecpBound *bound, int index, Pair *pairs, int npairs, NecpProblem *problem)
{
	const NecpParam *param = &bound->route->params[index];
	NecpSlice values[MAX_PAIRS];
	const char *reason;
	int count = 0;

	for (int i = 0; i < npairs; i++)
		if (necp_slice_is(pairs[i].name, param->name))
		{
			pairs[i].used = true;
			values[count++] = pairs[i].value;
		}
	if (count == 0)
		return param->required ? refuse_missing(problem, param->name) : true;
	bound->values[NECP_FIXED_PARAMS + index] =
		necp_value_from_text(&bound->arena, param->type, values, count, &reason);
	return bound->values[NECP_FIXED_PARAMS + index] != NULL || refuse(problem, param->name, reason);
}

static bool
bind_query(NecpBound *bound, NecpSlice query, NecpProblem *problem)
{
	Pair pairs[MAX_PAIRS];
	int npairs = query.len > 0 ? split_query(bound, query, pairs, problem) : 0;

	if (npairs < 0)
		return false;
	for (int i = 0; i < bound->route->nparams; i++)
		if (bound->route->params[i].source == NECP_FROM_QUERY &&
			!bind_query_param(bound, i, pairs, npairs, problem))
			return false;
	for (int i = 0; i < npairs; i++)
		if (!pairs[i].used)
			return refuse_unknown(problem, pairs[i].name.base, pairs[i].name.len);
	return true;
}

/*
 * The member of the outermost object in which byte `end` of a JSON text lies: jansson says where a
 * text went wrong (a number out of range, a member twice), the client wants to know the field.
 */
static NecpSlice
member_before(NecpSlice text, size_t end)
{
	NecpSlice member = {NULL, 0};
	bool in_text = false;
	bool at_name = false;
	bool is_name = false;
	int depth = 0;

	for (size_t i = 0; i < end && i < text.len; i++)
	{
		char c = text.base[i];

		if (in_text)
		{
			if (c == '\\')
				i++;
			else if (c == '"')
			{
				in_text = false;
				if (is_name)
					member.len = (size_t) (text.base + i - member.base);
			}
		}
		else if (c == '"')
		{
			in_text = true;
			is_name = depth == 1 && at_name;
			if (is_name)
				member = (NecpSlice){text.base + i + 1, 0};
		}
		else if (c == '{' || c == '[')
			at_name = ++depth == 1;
		else if (c == '}' || c == ']')
			depth--;
		else if (c == ',')
			at_name = true;
		else if (c == ':' && depth == 1)
			at_name = false;
	}
	return member;
}

static json_t *
parse_body(NecpSlice body, NecpProblem *problem)
{
	json_error_t error;
	json_t *json = json_loadb(body.base, body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	NecpSlice member = {NULL, 0};
	char field[64] = "";

	if (json_is_object(json))
		return json;
	if (json == NULL && error.position > 0)
		member = member_before(body, (size_t) error.position);
	json_decref(json);
	if (member.len > 0 && necp_utf8_valid(member.base, member.len))
		snprintf(field,
				 sizeof(field),
				 "%.*s",
				 (int) necp_utf8_cut(member.base, member.len, sizeof(field) - 1),
				 member.base);
	if (json != NULL)
		refuse(problem, NULL, "the body must be a JSON object");
	else if (json_error_code(&error) == json_error_duplicate_key)
		refuse(problem, field, "is there more than once");
	else if (json_error_code(&error) == json_error_numeric_overflow)
		refuse(problem, field, "is out of range");
	else
		necp_problem_set(problem,
						 NECP_VALIDATION,
						 NULL,
						 "the body is not JSON, line %d column %d",
						 error.line,
						 error.column);
	return NULL;
}

/* The members of a body that hold passwords. Where one is to be made, its field comes last. */
typedef struct PasswordFields
{
	const char *known;  /* to verify, or NULL */
	const char *chosen; /* to hash, or NULL */
	bool optional;      /* the known one may be missing */
} PasswordFields;

static const PasswordFields password_fields[] = {
	[NECP_PASSWORD_NONE] = {NULL, NULL, false},
	[NECP_PASSWORD_HASH] = {NULL, "password", false},
	[NECP_PASSWORD_VERIFY] = {"password", NULL, false},
	[NECP_PASSWORD_OPTIONAL] = {"password", NULL, true},
	[NECP_PASSWORD_CHANGE] = {"current_password", "new_password", false},
	[NECP_PASSWORD_RESET] = {NULL, "new_password", false},
};

/* A password is text and kept for the edge. Counts the member in *taken if it is there. */
static bool
take_password(NecpBound *bound, const json_t *body, const char *name, bool optional, char **target,
			  size_t *taken, NecpProblem *problem)
{
	const json_t *json = json_object_get(body, name);
	const char *reason;

	if (json != NULL)
		++*taken;
	if (json == NULL || json_is_null(json))
		return optional || refuse_missing(problem, name);
	*target = (char *) necp_value_from_json(&bound->arena, NECP_TYPE_TEXT, json, &reason);
	return *target != NULL || refuse(problem, name, reason);
}

static bool
take_passwords(NecpBound *bound, const json_t *body, size_t *taken, NecpProblem *problem)
{
	const PasswordFields *fields = &password_fields[bound->route->password];

	if (fields->known != NULL && !take_password(bound,
												body,
												fields->known,
												fields->optional,
												&bound->password,
												taken,
												problem))
		return false;
	if (fields->chosen == NULL)
		return true;
	if (!take_password(bound, body, fields->chosen, false, &bound->new_password, taken, problem))
		return false;
	if (necp_password_strong(bound->new_password))
		return true;
	necp_problem_set(problem,
					 NECP_WEAK_PASSWORD,
					 fields->chosen,
					 "must have 8 to 128 characters, among them an upper and a lower case letter, "
					 "a digit and a special character");
	return false;
}

static bool
bind_body_param(NecpBound *bound, int index, const json_t *body, size_t *taken,
				NecpProblem *problem)
{
	const NecpParam *param = &bound->route->params[index];
	const json_t *json = json_object_get(body, param->name);
	const char *reason;
	const char *value;

	if (json != NULL)
		++*taken;
	if (json == NULL || json_is_null(json))
		return param->required ? refuse_missing(problem, param->name) : true;
	value = necp_value_from_json(&bound->arena, param->type, json, &reason);
	bound->values[NECP_FIXED_PARAMS + index] = value;
	return value != NULL || refuse(problem, param->name, reason);
}

static bool
takes_from_body(const NecpRoute *route, const char *name)
{
	const PasswordFields *fields = &password_fields[route->password];

	for (int i = 0; i < route->nparams; i++)
		if (route->params[i].source == NECP_FROM_BODY && strcmp(route->params[i].name, name) == 0)
			return true;
	return (fields->known != NULL && strcmp(name, fields->known) == 0) ||
		   (fields->chosen != NULL && strcmp(name, fields->chosen) == 0);
}

static bool
bind_members(NecpBound *bound, json_t *body, NecpProblem *problem)
{
	size_t taken = 0;
	const char *name;
	json_t *value;

	for (int i = 0; i < bound->route->nparams; i++)
		if (bound->route->params[i].source == NECP_FROM_BODY &&
			!bind_body_param(bound, i, body, &taken, problem))
			return false;
	if (!take_passwords(bound, body, &taken, problem))
		return false;
	if (taken == json_object_size(body))
		return true;
	json_object_foreach(body,
						name,
						value) if (!takes_from_body(bound->route,
													name)) return refuse_unknown(problem,
																				 name,
																				 strlen(name));
	return true;
}

static bool
bind_body(NecpBound *bound, NecpSlice body, NecpProblem *problem)
{
	json_t *json;
	bool ok;

	if (!bound->route->has_body && body.len == 0)
		return true;
	json = body.len > 0 ? parse_body(body, problem) : json_object();
	if (json == NULL)
		return false;
	ok = bind_members(bound, json, problem);
	json_decref(json);
	return ok;
}

bool
necp_bind(NecpBound *bound, const NecpInput *input, NecpProblem *problem)
{
	const NecpRoute *route = input->match->route;

	bound->route = route;
	bound->password = NULL;
	bound->new_password = NULL;
	necp_arena_init(&bound->arena);
	memset(bound->values,
		   0,
		   (NECP_FIXED_PARAMS + (size_t) route->nparams) * sizeof(bound->values[0]));
	return bind_path(bound, input->match, problem) && bind_query(bound, input->query, problem) &&
		   bind_body(bound, input->body, problem);
}

void
necp_bound_free(NecpBound *bound)
{
	if (bound->password != NULL)
		sodium_memzero(bound->password, strlen(bound->password));
	if (bound->new_password != NULL)
		sodium_memzero(bound->new_password, strlen(bound->new_password));
	bound->password = NULL;
	bound->new_password = NULL;
	necp_arena_free(&bound->arena);
}

static void
hash_part(crypto_hash_sha256_state *state, const char *text)
{
	uint64_t len = text ? strlen(text) : UINT64_MAX;

	crypto_hash_sha256_update(state, (const unsigned char *) &len, sizeof(len));
	if (text != NULL)
		crypto_hash_sha256_update(state, (const unsigned char *) text, len);
}

void
necp_bind_hash(const NecpBound *bound, unsigned char hash[32])
{
	const NecpRoute *route = bound->route;
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	hash_part(&state, necp_method_name(route->method));
	hash_part(&state, route->path);
	for (int i = 0; i < route->nparams; i++)
		if (route->params[i].source != NECP_FROM_EDGE)
			hash_part(&state, bound->values[NECP_FIXED_PARAMS + i]);
	crypto_hash_sha256_final(&state, hash);
}

void
necp_bind_fixed(NecpBound *bound, const char *session, const char *key, const char *trace_id)
{
	bound->values[0] = session;
	bound->values[1] = key;
	bound->values[2] = NULL;
	bound->values[3] = trace_id;
	if (key != NULL)
	{
		unsigned char hash[32];
		char *text = necp_arena_alloc(&bound->arena, 2 + 2 * sizeof(hash) + 1);

		necp_bind_hash(bound, hash);
		memcpy(text, "\\x", 2);
		sodium_bin2hex(text + 2, 2 * sizeof(hash) + 1, hash, sizeof(hash));
		bound->values[2] = text;
	}
}

void
necp_bind_edge(NecpBound *bound, const char *name, const char *value, size_t len)
{
	for (int i = 0; i < bound->route->nparams; i++)
	{
		const NecpParam *param = &bound->route->params[i];

		if (param->source == NECP_FROM_EDGE && strcmp(param->name, name) == 0)
			bound->values[NECP_FIXED_PARAMS + i] =
				value ? necp_arena_text(&bound->arena, value, len) : NULL;
	}
}

bool
necp_password_strong(const char *password)
{
	size_t characters = 0;
	bool upper = false;
	bool lower = false;
	bool digit = false;
	bool special = false;

	for (const unsigned char *c = (const unsigned char *) password; *c != '\0'; c++)
	{
		if ((*c & 0xC0) == 0x80)
			continue;
		characters++;
		if (*c >= 'A' && *c <= 'Z')
			upper = true;
		else if (*c >= 'a' && *c <= 'z')
			lower = true;
		else if (*c >= '0' && *c <= '9')
			digit = true;
		else
			special = true;
	}
	return characters >= 8 && characters <= 128 && upper && lower && digit && special;
}
