/* SPDX-License-Identifier: PostgreSQL
 *
 * Loot and drops (DOMAIN §7). Lock order: the drop, the drop's container and the backpack by
 * ascending id, their items, the purse.
 */
#include "postgres.h"

#include "economy/inventory.h"
#include "economy/loot.h"
#include "economy/loot_table.h"
#include "gameplay/npc.h"
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

#include "utils/builtins.h"

typedef struct Drop
{
	int64 id;
	int64 container_id;
	int64 place_id;
	int64 credits;
	float x, y, z;
	bool free_for_all;
	TimestampTz expires_at;
} Drop;

#define VIEW                                                                                       \
	"to_json(ROW(d.id, d.place_id, d.x, d.y, d.z, d.mode, d.status, d.credits,"                    \
	" (SELECT coalesce(array_agg(" NECP_ITEM_ROW                                                   \
	"   ORDER BY i.slot), '{}') FROM game.character_items i"                                       \
	"  JOIN game.item_templates t ON t.id = i.template_id WHERE i.container_id = d.container_id)," \
	" d.expires_at)::necp.drop_view)"
#define SQUARE(a, b) "((d.x - $" a ") * (d.x - $" a ") + (d.y - $" b ") * (d.y - $" b "))"

static NecpPlan view_drop =
	NECP_PLAN("SELECT " VIEW " FROM game.world_drops d WHERE d.id = $1 AND d.place_id = $2",
			  INT8OID, INT8OID);
static NecpPlan view_nearby =
	NECP_PLAN("SELECT " VIEW ", d.id FROM game.world_drops d"
			  " WHERE d.place_id = $1 AND d.status = 'ACTIVE' AND d.expires_at > $4 AND " SQUARE(
				  "2", "3") " <= $5 * $5"
							" ORDER BY " SQUARE("2", "3") ", d.id LIMIT 100",
			  INT8OID, FLOAT4OID, FLOAT4OID, TIMESTAMPTZOID, FLOAT8OID);
static NecpPlan lock_drop =
	NECP_PLAN("SELECT container_id, place_id, credits, x::float8, y::float8, z::float8,"
			  " mode = 'FREE_FOR_ALL', expires_at, status FROM game.world_drops"
			  " WHERE id = $1 FOR NO KEY UPDATE",
			  INT8OID);
static NecpPlan is_eligible =
	NECP_PLAN("SELECT FROM game.drop_eligible WHERE drop_id = $1 AND character_id = $2", INT8OID,
			  INT8OID);
static NecpPlan settle_drop =
	NECP_PLAN("UPDATE game.world_drops SET status = $2, credits = 0 WHERE id = $1", INT8OID,
			  TEXTOID);
static NecpPlan next_drop_id =
	NECP_PLAN0("SELECT nextval(pg_get_serial_sequence('game.world_drops', 'id'))");
static NecpPlan insert_drop =
	NECP_PLAN("INSERT INTO game.world_drops (id, place_id, x, y, z, source, source_id, source_life,"
			  " container_id, credits, mode, created_at, expires_at) OVERRIDING SYSTEM VALUE"
			  " VALUES ($1, $2, $3, $4, $5, $12, $6, $7, $8, $9, $13, $10, $11)",
			  INT8OID, INT8OID, FLOAT4OID, FLOAT4OID, FLOAT4OID, INT8OID, INT8OID, INT8OID, INT8OID,
			  TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TEXTOID);
static NecpPlan insert_eligible =
	NECP_PLAN("INSERT INTO game.drop_eligible (drop_id, character_id) VALUES ($1, $2)", INT8OID,
			  INT8OID);
static NecpPlan expired_drops =
	NECP_PLAN("SELECT id FROM game.world_drops WHERE status = 'ACTIVE' AND expires_at <= $1"
			  " ORDER BY expires_at LIMIT 500 FOR NO KEY UPDATE SKIP LOCKED",
			  TIMESTAMPTZOID);

/* Reads ---------------------------------------------------------------------------------------- */

