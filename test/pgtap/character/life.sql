-- The ends of characters: death and return, deletion, restoration, purge (DOMAIN §5).
\ir ../world/_world.sql
SELECT plan(96);
SELECT pg_temp.account('ann') \g /dev/null
SELECT pg_temp.player('bob') AS bob \gset
SELECT pg_temp.create_character('ann', 'Ann One ' || :'tag') AS c1, pg_temp.create_character('ann', 'Ann Two ' || :'tag') AS c2 \gset
CREATE FUNCTION pg_temp.refused(who text, method text, path text, id bigint) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, method, '/characters/{character_id}' || path, jsonb_build_object('character_id', id));
CREATE FUNCTION pg_temp.doing(who text, method text, path text, id bigint) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, method, '/characters/{character_id}' || path, jsonb_build_object('character_id', id));
CREATE FUNCTION pg_temp.events(who bigint, kind text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT count(*) FROM game.game_events WHERE type = kind AND character_id = who);
CREATE FUNCTION pg_temp.of(id bigint) RETURNS game.characters LANGUAGE sql RETURN (SELECT c FROM game.characters c WHERE c.id = of.id);
CREATE FUNCTION pg_temp.used() RETURNS int LANGUAGE sql RETURN (SELECT used FROM game.character_slots WHERE account_id = pg_temp.a('ann'));

-- Deletion -------------------------------------------------------------------------------------------------

