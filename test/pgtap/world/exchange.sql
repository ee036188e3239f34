-- necp.world_exchange(): the format of docs/interfaces.md 8 and the rules of movement (DOMAIN.md 13).
\ir _world.sql
SELECT plan(57);

SELECT format('[{"code": "field_%1$s", "name": "Field", "kind": "CITY", "size_m": 200, "capacity": 10},'
              ' {"code": "other_%1$s", "name": "Other", "kind": "CITY", "size_m": 100, "capacity": 10}]', :'tag') AS pack \gset
SELECT necp.content_import('zones', :'pack') \g /dev/null
SELECT id AS field FROM game.zones WHERE code = 'field_' || :'tag' \gset
SELECT id AS other FROM game.zones WHERE code = 'other_' || :'tag' \gset
SELECT pg_temp.wait_for(format('count(*) = 2 FROM live.zone_load WHERE place_id IN (%s, %s)', :field, :other)) \g /dev/null
SELECT pg_temp.player('a') AS c1 \gset
SELECT pg_temp.s('a') AS s1 \gset
SELECT pg_temp.player('b') AS c2 \gset
SELECT pg_temp.s('b') AS s2 \gset

-- One exchange about the field: what is asked since, and one input.
CREATE FUNCTION pg_temp.exchange(place bigint, since numeric, inputs jsonb DEFAULT '[]') RETURNS jsonb
	LANGUAGE sql RETURN pg_temp.answer(necp.world_exchange(pg_temp.request(jsonb_build_array(jsonb_build_array(place, since)), inputs)));
CREATE FUNCTION pg_temp.stamp(place bigint) RETURNS bigint
	LANGUAGE sql RETURN (SELECT stamp FROM live.zone_load WHERE place_id = place);

-- Who may ---------------------------------------------------------------------------------------
SELECT ok(has_function_privilege('necp_edge', 'necp.world_exchange(bytea)', 'EXECUTE'), 'the servers may exchange');
SELECT ok(NOT has_function_privilege('necp_analyst', 'necp.world_exchange(bytea)', 'EXECUTE'), 'analysts may not');

-- Malformed -------------------------------------------------------------------------------------
SELECT pg_temp.act(:'s1', format('zone_enter(%s)', :field)) \g /dev/null
SELECT necp.clock_advance('2 seconds') \g /dev/null
SELECT pg_temp.request(format('[[%s, 0]]', :field)::jsonb, format('[[%s, 1, 1, 1, 0, 0]]', :c1)::jsonb) AS good \gset
SELECT throws_ok('SELECT necp.world_exchange(NULL)', 'NC001', NULL, 'VALIDATION: no request');
SELECT throws_ok($$SELECT necp.world_exchange('\x')$$, 'NC001', NULL, 'VALIDATION: an empty request');
SELECT throws_ok($$SELECT necp.world_exchange('\x01000000')$$, 'NC001', NULL, 'VALIDATION: half a head');
SELECT throws_ok($$SELECT necp.world_exchange('\x020000000000000000000000')$$, 'NC001', NULL, 'VALIDATION: another version');
SELECT throws_ok($$SELECT necp.world_exchange('\x010000000000010000000000')$$, 'NC001', NULL, 'VALIDATION: reserved bytes');
SELECT throws_ok($$SELECT necp.world_exchange('\x01000000ffff000000000000')$$, 'NC001', NULL, 'VALIDATION: more places than bytes');
SELECT throws_ok($$SELECT necp.world_exchange('\x0100000000000000ffffffff')$$, 'NC001', NULL, 'VALIDATION: more inputs than bytes');
SELECT throws_ok(format('SELECT necp.world_exchange(%L::bytea || ''\x00'')', :'good'), 'NC001', NULL, 'VALIDATION: bytes left over');
SELECT throws_ok(format('SELECT necp.world_exchange(substr(%L::bytea, 1, length(%1$L::bytea) - 1))', :'good'), 'NC001', NULL, 'VALIDATION: a byte too few');
SELECT throws_ok(format('SELECT necp.world_exchange(pg_temp.request(''[[0, 0]]'', ''[[%s, 1, 1, 1, 0, 0]]''))', :c1), 'NC001', NULL, 'VALIDATION: place 0');
SELECT throws_ok(format('SELECT necp.world_exchange(pg_temp.request(''[]'', ''[[%s, 1, 1, 1, 0, 0], [-1, 1, 1, 1, 0, 0]]''))', :c1), 'NC001', NULL,
                 'VALIDATION: nobody moves an NPC');
