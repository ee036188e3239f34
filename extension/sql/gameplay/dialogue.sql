/* SPDX-License-Identifier: PostgreSQL
 *
 * Dialogues (DOMAIN §9) as content:
 *
 * [{"code", "name", "npc", "quest", "root",
 *   "nodes": [{"code", "npc", "text", "effects",
 *              "choices": [{"code", "text", "next", "needs": {…}, "effects"}]
 *              or "check": {"skill", "attribute", "dc", "faction", "success": {"next", "effects"}, "failure": {…}}}]}]
 *
 * Without "next" the dialogue ends, as it does after a node with neither choices nor a check. "needs":
 * flag, level, faction and reputation, item and quantity, skill and skill_level; all of it has to hold.
 * "effects": flags to set, reputation [{"faction", "change"}], items [{"item", "quantity"}], credits, xp,
 * and a quest to begin.
 */

-- The nodes of a pack, whatever JSON it is.
CREATE FUNCTION necp.dialogue_parts(pack jsonb) RETURNS TABLE (dialogue text, root text, d int, code text, n int, node jsonb)
	LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.value ->> 'code', t.value ->> 'root', t.n::int - 1, e.value ->> 'code', e.n::int - 1, e.value
	FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY t (value, n),
	     jsonb_array_elements(CASE jsonb_typeof(t.value -> 'nodes') WHEN 'array' THEN t.value -> 'nodes' ELSE '[]' END) WITH ORDINALITY e (value, n)
$$;
COMMENT ON FUNCTION necp.dialogue_parts IS 'Nodes of a pack of dialogues, with their places in it.';

