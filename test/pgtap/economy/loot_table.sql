-- Loot tables: what an import refuses, what a roll gives and how often, luck and pity (DOMAIN §7).
\ir ../helpers.psql
SELECT plan(107);
SELECT pg_temp.template('dust', max_stack => 10) AS dust, pg_temp.template('wire', rarity => 'UNCOMMON') AS wire, pg_temp.template('chip', rarity => 'RARE') AS chip,
	pg_temp.template('core', rarity => 'EPIC') AS core, pg_temp.template('star', rarity => 'LEGENDARY', binding => 'ON_PICKUP') AS star,
	pg_temp.template('moon', rarity => 'LEGENDARY') AS moon \gset

-- A pack with the run's tag behind every code: ^ stands for it.
CREATE FUNCTION pg_temp.pack(pack text) RETURNS jsonb LANGUAGE sql RETURN replace(pack, '^', '_' || current_setting('test.tag'))::jsonb;
CREATE FUNCTION pg_temp.import(pack text, on_missing text DEFAULT 'refuse') RETURNS int LANGUAGE sql RETURN necp.content_import('loot', pg_temp.pack(pack), on_missing);
CREATE FUNCTION pg_temp.faults(pack text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT replace(path || ' ' || fault, '_' || current_setting('test.tag'), '^') FROM necp.content_check('loot', pg_temp.pack(pack)) $$;
CREATE FUNCTION pg_temp.stored() RETURNS text LANGUAGE sql RETURN (
	SELECT md5(string_agg(e::text, ',' ORDER BY e::text)) FROM (SELECT t::text FROM game.loot_tables t UNION ALL SELECT e::text FROM game.loot_entries e
		UNION ALL SELECT g::text FROM game.loot_groups g) e);

-- Faults, one by one ----------------------------------------------------------------------------------------

CREATE TEMP TABLE faulty (what text, pack text, faults text[]);
INSERT INTO faulty VALUES
	('no array', '{"code": "a^"}', '{"$ is a JSON object, not array"}'),
	('no table', '[7]', '{"$[0] is a JSON number, not object"}'),
	('no code', '[{"entries": []}]', '{"$[0].code is missing"}'),
	('one code twice', '[{"code": "a^", "entries": []}, {"code": "a^", "entries": []}]', '{"$[1].code is \"a^\", as that of $[0]"}'),
	('an unknown field', '[{"code": "a^", "entries": [], "max_item": 1}]', '{"$[0].max_item is not known here"}'),
	('nothing in it', '[{"code": "a^"}]', '{"$[0] has neither groups nor entries"}'),
	('both forms', '[{"code": "a^", "entries": [], "groups": []}]', '{"$[0] has both groups and entries"}'),
	('items out of range', '[{"code": "a^", "max_items": 21, "entries": []}]', '{"$[0].max_items is 21, not within 0 to 20"}'),
	('items turned round', '[{"code": "a^", "min_items": 3, "max_items": 2, "entries": []}]', '{"$[0].max_items is 2, less than 3"}'),
	('items above the default', '[{"code": "a^", "min_items": 4, "entries": []}]', '{"$[0].max_items is 3, less than 4"}'),
	('credits turned round', '[{"code": "a^", "min_credits": 101, "entries": []}]', '{"$[0].max_credits is 100, less than 101"}'),
	('credits below nothing', '[{"code": "a^", "min_credits": -1, "entries": []}]', '{"$[0].min_credits is -1, not within 0 to 1000000"}'),
	('a negative weight', '[{"code": "a^", "entries": [{"item": "dust^", "weight": 2}, {"weight": -1}]}]', '{"$[0].entries[1].weight is -1, not within 0 to 1000000000000"}'),
	('weights that sum to 0', '[{"code": "a^", "entries": [{"item": "dust^", "weight": 0}, {"weight": 0}]}]', '{"$[0].entries has weights that sum to 0"}'),
	('a weight of text', '[{"code": "a^", "entries": [{"item": "dust^", "weight": "1"}]}]', '{"$[0].entries[0].weight is a JSON string, not number"}'),
	('a chance above 1', '[{"code": "a^", "entries": [{"item": "dust^", "chance": 1.1}]}]', '{"$[0].entries[0].chance is 1.1, not within 0 to 1"}'),
	('weight and chance', '[{"code": "a^", "entries": [{"item": "dust^", "chance": 1, "weight": 1}]}]', '{"$[0].entries[0] wants either a weight or a chance"}'),
	('neither', '[{"code": "a^", "entries": [{"item": "dust^"}]}]', '{"$[0].entries[0] wants either a weight or a chance"}'),
	('a chance of nothing', '[{"code": "a^", "entries": [{"chance": 1}]}]', '{"$[0].entries[0] has a chance of nothing"}'),
	('item and table', '[{"code": "a^", "entries": [{"item": "dust^", "table": "b^", "weight": 1}]}, {"code": "b^", "entries": []}]', '{"$[0].entries[0] has both an item and a table"}'),
	('quantities turned round', '[{"code": "a^", "entries": [{"item": "dust^", "weight": 1, "min_quantity": 5, "max_quantity": 4}]}]', '{"$[0].entries[0].max_quantity is 4, less than 5"}'),
	('a quantity of 0', '[{"code": "a^", "entries": [{"item": "dust^", "weight": 1, "min_quantity": 0}]}]', '{"$[0].entries[0].min_quantity is 0, not within 1 to 1000000"}'),
	('a quantity of tables', '[{"code": "a^", "entries": [{"table": "b^", "weight": 1, "max_quantity": 2}]}, {"code": "b^", "entries": []}]', '{"$[0].entries[0] has a quantity, but no item"}'),
	('an item that does not exist', '[{"code": "a^", "entries": [{"item": "none^", "weight": 1}]}]', '{"$[0].entries[0].item names an item \"none^\", which does not exist"}'),
	('a table that does not exist', '[{"code": "a^", "entries": [{"table": "none^", "weight": 1}]}]', '{"$[0].entries[0].table names a loot table \"none^\", which does not exist"}'),
	('a mixed group', '[{"code": "a^", "groups": [{"entries": [{"item": "dust^", "weight": 1}, {"item": "dust^", "chance": 1}]}]}]', '{"$[0].groups[0] mixes weights and chances"}'),
	('a group of nothing', '[{"code": "a^", "groups": [{"entries": []}]}]', '{"$[0].groups[0] has no entries"}'),
	('a group without entries', '[{"code": "a^", "groups": [{"draws": 1}]}]', '{"$[0].groups[0].entries is missing"}'),
	('draws of chances', '[{"code": "a^", "groups": [{"draws": 2, "entries": [{"item": "dust^", "chance": 1}]}]}]', '{"$[0].groups[0] draws, but has chances"}'),
	('an unknown condition', '[{"code": "a^", "entries": [{"item": "dust^", "weight": 1, "when": {"mood": 1}}]}]', '{"$[0].entries[0].when.mood is not known here"}'),
	('conditions that name nothing', '[{"code": "a^", "entries": [{"item": "dust^", "weight": 1, "when": {"class": "x^", "quest_active": "x^", "quest_done": "x^", "zone": "x^"}}]}]',
		'{"$[0].entries[0].when.class names a class \"x^\", which does not exist","$[0].entries[0].when.quest_active names a quest \"x^\", which does not exist","$[0].entries[0].when.quest_done names a quest \"x^\", which does not exist","$[0].entries[0].when.zone names a zone \"x^\", which does not exist"}'),
	('levels turned round', '[{"code": "a^", "entries": [{"item": "dust^", "weight": 1, "when": {"min_level": 5, "max_level": 4}}]}]', '{"$[0].entries[0].when.max_level is 4, less than 5"}'),
	('half an hour range', '[{"code": "a^", "entries": [{"item": "dust^", "weight": 1, "when": {"from_hour": 5}}]}]', '{"$[0].entries[0].when wants both from_hour and to_hour"}'),
	('itself', '[{"code": "a^", "entries": [{"table": "a^", "weight": 1}]}]', '{"$[0].entries[0] is a cycle: a^ > a^"}'),
	('a cycle, told once', '[{"code": "c^", "entries": [{"table": "a^", "weight": 1}]}, {"code": "a^", "entries": [{"item": "dust^", "weight": 1}, {"table": "b^", "weight": 1}]}, {"code": "b^", "entries": [{"table": "c^", "chance": 1}]}, {"code": "d^", "entries": [{"table": "a^", "weight": 1}]}]',
		'{"$[1].entries[1] is a cycle: a^ > b^ > c^ > a^"}'),
	('six on top of each other', '[{"code": "a^", "entries": [{"table": "b^", "weight": 1}]}, {"code": "b^", "entries": [{"table": "c^", "weight": 1}]}, {"code": "c^", "entries": [{"table": "d^", "weight": 1}]}, {"code": "d^", "entries": [{"table": "e^", "weight": 1}]}, {"code": "e^", "entries": [{"table": "f^", "weight": 1}]}, {"code": "f^", "entries": []}]',
		'{"$[0].entries[0] nests deeper than 5: a^ > b^ > c^ > d^ > e^ > f^"}'),
	('several at once', '[{"code": "a^", "min_items": 9, "entries": [{"item": "none^", "weight": -3}, {"table": "b^", "weight": 1}, 7]}, {"code": "b^", "groups": [{"entries": [{"table": "a^", "weight": 0}]}]}]',
		'{"$[0].max_items is 3, less than 9","$[0].entries[0].item names an item \"none^\", which does not exist","$[0].entries[0].weight is -3, not within 0 to 1000000000000","$[0].entries[2] is a JSON number, not object","$[1].groups[0] has weights that sum to 0","$[0].entries[1] is a cycle: a^ > b^ > a^"}');
SELECT bag_eq(format('SELECT pg_temp.faults(%L)', pack), faults, 'refused: ' || what) FROM faulty;
SELECT pg_temp.stored() AS before \gset
SELECT is(count(*) FILTER (WHERE pg_temp.refusal_of(format('SELECT pg_temp.import(%L)', pack)) LIKE 'NC001 $%'), count(*), 'an import refuses each of them') FROM faulty;
SELECT is(pg_temp.stored(), :'before', 'and has changed nothing');

-- Import ----------------------------------------------------------------------------------------------------

\set good '[{"code": "top^", "min_items": 1, "max_items": 1, "min_credits": 3, "max_credits": 3, "groups": [{"draws": 2, "entries": [{"table": "low^", "weight": 0.1}, {"weight": 0.30000000000000001}]}, {"entries": [{"item": "star^", "chance": 0.25, "when": {"min_level": 2, "max_level": 9, "from_hour": 22, "to_hour": 4}}]}]}, {"code": "low^", "entries": [{"item": "dust^", "weight": 1, "min_quantity": 2, "max_quantity": 20}, {"item": "wire^", "chance": 1}]}]'
SELECT is(pg_temp.import(:'good'), 2, 'a pack, with a table named before it comes');
SELECT pg_temp.stored() AS before \gset
SELECT is(pg_temp.import(:'good'), 0, 'the same again changes nothing');
SELECT is(pg_temp.stored(), :'before', 'not a row');
SELECT is(pg_temp.import(replace(:'good', '"draws": 2', '"draws": 3')), 1, 'a change changes its table');
UPDATE game.loot_tables SET origin = 'operator' WHERE code = 'top_' || :'tag';
SELECT is(pg_temp.import(:'good'), 0, 'what an operator keeps stays');
SELECT is((SELECT draws FROM game.loot_groups JOIN game.loot_tables t ON t.id = table_id WHERE t.code = 'top_' || :'tag' AND ord = 0), 3, 'as it is');
SELECT bag_eq($$SELECT pg_temp.faults('[{"code": "low^", "entries": [{"table": "top^", "weight": 1}]}]')$$, '{"$[0].entries[0] is a cycle: low^ > top^ > low^"}'::text[], 'a cycle through a stored table');
SELECT is(pg_temp.import('[{"code": "part^", "groups": [{"entries": [{"item": "dust^", "weight": 1}, {"item": "none^", "weight": 1}, {"item": "none^", "weight": 1}, {"item": "wire^", "weight": 1}]}, {"entries": [{"item": "none^", "chance": 1}]}]}]', 'skip'), 1, 'on_missing => skip');
SELECT bag_eq($$SELECT i.code FROM game.loot_entries e JOIN game.loot_tables t ON t.id = e.table_id JOIN game.item_templates i ON i.id = e.template_id WHERE t.code = 'part_' || current_setting('test.tag')$$,
	ARRAY['dust_' || :'tag', 'wire_' || :'tag'], 'keeps what is there');
SELECT is((SELECT cardinality(dropped) FROM necp.content_prune('loot', pg_temp.pack('[{"code": "part^", "groups": [{"entries": [{"item": "none^", "weight": 1}]}]}]'))), 2, 'what is left out is listed: an entry, and the group that it leaves empty');

-- How often --------------------------------------------------------------------------------------------------

-- Pearson's chi-square of counts against probabilities, and the value that one in 100,000 exceeds (Wilson and Hilferty).
CREATE FUNCTION pg_temp.misfit(counts jsonb, expected jsonb) RETURNS boolean LANGUAGE sql AS $$
	WITH total AS (SELECT sum(value::numeric) AS n FROM jsonb_each_text(counts)),
	fit AS (SELECT sum((coalesce((counts ->> key)::float8, 0) - n * value::float8) ^ 2 / (n * value::float8)) AS x, count(*) - 1 AS df FROM jsonb_each_text(expected), total)
	SELECT x > df * (1 - 2 / (9.0 * df) + 4.265 * sqrt(2 / (9.0 * df))) ^ 3 OR EXISTS (SELECT FROM jsonb_each_text(counts) c WHERE c.value::numeric > 0 AND NOT expected ? c.key) FROM fit
$$;
CREATE FUNCTION pg_temp.sample(code text, luck float8 DEFAULT 10, misses int DEFAULT 0, rolls int DEFAULT 1000000, who bigint DEFAULT 0, place bigint DEFAULT 0) RETURNS jsonb LANGUAGE sql
	RETURN necp.loot_table_sample(code || '_' || current_setting('test.tag'), rolls, who, place, luck, misses)::jsonb;
CREATE FUNCTION pg_temp.shares(VARIADIC pairs text[]) RETURNS jsonb LANGUAGE sql AS $$
	WITH p AS (SELECT pairs[i * 2 - 1] AS key, pairs[i * 2]::float8 AS value FROM generate_series(1, cardinality(pairs) / 2) i)
	SELECT jsonb_object_agg(key, value / (SELECT sum(value) FROM p)) FROM p $$;
SELECT pg_temp.import('[
	{"code": "rarities^", "min_items": 1, "max_items": 1, "entries": [{"item": "dust^", "weight": 60}, {"item": "wire^", "weight": 25}, {"item": "chip^", "weight": 12}, {"item": "core^", "weight": 2.5}, {"item": "star^", "weight": 0.5}]},
	{"code": "hollow^", "min_items": 1, "max_items": 1, "entries": [{"item": "dust^", "weight": 3}, {"item": "wire^", "weight": 0}, {"weight": 7}]},
	{"code": "alone^", "min_items": 0, "max_items": 0, "entries": [{"item": "dust^", "chance": 0.3}, {"item": "chip^", "chance": 0.05}, {"item": "wire^", "chance": 1}]},
	{"code": "tree^", "min_items": 1, "max_items": 1, "entries": [{"table": "plain^", "weight": 3}, {"table": "fine^", "weight": 1}, {"item": "moon^", "weight": 0.04}]},
	{"code": "plain^", "min_items": 1, "max_items": 1, "entries": [{"item": "dust^", "weight": 1}, {"table": "rarities^", "weight": 1}]},
	{"code": "fine^", "min_items": 1, "max_items": 1, "entries": [{"item": "chip^", "weight": 1}]},
	{"code": "many^", "min_items": 1, "max_items": 3, "groups": [{"entries": [{"item": "dust^", "weight": 1}, {"item": "wire^", "weight": 1}]}, {"draws": 2, "entries": [{"item": "chip^", "weight": 1}]}]},
	{"code": "rare_only^", "min_items": 1, "max_items": 1, "entries": [{"item": "star^", "weight": 0.001}, {"item": "moon^", "weight": 0.003}, {"item": "dust^", "weight": 1}]}]') \g /dev/null
SELECT necp.random_seed(7) \g /dev/null
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('rarities'), pg_temp.shares(:'dust', '60', :'wire', '25', :'chip', '12', :'core', '2.5', :'star', '0.5')), 'one group: 60, 25, 12, 2.5, 0.5 in a million');
SELECT ok(pg_temp.misfit(pg_temp.sample('rarities'), pg_temp.shares(:'dust', '60', :'wire', '25', :'chip', '12', :'core', '2.5', :'star', '0.55')), 'which is not 0.55');
SELECT ok(pg_temp.misfit(pg_temp.sample('rarities'), pg_temp.shares(:'dust', '60', :'wire', '25.5', :'chip', '11.5', :'core', '2.5', :'star', '0.5')), 'nor 25.5 and 11.5');
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('hollow'), pg_temp.shares(:'dust', '3', 'none', '7')), 'nothing has its weight, and weight 0 never comes');
SELECT ok(NOT pg_temp.misfit(jsonb_build_object('y', s -> :'dust', 'n', 1000000 - (s ->> :'dust')::int), pg_temp.shares('y', '0.3', 'n', '0.7')) AND s ->> :'wire' = '1000000'
	AND NOT pg_temp.misfit(jsonb_build_object('y', s -> :'chip', 'n', 1000000 - (s ->> :'chip')::int), pg_temp.shares('y', '0.05', 'n', '0.95')), 'chances are tried alone') FROM pg_temp.sample('alone') s;
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('tree'), pg_temp.shares(:'dust', (3 * (0.5 + 0.3))::text, :'wire', (1.5 * 0.25)::text, :'chip', (1.5 * 0.12 + 1)::text,
	:'core', (1.5 * 0.025)::text, :'star', (1.5 * 0.005)::text, :'moon', '0.04')), 'tables of tables');
