-- Backpacks, wallets, templates (DOMAIN §6).
\ir ../helpers.psql
SELECT plan(103);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.player('bob') \g /dev/null
SELECT pg_temp.template('ore', max_stack => 10) AS ore, pg_temp.template('gun', 'WEAPON', 'RARE') AS gun \gset
SELECT is(pg_temp.call('ann', 'GET', '/inventory')::jsonb, '{"slots": 50, "used": 0, "weight": 0, "capacity": 125, "speed_percent": 100, "dodge_percent": 0, "sprint": true, "credits": 0, "items": []}',
	'an empty backpack: 50 slots, 50 kg and 15 for each point of body');
SELECT (pg_temp.fill(pg_temp.backpack('ann'), format('[[%s, 7], [%s, 1]]', :ore, :gun)::jsonb, 3))[1] AS item \gset
SELECT necp.ledger_mint('WALLET', pg_temp.c('ann'), 'credits', 30, 'TEST'), necp.ledger_mint('PREMIUM', pg_temp.a('ann'), 'premium', 4, 'TEST') \g /dev/null
SELECT pg_temp.call('ann', 'GET', '/inventory') AS bag \gset
SELECT is((:'bag'::jsonb) - 'items', '{"slots": 50, "used": 2, "weight": 4, "capacity": 125, "speed_percent": 100, "dodge_percent": 0, "sprint": true, "credits": 30}', 'weight and slots are those of what is in it');
SELECT is((SELECT array_agg((i ->> 'slot')::int ORDER BY n) FROM json_array_elements(:'bag'::json -> 'items') WITH ORDINALITY j (i, n)), '{3,4}', 'items by slot');
SELECT is(:'bag'::jsonb #> '{items,0}', jsonb_build_object('item_id', :item, 'template_id', :ore, 'code', 'ore_' || :'tag', 'name', 'ore', 'type', 'MATERIAL',
	'rarity', 'COMMON', 'slot', 3, 'quantity', 7, 'durability', 100, 'binding', 'NONE', 'quality', 'NORMAL', 'upgrade', 0, 'locked', false), 'what an item is');
UPDATE game.character_items SET lock_ref = 5, durability = 20 WHERE id = :item;
SELECT is(pg_temp.call('ann', 'GET', '/inventory/items/{item_id}', jsonb_build_object('item_id', :item))::jsonb - '{name,type,rarity,code}'::text[],
	jsonb_build_object('item_id', :item, 'template_id', :ore, 'slot', 3, 'quantity', 7, 'durability', 20, 'binding', 'NONE', 'quality', 'NORMAL', 'upgrade', 0, 'locked', true), 'one item');
UPDATE game.character_items SET lock_ref = NULL WHERE id = :item;
SELECT is(pg_temp.refusal('bob', 'GET', '/inventory/items/{item_id}', jsonb_build_object('item_id', :item)), 'NC401', 'NOT_FOUND: another''s');
SELECT is(pg_temp.refusal('ann', 'GET', '/inventory/items/{item_id}', '{"item_id": 999999999}'), 'NC401', 'NOT_FOUND: nobody''s');
SELECT is(pg_temp.refusal('ann', 'GET', '/inventory/items/{item_id}', '{"item_id": -1}'), 'NC001 item_id', 'VALIDATION: no id');
SELECT is(pg_temp.call('bob', 'GET', '/inventory') ->> 'used', '0', 'backpacks are their own');
UPDATE game.characters SET body = 8 WHERE id = pg_temp.c('bob');
SELECT is(pg_temp.call('bob', 'GET', '/inventory') ->> 'capacity', '170', 'who is stronger carries more');
SELECT is(pg_temp.call('ann', 'GET', '/inventory/wallet')::jsonb, '{"credits": 30, "premium": 4}', 'a wallet');
SELECT is(pg_temp.call('bob', 'GET', '/inventory/wallet')::jsonb, '{"credits": 0, "premium": 0}', 'an empty one');
SELECT is(pg_temp.call('bob', 'GET', '/inventory/templates/{template_id}', jsonb_build_object('template_id', :gun))::jsonb,
	jsonb_build_object('template_id', :gun, 'code', 'gun_' || :'tag', 'name', 'gun', 'description', 'Of tests.', 'type', 'WEAPON', 'rarity', 'RARE', 'max_stack', 1,
	'weight', 0.5, 'vendor_price', 1, 'binding', 'NONE', 'slot', 'weapon', 'attributes', '{}'::jsonb), 'a template');