-- What follows them; loose: the path of what can be left out where the next node is missing.
CREATE FUNCTION necp.dialogue_ways(pack jsonb) RETURNS TABLE (dialogue text, d int, node text, code text, ord int, kind text, way jsonb, next text, path text, loose text[])
	LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.dialogue, p.d, p.code, c.value ->> 'code', c.n::int, 'CHOICE', c.value, c.value ->> 'next',
	       format('$[%s].nodes[%s].choices[%s]', p.d, p.n, c.n - 1), ARRAY[p.d::text, 'nodes', p.n::text, 'choices', (c.n - 1)::text]
	FROM necp.dialogue_parts(pack) p,
	     jsonb_array_elements(CASE jsonb_typeof(p.node -> 'choices') WHEN 'array' THEN p.node -> 'choices' ELSE '[]' END) WITH ORDINALITY c (value, n)
	UNION ALL
	SELECT p.dialogue, p.d, p.code, o.name, o.n::int, upper(o.name), p.node #> ARRAY['check', o.name], p.node #>> ARRAY['check', o.name, 'next'],
	       format('$[%s].nodes[%s].check.%s', p.d, p.n, o.name), ARRAY[p.d::text, 'nodes', p.n::text, 'check', o.name, 'next']
	FROM necp.dialogue_parts(pack) p, unnest('{success,failure}'::text[]) WITH ORDINALITY o (name, n)
	WHERE jsonb_typeof(p.node #> ARRAY['check', o.name]) = 'object'
$$;
COMMENT ON FUNCTION necp.dialogue_ways IS 'Choices and outcomes of checks of a pack of dialogues, with their places in it.';

CREATE FUNCTION necp.dialogue_check(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE parts AS MATERIALIZED (SELECT * FROM necp.dialogue_parts(pack)),
	ways AS MATERIALIZED (SELECT * FROM necp.dialogue_ways(pack)),
	reached AS (
		SELECT p.d, p.code FROM parts p WHERE p.code = p.root
		UNION
		SELECT w.d, w.next FROM reached r JOIN ways w ON w.d = r.d AND w.node = r.code WHERE w.next IS NOT NULL
	)
	SELECT format('$[%s].root', t.n - 1), format('names a node "%s", which does not exist', t.value ->> 'root'), ARRAY[(t.n - 1)::text]
	FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY t (value, n)
	WHERE t.value ->> 'root' IS NOT NULL AND NOT EXISTS (SELECT FROM parts p WHERE p.d = t.n - 1 AND p.code = t.value ->> 'root')
	UNION ALL
	SELECT w.path || '.next', format('names a node "%s", which does not exist', w.next), w.loose
	FROM ways w WHERE w.next IS NOT NULL AND NOT EXISTS (SELECT FROM parts p WHERE p.d = w.d AND p.code = w.next)
	UNION ALL
	SELECT format('$[%s].nodes[%s]', p.d, p.n), 'is reached from nowhere', ARRAY[p.d::text, 'nodes', p.n::text]
	FROM parts p WHERE p.code IS NOT NULL AND NOT EXISTS (SELECT FROM reached r WHERE r.d = p.d AND r.code = p.code)
	  AND EXISTS (SELECT FROM parts r WHERE r.d = p.d AND r.code = r.root)
	UNION ALL
	SELECT format('$[%s].nodes[%s]', p.d, p.n), 'has both choices and a check', NULL
	FROM parts p WHERE p.node ? 'check' AND jsonb_array_length(CASE jsonb_typeof(p.node -> 'choices') WHEN 'array' THEN p.node -> 'choices' ELSE '[]' END) > 0
	UNION ALL
	SELECT w.path || '.needs', format('wants both %s and %s', n.a, n.b), NULL
	FROM ways w, (VALUES ('faction', 'reputation'), ('skill', 'skill_level')) n (a, b) WHERE (w.way -> 'needs' ? n.a) <> (w.way -> 'needs' ? n.b)
	UNION ALL
	SELECT w.path || '.needs', 'has a quantity, but no item', NULL
	FROM ways w WHERE w.way -> 'needs' ? 'quantity' AND NOT w.way -> 'needs' ? 'item'
$$;
COMMENT ON FUNCTION necp.dialogue_check IS 'All that is wrong with a pack of dialogues beyond its shape: ways to nowhere, nodes that no way leads to, halves of conditions.';

CREATE FUNCTION necp.dialogue_import(pack jsonb) RETURNS int
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_dialogue_import';
COMMENT ON FUNCTION necp.dialogue_import IS 'Imports an array of dialogues that dialogue_check has passed.';
SELECT necp.content_kind('dialogues', 'dialogue_import', 115, replace('{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"}, "name": {"type": "text", "required": true},
	"npc": {"type": "text", "names": {"table": "npc_templates", "what": "an NPC", "packs": "$.npcs[*].templates[*].code ? (@ == $name)"}},
	"quest": {"type": "text", "names": {"table": "quests", "what": "a quest", "packs": "$.quests[*][*].code ? (@ == $name)"}},
	"root": {"type": "text", "required": true},
	"nodes": {"type": "array", "required": true, "key": ["code"], "of": {"type": "object", "fields": {
		"code": {"type": "text", "required": true, "match": "^[a-z0-9][a-z0-9_]*$"}, "text": {"type": "text", "required": true},
		"npc": {"type": "text", "names": {"table": "npc_templates", "what": "an NPC", "packs": "$.npcs[*].templates[*].code ? (@ == $name)"}, "alone": true},
		"effects": "@effects",
		"check": {"type": "object", "fields": {
			"skill": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"},
			"attribute": {"type": "text", "required": true, "words": ["body", "reflexes", "technical_ability", "intelligence", "cool", "empathy"]},
			"dc": {"type": "integer", "required": true, "words": [10, 15, 20, 25, 30]}, "faction": {"type": "text", "match": "^[a-z][a-z0-9_]*$"},
			"success": {"type": "object", "required": true, "fields": {"next": {"type": "text"}, "effects": "@effects"}},
			"failure": {"type": "object", "required": true, "fields": {"next": {"type": "text"}, "effects": "@effects"}}}},
		"choices": {"type": "array", "max": 20, "key": ["code"], "of": {"type": "object", "fields": {
			"code": {"type": "text", "required": true, "match": "^[a-z0-9][a-z0-9_]*$"}, "text": {"type": "text", "required": true},
			"next": {"type": "text"}, "effects": "@effects",
			"needs": {"type": "object", "fields": {
				"flag": {"type": "text", "match": "^[a-z][a-z0-9_]*$"}, "level": {"type": "integer", "min": 1, "max": 50},
				"faction": {"type": "text", "match": "^[a-z][a-z0-9_]*$"}, "reputation": {"type": "integer", "min": -100, "max": 100},
				"item": {"type": "text", "names": {"table": "item_templates", "what": "an item", "packs": "$.items[*][*].code ? (@ == $name)"}},
				"quantity": {"type": "integer", "min": 1, "max": 1000000},
				"skill": {"type": "text", "match": "^[a-z][a-z0-9_]*$"}, "skill_level": {"type": "integer", "min": 1, "max": 100}}}}}}}}}}',
	'"@effects"', '{"type": "object", "fields": {
		"flags": {"type": "array", "max": 20, "of": {"type": "text", "match": "^[a-z][a-z0-9_]*$"}},
		"reputation": {"type": "array", "max": 20, "key": ["faction"], "of": {"type": "object", "fields": {
			"faction": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"}, "change": {"type": "integer", "required": true, "min": -100, "max": 100}}}},
		"items": {"type": "array", "max": 20, "key": ["item"], "of": {"type": "object", "fields": {
			"item": {"type": "text", "required": true, "names": {"table": "item_templates", "what": "an item", "packs": "$.items[*][*].code ? (@ == $name)"}},
			"quantity": {"type": "integer", "min": 1, "max": 1000000}}}},
		"credits": {"type": "integer", "min": 1, "max": 1000000}, "xp": {"type": "integer", "min": 1, "max": 1000000},
		"quest": {"type": "text", "names": {"table": "quests", "what": "a quest", "packs": "$.quests[*][*].code ? (@ == $name)"}, "alone": true}}}')::jsonb, 'dialogue_check');

SELECT necp.integrity('dialogue_outcomes', $$
	SELECT format('node %s of dialogue %s has a check of DC %s, %s outcomes and %s choices', n.code, n.dialogue_id, n.dc,
	              count(*) FILTER (WHERE c.kind <> 'CHOICE'), count(*) FILTER (WHERE c.kind = 'CHOICE'))
	FROM game.dialogue_nodes n LEFT JOIN game.dialogue_choices c ON c.dialogue_id = n.dialogue_id AND c.node_code = n.code
	GROUP BY n.dialogue_id, n.code, n.dc
	HAVING count(*) FILTER (WHERE c.kind <> 'CHOICE') <> CASE WHEN n.dc IS NULL THEN 0 ELSE 2 END
	    OR n.dc IS NOT NULL AND count(*) FILTER (WHERE c.kind = 'CHOICE') > 0$$,
	'A node has choices, or a check with both of its outcomes.');
SELECT necp.integrity('dialogue_names', $$
	SELECT format('dialogue %s needs item %s, which does not exist', c.dialogue_id, c.item_code)
	FROM game.dialogue_choices c WHERE c.item_code IS NOT NULL AND NOT EXISTS (SELECT FROM game.item_templates t WHERE t.code = c.item_code)
	UNION ALL
	SELECT format('dialogue %s gives item %s, which does not exist', e.dialogue_id, i.value ->> 'item')
	FROM (SELECT dialogue_id, effects FROM game.dialogue_nodes UNION ALL SELECT dialogue_id, effects FROM game.dialogue_choices) e,
	     jsonb_array_elements(e.effects -> 'items') i
	WHERE NOT EXISTS (SELECT FROM game.item_templates t WHERE t.code = i.value ->> 'item')
	UNION ALL
	SELECT format('dialogue %s begins quest %s, which does not exist', e.dialogue_id, e.effects ->> 'quest')
	FROM (SELECT dialogue_id, effects FROM game.dialogue_nodes UNION ALL SELECT dialogue_id, effects FROM game.dialogue_choices) e
	WHERE e.effects ? 'quest' AND NOT EXISTS (SELECT FROM game.quests q WHERE q.code = e.effects ->> 'quest')$$,
	'What dialogues ask for and give exists.');