SELECT is(pg_temp.refused('bob', 'DELETE', '', :c1), 'NC401 character_id', 'NOT_FOUND: another''s cannot be deleted');
SELECT is(pg_temp.refused('ann', 'DELETE', '', 0), 'NC001 character_id', 'VALIDATION: no id');
SELECT is(pg_temp.refused('bob', 'DELETE', '', :bob), 'NC923', 'LAST_CHARACTER: the only one stays');
SELECT pg_temp.select_character('ann', :c1) \g /dev/null
SELECT is(pg_temp.refused('ann', 'DELETE', '', :c1), 'NC922', 'BUSY: it is being played');
UPDATE game.characters SET status = 'IN_COMBAT' WHERE id = :c2;
SELECT is(pg_temp.refused('ann', 'DELETE', '', :c2), 'NC922', 'BUSY: it fights');
UPDATE game.characters SET status = 'ACTIVE' WHERE id = :c2;
SELECT pg_temp.template('relic', max_stack => 10) AS relic \gset
UPDATE pg_temp.who SET character_id = :c2 WHERE name = 'ann';
SELECT pg_temp.fill(pg_temp.backpack('ann'), format('[[%s, 3], [%s, 7]]', :relic, :relic)::jsonb) \g /dev/null
SELECT pg_temp.pay('WALLET', :c2, 'credits', 777) \g /dev/null
SELECT pg_temp.doing('ann', 'DELETE', '', :c2) AS view \gset
SELECT is((:'view'::json ->> 'restore_until')::timestamptz - (:'view'::json ->> 'deleted_at')::timestamptz, '30 days', 'a deleted character can be restored for 30 days');
SELECT is(:'view'::json ->> 'status', 'DELETED', 'it is DELETED');
SELECT is(pg_temp.used(), 1, 'its slot is free at once');
SELECT is(pg_temp.events(:c2, 'CHARACTER_DELETED'), 1::bigint, 'CHARACTER_DELETED');
SELECT is(pg_temp.holds('ann'), format('[[0, %s, 3], [1, %s, 7]]', :relic, :relic)::jsonb, 'what it owns is kept');
SELECT is(pg_temp.refusal('bob', 'POST', '/characters', jsonb_build_object('name', 'ANN TWO ' || :'tag', 'class', 'test_class', 'origin', 'test_origin')), '23505 characters_name_key', 'NAME_TAKEN: so is its name');
SELECT is(pg_temp.refused('ann', 'DELETE', '', :c2), 'NC401 character_id', 'NOT_FOUND: it is deleted once');
SELECT is(pg_temp.refused('ann', 'DELETE', '', :c1), 'NC923', 'LAST_CHARACTER: deleted ones do not count');
SELECT is(pg_temp.refused('ann', 'POST', '/select', :c2), 'NC401 character_id', 'NOT_FOUND: it cannot be selected');
SELECT is(pg_temp.refused('ann', 'PUT', '', :c2), 'NC401 character_id', 'NOT_FOUND: nor changed');
SELECT is(pg_temp.refused('ann', 'GET', '/stats', :c2), 'NC401', 'NOT_FOUND: nor looked at');
SELECT is((SELECT array_agg((i ->> 'character_id')::bigint) FROM json_array_elements(pg_temp.call('ann', 'GET', '/characters') -> 'items') i), ARRAY[:c1]::bigint[], 'it is not listed');
SELECT is((SELECT array_agg((i ->> 'character_id')::bigint) FROM json_array_elements(pg_temp.call('ann', 'GET', '/characters', '{"deleted": true}') -> 'items') i), ARRAY[:c1, :c2]::bigint[], 'but for who asks');
SELECT is(pg_temp.call('ann', 'GET', '/characters', '{"deleted": true}') #>> '{items,1,restore_until}', :'view'::json ->> 'restore_until', 'and sees until when it is');

-- Restoration ----------------------------------------------------------------------------------------------

SELECT is(pg_temp.refused('bob', 'POST', '/restore', :c2), 'NC401 character_id', 'NOT_FOUND: another''s cannot be restored');
SELECT is(pg_temp.refused('ann', 'POST', '/restore', :c1), 'NC901 character_id', 'CONFLICT: nor one that is there');
SELECT is(pg_temp.refused('ann', 'POST', '/restore', 9007199254740991), 'NC401 character_id', 'NOT_FOUND: nor one that never was');
SELECT pg_temp.create_character('ann', 'Ann ' || n || ' ' || :'tag') FROM generate_series(3, 4) n \g /dev/null
SELECT is(pg_temp.refused('ann', 'POST', '/restore', :c2), 'NC920', 'NO_FREE_SLOT');
UPDATE game.character_slots SET slots = 4 WHERE account_id = pg_temp.a('ann');
SELECT pg_temp.doing('ann', 'POST', '/restore', :c2) AS view \gset
SELECT is(row(:'view'::json ->> 'status', :'view'::json ->> 'deleted_at', :'view'::json ->> 'hp')::text, '(ACTIVE,,100)', 'a restored character is as it was');
SELECT is(pg_temp.used(), 4, 'and takes a slot');
SELECT is(pg_temp.events(:c2, 'CHARACTER_RESTORED'), 1::bigint, 'CHARACTER_RESTORED');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost so far');

-- Death ----------------------------------------------------------------------------------------------------

SELECT is(pg_temp.refusal_of('SELECT necp.character_kill(9007199254740991, ''test'')'), 'NC401 character_id', 'NOT_FOUND: nobody dies who is not there');
SELECT is(pg_temp.refusal_of(format('SELECT necp.character_kill(%s, '''')', :bob)), 'NC001 reason', 'VALIDATION: without a reason');
SET ROLE necp_edge;
SELECT throws_ok('SELECT necp.character_kill(1, ''test'')', '42501', NULL, 'servers do not kill');
RESET ROLE;
CALL pg_temp.open_zone('graveyard', NULL) \gset
UPDATE game.zones SET safe_x = 11, safe_y = -22, safe_z = 3, origin = 'operator' WHERE id = :zone_id;
INSERT INTO game.player_positions (character_id, place_id, x, y, z, yaw, saved_at) VALUES (:bob, :zone_id, 40, 40, 0, 0, necp.now());
SELECT pg_temp.enter_zone('bob', :zone_id) \g /dev/null
SELECT is((SELECT row(x, y, hp, activity)::text FROM live.zone_players WHERE character_id = :bob), '(40,40,100,IDLE)', 'one who lives');
BEGIN;
SELECT necp.character_kill(:bob, 'test') \g /dev/null
SELECT is((SELECT activity FROM live.zone_players WHERE character_id = :bob), 'IDLE', 'lives until the commit');
ROLLBACK;
SELECT is((SELECT row(hp, activity)::text FROM live.zone_players WHERE character_id = :bob), '(100,IDLE)', 'and after a rollback');
BEGIN;
SET LOCAL ROLE necp_admin;
SELECT necp.character_kill(:bob, 'test') \g /dev/null
COMMIT;
SELECT is((SELECT row(hp, activity)::text FROM live.zone_players WHERE character_id = :bob), '(0,DEAD)', 'who is killed is dead in the world');
SELECT is((SELECT row(status, hp, deaths, died_at IS NOT NULL)::text FROM pg_temp.of(:bob)), '(DEAD,0,1,t)', 'and in its row');
SELECT is((SELECT array_agg(data) FROM game.game_events WHERE type = 'PLAYER_DIED' AND character_id = :bob), '{"{\"cause\": \"OPERATOR\", \"reason\": \"test\", \"cause_id\": 0}"}', 'PLAYER_DIED');
SELECT is(pg_temp.refusal_of(format('SELECT necp.character_kill(%s, ''test'')', :bob)), 'NC950 character_id', 'TARGET_DEAD: once per life');
SELECT is(pg_temp.refusal('bob', 'POST', '/zones/{zone_id}/enter', jsonb_build_object('zone_id', :zone_id)), 'NC951', 'YOU_ARE_DEAD: the dead do not travel');
SELECT is((pg_temp.doing('bob', 'GET', '', :bob) ->> 'respawn_at')::timestamptz, (SELECT died_at + interval '10 s' FROM pg_temp.of(:bob)), 'everybody comes back after 10 seconds');
SELECT necp.world_exchange(pg_temp.request('[]', format('[[%s, 1, 40.1, 40, 0, 1]]', :bob)::jsonb)) \g /dev/null
SELECT is((SELECT row(x, y)::text FROM live.zone_players WHERE character_id = :bob), '(40,40)', 'nor walk');
SELECT throws_ok(format('UPDATE game.characters SET status = ''ACTIVE'' WHERE id = %s', :bob), '23514', NULL, 'the table knows who is dead');

-- Return: by the deadline, whoever comes first ---------------------------------------------------------------

BEGIN;
SELECT necp.run_job('character_respawn') \g /dev/null
SELECT is((pg_temp.of(:bob)).status, 'DEAD', 'nobody comes back early');
SELECT necp.clock_advance('10 seconds') \g /dev/null
SELECT necp.run_job('character_respawn') \g /dev/null
SELECT is((SELECT row(status, hp, died_at)::text FROM pg_temp.of(:bob)), '(ACTIVE,50,)', 'then with half of the hit points');
COMMIT;
SELECT is((SELECT row(x, y, z, hp, activity, place_id)::text FROM live.zone_players WHERE character_id = :bob), row(11, -22, 3, 50, 'IDLE', :zone_id)::text, 'at the safe point of the place');
SELECT is((SELECT row(x, y, z)::text FROM game.player_positions WHERE character_id = :bob), '(11,-22,3)', 'which is saved');
SELECT is(pg_temp.events(:bob, 'PLAYER_RESPAWNED'), 1::bigint, 'PLAYER_RESPAWNED, once');
SELECT necp.world_exchange(pg_temp.request('[]', format('[[%s, 2, 11.1, -22, 3, 1]]', :bob)::jsonb)) \g /dev/null
SELECT is((SELECT x FROM live.zone_players WHERE character_id = :bob), 11.1::real, 'it walks again');
SELECT necp.character_kill(:bob, 'again') \g /dev/null
BEGIN;
SELECT necp.clock_advance('10 seconds') \g /dev/null
SELECT is(pg_temp.act(pg_temp.s('bob'), 'zone_current()') ->> 'x', '11', 'a command brings back who is due');
SELECT is((pg_temp.of(:bob)).status, 'ACTIVE', 'before the scheduler does');
COMMIT;
SELECT is(pg_temp.events(:bob, 'PLAYER_RESPAWNED'), 2::bigint, 'once again, and nobody does so twice');
SELECT is((SELECT row(hp, activity)::text FROM live.zone_players WHERE character_id = :bob), '(50,IDLE)', 'in the world, too');

-- Death and absence --------------------------------------------------------------------------------------------

SELECT necp.character_kill(:bob, 'third') \g /dev/null
SELECT pg_temp.login('bob') \g /dev/null
SELECT is((SELECT row(status, hp)::text FROM pg_temp.of(:bob)), '(DEAD,0)', 'who leaves dead stays dead');
BEGIN;
SELECT is(pg_temp.act(pg_temp.s('bob'), format('character_select(%s)', :bob)) ->> 'status', 'DEAD', 'and may be chosen');
SELECT is((SELECT place_id FROM game.player_sessions WHERE id = pg_temp.s('bob')), NULL, 'to be nowhere');
ROLLBACK;
BEGIN;
SELECT necp.clock_advance('10 seconds') \g /dev/null
SELECT is(pg_temp.act(pg_temp.s('bob'), format('character_select(%s)', :bob)) ->> 'status', 'ACTIVE', 'until it is time');
COMMIT;
SELECT is((SELECT row(x, y, hp)::text FROM live.zone_players WHERE character_id = :bob), '(11,-22,50)', 'then it appears at the safe point');
BEGIN;
SELECT necp.character_kill(:bob, 'too late') \g /dev/null
SELECT pg_temp.act(pg_temp.s('bob'), 'auth_logout()') \g /dev/null
SELECT is((pg_temp.of(:bob)).hp, 0, 'hit points of the living world do not wake the dead');
ROLLBACK;
SELECT necp.character_kill(:c2, 'elsewhere') \g /dev/null
SELECT lives_ok(format('SELECT pg_temp.doing(''ann'', ''DELETE'', '''', %s)', :c2), 'the dead can be deleted');
SELECT is(pg_temp.refusal_of(format('SELECT necp.character_kill(%s, ''test'')', :c2)), 'NC401 character_id', 'NOT_FOUND: the deleted cannot be killed');
SELECT is((SELECT row(status, hp)::text FROM json_populate_record(NULL::game.characters, pg_temp.doing('ann', 'POST', '/restore', :c2))), '(ACTIVE,50)', 'who is restored lives');

-- Combat -------------------------------------------------------------------------------------------------------

SELECT necp.content_import('npcs', format('{"templates": [{"code": "rat_%1$s", "name": "Rat", "tier": 0, "level": 1, "max_hp": 100, "walk_speed": 0, "respawn_seconds": 3600}],
	"spawns": [{"code": "rat_%1$s", "template": "rat_%1$s", "zone": "%2$s", "x": 12, "y": -22}]}', :'tag', :'code')::jsonb) \g /dev/null
SELECT ok(pg_temp.wait_for(format('EXISTS (SELECT FROM live.zone_npcs WHERE place_id = %s)', :zone_id)), 'an NPC to fight');
SELECT npc_id AS rat FROM live.zone_npcs WHERE place_id = :zone_id \gset
SELECT pg_temp.call('bob', 'POST', '/combat/start', jsonb_build_object('npc_id', :rat)) ->> 'combat_id' AS combat \gset
SELECT is((pg_temp.of(:bob)).status, 'IN_COMBAT', 'who fights is IN_COMBAT');
SELECT pg_temp.create_character('bob', 'Bob Two ' || :'tag') AS bob2 \gset
SELECT necp.clock_advance('10 seconds') \g /dev/null
SELECT is(pg_temp.refused('bob', 'POST', '/select', :bob2), 'NC922', 'BUSY: nobody leaves a fight for another character');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'status and fights agree');
SELECT necp.character_kill(:bob, 'in combat') \g /dev/null
SELECT is((SELECT status FROM game.combat_sessions WHERE id = :combat), 'COMPLETED', 'a fight that nobody is left in is over');
SELECT is((SELECT combat_id FROM live.zone_npcs WHERE npc_id = :rat), 0::bigint, 'for the NPC as well');
SELECT is((SELECT row(hp, activity, combat_id)::text FROM live.zone_players WHERE character_id = :bob), '(0,DEAD,0)', 'and for the dead');
SELECT is(pg_temp.refusal('bob', 'POST', '/combat/start', jsonb_build_object('npc_id', :rat)), 'NC951', 'YOU_ARE_DEAD: who does not fight');
BEGIN;
SELECT necp.clock_advance('10 seconds') \g /dev/null
SELECT matches(pg_temp.act(pg_temp.s('bob'), format('combat_start(%s)', :rat)) ->> 'status', 'ACTIVE', 'before it is back');
COMMIT;
SELECT is((SELECT row(activity, hp, x)::text FROM live.zone_players WHERE character_id = :bob), '(COMBAT,50,11)', 'from the safe point');
SELECT pg_temp.login('bob') \g /dev/null
SELECT is((pg_temp.of(:bob)).status, 'ACTIVE', 'who leaves the world leaves the fight');

-- Purge --------------------------------------------------------------------------------------------------------

SELECT pg_temp.doing('ann', 'DELETE', '', :c2) \g /dev/null
SELECT (pg_temp.of(:c2)).deleted_at AS deleted \gset
BEGIN;
SELECT necp.clock_advance(:'deleted'::timestamptz + interval '30 days -1 second' - necp.now()) \g /dev/null
SELECT pg_temp.login('ann') \g /dev/null
SELECT matches(pg_temp.refused('ann', 'POST', '/restore', :c2), '^ok', 'a second before 30 days are over it can be restored');
SELECT necp.clock_advance('1 second') \g /dev/null
SELECT is(pg_temp.refused('ann', 'POST', '/restore', :c2), 'NCA20 character_id', 'RESTORE_EXPIRED: then no more, purged or not');
SELECT is(json_array_length(pg_temp.call('ann', 'GET', '/characters', '{"deleted": true}') -> 'items'), 3, 'nor is it listed');
COMMIT;
-- the scheduler runs meanwhile: what it may do before 03:00 is nothing
SELECT date_trunc('day', necp.now(), 'UTC') + CASE WHEN date_trunc('day', necp.now(), 'UTC') + interval '3 hours' > necp.now() THEN interval '3 hours' ELSE interval '27 hours' END AS three \gset
SELECT necp.clock_advance(:'three'::timestamptz - interval '3 seconds' - necp.now()) \g /dev/null
SELECT necp.run_job('character_purge') \g /dev/null
SELECT is((pg_temp.of(:c2)).purged_at, NULL, 'nothing is purged before 03:00 UTC');
SELECT necp.clock_advance(:'three'::timestamptz - necp.now()) \g /dev/null
SELECT necp.run_job('character_purge') \g /dev/null
SELECT ok((pg_temp.of(:c2)).purged_at >= :'three', 'at 03:00 UTC it is');
SELECT is(pg_temp.holds('ann'), '[]', 'its items are gone');
SELECT set_eq(format('SELECT m.quantity, m.cause, m.cause_id FROM game.item_moves m WHERE m.kind = ''DESTROY'' AND m.template_id = %s', :relic),
	format('VALUES (3, ''PURGE'', %1$s::bigint), (7, ''PURGE'', %1$s)', :c2), 'logged by custody');
SELECT is(pg_temp.balance('WALLET', :c2), 0::bigint, 'its credits are gone');
SELECT is((SELECT row(t.amount, t.cause, t.cause_id, r.holder)::text FROM game.ledger_transfers t JOIN game.ledger_accounts a ON a.id = t.from_id JOIN game.ledger_accounts r ON r.id = t.to_id
	WHERE a.holder = 'WALLET' AND a.owner_id = :c2), format('(777,PURGE,%s,SINK)', :c2), 'logged by the ledger');
SELECT is(pg_temp.events(:c2, 'CHARACTER_PURGED'), 1::bigint, 'CHARACTER_PURGED');
SELECT necp.run_job('character_purge') \g /dev/null
SELECT is(pg_temp.events(:c2, 'CHARACTER_PURGED'), 1::bigint, 'once');
SELECT pg_temp.login('ann') \g /dev/null
SELECT is(pg_temp.refused('ann', 'POST', '/restore', :c2), 'NCA20 character_id', 'RESTORE_EXPIRED: it does not come back');
SELECT is(pg_temp.refused('ann', 'DELETE', '', :c2), 'NC401 character_id', 'NOT_FOUND: nor goes again');
SELECT is((SELECT array_agg(h ->> 'kind') FROM json_array_elements(pg_temp.act(pg_temp.s('ann'), format('character_history(%s)', :c2)) -> 'items') h),
	'{PURGED,DELETED,RESTORED,DELETED,DIED,RESTORED,DELETED,CREATED}', 'its history is remembered');
SELECT is((SELECT count(*) FROM game.character_snapshots WHERE character_id = :c2), 0::bigint, 'what it had is not');
SELECT pg_temp.login('bob') \g /dev/null
SELECT isnt(pg_temp.create_character('bob', 'Ann Two ' || :'tag'), NULL, 'its name is free');
-- With its account ---------------------------------------------------------------------------------------------

SELECT pg_temp.account('cat') \g /dev/null
SELECT pg_temp.create_character('cat', 'Cat One ' || :'tag') AS cat1, pg_temp.create_character('cat', 'Cat Two ' || :'tag') AS cat2 \gset
SELECT pg_temp.doing('cat', 'DELETE', '', :cat2) \g /dev/null
SELECT pg_temp.call('cat', 'PUT', '/player/profile', '{"bio": "I live at the harbour."}') \g /dev/null
SELECT necp.ledger_mint('WALLET', :cat1, 'credits', 40, 'TEST'), necp.ledger_mint('PREMIUM', pg_temp.a('cat'), 'premium', 60, 'TEST') \g /dev/null
SELECT pg_temp.fill((SELECT container_id FROM game.character_inventory WHERE character_id = :cat1), format('[[%s, 2]]', :relic)::jsonb) \g /dev/null
SELECT pg_temp.fill((SELECT container_id FROM game.bank_storage WHERE account_id = pg_temp.a('cat')), format('[[%s, 3]]', :relic)::jsonb) \g /dev/null
SELECT pg_temp.call('cat', 'DELETE', '/account', '{"verified_hash": "hash of cat"}') \g /dev/null
SELECT necp.clock_advance('31 days 1 hour') \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT necp.run_job('account_purge') \g /dev/null
SELECT pg_temp.wait_for('(SELECT purged_at IS NOT NULL FROM game.accounts WHERE id = pg_temp.a(''cat''))') \g /dev/null
SELECT isnt((SELECT purged_at FROM game.accounts WHERE id = pg_temp.a('cat')), NULL, 'an account is purged');
SELECT is((SELECT count(*) FROM game.characters WHERE account_id = pg_temp.a('cat') AND purged_at IS NOT NULL), 2::bigint, 'with its characters, deleted before or not');
SELECT is((SELECT used FROM game.character_slots WHERE account_id = pg_temp.a('cat')), 0, 'whose slots are free');
SELECT is((SELECT count(*) FROM game.character_items i JOIN game.containers k ON k.id = i.container_id
	WHERE k.kind IN ('BACKPACK', 'EQUIPPED') AND k.owner_id IN (:cat1, :cat2) OR k.kind = 'BANK' AND k.owner_id = pg_temp.a('cat')), 0::bigint, 'nothing is left in bags and bank');
SELECT is((SELECT array_agg(m.quantity ORDER BY m.quantity) FROM game.item_moves m WHERE m.kind = 'DESTROY' AND m.template_id = :relic AND m.cause_id IN (:cat1, pg_temp.a('cat')) AND m.quantity < 4 AND m.moved_at > necp.now() - interval '1 hour'),
	'{2,3}', 'logged by custody');
SELECT is(pg_temp.balance('WALLET', :cat1) + pg_temp.balance('PREMIUM', pg_temp.a('cat')), 0::bigint, 'nor credits nor premium');
SELECT is((SELECT array_agg(row(t.amount, t.cause, r.holder)::text ORDER BY t.amount) FROM game.ledger_transfers t JOIN game.ledger_accounts a ON a.id = t.from_id JOIN game.ledger_accounts r ON r.id = t.to_id
	WHERE (a.holder, a.owner_id) IN (('WALLET', :cat1), ('PREMIUM', pg_temp.a('cat')))), '{"(40,PURGE,SINK)","(60,PURGE,SINK)"}', 'logged by the ledger');
SELECT is((SELECT bio FROM game.players WHERE account_id = pg_temp.a('cat')), '', 'nor what the player told of itself');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT * FROM finish();
