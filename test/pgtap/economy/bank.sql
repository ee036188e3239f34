-- The bank of an account: what its characters put in and take out (DOMAIN §6).
\ir ../helpers.psql
SELECT plan(31);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.player('bob') \g /dev/null
SELECT pg_temp.template('ore', max_stack => 10) AS ore, pg_temp.template('anvil', max_stack => 10) AS anvil \gset
UPDATE game.item_templates SET weight = 30 WHERE id = :anvil;
CREATE FUNCTION pg_temp.body(item bigint, quantity int) RETURNS jsonb LANGUAGE sql
	RETURN jsonb_strip_nulls(jsonb_build_object('item_id', item, 'quantity', quantity));
CREATE FUNCTION pg_temp.put(who text, item bigint, quantity int DEFAULT NULL) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/inventory/bank/deposit', pg_temp.body(item, quantity), gen_random_uuid());
CREATE FUNCTION pg_temp.get(who text, item bigint, quantity int DEFAULT NULL) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/inventory/bank/withdraw', pg_temp.body(item, quantity), gen_random_uuid());
CREATE FUNCTION pg_temp.no_put(who text, item bigint, quantity int DEFAULT NULL) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/inventory/bank/deposit', pg_temp.body(item, quantity), gen_random_uuid());
CREATE FUNCTION pg_temp.no_get(who text, item bigint, quantity int DEFAULT NULL) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/inventory/bank/withdraw', pg_temp.body(item, quantity), gen_random_uuid());
CREATE FUNCTION pg_temp.banked(who text) RETURNS jsonb LANGUAGE sql
	RETURN (SELECT coalesce(jsonb_agg(jsonb_build_array(slot, quantity) ORDER BY slot), '[]') FROM game.character_items WHERE container_id = pg_temp.bank(who));