/* Where the acting character is; it has to be somewhere to look around. */
static NecpEntity
require_present(void)
{
	NecpEntity self;

	if (!necp_zone_self(&self))
		necp_fail(CONFLICT, NULL, "the character is in no zone");
	return self;
}

NECP_FUNCTION(necp_loot_nearby)
{
	NecpEntity self = require_present();

	return necp_list(&view_nearby,
					 100,
					 self.place_id,
					 Float4GetDatum(self.state.x),
					 Float4GetDatum(self.state.y),
					 TimestampTzGetDatum(necp_now()),
					 Float8GetDatum(necp_config_float("loot.nearby_m")));
}

NECP_FUNCTION(necp_loot_drop)
{
	int64 drop_id = necp_arg_id(fcinfo, 0, "drop_id");

	return necp_answer(&view_drop, "drop", drop_id, require_present().place_id);
}

/* Pick-up -------------------------------------------------------------------------------------- */

/*
 * The drop's row is the contested thing: whoever locks it first may empty it. Of drops in other
 * places nothing is told.
 */
static Drop
take_drop(int64 drop_id, int64 place_id)
{
	Drop drop = {.id = drop_id};

	if (necp_run(&lock_drop, drop_id) == 0 || necp_int8(0, 2) != place_id)
		necp_fail(NOT_FOUND, "drop_id", "drop not found");
	drop.container_id = necp_int8(0, 1);
	drop.place_id = necp_int8(0, 2);
	drop.credits = necp_int8(0, 3);
	drop.x = (float) necp_float8(0, 4);
	drop.y = (float) necp_float8(0, 5);
	drop.z = (float) necp_float8(0, 6);
	drop.free_for_all = necp_bool(0, 7);
	drop.expires_at = necp_timestamp(0, 8);
	if (strcmp(necp_text(0, 9), "LOOTED") == 0)
		necp_fail(ALREADY_LOOTED, "drop_id", "drop " INT64_FORMAT " was emptied before", drop_id);
	if (strcmp(necp_text(0, 9), "EXPIRED") == 0 || drop.expires_at <= necp_now())
		necp_fail(DROP_EXPIRED, "drop_id", "drop " INT64_FORMAT " has vanished", drop_id);
	return drop;
}

static void
require_reach(const Drop *drop, const NecpEntity *self)
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

static void
require_eligible(const Drop *drop, int64 character_id)
{
	if (!drop->free_for_all && necp_run(&is_eligible, drop->id, character_id) == 0)
		necp_fail(NOT_ELIGIBLE, "drop_id", "this drop belongs to others");
}

static void
emit_pickup(const Drop *drop, const NecpItem *item, const NecpTemplate *template, int32 quantity)
{
	NecpPickedUp detail = {.character_id = necp_character(),
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
								 .data = necp_json_close(&data),
								 .detail = &detail});
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

/*
 * Moves what fits by room and weight; taken gets the JSON array of it. Returns whether the drop's
 * items are all gone.
 */
static bool
take_items(const Drop *drop, int64 character_id, StringInfo taken, NecpContainer **backpack)
{
	int64 ids[] = {drop->container_id, necp_backpack(character_id)};
	NecpContainer *locked[2];
	const NecpContainer *from;
	double spare_kg;
	bool too_heavy = false;
	bool emptied = true;

	necp_container_lock_all(ids, 2, locked);
	from = locked[0];
	spare_kg = from->nitems == 0 ? 0 : necp_inventory_spare(character_id);

	for (int i = 0; i < from->nitems; i++)
	{
		NecpItem *item = &from->items[i];
		NecpTemplate template = necp_template(item->template_id);
		int32 quantity = necp_inventory_take(item,
											 item->quantity,
											 locked[1],
											 &template,
											 &spare_kg,
											 &too_heavy,
											 "PICKUP",
											 drop->id);

		if (quantity < item->quantity)
			emptied = false;
		if (quantity == 0)
			continue;
		append_taken(taken, item, quantity);
		emit_pickup(drop, item, &template, quantity);
	}
	if (!emptied && taken->len == 1 && drop->credits == 0 && too_heavy)
		necp_fail(OVERWEIGHT, NULL, "it is too heavy to carry");
	if (!emptied && taken->len == 1 && drop->credits == 0)
		necp_fail(INVENTORY_FULL, NULL, "the backpack has no room for any of it");
	*backpack = locked[1];
	return emptied;
}

