/* SPDX-License-Identifier: PostgreSQL
 *
 * Characters (DOMAIN §5). Lock order: the account's slots (slot.c), the session, the
 * character, its purse.
 */
#include "postgres.h"

#include "auth/session.h"
#include "character/character.h"
#include "character/name.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/ledger.h"
#include "kernel/lookup.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/view.h"

#include "utils/builtins.h"

#define MAX_CHECKS 16
#define OBJECT_BYTES 16384

/* What clients read most. The columns of the view in its order, then what decides. */
static NecpLookup character_by_id = {
	.table = "characters",
	.index = "characters_pkey",
	.columns = {{"id", INT8OID},
				{"name", TEXTOID},
				{"class_id", INT4OID},
				{"origin_id", INT4OID},
				{"status", TEXTOID},
				{"level", INT4OID},
				{"xp", INT8OID},
				{"body", INT4OID},
				{"reflexes", INT4OID},
				{"technical_ability", INT4OID},
				{"intelligence", INT4OID},
				{"cool", INT4OID},
				{"empathy", INT4OID},
				{"hp", INT4OID},
				{"perk_hp", INT4OID}, /* max_hp goes here */
				{"zone_id", INT4OID},
				{"created_at", TIMESTAMPTZOID},
				{"last_played_at", TIMESTAMPTZOID},
				{"died_at", TIMESTAMPTZOID}, /* respawn_at goes here */
				{"deleted_at", TIMESTAMPTZOID},
				{"deleted_at", TIMESTAMPTZOID}, /* restore_until goes here */
				{"appearance", JSONOID},
				{"settings", JSONOID},
				{"account_id", INT8OID}},
};
static NecpLookup class_by_id = {.table = "character_classes",
								 .index = "character_classes_pkey",
								 .columns = {{"code", TEXTOID}}};
static NecpLookup origin_by_id = {.table = "character_origins",
								  .index = "character_origins_pkey",
								  .columns = {{"code", TEXTOID}}};
