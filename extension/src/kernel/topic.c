/* SPDX-License-Identifier: PostgreSQL
 *
 * Who may listen to a topic. Patterns stand in necp.topics; the room's function decides for the id
 * in the topic, with the identity of the session that asks.
 */
#include "postgres.h"

#include "kernel/args.h"
#include "kernel/errors.h"
#include "kernel/identity.h"
#include "kernel/kernel.h"
#include "kernel/spi.h"

#include "utils/builtins.h"
#include "utils/regproc.h"

static NecpPlan load_topics =
	NECP_PLAN0("SELECT pattern, 'necp.' || function || '(bigint)' FROM necp.topics");

/* Does a topic match a pattern with at most one {parameter}, a positive id? Sets the id. */
static bool
match(const char *pattern, const char *topic, int64 *id)
{
	const char *brace = strchr(pattern, '{');
	size_t prefix = brace != NULL ? (size_t) (brace - pattern) : strlen(pattern);
	const char *rest;
	char *end;

	if (strncmp(pattern, topic, prefix) != 0)
		return false;
	if (brace == NULL)
		return topic[prefix] == '\0';
	rest = topic + prefix;
	if (*rest < '1' || *rest > '9' || strspn(rest, "0123456789") > 16)
		return false;
	*id = strtoll(rest, &end, 10);
	return *id <= NECP_MAX_ID && strcmp(end, strchr(brace, '}') + 1) == 0;
}

static bool
may_listen(const char *signature, int64 id)
{
	Oid function =
		DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(signature)));

	return DatumGetBool(OidFunctionCall1(function, Int64GetDatum(id)));
}

/* subscribe(session uuid, topic text): NOT_SUBSCRIBABLE where there is no such topic, FORBIDDEN. */
NECP_FUNCTION(necp_subscribe)
{
	char *topic = necp_arg_text(fcinfo, 1, "topic", 1, 200);
	uint64 rows;

	necp_arg_required(fcinfo, 0, "session");
	necp_enter_session(PG_GETARG_UUID_P(0));
	rows = necp_run0(&load_topics);
	for (uint64 row = 0; row < rows; row++)
	{
		int64 id = 0;

		if (!match(necp_text(row, 1), topic, &id))
			continue;
		if (!necp_isnull(row, 2) && !may_listen(necp_text(row, 2), id))
			necp_fail(FORBIDDEN, "topic", "you may not listen to %s", topic);
		PG_RETURN_VOID();
	}
	necp_fail(NOT_SUBSCRIBABLE, "topic", "there is no topic %s", topic);
	PG_RETURN_VOID();
}

/* account_topic(account_id): itself. */
NECP_FUNCTION(necp_account_topic)
{
	PG_RETURN_BOOL(necp_account() == PG_GETARG_INT64(0));
}

/* character_topic(character_id): who plays it. */
NECP_FUNCTION(necp_character_topic)
{
	PG_RETURN_BOOL(necp_session()->character_id == PG_GETARG_INT64(0));
}
