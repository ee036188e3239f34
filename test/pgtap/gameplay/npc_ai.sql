-- NPCs that fight: whom they see, whom they help, whom they hate, when they give up (DOMAIN.md 8).
-- What they decide by itself is in test/unit/extension_mind.c; here the world worker does it.
\ir ../world/_world.sql
SELECT plan(53);

SELECT format('[{"code": "den_%1$s", "name": "Den", "kind": "CITY", "size_m": 800, "capacity": 20},'
              ' {"code": "out_%1$s", "name": "Out", "kind": "CITY", "size_m": 400, "capacity": 10}]', :'tag') AS zones \gset
SELECT necp.content_import('zones', :'zones') \g /dev/null
INSERT INTO game.weapon_profiles (code, name, damage, rpm, range_m) VALUES ('side_arm', 'Side Arm', 60, 420, 25) ON CONFLICT DO NOTHING;
SELECT format('{"templates": ['
              ' {"code": "hunter_%1$s", "name": "Hunter", "tier": 0, "level": 10, "max_hp": 1000, "temperament": "aggressive", "attack_damage": 20, "attack_range": 30},'
              ' {"code": "friend_%1$s", "name": "Friend", "tier": 0, "level": 10, "max_hp": 1000, "temperament": "defensive", "attack_damage": 0},'
              ' {"code": "rock_%1$s", "name": "Rock", "tier": 0, "level": 1, "max_hp": 100000, "temperament": "defensive", "attack_damage": 1, "attack_range": 30, "attack_interval_ms": 50},'
              ' {"code": "dog_%1$s", "name": "Dog", "tier": 0, "level": 1, "max_hp": 10000, "temperament": "defensive", "attack_damage": 1, "attack_range": 2, "leash_m": 1, "run_speed": 0.5},'
              ' {"code": "sheep_%1$s", "name": "Sheep", "tier": 0, "level": 1, "max_hp": 10000},'
              ' {"code": "gang_%1$s", "name": "Gang", "tier": 0, "level": 1, "max_hp": 10, "temperament": "defensive", "attack_damage": 0}],'
              ' "spawns": [{"code": "hunter_%1$s", "template": "hunter_%1$s", "zone": "den_%1$s", "x": 0, "y": 0},'
              ' {"code": "friend_%1$s", "template": "friend_%1$s", "zone": "den_%1$s", "x": 0, "y": 14},'
              ' {"code": "stranger_%1$s", "template": "friend_%1$s", "zone": "den_%1$s", "x": 0, "y": -16},'
              ' {"code": "rock_%1$s", "template": "rock_%1$s", "zone": "den_%1$s", "x": 200, "y": 0},'
              ' {"code": "dog_%1$s", "template": "dog_%1$s", "zone": "den_%1$s", "x": -200, "y": 0},'
              ' {"code": "sheep_%1$s", "template": "sheep_%1$s", "zone": "den_%1$s", "x": -200, "y": 200},'
              ' {"code": "gang_1_%1$s", "template": "gang_%1$s", "zone": "den_%1$s", "x": 200, "y": 300},'
              ' {"code": "gang_2_%1$s", "template": "gang_%1$s", "zone": "den_%1$s", "x": 201, "y": 300},'
              ' {"code": "gang_3_%1$s", "template": "gang_%1$s", "zone": "den_%1$s", "x": 202, "y": 300},'
              ' {"code": "gang_4_%1$s", "template": "gang_%1$s", "zone": "den_%1$s", "x": 203, "y": 300},'
              ' {"code": "gang_5_%1$s", "template": "gang_%1$s", "zone": "den_%1$s", "x": 204, "y": 300},'
              ' {"code": "gang_6_%1$s", "template": "gang_%1$s", "zone": "den_%1$s", "x": 205, "y": 300}]}', :'tag') AS npcs \gset
