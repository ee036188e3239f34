/* SPDX-License-Identifier: PostgreSQL
 *
 * Character slots of accounts (DOMAIN §5). Whoever makes, deletes or restores a character locks the
 * row here first, so that used slots are undeleted characters at every moment.
 */
#include "postgres.h"

#include "character/character.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/identity.h"
#include "kernel/ledger.h"
#include "kernel/spi.h"

static NecpPlan open_slots =
	NECP_PLAN("INSERT INTO game.character_slots (account_id, slots) VALUES ($1, $2)"
			  " ON CONFLICT (account_id) DO NOTHING",
			  INT8OID, INT4OID);
static NecpPlan lock_slots = NECP_PLAN(
	"SELECT slots, used FROM game.character_slots WHERE account_id = $1 FOR NO KEY UPDATE",
	INT8OID);
static NecpPlan use_slot =
	NECP_PLAN("UPDATE game.character_slots SET used = used + 1 WHERE account_id = $1", INT8OID);
static NecpPlan free_slot =
	NECP_PLAN("UPDATE game.character_slots SET used = used - 1 WHERE account_id = $1", INT8OID);
static NecpPlan buy_slot =
	NECP_PLAN("UPDATE game.character_slots SET slots = slots + 1 WHERE account_id = $1", INT8OID);
static NecpPlan view_slots = NECP_PLAN(
	"SELECT to_json(ROW(coalesce(s.slots, $2), coalesce(s.used, 0), $3, $4)::necp.slots_view)"
	" FROM (SELECT 1) one LEFT JOIN game.character_slots s ON s.account_id = $1",
	INT8OID, INT4OID, INT4OID, INT8OID);

static void
lock(int64 account_id)
{
	necp_run(&open_slots, account_id, necp_config_int("character.slots"));
	necp_run(&lock_slots, account_id);
}

int32
necp_slots_lock(int64 account_id)
{
	lock(account_id);
	return necp_int4(0, 2);
}

void
necp_slot_take(int64 account_id)
{
	lock(account_id);
	if (necp_int4(0, 2) >= necp_int4(0, 1))
		necp_fail(NO_FREE_SLOT, NULL, "all %d character slots are taken", necp_int4(0, 1));
	necp_run(&use_slot, account_id);
}

void
necp_slot_free(int64 account_id)
{
	necp_run(&free_slot, account_id);
}

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

	lock(account_id);
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
