/* SPDX-License-Identifier: PostgreSQL
 *
 * The ends of characters (DOMAIN §5): death and return, deletion, restoration, purge.
 *
 * Lock order: the account's slots, the character, its containers, its purse. A selection locks the
 * character too, so a deletion comes wholly before or after it.
 */
#include "postgres.h"

#include "auth/account.h"
#include "auth/session.h"
#include "character/character.h"
#include "character/life.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/custody.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/ledger.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#define PURGE_HOUR (3 * USECS_PER_HOUR) /* UTC */

static NecpPlan mark_deleted =
	NECP_PLAN("UPDATE game.characters SET status = 'DELETED', deleted_at = $2, died_at = NULL"
			  " WHERE id = $1",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan lock_deleted =
	NECP_PLAN("SELECT account_id, deleted_at, purged_at IS NOT NULL, body, level, perk_hp"
			  " FROM game.characters WHERE id = $1 FOR NO KEY UPDATE",
			  INT8OID);
static NecpPlan mark_restored =
	NECP_PLAN("UPDATE game.characters SET status = 'ACTIVE', deleted_at = NULL,"
			  " hp = CASE WHEN hp = 0 THEN $2 ELSE hp END WHERE id = $1",
			  INT8OID, INT4OID);
static NecpPlan lock_expired =
	NECP_PLAN("SELECT id, account_id FROM game.characters"
			  " WHERE deleted_at <= $1 AND purged_at IS NULL"
			  " ORDER BY deleted_at LIMIT 50 FOR NO KEY UPDATE SKIP LOCKED",
			  TIMESTAMPTZOID);
static NecpPlan lock_of_account =
	NECP_PLAN("SELECT id, deleted_at IS NOT NULL FROM game.characters"
			  " WHERE account_id = $1 AND purged_at IS NULL ORDER BY id FOR NO KEY UPDATE",
			  INT8OID);
static NecpPlan forget_player =
	NECP_PLAN("UPDATE game.players SET bio = '', show_online = false, show_characters = false,"
			  " show_totals = false WHERE account_id = $1",
			  INT8OID);
static NecpPlan mark_purged = NECP_PLAN(
	"UPDATE game.characters SET purged_at = $2, appearance = '{}', settings = '{}' WHERE id = $1",
	INT8OID, TIMESTAMPTZOID);
static NecpPlan mark_dead = NECP_PLAN(
	"UPDATE game.characters SET status = 'DEAD', died_at = $2, hp = 0, deaths = deaths + 1"
	" WHERE id = $1 AND status <> 'DEAD' AND deleted_at IS NULL",
	INT8OID, TIMESTAMPTZOID);
static NecpPlan lock_dead = NECP_PLAN("SELECT account_id, body, level, perk_hp FROM game.characters"
									  " WHERE id = $1 AND died_at <= $2"
									  " FOR NO KEY UPDATE",
									  INT8OID, TIMESTAMPTZOID);
static NecpPlan mark_alive =
	NECP_PLAN("UPDATE game.characters SET status = 'ACTIVE', died_at = NULL, hp = $2 WHERE id = $1",
			  INT8OID, INT4OID);
static NecpPlan dead_long_enough =
	NECP_PLAN("SELECT id FROM game.characters WHERE died_at <= $1 ORDER BY died_at LIMIT 200"
			  " FOR NO KEY UPDATE SKIP LOCKED",
			  TIMESTAMPTZOID);

static void
emit(const char *type, int64 account_id, int64 character_id, const char *data, const void *detail)
{
	necp_event_emit(&(NecpEvent){.type = type,
								 .aggregate_type = "CHARACTER",
								 .aggregate_id = character_id,
								 .account_id = account_id,
								 .character_id = character_id,
								 .data = data,
								 .detail = detail});
}

/* Death and return ----------------------------------------------------------------------------- */

void
necp_character_die(const NecpDeath *death, const char *reason)
{
	NecpCharacter character;
	NecpJson data;

	if (!necp_character_read(death->character_id, &character))
		necp_fail(NOT_FOUND, "character_id", "character not found");
	necp_json_open(&data);
	necp_json_text(&data, "cause", death->cause);
	necp_json_int(&data, "cause_id", death->cause_id);
	if (reason != NULL)
		necp_json_text(&data, "reason", reason);
	emit("PLAYER_DIED", character.account_id, death->character_id, necp_json_close(&data), death);
	if (necp_run(&mark_dead, death->character_id, TimestampTzGetDatum(necp_now())) == 0)
		necp_fail(TARGET_DEAD, "character_id", "the character is dead already");
}

/* character_kill(character_id bigint, reason text): for operators. */
NECP_FUNCTION(necp_character_kill)
{
	NecpDeath death = {.character_id = necp_arg_id(fcinfo, 0, "character_id"), .cause = "OPERATOR"};

	necp_character_die(&death, necp_arg_text(fcinfo, 1, "reason", 1, 200));
	PG_RETURN_VOID();
}

static TimestampTz
died_before(void)
{
	return necp_now() - necp_config_int("character.respawn_s") * USECS_PER_SEC;
}

static int32
returning_hp(int32 max_hp)
{
	return (int32) Max(max_hp * necp_config_int("character.respawn_hp_percent") / 100, 1);
}

bool
necp_character_respawn(int64 character_id)
{
	NecpReturn back = {.character_id = character_id};
	int64 account_id;
	NecpJson data;

	if (necp_run(&lock_dead, character_id, TimestampTzGetDatum(died_before())) == 0)
		return false;
	account_id = necp_int8(0, 1);
	back.max_hp = NECP_MAX_HP(necp_int4(0, 2), necp_int4(0, 3), necp_int4(0, 4));
	back.hp = returning_hp(back.max_hp);
	necp_run(&mark_alive, character_id, back.hp);
	necp_json_open(&data);
	necp_json_int(&data, "hp", back.hp);
	emit("PLAYER_RESPAWNED", account_id, character_id, necp_json_close(&data), &back);
	return true;
}

/* The deadline holds before this runs: who acts is brought back first. */
static void
respawn_due(void *arg)
{
	NecpRows dead = necp_fetch(&dead_long_enough, TimestampTzGetDatum(died_before()));

	for (uint64 row = 0; row < dead.count; row++)
		(void) necp_character_respawn(necp_row_int8(&dead, row, 1));
}

/* Deletion ------------------------------------------------------------------------------------- */

static void
require_free(const NecpCharacter *character)
{
	pg_uuid_t session;

	if (necp_session_of_character(character->id, &session))
		necp_fail(BUSY, NULL, "the character is being played");
	if (strcmp(character->status, "IN_COMBAT") == 0)
		necp_fail(BUSY, NULL, "the character is in combat");
	necp_character_require_deletable(character->id);
}

NECP_FUNCTION(necp_character_delete)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");
	int64 account_id = necp_account();
	bool last = necp_slots_lock(account_id) <= 1;
	NecpCharacter character;

	if (!necp_character_lock(character_id, &character) || character.account_id != account_id)
		necp_fail(NOT_FOUND, "character_id", "character not found");
	if (last)
		necp_fail(LAST_CHARACTER, NULL, "the last character of an account stays");
	require_free(&character);
	necp_run(&mark_deleted, character_id, TimestampTzGetDatum(necp_now()));
	necp_slot_free(account_id);
	emit("CHARACTER_DELETED", account_id, character_id, NULL, NULL);
	return necp_character_view(character_id);
}

