/* SPDX-License-Identifier: PostgreSQL
 *
 * necp.enter() and necp.finish(): who acts, and idempotency (docs/interfaces.md §2).
 *
 * Sessions are cached in shared memory. An entry read from the table is inserted only if nothing
 * was invalidated since before the read (a partition's generation), or a look-up that races a ban
 * would bring the dead session back. Locks: one partition lock at a time, never across SPI.
 */
#include "postgres.h"

#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/errors.h"
#include "kernel/identity.h"
#include "kernel/kernel.h"
#include "kernel/shmem.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define PARTITIONS 16
#define PINNED_PATH "pg_catalog, pg_temp"

typedef struct SessionEntry
{
	pg_uuid_t id; /* hash key */
	bool valid;   /* session is as in the table */
	NecpSession session;
	pg_atomic_uint64 last_action;
	pg_atomic_uint64 last_seen;
} SessionEntry;

typedef struct SharedSessions
{
	pg_atomic_uint64 generation[PARTITIONS];
} SharedSessions;

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

static SharedSessions *shared;
static LWLockPadded *locks;
static HTAB *sessions;
static NecpSessionLoader loader;
static Context context;

static shmem_startup_hook_type previous_startup;

static NecpPlan find_key = NECP_PLAN("SELECT request_hash = $3, response FROM game.idempotency_keys"
									 " WHERE account_id = $1 AND key = $2 AND created_at > $4",
									 INT8OID, UUIDOID, BYTEAOID, TIMESTAMPTZOID);
static NecpPlan store_key = NECP_PLAN(
	"INSERT INTO game.idempotency_keys (account_id, key, request_hash, response, created_at)"
	" VALUES ($1, $2, $3, $4, $5)",
	INT8OID, UUIDOID, BYTEAOID, JSONOID, TIMESTAMPTZOID);

/* Shared memory ---------------------------------------------------------------------------- */

static Size
sessions_size(void)
{
	return sizeof(SharedSessions);
}

static Size
table_size(void)
{
	return hash_estimate_size(necp_max_sessions, sizeof(SessionEntry));
}

static void
sessions_start(void *piece, LWLockPadded *unused)
{
	for (int i = 0; i < PARTITIONS; i++)
		pg_atomic_init_u64(&((SharedSessions *) piece)->generation[i], 0);
}

static NecpShmemPart sessions_part = {
	.name = "necp sessions",
	.size = sessions_size,
	.apart = table_size,
	.init = sessions_start,
	.locks = PARTITIONS,
	.piece = (void **) &shared,
	.lock_array = &locks,
};

static void
attach_table(void)
{
	HASHCTL control = {.keysize = sizeof(pg_uuid_t),
					   .entrysize = sizeof(SessionEntry),
					   .num_partitions = PARTITIONS};

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	sessions = ShmemInitHash("necp session table",
							 necp_max_sessions,
							 necp_max_sessions,
							 &control,
							 HASH_ELEM | HASH_BLOBS | HASH_PARTITION);
	LWLockRelease(AddinShmemInitLock);
}

void
necp_identity_init(void)
{
	necp_shmem_register(&sessions_part);
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = attach_table;
}

void
necp_session_register_loader(NecpSessionLoader function)
{
	loader = function;
}

static uint32
hash_id(const pg_uuid_t *id)
{
	return get_hash_value(sessions, id);
}

static LWLock *
lock_of(uint32 hash)
{
	return &locks[hash % PARTITIONS].lock;
}

static bool
read_cached(const pg_uuid_t *id, uint32 hash, NecpSession *session)
{
	SessionEntry *entry;
	bool valid;

	LWLockAcquire(lock_of(hash), LW_SHARED);
	entry = hash_search_with_hash_value(sessions, id, hash, HASH_FIND, NULL);
	valid = entry != NULL && entry->valid && entry->session.permissions_until > necp_now();
	if (valid)
	{
		*session = entry->session;
		pg_atomic_write_u64(&entry->last_action, (uint64) necp_statement_time());
	}
	LWLockRelease(lock_of(hash));
	return valid;
}

static void
put_cached(const NecpSession *session, uint32 hash, uint64 generation)
{
	SessionEntry *entry;
	bool found;

	LWLockAcquire(lock_of(hash), LW_EXCLUSIVE);
	if (pg_atomic_read_u64(&shared->generation[hash % PARTITIONS]) == generation)
	{
		entry = hash_search_with_hash_value(sessions, &session->id, hash, HASH_ENTER_NULL, &found);
		if (entry != NULL) /* full: the table answers instead */
		{
			if (!found)
			{
				pg_atomic_init_u64(&entry->last_action, (uint64) necp_now());
				pg_atomic_init_u64(&entry->last_seen, (uint64) necp_now());
			}
			entry->session = *session;
			entry->valid = true;
		}
	}
	LWLockRelease(lock_of(hash));
}