SELECT ok(abs((s ->> :'dust')::int - 1000000) < 6000 AND s ->> :'chip' = '2000000', 'one to three draws, and a group that says how many') FROM pg_temp.sample('many') s;

-- Luck ---------------------------------------------------------------------------------------------------------

SELECT ok(NOT pg_temp.misfit(pg_temp.sample('rarities', 20), pg_temp.shares(:'dust', '60', :'wire', '25', :'chip', (12 * 1.05)::text, :'core', (2.5 * 1.1)::text, :'star', (0.5 * 1.15)::text)), 'luck 20: RARE 1.05, EPIC 1.1, LEGENDARY 1.15');
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('rarities', 500), pg_temp.shares(:'dust', '60', :'wire', '25', :'chip', (12 * 1.05)::text, :'core', (2.5 * 1.1)::text, :'star', (0.5 * 1.15)::text)), 'and no more');
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('rarities', -90), pg_temp.shares(:'dust', '60', :'wire', '25', :'chip', (12 * 0.95)::text, :'core', (2.5 * 0.9)::text, :'star', (0.5 * 0.85)::text)), 'bad luck to -0.5');
SELECT ok(pg_temp.misfit(pg_temp.sample('rarities', 20), pg_temp.shares(:'dust', '60', :'wire', '25', :'chip', '12', :'core', '2.5', :'star', '0.5')), 'which is not what plain luck gives');
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('tree', 20), pg_temp.shares(:'dust', (3 * (0.5 + 0.5 * 60 / 100.925))::text, :'wire', (3 * 0.5 * 25 / 100.925)::text, :'chip', (3 * 0.5 * 12.6 / 100.925 + 1.05)::text,
	:'core', (3 * 0.5 * 2.75 / 100.925)::text, :'star', (3 * 0.5 * 0.575 / 100.925)::text, :'moon', (0.04 * 1.15)::text)), 'a table of one rarity is of that rarity');