static void
take_credits(const Drop *drop, int64 character_id)
{
	NecpJson data;

	if (drop->credits == 0)
		return;
	necp_ledger_transfer((NecpPurse){NECP_MINT, 0},
						 (NecpPurse){NECP_WALLET, character_id},
						 NECP_CREDITS,
						 drop->credits,
						 "LOOT",
						 drop->id);
	necp_json_open(&data);
	necp_json_int(&data, "amount", drop->credits);
	necp_json_text(&data, "cause", "LOOT");
	necp_event_emit(&(NecpEvent){.type = "CURRENCY_GAINED",
								 .aggregate_type = "CHARACTER",
								 .aggregate_id = character_id,
								 .data = necp_json_close(&data)});
}

static void
push_taken(const Drop *drop, const char *status)
{
	NecpJson data;

	necp_json_open(&data);
	necp_json_int(&data, "drop_id", drop->id);
	necp_json_text(&data, "status", status);
	necp_json_int(&data, "character_id", necp_character());
	necp_zone_push(drop->place_id, "LOOT_TAKEN", necp_json_close(&data));
}

/* Moves what fits of one drop into the caller's backpack; returns necp.pickup_view. */
NECP_FUNCTION(necp_loot_pickup)
{
	int64 drop_id = necp_arg_id(fcinfo, 0, "drop_id");
	int64 character_id = necp_character();
	NecpEntity self = require_present();
	Drop drop = take_drop(drop_id, self.place_id);
	const char *status;
	StringInfoData taken;
	NecpContainer *backpack;
	NecpJson view;

	require_reach(&drop, &self);
	require_eligible(&drop, character_id);
	initStringInfo(&taken);
	appendStringInfoChar(&taken, '[');
	status = take_items(&drop, character_id, &taken, &backpack) ? "LOOTED" : "ACTIVE";
	appendStringInfoChar(&taken, ']');
	necp_run(&settle_drop, drop_id, necp_cstring_datum(status));
	take_credits(&drop, character_id);
	push_taken(&drop, status);
	necp_inventory_push(character_id, &backpack, 1);
	necp_json_open(&view);
	necp_json_int(&view, "drop_id", drop_id);
	necp_json_text(&view, "status", status);
	necp_json_int(&view, "credits", drop.credits);
	necp_json_raw(&view, "items", taken.data);
	return necp_cstring_datum(necp_json_close(&view));
}

/* Generation ------------------------------------------------------------------------------------ */

/* Lays the drop on the ground with its items; returns its id. */
static int64
lay_drop(const NecpNpcDeath *death, const NecpLoot *loot)
{
	TimestampTz now = necp_now();
	TimestampTz end = now + necp_config_int("loot.drop_s") * USECS_PER_SEC;
	int64 container;
	int64 drop_id;

	necp_run0(&next_drop_id);
	drop_id = necp_int8(0, 1);
	container = necp_container_create("DROP", drop_id, Max(loot->nstacks, 1));
	necp_run(&insert_drop,
			 drop_id,
			 death->place_id,
			 Float4GetDatum(death->x),
			 Float4GetDatum(death->y),
			 Float4GetDatum(death->z),
			 death->npc_id,
			 death->life_id,
			 container,
			 loot->credits,
			 TimestampTzGetDatum(now),
			 TimestampTzGetDatum(end),
			 necp_cstring_datum("NPC"),
			 necp_cstring_datum("NEED_GREED"));
	for (int i = 0; i < loot->nstacks; i++)
		necp_item_create(container,
						 i,
						 loot->stacks[i].template_id,
						 loot->stacks[i].quantity,
						 loot->stacks[i].born,
						 "LOOT",
						 drop_id);
	necp_run(&insert_eligible, drop_id, death->killer_id);
	return drop_id;
}

