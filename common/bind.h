/* SPDX-License-Identifier: PostgreSQL
 *
 * From the parts of a request to the values of a route's placeholders, strictly typed
 * (docs/interfaces.md §2), for HTTP requests and STOMP SEND frames alike. Every refusal names the
 * field.
 */
#ifndef NECP_BIND_H
#define NECP_BIND_H

#include "errors.h"
#include "route.h"
#include "uuid.h"

/* What the client sent. Slices are borrowed for the call. */
typedef struct NecpInput
{
	const NecpMatch *match; /* the route and its path's values */
	NecpSlice query;        /* after the "?"; base NULL if none */
	NecpSlice body;         /* JSON object; may be empty if nothing is required */
} NecpInput;

/*
 * The values to bind, in the arena of the owner. values[0 .. 3] are left to the caller
 * (necp_bind_fixed helps), parameters with source `edge` too (NULL until set by necp_bind_edge).
 */
typedef struct NecpBound
{
	const NecpRoute *route;
	NecpArena arena;
	const char *values[NECP_FIXED_PARAMS + NECP_MAX_PARAMS];
	/* password routes: what the body held, or NULL; in the arena, wiped by necp_bound_free */
	char *password;     /* to verify */
	char *new_password; /* to hash; strong */
} NecpBound;

/*
 * Binds all of it; bound need not be initialised. Returns false with the problem (VALIDATION and
 * the field). Either way the caller ends with necp_bound_free.
 */
bool necp_bind(NecpBound *bound, const NecpInput *input, NecpProblem *problem);
void necp_bound_free(NecpBound *bound);

/*
 * Sets $1 to $4. session and key may be NULL; the hash ($3) is taken only if there is a key. The
 * texts are borrowed and must live as long as bound.
 */
void necp_bind_fixed(NecpBound *bound, const char *session, const char *key, const char *trace_id);
/* Sets an edge parameter if the route has it (copied; NULL is allowed). */
void necp_bind_edge(NecpBound *bound, const char *name, const char *value, size_t len);

/* SHA-256 over method, path template and every value a client gave, with its length. */
void necp_bind_hash(const NecpBound *bound, unsigned char hash[32]);

/* The rule of §4: 8 to 128 characters, upper, lower, digit, special. */
bool necp_password_strong(const char *password);

#endif
