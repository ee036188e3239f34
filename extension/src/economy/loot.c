/* SPDX-License-Identifier: PostgreSQL
 *
 * Drops (DOMAIN §7): what lies around, who takes it, what vanishes. Lock order: the drop, the drop's
 * container and the backpack by ascending id, their items, the purses by ascending id.
 */
#include "postgres.h"

#include "character/character.h"
#include "economy/inventory.h"
#include "economy/loot.h"
#include "economy/loot_int.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/ledger.h"
#include "kernel/list.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/workers.h"
#include "world/world.h"
#include "world/zone.h"

/* As the character that the parameter names sees it: what is another's alone is not shown. */
#define VIEW(me)                                                                                    \
	"to_json(ROW(d.id, d.place_id, d.x, d.y, d.z, d.mode, d.status, d.credits +"                    \
	" coalesce((SELECT e.credits FROM game.drop_eligible e"                                         \
	"  WHERE e.drop_id = d.id AND e.character_id = $" me "), 0),"                                   \
	" (SELECT coalesce(array_agg(" NECP_ITEM_ROW                                                    \
	"   ORDER BY i.slot), '{}') FROM game.character_items i"                                        \
	"  JOIN game.item_templates t ON t.id = i.template_id WHERE i.container_id = d.container_id"    \
	"  AND NOT EXISTS (SELECT FROM game.drop_items o WHERE o.item_id = i.id AND o.owner_id <> $" me \
	")), (SELECT coalesce(array_agg(ROW(o.item_id, o.claim, r.id)::necp.claim_view"                 \
	"   ORDER BY o.item_id), '{}') FROM game.drop_items o"                                          \
	"  LEFT JOIN game.loot_rolls r ON r.item_id = o.item_id AND r.status = 'PENDING'"               \
	"  WHERE o.drop_id = d.id AND (o.owner_id IS NULL OR o.owner_id = $" me ")),"                   \
	" d.master_id, d.assign_until, d.expires_at)::necp.drop_view)"
#define SQUARE(a, b) "((d.x - $" a ") * (d.x - $" a ") + (d.y - $" b ") * (d.y - $" b "))"

static NecpPlan view_drop =
	NECP_PLAN("SELECT " VIEW("3") " FROM game.world_drops d WHERE d.id = $1 AND d.place_id = $2",
			  INT8OID, INT8OID, INT8OID);
static NecpPlan view_nearby = NECP_PLAN(
	"SELECT " VIEW(
		"6") ", d.id FROM game.world_drops d"
			 " WHERE d.place_id = $1 AND d.status = 'ACTIVE' AND d.expires_at > $4 AND " SQUARE(
				 "2", "3") " <= $5 * $5"
						   " ORDER BY " SQUARE("2", "3") ", d.id LIMIT 100",
	INT8OID, FLOAT4OID, FLOAT4OID, TIMESTAMPTZOID, FLOAT8OID, INT8OID);
static NecpPlan lock_drop = NECP_PLAN(
	"SELECT d.container_id, d.place_id, d.credits, d.x::float8, d.y::float8, d.z::float8,"
	" d.mode = 'FREE_FOR_ALL', d.expires_at, d.status::text, d.boss, d.party_id,"
	" d.master_id, d.assign_until FROM game.world_drops d WHERE d.id = $1 FOR NO KEY UPDATE",
	INT8OID);
static NecpPlan read_eligible = NECP_PLAN(
	"SELECT character_id, credits FROM game.drop_eligible WHERE drop_id = $1 ORDER BY character_id",
	INT8OID);
static NecpPlan is_eligible =
	NECP_PLAN("SELECT FROM game.drop_eligible WHERE drop_id = $1 AND character_id = $2", INT8OID,
			  INT8OID);
static NecpPlan read_claims =
	NECP_PLAN("SELECT item_id, claim = 'OWNED', owner_id FROM game.drop_items WHERE drop_id = $1",
			  INT8OID);