-- Pity ---------------------------------------------------------------------------------------------------------

SELECT ok(NOT pg_temp.misfit(pg_temp.sample('rarities', 10, 20), pg_temp.shares(:'dust', '60', :'wire', '25', :'chip', '12', :'core', '2.5', :'star', '0.5')), '20 misses change nothing');
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('rarities', 10, 50), pg_temp.shares(:'dust', '60', :'wire', '25', :'chip', '12', :'core', '2.5', :'star', '2')), '50: 30 times 10 % more');
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('rarities', 20, 99), pg_temp.shares(:'dust', '60', :'wire', '25', :'chip', '12.6', :'core', '2.75', :'star', (0.5 * 1.15 * 8.9)::text)), '99, with luck');
SELECT is(pg_temp.sample('rarities', 10, 100, 1000), jsonb_build_object('none', 0, :'star', 1000), '100: certain, in place of what was drawn');
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('rare_only', 10, 100), pg_temp.shares('none', '0.0000001', :'star', '1', :'moon', '3')), 'which of them, by their weights');

SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.player('bob') \g /dev/null
CREATE FUNCTION pg_temp.roll(who text, code text, place bigint DEFAULT 0) RETURNS json LANGUAGE sql
	RETURN necp.loot_table_roll(code || '_' || current_setting('test.tag'), pg_temp.c(who), place, 10);
