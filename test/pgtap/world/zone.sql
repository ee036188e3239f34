-- Zones: entering, leaving, capacity, who hears what (DOMAIN.md 13, 21).
\ir _world.sql
SELECT plan(53);

-- Content ---------------------------------------------------------------------------------------
SELECT format('[{"code": "hall_%1$s", "name": "Hall", "kind": "CITY", "size_m": 200, "capacity": 10, "safe_x": 5, "safe_y": -5},'
              ' {"code": "cell_%1$s", "name": "Cell", "kind": "DUNGEON", "size_m": 100, "capacity": 1},'
              ' {"code": "shut_%1$s", "name": "Shut", "kind": "CITY", "status": "MAINTENANCE"},'
              ' {"code": "gone_%1$s", "name": "Gone", "kind": "CITY", "status": "OFFLINE"}]', :'tag') AS pack \gset
SELECT is(necp.content_import('zones', :'pack'), 4, 'a pack of four zones changes four rows');
SELECT is(necp.content_import('zones', :'pack'), 0, 'the same pack again changes none');
UPDATE game.zones SET name = 'Great Hall', origin = 'operator' WHERE code = 'hall_' || :'tag';
SELECT is(necp.content_import('zones', :'pack'), 0, 'a pack does not touch what an operator edited');
SELECT id AS hall FROM game.zones WHERE code = 'hall_' || :'tag' \gset
SELECT id AS cell FROM game.zones WHERE code = 'cell_' || :'tag' \gset
SELECT id AS shut FROM game.zones WHERE code = 'shut_' || :'tag' \gset
SELECT id AS gone FROM game.zones WHERE code = 'gone_' || :'tag' \gset
SELECT ok(pg_temp.wait_for(format('count(*) = 2 FROM live.zone_load WHERE place_id IN (%s, %s)', :hall, :cell)),
          'the worker opens zones that are ONLINE');
SELECT is((SELECT count(*) FROM live.zone_load WHERE place_id IN (:shut, :gone)), 0::bigint,
          'and no others');
SELECT throws_ok($$INSERT INTO game.zones (code, name, kind, size_m, safe_x) VALUES ('bad_zone', 'Bad', 'CITY', 100, 51)$$,
                 '23514', NULL, 'a safe point lies inside its zone');

SELECT pg_temp.player('a') AS c1 \gset
SELECT pg_temp.s('a') AS s1 \gset
SELECT pg_temp.player('b') AS c2 \gset
SELECT pg_temp.s('b') AS s2 \gset
SELECT pg_temp.player('c') AS c3 \gset
SELECT pg_temp.s('c') AS s3 \gset

-- Reading ---------------------------------------------------------------------------------------
SELECT is(json_array_length(pg_temp.act(:'s1', 'zone_list(1)') -> 'items'), 1, 'a list is as long as its limit');
SELECT ok(pg_temp.act(:'s1', 'zone_list(1)') ->> 'next_cursor' IS NOT NULL, 'and says where it goes on');
SELECT is(pg_temp.act(:'s1', format('zone_list(100, %s)', :hall - 1)) #>> '{items,0,name}', 'Great Hall',
          'a list goes on behind its cursor');
SELECT ok(NOT EXISTS (SELECT FROM json_array_elements(pg_temp.act(:'s1', format('zone_list(100, %s)', :hall - 1)) -> 'items') z
                      WHERE (z ->> 'zone_id')::bigint = :gone), 'an OFFLINE zone is not listed');
SELECT is(pg_temp.act(:'s1', format('zone_read(%s)', :hall)) ->> 'capacity', '10', 'a zone can be read');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', 'zone_read(999999999)'), 'NC401', NULL, 'NOT_FOUND: no such zone');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', 'zone_read(0)'), 'NC001', NULL, 'VALIDATION: an id is positive');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', 'zone_current()'), 'NC401', NULL, 'NOT_FOUND: in no zone yet');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('zone_players(%s)', :shut)), 'NC401', NULL,
                 'NOT_FOUND: a closed zone has no players');

