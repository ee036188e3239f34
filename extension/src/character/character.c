/* SPDX-License-Identifier: PostgreSQL
 *
 * Characters (DOMAIN §5). Lock order: the account's slots, the session, the character, its purse.
 */
#include "postgres.h"

#include "auth/session.h"
#include "character/character.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/json.h"
#include "kernel/ledger.h"
#include "kernel/list.h"
#include "kernel/lookup.h"
#include "kernel/spi.h"
#include "kernel/view.h"

#include <math.h>

#include "utils/builtins.h"

#define MAX_LEVEL 50
#define MAX_CHECKS 16
#define MAX_HP "(100 + 10 * (c.body - 5) + 10 * (c.level - 1))"
#define VIEW                                                                                       \
	"to_json(ROW(c.id, c.name, k.code, o.code, c.status, c.level, c.xp, c.body, c.reflexes,"       \
	" c.technical_ability, c.intelligence, c.cool, c.empathy, c.hp, " MAX_HP ", c.zone_id,"        \
	" c.created_at, c.last_played_at)::necp.character_view)"
#define FROM_CHARACTERS                                                                            \
	" FROM game.characters c JOIN game.character_classes k ON k.id = c.class_id"                   \
	" JOIN game.character_origins o ON o.id = c.origin_id"

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
				{"level", INT4OID}, /* max_hp stands here */
				{"zone_id", INT4OID},
				{"created_at", TIMESTAMPTZOID},
				{"last_played_at", TIMESTAMPTZOID},
				{"account_id", INT8OID},
				{"deleted_at", TIMESTAMPTZOID}},
};
static NecpLookup class_by_id = {.table = "character_classes",
								 .index = "character_classes_pkey",
								 .columns = {{"code", TEXTOID}}};
static NecpLookup origin_by_id = {.table = "character_origins",
								  .index = "character_origins_pkey",
								  .columns = {{"code", TEXTOID}}};
static NecpPlan view_all =
	NECP_PLAN("SELECT " VIEW ", c.id" FROM_CHARACTERS
			  " WHERE c.account_id = $1 AND c.deleted_at IS NULL ORDER BY c.id",
			  INT8OID);
static NecpPlan catalog = NECP_PLAN0(
	"SELECT to_json(ROW("
	"(SELECT array_agg(ROW(code, name, description)::necp.catalog_class_view ORDER BY id) FROM game.character_classes),"
	"(SELECT array_agg(ROW(code, name, description)::necp.catalog_class_view ORDER BY id) FROM game.character_origins)"
	")::necp.catalog_view)");
static NecpPlan open_slots =
	NECP_PLAN("INSERT INTO game.character_slots (account_id, slots) VALUES ($1, $2)"
			  " ON CONFLICT (account_id) DO NOTHING",
			  INT8OID, INT4OID);
static NecpPlan lock_slots = NECP_PLAN(
	"SELECT slots, used FROM game.character_slots WHERE account_id = $1 FOR NO KEY UPDATE",
	INT8OID);
static NecpPlan use_slot =
	NECP_PLAN("UPDATE game.character_slots SET used = used + 1 WHERE account_id = $1", INT8OID);
static NecpPlan buy_slot =
	NECP_PLAN("UPDATE game.character_slots SET slots = slots + 1 WHERE account_id = $1", INT8OID);
static NecpPlan view_slots = NECP_PLAN(
	"SELECT to_json(ROW(coalesce(s.slots, $2), coalesce(s.used, 0), $3, $4)::necp.slots_view)"
	" FROM (SELECT 1) one LEFT JOIN game.character_slots s ON s.account_id = $1",
	INT8OID, INT4OID, INT4OID, INT8OID);
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
	" a.empathy, 100 + 10 * (a.body - 5), (SELECT z.id FROM game.zones z WHERE z.code = o.zone_code), $5"
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

#define READ_COLUMNS                                                                               \
	"SELECT c.account_id, c.name, c.status, c.level, c.body, c.reflexes, c.hp, " MAX_HP            \
	", c.zone_id::bigint FROM game.characters c WHERE c.id = $1 AND c.deleted_at IS NULL"

static NecpPlan read_character = NECP_PLAN(READ_COLUMNS, INT8OID);
static NecpPlan lock_character = NECP_PLAN(READ_COLUMNS " FOR NO KEY UPDATE", INT8OID);
static NecpPlan lock_xp =
	NECP_PLAN("SELECT level, xp FROM game.characters WHERE id = $1 FOR NO KEY UPDATE", INT8OID);