CREATE FUNCTION pg_temp.misses(who text, loot_table text) RETURNS int LANGUAGE sql RETURN (SELECT p.misses FROM game.loot_pity p JOIN game.loot_tables t ON t.id = p.table_id
	WHERE p.character_id = pg_temp.c(who) AND t.code = loot_table || '_' || current_setting('test.tag'));
SELECT pg_temp.import('[{"code": "never^", "entries": [{"item": "star^", "weight": 0.000000001}, {"item": "dust^", "weight": 1}]}, {"code": "always^", "entries": [{"item": "star^", "chance": 1}]},
	{"code": "humble^", "max_items": 1, "entries": [{"item": "dust^", "weight": 1}]}, {"code": "later^", "entries": [{"item": "star^", "weight": 0.000000001, "when": {"min_level": 40}}, {"item": "dust^", "weight": 1}]}]') \g /dev/null
SELECT pg_temp.roll('ann', 'never') FROM generate_series(1, 3) \g /dev/null
SELECT is(pg_temp.misses('ann', 'never'), 3, 'misses count');
SELECT is(pg_temp.misses('bob', 'never'), NULL, 'for each character');
SELECT pg_temp.roll('ann', 'always') \g /dev/null
SELECT is(pg_temp.misses('ann', 'always'), 0, 'a drop resets');
SELECT is(pg_temp.misses('ann', 'never'), 3, 'its own table');
SELECT pg_temp.roll('ann', 'humble'), pg_temp.roll('ann', 'later') \g /dev/null
SELECT is(pg_temp.misses('ann', 'humble'), NULL, 'a table without LEGENDARY counts nothing');
SELECT is(pg_temp.misses('ann', 'later'), NULL, 'nor does one that may give none');
UPDATE game.loot_pity SET misses = 99 WHERE character_id = pg_temp.c('ann') AND misses = 3;
SELECT is(pg_temp.roll('ann', 'never') #>> '{items,0,template_id}', :'dust', 'the hundredth miss');
SELECT is((pg_temp.roll('ann', 'never') #>> '{items,0,template_id}')::int, :star, 'then it is certain');
SELECT is(pg_temp.misses('ann', 'never'), 0, 'and begins again');

-- What one has ---------------------------------------------------------------------------------------------------

SELECT pg_temp.fill(pg_temp.backpack('bob'), format('[[%s, 1]]', :star)::jsonb) \g /dev/null
SELECT pg_temp.import('[{"code": "half^", "min_items": 1, "max_items": 1, "entries": [{"item": "star^", "weight": 1}, {"item": "moon^", "weight": 1}]}]') \g /dev/null
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('half', rolls => 100000, who => pg_temp.c('bob')), pg_temp.shares('none', '0.0000001', :'star', '1', :'moon', '3')), 'an owned LEGENDARY is drawn again, once');
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('half', rolls => 100000, who => pg_temp.c('ann')), pg_temp.shares('none', '0.0000001', :'star', '1', :'moon', '1')), 'for its owner');

