-- Quests (DOMAIN §9): begun by rules, moved by events of the server alone, never past what they ask.
\ir ../helpers.psql
SELECT plan(42);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.player('bob') \g /dev/null
CALL pg_temp.open_zone('quests', NULL) \gset
SELECT pg_temp.enter_zone('ann', :zone_id) \g /dev/null
SELECT pg_temp.template('gun', 'WEAPON') AS gun, pg_temp.template('ore', max_stack => 100) AS ore, pg_temp.template('gem', max_stack => 100) AS gem \gset
SELECT necp.content_import('npcs', format('{"templates": [{"code": "rat_%1$s", "name": "Rat", "tier": 0, "level": 1, "max_hp": 1, "respawn_seconds": 1}],
	"spawns": [{"code": "rat_%1$s", "template": "rat_%1$s", "zone": "quests_%1$s", "x": 2, "y": 0}]}', :'tag')::jsonb) \g /dev/null
SELECT necp.content_import('quests', format('[
	{"code": "arms_%1$s", "name": "Arms", "description": "D", "kind": "SIDE", "objectives": [
		{"code": "guns", "kind": "COLLECT", "item_type": "WEAPON", "required": 2, "description": "Weapons"},
		{"code": "ore", "kind": "COLLECT", "item": "ore_%1$s", "required": 10, "description": "Ore"},
		{"code": "rats", "kind": "KILL", "npc": "rat_%1$s", "required": 1, "description": "Rats"}]},
	{"code": "high_%1$s", "name": "High", "description": "D", "kind": "MAIN", "min_level": 5, "objectives": []},
	{"code": "again_%1$s", "name": "Again", "description": "D", "kind": "SIDE", "repeatable": true, "objectives": []}]', :'tag')::jsonb) AS imported \gset
SELECT is(:imported, 6, 'a pack of three quests and three objectives');
SELECT id AS arms FROM game.quests WHERE code = 'arms_' || :'tag' \gset
SELECT id AS high FROM game.quests WHERE code = 'high_' || :'tag' \gset
SELECT id AS again FROM game.quests WHERE code = 'again_' || :'tag' \gset
CREATE FUNCTION pg_temp.start(who text, quest int) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/quests/start', jsonb_build_object('template_id', quest));
CREATE FUNCTION pg_temp.no_start(who text, quest int) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/quests/start', jsonb_build_object('template_id', quest));
-- A drop with that much of an item, picked up.
CREATE PROCEDURE pg_temp.find(who text, template int, quantity int) LANGUAGE plpgsql AS $$
DECLARE
	drop bigint := pg_temp.lay_drop((SELECT place_id FROM game.player_sessions WHERE id = pg_temp.s(who)), jsonb_build_array(jsonb_build_array(template, quantity)));
BEGIN
	COMMIT;
	PERFORM pg_temp.call(who, 'POST', '/loot/pickup', jsonb_build_object('drop_id', drop), gen_random_uuid());
END
$$;
CREATE FUNCTION pg_temp.progress(who text) RETURNS jsonb LANGUAGE sql
	RETURN (SELECT jsonb_object_agg(o ->> 'code', o -> 'progress') FROM json_array_elements(pg_temp.call(who, 'GET', '/quests/active') #> '{items,0,objectives}') o);

-- Beginning ------------------------------------------------------------------------------------------------

SELECT ok((SELECT pg_temp.call('ann', 'GET', '/quests', jsonb_build_object('cursor', :arms - 1)) -> 'items')::jsonb @> format('[{"template_id": %s, "kind": "SIDE", "repeatable": false}]', :arms)::jsonb,
	'quests are listed');
SELECT is(pg_temp.no_start('ann', 0), 'NC001 template_id', 'VALIDATION: no id');
SELECT is(pg_temp.no_start('ann', 2000000000), 'NC401 template_id', 'NOT_FOUND: no such quest');
SELECT is(pg_temp.no_start('ann', :high), 'NC260 template_id', 'CONDITIONS_NOT_MET: a level too low');
UPDATE game.characters SET level = 5 WHERE id = pg_temp.c('ann');
SELECT matches(pg_temp.no_start('ann', :high), '^ok', 'the level it asks for is enough');
CALL pg_temp.find('ann', :gun, 1);
SELECT pg_temp.start('ann', :arms) AS quest \gset
SELECT :'quest'::json ->> 'quest_id' AS id \gset
SELECT is(:'quest'::jsonb - 'quest_id' - 'started_at' - 'objectives', jsonb_build_object('template_id', :arms, 'code', 'arms_' || :'tag', 'name', 'Arms', 'status', 'ACTIVE'), 'a quest begins');
SELECT is((SELECT jsonb_agg(o - 'objective_id') FROM jsonb_array_elements(:'quest'::jsonb -> 'objectives') o), '[
	{"code": "guns", "kind": "COLLECT", "description": "Weapons", "progress": 0, "required": 2},
	{"code": "ore", "kind": "COLLECT", "description": "Ore", "progress": 0, "required": 10},
	{"code": "rats", "kind": "KILL", "description": "Rats", "progress": 0, "required": 1}]'::jsonb, 'with its objectives in order; what was done before does not count');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'QUEST_STARTED' AND aggregate_id = :id), 1::bigint, 'QUEST_STARTED');
SELECT is(pg_temp.no_start('ann', :arms), '23505 quest_instances_active_key', 'ALREADY_ACTIVE');
SELECT throws_ok(format('SELECT pg_temp.start(''ann'', %s)', :arms), '23505', NULL, 'ALREADY_ACTIVE: when it would commit, too');
SELECT is((SELECT count(*) FROM game.quest_instances WHERE character_id = pg_temp.c('ann')), 1::bigint, 'it is played once');
SELECT matches(pg_temp.no_start('bob', :arms), '^ok', 'another may play it too');

-- Progress -------------------------------------------------------------------------------------------------

CALL pg_temp.find('ann', :gun, 1);
SELECT is(pg_temp.progress('ann'), '{"guns": 1, "ore": 0, "rats": 0}', 'a weapon picked up counts as a weapon');
CALL pg_temp.find('ann', :gem, 5);
SELECT is(pg_temp.progress('ann'), '{"guns": 1, "ore": 0, "rats": 0}', 'what is not asked for does not count');
CALL pg_temp.find('ann', :ore, 4);
SELECT is(pg_temp.progress('ann'), '{"guns": 1, "ore": 4, "rats": 0}', 'a stack counts by its quantity');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'QUEST_OBJECTIVE_COMPLETED' AND aggregate_id = :id), 0::bigint, 'nothing is complete');
CALL pg_temp.find('ann', :ore, 40);
SELECT is(pg_temp.progress('ann'), '{"guns": 1, "ore": 10, "rats": 0}', 'progress does not pass what is required');
SELECT is((SELECT array_agg(data ->> 'progress') FROM game.game_events WHERE type = 'QUEST_OBJECTIVE_COMPLETED' AND aggregate_id = :id), '{10}', 'QUEST_OBJECTIVE_COMPLETED');
SELECT is((SELECT c.type FROM game.game_events e JOIN game.game_events c ON c.id = e.causation_id WHERE e.type = 'QUEST_OBJECTIVE_COMPLETED' AND e.aggregate_id = :id),
	'ITEM_PICKED_UP', 'caused by the pick-up');
SELECT is((SELECT e.txid = c.txid FROM game.game_events e JOIN game.game_events c ON c.id = e.causation_id WHERE e.type = 'QUEST_OBJECTIVE_COMPLETED' AND e.aggregate_id = :id), true, 'and committed with it');
CALL pg_temp.find('ann', :ore, 1);
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'QUEST_OBJECTIVE_COMPLETED' AND aggregate_id = :id), 1::bigint, 'once');
SELECT throws_ok(format('UPDATE game.quest_progress SET progress = required + 1 WHERE quest_id = %s', :id), '23514', NULL, 'the table itself caps it');
BEGIN;
SELECT necp.loot_pickup(pg_temp.lay_drop(:zone_id, format('[[%s, 1]]', :gun)::jsonb)) FROM necp.enter(pg_temp.s('ann'), NULL, NULL, NULL, 'c', -1) \g /dev/null
ROLLBACK;
SELECT is(pg_temp.progress('ann'), '{"guns": 1, "ore": 10, "rats": 0}', 'a pick-up that is rolled back does not count');
SELECT pg_temp.wait_for(format('EXISTS (SELECT FROM live.zone_npcs WHERE place_id = %s)', :zone_id)) \g /dev/null
SELECT npc_id AS npc FROM live.zone_npcs WHERE place_id = :zone_id \gset
SELECT pg_temp.call('ann', 'POST', '/combat/start', format('{"npc_id": %s}', :npc)::jsonb) ->> 'combat_id' AS combat \gset
SELECT pg_temp.call('ann', 'POST', '/combat/{combat_id}/attack', jsonb_build_object('combat_id', :combat, 'target_id', -:npc)) \g /dev/null
SELECT is(pg_temp.progress('ann'), '{"guns": 1, "ore": 10, "rats": 1}', 'a kill counts');
SELECT is((SELECT count(*) FROM game.quest_progress WHERE character_id = pg_temp.c('bob')), 0::bigint, 'for who made it');