SELECT is(pg_temp.call('ann', 'GET', '/inventory/bank')::jsonb, '{"slots": 100, "used": 0, "items": []}', 'a hundred slots');
SELECT i[1] AS a, i[2] AS b, i[3] AS bound, i[4] AS kept FROM (SELECT pg_temp.fill(pg_temp.backpack('ann'), format('[[%1$s, 8], [%1$s, 6], [%1$s, 1], [%1$s, 2]]', :ore)::jsonb) AS i) f \gset
SELECT is(pg_temp.put('ann', :a) ->> 'used', '1', 'a stack goes in');
SELECT is((SELECT row(container_id, slot)::text FROM game.character_items WHERE id = :a), format('(%s,0)', pg_temp.bank('ann')), 'the same item');
SELECT is((SELECT row(kind, quantity, cause, cause_id)::text FROM game.item_moves WHERE item_id = :a ORDER BY id DESC LIMIT 1), format('(MOVE,8,BANK_DEPOSIT,%s)', pg_temp.c('ann')), 'its move is written');
SELECT is(pg_temp.put('ann', :b, 5) #>> '{items,0,quantity}', '10', 'a part fills the stack');
SELECT is(pg_temp.banked('ann'), '[[0, 10], [1, 3]]', 'and what overflows is a new one');
SELECT is((SELECT quantity FROM game.character_items WHERE id = :b), 1, 'the rest stays');
SELECT results_eq(format('SELECT kind::text, quantity FROM game.item_moves WHERE %s IN (item_id, other_item_id) ORDER BY id', :b), $$VALUES ('CREATE', 6), ('MERGE', 2), ('SPLIT', 3)$$, 'every step is written');
SELECT is(pg_temp.call('ann', 'GET', '/inventory/items/{item_id}', jsonb_build_object('item_id', :a)) ->> 'quantity', '10', 'it can be looked at there');
SELECT is(pg_temp.no_put('ann', :b, 2), 'NC236 quantity', 'INSUFFICIENT_QUANTITY: more than there is');
SELECT is(pg_temp.no_put('ann', :b, 0), 'NC002 quantity', 'AMOUNT_OUT_OF_RANGE: nothing');
SELECT is(pg_temp.no_put('ann', :a), 'NC401 item_id', 'NOT_FOUND: it is in there already');
SELECT is(pg_temp.no_put('bob', :b), 'NC401 item_id', 'NOT_FOUND: another''s');
SELECT is(pg_temp.no_get('bob', :a), 'NC401 item_id', 'NOT_FOUND: another''s bank');
SELECT is(pg_temp.no_get('ann', :b), 'NC401 item_id', 'NOT_FOUND: it is not in there');
UPDATE game.character_items SET binding = 'CHARACTER' WHERE id = :bound;
SELECT is(pg_temp.no_put('ann', :bound), 'NC231 item_id', 'ITEM_BOUND: to the character');
UPDATE game.character_items SET binding = 'ACCOUNT' WHERE id = :bound;
SELECT is(pg_temp.put('ann', :bound) ->> 'used', '3', 'what is bound to the account goes in, and joins nothing else');
UPDATE game.character_items SET lock_ref = 1 WHERE id IN (:a, :kept);
SELECT is(pg_temp.no_put('ann', :kept), 'NC931 item_id', 'ITEM_LOCKED: in');
SELECT is(pg_temp.no_get('ann', :a), 'NC931 item_id', 'ITEM_LOCKED: out');
UPDATE game.character_items SET lock_ref = NULL WHERE id IN (:a, :kept);

-- Another character of the account -------------------------------------------------------------------------

SELECT pg_temp.create_character('ann', 'twin ' || :'tag') AS twin \gset
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT pg_temp.login('ann'), necp.clock_advance('1 minute') \g /dev/null
SELECT pg_temp.select_character('ann', :twin) \g /dev/null
SELECT necp.clock_reset() \g /dev/null
UPDATE who SET character_id = :twin WHERE name = 'ann';
SELECT is(pg_temp.call('ann', 'GET', '/inventory/bank') ->> 'used', '3', 'every character of the account has the same bank');
SELECT is(pg_temp.get('ann', :a, 4) #>> '{items,0,quantity}', '6', 'and takes from it');
SELECT is(pg_temp.holds('ann'), format('[[0, %s, 4]]', :ore)::jsonb, 'a part is a new item');
SELECT is((SELECT count(*) FROM game.game_events WHERE character_id = :twin AND type = 'ITEM_ADDED'), 1::bigint, 'ITEM_ADDED');
SELECT pg_temp.get('ann', :a) \g /dev/null
SELECT is(pg_temp.holds('ann'), format('[[0, %s, 10]]', :ore)::jsonb, 'the rest joins it');

-- Room and weight -------------------------------------------------------------------------------------------

UPDATE game.containers SET capacity = 1 WHERE id = pg_temp.backpack('ann');
SELECT is(pg_temp.no_get('ann', :bound), 'NC930', 'INVENTORY_FULL: no free slot');
UPDATE game.containers SET capacity = 50 WHERE id = pg_temp.backpack('ann');
SELECT (pg_temp.fill(pg_temp.bank('ann'), format('[[%s, 5]]', :anvil)::jsonb, 90))[1] AS anvils \gset
SELECT is(pg_temp.no_get('ann', :anvils), 'NC933', 'OVERWEIGHT: 150 kg are too much');
SELECT is(pg_temp.no_get('ann', :anvils, 5), 'NC933', 'OVERWEIGHT: however they are counted');
SELECT is(pg_temp.get('ann', :anvils, 4) ->> 'used', '3', '125 kg can be carried');
SELECT is(pg_temp.call('ann', 'GET', '/inventory')::jsonb - '{slots,items,used,credits}'::text[], '{"weight": 125, "capacity": 125, "speed_percent": 50, "dodge_percent": -20, "sprint": false}',
	'slowly');
SELECT pg_temp.fill(pg_temp.bank('ann'), format('[[%s, 10]]', :ore)::jsonb) \g /dev/null
UPDATE game.containers SET capacity = 1 WHERE id = pg_temp.bank('ann');
SELECT is(pg_temp.no_put('ann', (SELECT id FROM game.character_items WHERE container_id = pg_temp.backpack('ann') AND template_id = :ore)), 'NC930', 'INVENTORY_FULL: a full bank takes nothing');
UPDATE game.containers SET capacity = 100 WHERE id = pg_temp.bank('ann');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT * FROM finish();
