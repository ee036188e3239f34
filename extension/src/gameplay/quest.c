/* SPDX-License-Identifier: PostgreSQL
 *
 * Quests (DOMAIN §9). Objectives move by events of the server alone, inside the transaction of their
 * cause, and only in the actor's own rows.
 */
#include "postgres.h"

#include "character/character.h"
#include "economy/loot.h"
#include "gameplay/npc.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/list.h"
#include "kernel/push.h"
#include "kernel/room.h"
#include "kernel/spi.h"

#include "utils/builtins.h"

#define VIEW                                                                                       \
	"to_json(ROW(i.id, i.template_id, q.code, q.name, i.status, i.started_at,"                     \
	" (SELECT coalesce(array_agg(ROW(o.id, o.code, o.kind, o.description, p.progress, p.required)" \
	"   ::necp.objective_view ORDER BY o.ord), '{}') FROM game.quest_progress p"                   \
	"  JOIN game.quest_objectives o ON o.id = p.objective_id"                                      \
	"  WHERE p.character_id = i.character_id AND p.quest_id = i.id))::necp.quest_view)"
#define FROM_QUESTS " FROM game.quest_instances i JOIN game.quests q ON q.id = i.template_id"

static NecpPlan list_templates =
	NECP_PLAN("SELECT to_json(ROW(q.id, q.code, q.name, q.description, q.kind, q.min_level,"
			  " q.repeatable)::necp.quest_template_view), q.id::bigint FROM game.quests q"
			  " WHERE q.id > $1 ORDER BY q.id LIMIT $2",
			  INT8OID, INT4OID);
static NecpPlan view_active =
	NECP_PLAN("SELECT " VIEW ", i.id" FROM_QUESTS
			  " WHERE i.character_id = $1 AND i.status = 'ACTIVE' ORDER BY i.id",
			  INT8OID);
static NecpPlan view_one =
	NECP_PLAN("SELECT " VIEW FROM_QUESTS " WHERE i.id = $1 AND i.character_id = $2", INT8OID,
			  INT8OID);
static NecpPlan read_template = NECP_PLAN(
	"SELECT q.min_level, q.repeatable OR NOT EXISTS (SELECT FROM game.quest_instances i"
	" WHERE i.character_id = $2 AND i.template_id = q.id AND i.status = 'COMPLETED'),"
	" (SELECT count(*) FROM game.quest_instances i WHERE i.character_id = $2 AND i.status = 'ACTIVE')"
	" FROM game.quests q WHERE q.id = $1",
	INT4OID, INT8OID);
static NecpPlan insert_instance =
	NECP_PLAN("INSERT INTO game.quest_instances (character_id, template_id, status, started_at)"
			  " VALUES ($1, $2, 'ACTIVE', $3) RETURNING id",
			  INT8OID, INT4OID, TIMESTAMPTZOID);
static NecpPlan insert_progress = NECP_PLAN(
	"INSERT INTO game.quest_progress (quest_id, objective_id, character_id, required)"
	" SELECT $1, o.id, $2, o.required FROM game.quest_objectives o WHERE o.template_id = $3",
	INT8OID, INT8OID, INT4OID);
static NecpPlan advance = NECP_PLAN(
	"UPDATE game.quest_progress p SET progress = least(p.required, p.progress + $2)"
	" FROM game.quest_objectives o, game.quest_instances i"
	" WHERE p.character_id = $1 AND p.progress < p.required AND o.id = p.objective_id"
	" AND i.id = p.quest_id AND i.status = 'ACTIVE' AND o.kind = $3"
	" AND (o.item_type IS NULL OR o.item_type = $4) AND (o.item_code IS NULL OR o.item_code = $5)"
	" AND (o.npc_code IS NULL OR o.npc_code = $6)"
	" RETURNING p.quest_id, p.objective_id, p.progress, p.required",
	INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID);
static NecpPlan npc_code = NECP_PLAN("SELECT code FROM game.npc_templates WHERE id = $1", INT8OID);
static NecpPlan start_quests =
	NECP_PLAN("SELECT q.id FROM game.character_origins o, unnest(o.quests) code"
			  " JOIN game.quests q USING (code) WHERE o.id = $1",
			  INT4OID);