-- Entering --------------------------------------------------------------------------------------
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', 'zone_enter(999999999)'), 'NC401', NULL, 'NOT_FOUND: no such zone to enter');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('zone_enter(%s)', :shut)), 'NCU01', NULL,
                 'MAINTENANCE: a zone that is not ONLINE');
UPDATE game.characters SET hp = 0 WHERE id = :c3;
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s3', format('zone_enter(%s)', :hall)), 'NC951', NULL,
                 'YOU_ARE_DEAD: the dead do not travel');
UPDATE game.characters SET hp = 50 WHERE id = :c3;

SELECT pg_temp.act(:'s1', format('zone_enter(%s)', :hall)) AS view \gset
SELECT is(:'view'::json ->> 'x', '5', 'one who was never there enters at the safe point');
SELECT is(:'view'::json ->> 'players', '1', 'and is counted');
SELECT is((SELECT array_agg(character_id) FROM live.zone_players WHERE place_id = :hall), ARRAY[:c1::bigint],
          'the live world shows who came');
SELECT is((SELECT place_id FROM game.player_sessions WHERE id = :'s1'), :hall::bigint, 'the session names the place');
SELECT is((SELECT row(place_id, x, y)::text FROM game.player_positions WHERE character_id = :c1), row(:hall, 5, -5)::text,
          'the position is saved at once');
SELECT is((SELECT data ->> 'to_place_id' FROM game.game_events WHERE type = 'ZONE_CHANGED' AND character_id = :c1), :'hall',
          'ZONE_CHANGED is written');
SELECT is(pg_temp.act(:'s1', 'zone_current()') ->> 'name', 'Great Hall', 'the current zone');
SELECT lives_ok(format('SELECT pg_temp.act(%L, %L)', :'s1', format('zone_enter(%s)', :hall)), 'entering it again is harmless');
SELECT is((SELECT count(*) FROM live.zone_players WHERE character_id = :c1), 1::bigint, 'and makes no second one');
SELECT is(pg_temp.act(:'s2', format('zone_players(%s)', :hall)) #>> '{items,0,name}', 'a' || :'tag', 'players of a zone are listed');

-- Topics ----------------------------------------------------------------------------------------
SELECT lives_ok(format('SELECT pg_temp.listen(%L, %L)', :'s1', '/topic/zone/' || :hall || '/events'), 'who is in a zone hears it');
SELECT throws_ok(format('SELECT pg_temp.listen(%L, %L)', :'s2', '/topic/zone/' || :hall || '/events'), 'NC301', NULL,
                 'FORBIDDEN: who is not does not');
SELECT lives_ok(format('SELECT pg_temp.listen(%L, %L)', :'s1', '/topic/character/' || :c1 || '/position'), 'own positions');
SELECT throws_ok(format('SELECT pg_temp.listen(%L, %L)', :'s1', '/topic/character/' || :c2 || '/position'), 'NC301', NULL,
                 'FORBIDDEN: positions of another');
SELECT throws_ok(format('SELECT pg_temp.listen(%L, %L)', :'s1', '/topic/character/' || :c2 || '/combat'), 'NC301', NULL,
                 'FORBIDDEN: fights of another');

-- Commit and rollback ---------------------------------------------------------------------------
BEGIN;
SELECT pg_temp.act(:'s2', format('zone_enter(%s)', :cell)) \g /dev/null
SELECT is((SELECT players FROM live.zone_load WHERE place_id = :cell), 0, 'nobody is anywhere before the commit');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s3', format('zone_enter(%s)', :cell)), 'NC970', NULL,
                 'ZONE_FULL: a seat is taken from the start');
ROLLBACK;
SELECT is((SELECT count(*) FROM live.zone_players WHERE character_id = :c2), 0::bigint, 'an entry that is rolled back did not happen');
SELECT lives_ok(format('SELECT pg_temp.act(%L, %L)', :'s3', format('zone_enter(%s)', :cell)), 'and its seat is free again');
SELECT throws_ok(format('SELECT pg_temp.act(%L, %L)', :'s2', format('zone_enter(%s)', :cell)), 'NC970', NULL, 'ZONE_FULL');
SELECT is((SELECT hp FROM live.zone_players WHERE character_id = :c3), 50, 'hit points come with the character');

