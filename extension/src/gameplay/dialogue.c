/* SPDX-License-Identifier: PostgreSQL
 *
 * Dialogues as content (DOMAIN §9): the import of packs that necp.dialogue_check has passed.
 *
 * A row that is unchanged stays as it is. Dialogues, their roots, their nodes and what follows them point
 * at each other; those constraints are deferred, so the order of the statements is free. What an
 * operator wrote is touched by none of them.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"

#include "kernel/args.h"
#include "kernel/spi.h"

static NecpPlan import_dialogues = NECP_PLAN(
	"INSERT INTO game.dialogues AS d (code, name, npc_code, quest_code, root_code) SELECT"
	" p.code, p.name, p.npc, p.quest, p.root FROM jsonb_to_recordset($1) p (code text, name"
	" text, npc text, quest text, root text) ON CONFLICT (code) DO UPDATE SET name ="
	" excluded.name, npc_code = excluded.npc_code, quest_code = excluded.quest_code, root_code"
	" = excluded.root_code WHERE d.origin = 'pack' AND (d.name, d.npc_code, d.quest_code,"
	" d.root_code) IS DISTINCT FROM (excluded.name, excluded.npc_code, excluded.quest_code,"
	" excluded.root_code)",
	JSONBOID);

static NecpPlan drop_nodes = NECP_PLAN(
	"DELETE FROM game.dialogue_nodes n USING game.dialogues d WHERE d.id = n.dialogue_id AND"
	" d.origin = 'pack' AND $1 @> jsonb_build_array(jsonb_build_object('code', d.code)) AND NOT"
	" EXISTS (SELECT FROM necp.dialogue_parts($1) p WHERE p.dialogue = d.code AND p.code ="
	" n.code)",
	JSONBOID);

static NecpPlan drop_choices = NECP_PLAN(
	"DELETE FROM game.dialogue_choices c USING game.dialogues d WHERE d.id = c.dialogue_id AND"
	" d.origin = 'pack' AND $1 @> jsonb_build_array(jsonb_build_object('code', d.code)) AND NOT"
	" EXISTS (SELECT FROM necp.dialogue_ways($1) w WHERE w.dialogue = d.code AND w.node ="
	" c.node_code AND w.code = c.code AND w.kind = c.kind)",
	JSONBOID);

static NecpPlan import_nodes = NECP_PLAN(
	"INSERT INTO game.dialogue_nodes AS n (dialogue_id, code, ord, npc_code, text, skill,"
	" attribute, dc, faction, effects) SELECT d.id, p.code, p.n + 1, p.node ->> 'npc', p.node"
	" ->> 'text', p.node #>> '{check,skill}', p.node #>> '{check,attribute}', (p.node #>>"
	" '{check,dc}')::int, p.node #>> '{check,faction}', coalesce(nullif(p.node -> 'effects',"
	" 'null'), '{}') FROM necp.dialogue_parts($1) p JOIN game.dialogues d ON d.code ="
	" p.dialogue AND d.origin = 'pack' ON CONFLICT (dialogue_id, code) DO UPDATE SET ord ="
	" excluded.ord, npc_code = excluded.npc_code, text = excluded.text, skill = excluded.skill,"
	" attribute = excluded.attribute, dc = excluded.dc, faction = excluded.faction, effects ="
	" excluded.effects WHERE (n.ord, n.npc_code, n.text, n.skill, n.attribute, n.dc, n.faction,"
	" n.effects) IS DISTINCT FROM (excluded.ord, excluded.npc_code, excluded.text,"
	" excluded.skill, excluded.attribute, excluded.dc, excluded.faction, excluded.effects)",
	JSONBOID);

static NecpPlan import_choices = NECP_PLAN(
	"INSERT INTO game.dialogue_choices AS c (dialogue_id, node_code, code, ord, kind, text,"
	" next_code, flag, min_level, faction, min_reputation, item_code, item_quantity, skill,"
	" min_skill, effects) SELECT d.id, w.node, w.code, w.ord, w.kind, w.way ->> 'text', w.next,"
	" n.flag, n.level, n.faction, n.reputation, n.item, CASE WHEN n.item IS NOT NULL THEN"
	" coalesce(n.quantity, 1) END, n.skill, n.skill_level, coalesce(nullif(w.way -> 'effects',"
	" 'null'), '{}') FROM necp.dialogue_ways($1) w JOIN game.dialogues d ON d.code = w.dialogue"
	" AND d.origin = 'pack', jsonb_to_record(coalesce(nullif(w.way -> 'needs', 'null'), '{}')) n"
	" (flag text, level int, faction text, reputation int, item text, quantity int, skill text,"
	" skill_level int) ON CONFLICT (dialogue_id, node_code, code) DO UPDATE SET ord ="
	" excluded.ord, kind = excluded.kind, text = excluded.text, next_code = excluded.next_code,"
	" flag = excluded.flag, min_level = excluded.min_level, faction = excluded.faction,"
	" min_reputation = excluded.min_reputation, item_code = excluded.item_code, item_quantity ="
	" excluded.item_quantity, skill = excluded.skill, min_skill = excluded.min_skill, effects ="
	" excluded.effects WHERE (c.ord, c.kind, c.text, c.next_code, c.flag, c.min_level,"
	" c.faction, c.min_reputation, c.item_code, c.item_quantity, c.skill, c.min_skill,"
	" c.effects) IS DISTINCT FROM (excluded.ord, excluded.kind, excluded.text,"
	" excluded.next_code, excluded.flag, excluded.min_level, excluded.faction,"
	" excluded.min_reputation, excluded.item_code, excluded.item_quantity, excluded.skill,"
	" excluded.min_skill, excluded.effects)",
	JSONBOID);

/* dialogue_import(pack jsonb) → rows changed. */
NECP_FUNCTION(necp_dialogue_import)
{
	Datum pack;
	uint64 changed;

	necp_arg_required(fcinfo, 0, "pack");
	pack = PG_GETARG_DATUM(0);
	changed = necp_run(&import_dialogues, pack);
	changed += necp_run(&drop_nodes, pack);
	changed += necp_run(&drop_choices, pack);
	changed += necp_run(&import_nodes, pack);
	changed += necp_run(&import_choices, pack);
	PG_RETURN_INT32((int32) changed);
}