/* Endpoints ---------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_quest_list)
{
	int32 limit = necp_arg_limit(fcinfo, 0);
	int64 after = PG_ARGISNULL(1) ? 0 : necp_arg_id(fcinfo, 1, "cursor");

	return necp_list(&list_templates, limit, after, limit + 1);
}

NECP_FUNCTION(necp_quest_active)
{
	return necp_list(&view_active, PG_INT32_MAX, necp_character());
}

NECP_FUNCTION(necp_quest_get)
{
	int64 quest_id = necp_arg_id(fcinfo, 0, "quest_id");

	return necp_answer(&view_one, "quest", quest_id, necp_character());
}

static int64
begin_quest(int64 character_id, int32 template_id)
{
	NecpJson data;
	int64 quest_id;

	necp_run(&insert_instance, character_id, template_id, TimestampTzGetDatum(necp_now()));
	quest_id = necp_int8(0, 1);
	necp_run(&insert_progress, quest_id, character_id, template_id);
	necp_json_open(&data);
	necp_json_int(&data, "template_id", template_id);
	necp_event_emit(&(NecpEvent){.type = "QUEST_STARTED",
								 .aggregate_type = "QUEST",
								 .aggregate_id = quest_id,
								 .character_id = character_id,
								 .data = necp_json_close(&data)});
	return quest_id;
}

/* ALREADY_ACTIVE is the partial unique index's own refusal. The character's lock counts the log. */
NECP_FUNCTION(necp_quest_start)
{
	int32 template_id = (int32) necp_arg_int(fcinfo, 0, "template_id", 1, PG_INT32_MAX);
	NecpCharacter self;

	if (!necp_character_lock(necp_character(), &self))
		necp_fail(NOT_FOUND, NULL, "character not found");
	if (necp_run(&read_template, template_id, self.id) == 0)
		necp_fail(NOT_FOUND, "template_id", "quest not found");
	if (self.level < necp_int4(0, 1))
		necp_fail(CONDITIONS_NOT_MET,
				  "template_id",
				  "this quest asks for level %d",
				  necp_int4(0, 1));
	if (!necp_bool(0, 2))
		necp_fail(CONDITIONS_NOT_MET, "template_id", "this quest is played once");
	if (necp_int8(0, 3) >= necp_config_int("quest.active_max"))
		necp_fail(QUEST_LOG_FULL, NULL, "the quest log is full");
	return necp_answer(&view_one, "quest", begin_quest(self.id, template_id), self.id);
}

/* Reactions ---------------------------------------------------------------------------------- */

static void
push_progress(int64 character_id, int64 quest_id, int32 objective_id, int32 progress,
			  int32 required)
{
	NecpJson data;
	char *json;

	necp_json_open(&data);
	necp_json_int(&data, "quest_id", quest_id);
	necp_json_int(&data, "objective_id", objective_id);
	necp_json_int(&data, "progress", progress);
	necp_json_int(&data, "required", required);
	json = necp_json_close(&data);
	/* progress only rises, so it is the version too */
	necp_push(psprintf("/topic/character/" INT64_FORMAT "/quests", character_id),
			  "QUEST_PROGRESS",
			  progress,
			  json);
	if (progress == required)
		necp_event_emit(&(NecpEvent){.type = "QUEST_OBJECTIVE_COMPLETED",
									 .aggregate_type = "QUEST",
									 .aggregate_id = quest_id,
									 .character_id = character_id,
									 .data = json});
}

static void
move_objectives(int64 character_id, const char *kind, int32 by, const char *item_type,
				const char *item_code, const char *npc)
{
	char nulls[] = "      ";
	NecpRows moved;

	nulls[3] = item_type == NULL ? 'n' : ' ';
	nulls[4] = item_code == NULL ? 'n' : ' ';
	nulls[5] = npc == NULL ? 'n' : ' ';
	moved = necp_rows(necp_run_nulls(&advance,
									 nulls,
									 character_id,
									 by,
									 necp_cstring_datum(kind),
									 necp_cstring_datum(item_type != NULL ? item_type : ""),
									 necp_cstring_datum(item_code != NULL ? item_code : ""),
									 necp_cstring_datum(npc != NULL ? npc : "")));
	for (uint64 row = 0; row < moved.count; row++)
		push_progress(character_id,
					  necp_row_int8(&moved, row, 1),
					  necp_row_int4(&moved, row, 2),
					  necp_row_int4(&moved, row, 3),
					  necp_row_int4(&moved, row, 4));
}

static void
on_pickup(const NecpEvent *event)
{
	const NecpPickedUp *item = event->detail;

	move_objectives(item->character_id, "COLLECT", item->quantity, item->type, item->code, NULL);
}

static void
on_kill(const NecpEvent *event)
{
	const NecpNpcDeath *death = event->detail;

	if (death->killer_id != 0 && necp_run(&npc_code, death->template_id) > 0)
		move_objectives(death->killer_id, "KILL", 1, NULL, NULL, necp_text(0, 1));
}

static void
on_creation(const NecpEvent *event)
{
	const NecpCharacterCreated *created = event->detail;
	NecpRows quests = necp_fetch(&start_quests, created->origin_id);

	for (uint64 row = 0; row < quests.count; row++)
		begin_quest(created->character_id, necp_row_int4(&quests, row, 1));
}

NECP_ROOM_INIT(quest)
{
	necp_event_subscribe("ITEM_PICKED_UP", on_pickup);
	necp_event_subscribe("NPC_DIED", on_kill);
	necp_event_subscribe("CHARACTER_CREATED", on_creation);
}