-- Conditions --------------------------------------------------------------------------------------------------------

CALL pg_temp.open_zone('here', NULL) \gset
SELECT necp.content_import('quests', pg_temp.pack('[{"code": "errand^", "name": "E", "description": "D", "kind": "SIDE", "objectives": []}]')) \g /dev/null
SELECT pg_temp.import('[{"code": "when^", "min_items": 0, "max_items": 0, "entries": [{"item": "dust^", "chance": 1, "when": {"min_level": 5}}, {"item": "wire^", "chance": 1, "when": {"max_level": 4}}]},
	{"code": "class^", "min_items": 0, "max_items": 0, "entries": [{"item": "dust^", "chance": 1, "when": {"class": "test_class"}}, {"item": "wire^", "chance": 1, "when": {"class": "ghost"}}]},
	{"code": "where^", "min_items": 0, "max_items": 0, "entries": [{"item": "dust^", "chance": 1, "when": {"zone": "here^"}}]},
	{"code": "quest^", "min_items": 0, "max_items": 0, "entries": [{"item": "dust^", "chance": 1, "when": {"quest_active": "errand^"}}, {"item": "wire^", "chance": 1, "when": {"quest_done": "errand^"}}]},
	{"code": "night^", "min_items": 0, "max_items": 0, "entries": [{"item": "dust^", "chance": 1, "when": {"from_hour": 22, "to_hour": 4}}, {"item": "wire^", "chance": 1, "when": {"from_hour": 4, "to_hour": 22}}]},
	{"code": "shut^", "min_items": 1, "max_items": 1, "entries": [{"item": "dust^", "weight": 1}, {"item": "wire^", "weight": 3}, {"item": "chip^", "weight": 1000000, "when": {"min_level": 50}}]},
	{"code": "closed^", "min_items": 1, "max_items": 1, "entries": [{"item": "chip^", "weight": 1, "when": {"min_level": 50}}]}]') \g /dev/null