SELECT is(pg_temp.refusal('ann', 'GET', '/inventory/templates/{template_id}', '{"template_id": 2000000000}'), 'NC401', 'NOT_FOUND: no such template');
SELECT is(pg_temp.refusal('ann', 'GET', '/inventory/templates/{template_id}', '{"template_id": 0}'), 'NC001 template_id', 'VALIDATION: no id of one');
SELECT throws_ok(format('UPDATE game.item_templates SET max_stack = 0 WHERE id = %s', :gun), '23514', NULL, 'a stack holds something');

-- Load -----------------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.load(kg double precision) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	bag json;
BEGIN
	BEGIN
		UPDATE game.item_templates SET weight = kg WHERE code = 'gun_' || current_setting('test.tag');
		PERFORM necp.enter(pg_temp.s('bob'), NULL, NULL, NULL, 'C', -1);
		bag := necp.inventory_get();
		RAISE EXCEPTION USING ERRCODE = 'OK000';
	EXCEPTION WHEN SQLSTATE 'OK000' THEN
		RETURN concat_ws(' ', bag ->> 'speed_percent', bag ->> 'dodge_percent', bag ->> 'sprint');
	END;
END
$$;
SELECT pg_temp.fill(pg_temp.backpack('bob'), format('[[%s, 1]]', :gun)::jsonb) \g /dev/null
SELECT is(pg_temp.load(84), '100 0 true', 'less than half of 170 kg is light');
SELECT is(pg_temp.load(85), '90 0 true', 'half of it slows down');
SELECT is(pg_temp.load(127.5), '75 -10 true', 'three quarters cost dodging');
SELECT is(pg_temp.load(153), '50 -20 false', 'with nine tenths nobody sprints');
SELECT is(pg_temp.load(170), '50 -20 false', 'all of it can still be carried');
SELECT is(pg_temp.load(170.1), '0 -20 false', 'more cannot');

-- Grants ---------------------------------------------------------------------------------------------------

SELECT pg_temp.player('cat') AS cat, pg_temp.player('dan') \gset
SELECT pg_temp.template('brick', max_stack => 10) AS brick, pg_temp.template('letter', 'QUEST_ITEM') AS letter,
	pg_temp.template('pledge', binding => 'ACCOUNT') AS pledge, pg_temp.template('tonic', 'CONSUMABLE', max_stack => 5) AS tonic,
	pg_temp.template('stone', max_stack => 5) AS stone \gset
