-- What characters leave behind: history, counters, snapshots (DOMAIN §5).
\ir ../world/_world.sql
SELECT plan(32);
SELECT pg_temp.player('ann') AS ann \gset
SELECT pg_temp.player('bob') AS bob \gset
CREATE FUNCTION pg_temp.history(who text, params jsonb DEFAULT '{}') RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'GET', '/characters/{character_id}/history', params || jsonb_build_object('character_id', pg_temp.c(who)));
CREATE FUNCTION pg_temp.stat(what text) RETURNS text LANGUAGE sql
	RETURN pg_temp.call('ann', 'GET', '/characters/{character_id}/stats', jsonb_build_object('character_id', pg_temp.c('ann'))) ->> what;
CREATE FUNCTION pg_temp.pictures() RETURNS text[] LANGUAGE sql
	RETURN (SELECT array_agg(reason ORDER BY id) FROM game.character_snapshots WHERE character_id = pg_temp.c('ann'));

-- Counters ---------------------------------------------------------------------------------------------------

SELECT is(pg_temp.refusal('bob', 'GET', '/characters/{character_id}/stats', jsonb_build_object('character_id', :ann)), 'NC401 character_id', 'NOT_FOUND: another''s');
SELECT is(pg_temp.refusal('bob', 'GET', '/characters/{character_id}/history', jsonb_build_object('character_id', :ann)), 'NC401 character_id', 'NOT_FOUND: another''s history');
SELECT is(pg_temp.refusal('ann', 'GET', '/characters/{character_id}/stats', '{"character_id": 0}'), 'NC001 character_id', 'VALIDATION: no id');
SELECT is(pg_temp.refusal('ann', 'GET', '/characters/{character_id}/history', '{"character_id": -1}'), 'NC001 character_id', 'VALIDATION: no id');
SELECT is(pg_temp.call('ann', 'GET', '/characters/{character_id}/stats', jsonb_build_object('character_id', :ann))::jsonb - 'played_s', jsonb_build_object('character_id', :ann, 'level', 1, 'xp', 0,
	'body', 5, 'reflexes', 5, 'technical_ability', 5, 'intelligence', 5, 'cool', 5, 'empathy', 5, 'hp', 100, 'max_hp', 100, 'max_energy', 100, 'luck', 10, 'capacity_kg', 125,
	'kills', 0, 'deaths', 0, 'quests_active', 0, 'quests_completed', 0, 'achievements', 0, 'achievement_points', 0), 'stats of one who is new');
UPDATE game.characters SET body = 8, intelligence = 7, level = 3 WHERE id = :ann;
SELECT is(row(pg_temp.stat('max_hp'), pg_temp.stat('max_energy'), pg_temp.stat('capacity_kg'))::text, '(150,110,170)', 'what follows from attributes and level');
UPDATE game.characters SET body = 5, intelligence = 5, level = 1 WHERE id = :ann;
INSERT INTO game.quests (code, name, description, kind, origin) SELECT 'q' || n || '_' || :'tag', 'Q', 'Of tests.', 'SIDE', 'operator' FROM generate_series(1, 3) n;
INSERT INTO game.quest_instances (character_id, template_id, status, started_at, ended_at)
	SELECT :ann, id, CASE WHEN code LIKE 'q1%' THEN 'ACTIVE' WHEN code LIKE 'q2%' THEN 'COMPLETED' ELSE 'FAILED' END, necp.now(), CASE WHEN code NOT LIKE 'q1%' THEN necp.now() END
	FROM game.quests WHERE code LIKE 'q_\_' || :'tag';