/* SPI only where it is needed: connecting costs as much as the rest of enter(). */
static bool
load_session(const pg_uuid_t *id, NecpSession *session)
{
	bool found;

	SPI_connect();
	found = loader != NULL && loader(id, session);
	SPI_finish();
	return found;
}

static bool
find_session(const pg_uuid_t *id, NecpSession *session)
{
	bool standby = RecoveryInProgress();
	uint32 hash = hash_id(id);
	uint64 generation;

	if (!standby && read_cached(id, hash, session))
		return true;
	generation = pg_atomic_read_u64(&shared->generation[hash % PARTITIONS]);
	pg_read_barrier();
	if (!load_session(id, session))
		return false;
	if (!standby)
		put_cached(session, hash, generation);
	return true;
}

typedef struct Invalidation
{
	pg_uuid_t id;
	bool ended;
} Invalidation;

static void
invalidate(bool committed, void *arg)
{
	Invalidation *gone = arg;
	uint32 hash = hash_id(&gone->id);
	SessionEntry *entry;

	if (!committed)
		return;
	LWLockAcquire(lock_of(hash), LW_EXCLUSIVE);
	pg_atomic_fetch_add_u64(&shared->generation[hash % PARTITIONS], 1);
	if (gone->ended)
		hash_search_with_hash_value(sessions, &gone->id, hash, HASH_REMOVE, NULL);
	else
	{
		entry = hash_search_with_hash_value(sessions, &gone->id, hash, HASH_FIND, NULL);
		if (entry != NULL)
			entry->valid = false;
	}
	LWLockRelease(lock_of(hash));
}

static void
invalidate_at_commit(const pg_uuid_t *id, bool ended)
{
	Invalidation *gone = MemoryContextAlloc(TopTransactionContext, sizeof(Invalidation));

	gone->id = *id;
	gone->ended = ended;
	necp_at_xact_end(invalidate, gone);
}

void
necp_session_changed(const pg_uuid_t *id)
{
	invalidate_at_commit(id, false);
}

void
necp_session_ended(const pg_uuid_t *id)
{
	invalidate_at_commit(id, true);
}

void
necp_session_seen(const pg_uuid_t *id)
{
	uint32 hash = hash_id(id);
	SessionEntry *entry;

	LWLockAcquire(lock_of(hash), LW_SHARED);
	entry = hash_search_with_hash_value(sessions, id, hash, HASH_FIND, NULL);
	if (entry != NULL)
		pg_atomic_write_u64(&entry->last_seen, (uint64) necp_now());
	LWLockRelease(lock_of(hash));
}

int
necp_presence_copy(NecpPresence *out, int max)
{
	HASH_SEQ_STATUS scan;
	SessionEntry *entry;
	int count = 0;

	for (int i = 0; i < PARTITIONS; i++)
		LWLockAcquire(&locks[i].lock, LW_SHARED);
	hash_seq_init(&scan, sessions);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (count < max)
		{
			out[count].session = entry->session;
			out[count].last_action = (TimestampTz) pg_atomic_read_u64(&entry->last_action);
			out[count].last_seen = (TimestampTz) pg_atomic_read_u64(&entry->last_seen);
		}
		count++;
	}
	for (int i = PARTITIONS - 1; i >= 0; i--)
		LWLockRelease(&locks[i].lock);
	return count;
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
become(const pg_uuid_t *id)
{
	if (!find_session(id, &context.session))
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
	become(id);
}

/*
 * enter(session uuid, key uuid, request_hash bytea, trace uuid, need "char", permission int)
 *
 * need: 'p' public, 'a' account, 'c' character; permission: permission_id or -1. Returns the
 * stored response of a replayed key, NULL where the rule is to run.
 */
PG_FUNCTION_INFO_V1(necp_enter);
Datum
necp_enter(PG_FUNCTION_ARGS)
{
	char need = PG_GETARG_CHAR(4);
	int permission = PG_GETARG_INT32(5);
	Datum stored = (Datum) 0;

	begin_command();
	if (!PG_ARGISNULL(3))
		context.trace = *PG_GETARG_UUID_P(3);
	if (!PG_ARGISNULL(0))
		become(PG_GETARG_UUID_P(0));
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
