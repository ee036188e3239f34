-- Content packs: imported as often as one likes; what an operator edited stays.
\ir ../helpers.psql
SELECT plan(49);

-- The pack that is installed --------------------------------------------------------------------------------

SELECT is(ARRAY(SELECT kind FROM necp.content_kinds ORDER BY ord), ARRAY(SELECT kind FROM necp.content_load()), 'all of it is imported, in order of reference');
SELECT is_empty('SELECT kind, changed FROM necp.content_load() WHERE changed <> 0', 'a second import changes nothing');
SELECT is_empty($$SELECT l.entry FROM necp.content_kinds k, LATERAL (SELECT 'loot table without entries: ' || t.code AS entry FROM game.loot_tables t
	WHERE NOT EXISTS (SELECT FROM game.loot_entries e WHERE e.table_id = t.id) AND t.origin = 'pack' AND t.code !~ '_[0-9a-f]{8}$') l$$, 'every loot table has entries');
SELECT is_empty($$SELECT o.code, k ->> 'item' FROM game.character_origins o, jsonb_array_elements(o.kit) k
	WHERE o.origin = 'pack' AND NOT EXISTS (SELECT FROM game.item_templates t WHERE t.code = k ->> 'item')$$, 'every kit is of items that exist');
SELECT is_empty($$SELECT o.code, q FROM game.character_origins o, unnest(o.quests) q
	WHERE o.origin = 'pack' AND NOT EXISTS (SELECT FROM game.quests t WHERE t.code = q)$$, 'every origin''s quests exist');
SELECT is_empty($$SELECT o.code, o.zone_code FROM game.character_origins o
	WHERE o.origin = 'pack' AND NOT EXISTS (SELECT FROM game.zones z WHERE z.code = o.zone_code)$$, 'every origin''s zone exists');
SELECT is_empty($$SELECT n.code, n.loot_table_code FROM game.npc_templates n
	WHERE n.loot_table_code IS NOT NULL AND NOT EXISTS (SELECT FROM game.loot_tables t WHERE t.code = n.loot_table_code)$$, 'every NPC''s loot table exists');
SELECT is_empty($$SELECT t.code, o.code FROM game.quests t JOIN game.quest_objectives o ON o.template_id = t.id
	WHERE o.item_code IS NOT NULL AND NOT EXISTS (SELECT FROM game.item_templates i WHERE i.code = o.item_code)
	   OR o.npc_code IS NOT NULL AND NOT EXISTS (SELECT FROM game.npc_templates n WHERE n.code = o.npc_code)$$, 'every objective asks for what exists');

-- A pack of one's own ---------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.item(name text, price int DEFAULT 1) RETURNS jsonb LANGUAGE sql
	RETURN jsonb_build_array(jsonb_build_object('code', 'thing_' || current_setting('test.tag'), 'name', name, 'description', 'D',
		'type', 'MATERIAL', 'rarity', 'COMMON', 'weight', 1, 'vendor_price', price));
CREATE FUNCTION pg_temp.named() RETURNS text LANGUAGE sql
	RETURN (SELECT name FROM game.item_templates WHERE code = 'thing_' || current_setting('test.tag'));
SELECT is(necp.content_import('items', pg_temp.item('One')), 1, 'a new row is imported');
SELECT is(necp.content_import('items', pg_temp.item('One')), 0, 'once');
SELECT is(necp.content_import('items', pg_temp.item('Two')), 1, 'a change is imported');
SELECT is(pg_temp.named(), 'Two', 'over the row that was there');
SELECT is((SELECT count(*) FROM game.item_templates WHERE code = 'thing_' || :'tag'), 1::bigint, 'which stays the same');
UPDATE game.item_templates SET name = 'Mine', origin = 'operator' WHERE code = 'thing_' || :'tag';
SELECT is(necp.content_import('items', pg_temp.item('Three')), 0, 'what an operator edited is not touched');
SELECT is(pg_temp.named(), 'Mine', 'it stays');
SELECT is(necp.content_import('loot', format('[{"code": "empty_%s", "min_credits": 1, "max_credits": 2, "entries": []}]', :'tag')::jsonb), 1, 'a loot table may hold credits only');
SELECT is(necp.content_import('loot', format('[{"code": "empty_%s", "min_credits": 1, "max_credits": 2, "entries": []}]', :'tag')::jsonb), 0, 'it too is imported once');