SELECT is(row(pg_temp.stat('quests_active'), pg_temp.stat('quests_completed'))::text, '(1,1)', 'quests are counted');
INSERT INTO game.achievements (code, name, description, category, kind, event, required, points, origin) VALUES ('ach_' || :'tag', 'A', 'Of tests.', 'LOOT', 'STANDARD', 'NEVER', 1, 25, 'operator');
INSERT INTO game.player_achievements (character_id, achievement_id, progress, unlocked_at) SELECT :ann, id, 1, necp.now() FROM game.achievements WHERE code = 'ach_' || :'tag';
SELECT is(row(pg_temp.stat('achievements'), pg_temp.stat('achievement_points'))::text, '(1,25)', 'achievements, too');
CALL pg_temp.open_zone('range', NULL) \gset
SELECT necp.content_import('npcs', format('{"templates": [{"code": "can_%1$s", "name": "Can", "tier": 0, "level": 1, "max_hp": 1, "walk_speed": 0, "respawn_seconds": 3600}],
	"spawns": [{"code": "can_%1$s", "template": "can_%1$s", "zone": "%2$s", "x": 2, "y": 0}]}', :'tag', :'code')::jsonb) \g /dev/null
SELECT ok(pg_temp.wait_for(format('EXISTS (SELECT FROM live.zone_npcs WHERE place_id = %s)', :zone_id)), 'something to shoot at');
SELECT npc_id AS can FROM live.zone_npcs WHERE place_id = :zone_id \gset
SELECT pg_temp.enter_zone('ann', :zone_id) \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/combat/start', jsonb_build_object('npc_id', :can)) ->> 'combat_id' AS combat \gset
SELECT is(pg_temp.call('ann', 'POST', '/combat/{combat_id}/attack', jsonb_build_object('combat_id', :combat, 'target_id', -:can)) ->> 'killed', 'true', 'a kill');
SELECT is(pg_temp.stat('kills'), '1', 'is counted');
SELECT is((SELECT status FROM game.characters WHERE id = :ann), 'ACTIVE', 'and who made it fights no more');
SELECT necp.character_kill(:ann, 'test') \g /dev/null
SELECT is(pg_temp.stat('deaths'), '1', 'so is a death');
SELECT necp.clock_advance('100 seconds') \g /dev/null
SELECT ok(pg_temp.stat('played_s')::int BETWEEN 100 AND 160, 'time is played as it goes');

-- History ------------------------------------------------------------------------------------------------------

UPDATE game.characters SET xp = 999 WHERE id = :ann;
SELECT ok(pg_temp.wait_for(format('(SELECT status = ''ACTIVE'' FROM game.characters WHERE id = %s)', :ann)), 'ten seconds after death one lives, by the scheduler''s own doing');
SELECT is((SELECT array_agg(h ->> 'kind') FROM json_array_elements(pg_temp.history('ann') -> 'items') h), '{RESPAWNED,DIED,CREATED}', 'history is told backwards');
SELECT is(pg_temp.history('ann') #>> '{items,1,data,reason}', 'test', 'with what the event said');
SELECT pg_temp.history('ann', '{"limit": 2}') AS page \gset
SELECT is(:'page'::json ->> 'next_cursor', :'page'::json #>> '{items,1,entry_id}', 'in pages');
SELECT is(pg_temp.history('ann', jsonb_build_object('cursor', :'page'::json -> 'next_cursor'))::jsonb #> '{items,0,kind}', '"CREATED"', 'that follow each other');
SELECT is(pg_temp.history('ann', jsonb_build_object('cursor', :'page'::json -> 'next_cursor')) ->> 'next_cursor', NULL, 'to an end');
SELECT is(pg_temp.refusal('ann', 'GET', '/characters/{character_id}/history', jsonb_build_object('character_id', :ann, 'limit', 101)), 'NC001 limit', 'VALIDATION: pages of 100 at most');
SELECT is(pg_temp.refusal('ann', 'GET', '/characters/{character_id}/history', jsonb_build_object('character_id', :ann, 'cursor', 0)), 'NC001 cursor', 'VALIDATION: a cursor that none gave');

-- Snapshots ------------------------------------------------------------------------------------------------------

SELECT pg_temp.template('relic', max_stack => 10) AS relic \gset
SELECT pg_temp.fill(pg_temp.backpack('ann'), format('[[%s, 3]]', :relic)::jsonb) \g /dev/null
SELECT pg_temp.pay('WALLET', :ann, 'credits', 55) \g /dev/null
SELECT is(pg_temp.pictures(), NULL, 'nobody is pictured while played');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT is(pg_temp.pictures(), '{LOGOUT}', 'who logs out is');
SELECT data AS picture FROM game.character_snapshots WHERE character_id = :ann \gset
SELECT is(:'picture'::jsonb - 'items' - 'position', '{"level": 1, "xp": 999, "body": 5, "reflexes": 5, "technical_ability": 5, "intelligence": 5, "cool": 5, "empathy": 5, "hp": 50, "credits": 55}', 'as it is');
SELECT is((:'picture'::jsonb #> '{items,0}') - 'item_id', format('{"template_id": %s, "container": "BACKPACK", "slot": 0, "quantity": 3, "durability": 100, "binding": "NONE"}', :relic)::jsonb, 'with what it has');
SELECT is((:'picture'::jsonb #>> '{position,place_id}')::bigint, :zone_id::bigint, 'and where it is');
SELECT played_s AS played FROM game.characters WHERE id = :ann \gset
SELECT ok(:played BETWEEN 100 AND 160, 'the time it was played is kept');
SELECT pg_temp.login('ann') \g /dev/null
SELECT pg_temp.select_character('ann', :ann) \g /dev/null
SELECT pg_temp.create_character('ann', 'Two ' || :'tag') AS ann2 \gset
SELECT necp.clock_advance('10 seconds') \g /dev/null
SELECT pg_temp.select_character('ann', :ann2) \g /dev/null
SELECT is(pg_temp.pictures(), '{LOGOUT,SWITCH}', 'so is who is left for another');
SELECT pg_temp.call('ann', 'DELETE', '/characters/{character_id}', jsonb_build_object('character_id', :ann)) \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/characters/{character_id}/restore', jsonb_build_object('character_id', :ann)) \g /dev/null
SELECT is(pg_temp.pictures(), '{LOGOUT,SWITCH,DELETION}', 'and who is deleted');
DO $$
BEGIN
	FOR i IN 1 .. 3 LOOP
		PERFORM pg_temp.call('ann', 'DELETE', '/characters/{character_id}', jsonb_build_object('character_id', pg_temp.c('ann')));
		PERFORM pg_temp.call('ann', 'POST', '/characters/{character_id}/restore', jsonb_build_object('character_id', pg_temp.c('ann')));
	END LOOP;
END
$$;
SELECT is(pg_temp.pictures(), '{SWITCH,DELETION,DELETION,DELETION,DELETION}', 'the last five are kept');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT necp.clock_reset() \g /dev/null
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT * FROM finish();