static NecpPlan store_xp = NECP_PLAN("UPDATE game.characters SET level = $2, xp = $3 WHERE id = $1",
									 INT8OID, INT4OID, INT8OID);
static NecpPlan save_hp =
	NECP_PLAN("UPDATE game.characters c SET hp = least($2, " MAX_HP ") WHERE id = $1", INT8OID,
			  INT4OID);

static int32
max_hp(int32 body, int32 level)
{
	return 100 + 10 * (body - 5) + 10 * (level - 1);
}

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

/* Reads ---------------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_character_catalog)
{
	return necp_answer_args(&catalog, "catalog", NULL, NULL);
}

NECP_FUNCTION(necp_character_list)
{
	return necp_list(&view_all, PG_INT32_MAX, necp_account());
}

enum
{
	CLASS = 2,
	ORIGIN,
	LEVEL = 5,
	BODY = 7,
	HP_MOST = 14,
	OWNER = 18,
	DELETED
};

/* Replaces the id of a class or an origin by its code. */
static void
put_code(NecpLookup *by_id, Datum *value)
{
	bool isnull;

	if (!necp_lookup(by_id, *value, value, &isnull))
		elog(ERROR, "a character's %s does not exist", by_id->table);
}

static Datum
character_view(int64 character_id)
{
	Datum values[NECP_LOOKUP_COLUMNS];
	bool nulls[NECP_LOOKUP_COLUMNS];

	if (!necp_lookup(&character_by_id, Int64GetDatum(character_id), values, nulls) ||
		DatumGetInt64(values[OWNER]) != necp_account() || !nulls[DELETED])
		necp_fail(NOT_FOUND, NULL, "character not found");
	put_code(&class_by_id, &values[CLASS]);
	put_code(&origin_by_id, &values[ORIGIN]);
	values[HP_MOST] =
		Int32GetDatum(max_hp(DatumGetInt32(values[BODY]), DatumGetInt32(values[LEVEL])));
	return necp_view("character_view", values, nulls);
}

NECP_FUNCTION(necp_character_get)
{
	return character_view(necp_arg_id(fcinfo, 0, "character_id"));
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
	character->max_hp = necp_int4(0, 8);
	character->zone_id = necp_int8(0, 9);
	return true;
}

bool
necp_character_read(int64 character_id, NecpCharacter *character)
{
	return read_row(&read_character, character_id, character);
}

bool
necp_character_lock(int64 character_id, NecpCharacter *character)
{
	return read_row(&lock_character, character_id, character);
}

/* Creation ------------------------------------------------------------------------------------- */

/* 3 – 20 letters and digits with single blanks or hyphens between them (DOMAIN §5). */
static char *
name_arg(FunctionCallInfo fcinfo, int n)
{
	char *name;
	size_t length;
	bool separated = true;

	necp_arg_required(fcinfo, n, "name");
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	length = strlen(name);
	if (length < 3 || length > 20)
		necp_fail(INVALID_NAME, "name", "a name has 3 to 20 characters");
	for (size_t i = 0; i < length; i++)
	{
		bool separator = name[i] == ' ' || name[i] == '-';
		bool letter = (name[i] >= 'A' && name[i] <= 'Z') || (name[i] >= 'a' && name[i] <= 'z') ||
					  (name[i] >= '0' && name[i] <= '9');

		if ((!separator && !letter) || (separator && separated) || (separator && i == length - 1))
			necp_fail(INVALID_NAME,
					  "name",
					  "a name has letters and digits, with single blanks or hyphens between");
		separated = separator;
	}
	return name;
}

static void
take_slot(int64 account_id)
{
	necp_run(&open_slots, account_id, necp_config_int("character.slots"));
	necp_run(&lock_slots, account_id);
	if (necp_int4(0, 2) >= necp_int4(0, 1))
		necp_fail(NO_FREE_SLOT, NULL, "all %d character slots are taken", necp_int4(0, 1));
	necp_run(&use_slot, account_id);
}

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
	char *name = name_arg(fcinfo, 0);
	int64 account_id = necp_account();
	NecpCharacterCreated created = {.account_id = account_id};
	int32 class_id;
	int64 credits;

	choose(fcinfo, &class_id, &created.origin_id, &credits);
	take_slot(account_id);
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
	return character_view(created.character_id);
}