-- What cannot be imported -----------------------------------------------------------------------------------

SELECT is(pg_temp.refusal_of($$SELECT necp.content_import('spells', '[]')$$), 'NC001 kind', 'VALIDATION: no such kind');
SELECT is(pg_temp.refusal_of($$SELECT necp.content_import('items', '[]', 'ignore')$$), 'NC001 on_missing', 'VALIDATION: no such way');
SELECT is(pg_temp.refusal_of($$SELECT necp.content_import('items', NULL)$$), 'NC001 pack', 'VALIDATION: no pack');
SELECT is(pg_temp.refusal_of($$SELECT necp.content_import('items', pg_temp.item('X', -1))$$), 'NC001 $[0].vendor_price', 'VALIDATION: a price below nothing, with its path');
SELECT is(pg_temp.refusal_of($$SELECT necp.content_import('items', '{}')$$), 'NC001 $', 'VALIDATION: an object in place of an array');
SELECT bag_eq(format($$SELECT path || ' ' || fault FROM necp.content_check('items', pg_temp.item('X') || '[5, {"code": "thing_%s", "nam": "Y", "description": 7, "type": "SPELL",
	"rarity": "COMMON", "max_stack": 1.5, "weight": 1, "vendor_price": 1e12, "attributes": []}, {"code": "Bad Code"}]')$$, :'tag'), ARRAY[
	'$[1] is a JSON number, not object', format('$[2].code is "thing_%s", as that of $[0]', :'tag'), '$[2].nam is not known here', '$[2].name is missing',
	'$[2].description is a JSON number, not text',
	'$[2].type is "SPELL", none of ["WEAPON", "ARMOR", "CONSUMABLE", "MATERIAL", "QUEST_ITEM", "CYBERWARE", "IMPLANT", "ACCESSORY"]',
	'$[2].max_stack is 1.5, no integer', '$[2].vendor_price is 1000000000000, not within 0 to 1000000000', '$[2].attributes is a JSON array, not object',
	'$[3].code is "Bad Code", which does not match ^[a-z][a-z0-9_]*$', '$[3].name is missing', '$[3].description is missing', '$[3].type is missing',
	'$[3].rarity is missing', '$[3].weight is missing', '$[3].vendor_price is missing'], 'all faults at once');
DO $$
DECLARE
	list text;
BEGIN
	PERFORM necp.content_import('items', pg_temp.item('Four') || '[{"code": "two_faults", "name": "N", "description": "D", "type": "WEAPON", "rarity": "ODD", "weight": -1, "vendor_price": 1}]');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS list = PG_EXCEPTION_DETAIL;
	PERFORM set_config('test.list', list, false);
END
$$;
SELECT is(current_setting('test.list'), E'$[1].rarity is "ODD", none of ["COMMON", "UNCOMMON", "RARE", "EPIC", "LEGENDARY", "UNIQUE"]\n$[1].weight is -1, not within 0 to 999',
	'the refusal lists them');
SELECT is(pg_temp.named(), 'Mine', 'none of it was imported');

-- Every kind: all faults at once, with their paths; nothing is changed ------------------------------------------

CREATE FUNCTION pg_temp.faults(kind text, pack jsonb, packs jsonb DEFAULT '{}') RETURNS SETOF text LANGUAGE sql AS $$
	SELECT f.path || ' ' || regexp_replace(f.fault, '(none of|match) .*', '\1') FROM necp.content_check(kind, pack, packs) f