SELECT necp.content_import('npcs', :'npcs') \g /dev/null
SELECT is((SELECT array_agg(row(temperament, aggro_m, assist_m, leash_m, run_speed, enrage_s)::text) FROM game.npc_templates WHERE code = 'sheep_' || :'tag'),
          ARRAY['(passive,20,15,60,6,600)'], 'what content does not say');
SELECT throws_ok(format('SELECT necp.content_import(%L, %L)', 'npcs', jsonb_set(:'npcs', '{templates,0,temperament}', '"angry"')), 'NC001', NULL,
                 'there is no such temperament');
SELECT id AS den FROM game.zones WHERE code = 'den_' || :'tag' \gset
SELECT id AS away FROM game.zones WHERE code = 'out_' || :'tag' \gset
SELECT pg_temp.wait_for(format('npcs = 12 FROM live.zone_load WHERE place_id = %s', :den)) \g /dev/null
CREATE FUNCTION pg_temp.npc(code text) RETURNS bigint
	LANGUAGE sql RETURN (SELECT i.id FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id WHERE s.code = npc.code || '_' || current_setting('test.tag'));
SELECT pg_temp.npc('hunter') AS hunter, pg_temp.npc('friend') AS friend, pg_temp.npc('stranger') AS stranger, pg_temp.npc('rock') AS rock,
       pg_temp.npc('dog') AS dog, pg_temp.npc('sheep') AS sheep, pg_temp.npc('gang_6') AS gang6 \gset

-- A player who stands there.
CREATE FUNCTION pg_temp.put(who text, zone bigint, x real, y real) RETURNS bigint
	LANGUAGE plpgsql AS $$
DECLARE
	id bigint := pg_temp.player(who);
BEGIN
	INSERT INTO game.player_positions VALUES (id, zone, x, y, 0, 0, necp.now())
	ON CONFLICT (character_id) DO UPDATE SET place_id = excluded.place_id, x = excluded.x, y = excluded.y;
	PERFORM pg_temp.act(pg_temp.s(who), format('zone_enter(%s)', zone));
	RETURN id;
END
$$;
CREATE FUNCTION pg_temp.mind(npc bigint) RETURNS text
	LANGUAGE sql RETURN (SELECT n.mind FROM live.zone_npcs n WHERE n.npc_id = npc);
CREATE FUNCTION pg_temp.hp(who text) RETURNS int
	LANGUAGE sql RETURN (SELECT p.hp FROM live.zone_players p WHERE p.character_id = pg_temp.c(who));
CREATE FUNCTION pg_temp.shoot(who text, combat bigint, target bigint) RETURNS json
	LANGUAGE plpgsql AS $$
BEGIN
	PERFORM necp.clock_advance('200 ms');
	RETURN pg_temp.act(pg_temp.s(who), format('combat_attack(%s, %s)', combat, target));
END
$$;

-- Sight -----------------------------------------------------------------------------------------
SELECT pg_temp.put('far', :den, 21, 0) AS far \gset
SELECT pg_sleep(1.5) \g /dev/null
SELECT is(pg_temp.mind(:hunter), 'IDLE', 'who is 21 m away is not seen');
SELECT is(pg_temp.hp('far'), 100, 'and unharmed');
SELECT necp.random_seed(7) \g /dev/null
SELECT pg_temp.put('ann', :den, 19, 0) AS ann \gset
SELECT ok(pg_temp.wait_for(format('pg_temp.mind(%s) IN (''ALERT'', ''COMBAT'')', :hunter)), 'who is 19 m away is');
SELECT ok(pg_temp.wait_for(format('pg_temp.mind(%s) = ''COMBAT''', :hunter)), 'and attacked a second later');
SELECT combat_id AS combat FROM live.zone_npcs WHERE npc_id = :hunter \gset
SELECT is((SELECT row(kind, status, place_id)::text FROM game.combat_sessions WHERE id = :combat), row('PVE', 'ACTIVE', :den)::text, 'that is a fight');
SELECT is((SELECT combat_id FROM live.zone_players WHERE character_id = :ann), :combat::bigint, 'which memory knows of both');
SELECT is((SELECT status FROM game.characters WHERE id = :ann), 'IN_COMBAT', 'and the character''s row');
SELECT is((SELECT data ->> 'combat_id' FROM game.game_events WHERE type = 'PLAYER_ATTACKED' AND aggregate_id = :ann LIMIT 1), :'combat', 'PLAYER_ATTACKED');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', pg_temp.s('ann'), format('zone_enter(%s)', :away)), 'NC971', NULL, 'IN_COMBAT: nobody travels out of it');
SELECT ok(pg_temp.wait_for('pg_temp.hp(''ann'') < 100'), 'it strikes');
SELECT ok(pg_temp.hp('ann') IN (70, 55), 'with 20 damage and half as much again at level 10: 30, or 45 of a critical hit');
SELECT is(pg_temp.hp('far'), 100, 'nobody else');