CREATE FUNCTION pg_temp.got(who text, code text, place bigint DEFAULT 0) RETURNS text LANGUAGE sql
	RETURN (SELECT coalesce(string_agg(split_part(t.code, '_', 1), ' '), 'nothing') FROM json_array_elements(pg_temp.roll(who, code, place) -> 'items') i JOIN game.item_templates t ON t.id = (i ->> 'template_id')::int);
SELECT is(pg_temp.got('ann', 'when'), 'wire', 'level 1');
UPDATE game.characters SET level = 5 WHERE id = pg_temp.c('ann');
SELECT is(pg_temp.got('ann', 'when'), 'dust', 'level 5');
SELECT is(pg_temp.got('ann', 'class'), 'dust', 'class');
SELECT is(pg_temp.got('ann', 'where', :zone_id) || ' ' || pg_temp.got('ann', 'where', 999999), 'dust nothing', 'zone');
SELECT is(pg_temp.got('ann', 'quest'), 'nothing', 'no quest');
INSERT INTO game.quest_instances (character_id, template_id, status, started_at) SELECT pg_temp.c('ann'), id, 'ACTIVE', necp.now() FROM game.quests WHERE code = 'errand_' || :'tag';
SELECT is(pg_temp.got('ann', 'quest'), 'dust', 'a quest that is played');
UPDATE game.quest_instances SET status = 'COMPLETED', ended_at = necp.now() WHERE character_id = pg_temp.c('ann');
SELECT is(pg_temp.got('ann', 'quest'), 'wire', 'one that is done');
SELECT necp.clock_advance(date_trunc('day', necp.now() AT TIME ZONE 'UTC') + interval '1 day 23 hours' - necp.now() AT TIME ZONE 'UTC') \g /dev/null
SELECT is(pg_temp.got('ann', 'night'), 'dust', '23 h is between 22 h and 4 h');
SELECT necp.clock_advance('4 hours') \g /dev/null
SELECT is(pg_temp.got('ann', 'night'), 'dust', '3 h, too');
SELECT necp.clock_advance('1 hour') \g /dev/null
SELECT is(pg_temp.got('ann', 'night'), 'wire', '4 h is not');
SELECT necp.clock_reset() \g /dev/null
SELECT ok(NOT pg_temp.misfit(pg_temp.sample('shut', rolls => 100000, who => pg_temp.c('ann')), pg_temp.shares('none', '0.0000001', :'dust', '1', :'wire', '3')), 'what may not come leaves the others their proportions');
SELECT is(pg_temp.got('ann', 'closed'), 'nothing', 'where nothing may come, nothing does');