/* Selection ------------------------------------------------------------------------------------ */

/* CHARACTER_SWITCHED lets the zone room bring the character into its zone. */
NECP_FUNCTION(necp_character_select)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");
	const NecpSession *session = necp_session();
	NecpCharacter character;

	necp_session_lock(&session->id);
	if (!necp_character_lock(character_id, &character) ||
		character.account_id != session->account_id)
		necp_fail(NOT_FOUND, "character_id", "character not found");
	if (strcmp(character.status, "IN_COMBAT") == 0)
		necp_fail(BUSY, NULL, "the character is in combat");
	if (session->character_id != 0 && session->character_id != character_id)
		run_checks(&before_leaving, session->character_id);
	necp_run(&played, character_id, TimestampTzGetDatum(necp_now()));
	if (session->character_id != character_id)
		necp_session_play(&session->id, character_id, 0);
	necp_event_emit(&(NecpEvent){.type = "CHARACTER_SWITCHED",
								 .aggregate_type = "CHARACTER",
								 .aggregate_id = character_id,
								 .account_id = session->account_id,
								 .character_id = character_id});
	return character_view(character_id);
}

/* Slots ---------------------------------------------------------------------------------------- */

static Datum
slots_view(int64 account_id)
{
	int64 premium =
		necp_ledger_balance((NecpPurse){NECP_PREMIUM, account_id}, NECP_PREMIUM_CURRENCY);

	return necp_answer(&view_slots,
					   "slots",
					   account_id,
					   necp_config_int("character.slots"),
					   necp_config_int("character.slot_price"),
					   premium);
}

NECP_FUNCTION(necp_character_slots)
{
	return slots_view(necp_account());
}

NECP_FUNCTION(necp_character_slots_purchase)
{
	int64 account_id = necp_account();

	necp_run(&open_slots, account_id, necp_config_int("character.slots"));
	necp_run(&lock_slots, account_id);
	if (necp_int4(0, 1) >= necp_config_int("character.slots_max"))
		necp_fail(CONFLICT, NULL, "the account owns all the slots there are");
	necp_run(&buy_slot, account_id);
	necp_ledger_transfer((NecpPurse){NECP_PREMIUM, account_id},
						 (NecpPurse){NECP_SINK, 0},
						 NECP_PREMIUM_CURRENCY,
						 necp_config_int("character.slot_price"),
						 "CHARACTER_SLOT",
						 account_id);
	return slots_view(account_id);
}

/* Experience ----------------------------------------------------------------------------------- */

/* XP that leads from a level to the next (DOMAIN §10): floor(1000 × level^1.6). */
static int64
xp_to_next(int32 level)
{
	return (int64) floor(1000.0 * pow(level, 1.6));
}

static void
emit_level(int64 character_id, int32 level)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_int(&data, "level", level);
	necp_event_emit(&(NecpEvent){.type = "LEVEL_UP",
								 .aggregate_type = "CHARACTER",
								 .aggregate_id = character_id,
								 .character_id = character_id,
								 .data = necp_json_close(&data)});
}

void
necp_character_add_xp(int64 character_id, int64 xp, const char *cause, int64 cause_id)
{
	NecpJson data;
	int32 old_level;
	int32 level;
	int64 have;

	if (xp <= 0 || necp_run(&lock_xp, character_id) == 0)
		return;
	old_level = level = necp_int4(0, 1);
	have = necp_int8(0, 2) + xp;
	while (level < MAX_LEVEL && have >= xp_to_next(level))
		have -= xp_to_next(level++);
	if (level == MAX_LEVEL)
		have = 0; /* excess is discarded at the cap */
	necp_run(&store_xp, character_id, level, have);
	necp_json_open(&data);
	necp_json_int(&data, "xp", xp);
	necp_json_text(&data, "cause", cause);
	necp_json_int(&data, "cause_id", cause_id);
	necp_event_emit(&(NecpEvent){.type = "XP_GAINED",
								 .aggregate_type = "CHARACTER",
								 .aggregate_id = character_id,
								 .character_id = character_id,
								 .data = necp_json_close(&data)});
	for (int32 reached = old_level + 1; reached <= level; reached++)
		emit_level(character_id, reached);
}

void
necp_character_save_hp(int64 character_id, int32 hp)
{
	necp_run(&save_hp, character_id, hp);
}