-- Moving on -------------------------------------------------------------------------------------
SELECT necp.world_exchange(pg_temp.request(format('[[%s, 0]]', :cell)::jsonb)) \g /dev/null
SELECT necp.clock_advance('1 second') \g /dev/null
SELECT necp.world_exchange(pg_temp.request('[]', format('[[%s, 1, 3, 4, 0, 1]]', :c3)::jsonb)) \g /dev/null
SELECT is((SELECT row(x, y)::text FROM live.zone_players WHERE character_id = :c3), '(3,4)', 'it walks');
SELECT necp.world_save() \g /dev/null
SELECT is((SELECT row(x, y)::text FROM game.player_positions WHERE character_id = :c3), '(3,4)', 'positions are saved in one go');
SELECT pg_temp.act(:'s3', format('zone_enter(%s)', :hall)) \g /dev/null
SELECT is((SELECT array_agg(place_id) FROM live.zone_players WHERE character_id = :c3), ARRAY[:hall::bigint],
          'a character is in one place');
SELECT is((SELECT players FROM live.zone_load WHERE place_id = :cell), 0, 'it left the other');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'ZONE_CHANGED' AND character_id = :c3), 2::bigint,
          'each change is an event');
SELECT is((SELECT binding FROM game.player_sessions WHERE id = :'s3') >= 3, true, 'realtime learns of it by a higher binding');

-- Leaving ---------------------------------------------------------------------------------------
SELECT necp.clock_advance('1 second') \g /dev/null
SELECT necp.world_exchange(pg_temp.request('[]', format('[[%s, 1, 8, -1, 0, 1]]', :c3)::jsonb)) \g /dev/null
SELECT pg_temp.act(:'s3', 'auth_logout()') \g /dev/null
SELECT is((SELECT count(*) FROM live.zone_players WHERE character_id = :c3), 0::bigint, 'whose session ends is gone');
SELECT is((SELECT row(place_id, x, y)::text FROM game.player_positions WHERE character_id = :c3), row(:hall, 8, -1)::text,
          'and its position saved');
SELECT ok(EXISTS (SELECT FROM game.game_events WHERE type = 'ZONE_CHANGED' AND character_id = :c3 AND data ->> 'to_place_id' = '0'),
          'which is an event too');
SELECT pg_temp.login('c') AS s3 \gset
SELECT pg_temp.act(:'s3', format('character_select(%s)', :c3)) \g /dev/null
SELECT is((SELECT row(place_id, x, y)::text FROM live.zone_players WHERE character_id = :c3), row(:hall, 8, -1)::text,
          'who is selected again appears where it was');

-- Ghosts ----------------------------------------------------------------------------------------
UPDATE game.player_sessions SET place_id = NULL WHERE id = :'s3';
UPDATE game.player_positions SET place_id = :cell WHERE character_id = :c1;
SELECT ok(EXISTS (SELECT FROM necp.integrity_check() WHERE check_name = 'zone_one_place' AND detail LIKE 'character ' || :c1 || ' %'),
          'integrity_check() sees a character in two places');
UPDATE game.player_positions SET place_id = :hall WHERE character_id = :c1;
SELECT necp.clock_advance('31 seconds') \g /dev/null
SELECT necp.world_save() \g /dev/null
SELECT is((SELECT count(*) FROM live.zone_players WHERE character_id = :c3), 0::bigint, 'who has no session there is swept out');
SELECT is((SELECT count(*) FROM live.zone_players WHERE character_id = :c1), 1::bigint, 'who has one stays');
SELECT is_empty($$SELECT * FROM necp.integrity_check() WHERE check_name LIKE 'zone%'$$, 'nothing is lost');

SELECT pg_temp.act(:'s1', 'auth_logout()') \g /dev/null
SELECT necp.clock_reset() \g /dev/null
SELECT * FROM finish();