-- Kept in memory -----------------------------------------------------------------------------------------------------

SELECT public.dblink_connect('warm', format('host=%s port=%s dbname=%s user=postgres', (string_to_array(current_setting('unix_socket_directories'), ','))[1], current_setting('port'), current_database())) \g /dev/null
CREATE FUNCTION pg_temp.there(code text) RETURNS text LANGUAGE sql RETURN (SELECT x FROM public.dblink('warm',
	format('SELECT necp.loot_table_roll(%L, 0, 0, 10) #>> ''{items,0,template_id}''', code || '_' || current_setting('test.tag'))) d (x text));
SELECT is(pg_temp.there('humble'), :'dust', 'another backend rolls');
UPDATE game.loot_entries e SET template_id = :wire FROM game.loot_tables t WHERE t.id = e.table_id AND t.code = 'humble_' || :'tag';
SELECT is(pg_temp.there('humble'), :'dust', 'from its memory, whatever the rows say');
SELECT necp.content_changed() \g /dev/null
SELECT is(pg_temp.there('humble'), :'wire', 'until content_changed()');
SELECT pg_temp.import('[{"code": "humble^", "max_items": 1, "entries": [{"item": "chip^", "weight": 1}]}]') \g /dev/null
SELECT is(pg_temp.there('humble'), :'chip', 'or an import');
BEGIN;
SELECT pg_temp.import('[{"code": "humble^", "max_items": 1, "entries": [{"item": "core^", "weight": 1}]}]') \g /dev/null
SELECT is(pg_temp.got('ann', 'humble'), 'core', 'which its own transaction sees at once');
SELECT is(pg_temp.there('humble'), :'chip', 'and others not before it commits');
ROLLBACK;
SELECT is(pg_temp.got('ann', 'humble'), 'chip', 'or never');
SELECT throws_ok(format('SELECT necp.loot_table_roll(%L, 0, 0, 10)', 'no_such'), 'NC401', NULL, 'NOT_FOUND: no such table');

