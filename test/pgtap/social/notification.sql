-- Notifications (DOMAIN §16): written with what they tell of, once, for the account that it concerns.
\ir ../helpers.psql
SELECT plan(30);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.account('bob') \g /dev/null
CALL pg_temp.open_zone('news', NULL) \gset
SELECT pg_temp.enter_zone('ann', :zone_id) \g /dev/null
SELECT pg_temp.template('sword', 'WEAPON', 'LEGENDARY') AS sword, pg_temp.template('crown', 'ARMOR', 'LEGENDARY') AS crown, pg_temp.template('epic', 'ARMOR', 'EPIC') AS epic \gset
CREATE PROCEDURE pg_temp.find(template int) LANGUAGE plpgsql AS $$
DECLARE
	drop bigint := pg_temp.lay_drop((SELECT place_id FROM game.player_sessions WHERE id = pg_temp.s('ann')), jsonb_build_array(jsonb_build_array(template, 1)));
BEGIN
	COMMIT;
	PERFORM pg_temp.call('ann', 'POST', '/loot/pickup', jsonb_build_object('drop_id', drop), gen_random_uuid());
END
$$;
CREATE FUNCTION pg_temp.list(who text DEFAULT 'ann', params jsonb DEFAULT '{}') RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'GET', '/notifications', params);
CREATE FUNCTION pg_temp.unread(who text) RETURNS bigint LANGUAGE sql
	RETURN (pg_temp.call(who, 'GET', '/notifications/unread-count') ->> 'unread')::bigint;
CREATE FUNCTION pg_temp.read(who text, id bigint) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/notifications/{notification_id}/read', jsonb_build_object('notification_id', id));
CREATE FUNCTION pg_temp.no_read(who text, id bigint) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/notifications/{notification_id}/read', jsonb_build_object('notification_id', id));

-- What is told ---------------------------------------------------------------------------------------------

