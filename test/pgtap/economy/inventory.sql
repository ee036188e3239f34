-- Backpacks, wallets, templates (DOMAIN §6).
\ir ../helpers.psql
SELECT plan(17);
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
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT * FROM finish();