UPDATE game.item_templates SET weight = 1 WHERE id = :brick;
UPDATE game.item_templates SET attributes = '{"heal": 30, "cooldown_s": 20}' WHERE id = :tonic;
UPDATE game.item_templates SET attributes = '{"heal": 5}' WHERE id = :stone;
CREATE FUNCTION pg_temp.grant_refused(item text, quantity int) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal_of(format('SELECT necp.inventory_grant(%s, %L, %s, ''TEST'')', pg_temp.c('cat'), item || '_' || current_setting('test.tag'), quantity));
SELECT necp.inventory_grant(:cat, 'brick_' || :'tag', 25, 'TEST') \g /dev/null
SELECT is(pg_temp.holds('cat'), format('[[0, %1$s, 10], [1, %1$s, 10], [2, %1$s, 5]]', :brick)::jsonb, 'overflow opens stacks');
SELECT necp.inventory_grant(:cat, 'brick_' || :'tag', 3, 'TEST') \g /dev/null
SELECT is(pg_temp.holds('cat') #>> '{2,2}', '8', 'what fits joins them');
SELECT is((SELECT count(*) FROM game.game_events WHERE character_id = :cat AND type = 'ITEM_ADDED'), 2::bigint, 'ITEM_ADDED');
SELECT is(pg_temp.grant_refused('brick', 98), 'NC933', 'OVERWEIGHT: 126 kg of 125');
SELECT matches(pg_temp.grant_refused('brick', 97), '^ok', '125 kg fit');
UPDATE game.containers SET capacity = 3 WHERE id = pg_temp.backpack('cat');
SELECT is(pg_temp.grant_refused('brick', 3), 'NC930', 'INVENTORY_FULL: a grant fits wholly or fails');
SELECT matches(pg_temp.grant_refused('brick', 2), '^ok', 'what fits into stacks needs no slot');
UPDATE game.containers SET capacity = 50 WHERE id = pg_temp.backpack('cat');
SELECT is(pg_temp.grant_refused('nothing', 2), 'NC401 item', 'NOT_FOUND: no such item');
SELECT necp.inventory_grant(:cat, 'pledge_' || :'tag', 1, 'TEST') \g /dev/null
SELECT is((SELECT binding::text FROM game.character_items WHERE container_id = pg_temp.backpack('cat') AND template_id = :pledge), 'ACCOUNT', 'what binds to the account is born bound');

-- Stacks ---------------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.at(slot int) RETURNS bigint LANGUAGE sql
	RETURN (SELECT i.id FROM game.character_items i WHERE i.container_id = pg_temp.backpack('cat') AND i.slot = at.slot);
CREATE FUNCTION pg_temp.act(verb text, item bigint, more jsonb DEFAULT '{}') RETURNS json LANGUAGE sql
	RETURN pg_temp.call('cat', 'POST', '/inventory/items/{item_id}/' || verb, jsonb_build_object('item_id', item) || more, gen_random_uuid());
CREATE FUNCTION pg_temp.no_act(verb text, item bigint, more jsonb DEFAULT '{}', who text DEFAULT 'cat') RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/inventory/items/{item_id}/' || verb, jsonb_build_object('item_id', item) || more, gen_random_uuid());
SELECT pg_temp.at(0) AS a, pg_temp.at(1) AS b, pg_temp.at(2) AS c \gset
UPDATE game.character_items SET durability = 100, attributes = '{"engraved": "cat"}' WHERE id = :a;
SELECT pg_temp.act('split', :a, '{"quantity": 4}') AS part \gset
SELECT is((:'part'::jsonb) - '{item_id,template_id,code,name,type,rarity}'::text[],
	'{"slot": 4, "quantity": 4, "durability": 100, "binding": "NONE", "quality": "NORMAL", "upgrade": 0, "locked": false}', 'a part goes into the first free slot');
SELECT (:'part'::json ->> 'item_id')::bigint AS p \gset
SELECT is((SELECT attributes FROM game.character_items WHERE id = :p), '{"engraved": "cat"}', 'with the attributes of the whole');
SELECT is((SELECT row(kind, quantity, other_item_id, cause)::text FROM game.item_moves WHERE item_id = :p), format('(SPLIT,4,%s,SPLIT)', :a), 'and is written');
SELECT is((SELECT array_agg(l.kind || ' ' || l.quantity ORDER BY l.moved_at, l.item) FROM necp.item_life(:p) l WHERE l.kind IN ('CREATE', 'SPLIT')),
	'{"CREATE 10","SPLIT 4"}', 'analysts see where it came from');
SELECT is(pg_temp.no_act('split', :a, '{"quantity": 6}'), 'NC236 quantity', 'INSUFFICIENT_QUANTITY: all of it is no part');
SELECT is(pg_temp.no_act('split', :a, '{"quantity": 7}'), 'NC236 quantity', 'INSUFFICIENT_QUANTITY: nor is more');
SELECT is(pg_temp.no_act('split', :a, '{"quantity": 0}'), 'NC002 quantity', 'AMOUNT_OUT_OF_RANGE: nothing');
SELECT is(pg_temp.no_act('split', :a, '{"quantity": -1}'), 'NC002 quantity', 'AMOUNT_OUT_OF_RANGE: less');
SELECT is(pg_temp.no_act('split', :a, '{"quantity": 1, "slot": 1}'), 'NC934 slot', 'SLOT_OCCUPIED');
SELECT is(pg_temp.no_act('split', :a, '{"quantity": 1, "slot": 50}'), 'NC001 slot', 'VALIDATION: no such slot');
SELECT is(pg_temp.act('split', :a, '{"quantity": 1, "slot": 40}') ->> 'slot', '40', 'a slot can be chosen');
SELECT is(pg_temp.no_act('split', :a, '{"quantity": 1}', 'dan'), 'NC401 item_id', 'NOT_FOUND: another''s');
UPDATE game.containers SET capacity = 5 WHERE id = pg_temp.backpack('cat');
SELECT is(pg_temp.no_act('split', :b, '{"quantity": 1}'), 'NC930', 'INVENTORY_FULL');
UPDATE game.containers SET capacity = 50 WHERE id = pg_temp.backpack('cat');
SELECT is(pg_temp.no_act('merge', :a, format('{"into_item_id": %s}', :a)::jsonb), 'NC001 into_item_id', 'VALIDATION: with itself');
SELECT is(pg_temp.no_act('merge', :a, format('{"into_item_id": %s}', :c)::jsonb), 'NC901 into_item_id', 'CONFLICT: what has something of its own joins nothing');
SELECT is(pg_temp.no_act('merge', :c, format('{"into_item_id": %s}', :b)::jsonb), 'NC901 into_item_id', 'CONFLICT: a full stack');
SELECT pg_temp.act('destroy', :b, '{"quantity": 7}') AS gone \gset
SELECT is(:'gone'::jsonb, format('{"item_id": %s, "quantity": 3, "destroyed": 7}', :b)::jsonb, 'a part can be destroyed');
SELECT is((SELECT row(kind, quantity, cause)::text FROM game.item_moves WHERE item_id = :b ORDER BY id DESC LIMIT 1), '(DESTROY,7,DESTROY)', 'which is written');
SELECT is(pg_temp.no_act('merge', :c, format('{"into_item_id": %s, "quantity": 9}', :b)::jsonb), 'NC236 quantity', 'INSUFFICIENT_QUANTITY: to join');
SELECT is(pg_temp.act('merge', :c, format('{"into_item_id": %s, "quantity": 2}', :b)::jsonb) ->> 'quantity', '5', 'two join three');
SELECT is(pg_temp.act('merge', :c, format('{"into_item_id": %s}', :b)::jsonb) ->> 'quantity', '10', 'what does not fit stays');
SELECT is((SELECT quantity FROM game.character_items WHERE id = :c), 1, 'one of it');
SELECT is(pg_temp.no_act('merge', :c, '{"into_item_id": 999999999}'), 'NC401 into_item_id', 'NOT_FOUND: nothing to join');
SELECT is(pg_temp.no_act('destroy', :c, '{"quantity": 2}'), 'NC236 quantity', 'INSUFFICIENT_QUANTITY: to destroy');
SELECT pg_temp.act('destroy', :c) \g /dev/null
SELECT is((SELECT count(*) FROM game.character_items WHERE id = :c), 0::bigint, 'all of it can be destroyed');
SELECT is((SELECT data ->> 'quantity' FROM game.game_events WHERE type = 'ITEM_DESTROYED' AND aggregate_id = :c), '1', 'ITEM_DESTROYED');

-- Slots ----------------------------------------------------------------------------------------------------

SELECT is(pg_temp.act('move', :a, '{"slot": 20}') ->> 'slot', '20', 'an item changes its slot');
SELECT is(pg_temp.act('move', :a, '{"slot": 20}') ->> 'slot', '20', 'to where it is: nothing happens');
SELECT is((SELECT count(*) FROM game.item_moves WHERE item_id = :a AND cause = 'ARRANGE'), 1::bigint, 'and one move is written');
SELECT is(pg_temp.no_act('move', :a, '{"slot": 1}'), 'NC934 slot', 'SLOT_OCCUPIED');
SELECT is(pg_temp.no_act('move', :a, '{"slot": -1}'), 'NC001 slot', 'VALIDATION: no such slot');
SELECT pg_temp.act('move', :a, '{"slot": 1, "swap": true}') \g /dev/null
SELECT is((SELECT array_agg(slot ORDER BY id) FROM game.character_items WHERE id IN (:a, :b)), '{1,20}', 'they change places');

-- Giving up, use -------------------------------------------------------------------------------------------

SELECT (pg_temp.fill(pg_temp.backpack('cat'), format('[[%s, 1]]', :letter)::jsonb, 30))[1] AS note,
	(pg_temp.fill(pg_temp.backpack('cat'), format('[[%s, 3]]', :tonic)::jsonb, 31))[1] AS drink,
	(pg_temp.fill(pg_temp.backpack('cat'), format('[[%s, 3]]', :stone)::jsonb, 32))[1] AS pebble \gset
CREATE FUNCTION pg_temp.no(verb text, item bigint, quantity int DEFAULT NULL, who text DEFAULT 'cat') RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/inventory/' || verb, jsonb_strip_nulls(jsonb_build_object('item_id', item, 'quantity', quantity)), gen_random_uuid());
SELECT is(pg_temp.no_act('destroy', :note), 'NC232 item_id', 'NOT_DELETABLE: what a quest needs');
SELECT is(pg_temp.no('drop', :a), 'NC901', 'CONFLICT: from nowhere nothing falls');
SELECT is(pg_temp.no('use', :pebble), 'NC234 item_id', 'NOT_USABLE: no consumable, whatever it says');
SELECT is(pg_temp.no('use', :a), 'NC234 item_id', 'NOT_USABLE: nor a brick');
SELECT is(pg_temp.no('use', :drink, who => 'dan'), 'NC401 item_id', 'NOT_FOUND: another''s');
UPDATE game.characters SET hp = 50 WHERE id = :cat;
SELECT pg_temp.call('cat', 'POST', '/inventory/use', jsonb_build_object('item_id', :drink), gen_random_uuid()) AS used \gset
SELECT is(:'used'::jsonb, format('{"item_id": %s, "quantity": 2, "hp": 80}', :drink)::jsonb, 'who is nowhere is healed as well');
SELECT is((SELECT hp FROM game.characters WHERE id = :cat), 80, 'in its row');
SELECT is((SELECT row(kind, quantity, cause)::text FROM game.item_moves WHERE item_id = :drink ORDER BY id DESC LIMIT 1), '(DESTROY,1,USE)', 'one is used up');
SELECT is(pg_temp.no('use', :drink), 'NC952 item_id', 'COOLDOWN');
SELECT necp.clock_advance('20 seconds') \g /dev/null
SELECT is(pg_temp.refusal('cat', 'POST', '/inventory/use', jsonb_build_object('item_id', :drink), gen_random_uuid())::text,
	format('ok: {"item_id":%s,"quantity":1,"hp":100}', :drink), 'after it again, up to all hit points');
SELECT necp.clock_reset() \g /dev/null
DELETE FROM game.item_cooldowns WHERE character_id = :cat;
CALL pg_temp.open_zone('market', NULL) \gset
SELECT pg_temp.enter_zone('cat', :zone_id), pg_temp.enter_zone('dan', :zone_id) \g /dev/null
SELECT is(pg_temp.call('cat', 'POST', '/inventory/use', jsonb_build_object('item_id', :drink), gen_random_uuid()) ->> 'hp', '100', 'who is in the world is healed there');
SELECT is((SELECT hp FROM live.zone_players WHERE character_id = :cat), 100, 'at once');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'ITEM_USED' AND character_id = :cat), 2::bigint, 'ITEM_USED');
SELECT is(pg_temp.no('drop', :note), 'NC232 item_id', 'NOT_DELETABLE: nor dropped');
SELECT is(pg_temp.no('drop', (SELECT id FROM game.character_items WHERE container_id = pg_temp.backpack('cat') AND template_id = :pledge)), 'NC231 item_id', 'ITEM_BOUND: what is bound is for nobody else');
SELECT is(pg_temp.no('drop', :pebble, 4), 'NC236 quantity', 'INSUFFICIENT_QUANTITY: to drop');
SELECT is(pg_temp.no('drop', :pebble, 0), 'NC002 quantity', 'AMOUNT_OUT_OF_RANGE: to drop');
SELECT pg_temp.call('cat', 'POST', '/inventory/drop', jsonb_build_object('item_id', :pebble, 'quantity', 2), gen_random_uuid()) AS dropped \gset
SELECT (:'dropped'::json ->> 'drop_id')::bigint AS drop \gset
SELECT is((:'dropped'::json ->> 'quantity'), '1', 'a part falls');
SELECT is((SELECT row(source, source_id, mode, status, place_id)::text FROM game.world_drops WHERE id = :drop), format('(PLAYER,%s,FREE_FOR_ALL,ACTIVE,%s)', :cat, :zone_id), 'a drop for everybody where it stands');
SELECT is((SELECT data ->> 'quantity' FROM game.game_events WHERE type = 'ITEM_DROPPED' AND aggregate_id = :pebble), '2', 'ITEM_DROPPED');
SELECT is(pg_temp.call('dan', 'POST', '/loot/pickup', jsonb_build_object('drop_id', :drop), gen_random_uuid()) ->> 'status', 'LOOTED', 'somebody else takes it');
SELECT is(pg_temp.holds('dan'), format('[[0, %s, 2]]', :stone)::jsonb, 'it is theirs now');
SELECT is((SELECT count(*) FROM necp.item_life((SELECT id FROM game.character_items WHERE container_id = pg_temp.backpack('dan')))), 3::bigint, 'its life is known from its creation on');
SELECT pg_temp.call('cat', 'POST', '/inventory/drop', jsonb_build_object('item_id', :a), gen_random_uuid()) ->> 'drop_id' AS drop \gset
SELECT is((SELECT c.kind || ' ' || c.owner_id FROM game.character_items i JOIN game.containers c ON c.id = i.container_id WHERE i.id = :a), 'DROP ' || :drop, 'a whole item falls as it is');
SELECT is((SELECT attributes FROM game.character_items WHERE id = :a), '{"engraved": "cat"}', 'with all that it has');

