-- Combat: ranges, cadence, damage, one killer per life, ends (DOMAIN.md 8).
\ir ../world/_world.sql
SELECT plan(67);

SELECT format('[{"code": "ring_%1$s", "name": "Ring", "kind": "CITY", "size_m": 400, "capacity": 10},'
              ' {"code": "away_%1$s", "name": "Away", "kind": "CITY", "size_m": 400, "capacity": 10}]', :'tag') AS zones \gset
SELECT necp.content_import('zones', :'zones') \g /dev/null
SELECT format('{"templates": [{"code": "thug_%1$s", "name": "Thug", "tier": 0, "level": 1, "max_hp": 100, "loot_table_code": "street_scavenger"},'
              ' {"code": "tank_%1$s", "name": "Tank", "tier": 5, "level": 1, "max_hp": 1000000, "armor": 100}],'
              ' "spawns": [{"code": "near_%1$s", "template": "thug_%1$s", "zone": "ring_%1$s", "x": 10, "y": 0},'
              ' {"code": "mate_%1$s", "template": "thug_%1$s", "zone": "ring_%1$s", "x": 12, "y": 0},'
              ' {"code": "out_%1$s", "template": "thug_%1$s", "zone": "ring_%1$s", "x": 40, "y": 0},'
              ' {"code": "far_%1$s", "template": "thug_%1$s", "zone": "ring_%1$s", "x": 61, "y": 0},'
              ' {"code": "tank_%1$s", "template": "tank_%1$s", "zone": "ring_%1$s", "x": 0, "y": 5}]}', :'tag') AS npcs \gset
SELECT necp.content_import('npcs', :'npcs') \g /dev/null
INSERT INTO game.weapon_profiles (code, name, damage, rpm, range_m) VALUES ('side_arm', 'Side Arm', 60, 420, 25) ON CONFLICT DO NOTHING;
SELECT id AS ring FROM game.zones WHERE code = 'ring_' || :'tag' \gset
SELECT id AS away FROM game.zones WHERE code = 'away_' || :'tag' \gset
SELECT pg_temp.wait_for(format('npcs = 5 FROM live.zone_load WHERE place_id = %s', :ring)) \g /dev/null
CREATE FUNCTION pg_temp.npc(code text) RETURNS bigint
	LANGUAGE sql RETURN (SELECT i.id FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id WHERE s.code = npc.code);
SELECT pg_temp.npc('near_' || :'tag') AS near, pg_temp.npc('mate_' || :'tag') AS mate, pg_temp.npc('out_' || :'tag') AS out,
       pg_temp.npc('far_' || :'tag') AS far, pg_temp.npc('tank_' || :'tag') AS tank \gset
SELECT pg_temp.player('a') AS c1 \gset
SELECT pg_temp.s('a') AS s1 \gset
SELECT pg_temp.player('b') AS c2 \gset
SELECT pg_temp.s('b') AS s2 \gset
SELECT pg_temp.player('c') AS c3 \gset
SELECT pg_temp.s('c') AS s3 \gset
UPDATE game.characters SET reflexes = 7 WHERE id = :c1;

-- Shoots once the weapon is ready again.
CREATE FUNCTION pg_temp.shoot(session uuid, combat bigint, target bigint, part text DEFAULT NULL) RETURNS json
	LANGUAGE plpgsql AS $$
BEGIN
	PERFORM necp.clock_advance('200 ms');
	RETURN pg_temp.act(session, format('combat_attack(%s, %s, %L)', combat, target, part));
END
$$;

