-- Who earns a kill, and bosses: phases, announced area attacks, weak point, rage, wipe (DOMAIN.md 8).
\ir ../world/_world.sql
SELECT plan(38);

SELECT format('[{"code": "lair_%1$s", "name": "Lair", "kind": "CITY", "size_m": 800, "capacity": 20}]', :'tag') AS zones \gset
SELECT necp.content_import('zones', :'zones') \g /dev/null
INSERT INTO game.weapon_profiles (code, name, damage, rpm, range_m) VALUES ('side_arm', 'Side Arm', 60, 420, 25) ON CONFLICT DO NOTHING;
SELECT format('{"templates": ['
              ' {"code": "guard_%1$s", "name": "Guard", "tier": 1, "level": 5, "max_hp": 150},'
              ' {"code": "boss_%1$s", "name": "Boss", "tier": 5, "level": 1, "max_hp": 1000, "temperament": "defensive", "attack_damage": 0, "xp_base": 1000, "enrage_s": 25,'
              '  "phases": [{"phase": 1, "hp_percent": 100, "area_damage": 20, "area_m": 8, "area_every_ms": 5000, "weak_ms": 5000, "weak_percent": 200},'
              '             {"phase": 2, "hp_percent": 70, "damage_percent": 150}, {"phase": 3, "hp_percent": 40}]}],'
              ' "spawns": [{"code": "guard_%1$s", "template": "guard_%1$s", "zone": "lair_%1$s", "x": 0, "y": 0},'
              ' {"code": "boss_%1$s", "template": "boss_%1$s", "zone": "lair_%1$s", "x": 200, "y": 0}]}', :'tag') AS npcs \gset
SELECT is(necp.content_import('npcs', :'npcs'), 7, 'templates, phases and spawns');
SELECT is(necp.content_import('npcs', :'npcs'), 0, 'a second import changes nothing');
SELECT throws_ok(format('SELECT necp.content_import(%L, %L)', 'npcs', jsonb_set(:'npcs', '{templates,1,phases,2,hp_percent}', '80')), 'NC001', NULL,
                 'VALIDATION: phases go down');
SELECT throws_ok(format('SELECT necp.content_import(%L, %L)', 'npcs', jsonb_set(:'npcs', '{templates,1,phases,0,telegraph_ms}', '1999')), 'NC001', NULL,
                 'an area attack is announced two seconds before');
SELECT throws_ok(format('SELECT necp.content_import(%L, %L)', 'npcs', jsonb_set(:'npcs', '{templates,1,phases,0,weak_ms}', '8001')), 'NC001', NULL,
                 'a weak point is open for five to eight seconds');
SELECT id AS lair FROM game.zones WHERE code = 'lair_' || :'tag' \gset
SELECT pg_temp.wait_for(format('npcs = 2 FROM live.zone_load WHERE place_id = %s', :lair)) \g /dev/null
SELECT i.id AS guard FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id WHERE s.code = 'guard_' || :'tag' \gset
SELECT i.id AS boss FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id WHERE s.code = 'boss_' || :'tag' \gset

CREATE FUNCTION pg_temp.put(who text, x real, y real) RETURNS bigint
	LANGUAGE plpgsql AS $$
DECLARE
	id bigint := coalesce(pg_temp.c(who), pg_temp.player(who));
	zone bigint := (SELECT z.id FROM game.zones z WHERE z.code = 'lair_' || current_setting('test.tag'));
BEGIN
	INSERT INTO game.player_positions VALUES (id, zone, x, y, 0, 0, necp.now())
	ON CONFLICT (character_id) DO UPDATE SET place_id = excluded.place_id, x = excluded.x, y = excluded.y;
	PERFORM pg_temp.act(pg_temp.s(who), format('zone_enter(%s)', zone));
	RETURN id;
END
$$;
CREATE FUNCTION pg_temp.hp(who text) RETURNS int
	LANGUAGE sql RETURN (SELECT p.hp FROM live.zone_players p WHERE p.character_id = pg_temp.c(who));