$$;
SELECT is_empty($$SELECT kind FROM necp.content_kinds WHERE shape IS NULL$$, 'every kind has a shape');
SELECT is_empty($$SELECT k.kind, p.pack FROM necp.content_kinds k, unnest(ARRAY['7', '"x"', 'null', 'true', '[7]', '[[]]', '[{}]']::jsonb[]) p (pack)
	WHERE NOT EXISTS (SELECT FROM necp.content_check(k.kind, p.pack))$$, 'and refuses what is no pack at all');
SELECT bag_eq($$SELECT * FROM pg_temp.faults('emails', '[{"code": "A", "language": "en", "subject": "s", "body": "b"}, {"code": "A", "language": "de", "subject": "a\nb", "body": "{{x"},
	{"code": "a", "language": "EN", "subject": ""}, {"code": "A", "language": "en", "subject": "s", "body": "b", "html": "b"}]')$$, ARRAY[
	'$[1].subject is "a' || E'\n' || 'b", which does not match', '$[1].body has braces that enclose no name', '$[2].body is missing', '$[2].code is "a", which does not match',
	'$[2].language is "EN", which does not match', '$[2].subject is "", which does not match', '$[3].code is "A en", as that of $[0]', '$[3].html is not known here'], 'e-mails');
SELECT bag_eq($$SELECT * FROM pg_temp.faults('zones', '[{"code": "z", "name": "Z", "kind": "MOON"}, {"code": "zone_a", "name": "", "kind": "CITY", "size_m": 100, "safe_x": 51, "safe_y": -50, "capacity": 0},
	{"code": "zone_a", "name": "B", "kind": "CITY", "status": "GONE", "size_m": 10.5, "safe_z": "up"}]')$$, ARRAY[
	'$[0].code is "z", which does not match', '$[0].kind is "MOON", none of', '$[1].name is "", which does not match', '$[1].capacity is 0, not within 1 to 1000',
	'$[1].safe_x is 51, outside of the zone', '$[2].code is "zone_a", as that of $[1]', '$[2].status is "GONE", none of', '$[2].size_m is 10.5, no integer',
	'$[2].safe_z is a JSON string, not number'], 'zones');
SELECT bag_eq($$SELECT * FROM pg_temp.faults('weapons', '[{"code": "ab", "name": "W", "damage": 0, "rpm": 6001, "attribute": "cool"}]')$$, ARRAY[
	'$[0].damage is 0, not within 1 to 10000', '$[0].rpm is 6001, not within 1 to 6000', '$[0].range_m is missing', '$[0].attribute is "cool", none of'], 'weapons');
SELECT bag_eq($$SELECT * FROM pg_temp.faults('names', '{"reserved": ["ok", "!!"], "profane": "x", "allowed": [5], "banned": []}')$$, ARRAY[
	'$.reserved[1] is "!!", which does not match', '$.profane is a JSON string, not array', '$.allowed[0] is a JSON number, not text', '$.banned is not known here'], 'names');
SELECT bag_eq($$SELECT * FROM pg_temp.faults('characters', '{"classes": [{"code": "c", "name": "C", "description": "D", "attributes": {"body": 20, "luck": 1}}, {"code": "c", "name": "C", "description": "D"}],
	"origins": [{"code": "o", "name": "O", "description": "D", "attribute": "luck", "zone": "no_zone", "credits": -1, "kit": [{"item": "no_item"}, {"quantity": 0}], "quests": ["no_quest", 1]}]}')$$, ARRAY[
	'$.classes[0].attributes.body is 20, not within 1 to 19', '$.classes[0].attributes.luck is not known here', '$.classes[1].code is "c", as that of $.classes[0]',
	'$.origins[0].attribute is "luck", none of', '$.origins[0].credits is -1, not within 0 to 1000000', '$.origins[0].kit[0].item names an item "no_item", which does not exist',
	'$.origins[0].kit[1].item is missing', '$.origins[0].kit[1].quantity is 0, not within 1 to 1000000', '$.origins[0].quests[0] names a quest "no_quest", which does not exist',
	'$.origins[0].quests[1] is a JSON number, not text', '$.origins[0].zone names a zone "no_zone", which does not exist'], 'classes and origins');
