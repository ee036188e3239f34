-- Achievements (DOMAIN §25): moved by events alone, never down, reached once.
\ir ../helpers.psql
SELECT plan(25);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.player('bob') \g /dev/null
CALL pg_temp.open_zone('fame', NULL) \gset
SELECT pg_temp.enter_zone('ann', :zone_id) \g /dev/null
SELECT pg_temp.template('shard', 'IMPLANT', 'UNIQUE', 100) AS shard, pg_temp.template('chip', 'IMPLANT', 'COMMON', 100) AS chip \gset
SELECT necp.content_import('achievements', format('[
	{"code": "many_%1$s", "name": "Many", "description": "D", "category": "test", "kind": "PROGRESSIVE", "event": "ITEM_PICKED_UP", "item_type": "IMPLANT", "required": 10, "points": 20},
	{"code": "rare_%1$s", "name": "Rare", "description": "D", "category": "test", "event": "ITEM_PICKED_UP", "item_type": "IMPLANT", "rarity": "UNIQUE", "points": 50},
	{"code": "dark_%1$s", "name": "Dark", "description": "D", "category": "test", "kind": "SECRET", "event": "ITEM_PICKED_UP", "item_type": "IMPLANT", "required": 6, "points": 30},
	{"code": "none_%1$s", "name": "None", "description": "D", "category": "test", "event": "NO_SUCH_EVENT", "points": 10}]', :'tag')::jsonb) AS imported \gset
SELECT is(:imported, 4, 'a pack of four');
SELECT id AS many FROM game.achievements WHERE code = 'many_' || :'tag' \gset
CREATE PROCEDURE pg_temp.find(template int, quantity int) LANGUAGE plpgsql AS $$
DECLARE
	drop bigint := pg_temp.lay_drop((SELECT place_id FROM game.player_sessions WHERE id = pg_temp.s('ann')), jsonb_build_array(jsonb_build_array(template, quantity)));
BEGIN
	COMMIT;
	PERFORM pg_temp.call('ann', 'POST', '/loot/pickup', jsonb_build_object('drop_id', drop), gen_random_uuid());
END
$$;
-- Ours among those that are listed: code and progress.
CREATE FUNCTION pg_temp.listed(who text, path text DEFAULT '/achievements') RETURNS text LANGUAGE sql
	RETURN (SELECT coalesce(string_agg(format('%s %s%s', split_part(i ->> 'code', '_', 1), i ->> 'progress', CASE WHEN i ->> 'unlocked_at' IS NOT NULL THEN '!' END), ', ' ORDER BY n), '')
	        FROM json_array_elements(pg_temp.call(who, 'GET', path, jsonb_build_object('limit', 100)) -> 'items') WITH ORDINALITY j (i, n)
	        WHERE i ->> 'code' LIKE '%\_' || current_setting('test.tag'));

-- Progress -------------------------------------------------------------------------------------------------

SELECT is(pg_temp.listed('ann'), 'many 0, rare 0, none 0', 'all are listed but the secret one');
SELECT is(pg_temp.listed('ann', '/achievements/mine'), '', 'none has begun');
CALL pg_temp.find(:chip, 4);
SELECT is(pg_temp.listed('ann'), 'many 4, rare 0, none 0', 'a pick-up counts by its quantity, where it matches');
SELECT is(pg_temp.listed('ann', '/achievements/mine'), 'many 4', 'a secret one is not shown though it has begun');
SELECT is((SELECT p.progress FROM game.player_achievements p JOIN game.achievements a ON a.id = p.achievement_id WHERE a.code = 'dark_' || :'tag'), 4, 'but counts');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'ACHIEVEMENT_UNLOCKED' AND character_id = pg_temp.c('ann')), 0::bigint, 'nothing is reached yet');
CALL pg_temp.find(:chip, 2);
SELECT is(pg_temp.listed('ann'), 'many 6, rare 0, dark 6!, none 0', 'what was secret is shown once it is reached');
SELECT is((SELECT array_agg(data ->> 'achievement') FROM game.game_events WHERE type = 'ACHIEVEMENT_UNLOCKED' AND character_id = pg_temp.c('ann')), ARRAY['dark_' || :'tag'], 'ACHIEVEMENT_UNLOCKED');
SELECT is((SELECT c.type || (c.txid = e.txid) FROM game.game_events e JOIN game.game_events c ON c.id = e.causation_id WHERE e.type = 'ACHIEVEMENT_UNLOCKED' AND e.character_id = pg_temp.c('ann')),
	'ITEM_PICKED_UPtrue', 'caused by the pick-up and committed with it');