static NecpPlan write_claim = NECP_PLAN(
	"INSERT INTO game.drop_items (drop_id, item_id, claim, owner_id)"
	" VALUES ($1, $2, $3, nullif($4, 0))"
	" ON CONFLICT (item_id) DO UPDATE SET claim = excluded.claim, owner_id = excluded.owner_id",
	INT8OID, INT8OID, TEXTOID, INT8OID);
static NecpPlan delete_claim = NECP_PLAN("DELETE FROM game.drop_items WHERE item_id = $1", INT8OID);
static NecpPlan take_share =
	NECP_PLAN("UPDATE game.drop_eligible SET credits = 0 WHERE drop_id = $1 AND character_id = $2",
			  INT8OID, INT8OID);
/* What is one's alone keeps a drop that is empty but for that. */
static NecpPlan settle_drop =
	NECP_PLAN("UPDATE game.world_drops d SET credits = 0, status = CASE WHEN $2 AND NOT EXISTS"
			  " (SELECT FROM game.drop_eligible e WHERE e.drop_id = d.id AND e.credits > 0)"
			  " THEN 'LOOTED' ELSE d.status END WHERE d.id = $1 RETURNING d.status = 'LOOTED'",
			  INT8OID, BOOLOID);
static NecpPlan close_drop = NECP_PLAN(
	"UPDATE game.world_drops d SET status = 'LOOTED' WHERE d.id = $1"
	" AND d.status = 'ACTIVE' AND d.credits = 0"
	" AND NOT EXISTS (SELECT FROM game.character_items i WHERE i.container_id = $2)"
	" AND NOT EXISTS (SELECT FROM game.drop_eligible e WHERE e.drop_id = $1 AND e.credits > 0)",
	INT8OID, INT8OID);