-- What it costs: a warm roll reads loot_pity and nothing else of the game.
CREATE FUNCTION pg_temp.reads() RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_object_agg(relname, seq_scan + idx_scan), '{}') FROM pg_stat_xact_user_tables
	WHERE schemaname = 'game' AND seq_scan + coalesce(idx_scan, 0) > 0 $$;
SELECT pg_temp.roll('ann', 'never') \g /dev/null
BEGIN;
SELECT pg_temp.c('ann') AS ann, pg_temp.reads() AS before \gset
SELECT necp.loot_table_roll('never_' || :'tag', :ann, 0, 10) FROM generate_series(1, 10) \g /dev/null
SELECT is((SELECT jsonb_object_agg(r.key, r.value::int - coalesce((:'before'::jsonb ->> r.key)::int, 0)) FROM jsonb_each_text(pg_temp.reads()) r
	WHERE r.value <> coalesce(:'before'::jsonb ->> r.key, '0')), '{"loot_pity": 10}', 'ten rolls read loot_pity ten times, and no other table of the game');
COMMIT;
SELECT ok(NOT has_function_privilege(r, f, 'EXECUTE'), f || ' is not for ' || r) FROM unnest('{necp_edge,necp_admin,necp_analyst}'::text[]) r,
	unnest('{"necp.loot_table_roll(text,bigint,bigint,float8)","necp.loot_table_sample(text,int,bigint,bigint,float8,int)","necp.loot_fall(text,bigint,bigint,bigint,bigint)"}'::text[]) f;
SELECT necp.random_seed(NULL) \g /dev/null
SELECT * FROM finish();