-- Reading --------------------------------------------------------------------------------------------------

SELECT is(pg_temp.call('ann', 'GET', '/quests/{quest_id}', jsonb_build_object('quest_id', :id)) ->> 'name', 'Arms', 'a quest can be read');
SELECT is(pg_temp.refusal('bob', 'GET', '/quests/{quest_id}', jsonb_build_object('quest_id', :id)), 'NC401', 'NOT_FOUND: another''s');
SELECT is(pg_temp.refusal('ann', 'GET', '/quests/{quest_id}', '{"quest_id": 0}'), 'NC001 quest_id', 'VALIDATION: no id');
SELECT is(json_array_length(pg_temp.call('bob', 'GET', '/quests/active') -> 'items'), 0, 'others play their own');

-- Ends -----------------------------------------------------------------------------------------------------

UPDATE game.quest_instances SET status = 'COMPLETED', ended_at = necp.now() WHERE id = :id;
SELECT is(json_array_length(pg_temp.call('ann', 'GET', '/quests/active') -> 'items'), 0, 'what has ended is not active');
CALL pg_temp.find('ann', :gun, 1);
SELECT is((SELECT p.progress FROM game.quest_progress p JOIN game.quest_objectives o ON o.id = p.objective_id WHERE p.quest_id = :id AND o.code = 'guns'), 1, 'and does not move');
SELECT is(pg_temp.no_start('ann', :arms), 'NC260 template_id', 'CONDITIONS_NOT_MET: it is played once');
UPDATE game.quest_instances SET status = 'ABANDONED' WHERE id = :id;
SELECT matches(pg_temp.no_start('ann', :arms), '^ok', 'unless it was abandoned');
INSERT INTO game.quest_instances (character_id, template_id, status, started_at, ended_at) VALUES (pg_temp.c('ann'), :again, 'COMPLETED', necp.now(), necp.now());
SELECT matches(pg_temp.no_start('ann', :again), '^ok', 'or may be repeated');
SELECT throws_ok(format('UPDATE game.quest_instances SET status = ''ACTIVE'' WHERE id = %s', :id), '23514', NULL, 'what is active has not ended');
WITH more AS (INSERT INTO game.quests (code, name, description, kind, origin)
	SELECT format('more_%s_%s', :'tag', n), 'More', 'Of tests.', 'SIDE', 'operator' FROM generate_series(1, 25) n RETURNING id)
