/* SPDX-License-Identifier: PostgreSQL
 *
 * necp.enter() and necp.finish(): who acts, and idempotency (docs/interfaces.md §2).
 */
#include "postgres.h"

#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/errors.h"
#include "kernel/identity.h"
#include "kernel/kernel.h"
#include "kernel/presence.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#define PINNED_PATH "pg_catalog, pg_temp"

typedef struct Context
{
	bool entered;
	bool has_session;
	NecpSession session;
	pg_uuid_t trace;
	bool keyed; /* finish() stores the response */
	pg_uuid_t key;
	bytea *hash; /* in TopTransactionContext */
} Context;

static NecpSessionLoader loader;
static Context context;

static NecpPlan find_key = NECP_PLAN("SELECT request_hash = $3, response FROM game.idempotency_keys"
									 " WHERE account_id = $1 AND key = $2 AND created_at > $4",
									 INT8OID, UUIDOID, BYTEAOID, TIMESTAMPTZOID);
static NecpPlan store_key = NECP_PLAN(
	"INSERT INTO game.idempotency_keys (account_id, key, request_hash, response, created_at)"
	" VALUES ($1, $2, $3, $4, $5)",
	INT8OID, UUIDOID, BYTEAOID, JSONOID, TIMESTAMPTZOID);

void
necp_session_register_loader(NecpSessionLoader function)
{
	loader = function;
}

/* SPI only where it is needed: connecting costs as much as the rest of enter(). */
static bool
load_session(const pg_uuid_t *id, NecpPresence *presence)
{
	bool found;

	SPI_connect();
	found = loader != NULL && loader(id, presence);
	SPI_finish();
	return found;
}

/* A standby has no memory of who is there: it asks the table. */
static bool
find_session(const pg_uuid_t *id, bool action, NecpSession *session)
{
	bool standby = RecoveryInProgress();
	NecpPresence presence;
	uint64 generation = 0;

	if (!standby)
	{
		NecpFound found = necp_presence_find(id, action, session);

		if (found == NECP_OVER)
			necp_fail(UNAUTHENTICATED, NULL, "the session has expired");
		if (found == NECP_FOUND)
			return true;
		generation = necp_presence_generation(id);
	}
	if (!load_session(id, &presence))
		return false;
	*session = presence.session;
	if (!standby)
		necp_presence_store(&presence, true, generation);
	return true;
}

/* Identity ---------------------------------------------------------------------------------- */

const NecpSession *
necp_session_or_null(void)
{
	return context.has_session ? &context.session : NULL;
}

const NecpSession *
necp_session(void)
{
	if (!context.has_session)
		necp_fail(UNAUTHENTICATED, NULL, "a session is required");
	return &context.session;
}

int64
necp_account(void)
{
	return necp_session()->account_id;
}

int64
necp_character(void)
{
	int64 character_id = necp_session()->character_id;

	if (character_id == 0)
		necp_fail(NO_ACTIVE_CHARACTER, NULL, "select a character first");
	return character_id;
}

const pg_uuid_t *
necp_trace(void)
{
	return &context.trace;
}

void
necp_identity_xact_end(void)
{
	memset(&context, 0, sizeof(context));
}

/* enter and finish -------------------------------------------------------------------------- */

/*
 * A rule runs once, at top level and under READ COMMITTED: identity and claims would leak through
 * ROLLBACK TO, and under a frozen snapshot a lock does not show what its last holder wrote.
 */
static void
require_plain_transaction(void)
{
	if (XactIsoLevel != XACT_READ_COMMITTED)
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("commands of the game run under READ COMMITTED only"));
	if (necp_rehearsal)
		return;
	if (GetCurrentTransactionNestLevel() != 1)
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("commands of the game do not run inside a subtransaction"));
	if (context.entered)
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("necp.enter() was called before in this transaction"));
}

static void
pin_search_path(void)
{
	if (namespace_search_path == NULL || strcmp(namespace_search_path, PINNED_PATH) != 0)
		(void) set_config_option("search_path",
								 PINNED_PATH,
								 PGC_USERSET,
								 PGC_S_SESSION,
								 GUC_ACTION_LOCAL,
								 true,
								 0,
								 false);
}

