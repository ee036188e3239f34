-- Drops: who may take them, from where, and how often; what a kill leaves (DOMAIN §7, G7).
\ir ../helpers.psql
SELECT plan(56);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.player('bob') \g /dev/null
CALL pg_temp.open_zone('field', NULL) \gset
SELECT :zone_id AS field \gset
CALL pg_temp.open_zone('away', NULL) \gset
SELECT :zone_id AS away \gset
SELECT pg_temp.template('ore', max_stack => 10) AS ore, pg_temp.template('blade', 'WEAPON', binding => 'ON_PICKUP') AS blade \gset
CREATE FUNCTION pg_temp.take(who text, drop bigint, key uuid DEFAULT gen_random_uuid()) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/loot/pickup', jsonb_build_object('drop_id', drop), key);
CREATE FUNCTION pg_temp.refused(who text, drop bigint) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/loot/pickup', jsonb_build_object('drop_id', drop), gen_random_uuid());
CREATE FUNCTION pg_temp.status(drop bigint) RETURNS text LANGUAGE sql RETURN (SELECT row(status, credits)::text FROM game.world_drops WHERE id = drop);

-- From where -----------------------------------------------------------------------------------------------

SELECT pg_temp.lay_drop(:field, format('[[%s, 3]]', :ore)::jsonb, credits => 25) AS drop, pg_temp.lay_drop(:away, '[]', credits => 1) AS elsewhere,
	pg_temp.lay_drop(:field, '[]', credits => 1, x => 4, y => 3) AS edge, pg_temp.lay_drop(:field, '[]', credits => 1, x => 4, y => 3.1) AS beyond,
	pg_temp.lay_drop(:field, '[]', credits => 1, x => 90) AS far \gset
SELECT is(pg_temp.refused('ann', :drop), 'NC901', 'CONFLICT: from nowhere');
SELECT is(pg_temp.refusal('ann', 'GET', '/loot/drops/nearby'), 'NC901', 'CONFLICT: nor is anything nearby');
SELECT pg_temp.enter_zone('ann', :field), pg_temp.enter_zone('bob', :field) \g /dev/null
SELECT is((SELECT array_agg((i ->> 'drop_id')::bigint ORDER BY n) FROM json_array_elements(pg_temp.call('ann', 'GET', '/loot/drops/nearby') -> 'items') WITH ORDINALITY j (i, n)),
	ARRAY[:drop, :edge, :beyond, :far]::bigint[], 'what lies around, nearest first');
SELECT pg_temp.call('ann', 'GET', '/loot/drops/{drop_id}', jsonb_build_object('drop_id', :drop)) AS view \gset
SELECT is(:'view'::jsonb - 'items' - 'expires_at', jsonb_build_object('drop_id', :drop, 'place_id', :field, 'x', 0, 'y', 0, 'z', 0, 'mode', 'FREE_FOR_ALL', 'status', 'ACTIVE', 'credits', 25,
	'claims', '[]'::jsonb, 'master_id', null, 'assign_until', null), 'a drop');