SELECT is((SELECT row(x, y)::text FROM live.zone_players WHERE character_id = :c1), '(0,0)', 'nothing of a malformed request is applied');

-- Full and changes ------------------------------------------------------------------------------
SELECT pg_temp.exchange(:field, 0) AS a \gset
SELECT is(:'a'::jsonb ->> 'full', '1', 'since 0 gets everything');
SELECT is(:'a'::jsonb ->> 'place_id', :'field', 'of that place');
SELECT is(:'a'::jsonb ->> 'length', '0', 'and not a byte more');
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'], jsonb_build_object('seq', 0, 'x', 0, 'y', 0, 'z', 0, 'yaw', 0, 'vx', 0, 'vy', 0,
          'hp', (SELECT hp FROM live.zone_players WHERE character_id = :c1), 'max_hp', (SELECT max_hp FROM live.zone_players WHERE character_id = :c1),
          'kind', 1, 'activity', 0, 'flags', 0), 'an entity as it is');
SELECT is(pg_temp.exchange(:field, 1) ->> 'full', '1', 'a stamp of another time gets everything');
SELECT is(pg_temp.exchange(:field, pg_temp.stamp(:field) + 1000) ->> 'full', '1', 'so does one of the future');
SELECT pg_temp.stamp(:field) AS since \gset
SELECT is(pg_temp.exchange(:field, :since) #>> '{full}', '0', 'a known stamp gets what changed');
SELECT is(pg_temp.exchange(:field, :since) -> 'changed', '{}', 'nothing did');
SELECT is(pg_temp.exchange(999999999, 0) ->> 'gone', '1', 'a place that is not there is gone');
SELECT is(necp.world_exchange('\x010000000000000000000000'), '\x0100000000000000', 'no places, no inputs, no news');

-- Moving ----------------------------------------------------------------------------------------
SELECT pg_temp.exchange(:field, :since, format('[[%s, 5, 3, 4, 0, 0.5]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{x}', '3', 'an input moves');
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{seq}', '5', 'and is named in the answer');
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{yaw}', '0.5', 'turns');
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{activity}', '1', 'shows as moving');
SELECT ok((:'a'::jsonb #> ARRAY['changed', :'c1'] ->> 'vx')::real > 0 AND (:'a'::jsonb #> ARRAY['changed', :'c1'] ->> 'vy')::real > 0,
          'the server computes the velocity');
SELECT ok(sqrt((:'a'::jsonb #> ARRAY['changed', :'c1'] ->> 'vx')::real ^ 2 + (:'a'::jsonb #> ARRAY['changed', :'c1'] ->> 'vy')::real ^ 2) < 12.01,
          'never above the highest speed');
SELECT pg_temp.exchange(:field, :since, format('[[%s, 5, 4, 4, 0, 0]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{x}', '3', 'an input of an old seq is ignored');
SELECT pg_temp.exchange(:field, :since, format('[[%s, 4, 4, 4, 0, 0]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{seq}', '5', 'seq only rises');
SELECT ok(pg_temp.wait_for(format('activity = ''IDLE'' FROM live.zone_players WHERE character_id = %s', :c1)), 'who sends nothing stands still');

-- Refused ---------------------------------------------------------------------------------------
SELECT necp.clock_advance('1 second') \g /dev/null
SELECT pg_temp.exchange(:field, :since, format('[[%s, 6, 3, 17, 0, 0]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{y}', '4', '13 m in a second are too far');
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{flags}', '1', 'the refusal shows');
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{seq}', '6', 'the input counts as seen');
SELECT is((SELECT violations FROM live.zone_players WHERE character_id = :c1), 1, 'and as a violation');
SELECT pg_temp.exchange(:field, :since, format('[[%s, 7, 3, 15, 0, 0]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{y}', '15', '11 m are not: speed x 1.2');
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{flags}', '0', 'a good move lifts the refusal');
SELECT pg_temp.exchange(:field, :since, format('[[%s, 8, 3, 18, 0, 0]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{y}', '15', 'what was walked is spent');
SELECT necp.clock_advance('60 seconds') \g /dev/null
SELECT pg_temp.exchange(:field, :since, format('[[%s, 9, 3, 28, 0, 0]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{y}', '15', 'a minute saves up for one second only');
SELECT pg_temp.exchange(:field, :since, format('[[%s, 10, "NaN", 15, 0, 0]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{flags}', '1', 'NaN is nowhere');
SELECT pg_temp.exchange(:field, :since, format('[[%s, 11, 3, "Infinity", 0, 0]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{y}', '15', 'nor is infinity');
SELECT pg_temp.exchange(:field, :since, format('[[%s, 12, 3, 15, 0, "NaN"]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{flags}', '1', 'nor a direction');
SELECT pg_temp.exchange(:field, :since, format('[[%s, 13, 3, 16, 0, 0], [%1$s, 14, 3, 17, 0, 0]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{y}', '17', 'two inputs of a tick apply in order');
-- walk to the edge and over it
DO $$
DECLARE
	who bigint := (SELECT character_id FROM live.zone_players WHERE y = 17 LIMIT 1);
BEGIN
	FOR i IN 1 .. 9 LOOP
		PERFORM necp.clock_advance('1 second');
		PERFORM necp.world_exchange(pg_temp.request('[]', jsonb_build_array(jsonb_build_array(who, 20 + i, 3, 17 + 9 * i, 0, 0))));
	END LOOP;
END
$$;
SELECT is((SELECT y FROM live.zone_players WHERE character_id = :c1), 98::real, 'it walks to the edge');
SELECT necp.clock_advance('1 second') \g /dev/null
SELECT pg_temp.exchange(:field, :since, format('[[%s, 40, 3, 101, 0, 0]]', :c1)::jsonb) AS a \gset
SELECT is(:'a'::jsonb #> ARRAY['changed', :'c1'] #>> '{y}', '98', 'the zone ends there');
SELECT lives_ok(format('SELECT necp.world_exchange(pg_temp.request(''[]'', ''[[%s, 99, 1, 1, 0, 0]]''))', :c2),
                'inputs of a character that is nowhere are dropped');

-- Coming and going ------------------------------------------------------------------------------
SELECT pg_temp.stamp(:field) AS since \gset
SELECT pg_temp.act(:'s2', format('zone_enter(%s)', :field)) \g /dev/null
SELECT is((SELECT array_agg(k) FROM jsonb_object_keys(pg_temp.exchange(:field, :since) -> 'changed') k), ARRAY[:'c2'], 'only who changed is told of');
SELECT pg_temp.stamp(:field) AS since \gset
SELECT pg_temp.act(:'s2', format('zone_enter(%s)', :other)) \g /dev/null
SELECT is(pg_temp.exchange(:field, :since) -> 'removed', jsonb_build_array(:c2), 'who left is named');
SELECT is(pg_temp.exchange(:field, 0) -> 'removed', '[]', 'but not to who forgets all anyway');
SELECT pg_temp.act(:'s2', format('zone_enter(%s)', :field)) \g /dev/null
SELECT is(pg_temp.exchange(:field, :since) -> 'removed', '[]', 'who came back is not gone');
SELECT ok(pg_temp.exchange(:field, :since) -> 'changed' ? :'c2', 'but there');
SELECT pg_temp.answer(necp.world_exchange(pg_temp.request(format('[[%s, 0], [%s, 0]]', :other, :field)::jsonb))) AS a \gset
SELECT is(:'a'::jsonb ->> 'place_id', :'other', 'several places are answered in the order of the request');

-- More removals than are remembered: NPCs that are no more --------------------------------------
SELECT pg_temp.stamp(:field) AS since \gset
SELECT jsonb_build_object('templates', jsonb_build_array(jsonb_build_object('code', 'dummy_' || :'tag', 'name', 'Dummy', 'tier', 0, 'level', 1, 'max_hp', 100)),
       'spawns', (SELECT jsonb_agg(jsonb_build_object('code', format('dummy_%s_%s', :'tag', i), 'template', 'dummy_' || :'tag', 'zone', 'field_' || :'tag', 'x', i, 'y', 0))
                  FROM generate_series(1, 70) i)) AS npcs \gset
SELECT necp.content_import('npcs', :'npcs') \g /dev/null
SELECT ok(pg_temp.wait_for(format('npcs = 70 FROM live.zone_load WHERE place_id = %s', :field)), 'seventy NPCs come');
SELECT pg_temp.stamp(:field) AS later \gset
SELECT necp.content_import('npcs', jsonb_set(:'npcs', '{spawns}', (SELECT jsonb_agg(s || '{"enabled": false}') FROM jsonb_array_elements(:'npcs'::jsonb -> 'spawns') s))) \g /dev/null
SELECT ok(pg_temp.wait_for(format('npcs = 0 FROM live.zone_load WHERE place_id = %s', :field)), 'and go');
SELECT is(pg_temp.exchange(:field, :later) ->> 'full', '1', 'who missed more than is remembered gets everything');

SELECT pg_temp.act(:'s1', 'auth_logout()'), pg_temp.act(:'s2', 'auth_logout()') \g /dev/null
SELECT necp.clock_reset() \g /dev/null
SELECT * FROM finish();
