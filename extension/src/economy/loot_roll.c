/* SPDX-License-Identifier: PostgreSQL
 *
 * Dice, votes and the master's hand (DOMAIN §7). An item that is rolled for cannot be picked up, and
 * keeps its drop from vanishing. Votes stand whatever becomes of the voter or its party; the set of
 * voters is the drop's. A roll is decided by the last vote that can still come, or after its deadline
 * by the scheduler, in a transaction with one winner.
 *
 * Lock order: the drop, which stands for its rolls; the drop's container, the winner's backpack and
 * what is held for it by ascending id; their items.
 */
#include "postgres.h"

#include "character/character.h"
#include "economy/delivery.h"
#include "economy/loot.h"
#include "economy/loot_int.h"
#include "economy/stats.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/list.h"
#include "kernel/push.h"
#include "kernel/random.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/workers.h"
#include "social/party.h"

#define SWEEP_S 1
#define SWEPT 200 /* at a time */

#define VIEW                                                                                       \
	"to_json(ROW(r.id, r.drop_id, r.item_id, r.template_id, t.code, t.name, t.type, t.rarity,"     \
	" r.quantity, r.status, r.winner_id, r.started_at, r.deadline, r.closed_at,"                   \
	" ARRAY(SELECT ROW(v.character_id, c.name, v.vote, v.value::int, v.redraws::int[])"            \
	"::necp.vote_view FROM game.loot_votes v JOIN game.characters c ON c.id = v.character_id"      \
	"  WHERE v.roll_id = r.id ORDER BY v.voted_at, v.character_id))::necp.roll_view)"
#define ROLL " FROM game.loot_rolls r JOIN game.item_templates t ON t.id = r.template_id"
/* Of the drop d of the roll r: those whose vote is still to come. Nobody waits for who has gone. */
#define AWAITED                                                                                    \
	"(SELECT FROM game.drop_eligible e WHERE e.drop_id = r.drop_id"                                \
	" AND NOT EXISTS (SELECT FROM game.loot_votes v"                                               \
	"  WHERE v.roll_id = r.id AND v.character_id = e.character_id)"                                \
	" AND EXISTS (SELECT FROM game.player_sessions s"                                              \
	"  WHERE s.character_id = e.character_id AND s.closed_at IS NULL))"

static NecpPlan view_roll =
	NECP_PLAN("SELECT " VIEW ROLL " JOIN game.drop_eligible e ON e.drop_id = r.drop_id"
			  " AND e.character_id = $2 WHERE r.id = $1",
			  INT8OID, INT8OID);
static NecpPlan view_active =
	NECP_PLAN("SELECT " VIEW ", r.id" ROLL " JOIN game.drop_eligible e ON e.drop_id = r.drop_id"
			  " AND e.character_id = $1 WHERE r.status = 'PENDING' AND r.deadline > $2"
			  " ORDER BY r.deadline, r.id LIMIT 101",
			  INT8OID, TIMESTAMPTZOID);
static NecpPlan drop_of = NECP_PLAN("SELECT drop_id FROM game.loot_rolls WHERE id = $1", INT8OID);
static NecpPlan read_roll =
	NECP_PLAN("SELECT r.item_id, r.template_id, r.quantity, r.status = 'PENDING', r.deadline,"
			  " EXISTS " AWAITED " FROM game.loot_rolls r WHERE r.id = $1",
			  INT8OID);
static NecpPlan insert_roll = NECP_PLAN(
	"INSERT INTO game.loot_rolls (drop_id, item_id, template_id, quantity, started_at, deadline)"
	" VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
	INT8OID, INT8OID, INT4OID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID);