static void
tell(const NecpNpcDeath *death, int64 drop_id, const NecpLoot *loot)
{
	NecpJson data;
	char *json;

	necp_json_open(&data);
	necp_json_int(&data, "drop_id", drop_id);
	necp_json_int(&data, "npc_id", death->npc_id);
	necp_json_float(&data, "x", death->x);
	necp_json_float(&data, "y", death->y);
	necp_json_float(&data, "z", death->z);
	necp_json_int(&data, "items", loot->nstacks);
	necp_json_int(&data, "credits", loot->credits);
	json = necp_json_close(&data);
	necp_event_emit(&(NecpEvent){.type = "LOOT_GENERATED",
								 .aggregate_type = "DROP",
								 .aggregate_id = drop_id,
								 .data = json});
	necp_zone_push(death->place_id, "LOOT_DROPPED", json);
}

/* An NPC's death leaves a drop, in the transaction of the death. */
static void
drop_loot(const NecpEvent *event)
{
	const NecpNpcDeath *death = event->detail;
	NecpLootContext killer = {.character_id = death->killer_id,
							  .place_id = death->place_id,
							  .luck = NECP_PLAIN_LUCK};
	NecpLoot loot;

	if (death->loot_table_code == NULL || !necp_loot_roll(death->loot_table_code, &killer, &loot) ||
		(loot.nstacks == 0 && loot.credits == 0))
		return;
	tell(death, lay_drop(death, &loot), &loot);
}

/* loot_fall(loot_table, npc_id, life_id, place_id, killer_id): the death as a measurement wants it. */
NECP_FUNCTION(necp_loot_fall)
{
	NecpNpcDeath death = {.loot_table_code = text_to_cstring(PG_GETARG_TEXT_PP(0)),
						  .npc_id = PG_GETARG_INT64(1),
						  .life_id = PG_GETARG_INT64(2),
						  .place_id = PG_GETARG_INT64(3),
						  .killer_id = PG_GETARG_INT64(4)};

	drop_loot(&(NecpEvent){.detail = &death});
	PG_RETURN_VOID();
}

/* What players leave ----------------------------------------------------------------------------- */

int64
necp_loot_lay(const NecpEntity *where, int32 slots, int64 *container_id)
{
	TimestampTz now = necp_now();
	TimestampTz end = now + necp_config_int("loot.drop_s") * USECS_PER_SEC;
	int64 drop_id;
	NecpJson data;

	necp_run0(&next_drop_id);
	drop_id = necp_int8(0, 1);
	*container_id = necp_container_create("DROP", drop_id, slots);
	/* a character lays many: each is a life of its own */
	necp_run(&insert_drop,
			 drop_id,
			 where->place_id,
			 Float4GetDatum(where->state.x),
			 Float4GetDatum(where->state.y),
			 Float4GetDatum(where->state.z),
			 where->state.id,
			 drop_id,
			 *container_id,
			 INT64CONST(0),
			 TimestampTzGetDatum(now),
			 TimestampTzGetDatum(end),
			 necp_cstring_datum("PLAYER"),
			 necp_cstring_datum("FREE_FOR_ALL"));
	necp_json_open(&data);
	necp_json_int(&data, "drop_id", drop_id);
	necp_json_int(&data, "character_id", where->state.id);
	necp_json_float(&data, "x", where->state.x);
	necp_json_float(&data, "y", where->state.y);
	necp_json_float(&data, "z", where->state.z);
	necp_json_int(&data, "items", slots);
	necp_json_int(&data, "credits", 0);
	necp_zone_push(where->place_id, "LOOT_DROPPED", necp_json_close(&data));
	return drop_id;
}

/* Expiry ---------------------------------------------------------------------------------------- */

static void
expire(int64 drop_id)
{
	NecpContainer *container;

	necp_run(&lock_drop, drop_id);
	container = necp_container_lock(necp_int8(0, 1));
	for (int i = 0; i < container->nitems; i++)
		necp_item_destroy(&container->items[i], "DROP_EXPIRED", drop_id);
	necp_run(&settle_drop, drop_id, necp_cstring_datum("EXPIRED"));
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
	necp_event_subscribe("NPC_DIED", drop_loot);
	necp_schedule("loot_expire", 5, expire_drops);
}