static void
lock_key(int64 account_id, const pg_uuid_t *key)
{
	uint64 hash = hash_bytes_extended(key->data, UUID_LEN, (uint64) account_id);

	if (!DatumGetBool(DirectFunctionCall1(pg_try_advisory_xact_lock_int8, UInt64GetDatum(hash))))
		ereport(ERROR,
				errcode(NECP_ERR_IN_PROGRESS),
				errmsg("a request with this Idempotency-Key is still running"),
				necp_errfield("Idempotency-Key"),
				necp_errretry(1));
}

/* Arms finish() to store the response of this key. */
static void
expect_response(const pg_uuid_t *key, const bytea *hash)
{
	context.keyed = true;
	context.key = *key;
	context.hash = (bytea *) MemoryContextAlloc(TopTransactionContext, VARSIZE_ANY(hash));
	memcpy(context.hash, hash, VARSIZE_ANY(hash));
}

/* Returns the stored response of a key, or 0 where the rule is to run. */
static Datum
replay(const pg_uuid_t *key, bytea *hash)
{
	Datum stored = (Datum) 0;
	bool isnull;

	lock_key(context.session.account_id, key);
	SPI_connect();
	if (necp_run(&find_key,
				 context.session.account_id,
				 UUIDPGetDatum(key),
				 PointerGetDatum(hash),
				 TimestampTzGetDatum(necp_now() - USECS_PER_DAY)) == 0)
		expect_response(key, hash);
	else if (!necp_bool(0, 1))
		necp_fail(IDEMPOTENCY_KEY_REUSED,
				  "Idempotency-Key",
				  "this Idempotency-Key belongs to another request");
	else
		stored = SPI_datumTransfer(necp_datum(0, 2, &isnull), false, -1);
	SPI_finish();
	return stored;
}

static void
become(const pg_uuid_t *id, bool action)
{
	if (!find_session(id, action, &context.session))
		necp_fail(UNAUTHENTICATED, NULL, "the session has ended");
	if (context.session.expires_at <= necp_statement_time())
		necp_fail(UNAUTHENTICATED, NULL, "the session has expired");
	context.has_session = true;
}

static void
begin_command(void)
{
	require_plain_transaction();
	pin_search_path();
	necp_require_schema();
	memset(&context, 0, sizeof(context));
	context.entered = true;
}

/* What the realtime server's own calls begin with: they name a session and carry no key. */
void
necp_enter_session(const pg_uuid_t *id)
{
	begin_command();
	become(id, false);
}

/*
 * enter(session uuid, key uuid, request_hash bytea, trace uuid, need "char", permission int)
 *
 * need: 'p' public, 'a' account, 'c' character, as a capital where the command is no action of a
 * player (a plain read, a heart-beat); permission: permission_id or -1. Returns the stored response
 * of a replayed key, NULL where the rule is to run.
 */
PG_FUNCTION_INFO_V1(necp_enter);
Datum
necp_enter(PG_FUNCTION_ARGS)
{
	char need = pg_ascii_tolower((unsigned char) PG_GETARG_CHAR(4));
	bool action = need == PG_GETARG_CHAR(4);
	int permission = PG_GETARG_INT32(5);
	Datum stored = (Datum) 0;

	begin_command();
	if (!PG_ARGISNULL(3))
		context.trace = *PG_GETARG_UUID_P(3);
	if (!PG_ARGISNULL(0))
		become(PG_GETARG_UUID_P(0), action);
	if (need != 'p')
		(void) necp_account();
	if (need == 'c')
		(void) necp_character();
	if (permission >= 0 && !(necp_session()->permissions & (UINT64CONST(1) << permission)))
		necp_fail(FORBIDDEN, NULL, "this needs a permission that the account does not have");
	if (!PG_ARGISNULL(1))
		necp_arg_required(fcinfo, 2, "request_hash");
	if (!PG_ARGISNULL(1) && context.has_session)
		stored = replay(PG_GETARG_UUID_P(1), PG_GETARG_BYTEA_PP(2));
	if (stored == (Datum) 0)
		PG_RETURN_NULL();
	return stored;
}

/* finish(response json) → json: stores the response of a keyed request and hands it on. */
NECP_FUNCTION(necp_finish)
{
	if (context.keyed)
	{
		if (PG_ARGISNULL(0))
			elog(ERROR, "a command returned no response");
		necp_run(&store_key,
				 context.session.account_id,
				 UUIDPGetDatum(&context.key),
				 PointerGetDatum(context.hash),
				 PG_GETARG_DATUM(0),
				 TimestampTzGetDatum(necp_now()));
		context.keyed = false;
	}
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return PG_GETARG_DATUM(0);
}