static NecpPlan insert_history = NECP_PLAN(
	"INSERT INTO game.loot_history (character_id, drop_id, item_id, template_id, quantity, method,"
	" obtained_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
	INT8OID, INT8OID, INT8OID, INT4OID, INT4OID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan open_window =
	NECP_PLAN("INSERT INTO game.loot_windows (item_id, drop_id, closes_at) VALUES ($1, $2, $3)"
			  " ON CONFLICT DO NOTHING",
			  INT8OID, INT8OID, TIMESTAMPTZOID);
static NecpPlan lock_purses =
	NECP_PLAN("SELECT owner_id, balance FROM game.ledger_accounts WHERE holder = 'WALLET'"
			  " AND currency = 'credits' AND owner_id = ANY ($1) ORDER BY id FOR NO KEY UPDATE",
			  INT8ARRAYOID);
static NecpPlan expired_drops =
	NECP_PLAN("SELECT d.id FROM game.world_drops d WHERE d.status = 'ACTIVE' AND d.expires_at <= $1"
			  " AND NOT EXISTS (SELECT FROM game.drop_items o WHERE o.drop_id = d.id"
			  "  AND o.claim IN ('ROLL', 'MASTER'))"
			  " ORDER BY d.expires_at LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED",
			  TIMESTAMPTZOID);
static NecpPlan expire_drop =
	NECP_PLAN("UPDATE game.world_drops SET status = 'EXPIRED', credits = 0 WHERE id = $1", INT8OID);
static NecpPlan forget_shares =
	NECP_PLAN("UPDATE game.drop_eligible SET credits = 0 WHERE drop_id = $1 AND credits > 0",
			  INT8OID);

/* Reads ---------------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_loot_nearby)
{
	NecpEntity self = necp_zone_require_self();

	return necp_list(&view_nearby,
					 100,
					 self.place_id,
					 Float4GetDatum(self.state.x),
					 Float4GetDatum(self.state.y),
					 TimestampTzGetDatum(necp_now()),
					 Float8GetDatum(necp_config_float("loot.nearby_m")),
					 necp_character());
}

NECP_FUNCTION(necp_loot_drop)
{
	int64 drop_id = necp_arg_id(fcinfo, 0, "drop_id");

	return necp_answer(&view_drop,
					   "drop",
					   drop_id,
					   necp_zone_require_self().place_id,
					   necp_character());
}

/* A drop --------------------------------------------------------------------------------------- */

bool
necp_drop_lock(int64 drop_id, NecpDrop *drop)
{
	if (necp_run(&lock_drop, drop_id) == 0)
		return false;
	*drop = (NecpDrop){.id = drop_id,
					   .container_id = necp_int8(0, 1),
					   .place_id = necp_int8(0, 2),
					   .credits = necp_int8(0, 3),
					   .x = (float) necp_float8(0, 4),
					   .y = (float) necp_float8(0, 5),
					   .z = (float) necp_float8(0, 6),
					   .of_nobody = necp_bool(0, 7),
					   .expires_at = necp_timestamp(0, 8),
					   .status = necp_text(0, 9),
					   .boss = necp_bool(0, 10),
					   .party_id = necp_int8(0, 11),
					   .master_id = necp_int8(0, 12),
					   .assign_until = necp_timestamp(0, 13)};
	return true;
}

bool
necp_drop_is_eligible(int64 drop_id, int64 character_id)
{
	return necp_run(&is_eligible, drop_id, character_id) > 0;
}

void
necp_drop_close(const NecpDrop *drop)
{
	necp_run(&close_drop, drop->id, drop->container_id);
}

void
necp_drop_claim(int64 drop_id, int64 item_id, const char *claim, int64 owner_id)
{
	necp_run(&write_claim, drop_id, item_id, necp_cstring_datum(claim), owner_id);
}

void
necp_drop_unclaim(int64 item_id)
{
	necp_run(&delete_claim, item_id);
}

static void
emit_pickup(const NecpDrop *drop, int64 character_id, const NecpItem *item,
			const NecpTemplate *template, int32 quantity)
{
	NecpPickedUp detail = {.character_id = character_id,
						   .item_id = item->id,
						   .template_id = template->id,
						   .quantity = quantity,
						   .code = template->code,
						   .name = template->name,
						   .type = template->type,
						   .rarity = template->rarity};
	NecpJson data;

	necp_json_open(&data);
	necp_json_int(&data, "item_id", item->id);
	necp_json_text(&data, "item", template->code);
	necp_json_int(&data, "quantity", quantity);
	necp_event_emit(&(NecpEvent){.type = "ITEM_PICKED_UP",
								 .aggregate_type = "DROP",
								 .aggregate_id = drop->id,
								 .account_id = necp_character_account(character_id),
								 .character_id = character_id,
								 .data = necp_json_close(&data),
								 .detail = &detail});
}

void
necp_drop_taken(const NecpDrop *drop, int64 character_id, const NecpItem *item,
				const NecpTemplate *template, int32 quantity, const char *method)
{
	TimestampTz now = necp_now();

	necp_run(&insert_history,
			 character_id,
			 drop->id,
			 item->id,
			 template->id,
			 quantity,
			 necp_cstring_datum(method),
			 TimestampTzGetDatum(now));
	if (drop->boss && strcmp(item->binding, "CHARACTER") == 0)
		necp_run(&open_window,
				 item->id,
				 drop->id,
				 TimestampTzGetDatum(now + necp_config_int("loot.window_s") * USECS_PER_SEC));
	emit_pickup(drop, character_id, item, template, quantity);
}

/* Pick-up -------------------------------------------------------------------------------------- */

/* What the acting character finds in a drop. */
typedef struct Haul
{
	NecpDrop drop;
	NecpRows eligible; /* character, credits of its own */
	NecpRows claims;   /* item, is it owned, by whom */
	int64 credits;     /* received */
	bool emptied;      /* of its items */
	StringInfoData taken;
	NecpContainer *backpack;
} Haul;

/*
 * The drop's row is the contested thing: whoever locks it first may empty it. Of drops in other
 * places nothing is told.
 */
static void
take_drop(int64 drop_id, int64 place_id, NecpDrop *drop)
{
	if (!necp_drop_lock(drop_id, drop) || drop->place_id != place_id)
		necp_fail(NOT_FOUND, "drop_id", "drop not found");
	if (strcmp(drop->status, "LOOTED") == 0)
		necp_fail(ALREADY_LOOTED, "drop_id", "drop " INT64_FORMAT " was emptied before", drop_id);
	if (strcmp(drop->status, "EXPIRED") == 0 || drop->expires_at <= necp_now())
		necp_fail(DROP_EXPIRED, "drop_id", "drop " INT64_FORMAT " has vanished", drop_id);
}

static void
require_reach(const NecpDrop *drop, const NecpEntity *self)
{
	NecpEntity there = {.state = {.x = drop->x, .y = drop->y, .z = drop->z}};

	if (self->state.activity == NECP_ACTIVITY_DEAD)
		necp_fail(YOU_ARE_DEAD, NULL, "the dead pick nothing up");
	if (necp_world_distance(self, &there) > necp_config_float("loot.pickup_m"))
		necp_fail(TOO_FAR,
				  "drop_id",
				  "the drop is farther than %g m away",
				  necp_config_float("loot.pickup_m"));
}

/* Who has part in it was fixed when it fell; what has nobody's name on it is free for all. */
static void
read_shares(Haul *haul, int64 character_id)
{
	bool found = false;

	haul->eligible = necp_fetch(&read_eligible, haul->drop.id);
	for (uint64 row = 0; row < haul->eligible.count; row++)
		found |= necp_row_int8(&haul->eligible, row, 1) == character_id;
	haul->drop.of_nobody &= haul->eligible.count == 0;
	if (!found && !haul->drop.of_nobody)
		necp_fail(NOT_ELIGIBLE, "drop_id", "this drop belongs to others");
	haul->claims = necp_fetch(&read_claims, haul->drop.id);
}

typedef enum Hold
{
	FREE,
	MINE,
	FOREIGN,
	PENDING
} Hold;

static Hold
hold_of(const Haul *haul, const NecpItem *item, int64 character_id)
{
	for (uint64 row = 0; row < haul->claims.count; row++)
	{
		if (necp_row_int8(&haul->claims, row, 1) != item->id)
			continue;
		if (!necp_row_bool(&haul->claims, row, 2))
			return PENDING;
		return necp_row_int8(&haul->claims, row, 3) == character_id ? MINE : FOREIGN;
	}
	return FREE;
}

/* Appends one {"item_id", …} to a JSON array. */
static void
append_taken(StringInfo list, const NecpItem *item, int32 quantity)
{
	if (list->len > 1)
		appendStringInfoChar(list, ',');
	appendStringInfo(list, "{\"item_id\":" INT64_FORMAT ",", item->id);
	appendStringInfo(list, "\"template_id\":%d,\"quantity\":%d}", item->template_id, quantity);
}

/* Moves what fits of an item; the rest stays. */
static int32
take_item(Haul *haul, const NecpItem *item, Hold hold, int64 character_id, double *spare_kg,
		  bool *too_heavy)
{
	NecpTemplate template = necp_template(item->template_id);
	int32 quantity = necp_inventory_take(item,
										 item->quantity,
										 haul->backpack,
										 &template,
										 spare_kg,
										 too_heavy,
										 "PICKUP",
										 haul->drop.id);

	if (quantity == 0)
		return 0;
	if (hold == MINE && quantity == item->quantity)
		necp_drop_unclaim(item->id);
	append_taken(&haul->taken, item, quantity);
	necp_drop_taken(&haul->drop, character_id, item, &template, quantity, "PICKUP");
	return quantity;
}

/* Why nothing at all was there to be had. */
static void
refuse_empty(int pending, int foreign, bool too_heavy)
{
	if (too_heavy)
		necp_fail(OVERWEIGHT, NULL, "it is too heavy to carry");
	if (pending > 0)
		necp_fail(ROLL_PENDING, "drop_id", "what is left is not decided yet");
	if (foreign > 0)
		necp_fail(NOT_ELIGIBLE, "drop_id", "what is left belongs to others");
	necp_fail(INVENTORY_FULL, NULL, "the backpack has no room for any of it");
}

/* Moves what fits by room and weight, of what is free or the character's own. */
static void
take_items(Haul *haul, int64 character_id, bool paid)
{
	int64 ids[] = {haul->drop.container_id, necp_backpack(character_id)};
	int counts[] = {[FREE] = 0, [MINE] = 0, [FOREIGN] = 0, [PENDING] = 0};
	NecpContainer *locked[2];
	double spare_kg;
	bool too_heavy = false;

	necp_container_lock_all(ids, 2, locked);
	haul->backpack = locked[1];
	haul->emptied = true;
	spare_kg = locked[0]->nitems == 0 ? 0 : necp_inventory_spare(character_id);
	for (int i = 0; i < locked[0]->nitems; i++)
	{
		NecpItem *item = &locked[0]->items[i];
		Hold hold = hold_of(haul, item, character_id);

		counts[hold]++;
		if (hold == FOREIGN || hold == PENDING ||
			take_item(haul, item, hold, character_id, &spare_kg, &too_heavy) < item->quantity)
			haul->emptied = false;
	}
	if (!haul->emptied && haul->taken.len == 1 && !paid)
		refuse_empty(counts[FREE] + counts[MINE] > 0 ? 0 : counts[PENDING],
					 counts[FREE] + counts[MINE] > 0 ? 0 : counts[FOREIGN],
					 too_heavy);
}

static void
pay(const NecpDrop *drop, int64 character_id, int64 amount)
{
	NecpJson data;

	if (amount <= 0)
		return;
	necp_ledger_transfer((NecpPurse){NECP_MINT, 0},
						 (NecpPurse){NECP_WALLET, character_id},
						 NECP_CREDITS,
						 amount,
						 "LOOT",
						 drop->id);
	necp_json_open(&data);
	necp_json_int(&data, "amount", amount);
	necp_json_text(&data, "cause", "LOOT");
	necp_event_emit(&(NecpEvent){.type = "CURRENCY_GAINED",
								 .aggregate_type = "CHARACTER",
								 .aggregate_id = character_id,
								 .account_id = necp_character_account(character_id),
								 .character_id = character_id,
								 .data = necp_json_close(&data)});
}

/* The same for everybody; the remainder goes to the lowest id. */
static int64
share_of(const Haul *haul, int64 character_id)
{
	int64 n = (int64) haul->eligible.count;

	if (n == 0)
		return haul->drop.credits;
	return haul->drop.credits / n +
		   (necp_row_int8(&haul->eligible, 0, 1) == character_id ? haul->drop.credits % n : 0);
}

static bool
has_purse(const NecpRows *purses, int64 owner_id)
{
	for (uint64 row = 0; row < purses->count; row++)
		if (necp_row_int8(purses, row, 1) == owner_id)
			return true;
	return false;
}

/* Another's purse has grown by this command; the picker's own is told with what it picked up. */
static void
pay_other(const NecpDrop *drop, int64 character_id, int64 amount)
{
	if (amount <= 0)
		return;
	pay(drop, character_id, amount);
	necp_inventory_push(character_id, NULL, 0);
}

/*
 * Everybody's share is paid when the first one comes. A full wallet of another takes what it can,
 * so that it does not keep the others from theirs; the picker's own is refused.
 */
static void
share_credits(Haul *haul, int64 character_id)
{
	Datum *ids = palloc(sizeof(Datum) * (Size) haul->eligible.count);
	NecpRows purses;

	for (uint64 row = 0; row < haul->eligible.count; row++)
		ids[row] = Int64GetDatum(necp_row_int8(&haul->eligible, row, 1));
	purses = necp_fetch(&lock_purses, necp_int8_array(ids, (int) haul->eligible.count));
	for (uint64 row = 0; row < purses.count; row++)
	{
		int64 owner_id = necp_row_int8(&purses, row, 1);
		int64 amount = share_of(haul, owner_id);

		if (owner_id == character_id)
			pay(&haul->drop, owner_id, amount);
		else
			pay_other(&haul->drop,
					  owner_id,
					  Min(amount, NECP_WALLET_CAP - necp_row_int8(&purses, row, 2)));
	}
	/* who never had a credit gets a purse, whose id is higher than those that are locked */
	for (uint64 row = 0; row < haul->eligible.count; row++)
	{
		int64 owner_id = necp_row_int8(&haul->eligible, row, 1);

		if (!has_purse(&purses, owner_id))
			pay_other(&haul->drop, owner_id, share_of(haul, owner_id));
	}
}

static int64
own_credits(const Haul *haul, int64 character_id)
{
	for (uint64 row = 0; row < haul->eligible.count; row++)
		if (necp_row_int8(&haul->eligible, row, 1) == character_id)
			return necp_row_int8(&haul->eligible, row, 2);
	return 0;
}

static void
take_credits(Haul *haul, int64 character_id)
{
	int64 own = own_credits(haul, character_id);

	if (haul->drop.credits > 0 && haul->eligible.count > 1)
		share_credits(haul, character_id);
	else
		pay(&haul->drop, character_id, haul->drop.credits);
	if (own > 0)
	{
		necp_run(&take_share, haul->drop.id, character_id);
		pay(&haul->drop, character_id, own);
	}
}

static void
push_taken(const NecpDrop *drop, const char *status)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_int(&data, "drop_id", drop->id);
	necp_json_text(&data, "status", status);
	necp_json_int(&data, "character_id", necp_character());
	necp_zone_push(drop->place_id, "LOOT_TAKEN", necp_json_close(&data));
}

