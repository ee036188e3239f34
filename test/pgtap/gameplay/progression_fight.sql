-- What levels, perks and gear do in the live world, what kills teach, and luck (DOMAIN §6, §8, §10, §36).
\ir ../world/_world.sql
SELECT plan(41);
SELECT necp.content_import('zones', format('[{"code": "pit_%s", "name": "Pit", "kind": "CITY", "size_m": 400}]', :'tag')::jsonb) \g /dev/null
SELECT format('{"templates": [{"code": "thug_%1$s", "name": "Thug", "tier": 0, "level": 1, "max_hp": 1},
	{"code": "grey_%1$s", "name": "Grey", "tier": 0, "level": 1, "max_hp": 1, "xp_base": 0}, {"code": "sack_%1$s", "name": "Sack", "tier": 5, "level": 1, "max_hp": 1000000}],
	"spawns": [{"code": "one_%1$s", "template": "thug_%1$s", "zone": "pit_%1$s", "x": 1, "y": 0}, {"code": "two_%1$s", "template": "thug_%1$s", "zone": "pit_%1$s", "x": 2, "y": 0},
	{"code": "grey_%1$s", "template": "grey_%1$s", "zone": "pit_%1$s", "x": 1, "y": 1}, {"code": "sack_%1$s", "template": "sack_%1$s", "zone": "pit_%1$s", "x": 0, "y": 1}]}', :'tag') AS npcs \gset