static NecpPlan insert_vote =
	NECP_PLAN("INSERT INTO game.loot_votes (roll_id, character_id, drop_id, vote, voted_at)"
			  " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
			  INT8OID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan find_automatic =
	NECP_PLAN("SELECT s.character_id, s.auto_vote, s.auto_rarity FROM game.drop_eligible e"
			  " JOIN game.loot_settings s USING (character_id)"
			  " WHERE e.drop_id = $1 AND s.auto_vote <> 'NONE' ORDER BY 1",
			  INT8OID);
static NecpPlan read_votes = NECP_PLAN(
	"SELECT character_id, vote FROM game.loot_votes WHERE roll_id = $1 ORDER BY character_id",
	INT8OID);
static NecpPlan write_throw =
	NECP_PLAN("UPDATE game.loot_votes SET value = $3, redraws = $4::smallint[]"
			  " WHERE roll_id = $1 AND character_id = $2",
			  INT8OID, INT8OID, INT4OID, INT4ARRAYOID);
static NecpPlan close_roll =
	NECP_PLAN("UPDATE game.loot_rolls SET status = $2, winner_id = nullif($3, 0), closed_at = $4"
			  " WHERE id = $1",
			  INT8OID, TEXTOID, INT8OID, TIMESTAMPTZOID);
static NecpPlan suits_class =
	NECP_PLAN("SELECT coalesce(t.attributes #>> '{requires,class}' = k.code, true),"
			  " t.attributes ? 'salvage' FROM game.item_templates t, game.characters c"
			  " JOIN game.character_classes k ON k.id = c.class_id WHERE t.id = $1 AND c.id = $2",
			  INT4OID, INT8OID);
static NecpPlan read_salvage =
	NECP_PLAN("SELECT m.id, least((t.attributes #>> '{salvage,quantity}')::int * $2::bigint,"
			  " m.max_stack)::int FROM game.item_templates t"
			  " JOIN game.item_templates m ON m.code = t.attributes #>> '{salvage,item}'"
			  " WHERE t.id = $1",
			  INT4OID, INT4OID);
static NecpPlan find_due = NECP_PLAN("SELECT r.id FROM game.loot_rolls r WHERE r.status = 'PENDING'"
									 " AND (r.deadline <= $1 OR NOT EXISTS " AWAITED
									 ") ORDER BY r.deadline, r.id LIMIT 200",
									 TIMESTAMPTZOID);
static NecpPlan find_unassigned =
	NECP_PLAN("SELECT id FROM game.world_drops WHERE status = 'ACTIVE' AND assign_until <= $1"
			  " ORDER BY assign_until LIMIT 200",
			  TIMESTAMPTZOID);
static NecpPlan list_unassigned =
	NECP_PLAN("SELECT o.item_id, i.template_id, i.quantity FROM game.drop_items o"
			  " JOIN game.character_items i ON i.id = o.item_id"
			  " WHERE o.drop_id = $1 AND o.claim = 'MASTER' ORDER BY o.item_id",
			  INT8OID);
static NecpPlan read_claim =
	NECP_PLAN("SELECT claim::text FROM game.drop_items WHERE drop_id = $1 AND item_id = $2",
			  INT8OID, INT8OID);
static NecpPlan end_assigning =
	NECP_PLAN("UPDATE game.world_drops SET assign_until = NULL WHERE id = $1 AND ($2 OR NOT EXISTS"
			  " (SELECT FROM game.drop_items o WHERE o.drop_id = $1 AND o.claim = 'MASTER'))",
			  INT8OID, BOOLOID);

typedef struct Roll
{
	int64 id;
	NecpDrop drop;
	int64 item_id;
	int32 template_id;
	int32 quantity;
	bool pending;
	bool awaited; /* somebody may still vote */
	TimestampTz deadline;
} Roll;

/* Telling -------------------------------------------------------------------------------------- */

static void
tell(const char *type, int64 roll_id, const NecpDrop *drop, int64 character_id, const char *data)
{
	necp_event_emit(&(NecpEvent){.type = type,
								 .aggregate_type = "DROP",
								 .aggregate_id = drop->id,
								 .account_id = necp_character_account(character_id),
								 .character_id = character_id,
								 .data = data});
	if (drop->party_id != 0)
		necp_push(necp_party_topic(drop->party_id, "loot"), type, 0, data);
}

static void
open_data(NecpJson *data, int64 roll_id, const NecpDrop *drop, int64 item_id)
{
	necp_json_open(data);
	if (roll_id != 0)
		necp_json_int(data, "roll_id", roll_id);
	necp_json_int(data, "drop_id", drop->id);
	necp_json_int(data, "item_id", item_id);
}

static void
tell_vote(const Roll *roll, int64 voter_id, const char *vote)
{
	NecpJson data;

	open_data(&data, roll->id, &roll->drop, roll->item_id);
	necp_json_int(&data, "voter", voter_id);
	necp_json_text(&data, "vote", vote);
	tell("LOOT_ROLL_VOTED", roll->id, &roll->drop, voter_id, necp_json_close(&data));
}

/* Beginning ------------------------------------------------------------------------------------ */

/* Votes of those who have said beforehand what they want; they decide nothing at this moment. */
static void
vote_by_settings(const Roll *roll, const char *rarity)
{
	NecpRows settings = necp_fetch(&find_automatic, roll->drop.id);

	for (uint64 row = 0; row < settings.count; row++)
	{
		int64 voter_id = necp_row_int8(&settings, row, 1);
		char *vote = necp_row_text(&settings, row, 2);

		if (necp_rarity_rank(rarity) > necp_rarity_rank(necp_row_text(&settings, row, 3)))
			continue;
		necp_run(&insert_vote,
				 roll->id,
				 voter_id,
				 roll->drop.id,
				 necp_cstring_datum(vote),
				 TimestampTzGetDatum(necp_now()));
		tell_vote(roll, voter_id, vote);
	}
}

void
necp_loot_roll_start(int64 drop_id, int64 party_id, int64 item_id, const NecpTemplate *template,
					 int32 quantity)
{
	TimestampTz now = necp_now();
	Roll roll = {.drop = {.id = drop_id, .party_id = party_id},
				 .item_id = item_id,
				 .deadline = now + necp_config_int("loot.roll_s") * USECS_PER_SEC};
	NecpJson data;

	necp_run(&insert_roll,
			 drop_id,
			 item_id,
			 template->id,
			 quantity,
			 TimestampTzGetDatum(now),
			 TimestampTzGetDatum(roll.deadline));
	roll.id = necp_int8(0, 1);
	necp_drop_claim(drop_id, item_id, "ROLL", 0);
	open_data(&data, roll.id, &roll.drop, item_id);
	necp_json_int(&data, "template_id", template->id);
	necp_json_text(&data, "item", template->code);
	necp_json_text(&data, "name", template->name);
	necp_json_text(&data, "rarity", template->rarity);
	necp_json_int(&data, "quantity", quantity);
	necp_json_time(&data, "deadline", roll.deadline);
	tell("LOOT_ROLL_STARTED", roll.id, &roll.drop, 0, necp_json_close(&data));
	vote_by_settings(&roll, template->rarity);
}

/* Deciding ------------------------------------------------------------------------------------- */

typedef struct Throw
{
	int64 character_id;
	const char *vote;
	int32 value;
	int nredraws;
	Datum redraws[16];
	bool in; /* still among the highest */
} Throw;

/* Those who count: of NEED, if anybody needs it, else of GREED and SALVAGE. */
static int
gather_throws(int64 roll_id, Throw **out)
{
	NecpRows votes = necp_fetch(&read_votes, roll_id);
	Throw *throws = palloc0(sizeof(Throw) * (Size) Max(votes.count, 1));
	bool need = false;
	int n = 0;

	for (uint64 row = 0; row < votes.count; row++)
		need |= strcmp(necp_row_text(&votes, row, 2), "NEED") == 0;
	for (uint64 row = 0; row < votes.count; row++)
	{
		char *vote = necp_row_text(&votes, row, 2);

		if (strcmp(vote, "PASS") == 0 || (need && strcmp(vote, "NEED") != 0))
			continue;
		throws[n++] = (Throw){.character_id = necp_row_int8(&votes, row, 1),
							  .vote = vote,
							  .value = (int32) necp_random_int(1, 100),
							  .in = true};
	}
	*out = throws;
	return n;
}

static int32
last_value(const Throw *thrown)
{
	return thrown->nredraws > 0 ? DatumGetInt32(thrown->redraws[thrown->nredraws - 1])
								: thrown->value;
}

/* Leaves in those who threw highest; returns how many. */
static int
keep_highest(Throw *throws, int n)
{
	int32 highest = 0;
	int left = 0;

	for (int i = 0; i < n; i++)
		if (throws[i].in)
			highest = Max(highest, last_value(&throws[i]));
	for (int i = 0; i < n; i++)
	{
		throws[i].in &= last_value(&throws[i]) == highest;
		left += throws[i].in;
	}
	return left;
}

/* Equals throw again; after many times among the same, by one throw of who is which. */
static const Throw *
draw_winner(Throw *throws, int n)
{
	int left = keep_highest(throws, n);
	int64 which;

	for (int again = 0; left > 1 && again < (int) lengthof(throws->redraws); again++)
	{
		for (int i = 0; i < n; i++)
			if (throws[i].in)
				throws[i].redraws[throws[i].nredraws++] =
					Int32GetDatum((int32) necp_random_int(1, 100));
		left = keep_highest(throws, n);
	}
	which = necp_random_int(1, left);
	for (int i = 0; i < n; i++)
		if (throws[i].in && --which == 0)
			return &throws[i];
	elog(ERROR, "nobody won");
}

/* What is left of it when it is taken apart lies where it lay. */
static void
take_apart(const Roll *roll, NecpItem *item, NecpTemplate *template)
{
	int32 quantity;

	if (necp_run(&read_salvage, template->id, roll->quantity) == 0)
		return;
	quantity = necp_int4(0, 2);
	*template = necp_template(necp_int4(0, 1));
	necp_item_destroy(item, "SALVAGE", roll->drop.id);
	item->template_id = template->id;
	item->quantity = quantity;
	item->plain = true;
	item->durability = 100;
	item->binding = necp_template_born(template);
	item->id = necp_item_create(item->container_id,
								item->slot,
								template->id,
								item->quantity,
								item->binding,
								"SALVAGE",
								roll->drop.id);
}

/* The item goes to somebody, or is held for it; returns how many are held. */
static int32
award(const Roll *roll, int64 winner_id, const char *method)
{
	NecpDelivery delivery;
	NecpItem *item;
	NecpTemplate template = necp_template(roll->template_id);
	int32 held;

	necp_delivery_open(&delivery, roll->drop.container_id, winner_id);
	item = necp_container_item(delivery.from, roll->item_id);
	if (item == NULL)
		elog(ERROR, "item " INT64_FORMAT " is not in its drop", roll->item_id);
	necp_drop_unclaim(item->id);
	if (strcmp(method, "SALVAGE") == 0)
		take_apart(roll, item, &template);
	held = necp_delivery_send(&delivery, item, &template, "LOOT_WON", roll->drop.id);
	necp_drop_taken(&roll->drop, winner_id, item, &template, item->quantity, method);
	necp_drop_close(&roll->drop);
	return held;
}

static void
write_throws(int64 roll_id, Throw *throws, int n)
{
	for (int i = 0; i < n; i++)
		necp_run(&write_throw,
				 roll_id,
				 throws[i].character_id,
				 throws[i].value,
				 necp_int4_array(throws[i].redraws, throws[i].nredraws));
}

static void
tell_result(const Roll *roll, const char *status, const Throw *winner, int32 held)
{
	NecpJson data;

	open_data(&data, roll->id, &roll->drop, roll->item_id);
	necp_json_text(&data, "status", status);
	if (winner != NULL)
	{
		necp_json_int(&data, "winner", winner->character_id);
		necp_json_text(&data, "vote", winner->vote);
		necp_json_int(&data, "value", last_value(winner));
		necp_json_int(&data, "held", held);
	}
	tell("LOOT_ROLL_COMPLETED",
		 roll->id,
		 &roll->drop,
		 winner != NULL ? winner->character_id : 0,
		 necp_json_close(&data));
}

/* The drop is locked, the roll pending. What nobody wants is free for the eligible. */
static void
decide(const Roll *roll)
{
	Throw *throws;
	int n = gather_throws(roll->id, &throws);
	const Throw *winner = n > 0 ? draw_winner(throws, n) : NULL;
	const char *status = winner == NULL && roll->awaited ? "EXPIRED" : "COMPLETED";
	int32 held = 0;

	write_throws(roll->id, throws, n);
	necp_run(&close_roll,
			 roll->id,
			 necp_cstring_datum(status),
			 winner != NULL ? winner->character_id : 0,
			 TimestampTzGetDatum(necp_now()));
	if (winner != NULL)
		held = award(roll, winner->character_id, winner->vote);
	else
		necp_drop_unclaim(roll->item_id);
	tell_result(roll, status, winner, held);
}

/* Locks the drop of a roll and reads both; false where there is no such roll. */
static bool
lock_roll(int64 roll_id, Roll *roll)
{
	roll->id = roll_id;
	if (necp_run(&drop_of, roll_id) == 0 || !necp_drop_lock(necp_int8(0, 1), &roll->drop))
		return false;
	necp_run(&read_roll, roll_id);
	roll->item_id = necp_int8(0, 1);
	roll->template_id = necp_int4(0, 2);
	roll->quantity = necp_int4(0, 3);
	roll->pending = necp_bool(0, 4);
	roll->deadline = necp_timestamp(0, 5);
	roll->awaited = necp_bool(0, 6);
	return true;
}

/* Voting --------------------------------------------------------------------------------------- */

static void
require_use(const Roll *roll, int64 character_id, const char *vote)
{
	if (necp_run(&suits_class, roll->template_id, character_id) == 0)
		return;
	if (strcmp(vote, "NEED") == 0 && !necp_bool(0, 1))
		necp_fail(CANNOT_NEED, "vote", "it is made for another class");
	if (strcmp(vote, "SALVAGE") == 0 && !necp_bool(0, 2))
		necp_fail(NOT_USABLE, "vote", "there is nothing to be salvaged from it");
}

/* loot_vote(roll_id, vote) → roll_view; the vote stands. */
NECP_FUNCTION(necp_loot_vote)
{
	static const char *const votes[] = {"NEED", "GREED", "SALVAGE", "PASS", NULL};
	int64 roll_id = necp_arg_id(fcinfo, 0, "roll_id");
	const char *vote = necp_arg_word(fcinfo, 1, "vote", votes);
	int64 character_id = necp_character();
	TimestampTz now;
	Roll roll;

	if (!lock_roll(roll_id, &roll))
		necp_fail(NOT_FOUND, "roll_id", "roll not found");
	now = necp_now();
	if (!necp_drop_is_eligible(roll.drop.id, character_id))
		necp_fail(NOT_ELIGIBLE, "roll_id", "this roll is among others");
	if (!roll.pending || roll.deadline <= now)
		necp_fail(ROLL_CLOSED, "roll_id", "it is decided");
	require_use(&roll, character_id, vote);
	if (necp_run(&insert_vote,
				 roll_id,
				 character_id,
				 roll.drop.id,
				 necp_cstring_datum(vote),
				 TimestampTzGetDatum(now)) == 0)
		necp_fail(ALREADY_VOTED, "roll_id", "a vote stands");
	tell_vote(&roll, character_id, vote);
	necp_run(&read_roll, roll_id);
	roll.awaited = necp_bool(0, 6);
	if (!roll.awaited)
		decide(&roll);
	return necp_answer(&view_roll, "roll", roll_id, character_id);
}

/* The master ----------------------------------------------------------------------------------- */

static void
require_master(const NecpDrop *drop, int64 character_id)
{
	if (drop->master_id == character_id)
		return;
	if (!necp_drop_is_eligible(drop->id, character_id))
		necp_fail(NOT_FOUND, "drop_id", "drop not found");
	necp_fail(FORBIDDEN, "drop_id", "the master looter gives out");
}

static void
require_assignable(const NecpDrop *drop, int64 item_id)
{
	if (necp_run(&read_claim, drop->id, item_id) == 0)
		necp_fail(NOT_FOUND, "item_id", "there is no such item to give out");
	if (strcmp(necp_text(0, 1), "ROLL") == 0)
		necp_fail(ROLL_PENDING, "item_id", "it is rolled for");
	if (strcmp(necp_text(0, 1), "OWNED") == 0)
		necp_fail(NOT_FOUND, "item_id", "there is no such item to give out");
	if (drop->assign_until <= necp_now())
		necp_fail(ROLL_PENDING, "item_id", "the time is over: it is rolled for");
}

/* loot_assign(drop_id, item_id, character_id) → assigned_view. */
NECP_FUNCTION(necp_loot_assign)
{
	int64 drop_id = necp_arg_id(fcinfo, 0, "drop_id");
	int64 item_id = necp_arg_id(fcinfo, 1, "item_id");
	int64 character_id = necp_arg_id(fcinfo, 2, "character_id");
	Roll roll = {.item_id = item_id};
	NecpJson data;
	char *view;
	int32 held;

	if (!necp_drop_lock(drop_id, &roll.drop))
		necp_fail(NOT_FOUND, "drop_id", "drop not found");
	require_master(&roll.drop, necp_character());
	require_assignable(&roll.drop, item_id);
	if (!necp_drop_is_eligible(drop_id, character_id))
		necp_fail(NOT_ELIGIBLE, "character_id", "that one had no part in it");
	necp_run(&list_unassigned, drop_id);
	for (uint64 row = 0; row < SPI_processed; row++)
		if (necp_int8(row, 1) == item_id)
		{
			roll.template_id = necp_int4(row, 2);
			roll.quantity = necp_int4(row, 3);
		}
	held = award(&roll, character_id, "ASSIGNED");
	necp_run(&end_assigning, drop_id, BoolGetDatum(false));
	open_data(&data, 0, &roll.drop, item_id);
	necp_json_int(&data, "winner", character_id);
	necp_json_int(&data, "held", held);
	view = necp_json_close(&data);
	tell("LOOT_ASSIGNED", 0, &roll.drop, character_id, view);
	return necp_cstring_datum(view);
}

/* The clock ------------------------------------------------------------------------------------ */

typedef struct Due
{
	NecpPlan *find;
	uint64 n;
	int64 ids[SWEPT];
} Due;

static void
find_work(void *arg)
{
	Due *due = arg;

	due->n = Min(necp_run(due->find, TimestampTzGetDatum(necp_now())), SWEPT);
	for (uint64 row = 0; row < due->n; row++)
		due->ids[row] = necp_int8(row, 1);
}

static void
decide_due(void *arg)
{
	Roll roll;

	if (lock_roll(*(int64 *) arg, &roll) && roll.pending &&
		(!roll.awaited || roll.deadline <= necp_now()))
		decide(&roll);
}

/* What the master has not given out is rolled for. */
static void
roll_unassigned(void *arg)
{
	int64 drop_id = *(int64 *) arg;
	NecpDrop drop;
	NecpRows items;

	if (!necp_drop_lock(drop_id, &drop) || drop.assign_until == 0 || drop.assign_until > necp_now())
		return;
	items = necp_fetch(&list_unassigned, drop_id);
	for (uint64 row = 0; row < items.count; row++)
	{
		NecpTemplate template = necp_template(necp_row_int4(&items, row, 2));

		necp_loot_roll_start(drop_id,
							 drop.party_id,
							 necp_row_int8(&items, row, 1),
							 &template,
							 necp_row_int4(&items, row, 3));
	}
	necp_run(&end_assigning, drop_id, BoolGetDatum(true));
}

/* A transaction each, so that none has two winners, whose rows others lock in another order. */
static void
sweep_with(NecpPlan *find, void (*settle)(void *arg))
{
	Due due = {.find = find};

	if (!necp_worker_transaction(find_work, &due))
		return;
	for (uint64 i = 0; i < due.n; i++)
		(void) necp_worker_transaction(settle, &due.ids[i]);
}

static void
sweep(void)
{
	sweep_with(&find_unassigned, roll_unassigned);
	sweep_with(&find_due, decide_due);
}

/* Reads and settings --------------------------------------------------------------------------- */

/* loot_rolls_active() → roll_view of those in which the acting character has a vote. */
NECP_FUNCTION(necp_loot_rolls_active)
{
	return necp_list(&view_active, 100, necp_character(), TimestampTzGetDatum(necp_now()));
}

/* loot_roll(roll_id) → roll_view, for those who have a vote in it. */
NECP_FUNCTION(necp_loot_roll_read)
{
	int64 roll_id = necp_arg_id(fcinfo, 0, "roll_id");

	if (necp_run(&drop_of, roll_id) == 0)
		necp_fail(NOT_FOUND, "roll_id", "roll not found");
	if (!necp_drop_is_eligible(necp_int8(0, 1), necp_character()))
		necp_fail(NOT_ELIGIBLE, "roll_id", "this roll is among others");
	return necp_answer(&view_roll, "roll", roll_id, necp_character());
}

static NecpPlan view_settings = NECP_PLAN(
	"SELECT to_json(ROW(coalesce(s.auto_vote, 'NONE'), coalesce(s.auto_rarity, 'UNCOMMON'))"
	"::necp.loot_settings_view) FROM (SELECT) one"
	" LEFT JOIN game.loot_settings s ON s.character_id = $1",
	INT8OID);
static NecpPlan save_settings = NECP_PLAN(
	"INSERT INTO game.loot_settings (character_id, auto_vote, auto_rarity) VALUES ($1, $2, $3)"
	" ON CONFLICT (character_id) DO UPDATE SET auto_vote = excluded.auto_vote,"
	" auto_rarity = excluded.auto_rarity",
	INT8OID, TEXTOID, TEXTOID);

NECP_FUNCTION(necp_loot_settings)
{
	return necp_answer(&view_settings, "settings", necp_character());
}

/* loot_settings_set(auto_vote, auto_rarity) → loot_settings_view. */
NECP_FUNCTION(necp_loot_settings_set)
{
	static const char *const votes[] = {"NONE", "PASS", "GREED", NULL};
	static const char *const rarities[] =
		{"COMMON", "UNCOMMON", "RARE", "EPIC", "LEGENDARY", "UNIQUE", NULL};

	necp_run(&save_settings,
			 necp_character(),
			 necp_cstring_datum(necp_arg_word(fcinfo, 0, "auto_vote", votes)),
			 necp_cstring_datum(necp_arg_word(fcinfo, 1, "auto_rarity", rarities)));
	return necp_answer(&view_settings, "settings", necp_character());
}

NECP_ROOM_INIT(loot_roll)
{
	necp_schedule_steps("loot_rolls", SWEEP_S, sweep);
}