-- Help ------------------------------------------------------------------------------------------
SELECT ok(pg_temp.wait_for(format('combat_id = %s FROM live.zone_npcs WHERE npc_id = %s', :combat, :friend)), 'who stands 14 m away comes to help');
SELECT is((SELECT combat_id FROM live.zone_npcs WHERE npc_id = :stranger), 0::bigint, 'who stands 16 m away does not');
SELECT is((SELECT array_agg(entity_id ORDER BY entity_id) FROM game.combat_participants WHERE combat_id = :combat),
          (SELECT array_agg(e ORDER BY e) FROM unnest(ARRAY[-:friend, -:hunter, :ann]::bigint[]) e), 'all of them in one fight');

-- Death -----------------------------------------------------------------------------------------
SELECT pg_temp.act(pg_temp.s('ann'), format('combat_attack(%s, %s)', :combat, -:hunter)) \g /dev/null
SELECT ok((SELECT hp < max_hp FROM live.zone_npcs WHERE npc_id = :hunter), 'Ann shoots back');
SELECT ok(pg_temp.wait_for('necp.clock_advance(''1 second'') IS NOT NULL AND pg_temp.hp(''ann'') = 0'), 'but falls');
SELECT necp.random_seed(NULL) \g /dev/null
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'PLAYER_DIED' AND character_id = :ann), 1::bigint, 'PLAYER_DIED, once');
SELECT is((SELECT row(data ->> 'cause', (data ->> 'cause_id')::bigint)::text FROM game.game_events WHERE type = 'PLAYER_DIED' AND character_id = :ann),
          row('NPC', :hunter)::text, 'by an NPC');
SELECT is((SELECT row(status, hp, deaths)::text FROM game.characters WHERE id = :ann), '(DEAD,0,1)', 'her row says so');
SELECT is((SELECT activity FROM live.zone_players WHERE character_id = :ann), 'DEAD', 'and memory');
SELECT is((SELECT status FROM game.combat_sessions WHERE id = :combat), 'COMPLETED', 'the fight is over');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', pg_temp.s('ann'), format('combat_start(%s)', :hunter)), 'NC951', NULL, 'YOU_ARE_DEAD: the dead do not act');
SELECT ok(pg_temp.wait_for(format('hp = max_hp AND mind = ''IDLE'' AND x = 0 FROM live.zone_npcs WHERE npc_id = %s', :hunter)), 'the hunter is home, and whole again');
SELECT pg_temp.act(pg_temp.s('ann'), 'auth_logout()') \g /dev/null
SELECT pg_temp.act(pg_temp.s('far'), 'auth_logout()') \g /dev/null

