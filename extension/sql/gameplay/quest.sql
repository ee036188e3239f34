/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.quest_template_view AS (
	template_id int,
	code text,
	name text,
	description text,
	kind text,
	min_level int,
	repeatable boolean
);
COMMENT ON TYPE necp.quest_template_view IS 'A quest that can be played.';
COMMENT ON COLUMN necp.quest_template_view.template_id IS 'Identity.';
COMMENT ON COLUMN necp.quest_template_view.code IS 'Code.';
COMMENT ON COLUMN necp.quest_template_view.name IS 'Name for players.';
COMMENT ON COLUMN necp.quest_template_view.description IS 'Text for players.';
COMMENT ON COLUMN necp.quest_template_view.kind IS 'MAIN or SIDE.';
COMMENT ON COLUMN necp.quest_template_view.min_level IS 'Level that it asks for.';
COMMENT ON COLUMN necp.quest_template_view.repeatable IS 'May be played again.';

CREATE TYPE necp.objective_view AS (
	objective_id int,
	code text,
	kind text,
	description text,
	progress int,
	required int
);
COMMENT ON TYPE necp.objective_view IS 'An objective of a quest being played.';
COMMENT ON COLUMN necp.objective_view.objective_id IS 'Identity.';
COMMENT ON COLUMN necp.objective_view.code IS 'Name within the quest.';
COMMENT ON COLUMN necp.objective_view.kind IS 'KILL, COLLECT, VISIT, TALK, CRAFT or DELIVER.';
COMMENT ON COLUMN necp.objective_view.description IS 'Text for players.';
COMMENT ON COLUMN necp.objective_view.progress IS 'Done.';
COMMENT ON COLUMN necp.objective_view.required IS 'To be done.';

CREATE TYPE necp.quest_view AS (
	quest_id bigint,
	template_id int,
	code text,
	name text,
	status text,
	started_at timestamptz,
	objectives necp.objective_view[]
);
COMMENT ON TYPE necp.quest_view IS 'A quest being played.';
COMMENT ON COLUMN necp.quest_view.quest_id IS 'Identity of the playing.';
COMMENT ON COLUMN necp.quest_view.template_id IS 'Which quest.';
COMMENT ON COLUMN necp.quest_view.code IS 'Its code.';
COMMENT ON COLUMN necp.quest_view.name IS 'Its name.';
COMMENT ON COLUMN necp.quest_view.status IS 'ACTIVE, COMPLETED, FAILED or ABANDONED.';
COMMENT ON COLUMN necp.quest_view.started_at IS 'Start.';
COMMENT ON COLUMN necp.quest_view.objectives IS 'Objectives in order.';

