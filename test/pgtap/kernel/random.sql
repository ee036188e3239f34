-- Chance: seeded from the operating system, or by a test, in every process; secrets never.
\ir ../helpers.psql
SELECT plan(9);
SELECT pg_temp.player('ann') \g /dev/null
CALL pg_temp.open_zone('range', NULL) \gset
SELECT necp.content_import('npcs', format('{"templates": [{"code": "butt_%1$s", "name": "Butt", "tier": 0, "level": 1, "max_hp": 1000000, "armor": 0}],
	"spawns": [{"code": "butt_%1$s", "template": "butt_%1$s", "zone": "range_%1$s", "x": 5, "y": 0}]}', :'tag')::jsonb) \g /dev/null
SELECT pg_temp.wait_for(format('EXISTS (SELECT FROM live.zone_npcs WHERE place_id = %s)', :zone_id)) \g /dev/null
SELECT npc_id AS npc FROM live.zone_npcs WHERE place_id = :zone_id \gset
SELECT pg_temp.enter_zone('ann', :zone_id) \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/combat/start', format('{"npc_id": %s}', :npc)::jsonb) ->> 'combat_id' AS combat \gset

-- What 40 shots at the head hit, drawn here or by the servers' connection.
CREATE FUNCTION pg_temp.shots(combat bigint, npc bigint, there boolean DEFAULT true) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	shot jsonb := jsonb_build_object('combat_id', combat, 'target_id', -npc, 'aimed_part', 'HEAD');
	hits text := '';
	answer json;
BEGIN
	FOR i IN 1 .. 40 LOOP
		PERFORM necp.clock_advance('200 ms');
		IF there THEN
			answer := pg_temp.call('ann', 'POST', '/combat/{combat_id}/attack', shot);
		ELSE
			answer := substr(pg_temp.refusal('ann', 'POST', '/combat/{combat_id}/attack', shot), 5);
		END IF;
		hits := hits || left(answer ->> 'part', 1);
	END LOOP;
	RETURN hits;
END
$$;
SELECT necp.random_seed(1) \g /dev/null
SELECT pg_temp.shots(:combat, :npc) AS first \gset
SELECT necp.random_seed(1) \g /dev/null
SELECT is(pg_temp.shots(:combat, :npc), :'first', 'the same seed, the same course');
SELECT isnt(pg_temp.shots(:combat, :npc), :'first'::text, 'which goes on');
SELECT necp.random_seed(1) \g /dev/null
SELECT is(pg_temp.shots(:combat, :npc, false), :'first', 'in every process');
SELECT necp.random_seed(2) \g /dev/null
SELECT isnt(pg_temp.shots(:combat, :npc), :'first'::text, 'another seed, another course');
SELECT necp.random_seed(NULL) \g /dev/null
SELECT necp.random_seed(1) \g /dev/null
SELECT is(pg_temp.shots(:combat, :npc), :'first', 'a seed after no seed reaches who drew nothing in between');
SELECT necp.random_seed(NULL) \g /dev/null
SELECT isnt(pg_temp.shots(:combat, :npc), :'first'::text, 'without a seed chance is chance');
SELECT necp.random_seed(1) \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/session/ws-ticket') ->> 'ticket' AS ticket \gset
SELECT necp.random_seed(1) \g /dev/null
SELECT isnt(pg_temp.call('ann', 'POST', '/session/ws-ticket') ->> 'ticket', :'ticket'::text, 'a secret has no seed');
SELECT matches(:'ticket'::text, '^[A-Za-z0-9_-]{43}$', 'and 256 bits');
SET ROLE necp_admin;
SELECT throws_ok('SELECT necp.random_seed(1)', '42501', NULL, 'only superusers seed');
RESET ROLE;
SELECT necp.random_seed(NULL) \g /dev/null
SELECT necp.clock_reset() \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT * FROM finish();