-- Beginning -------------------------------------------------------------------------------------
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('combat_start(%s)', :near)), 'NC250', NULL, 'OUT_OF_RANGE: from nowhere');
SELECT pg_temp.act(s, format('zone_enter(%s)', :ring)) FROM unnest(ARRAY[:'s1', :'s2']::uuid[]) s \g /dev/null
SELECT pg_temp.act(:'s3', format('zone_enter(%s)', :away)) \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', 'combat_start(999999999)'), 'NC401', NULL, 'NOT_FOUND: no such NPC');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', 'combat_start(-1)'), 'NC001', NULL, 'VALIDATION: an id is positive');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('combat_start(%s)', :far)), 'NC250', NULL, 'OUT_OF_RANGE: beyond 60 m');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s3', format('combat_start(%s)', :near)), 'NC250', NULL, 'OUT_OF_RANGE: from another zone');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', 'combat_active()'), 'NC401', NULL, 'NOT_FOUND: no combat yet');
SELECT pg_temp.act(:'s1', format('combat_start(%s)', :near)) AS view \gset
SELECT :'view'::json ->> 'combat_id' AS combat \gset
SELECT is(:'view'::json ->> 'status', 'ACTIVE', 'a fight begins');
SELECT is((SELECT array_agg((c ->> 'entity_id')::bigint ORDER BY c ->> 'side') FROM json_array_elements(:'view'::json -> 'combatants') c),
          ARRAY[:c1, -:near]::bigint[], 'with both in it');
SELECT is(:'view'::json #>> '{combatants,1,hp}', '110', 'and their hit points');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'COMBAT_STARTED' AND aggregate_id = :combat), 1::bigint, 'COMBAT_STARTED');
SELECT is((SELECT combat_id FROM live.zone_npcs WHERE npc_id = :near), :combat::bigint, 'memory knows it');
SELECT is(pg_temp.act(:'s1', format('combat_start(%s)', :near)) ->> 'combat_id', :'combat', 'starting it again is the same fight');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'COMBAT_STARTED' AND aggregate_id = :combat), 1::bigint, 'and no new event');
SELECT is(pg_temp.act(:'s1', 'combat_active()') ->> 'combat_id', :'combat', 'it is the active one');
SELECT is(pg_temp.act(:'s1', format('combat_state(%s)', :combat)) ->> 'status', 'ACTIVE', 'its state');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s2', format('combat_state(%s)', :combat)), 'NC350', NULL, 'NOT_PARTICIPANT: state of another''s fight');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s2', 'combat_state(999999999)'), 'NC401', NULL, 'NOT_FOUND: no such combat');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('zone_enter(%s)', :away)), 'NC971', NULL, 'IN_COMBAT: nobody travels out of a fight');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s2', format('combat_attack(%s, %s)', :combat, -:near)), 'NC350', NULL, 'NOT_PARTICIPANT: not in it');

-- Blows -----------------------------------------------------------------------------------------
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('combat_attack(%s, %s)', :combat, -:mate)), 'NC350', NULL, 'NOT_PARTICIPANT: the target is not in it');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('combat_attack(%s, %s)', :combat, 0)), 'NC350', NULL, 'NOT_PARTICIPANT: no target');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('combat_attack(%s, %s, %L)', :combat, -:near, 'NOSE')), 'NC001', NULL, 'VALIDATION: no such part');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('combat_attack(999999999, %s)', -:near)), 'NC401', NULL, 'NOT_FOUND: no such combat to attack in');
BEGIN;
SELECT is((pg_temp.shoot(:'s1', :combat, -:near) ->> 'hp')::int, (SELECT hp FROM live.zone_npcs WHERE npc_id = :near), 'a blow counts at once');
ROLLBACK;
SELECT is((SELECT hp FROM live.zone_npcs WHERE npc_id = :near), 110, 'one that is rolled back heals');
SELECT count(*) AS events FROM game.game_events \gset
SELECT pg_temp.shoot(:'s1', :combat, -:near) AS hit \gset
SELECT is(:'hit'::json ->> 'part', 'TORSO', 'who does not aim hits the torso');
SELECT is((:'hit'::json ->> 'damage')::int, CASE WHEN (:'hit'::json ->> 'crit')::boolean THEN 93 ELSE 62 END, 'damage: weapon + reflexes - 5');
SELECT is((:'hit'::json ->> 'hp')::int, 110 - (:'hit'::json ->> 'damage')::int, 'hit points go down');
SELECT is((SELECT hp FROM live.zone_npcs WHERE npc_id = :near), (:'hit'::json ->> 'hp')::int, 'in memory');
SELECT is((SELECT count(*) FROM game.game_events), :events::bigint, 'a blow writes no event');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('combat_attack(%s, %s)', :combat, -:near)), 'NC952', NULL, 'COOLDOWN: 420 rounds a minute');