SELECT is(:'view'::jsonb #> '{items,0,quantity}', '3', 'and what is in it');
SELECT is(pg_temp.refusal('ann', 'GET', '/loot/drops/{drop_id}', jsonb_build_object('drop_id', :elsewhere)), 'NC401', 'NOT_FOUND: one in another place');
SELECT is(pg_temp.refused('ann', :elsewhere), 'NC401 drop_id', 'NOT_FOUND: to take, too');
SELECT is(pg_temp.refused('ann', 999999999), 'NC401 drop_id', 'NOT_FOUND: no such drop');
SELECT is(pg_temp.refused('ann', 0), 'NC001 drop_id', 'VALIDATION: no id');
SELECT is(pg_temp.refused('ann', NULL), 'NC001 drop_id', 'VALIDATION: no drop');
SELECT is(pg_temp.refused('ann', :beyond), 'NC240 drop_id', 'TOO_FAR: more than 5 m');
SELECT matches(pg_temp.refused('ann', :edge), '^ok', '5 m are near');

-- Once -----------------------------------------------------------------------------------------------------

SELECT gen_random_uuid() AS key \gset
SELECT pg_temp.take('ann', :drop, :'key') AS answer \gset
SELECT is((:'answer'::jsonb) - 'items', jsonb_build_object('drop_id', :drop, 'status', 'LOOTED', 'credits', 25), 'who comes first takes it all');
SELECT is((:'answer'::jsonb #> '{items,0}') - 'item_id', jsonb_build_object('template_id', :ore, 'quantity', 3), 'and is told what');
SELECT is(pg_temp.holds('ann'), format('[[0, %s, 3]]', :ore)::jsonb, 'it is in the backpack');
SELECT is(pg_temp.balance('WALLET', pg_temp.c('ann')), 25::bigint, 'the credits in the wallet');
SELECT is((SELECT row(f.holder, t.amount, t.cause, t.cause_id)::text FROM game.ledger_transfers t JOIN game.ledger_accounts f ON f.id = t.from_id
	JOIN game.ledger_accounts r ON r.id = t.to_id WHERE r.holder = 'WALLET' AND r.owner_id = pg_temp.c('ann')), format('(MINT,25,LOOT,%s)', :drop), 'minted for it');
SELECT is((SELECT array_agg(type ORDER BY id) FROM game.game_events WHERE character_id = pg_temp.c('ann') AND type IN ('ITEM_PICKED_UP', 'CURRENCY_GAINED')),
	'{ITEM_PICKED_UP,CURRENCY_GAINED}', 'ITEM_PICKED_UP and CURRENCY_GAINED');
SELECT is(pg_temp.refused('bob', :drop), 'NC940 drop_id', 'ALREADY_LOOTED: by another');
SELECT is(pg_temp.refused('ann', :drop), 'NC940 drop_id', 'ALREADY_LOOTED: by oneself');
SELECT is(pg_temp.take('ann', :drop, :'key')::text, :'answer', 'a replay is told the same');
SELECT is(pg_temp.holds('ann'), format('[[0, %s, 3]]', :ore)::jsonb, 'and gets nothing');
SELECT is(pg_temp.balance('WALLET', pg_temp.c('ann')), 25::bigint, 'at all');
SELECT is((SELECT count(*) FROM json_array_elements(pg_temp.call('bob', 'GET', '/loot/drops/nearby') -> 'items') i WHERE (i ->> 'drop_id')::bigint = :drop), 0::bigint, 'it lies there no more');

-- In time --------------------------------------------------------------------------------------------------

SELECT pg_temp.lay_drop(:field, format('[[%s, 1]]', :ore)::jsonb, credits => 5) AS late \gset
SELECT necp.clock_advance('5 minutes') \g /dev/null
SELECT is(pg_temp.refused('ann', :late), 'NCA40 drop_id', 'DROP_EXPIRED: after five minutes, before anybody sweeps');
SELECT is((SELECT count(*) FROM json_array_elements(pg_temp.call('ann', 'GET', '/loot/drops/nearby') -> 'items')), 0::bigint, 'and it is not listed');
SELECT ok(pg_temp.wait_for(format('pg_temp.status(%s) = ''(EXPIRED,0)''', :late)), 'then it is swept');
SELECT is(pg_temp.refused('ann', :late), 'NCA40 drop_id', 'DROP_EXPIRED: still');
SELECT ok(pg_temp.wait_for(format('EXISTS (SELECT FROM game.game_events WHERE type = ''DROP_EXPIRED'' AND aggregate_id = %s)', :late)), 'DROP_EXPIRED');
SELECT is((SELECT count(*) FROM game.ledger_transfers WHERE cause = 'LOOT' AND cause_id = :late), 0::bigint, 'its credits never were');
SELECT necp.clock_reset() \g /dev/null

-- Whose ----------------------------------------------------------------------------------------------------

SELECT pg_temp.lay_drop(:field, format('[[%s, 1]]', :ore)::jsonb, 'NEED_GREED', 3, eligible => ARRAY[pg_temp.c('bob')]) AS bobs \gset
SELECT is(pg_temp.refused('ann', :bobs), 'NC340 drop_id', 'NOT_ELIGIBLE: who had no part in the kill');
SELECT throws_ok(format('SELECT pg_temp.take(''ann'', %s)', :bobs), 'NC340', NULL, 'NOT_ELIGIBLE: when it would commit, too');
SELECT is(pg_temp.status(:bobs), '(ACTIVE,3)', 'it stays');
SELECT is(pg_temp.take('bob', :bobs) ->> 'status', 'LOOTED', 'who had takes it');
SELECT pg_temp.lay_drop(:field, format('[[%s, 1]]', :ore)::jsonb, 'PERSONAL') AS nobodys \gset
SELECT is(pg_temp.refused('bob', :nobodys), 'NC340 drop_id', 'NOT_ELIGIBLE: nobody is by default');
UPDATE game.characters SET hp = 0 WHERE id = pg_temp.c('bob');
SELECT is(pg_temp.refusal('bob', 'GET', '/loot/drops/nearby') LIKE 'ok%', true, 'looking is free');

-- Full -----------------------------------------------------------------------------------------------------

UPDATE game.containers SET capacity = 1 WHERE id = pg_temp.backpack('ann');
SELECT pg_temp.lay_drop(:field, format('[[%s, 1]]', :blade)::jsonb, credits => 7) AS heavy \gset
SELECT pg_temp.take('ann', :heavy)::jsonb AS answer \gset
SELECT is((:'answer'::jsonb), jsonb_build_object('drop_id', :heavy, 'status', 'ACTIVE', 'credits', 7, 'items', '[]'::jsonb), 'credits fit into a full backpack');
SELECT is(pg_temp.status(:heavy), '(ACTIVE,0)', 'the rest stays');
SELECT is(pg_temp.refused('ann', :heavy), 'NC930', 'INVENTORY_FULL: then nothing is left that fits');
SELECT is(pg_temp.balance('WALLET', pg_temp.c('ann')), 32::bigint, 'the credits came once');
UPDATE game.containers SET capacity = 50 WHERE id = pg_temp.backpack('ann');

-- What a kill leaves ----------------------------------------------------------------------------------------

SELECT necp.content_import('loot', format('[{"code": "table_%1$s", "min_items": 2, "max_items": 2, "min_credits": 11, "max_credits": 11, "entries": [
	{"item": "ore_%1$s", "weight": 1, "min_quantity": 4, "max_quantity": 4}, {"item": "blade_%1$s", "chance": 1}]}]', :'tag')::jsonb) \g /dev/null
SELECT necp.content_import('npcs', format('{"templates": [{"code": "prey_%1$s", "name": "Prey", "tier": 0, "level": 1, "max_hp": 1, "loot_table_code": "table_%1$s", "respawn_seconds": 1}],
	"spawns": [{"code": "prey_%1$s", "template": "prey_%1$s", "zone": "field_%1$s", "x": 2, "y": 0}]}', :'tag')::jsonb) \g /dev/null
SELECT pg_temp.wait_for(format('EXISTS (SELECT FROM live.zone_npcs WHERE place_id = %s)', :field)) \g /dev/null
SELECT npc_id AS npc FROM live.zone_npcs WHERE place_id = :field \gset
SELECT pg_temp.call('ann', 'POST', '/combat/start', format('{"npc_id": %s}', :npc)::jsonb) ->> 'combat_id' AS combat \gset
SELECT is(pg_temp.call('ann', 'POST', '/combat/{combat_id}/attack', jsonb_build_object('combat_id', :combat, 'target_id', -:npc)) ->> 'killed', 'true', 'a kill');
SELECT * FROM (SELECT id AS fallen, mode, credits, row(place_id, x, y)::text AS lies FROM game.world_drops WHERE source = 'NPC' AND source_id = :npc) d \gset
SELECT is(:'lies'::text, format('(%s,2,0)', :field), 'leaves a drop where it fell');
SELECT is((SELECT jsonb_agg(jsonb_build_array(i.template_id, i.quantity) ORDER BY i.slot) FROM game.world_drops d JOIN game.character_items i USING (container_id) WHERE d.id = :fallen),
	format('[[%s, 4], [%s, 4], [%s, 1]]', :ore, :ore, :blade)::jsonb, 'two draws by weight, and what has a chance of its own');
SELECT is((SELECT binding FROM game.world_drops d JOIN game.character_items i USING (container_id) WHERE d.id = :fallen AND i.template_id = :blade), 'CHARACTER', 'what binds on pick-up is bound');
SELECT is(:'mode' || ' ' || :credits, 'NEED_GREED 11', 'with its credits and its mode');
SELECT is((SELECT array_agg(character_id) FROM game.drop_eligible WHERE drop_id = :fallen), ARRAY[pg_temp.c('ann')], 'for the one who killed');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'LOOT_GENERATED' AND aggregate_id = :fallen), 1::bigint, 'LOOT_GENERATED');
SELECT throws_ok(format($$INSERT INTO game.world_drops (place_id, x, y, z, source, source_id, source_life, container_id, mode, created_at, expires_at)
	SELECT place_id, x, y, z, source, source_id, source_life, 1, mode, created_at, expires_at FROM game.world_drops WHERE id = %s$$, :fallen), '23505', NULL, 'a life drops once');
SELECT is(pg_temp.take('ann', :fallen) ->> 'status', 'LOOTED', 'and can be taken');
-- Wallets ----------------------------------------------------------------------------------------------------

SELECT pg_temp.lay_drop(:field, '[]', 'NEED_GREED', 10, eligible => ARRAY[pg_temp.c('ann'), pg_temp.c('bob')]) AS rich, pg_temp.lay_drop(:field, '[]', 'NEED_GREED', 10, eligible => ARRAY[pg_temp.c('ann'), pg_temp.c('bob')]) AS richer \gset
SELECT pg_temp.balance('WALLET', pg_temp.c('ann')) AS anns, 1000000000000 - 3 - pg_temp.balance('WALLET', pg_temp.c('bob')) AS missing \gset
SELECT pg_temp.pay('WALLET', pg_temp.c('bob'), 'credits', :missing) \g /dev/null
SELECT is(pg_temp.refused('bob', :rich), '23514 ledger_accounts_balance_cap', 'WALLET_FULL: one''s own share does not fit');
SELECT is((pg_temp.take('ann', :rich) ->> 'credits')::int, 5, 'another takes its own');
SELECT is(pg_temp.balance('WALLET', pg_temp.c('bob')), 1000000000000, 'and the full wallet gets what it holds');
SELECT is(pg_temp.status(:rich), '(LOOTED,0)', 'the rest never was');
SELECT is((pg_temp.take('ann', :richer) ->> 'credits')::int, 5, 'nobody is kept from its own by a full wallet');
SELECT is(pg_temp.balance('WALLET', pg_temp.c('ann')) - :anns, 10::bigint, 'at all');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT pg_temp.call('ann', 'POST', '/auth/logout'), pg_temp.call('bob', 'POST', '/auth/logout') \g /dev/null
SELECT * FROM finish();