static NecpPlan list_all =
	NECP_PLAN("SELECT id FROM game.characters WHERE account_id = $1"
			  " AND (deleted_at IS NULL OR deleted_at > $2 AND purged_at IS NULL) ORDER BY id",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan catalog = NECP_PLAN0(
	"SELECT to_json(ROW("
	"(SELECT array_agg(ROW(code, name, description)::necp.catalog_class_view ORDER BY id) FROM game.character_classes),"
	"(SELECT array_agg(ROW(code, name, description)::necp.catalog_class_view ORDER BY id) FROM game.character_origins)"
	")::necp.catalog_view)");
static NecpPlan become_player =
	NECP_PLAN("INSERT INTO game.players (account_id, created_at) VALUES ($1, $2)"
			  " ON CONFLICT (account_id) DO NOTHING",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan find_choice =
	NECP_PLAN("SELECT (SELECT id FROM game.character_classes WHERE code = $1),"
			  " (SELECT id FROM game.character_origins WHERE code = $2),"
			  " (SELECT credits FROM game.character_origins WHERE code = $2)",
			  TEXTOID, TEXTOID);
static NecpPlan insert_character = NECP_PLAN(
	"INSERT INTO game.characters (account_id, name, class_id, origin_id, body, reflexes,"
	" technical_ability, intelligence, cool, empathy, hp, zone_id, created_at)"
	" SELECT $1, $2, k.id, o.id, a.body, a.reflexes, a.technical_ability, a.intelligence, a.cool,"
	" a.empathy, " NECP_MAX_HP_SQL(
		a.body, 1,
		0) ", (SELECT z.id FROM game.zones z WHERE z.code = o.zone_code), $5"
		   " FROM game.character_classes k, game.character_origins o,"
		   " LATERAL (SELECT max(v) FILTER (WHERE n = 'body') AS body,"
		   "  max(v) FILTER (WHERE n = 'reflexes') AS reflexes,"
		   "  max(v) FILTER (WHERE n = 'technical_ability') AS technical_ability,"
		   "  max(v) FILTER (WHERE n = 'intelligence') AS intelligence,"
		   "  max(v) FILTER (WHERE n = 'cool') AS cool, max(v) FILTER (WHERE n = 'empathy') AS empathy"
		   "  FROM (SELECT n, coalesce((k.attributes ->> n)::int, 5) + (n IS NOT DISTINCT FROM o.attribute)::int AS v"
		   "   FROM unnest('{body,reflexes,technical_ability,intelligence,cool,empathy}'::text[]) n) s) a"
		   " WHERE k.id = $3 AND o.id = $4 RETURNING id",
	INT8OID, TEXTOID, INT4OID, INT4OID, TIMESTAMPTZOID);
static NecpPlan played = NECP_PLAN("UPDATE game.characters SET last_played_at = $2 WHERE id = $1",
								   INT8OID, TIMESTAMPTZOID);

static NecpPlan last_choice =
	NECP_PLAN("SELECT max(last_played_at) FROM game.characters WHERE account_id = $1 AND id <> $2",
			  INT8OID, INT8OID);
static NecpPlan store_data = NECP_PLAN(
	"UPDATE game.characters SET appearance = coalesce($2, appearance), settings = coalesce($3, settings)"
	" WHERE id = $1",
	INT8OID, JSONOID, JSONOID);
static NecpPlan follow_session =
	NECP_PLAN("UPDATE game.characters SET status = $2 WHERE id = $1 AND status = $3", INT8OID,
			  TEXTOID, TEXTOID);

#define READ_COLUMNS                                                                               \
	"SELECT account_id, name, status, level, body, reflexes, hp, zone_id::bigint, perk_hp"         \
	" FROM game.characters WHERE id = $1 AND deleted_at IS NULL"

static NecpPlan read_character = NECP_PLAN(READ_COLUMNS, INT8OID);
static NecpPlan lock_character = NECP_PLAN(READ_COLUMNS " FOR NO KEY UPDATE", INT8OID);
/* Who died meanwhile stays dead. */
static NecpPlan save_hp =
	NECP_PLAN("UPDATE game.characters SET hp = CASE WHEN status = 'DEAD' THEN 0"
			  " ELSE least($2, " NECP_MAX_HP_SQL(body, level, perk_hp) ") END WHERE id = $1",
			  INT8OID, INT4OID);

/* Who refuses ---------------------------------------------------------------------------------- */

typedef struct Checks
{
	int n;
	void (*check[MAX_CHECKS])(int64 character_id);
} Checks;

static Checks before_leaving;
static Checks before_deletion;

static void
add_check(Checks *checks, void (*check)(int64 character_id))
{
	if (checks->n == MAX_CHECKS)
		elog(ERROR, "too many checks of characters");
	checks->check[checks->n++] = check;
}

static void
run_checks(const Checks *checks, int64 character_id)
{
	for (int i = 0; i < checks->n; i++)
		checks->check[i](character_id);
}

void
necp_character_on_leave(void (*check)(int64 character_id))
{
	add_check(&before_leaving, check);
}

void
necp_character_on_delete(void (*check)(int64 character_id))
{
	add_check(&before_deletion, check);
}

void
necp_character_require_deletable(int64 character_id)
{
	run_checks(&before_deletion, character_id);
}

/* Reads ---------------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_character_catalog)
{
	return necp_answer_args(&catalog, "catalog", NULL, NULL);
}

enum
{
	CLASS = 2,
	ORIGIN,
	LEVEL = 5,
	BODY = 7,
	HP_MOST = 14,
	RESPAWN = 18,
	DELETED,
	RESTORE,
	OWNER = 23
};

/* Replaces the id of a class or an origin by its code. */
static void
put_code(NecpLookup *by_id, Datum *value)
{
	bool isnull;

	if (!necp_lookup(by_id, *value, value, &isnull))
		elog(ERROR, "a character's %s does not exist", by_id->table);
}

static void
put_deadline(Datum *value, bool isnull, const char *key)
{
	if (!isnull)
		*value =
			TimestampTzGetDatum(DatumGetTimestampTz(*value) + necp_config_int(key) * USECS_PER_SEC);
}

/* One of the account's characters; a deleted one only for who asks for it. */
static Datum
view(int64 character_id, bool deleted_too)
{
	Datum values[NECP_LOOKUP_COLUMNS];
	bool nulls[NECP_LOOKUP_COLUMNS];

	if (!necp_lookup(&character_by_id, Int64GetDatum(character_id), values, nulls) ||
		DatumGetInt64(values[OWNER]) != necp_account() || (!deleted_too && !nulls[DELETED]))
		necp_fail(NOT_FOUND, NULL, "character not found");
	put_code(&class_by_id, &values[CLASS]);
	put_code(&origin_by_id, &values[ORIGIN]);
	values[HP_MOST] = Int32GetDatum(NECP_MAX_HP(DatumGetInt32(values[BODY]),
												DatumGetInt32(values[LEVEL]),
												DatumGetInt32(values[HP_MOST])));
	put_deadline(&values[RESPAWN], nulls[RESPAWN], "character.respawn_s");
	put_deadline(&values[RESTORE], nulls[RESTORE], "character.restore_s");
	return necp_view("character_view", values, nulls);
}

Datum
necp_character_view(int64 character_id)
{
	return view(character_id, true);
}

void
necp_character_require_own(int64 character_id)
{
	Datum values[NECP_LOOKUP_COLUMNS];
	bool nulls[NECP_LOOKUP_COLUMNS];

	if (!necp_lookup(&character_by_id, Int64GetDatum(character_id), values, nulls) ||
		DatumGetInt64(values[OWNER]) != necp_account())
		necp_fail(NOT_FOUND, "character_id", "character not found");
}

NECP_FUNCTION(necp_character_get)
{
	return view(necp_arg_id(fcinfo, 0, "character_id"), false);
}

TimestampTz
necp_character_restorable_since(void)
{
	return necp_now() - necp_config_int("character.restore_s") * USECS_PER_SEC;
}

/* A handful of characters, each read as one is: so there is one view. */
NECP_FUNCTION(necp_character_list)
{
	bool deleted_too = !PG_ARGISNULL(0) && PG_GETARG_BOOL(0);
	TimestampTz since = deleted_too ? necp_character_restorable_since() : DT_NOEND;
	NecpRows characters = necp_fetch(&list_all, necp_account(), TimestampTzGetDatum(since));
	StringInfoData answer;

	initStringInfo(&answer);
	appendStringInfoString(&answer, "{\"items\":[");
	for (uint64 row = 0; row < characters.count; row++)
		appendStringInfo(&answer,
						 "%s%s",
						 row > 0 ? "," : "",
						 TextDatumGetCString(view(necp_row_int8(&characters, row, 1), true)));
	appendStringInfoString(&answer, "],\"next_cursor\":null}");
	return necp_cstring_datum(answer.data);
}

static bool
read_row(NecpPlan *plan, int64 character_id, NecpCharacter *character)
{
	if (necp_run(plan, character_id) == 0)
		return false;
	character->id = character_id;
	character->account_id = necp_int8(0, 1);
	character->name = necp_text(0, 2);
	character->status = necp_text(0, 3);
	character->level = necp_int4(0, 4);
	character->body = necp_int4(0, 5);
	character->reflexes = necp_int4(0, 6);
	character->hp = necp_int4(0, 7);
	character->max_hp = NECP_MAX_HP(character->body, character->level, necp_int4(0, 9));
	character->zone_id = necp_int8(0, 8);
	return true;
}

bool
necp_character_read(int64 character_id, NecpCharacter *character)
{
	return read_row(&read_character, character_id, character);
}

int64
necp_character_account(int64 character_id)
{
	const NecpSession *session = necp_session_or_null();
	NecpCharacter character;

	if (session != NULL && session->character_id == character_id)
		return session->account_id;
	return necp_character_read(character_id, &character) ? character.account_id : 0;
}

bool
necp_character_lock(int64 character_id, NecpCharacter *character)
{
	return read_row(&lock_character, character_id, character);
}

/* Creation ------------------------------------------------------------------------------------- */

static void
choose(FunctionCallInfo fcinfo, int32 *class_id, int32 *origin_id, int64 *credits)
{
	char *class = necp_arg_text(fcinfo, 1, "class", 1, 50);
	char *origin = necp_arg_text(fcinfo, 2, "origin", 1, 50);

	necp_run(&find_choice, necp_cstring_datum(class), necp_cstring_datum(origin));
	if (necp_isnull(0, 1))
		necp_fail(VALIDATION, "class", "there is no class \"%s\"", class);
	if (necp_isnull(0, 2))
		necp_fail(VALIDATION, "origin", "there is no origin \"%s\"", origin);
	*class_id = necp_int4(0, 1);
	*origin_id = necp_int4(0, 2);
	*credits = necp_int8(0, 3);
}

NECP_FUNCTION(necp_character_create)
{
	char *name = necp_arg_name(fcinfo, 0, "name");
	int64 account_id = necp_account();
	NecpCharacterCreated created = {.account_id = account_id};
	int32 class_id;
	int64 credits;

	choose(fcinfo, &class_id, &created.origin_id, &credits);
	necp_slot_take(account_id);
	necp_run(&become_player, account_id, TimestampTzGetDatum(necp_now()));
	necp_run(&insert_character,
			 account_id,
			 necp_cstring_datum(name),
			 class_id,
			 created.origin_id,
			 TimestampTzGetDatum(necp_now()));
	created.character_id = necp_int8(0, 1);
	necp_event_emit(&(NecpEvent){.type = "CHARACTER_CREATED",
								 .aggregate_type = "CHARACTER",
								 .aggregate_id = created.character_id,
								 .account_id = account_id,
								 .character_id = created.character_id,
								 .detail = &created});
	if (credits > 0)
		necp_ledger_transfer((NecpPurse){NECP_MINT, 0},
							 (NecpPurse){NECP_WALLET, created.character_id},
							 NECP_CREDITS,
							 credits,
							 "ORIGIN",
							 created.character_id);
	return view(created.character_id, false);
}

/* Changes -------------------------------------------------------------------------------------- */

/* An object of up to 16 KiB, NULL where there is none; the argument is JSON already. */
static Datum
object_arg(FunctionCallInfo fcinfo, int n, const char *field)
{
	char *object;

	if (PG_ARGISNULL(n))
		return (Datum) 0;
	object = TextDatumGetCString(PG_GETARG_DATUM(n));
	if (strlen(object) > OBJECT_BYTES)
		necp_fail(SETTINGS_TOO_LARGE, field, "%s may have %d bytes", field, OBJECT_BYTES);
	if (object[strspn(object, " \t\r\n")] != '{')
		necp_fail(VALIDATION, field, "%s must be an object", field);
	return PG_GETARG_DATUM(n);
}

/* Locks one of the account's characters; a foreign one is not found. */
static void
lock_own(int64 character_id, NecpCharacter *character)
{
	if (!necp_character_lock(character_id, character) || character->account_id != necp_account())
		necp_fail(NOT_FOUND, "character_id", "character not found");
}

NECP_FUNCTION(necp_character_update)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");
	Datum appearance = object_arg(fcinfo, 1, "appearance");
	Datum settings = object_arg(fcinfo, 2, "settings");
	char nulls[] = {' ', PG_ARGISNULL(1) ? 'n' : ' ', PG_ARGISNULL(2) ? 'n' : ' ', '\0'};
	NecpCharacter character;

	lock_own(character_id, &character);
	necp_run_nulls(&store_data, nulls, character_id, appearance, settings);
	return view(character_id, false);
}

/* AFK follows the session; fights and death are told by their own rooms. */
static void
session_changed(const NecpSession *session, const char *from, const char *to)
{
	bool afk = strcmp(to, "AFK") == 0;

	if (session->character_id != 0 && afk != (strcmp(from, "AFK") == 0))
		necp_run(&follow_session,
				 session->character_id,
				 necp_cstring_datum(afk ? "AFK" : "ACTIVE"),
				 necp_cstring_datum(afk ? "ACTIVE" : "AFK"));
}

/* Selection ------------------------------------------------------------------------------------ */

static void
require_rest(int64 account_id, int64 character_id)
{
	int64 wait = necp_config_int("character.switch_s") * USECS_PER_SEC;
	int64 left;

	necp_run(&last_choice, account_id, character_id);
	if (necp_isnull(0, 1))
		return;
	left = necp_timestamp(0, 1) + wait - necp_now();
	if (left > 0 && left <= wait)
		ereport(ERROR,
				errcode(NECP_ERR_COOLDOWN),
				errmsg("another character was chosen just now"),
				necp_errretry((int) ((left + USECS_PER_SEC - 1) / USECS_PER_SEC)));
}

/* CHARACTER_SWITCHED lets the zone room take the former one out and bring this one in. */
static void
play(int64 character_id)
{
	const NecpSession *session = necp_session();
	NecpCharacterSwitched switched = {.to_id = character_id};
	NecpCharacter character;
	NecpJson data;

	necp_session_lock(&session->id);
	lock_own(character_id, &character);
	if (session->character_id != character_id)
	{
		switched.from_id = session->character_id;
		if (strcmp(character.status, "IN_COMBAT") == 0)
			necp_fail(BUSY, NULL, "the character is in combat");
		if (switched.from_id != 0)
			run_checks(&before_leaving, switched.from_id);
		require_rest(session->account_id, character_id);
		necp_run(&played, character_id, TimestampTzGetDatum(necp_now()));
		necp_session_play(&session->id, character_id, 0);
	}
	necp_json_open(&data);
	necp_json_int(&data, "from_character_id", switched.from_id);
	necp_event_emit(&(NecpEvent){.type = "CHARACTER_SWITCHED",
								 .aggregate_type = "CHARACTER",
								 .aggregate_id = character_id,
								 .account_id = session->account_id,
								 .character_id = character_id,
								 .data = necp_json_close(&data),
								 .detail = &switched});
}

NECP_FUNCTION(necp_character_select)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");

	play(character_id);
	return view(character_id, false);
}

/* As a selection, by who plays already. */
NECP_FUNCTION(necp_character_switch)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");

	(void) necp_character();
	play(character_id);
	return view(character_id, false);
}

/* Hit points ----------------------------------------------------------------------------------- */

void
necp_character_save_hp(int64 character_id, int32 hp)
{
	necp_run(&save_hp, character_id, hp);
}

NECP_ROOM_INIT(character)
{
	necp_session_on_state(session_changed);
}