-- Parts, chance and armor, on one who does not fall
SELECT pg_temp.act(:'s1', format('combat_start(%s)', :tank)) ->> 'combat_id' AS both \gset
SELECT is(:'both'::text, :'combat', 'a second NPC joins the fight that one is in');
SELECT necp.random_seed(42) \g /dev/null
CREATE TEMP TABLE shots AS
SELECT aimed, s ->> 'part' AS part, (s ->> 'crit')::boolean AS crit, (s ->> 'damage')::int AS damage
FROM unnest(ARRAY['HEAD', 'ARM', 'LEG', 'IMPLANT_CORE', NULL]) aimed, generate_series(1, 200) i,
     LATERAL (SELECT pg_temp.shoot(:'s1', :combat, -:tank, CASE WHEN i > 0 THEN aimed END) AS s OFFSET 0) shot;
SELECT necp.random_seed(NULL) \g /dev/null
SELECT results_eq($$SELECT DISTINCT part, damage FROM shots WHERE NOT crit ORDER BY 1$$,
                  $$VALUES ('ARM', 23), ('HEAD', 62), ('IMPLANT_CORE', 37), ('LEG', 21), ('TORSO', 31)$$,
                  'damage by part, halved by armor 100, rounded down');
SELECT results_eq($$SELECT DISTINCT part, damage FROM shots WHERE crit AND part IN ('HEAD', 'TORSO') ORDER BY 1$$,
                  $$VALUES ('HEAD', 93), ('TORSO', 46)$$, 'critical hits half as much again');
SELECT ok((SELECT avg((part = 'HEAD')::int) BETWEEN 0.25 AND 0.45 FROM shots WHERE aimed = 'HEAD'), 'an aimed head is hit in 35 %');
SELECT ok((SELECT avg((part = 'LEG')::int) BETWEEN 0.4 AND 0.6 FROM shots WHERE aimed = 'LEG'), 'an aimed limb in 50 %');
SELECT ok((SELECT bool_and(part IN (aimed, 'TORSO')) FROM shots WHERE aimed IS NOT NULL), 'else the torso');
SELECT ok((SELECT avg(crit::int) BETWEEN 0.02 AND 0.09 FROM shots), 'one in twenty is critical');

-- Range
SELECT pg_temp.act(:'s1', format('combat_start(%s)', :out)) \g /dev/null
SELECT necp.clock_advance('1 second') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('combat_attack(%s, %s)', :combat, -:out)), 'NC250', NULL, 'OUT_OF_RANGE: 25 m x 1.1');

-- Joining ---------------------------------------------------------------------------------------
SELECT is(pg_temp.act(:'s2', format('combat_start(%s)', :near)) ->> 'combat_id', :'combat', 'who attacks one that fights joins its fight');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('combat_attack(%s, %s)', :combat, :c2)), 'NC301', NULL, 'FORBIDDEN: not each other');

-- Killing ---------------------------------------------------------------------------------------
SELECT hp FROM live.zone_npcs WHERE npc_id = :near \gset
BEGIN;
SELECT pg_temp.shoot(:'s1', :combat, -:near) AS kill \gset
SELECT is(:'kill'::json ->> 'killed', 'true', 'the next hit kills');
SELECT is((SELECT hp FROM live.zone_npcs WHERE npc_id = :near), :hp, 'but not before its commit');
SELECT necp.clock_advance('1 second') \g /dev/null
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s2', format('combat_attack(%s, %s)', :combat, -:near)), 'NC950', NULL,
                 'TARGET_DEAD: a claimed kill has one killer');