SELECT is((SELECT row(n.title, n.message)::text FROM game.notifications n WHERE n.account_id = pg_temp.a('ann') AND n.type = 'ACHIEVEMENT_UNLOCKED'), '("Achievement unlocked",Dark)', 'which the account is told');
SELECT unlocked_at AS since FROM game.player_achievements p JOIN game.achievements a ON a.id = p.achievement_id WHERE a.code = 'dark_' || :'tag' \gset
CALL pg_temp.find(:chip, 3);
SELECT is(pg_temp.listed('ann', '/achievements/mine'), 'many 9, dark 6!', 'what is reached does not move');
SELECT is((SELECT unlocked_at FROM game.player_achievements p JOIN game.achievements a ON a.id = p.achievement_id WHERE a.code = 'dark_' || :'tag'), :'since', 'nor is it reached again');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'ACHIEVEMENT_UNLOCKED' AND character_id = pg_temp.c('ann')), 1::bigint, 'nor told again');
CALL pg_temp.find(:shard, 5);
SELECT is(pg_temp.listed('ann', '/achievements/mine'), 'many 10!, rare 1!, dark 6!', 'two at once; progress does not pass what is required');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'ACHIEVEMENT_UNLOCKED' AND character_id = pg_temp.c('ann')), 3::bigint, 'each is an event');
SELECT is(pg_temp.listed('bob'), 'many 0, rare 0, none 0', 'another''s are one''s own');

-- Rollback -------------------------------------------------------------------------------------------------

DELETE FROM game.player_achievements WHERE character_id = pg_temp.c('ann') AND achievement_id = :many;
BEGIN;
SELECT necp.loot_pickup(pg_temp.lay_drop(:zone_id, format('[[%s, 1]]', :chip)::jsonb)) FROM necp.enter(pg_temp.s('ann'), NULL, NULL, NULL, 'c', -1) \g /dev/null
ROLLBACK;
SELECT is((SELECT count(*) FROM game.player_achievements WHERE achievement_id = :many), 0::bigint, 'what is rolled back does not count');

-- Lists ----------------------------------------------------------------------------------------------------

SELECT is(json_array_length(pg_temp.call('ann', 'GET', '/achievements', '{"limit": 1}') -> 'items'), 1, 'a page is as long as its limit');
SELECT is(pg_temp.call('ann', 'GET', '/achievements', jsonb_build_object('limit', 1, 'cursor', :many - 1)) #>> '{items,0,code}', 'many_' || :'tag', 'the next goes on behind its cursor');
SELECT is(pg_temp.refusal('ann', 'GET', '/achievements', '{"limit": 0}'), 'NC001 limit', 'VALIDATION: no page');

-- What the tables themselves refuse -------------------------------------------------------------------------

SELECT throws_ok(format('INSERT INTO game.player_achievements VALUES (%s, %s, -1)', pg_temp.c('bob'), :many), '23514', NULL, 'progress is not negative');
SELECT throws_ok(format('INSERT INTO game.player_achievements VALUES (%s, %s, 1, NULL, now())', pg_temp.c('bob'), :many), '23514', NULL, 'what is not reached is not claimed');
SELECT throws_ok(format('UPDATE game.achievements SET points = 101 WHERE id = %s', :many), '23514', NULL, 'points are 10 to 100');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