SELECT bag_eq($$SELECT * FROM pg_temp.faults('npcs', '{"templates": [{"code": "npc_a", "name": "A", "tier": 6, "level": 1, "max_hp": 0, "loot_table_code": "no_table"}, {"code": "npc_a", "name": "B", "tier": 0, "level": 1, "max_hp": 1}],
	"spawns": [{"code": "sp_a", "template": "npc_a", "zone": "no_zone", "x": 1, "y": "2"}, {"code": "sp_b", "template": "npc_b", "zone": "lantern_ward", "x": 1, "y": 2, "waypoints": [[1, 2], [1, 2, "3"], 4]}], "pets": []}')$$, ARRAY[
	'$.templates[0].tier is 6, not within 0 to 5', '$.templates[0].max_hp is 0, not within 1 to 1000000', '$.templates[0].loot_table_code names a loot table "no_table", which does not exist',
	'$.templates[1].code is "npc_a", as that of $.templates[0]', '$.spawns[0].zone names a zone "no_zone", which does not exist', '$.spawns[0].y is a JSON string, not number',
	'$.spawns[1].template names an NPC "npc_b", which does not exist', '$.spawns[1].waypoints[0] has 2 elements, not 3 to 3', '$.spawns[1].waypoints[1][2] is a JSON string, not number',
	'$.spawns[1].waypoints[2] is a JSON number, not array', '$.pets is not known here'], 'NPCs and their spawns');
SELECT bag_eq($$SELECT * FROM pg_temp.faults('quests', '[{"code": "q", "name": "Q", "description": "D", "kind": "SIDE", "objectives": [{"code": "a", "kind": "SING", "required": 0, "description": "D"},
	{"code": "a", "kind": "KILL", "npc": "no_npc", "required": 1, "description": "D"}, {"code": "c", "kind": "COLLECT", "item": "no_item", "required": 1}]}]')$$, ARRAY[
	'$[0].objectives[0].kind is "SING", none of', '$[0].objectives[0].required is 0, not within 1 to 100000', '$[0].objectives[1].code is "a", as that of $[0].objectives[0]',
	'$[0].objectives[1].npc names an NPC "no_npc", which does not exist', '$[0].objectives[2].item names an item "no_item", which does not exist', '$[0].objectives[2].description is missing'], 'quests');
SELECT bag_eq($$SELECT * FROM pg_temp.faults('achievements', '[{"code": "A", "name": "A", "description": "D", "category": "c", "kind": "ODD", "event": "E", "points": 1}]')$$, ARRAY[
	'$[0].code is "A", which does not match', '$[0].kind is "ODD", none of', '$[0].points is 1, not within 10 to 100'], 'achievements');
SELECT bag_eq($$SELECT * FROM pg_temp.faults('items', pg_temp.item('X') || '[{"code": "odd", "name": "N", "description": "D", "type": "ARMOR", "rarity": "RARE", "weight": 1, "vendor_price": 1,
	"attributes": {"requires": {"level": "5", "luck": 1}}}]')$$, ARRAY['$[1].attributes.requires.level is a JSON string, not integer', '$[1].attributes.requires.luck is not known here'], 'items');
SELECT is_empty($$SELECT * FROM pg_temp.faults('quests', '[{"code": "q", "name": "Q", "description": "D", "kind": "SIDE", "objectives": [{"code": "a", "kind": "KILL", "npc": "npc_new", "required": 1, "description": "D"}]}]',
	'{"npcs": [{"templates": [{"code": "npc_old"}]}, {"templates": [{"code": "npc_new"}]}]}')$$, 'what is imported beside it may be named');