SELECT necp.content_import('npcs', :'npcs'::jsonb) \g /dev/null
SELECT necp.content_import('perks', replace('[
	{"code": "sure^", "name": "Sure", "description": "Of tests.", "effects": {"crit_percent": 100, "damage_percent": 50}},
	{"code": "never^", "name": "Never", "description": "Of tests.", "effects": {"crit_percent": -100}},
	{"code": "hide^", "name": "Hide", "description": "Of tests.", "effects": {"armor": 9, "max_hp": 30, "luck": 2}}]', '^', '_' || :'tag')::jsonb) \g /dev/null
SELECT id AS pit FROM game.zones WHERE code = 'pit_' || :'tag' \gset
SELECT pg_temp.wait_for(format('npcs = 4 FROM live.zone_load WHERE place_id = %s', :pit)) \g /dev/null
CREATE FUNCTION pg_temp.npc(code text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT i.id FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id WHERE s.code = npc.code || '_' || current_setting('test.tag'));
SELECT pg_temp.player(w) FROM unnest('{ann,bob}'::text[]) w \g /dev/null
CREATE TEMP SEQUENCE source;
CREATE FUNCTION pg_temp.gain(who text, xp bigint) RETURNS bigint LANGUAGE sql
	RETURN necp.progression_gain(pg_temp.c(who), xp, 'TEST', nextval('pg_temp.source'));
CREATE FUNCTION pg_temp.learn(who text, perk text) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/progression/perks/learn', jsonb_build_object('perk', perk || '_' || current_setting('test.tag')));
CREATE FUNCTION pg_temp.live(who text) RETURNS text LANGUAGE sql
	RETURN (SELECT format('%s: %s of %s', level, hp, max_hp) FROM live.zone_players WHERE character_id = pg_temp.c(who));
CREATE FUNCTION pg_temp.strike(who text, code text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	combat bigint := pg_temp.call(who, 'POST', '/combat/start', jsonb_build_object('npc_id', pg_temp.npc(code))) ->> 'combat_id';
BEGIN
	PERFORM necp.clock_advance('1 s');
	RETURN pg_temp.call(who, 'POST', '/combat/{combat_id}/attack', jsonb_build_object('combat_id', combat, 'target_id', -pg_temp.npc(code)));
END
$$;
CREATE FUNCTION pg_temp.skill(who text, skill text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT e.xp FROM game.skill_experience e JOIN game.skills s ON s.id = e.skill_id WHERE e.character_id = pg_temp.c(who) AND s.code = skill);
CREATE FUNCTION pg_temp.last(who text) RETURNS jsonb LANGUAGE sql
	RETURN (SELECT data FROM game.game_events WHERE character_id = pg_temp.c(who) AND type = 'XP_GAINED' ORDER BY id DESC LIMIT 1);

-- The live world knows at the commit ------------------------------------------------------------------------

UPDATE game.characters SET hp = 40 WHERE id = pg_temp.c('ann');
SELECT pg_temp.enter_zone(w, :pit) FROM unnest('{ann,bob}'::text[]) w \g /dev/null
SELECT is(pg_temp.live('ann'), '1: 40 of 100', 'she is wounded');
BEGIN;
SELECT pg_temp.gain('ann', 1000) \g /dev/null
SELECT is(pg_temp.live('ann'), '1: 40 of 100', 'a level that has not come yet is not seen');
ROLLBACK;
SELECT is(pg_temp.live('ann'), '1: 40 of 100', 'nor one that never came');
SELECT pg_temp.gain('ann', 1000) \g /dev/null
SELECT is(pg_temp.live('ann'), '2: 50 of 110', 'a level is ten hit points more, the wound stays');
SELECT is(pg_temp.answer(necp.world_exchange(pg_temp.request(format('[[%s, 0]]', :pit)::jsonb))) -> 'changed' -> pg_temp.c('ann')::text ->> 'max_hp', '110', 'which clients see');
SELECT pg_temp.call('ann', 'POST', '/progression/attributes/spend', '{"attribute": "body"}') \g /dev/null
SELECT is(pg_temp.live('ann'), '2: 60 of 120', 'so is a point of body');
SELECT is((SELECT hp FROM game.characters WHERE id = pg_temp.c('ann')), 60, 'and the row says the same');
SELECT necp.character_kill(pg_temp.c('ann'), 'for the tests') \g /dev/null
SELECT pg_temp.gain('ann', 32000) \g /dev/null
SELECT matches(pg_temp.live('ann'), '^6: 0 of 160$', 'the dead get no hit points');
SELECT is((SELECT hp FROM game.characters WHERE id = pg_temp.c('ann')), 0, 'nor does the row');
SELECT necp.clock_advance('11 s') \g /dev/null
SELECT necp.run_job('character_respawn') \g /dev/null
SELECT is(pg_temp.live('ann'), '6: 80 of 160', 'who comes back has half of them');
SELECT pg_temp.learn('ann', 'hide') \g /dev/null
SELECT is(pg_temp.live('ann'), '6: 110 of 190', 'a perk gives its own');
SELECT pg_temp.pay('WALLET', pg_temp.c('ann'), 'credits', 6000) \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/progression/respec', '{}', gen_random_uuid()) \g /dev/null
SELECT is(pg_temp.live('ann'), '6: 110 of 150', 'a respec takes most, not life');
UPDATE game.characters SET hp = 150 WHERE id = pg_temp.c('ann');

-- Blows -----------------------------------------------------------------------------------------------------

SELECT pg_temp.gain('ann', 300000), pg_temp.gain('bob', 300000) \g /dev/null
SELECT pg_temp.strike('bob', 'sack') ->> 'damage' AS plain \gset
SELECT ok(:plain IN (60, 90), 'a plain blow is one of the side arm, critical or not');
SELECT pg_temp.learn('bob', 'never') \g /dev/null
SELECT is((SELECT array_agg(DISTINCT (pg_temp.strike('bob', 'sack') ->> 'damage')::int) FROM generate_series(1, 60)), '{60}', 'crit percent of perks: never');
SELECT pg_temp.learn('ann', 'sure') \g /dev/null
SELECT is((SELECT array_agg(DISTINCT (pg_temp.strike('ann', 'sack') ->> 'damage')::int) FROM generate_series(1, 60)), '{135}', 'always, with their damage: 60 × 1.5 × 1.5');
SELECT is((pg_temp.strike('ann', 'sack') -> 'crit'), 'true', 'and it says so');

-- Kills -----------------------------------------------------------------------------------------------------

SELECT xp AS xp FROM game.characters WHERE id = pg_temp.c('ann') \gset
UPDATE game.npc_templates SET level = 30, xp_base = 1001 WHERE code = 'thug_' || :'tag';
SELECT pg_temp.strike('ann', 'one') AS kill \gset
SELECT is(:'kill'::jsonb ->> 'killed', 'true', 'a kill');
SELECT is(pg_temp.last('ann') - 'xp' - 'level', jsonb_build_object('discarded', 0, 'cause', 'KILL', 'source_id', pg_temp.npc('one'), 'source_round', 1), 'gives experience for this life of it');
SELECT is(pg_temp.last('ann') -> 'xp', :'kill'::jsonb -> 'xp', 'as much as the blow says');
SELECT is(:'kill'::jsonb ->> 'xp', '1501', 'that is 1.5 times its base, at most');
SELECT is(pg_temp.skill('ann', 'side_arms'), 51::bigint, 'and a tenth of it, rounded up, to the skill for any weapon: 151, of which 100 are a level');
SELECT pg_temp.template('blade', 'WEAPON') AS blade \gset
UPDATE game.item_templates SET attributes = '{"damage": 500, "rpm": 600, "range_m": 20, "skill": "blades"}' WHERE id = :blade;
SELECT (pg_temp.fill(pg_temp.backpack('ann'), format('[[%s, 1]]', :blade)::jsonb))[1] AS item \gset
SELECT pg_temp.call('ann', 'POST', '/inventory/equip', format('{"item_id": %s}', :item)::jsonb) \g /dev/null
SELECT is(pg_temp.strike('ann', 'two') ->> 'killed', 'true', 'another');
SELECT is(pg_temp.skill('ann', 'blades'), 51::bigint, 'teaches what the weapon names');
SELECT is(pg_temp.skill('ann', 'side_arms'), 51::bigint, 'and nothing else');
SELECT count(*) AS gains FROM game.game_events WHERE character_id = pg_temp.c('ann') AND type = 'XP_GAINED' \gset
SELECT is(pg_temp.strike('ann', 'grey') ->> 'xp', '0', 'what is worth nothing');
SELECT is((SELECT count(*) FROM game.game_events WHERE character_id = pg_temp.c('ann') AND type = 'XP_GAINED'), :gains::bigint, 'gives nothing');
SELECT is(pg_temp.skill('ann', 'blades'), 51::bigint, 'and teaches nothing');
SELECT is((SELECT count(*) FROM necp.integrity_check() WHERE check_name = 'progression_once'), 0::bigint, 'nothing was given twice');

-- Luck ------------------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.luck(who text) RETURNS float8 LANGUAGE sql
	RETURN (pg_temp.call(who, 'GET', '/characters/{character_id}/stats', jsonb_build_object('character_id', pg_temp.c(who))) ->> 'luck')::float8;
SELECT pg_temp.template('charm', 'ARMOR') AS charm, pg_temp.template('dust') AS dust, pg_temp.template('star', 'MATERIAL', 'LEGENDARY') AS star \gset
UPDATE game.item_templates SET attributes = '{"slot": "head", "luck": 5}' WHERE id = :charm;
SELECT (pg_temp.fill(pg_temp.backpack('ann'), format('[[%s, 1]]', :charm)::jsonb))[1] AS charm \gset
SELECT necp.content_import('loot', format('[{"code": "luck_%1$s", "max_items": 1, "entries": [{"item": "dust_%1$s", "weight": 50}, {"item": "star_%1$s", "weight": 50}]}]', :'tag')::jsonb) \g /dev/null
SELECT is(pg_temp.luck('ann'), 10::float8, 'luck is 10');
SELECT pg_temp.call('ann', 'POST', '/inventory/equip', format('{"item_id": %s}', :charm)::jsonb) \g /dev/null
SELECT is(pg_temp.luck('ann'), 15::float8, 'gear adds to it');
SELECT pg_temp.learn('ann', 'hide') \g /dev/null
SELECT is(pg_temp.luck('ann'), 17::float8, 'perks as well');
UPDATE game.character_items SET quality = 'MASTERWORK' WHERE id = :charm;
SELECT is(pg_temp.luck('ann'), 18::float8, 'gear by its quality: floor(5 × 1.25)');
UPDATE game.character_items SET quality = 'LEGENDARY', upgrade = 10 WHERE id = :charm;
SELECT is(pg_temp.luck('ann'), 23::float8, 'and its upgrades: floor(5 × 1.5 × 1.5)');
SELECT is((pg_temp.call('ann', 'GET', '/inventory/equipment') -> 'stats' ->> 'luck')::float8, pg_temp.luck('ann'), 'there is one luck');
UPDATE game.character_items SET durability = 0 WHERE id = :charm;
SELECT is(pg_temp.luck('ann'), 12::float8, 'what is broken brings none');
UPDATE game.character_items SET durability = 100, quality = 'NORMAL', upgrade = 0 WHERE id = :charm;
CREATE FUNCTION pg_temp.drawn(who text, luck float8) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	drawn jsonb;
BEGIN
	PERFORM necp.random_seed(7);
	drawn := necp.loot_table_sample('luck_' || current_setting('test.tag'), 100000, pg_temp.c(who), current_setting('test.pit')::bigint, luck, 0);
	PERFORM necp.random_seed(NULL);
	RETURN drawn;
END
$$;
SELECT set_config('test.pit', :'pit', false) \g /dev/null
SELECT is(pg_temp.drawn('ann', 17), pg_temp.drawn('bob', 17), 'perks and gear turn loot by luck alone: with the same, the same is drawn');
SELECT isnt(pg_temp.drawn('ann', pg_temp.luck('ann')), pg_temp.drawn('bob', pg_temp.luck('bob')), 'with her own, other things');
SELECT ok((pg_temp.drawn('ann', pg_temp.luck('ann')) ->> :'star')::int > (pg_temp.drawn('bob', pg_temp.luck('bob')) ->> :'star')::int, 'and better ones');

-- Nobody is left behind in memory with old numbers ----------------------------------------------------------

SELECT is((SELECT count(*) FROM live.zone_players l JOIN game.characters c ON c.id = l.character_id WHERE l.place_id = :pit AND l.level <> c.level), 0::bigint, 'memory and rows agree');
SELECT necp.clock_advance('40 s') \g /dev/null
SELECT necp.combat_expire() \g /dev/null
SELECT is((SELECT count(*) FROM game.combat_sessions WHERE place_id = :pit AND status = 'ACTIVE'), 0::bigint, 'the fight is over');
SELECT pg_temp.call(w, 'POST', '/auth/logout') FROM unnest('{ann,bob}'::text[]) w \g /dev/null
SELECT is_empty($$SELECT * FROM necp.integrity_check() WHERE check_name LIKE 'progression%'$$, 'nothing is wrong');
SELECT necp.clock_reset() \g /dev/null
SELECT * FROM finish();