/* What a purge took is gone for good: that is the same answer as a deadline that has passed. */
NECP_FUNCTION(necp_character_restore)
{
	int64 character_id = necp_arg_id(fcinfo, 0, "character_id");
	int64 account_id = necp_account();
	int32 max_hp;

	(void) necp_slots_lock(account_id);
	if (necp_run(&lock_deleted, character_id) == 0 || necp_int8(0, 1) != account_id)
		necp_fail(NOT_FOUND, "character_id", "character not found");
	if (necp_isnull(0, 2))
		necp_fail(CONFLICT, "character_id", "the character is not deleted");
	if (necp_bool(0, 3) || necp_timestamp(0, 2) <= necp_character_restorable_since())
		necp_fail(RESTORE_EXPIRED, "character_id", "the character is gone");
	max_hp = NECP_MAX_HP(necp_int4(0, 4), necp_int4(0, 5), necp_int4(0, 6));
	necp_slot_take(account_id);
	necp_run(&mark_restored, character_id, returning_hp(max_hp));
	emit("CHARACTER_RESTORED", account_id, character_id, NULL, NULL);
	return necp_character_view(character_id);
}

/* Purge ---------------------------------------------------------------------------------------- */

static void
destroy_items(const char *kind, int64 owner_id)
{
	int64 container_id = necp_container_find(kind, owner_id);
	NecpContainer *container;

	if (container_id == 0)
		return;
	container = necp_container_lock(container_id);
	for (int i = 0; i < container->nitems; i++)
		necp_item_destroy(&container->items[i], "PURGE", owner_id);
}