ROLLBACK;
SELECT is((SELECT row(hp, activity)::text FROM live.zone_npcs WHERE npc_id = :near), row(:hp, 'COMBAT')::text, 'a kill that is rolled back did not happen');
SELECT is((SELECT count(*) FROM game.npc_deaths WHERE npc_id = :near), 0::bigint, 'nor was it written');
SELECT xp AS xp, level AS level FROM game.characters WHERE id = :c1 \gset
SELECT pg_temp.shoot(:'s1', :combat, -:near) AS kill \gset
SELECT is(:'kill'::json ->> 'killed', 'true', 'again, and now for good');
SELECT is(:'kill'::json ->> 'xp', '50', 'experience: 50 x level x tier factor');
SELECT is((SELECT xp FROM game.characters WHERE id = :c1), :xp::bigint + 50, 'which is credited');
SELECT is((SELECT row(hp, activity, combat_id)::text FROM live.zone_npcs WHERE npc_id = :near), '(0,DEAD,0)', 'it lies there');
SELECT is((SELECT row(life_id, killer_id)::text FROM game.npc_deaths WHERE npc_id = :near), row(1, :c1)::text, 'its death is written');
SELECT is((SELECT status FROM game.npc_instances WHERE id = :near), 'DEAD', 'it is dead');
SELECT is((SELECT row(data ->> 'killer_id', data ->> 'xp')::text FROM game.game_events WHERE type = 'NPC_DIED' AND aggregate_id = :near), row(:c1, 50)::text, 'NPC_DIED');
SELECT throws_ok(format('SELECT pg_temp.shoot(%L, %s, %s)', :'s2', :combat, -:near), 'NC950', NULL, 'TARGET_DEAD: no second blow');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s2', format('combat_start(%s)', :near)), 'NC950', NULL, 'TARGET_DEAD: no new fight');
SELECT is((SELECT status FROM game.combat_sessions WHERE id = :combat), 'ACTIVE', 'the fight goes on while others stand');

-- Ending ----------------------------------------------------------------------------------------
SELECT pg_temp.act(:'s2', format('combat_state(%s)', :combat)) \g /dev/null
SELECT necp.clock_advance('20 seconds') \g /dev/null
SELECT necp.combat_expire() \g /dev/null
SELECT is((SELECT status FROM game.combat_sessions WHERE id = :combat), 'ACTIVE', 'a fight goes on for 30 s without a blow');
SELECT necp.clock_advance('11 seconds') \g /dev/null
SELECT necp.combat_expire() \g /dev/null
SELECT is((SELECT status FROM game.combat_sessions WHERE id = :combat), 'ABORTED', 'not for longer');
SELECT is((SELECT count(*) FROM live.zone_npcs WHERE combat_id = :combat) + (SELECT count(*) FROM live.zone_players WHERE combat_id = :combat), 0::bigint,
          'nobody fights in it any more');
SELECT is((SELECT data ->> 'status' FROM game.game_events WHERE type = 'COMBAT_ENDED' AND aggregate_id = :combat), 'ABORTED', 'COMBAT_ENDED');
SELECT throws_ok(format('SELECT pg_temp.shoot(%L, %s, %s)', :'s1', :combat, -:tank), 'NC901', NULL, 'CONFLICT: it is over');

-- One against one to the end, and leaving
SELECT pg_temp.act(:'s2', format('combat_start(%s)', :mate)) ->> 'combat_id' AS duel \gset
SELECT pg_temp.act(:'s1', format('combat_start(%s)', :tank)) ->> 'combat_id' AS other \gset
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('combat_start(%s)', :mate)), 'NC971', NULL, 'IN_COMBAT: two fights do not mix');
SELECT pg_temp.shoot(:'s2', :duel, -:mate) \g /dev/null
SELECT pg_temp.shoot(:'s2', :duel, -:mate) \g /dev/null
SELECT is((SELECT status FROM game.combat_sessions WHERE id = :duel), 'COMPLETED', 'a fight ends when a side is down');
SELECT is((SELECT activity FROM live.zone_players WHERE character_id = :c2), 'IDLE', 'and the other is free');
SELECT pg_temp.act(:'s1', 'auth_logout()') \g /dev/null
SELECT is((SELECT status FROM game.combat_sessions WHERE id = :other), 'FLED', 'who leaves the world flees');
SELECT is((SELECT combat_id FROM live.zone_npcs WHERE npc_id = :tank), 0::bigint, 'and is not fought any more');
SELECT is_empty($$SELECT * FROM necp.integrity_check() WHERE check_name IN ('npc_lives', 'combat_sides', 'zone_one_place')$$, 'nothing is lost');

SELECT pg_temp.act(:'s2', 'auth_logout()'), pg_temp.act(:'s3', 'auth_logout()') \g /dev/null
SELECT necp.clock_reset() \g /dev/null
SELECT * FROM finish();