CREATE FUNCTION necp.quest_list("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_quest_list';
COMMENT ON FUNCTION necp.quest_list IS 'Quests that there are.';
SELECT necp.route('GET', '/quests', 'quest_list', read_only => true, result => 'quest_template_view', list => true);

CREATE FUNCTION necp.quest_start(template_id int) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_quest_start';
COMMENT ON FUNCTION necp.quest_start IS 'Begins a quest. NOT_FOUND, CONDITIONS_NOT_MET, ALREADY_ACTIVE, QUEST_LOG_FULL.';
SELECT necp.route('POST', '/quests/start', 'quest_start', status => 201, result => 'quest_view');

CREATE FUNCTION necp.quest_active() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_quest_active';
COMMENT ON FUNCTION necp.quest_active IS 'Quests that the acting character plays.';
SELECT necp.route('GET', '/quests/active', 'quest_active', read_only => true, result => 'quest_view', list => true);

CREATE FUNCTION necp.quest_get(quest_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_quest_get';
COMMENT ON FUNCTION necp.quest_get IS 'A quest of the acting character.';
SELECT necp.route('GET', '/quests/{quest_id}', 'quest_get', read_only => true, result => 'quest_view');

SELECT necp.topic('/topic/character/{character_id}/quests', 'character_topic', 'Progress of quests: quest_id, objective_id, progress, required.');

CREATE FUNCTION necp.quest_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	quests int;
	objectives int;
BEGIN
	INSERT INTO game.quests AS q (code, name, description, kind, min_level, repeatable)
	SELECT p.code, p.name, p.description, p.kind, coalesce(p.min_level, 1), coalesce(p.repeatable, false)
	FROM jsonb_to_recordset(pack) p (code text, name text, description text, kind text, min_level int, repeatable boolean)
	ON CONFLICT (code) DO UPDATE
		SET name = excluded.name, description = excluded.description, kind = excluded.kind,
		    min_level = excluded.min_level, repeatable = excluded.repeatable
		WHERE q.origin = 'pack' AND (q.name, q.description, q.kind, q.min_level, q.repeatable)
			IS DISTINCT FROM (excluded.name, excluded.description, excluded.kind, excluded.min_level, excluded.repeatable);
	GET DIAGNOSTICS quests = ROW_COUNT;
	INSERT INTO game.quest_objectives AS o (template_id, code, ord, kind, item_type, item_code, npc_code, required, description)
	SELECT q.id, e.code, n.ord, e.kind, e.item_type, e.item, e.npc, e.required, e.description
	FROM jsonb_array_elements(pack) p
	JOIN game.quests q ON q.code = p ->> 'code' AND q.origin = 'pack',
	     jsonb_array_elements(p -> 'objectives') WITH ORDINALITY n (objective, ord),
	     jsonb_to_record(n.objective) e (code text, kind text, item_type text, item text, npc text, required int, description text)
	ON CONFLICT (template_id, code) DO UPDATE
		SET ord = excluded.ord, kind = excluded.kind, item_type = excluded.item_type, item_code = excluded.item_code,
		    npc_code = excluded.npc_code, required = excluded.required, description = excluded.description
		WHERE (o.ord, o.kind, o.item_type, o.item_code, o.npc_code, o.required, o.description)
			IS DISTINCT FROM (excluded.ord, excluded.kind, excluded.item_type, excluded.item_code,
			                  excluded.npc_code, excluded.required, excluded.description);
	GET DIAGNOSTICS objectives = ROW_COUNT;
	RETURN quests + objectives;
END
$$;
COMMENT ON FUNCTION necp.quest_import IS 'Imports an array of quests with their objectives.';
SELECT necp.content_kind('quests', 'quest_import', 35, '{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"},
	"name": {"type": "text", "required": true}, "description": {"type": "text", "required": true},
	"kind": {"type": "text", "required": true, "words": ["MAIN", "SIDE"]}, "min_level": {"type": "integer", "min": 1, "max": 50},
	"repeatable": {"type": "boolean"}, "objectives": {"type": "array", "required": true, "key": ["code"], "of": {"type": "object", "fields": {
		"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"},
		"kind": {"type": "text", "required": true, "words": ["KILL", "COLLECT", "VISIT", "TALK", "CRAFT", "DELIVER"]},
		"item_type": {"type": "text", "words": ["WEAPON", "ARMOR", "CONSUMABLE", "MATERIAL", "QUEST_ITEM", "CYBERWARE", "IMPLANT", "ACCESSORY"]},
		"item": {"type": "text", "names": {"table": "item_templates", "what": "an item", "packs": "$.items[*][*].code ? (@ == $name)"}},
		"npc": {"type": "text", "names": {"table": "npc_templates", "what": "an NPC", "packs": "$.npcs[*].templates[*].code ? (@ == $name)"}},
		"required": {"type": "integer", "required": true, "min": 1, "max": 100000}, "description": {"type": "text", "required": true}}}}}');

SELECT necp.integrity('quest_progress', $$
	SELECT format('quest %s, objective %s: %s of %s', quest_id, objective_id, progress, required)
	FROM game.quest_progress WHERE progress > required OR progress < 0$$,
	'Progress never passes what is required.');
SELECT necp.integrity('quest_one_active', $$
	SELECT format('character %s plays quest %s %s times', character_id, template_id, count(*))
	FROM game.quest_instances WHERE status = 'ACTIVE' GROUP BY character_id, template_id HAVING count(*) > 1$$,
	'One active instance per character and quest.');
