-- NPCs: content, lives, respawn (DOMAIN.md 8).
\ir ../world/_world.sql
SELECT plan(28);

SELECT format('[{"code": "yard_%1$s", "name": "Yard", "kind": "CITY", "size_m": 400, "capacity": 10}]', :'tag') AS zones \gset
SELECT necp.content_import('zones', :'zones') \g /dev/null
SELECT id AS yard FROM game.zones WHERE code = 'yard_' || :'tag' \gset
SELECT pg_temp.player('a') AS c1 \gset
SELECT pg_temp.s('a') AS s1 \gset

-- Content ---------------------------------------------------------------------------------------
SELECT format('{"templates": [{"code": "guard_%1$s", "name": "Guard", "tier": 1, "level": 5, "max_hp": 300, "armor": 20,'
              ' "loot_table_code": "street_scavenger", "respawn_seconds": 60},'
              ' {"code": "walker_%1$s", "name": "Walker", "tier": 0, "level": 1, "max_hp": 100, "walk_speed": 5}],'
              ' "spawns": [{"code": "guard_a_%1$s", "template": "guard_%1$s", "zone": "yard_%1$s", "x": 10, "y": 20, "yaw": 1.5},'
              ' {"code": "walker_a_%1$s", "template": "walker_%1$s", "zone": "yard_%1$s", "x": 0, "y": 0,'
              '  "waypoints": [[0, 0, 0], [30, 0, 0]]}]}', :'tag') AS pack \gset
SELECT is(necp.content_import('npcs', :'pack'), 4, 'two templates and two spawns');
SELECT is(necp.content_import('npcs', :'pack'), 0, 'a second import changes nothing');
UPDATE game.npc_templates SET name = 'Old Guard', origin = 'operator' WHERE code = 'guard_' || :'tag';
SELECT is(necp.content_import('npcs', :'pack'), 0, 'what an operator edited is kept');
SELECT throws_ok(format('SELECT necp.content_import(%L, %L)', 'npcs', jsonb_set(:'pack', '{spawns,0,zone}', '"nowhere"')), 'NC001', NULL,
                 'VALIDATION: a spawn in an unknown zone');
SELECT throws_ok(format('SELECT necp.content_import(%L, %L)', 'npcs', jsonb_set(:'pack', '{spawns,0,waypoints}', '[[1, 2]]')), 'NC001', NULL,
                 'a waypoint has three coordinates');
SELECT is((SELECT array_agg(xp_base ORDER BY code) FROM game.npc_templates WHERE code LIKE '%\_' || :'tag'), ARRAY[375, 50],
          'a kill is worth 50 x level x the tier''s factor');
SELECT is((SELECT waypoints FROM game.npc_spawns WHERE code = 'walker_a_' || :'tag'), '{0,0,0,30,0,0}'::real[], 'waypoints in order');

-- Life ------------------------------------------------------------------------------------------
SELECT ok(pg_temp.wait_for(format('count(*) = 2 FROM live.zone_npcs WHERE place_id = %s', :yard)), 'the worker brings them to life');
SELECT i.id AS guard FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id WHERE s.code = 'guard_a_' || :'tag' \gset
SELECT i.id AS walker FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id WHERE s.code = 'walker_a_' || :'tag' \gset
SELECT is((SELECT row(x, y, yaw, hp, max_hp, activity, life_id)::text FROM live.zone_npcs WHERE npc_id = :guard), '(10,20,1.5,450,450,IDLE,1)',
          'at its spawn, with hit points by its level');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', 'npc_read(999999999)'), 'NC401', NULL, 'NOT_FOUND: no such NPC');
SELECT is(pg_temp.act(:'s1', format('npc_read(%s)', :guard)) ->> 'name', 'Old Guard', 'an NPC can be read');
SELECT is(pg_temp.act(:'s1', format('npc_read(%s)', :guard)) ->> 'hp', '450', 'with its hit points');
SELECT pg_sleep(0.3) \g /dev/null
SELECT is((SELECT x FROM live.zone_npcs WHERE npc_id = :walker), 0::real, 'where nobody is, nobody walks');
SELECT is((SELECT tick FROM live.zone_load WHERE place_id = :yard), 0::bigint, 'and no tick passes');
SELECT pg_temp.act(:'s1', format('zone_enter(%s)', :yard)) \g /dev/null
SELECT ok(pg_temp.wait_for(format('x > 1 AND y = 0 AND activity = ''MOVING'' FROM live.zone_npcs WHERE npc_id = %s', :walker)), 'a patrol walks its way');
SELECT ok(pg_temp.wait_for(format('tick > 0 FROM live.zone_load WHERE place_id = %s', :yard)), 'ticks pass');

-- Death and return ------------------------------------------------------------------------------
INSERT INTO game.npc_deaths VALUES (:guard, 1, :c1, necp.now());
SELECT ok(EXISTS (SELECT FROM necp.integrity_check() WHERE check_name = 'npc_lives' AND detail LIKE 'NPC ' || :guard || ' lives%'),
          'integrity_check() sees a death without a dead');
UPDATE game.npc_instances SET status = 'DEAD', died_at = necp.now(), respawn_at = necp.now() + interval '1 minute' WHERE id = :guard;
SELECT is_empty($$SELECT * FROM necp.integrity_check() WHERE check_name = 'npc_lives'$$, 'a death with its dead is right');
SELECT throws_ok(format('INSERT INTO game.npc_deaths VALUES (%s, 1, %s, now())', :guard, :c1), '23505', NULL, 'a life ends once');
SELECT throws_ok(format('UPDATE game.npc_instances SET status = ''ALIVE'' WHERE id = %s', :guard), '23514', NULL, 'who lives has no hour of death');
SELECT is(pg_temp.act(:'s1', format('npc_read(%s)', :guard)) ->> 'hp', '0', 'the dead have no hit points');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('combat_start(%s)', :guard)), 'NC950', NULL, 'TARGET_DEAD: nobody fights the dead');
SELECT necp.npc_respawn() \g /dev/null
SELECT is((SELECT life_id FROM game.npc_instances WHERE id = :guard), 1::bigint, 'nobody comes back early');
SELECT necp.clock_advance('61 seconds') \g /dev/null
SELECT ok(pg_temp.wait_for(format('status = ''ALIVE'' AND life_id = 2 FROM game.npc_instances WHERE id = %s', :guard)), 'the next life begins in time');
SELECT ok(pg_temp.wait_for(format('life_id = 2 AND hp = 450 FROM live.zone_npcs WHERE npc_id = %s', :guard)), 'in memory too, unharmed');
SELECT is_empty($$SELECT * FROM necp.integrity_check() WHERE check_name = 'npc_lives'$$, 'old deaths stay, and that is right');

-- Out of use ------------------------------------------------------------------------------------
SELECT necp.content_import('npcs', jsonb_set(:'pack', '{spawns,0,enabled}', 'false')) \g /dev/null
SELECT ok(pg_temp.wait_for(format('count(*) = 0 FROM live.zone_npcs WHERE npc_id = %s', :guard)), 'a spawn that is disabled is empty');
SELECT is((SELECT count(*) FROM live.zone_npcs WHERE npc_id = :walker), 1::bigint, 'the others stay');

SELECT pg_temp.act(:'s1', 'auth_logout()') \g /dev/null
SELECT necp.clock_reset() \g /dev/null
SELECT * FROM finish();