static void
sink(NecpPurse purse, const char *currency)
{
	int64 amount = necp_ledger_balance(purse, currency);

	if (amount > 0)
		necp_ledger_transfer(purse,
							 (NecpPurse){NECP_SINK, 0},
							 currency,
							 amount,
							 "PURGE",
							 purse.owner_id);
}

static void
purge(int64 character_id, int64 account_id)
{
	destroy_items("BACKPACK", character_id);
	destroy_items("EQUIPPED", character_id);
	destroy_items("HELD", character_id);
	sink((NecpPurse){NECP_WALLET, character_id}, NECP_CREDITS);
	necp_run(&mark_purged, character_id, TimestampTzGetDatum(necp_now()));
	emit("CHARACTER_PURGED", account_id, character_id, NULL, NULL);
}

/*
 * Purges who could no longer be restored when it last struck 03:00 UTC: run any number of times a
 * day, or after days of standing still, it does what was due then and nothing more.
 */
static void
purge_due(void *arg)
{
	TimestampTz now = necp_now();
	TimestampTz since_midnight = now % USECS_PER_DAY; /* the epoch of 2000 began at midnight UTC */
	TimestampTz struck = now - since_midnight + PURGE_HOUR;
	NecpRows expired;

	if (struck > now)
		struck -= USECS_PER_DAY;
	expired = necp_fetch(&lock_expired,
						 TimestampTzGetDatum(struck - necp_config_int("character.restore_s") *
														  USECS_PER_SEC));
	for (uint64 row = 0; row < expired.count; row++)
		purge(necp_row_int8(&expired, row, 1), necp_row_int8(&expired, row, 2));
}

/* With an account that nobody can come back to end its characters, its bank and its premium. */
static void
purge_account(int64 account_id)
{
	NecpRows characters;

	(void) necp_slots_lock(account_id);
	characters = necp_fetch(&lock_of_account, account_id);
	for (uint64 row = 0; row < characters.count; row++)
	{
		int64 character_id = necp_row_int8(&characters, row, 1);

		if (!necp_row_bool(&characters, row, 2))
		{
			necp_run(&mark_deleted, character_id, TimestampTzGetDatum(necp_now()));
			necp_slot_free(account_id);
			emit("CHARACTER_DELETED", account_id, character_id, NULL, NULL);
		}
		purge(character_id, account_id);
	}
	destroy_items("BANK", account_id);
	sink((NecpPurse){NECP_PREMIUM, account_id}, NECP_PREMIUM_CURRENCY);
	necp_run(&forget_player, account_id);
}

NECP_ROOM_INIT(life)
{
	necp_account_on_purge(purge_account);
	necp_schedule("character_respawn", 1, respawn_due);
	necp_schedule("character_purge", 60, purge_due);
}