-- Who is attacked, and threat ------------------------------------------------------------------
SELECT pg_temp.put('bob', :den, 190, 0) AS bob \gset
SELECT pg_temp.put('cat', :den, 190, 3) AS cat \gset
SELECT pg_sleep(1.5) \g /dev/null
SELECT is(pg_temp.mind(:rock), 'IDLE', 'a defensive one does not begin');
SELECT pg_temp.act(pg_temp.s('bob'), format('combat_start(%s)', :rock)) ->> 'combat_id' AS fight \gset
SELECT pg_temp.act(pg_temp.s('cat'), format('combat_start(%s)', :rock)) \g /dev/null
SELECT pg_temp.shoot('bob', :fight, -:rock) \g /dev/null
SELECT ok(pg_temp.wait_for('pg_temp.hp(''bob'') < 100'), 'but strikes back');
SELECT is(pg_temp.hp('cat'), 100, 'at who harmed it');
SELECT is(pg_temp.mind(:rock), 'COMBAT', 'it fights');
SELECT pg_temp.shoot('cat', :fight, -:rock), pg_temp.shoot('cat', :fight, -:rock), pg_temp.shoot('cat', :fight, -:rock) \g /dev/null
SELECT ok(pg_temp.wait_for('pg_temp.hp(''cat'') < 100'), 'and turns to who harms it more');
SELECT pg_sleep(0.5) \g /dev/null
SELECT pg_temp.hp('bob') AS bobs \gset
SELECT pg_sleep(0.7) \g /dev/null
SELECT is(pg_temp.hp('bob'), :bobs, 'away from the first one');

-- Contending ------------------------------------------------------------------------------------
-- The worker waits for nobody: a blow that would kill who is held by another command comes again later.
BEGIN;
SELECT status FROM game.characters WHERE id = :cat FOR NO KEY UPDATE \g /dev/null
SELECT pg_temp.hp('cat') AS cats \gset
SELECT dblink_connect('other', format('host=%s port=%s dbname=%s user=postgres', (string_to_array(current_setting('unix_socket_directories'), ','))[1], current_setting('port'), current_database())) \g /dev/null
SELECT * FROM dblink('other', format('SELECT necp.content_import(%L, %L)', 'npcs', jsonb_set(:'npcs', '{templates,2,attack_damage}', '10000'))) AS t (n int) \g /dev/null
SELECT pg_sleep(1.5) \g /dev/null
SELECT is(pg_temp.hp('cat') > 0, true, 'who is held by another command does not die meanwhile');
ROLLBACK;
SELECT ok(pg_temp.wait_for('pg_temp.hp(''cat'') = 0'), 'but afterwards');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'PLAYER_DIED' AND character_id = :cat), 1::bigint, 'once');
SELECT ok(pg_temp.wait_for('pg_temp.hp(''bob'') = 0'), 'the other one follows');
SELECT dblink_disconnect('other') \g /dev/null
SELECT is((SELECT status FROM game.combat_sessions WHERE id = :fight), 'COMPLETED', 'and the fight is over');
SELECT ok(pg_temp.wait_for(format('hp = max_hp AND combat_id = 0 AND mind IN (''IDLE'', ''RETURN'') FROM live.zone_npcs WHERE npc_id = %s', :rock)), 'it is whole again');
SELECT pg_temp.act(pg_temp.s('bob'), 'auth_logout()') \g /dev/null
SELECT pg_temp.act(pg_temp.s('cat'), 'auth_logout()') \g /dev/null

