-- Content packs: imported as often as one likes; what an operator edited stays.
\ir ../helpers.psql
SELECT plan(27);

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

-- Who may ----------------------------------------------------------------------------------------------------

SET ROLE necp_admin;
SELECT lives_ok($$SELECT necp.content_import('items', '[]')$$, 'admins import');
SET ROLE necp_edge;
SELECT throws_ok($$SELECT necp.content_import('items', '[]')$$, '42501', NULL, 'servers do not');
RESET ROLE;
SELECT * FROM finish();