CREATE FUNCTION pg_temp.shoot(who text, combat bigint, target bigint) RETURNS json
	LANGUAGE plpgsql AS $$
BEGIN
	PERFORM necp.clock_advance('200 ms');
	RETURN pg_temp.act(pg_temp.s(who), format('combat_attack(%s, %s)', combat, target));
END
$$;
SELECT pg_temp.link('ear', 'postgres') \g /dev/null
SELECT dblink_exec('ear', 'LISTEN necp_push') \g /dev/null
CREATE TEMP TABLE told (line text);
CREATE FUNCTION pg_temp.hear(pattern text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 50 LOOP
		PERFORM * FROM public.dblink('ear', 'SELECT 1') d (x int);
		INSERT INTO pg_temp.told (line) SELECT l FROM public.dblink_get_notify('ear') g, string_to_table(g.extra, E'\n') l;
		IF EXISTS (SELECT FROM pg_temp.told t WHERE t.line LIKE pattern) THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN false;
END
$$;

-- Experience ------------------------------------------------------------------------------------
SELECT pg_temp.player(n) FROM unnest('{ann,bob,cat,dan}'::text[]) n \g /dev/null
UPDATE game.characters SET level = 5 WHERE id = pg_temp.c('bob');
SELECT pg_temp.put('ann', 5, 0), pg_temp.put('bob', 5, 2), pg_temp.put('cat', 5, 4), pg_temp.put('dan', 5, 6) \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/party') \g /dev/null
SELECT pg_temp.call(g, 'POST', '/party/invites/{invite_id}/accept', jsonb_build_object('invite_id', i.j ->> 'invite_id'))
FROM unnest('{bob,dan}'::text[]) g, LATERAL (SELECT pg_temp.call('ann', 'POST', '/party/invite', jsonb_build_object('character_id', pg_temp.c(g))) AS j OFFSET 0) i \g /dev/null
SELECT pg_temp.act(pg_temp.s('ann'), format('combat_start(%s)', :guard)) ->> 'combat_id' AS fight \gset
SELECT pg_temp.act(pg_temp.s(w), format('combat_start(%s)', :guard)) FROM unnest('{bob,cat,dan}'::text[]) w \g /dev/null
SELECT pg_temp.shoot('ann', :fight, -:guard), pg_temp.shoot('cat', :fight, -:guard) \g /dev/null
DO $$
DECLARE
	guard bigint := (SELECT i.id FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id WHERE s.code = 'guard_' || current_setting('test.tag'));
	fight bigint := (SELECT combat_id FROM live.zone_players WHERE character_id = pg_temp.c('bob'));
BEGIN
	WHILE (SELECT n.hp FROM live.zone_npcs n WHERE n.npc_id = guard) > 0 LOOP
		PERFORM pg_temp.shoot('bob', fight, -guard);
		COMMIT;
	END LOOP;
END
$$;
SELECT is((SELECT array_agg(row(w.name, e.data ->> 'xp')::text ORDER BY w.name) FROM game.game_events e JOIN who w ON w.character_id = e.character_id WHERE e.type = 'XP_GAINED'),
          ARRAY['(ann,288)', '(bob,206)'], 'of 375 two of a party get 110 %, half each, by their own levels: 140 % and 100 %');
SELECT is((SELECT data ->> 'earners' FROM game.game_events WHERE type = 'NPC_DIED' AND aggregate_id = :guard),
          format('[%s, %s]', pg_temp.c('ann'), pg_temp.c('bob')), 'who has done nothing earns nothing, nor who is of no party');
SELECT is((SELECT (data ->> 'xp')::int FROM game.game_events WHERE type = 'NPC_DIED' AND aggregate_id = :guard), 206, 'the killer''s share');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'BOSS_DIED' AND aggregate_id = :guard), 0::bigint, 'that was no boss');
SELECT pg_temp.act(pg_temp.s(w), 'auth_logout()') FROM unnest('{ann,bob,cat,dan}'::text[]) w \g /dev/null