static Datum
view_haul(const Haul *haul, const char *status)
{
	NecpJson view;

	necp_json_open(&view);
	necp_json_int(&view, "drop_id", haul->drop.id);
	necp_json_text(&view, "status", status);
	necp_json_int(&view, "credits", haul->credits);
	necp_json_raw(&view, "items", haul->taken.data);
	return necp_cstring_datum(necp_json_close(&view));
}

/* Moves what fits of one drop into the caller's backpack; returns necp.pickup_view. */
NECP_FUNCTION(necp_loot_pickup)
{
	int64 drop_id = necp_arg_id(fcinfo, 0, "drop_id");
	int64 character_id = necp_character();
	NecpEntity self = necp_zone_require_self();
	const char *status;
	Haul haul = {0};

	take_drop(drop_id, self.place_id, &haul.drop);
	require_reach(&haul.drop, &self);
	read_shares(&haul, character_id);
	haul.credits = share_of(&haul, character_id) + own_credits(&haul, character_id);
	initStringInfo(&haul.taken);
	appendStringInfoChar(&haul.taken, '[');
	take_items(&haul, character_id, haul.credits > 0);
	appendStringInfoChar(&haul.taken, ']');
	take_credits(&haul, character_id);
	necp_run(&settle_drop, drop_id, BoolGetDatum(haul.emptied));
	status = necp_bool(0, 1) ? "LOOTED" : "ACTIVE";
	push_taken(&haul.drop, status);
	necp_inventory_push(character_id, &haul.backpack, 1);
	return view_haul(&haul, status);
}

/* Expiry ---------------------------------------------------------------------------------------- */

/* What is being rolled for, or waits for its master, keeps a drop from vanishing. */
static void
expire(int64 drop_id)
{
	NecpDrop drop;
	NecpContainer *container;

	if (!necp_drop_lock(drop_id, &drop))
		return;
	container = necp_container_lock(drop.container_id);
	for (int i = 0; i < container->nitems; i++)
	{
		necp_drop_unclaim(container->items[i].id);
		necp_item_destroy(&container->items[i], "DROP_EXPIRED", drop_id);
	}
	necp_run(&expire_drop, drop_id);
	necp_run(&forget_shares, drop_id);
	necp_event_emit(
		&(NecpEvent){.type = "DROP_EXPIRED", .aggregate_type = "DROP", .aggregate_id = drop_id});
}

static void
expire_drops(void *arg)
{
	NecpRows drops = necp_fetch(&expired_drops, TimestampTzGetDatum(necp_now()));

	for (uint64 row = 0; row < drops.count; row++)
		expire(necp_row_int8(&drops, row, 1));
}

NECP_ROOM_INIT(loot)
{
	necp_drop_init();
	necp_loot_history_init();
	necp_schedule("loot_expire", 5, expire_drops);
}