-- Taken back ------------------------------------------------------------------------------------------------

SELECT pg_temp.call('dan', 'POST', '/auth/logout') \g /dev/null
UPDATE game.characters SET hp = 50 WHERE id = pg_temp.c('dan');
SELECT pg_temp.login('dan') \g /dev/null
SELECT pg_temp.select_character('dan', pg_temp.c('dan')) \g /dev/null
SELECT pg_temp.enter_zone('dan', :zone_id) \g /dev/null
SELECT (pg_temp.fill(pg_temp.backpack('dan'), format('[[%s, 2]]', :tonic)::jsonb, 35))[1] AS sip \gset
SELECT pg_temp.statement('dan', 'POST', '/inventory/use', jsonb_build_object('item_id', :sip), gen_random_uuid()) AS sipping \gset
SELECT is(pg_temp.run('edge', :'sipping', 'SELECT (1 / 0)::text'), '22012', 'a use that fails in the end');
SELECT is((SELECT hp FROM live.zone_players WHERE character_id = pg_temp.c('dan')), 50, 'heals nobody');
SELECT is(pg_temp.call('dan', 'POST', '/inventory/use', jsonb_build_object('item_id', :sip), gen_random_uuid()) ->> 'hp', '80', 'one that does not, does');

-- Too heavy to pick up -------------------------------------------------------------------------------------