-- The boss --------------------------------------------------------------------------------------
SELECT pg_temp.put('eve', 195, 0) AS eve \gset
SELECT necp.random_seed(3) \g /dev/null
SELECT pg_temp.act(pg_temp.s('eve'), format('combat_start(%s)', :boss)) ->> 'combat_id' AS first \gset
SELECT is((SELECT kind FROM game.combat_sessions WHERE id = :first), 'WORLD_BOSS', 'a fight with a boss of a zone');
SELECT ok(pg_temp.wait_for(format('mind = ''COMBAT'' FROM live.zone_npcs WHERE npc_id = %s', :boss)), 'it fights');
SELECT pg_sleep(0.5) \g /dev/null
SELECT necp.clock_advance('5 seconds') \g /dev/null
SELECT ok(pg_temp.hear('% BOSS_TELEGRAPH /topic/zone/' || :lair || '/events %"radius":8,"in_ms":2000%'), 'its area attack is announced to the zone');
SELECT is(pg_temp.hp('eve'), 100, 'and does nothing yet');
SELECT necp.clock_advance('1 second') \g /dev/null
SELECT pg_sleep(0.5) \g /dev/null
SELECT is(pg_temp.hp('eve'), 100, 'for two seconds');
SELECT is((pg_temp.shoot('eve', :first, -:boss) ->> 'damage')::int IN (60, 90), true, 'its weak point is closed');
SELECT necp.clock_advance('1 second') \g /dev/null
SELECT ok(pg_temp.wait_for('pg_temp.hp(''eve'') < 100'), 'then it strikes who stands there');
SELECT ok(pg_temp.hp('eve') IN (79, 69), '20 damage at level 1: 21, or 31 of a critical hit');
SELECT ok(pg_temp.hear('%BOSS_WEAK_POINT%"for_ms":5000,"percent":200%'), 'its weak point opens');
SELECT is((pg_temp.shoot('eve', :first, -:boss) ->> 'damage')::int IN (120, 180), true, 'a hit is twice as hard');
SELECT hp AS hp FROM live.zone_npcs WHERE npc_id = :boss \gset
SELECT necp.clock_advance('5 seconds') \g /dev/null
SELECT is((pg_temp.shoot('eve', :first, -:boss) ->> 'damage')::int IN (60, 90), true, 'for five seconds');

-- Phases
CREATE PROCEDURE pg_temp.shoot_down(who text, boss bigint, hp int)
	LANGUAGE plpgsql AS $$
DECLARE
	combat bigint := (SELECT combat_id FROM live.zone_players WHERE character_id = pg_temp.c(who));
BEGIN
	WHILE (SELECT n.hp FROM live.zone_npcs n WHERE n.npc_id = boss) > shoot_down.hp LOOP
		PERFORM pg_temp.shoot(who, combat, -boss);
		COMMIT;
	END LOOP;