-- The leash -------------------------------------------------------------------------------------
SELECT pg_temp.put('dan', :den, -180, 0) AS dan \gset
SELECT pg_temp.act(pg_temp.s('dan'), format('combat_start(%s)', :dog)) ->> 'combat_id' AS chase \gset
SELECT pg_temp.shoot('dan', :chase, -:dog) \g /dev/null
SELECT ok(pg_temp.wait_for(format('x > -199.9 AND mind = ''COMBAT'' FROM live.zone_npcs WHERE npc_id = %s', :dog)), 'it runs after who shoots at it');
SELECT ok(pg_temp.wait_for(format('mind = ''RETURN'' FROM live.zone_npcs WHERE npc_id = %s', :dog)), 'not beyond its leash');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', pg_temp.s('dan'), format('combat_start(%s)', :dog)), 'NC901', NULL, 'CONFLICT: who has given up is not fought');
SELECT throws_ok(format('SELECT pg_temp.shoot(%L, %s, %s)', 'dan', :chase, -:dog), 'NC901', NULL, 'CONFLICT: nor struck');
SELECT is((SELECT row(hp = max_hp, combat_id)::text FROM live.zone_npcs WHERE npc_id = :dog), '(t,0)', 'it is whole and out of the fight');
SELECT is((SELECT status FROM game.combat_sessions WHERE id = :chase), 'FLED', 'which is over');
SELECT is((SELECT status FROM game.characters WHERE id = :dan), 'ACTIVE', 'for the character too');
SELECT ok(pg_temp.wait_for(format('mind = ''IDLE'' AND x BETWEEN -200.5 AND -199.5 FROM live.zone_npcs WHERE npc_id = %s', :dog)), 'it comes home');
SELECT is(pg_temp.act(pg_temp.s('dan'), format('combat_start(%s)', :dog)) ->> 'status', 'ACTIVE', 'and may be fought again');
SELECT pg_temp.act(pg_temp.s('dan'), 'auth_logout()') \g /dev/null

-- Sheep -----------------------------------------------------------------------------------------
SELECT pg_temp.put('eve', :den, -190, 200) AS eve \gset
SELECT pg_temp.act(pg_temp.s('eve'), format('combat_start(%s)', :sheep)) ->> 'combat_id' AS hunt \gset
SELECT pg_temp.shoot('eve', :hunt, -:sheep) ->> 'hp' AS left \gset
SELECT pg_sleep(1.5) \g /dev/null
SELECT is(pg_temp.hp('eve'), 100, 'a passive one never strikes');
SELECT is((SELECT row(x, hp, mind)::text FROM live.zone_npcs WHERE npc_id = :sheep), row(-200, :left, 'COMBAT')::text, 'it stays, and bleeds');
SELECT pg_temp.act(pg_temp.s('eve'), 'auth_logout()') \g /dev/null

-- Morale ----------------------------------------------------------------------------------------
SELECT pg_temp.put('flo', :den, 195, 300) AS flo \gset
SELECT pg_temp.put('gus', :den, 195, 301) AS gus \gset
SELECT pg_temp.act(pg_temp.s('flo'), format('combat_start(%s)', pg_temp.npc('gang_1'))) ->> 'combat_id' AS riot \gset
SELECT pg_temp.act(pg_temp.s('gus'), format('combat_start(%s)', pg_temp.npc('gang_1'))) \g /dev/null
SELECT ok(pg_temp.wait_for(format('count(*) = 6 FROM live.zone_npcs WHERE combat_id = %s AND mind = ''COMBAT''', :riot)), 'the gang stands together');
DO $$
BEGIN
	FOR i IN 1 .. 4 LOOP
		PERFORM pg_temp.shoot('flo', (SELECT combat_id FROM live.zone_players WHERE character_id = pg_temp.c('flo')), -pg_temp.npc('gang_' || i));
	END LOOP;
END
$$;
SELECT pg_sleep(0.6) \g /dev/null
SELECT is(pg_temp.mind(:gang6), 'COMBAT', 'four of six have fallen: they stand');
SELECT pg_temp.shoot('flo', :riot, -pg_temp.npc('gang_5')) \g /dev/null
SELECT ok(pg_temp.wait_for(format('mind = ''FLEE'' AND x > 205 FROM live.zone_npcs WHERE npc_id = %s', :gang6)), 'five, and two against one: it runs');
SELECT is_empty($$SELECT * FROM necp.integrity_check()$$, 'nothing is lost');
SELECT pg_temp.act(pg_temp.s('flo'), 'auth_logout()') \g /dev/null
SELECT pg_temp.act(pg_temp.s('gus'), 'auth_logout()') \g /dev/null
SELECT necp.clock_reset() \g /dev/null
SELECT * FROM finish();