INSERT INTO game.quest_instances (character_id, template_id, status, started_at) SELECT pg_temp.c('ann'), id, 'ACTIVE', necp.now() FROM more;
SELECT is(pg_temp.no_start('ann', :again), 'NC961', 'QUEST_LOG_FULL: 25 are played');
UPDATE game.quest_instances SET status = 'FAILED', ended_at = necp.now() WHERE id = (SELECT max(id) FROM game.quest_instances WHERE character_id = pg_temp.c('ann'));
SELECT matches(pg_temp.no_start('ann', :again), '^ok', '24 leave room for one');

-- Content --------------------------------------------------------------------------------------------------

SELECT is(necp.content_import('quests', format('[{"code": "again_%s", "name": "Again", "description": "D", "kind": "SIDE", "repeatable": true, "objectives": []}]', :'tag')::jsonb), 0, 'the same pack changes nothing');
SELECT throws_ok(format('SELECT necp.content_import(''quests'', ''[{"code": "bad_%1$s", "name": "B", "description": "D", "kind": "SIDE", "objectives": [{"code": "o", "kind": "COLLECT", "required": 0, "description": "D"}]}]'')', :'tag'),
	'NC001', NULL, 'an objective asks for something');
SELECT is((SELECT count(*) FROM game.quests WHERE code = 'bad_' || :'tag'), 0::bigint, 'else none of the pack is imported');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT * FROM finish();