END
$$;
UPDATE game.npc_phases SET area_damage = 0 WHERE template_id = (SELECT template_id FROM live.zone_npcs WHERE npc_id = :boss);
SELECT necp.content_import('npcs', jsonb_set(:'npcs', '{spawns,0,yaw}', '1')) \g /dev/null
CALL pg_temp.shoot_down('eve', :boss, 770);
SELECT ok(pg_temp.wait_for(format('count(*) = 1 FROM game.boss_phases WHERE combat_id = %s AND phase = 2', :first)), 'at 70 % its second phase begins');
SELECT is((SELECT row(data ->> 'phase', data ->> 'combat_id')::text FROM game.game_events WHERE type = 'BOSS_PHASE_CHANGED' AND aggregate_id = :boss), row(2, :first)::text, 'BOSS_PHASE_CHANGED');
SELECT ok(pg_temp.hear('% BOSS_PHASE_CHANGED /topic/zone/' || :lair || '/events %"phase":2%'), 'the zone is told');
CALL pg_temp.shoot_down('eve', :boss, 440);
SELECT ok(pg_temp.wait_for(format('count(*) = 1 FROM game.boss_phases WHERE combat_id = %s AND phase = 3', :first)), 'at 40 % the third');
SELECT throws_ok(format('INSERT INTO game.boss_phases VALUES (%s, %s, 2, 1, now())', :first, :boss), '23505', NULL, 'a phase is reached once in a fight');
SELECT throws_ok(format('INSERT INTO game.boss_phases VALUES (%s, %s, 4, 2, now())', :first, :boss), '23514', NULL, 'none is left out');
SELECT is_empty($$SELECT * FROM necp.integrity_check() WHERE check_name = 'boss_phases'$$, 'they are in order');
BEGIN;
UPDATE game.boss_phases SET reached_at = reached_at + interval '1 day' WHERE combat_id = :first AND phase = 2;
SELECT isnt_empty($$SELECT * FROM necp.integrity_check() WHERE check_name = 'boss_phases'$$, 'integrity_check() sees one that went backward');
ROLLBACK;

-- Rage, before the fight goes cold
SELECT necp.clock_advance('25 seconds') \g /dev/null
SELECT ok(pg_temp.hear('% BOSS_ENRAGED /topic/zone/' || :lair || '/events %'), 'after a while it has had enough');

-- Wipe
SELECT pg_temp.act(pg_temp.s('eve'), 'auth_logout()') \g /dev/null
SELECT ok(pg_temp.wait_for(format('hp = max_hp AND mind = ''IDLE'' AND combat_id = 0 FROM live.zone_npcs WHERE npc_id = %s', :boss)), 'nobody is left: it is whole again');
SELECT is((SELECT count(*) FROM game.game_events WHERE type IN ('NPC_DIED', 'BOSS_DIED', 'LOOT_GENERATED') AND aggregate_id = :boss), 0::bigint, 'and leaves nothing');

-- Again
SELECT pg_temp.put('fay', 195, 0) AS fay \gset
SELECT pg_temp.act(pg_temp.s('fay'), format('combat_start(%s)', :boss)) ->> 'combat_id' AS second \gset
CALL pg_temp.shoot_down('fay', :boss, 770);
SELECT ok(pg_temp.wait_for(format('count(*) = 1 FROM game.boss_phases WHERE combat_id = %s AND phase = 2', :second)), 'it begins from the beginning');
SELECT is((SELECT count(*) FROM game.boss_phases WHERE combat_id = :second), 1::bigint, 'with nothing left of the last time');
CALL pg_temp.shoot_down('fay', :boss, 0);
SELECT is((SELECT array_agg(type ORDER BY type) FROM game.game_events WHERE type IN ('NPC_DIED', 'BOSS_DIED') AND aggregate_id = :boss), '{BOSS_DIED,NPC_DIED}', 'BOSS_DIED, and NPC_DIED');
SELECT is((SELECT data ->> 'earners' FROM game.game_events WHERE type = 'BOSS_DIED' AND aggregate_id = :boss), format('[%s]', :fay), 'for who was there');
SELECT is((SELECT data ->> 'xp' FROM game.game_events WHERE type = 'XP_GAINED' AND character_id = :fay), '1000', 'she alone earns it');
SELECT is((SELECT status FROM game.combat_sessions WHERE id = :second), 'COMPLETED', 'the fight is over');
SELECT is_empty($$SELECT * FROM necp.integrity_check()$$, 'nothing is lost');
SELECT pg_temp.act(pg_temp.s('fay'), 'auth_logout()') \g /dev/null
SELECT necp.random_seed(NULL) \g /dev/null
SELECT necp.clock_reset() \g /dev/null
SELECT dblink_disconnect('ear') \g /dev/null
SELECT * FROM finish();