UPDATE game.item_templates SET weight = 50 WHERE id = :stone;
SELECT pg_temp.lay_drop(:zone_id, format('[[%s, 2]]', :stone)::jsonb) AS rock \gset
SELECT pg_temp.call('dan', 'POST', '/inventory/items/{item_id}/destroy', jsonb_build_object('item_id', :sip), gen_random_uuid()) \g /dev/null
SELECT is(pg_temp.refusal('dan', 'POST', '/loot/pickup', jsonb_build_object('drop_id', :rock), gen_random_uuid()), 'NC933', 'OVERWEIGHT: nothing of it can be carried');
UPDATE game.characters SET body = 7 WHERE id = pg_temp.c('dan');
SELECT is(pg_temp.call('dan', 'POST', '/loot/pickup', jsonb_build_object('drop_id', :rock), gen_random_uuid()) ->> 'status', 'ACTIVE', 'who is stronger takes one, and leaves the other');
SELECT is(pg_temp.holds('dan'), format('[[0, %s, 3]]', :stone)::jsonb, 'it joins the others');
UPDATE game.item_templates SET weight = 0.5 WHERE id = :stone;

-- Locked, dead ---------------------------------------------------------------------------------------------

UPDATE game.character_items SET lock_ref = 1 WHERE id = :b;
SELECT is(pg_temp.no_act(verb, :b, more), 'NC931 item_id', 'ITEM_LOCKED: ' || verb)
	FROM (VALUES ('split', '{"quantity": 1}'::jsonb), ('merge', '{"into_item_id": 1}'), ('move', '{"slot": 45}'), ('destroy', '{}')) v (verb, more);
SELECT is(pg_temp.no('drop', :b), 'NC931 item_id', 'ITEM_LOCKED: drop');
SELECT is(pg_temp.no('use', :b), 'NC931 item_id', 'ITEM_LOCKED: use');
UPDATE game.character_items SET lock_ref = NULL WHERE id = :b;
DELETE FROM game.item_cooldowns WHERE character_id = :cat;
SELECT pg_temp.fill(pg_temp.backpack('cat'), format('[[%s, 1]]', :tonic)::jsonb, 33) \g /dev/null
SELECT necp.character_kill(:cat, 'for the tests') \g /dev/null
SELECT is(pg_temp.no('use', pg_temp.at(33)), 'NC951', 'YOU_ARE_DEAD: to use');
SELECT is(pg_temp.no('drop', :b), 'NC951', 'YOU_ARE_DEAD: to drop');
SELECT pg_temp.call('cat', 'POST', '/auth/logout'), pg_temp.call('dan', 'POST', '/auth/logout') \g /dev/null
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT * FROM finish();
