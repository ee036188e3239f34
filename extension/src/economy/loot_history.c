/* SPDX-License-Identifier: PostgreSQL
 *
 * What characters got out of drops, and for how long a boss's bound items may be passed on among
 * those who were eligible (DOMAIN §7). Locks nothing.
 */
#include "postgres.h"

#include "economy/loot.h"
#include "economy/loot_int.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/list.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#define KEEP_S 3600

static NecpPlan list_history = NECP_PLAN(
	"SELECT to_json(ROW(h.id, h.drop_id, h.item_id, h.template_id, t.code, t.name, t.rarity,"
	" h.quantity, h.method, h.obtained_at)::necp.loot_history_view), h.id FROM game.loot_history h"
	" JOIN game.item_templates t ON t.id = h.template_id WHERE h.character_id = $1 AND h.id < $2"
	" ORDER BY h.id DESC LIMIT $3",
	INT8OID, INT8OID, INT4OID);
static NecpPlan may_pass =
	NECP_PLAN("SELECT FROM game.loot_windows w JOIN game.drop_eligible e USING (drop_id)"
			  " WHERE w.item_id = $1 AND w.closes_at > $3 AND e.character_id = $2",
			  INT8OID, INT8OID, TIMESTAMPTZOID);
static NecpPlan close_window =
	NECP_PLAN("DELETE FROM game.loot_windows WHERE item_id = $1", INT8OID);
static NecpPlan forget_windows =
	NECP_PLAN("DELETE FROM game.loot_windows WHERE closes_at <= $1", TIMESTAMPTZOID);
static NecpPlan forget_history =
	NECP_PLAN("DELETE FROM game.loot_history WHERE obtained_at < $1", TIMESTAMPTZOID);

/* loot_history(limit, cursor) → loot_history_view, newest first. */
NECP_FUNCTION(necp_loot_history)
{
	int32 limit = necp_arg_limit(fcinfo, 0);
	int64 before = PG_ARGISNULL(1) ? NECP_MAX_ID : necp_arg_id(fcinfo, 1, "cursor");

	return necp_list(&list_history, limit, necp_character(), before, limit + 1);
}

bool
necp_loot_may_pass(int64 item_id, int64 character_id)
{
	return necp_run(&may_pass, item_id, character_id, TimestampTzGetDatum(necp_now())) > 0;
}

NECP_FUNCTION(necp_loot_may_pass_sql)
{
	PG_RETURN_BOOL(necp_loot_may_pass(necp_arg_id(fcinfo, 0, "item_id"),
									  necp_arg_id(fcinfo, 1, "character_id")));
}

/* What is worn is one's own. */
static void
item_equipped(const NecpEvent *event)
{
	necp_run(&close_window, event->aggregate_id);
}

static void
forget(void *arg)
{
	TimestampTz now = necp_now();

	necp_run(&forget_windows, TimestampTzGetDatum(now));
	necp_run(&forget_history,
			 TimestampTzGetDatum(now - necp_config_int("loot.history_days") * USECS_PER_DAY));
}

void
necp_loot_history_init(void)
{
	necp_event_subscribe("ITEM_EQUIPPED", item_equipped);
	necp_schedule("loot_forget", KEEP_S, forget);
}