SELECT is((pg_temp.list()::jsonb #> '{items,0}') - 'notification_id' - 'created_at', '{"type": "WELCOME_BACK", "priority": "LOW", "title": "Welcome back!",
	"message": "Good to see you again.", "data": {}, "read": false}', 'a login is welcomed');
SELECT is(pg_temp.unread('ann'), 1::bigint, 'one waits');
CALL pg_temp.find(:epic);
SELECT is((SELECT count(*) FROM game.notifications WHERE account_id = pg_temp.a('ann') AND type = 'LEGENDARY_ACQUIRED'), 0::bigint, 'what is not legendary is not told');
CALL pg_temp.find(:sword);
SELECT is((SELECT row(title, message)::text FROM game.notifications WHERE account_id = pg_temp.a('ann') AND type = 'LEGENDARY_ACQUIRED'), '("Legendary weapon acquired!",sword)', 'a legendary weapon is');
CALL pg_temp.find(:crown);
SELECT is((SELECT title FROM game.notifications WHERE account_id = pg_temp.a('ann') AND type = 'LEGENDARY_ACQUIRED' ORDER BY id DESC LIMIT 1), 'Legendary item acquired!', 'and a legendary item');
SELECT is((SELECT e.type FROM game.notifications n JOIN game.game_events e ON e.id = n.event_id WHERE n.type = 'LEGENDARY_ACQUIRED' AND n.account_id = pg_temp.a('ann') ORDER BY n.id LIMIT 1),
	'ITEM_PICKED_UP', 'by the event that it tells of');
SELECT is((SELECT n.data ->> 'item' FROM game.notifications n WHERE n.type = 'LEGENDARY_ACQUIRED' AND n.account_id = pg_temp.a('ann') ORDER BY n.id LIMIT 1), 'sword_' || :'tag', 'with its data');
BEGIN;
SELECT necp.loot_pickup(pg_temp.lay_drop(:zone_id, format('[[%s, 1]]', :sword)::jsonb)) FROM necp.enter(pg_temp.s('ann'), NULL, NULL, NULL, 'c', -1) \g /dev/null
ROLLBACK;
SELECT is((SELECT count(*) FROM game.notifications WHERE account_id = pg_temp.a('ann') AND type = 'LEGENDARY_ACQUIRED'), 2::bigint, 'what is rolled back was not told');
SELECT throws_ok(format($$INSERT INTO game.notifications (account_id, event_id, type, priority, title, message, data, created_at)
	SELECT account_id, event_id, type, priority, title, message, data, created_at FROM game.notifications WHERE account_id = %s$$, pg_temp.a('ann')), '23505', NULL, 'an event is told once');

-- Lists ----------------------------------------------------------------------------------------------------

SELECT is((SELECT array_agg(i ->> 'title' ORDER BY n) FROM json_array_elements(pg_temp.list('ann', '{"limit": 2}') -> 'items') WITH ORDINALITY j (i, n)),
	(SELECT array_agg(title ORDER BY id DESC) FROM (SELECT id, title FROM game.notifications WHERE account_id = pg_temp.a('ann') ORDER BY id DESC LIMIT 2) l), 'newest first');
SELECT pg_temp.list('ann', '{"limit": 2}') ->> 'next_cursor' AS cursor \gset
SELECT ok((SELECT bool_and((i ->> 'notification_id')::bigint < :cursor) FROM json_array_elements(pg_temp.list('ann', jsonb_build_object('cursor', :cursor)) -> 'items') i), 'older ones behind the cursor');
SELECT is(json_array_length(pg_temp.list('bob') -> 'items'), 1, 'others have their own');
SELECT is(pg_temp.refusal('ann', 'GET', '/notifications', '{"limit": 1000}'), 'NC001 limit', 'VALIDATION: a long page');

-- Reading --------------------------------------------------------------------------------------------------

SELECT pg_temp.unread('ann') AS unread \gset
SELECT (pg_temp.list() #>> '{items,0,notification_id}') AS id \gset
SELECT is(pg_temp.read('ann', :id) ->> 'read', 'true', 'one is read');
SELECT is(pg_temp.unread('ann'), :unread - 1::bigint, 'and waits no more');
SELECT read_at AS since FROM game.notifications WHERE id = :id \gset
SELECT pg_sleep(0.01) \g /dev/null
SELECT is(pg_temp.read('ann', :id) ->> 'read', 'true', 'reading it again is harmless');
SELECT is((SELECT read_at FROM game.notifications WHERE id = :id), :'since', 'it was read when it was');
SELECT is(pg_temp.unread('ann'), :unread - 1::bigint, 'and counts once');
SELECT is(pg_temp.no_read('bob', :id), 'NC401', 'NOT_FOUND: another''s');
SELECT is(pg_temp.no_read('ann', 999999999), 'NC401', 'NOT_FOUND: nobody''s');
SELECT is(pg_temp.no_read('ann', 0), 'NC001 notification_id', 'VALIDATION: no id');
SELECT is(pg_temp.unread('bob'), 1::bigint, 'another''s are untouched');
UPDATE game.notifications SET dismissed_at = necp.now() WHERE account_id = pg_temp.a('ann') AND id <> :id;
SELECT is(json_array_length(pg_temp.list() -> 'items'), 1, 'what was put away is not listed');
SELECT is(pg_temp.unread('ann'), 0::bigint, 'nor counted');
UPDATE game.notifications SET dismissed_at = necp.now() WHERE id = :id;
SELECT is(pg_temp.no_read('ann', :id), 'NC401', 'NOT_FOUND: nor read');

-- Levels ---------------------------------------------------------------------------------------------------

UPDATE game.characters SET xp = 999 WHERE id = pg_temp.c('ann');
SELECT necp.content_import('npcs', format('{"templates": [{"code": "xp_%1$s", "name": "XP", "tier": 0, "level": 1, "max_hp": 1, "xp_base": 100}],
	"spawns": [{"code": "xp_%1$s", "template": "xp_%1$s", "zone": "news_%1$s", "x": 2, "y": 0}]}', :'tag')::jsonb) \g /dev/null
SELECT pg_temp.wait_for(format('EXISTS (SELECT FROM live.zone_npcs WHERE place_id = %s)', :zone_id)) \g /dev/null
SELECT npc_id AS npc FROM live.zone_npcs WHERE place_id = :zone_id \gset
SELECT pg_temp.call('ann', 'POST', '/combat/start', format('{"npc_id": %s}', :npc)::jsonb) ->> 'combat_id' AS combat \gset
SELECT pg_temp.call('ann', 'POST', '/combat/{combat_id}/attack', jsonb_build_object('combat_id', :combat, 'target_id', -:npc)) \g /dev/null
SELECT is((SELECT row(level, xp)::text FROM game.characters WHERE id = pg_temp.c('ann')), '(2,99)', 'a level takes 1000 x level^1.6 of experience');
SELECT is((SELECT array_agg(data ->> 'level') FROM game.game_events WHERE type = 'LEVEL_UP' AND character_id = pg_temp.c('ann')), '{2}', 'LEVEL_UP');
SELECT is((SELECT row(title, data ->> 'level')::text FROM game.notifications WHERE account_id = pg_temp.a('ann') AND type = 'LEVEL_UP'), '("Level up",2)', 'which is told');
SELECT is((SELECT count(*) FROM game.notifications WHERE account_id = pg_temp.a('bob')), 1::bigint, 'to whom it concerns');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT * FROM finish();
