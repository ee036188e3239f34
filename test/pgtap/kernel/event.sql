-- Events: facts written by the transaction that makes them true, and what reacts to them inside it.
\ir ../helpers.psql
SELECT plan(20);
SELECT pg_temp.account('ann') \g /dev/null
SELECT coalesce(max(id), 0) AS seen FROM game.game_events \gset
INSERT INTO game.quests (code, name, description, kind, origin) VALUES ('quest_' || :'tag', 'Q', 'Of tests.', 'SIDE', 'operator');
INSERT INTO game.character_origins (code, name, description, zone_code, credits, quests, origin)
	VALUES ('from_' || :'tag', 'O', 'Of tests.', 'no_such_zone', 7, ARRAY['quest_' || :'tag'], 'operator');
SELECT format('SELECT necp.character_create(%L, ''test_class'', %L) FROM necp.enter(%L, NULL, NULL, ''11111111-2222-3333-4444-555555555555'', ''a'', -1)',
	'ann' || :'tag', 'from_' || :'tag', pg_temp.s('ann')) AS create \gset
CREATE TEMP VIEW mine AS SELECT * FROM game.game_events WHERE account_id = pg_temp.a('ann')
	OR character_id IN (SELECT id FROM game.characters WHERE account_id = pg_temp.a('ann'));

-- All or nothing ---------------------------------------------------------------------------------------

SELECT is(pg_temp.run('edge', :'create', 'ROLLBACK', 'BEGIN'), 'ok', 'a command that is rolled back');
SELECT is_empty(format('SELECT * FROM mine WHERE id > %s', :seen), 'leaves no event');
SELECT is((SELECT count(*) FROM game.characters WHERE account_id = pg_temp.a('ann')), 0::bigint, 'as it leaves nothing else');
BEGIN;
UPDATE game.config SET value = '0' WHERE key = 'inventory.slots';
SELECT necp.config_changed() \g /dev/null
SELECT is(pg_temp.refusal_of(:'create'), '23514 containers_capacity_check', 'what fails in a reaction fails in its cause');
SELECT is_empty('SELECT * FROM mine WHERE type = ''CHARACTER_CREATED''', 'so neither happened');
ROLLBACK;
SELECT is(pg_temp.run('edge', :'create'), 'ok', 'a command that commits');
SELECT id AS created, * FROM mine WHERE type = 'CHARACTER_CREATED' \gset
SELECT is((SELECT count(*) FROM mine WHERE type = 'CHARACTER_CREATED'), 1::bigint, 'leaves its event');

-- What an event says ------------------------------------------------------------------------------------

SELECT is(:'aggregate_type' || ' ' || :aggregate_id, 'CHARACTER ' || :character_id, 'what it happened to');
SELECT is(:account_id::bigint, pg_temp.a('ann'), 'whose command it was');
SELECT is((SELECT name FROM game.characters WHERE id = :character_id), 'ann' || :'tag', 'and which character''s');
SELECT is(:'correlation_id'::text, '11111111-2222-3333-4444-555555555555', 'in which request');
SELECT is((SELECT causation_id FROM mine WHERE id = :created), NULL, 'no event caused it');
SELECT is((SELECT txid FROM mine WHERE id = :created), (SELECT xmin::text::xid8 FROM game.characters WHERE id = :character_id), 'in the transaction that made it true');
SELECT ok((SELECT occurred_at BETWEEN necp.now() - interval '1 minute' AND necp.now() FROM mine WHERE id = :created), 'when, by the game''s clock');

-- Reactions -----------------------------------------------------------------------------------------------

SELECT is((SELECT slots FROM game.character_inventory WHERE character_id = :character_id), 50, 'the backpack came with the character');
SELECT is((SELECT causation_id FROM mine WHERE type = 'QUEST_STARTED'), :created::bigint, 'an event of a reaction names its cause');
SELECT is((SELECT correlation_id FROM mine WHERE type = 'QUEST_STARTED'), '11111111-2222-3333-4444-555555555555'::uuid, 'and the request');
SELECT is((SELECT txid FROM mine WHERE type = 'QUEST_STARTED'), (SELECT txid FROM mine WHERE id = :created), 'in the same transaction');
SELECT is((SELECT n.event_id FROM game.notifications n WHERE n.account_id = pg_temp.a('ann') AND n.type = 'WELCOME_BACK'),
          (SELECT id FROM mine WHERE type = 'LOGIN_SUCCESS'), 'a notification names the event that it tells of');
SELECT is(pg_temp.refusal_of($$INSERT INTO game.game_events (type, aggregate_type, aggregate_id, occurred_at, data)
	VALUES ('X', 'X', 1, now() + interval '1 year', '{}')$$) LIKE '23514%', true, 'there is no partition for what is far off');