-- What an NPC's pack names that is missing: refused, or left out with what named it.
SELECT set_config('test.npcs', format('{"templates": [{"code": "a_%1$s", "name": "A", "tier": 0, "level": 1, "max_hp": 1}, {"code": "b_%1$s", "name": "B", "tier": 0, "level": 1, "max_hp": 1, "loot_table_code": "no_table"}],
	"spawns": [{"code": "sa_%1$s", "template": "a_%1$s", "zone": "lantern_ward", "x": 1, "y": 2, "enabled": false}, {"code": "sb_%1$s", "template": "b_%1$s", "zone": "lantern_ward", "x": 1, "y": 2},
	           {"code": "sc_%1$s", "template": "a_%1$s", "zone": "no_zone", "x": 1, "y": 2}]}', :'tag'), false) \g /dev/null
CREATE FUNCTION pg_temp.npcs() RETURNS jsonb LANGUAGE sql RETURN current_setting('test.npcs')::jsonb;
SELECT is(pg_temp.refusal_of($$SELECT necp.content_import('npcs', pg_temp.npcs())$$), 'NC001 $.spawns[2].zone', 'VALIDATION: a spawn in no zone');
SELECT is((SELECT count(*) FROM game.npc_templates WHERE code LIKE '%\_' || :'tag'), 0::bigint, 'nothing of it is imported');
SELECT results_eq($$SELECT f.path FROM unnest((necp.content_prune('npcs', pg_temp.npcs())).dropped) f$$,
	ARRAY['$.spawns[2].zone', '$.templates[1].loot_table_code', '$.spawns[1].template'], 'what names nothing is left out, and then what named that');
SELECT is(necp.content_import('npcs', pg_temp.npcs(), 'skip'), 2, 'the rest is imported');
SELECT is(necp.content_import('npcs', pg_temp.npcs(), 'skip'), 0, 'once');
SELECT bag_eq(format($$SELECT t.code, s.code AS spawn FROM game.npc_templates t LEFT JOIN game.npc_spawns s ON s.template_id = t.id WHERE t.code LIKE '%%\_%s'$$, :'tag'),
	format($$VALUES ('a_%1$s', 'sa_%1$s')$$, :'tag'), 'that is, what stands');

-- Rows of an operator, of every kind that the tests of a room do not touch.
SELECT is(ARRAY[necp.content_import('characters', format('{"classes": [{"code": "cl_%1$s", "name": "C", "description": "D"}]}', :'tag')::jsonb),
	necp.content_import('weapons', format('[{"code": "we_%1$s", "name": "W", "damage": 5, "rpm": 5, "range_m": 5}]', :'tag')::jsonb)], ARRAY[1, 1], 'a class and a weapon');
UPDATE game.character_classes SET name = 'Mine', origin = 'operator' WHERE code = 'cl_' || :'tag';
UPDATE game.weapon_profiles SET name = 'Mine', origin = 'operator' WHERE code = 'we_' || :'tag';
SELECT is(necp.content_import('characters', format('{"classes": [{"code": "cl_%1$s", "name": "Theirs", "description": "D"}]}', :'tag')::jsonb), 0, 'a class of an operator is kept');
SELECT is(necp.content_import('weapons', format('[{"code": "we_%1$s", "name": "Theirs", "damage": 6, "rpm": 5, "range_m": 5}]', :'tag')::jsonb), 0, 'a weapon too');
SELECT is((SELECT c.name || w.name FROM game.character_classes c, game.weapon_profiles w WHERE c.code = 'cl_' || :'tag' AND w.code = 'we_' || :'tag'), 'MineMine', 'as they were');

-- Who may ----------------------------------------------------------------------------------------------------

SET ROLE necp_admin;
SELECT lives_ok($$SELECT necp.content_import('items', '[]')$$, 'admins import');
SET ROLE necp_edge;
SELECT throws_ok($$SELECT necp.content_import('items', '[]')$$, '42501', NULL, 'servers do not');
RESET ROLE;
SELECT * FROM finish();
