-- Wearing things: slots, requirements, binding, wear, repair, and what it does to stats (DOMAIN §6).
\ir ../helpers.psql
SELECT plan(58);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.player('bob') \g /dev/null
CALL pg_temp.open_zone('wardrobe', NULL) \gset
SELECT pg_temp.enter_zone('ann', :zone_id) \g /dev/null
-- in a statement of its own: the update has to see the row
CREATE FUNCTION pg_temp.worn(code text, type text, attributes jsonb DEFAULT '{}', binding text DEFAULT 'NONE', price bigint DEFAULT 1) RETURNS int
	LANGUAGE plpgsql AS $$
DECLARE
	made int := pg_temp.template(code, type, binding => binding);
BEGIN
	UPDATE game.item_templates t SET attributes = worn.attributes, vendor_price = price WHERE t.id = made;
	RETURN made;
END
$$;
CREATE FUNCTION pg_temp.give(who text, template int, slot int DEFAULT NULL) RETURNS bigint LANGUAGE sql
	RETURN (pg_temp.fill(pg_temp.backpack(who), jsonb_build_array(jsonb_build_array(template, 1)), coalesce(slot,
		(SELECT min(n) FROM generate_series(0, 49) n WHERE n NOT IN (SELECT i.slot FROM game.character_items i WHERE i.container_id = pg_temp.backpack(who))))))[1];
CREATE FUNCTION pg_temp.equip(who text, item bigint, slot text DEFAULT NULL) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/inventory/equip', jsonb_strip_nulls(jsonb_build_object('item_id', item, 'slot', slot)));
CREATE FUNCTION pg_temp.no_equip(who text, item bigint, slot text DEFAULT NULL) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/inventory/equip', jsonb_strip_nulls(jsonb_build_object('item_id', item, 'slot', slot)));
CREATE FUNCTION pg_temp.place(item bigint) RETURNS text LANGUAGE sql
	RETURN (SELECT c.kind || ' ' || i.slot FROM game.character_items i JOIN game.containers c ON c.id = i.container_id WHERE i.id = item);
CREATE FUNCTION pg_temp.stat(who text, name text) RETURNS int LANGUAGE sql
	RETURN (pg_temp.call(who, 'GET', '/inventory/equipment') -> 'stats' ->> name)::int;

SELECT pg_temp.worn('gun', 'WEAPON', '{"damage": 40, "rpm": 300, "range_m": 20}') AS gun,
	pg_temp.worn('vest', 'ARMOR', '{"armor": 30, "bonus": {"reflexes": 2}}', 'ON_EQUIP', 101) AS vest,
	pg_temp.worn('helmet', 'ARMOR', '{"armor": 11, "slot": "head", "capacity_kg": 20, "luck": 3}') AS helmet,
	pg_temp.worn('odd', 'ARMOR', '{"slot": "tail"}') AS odd,
	pg_temp.worn('master', 'ARMOR', '{"slot": "boots", "requires": {"level": 5}}') AS master,
	pg_temp.worn('strong', 'ARMOR', '{"slot": "legs", "requires": {"body": 6}}') AS strong,
	pg_temp.worn('made_for', 'ARMOR', '{"slot": "gloves", "requires": {"class": "breaker"}}') AS made_for,
	pg_temp.worn('mine', 'ARMOR', '{"slot": "gloves", "requires": {"class": "test_class", "level": 1, "body": 5}}') AS mine,
	pg_temp.template('ore', max_stack => 10) AS ore \gset

-- Slots ----------------------------------------------------------------------------------------------------

SELECT pg_temp.call('ann', 'GET', '/inventory/equipment') AS bare \gset
SELECT is((SELECT jsonb_object_agg(kind, n) FROM (SELECT s ->> 'kind' AS kind, count(*) AS n FROM json_array_elements(:'bare'::json -> 'slots') s GROUP BY 1) k),
	'{"weapon": 3, "head": 1, "chest": 1, "legs": 1, "boots": 1, "gloves": 1, "cyberware": 6, "implant": 4, "accessory": 2}', 'twenty slots');
SELECT is((SELECT array_agg(s ->> 'slot') FROM json_array_elements(:'bare'::json -> 'slots') s WHERE NOT (s ->> 'open')::boolean), '{weapon_3}', 'the third weapon waits for level 10');
SELECT is((:'bare'::jsonb) - 'slots', '{"stats": {"body": 5, "reflexes": 5, "technical_ability": 5, "intelligence": 5, "cool": 5, "empathy": 5, "armor": 0, "luck": 10}, "damage": null}',
	'who wears nothing is who he is');
SELECT pg_temp.give('ann', :gun, 7) AS g1, pg_temp.give('ann', :gun, 8) AS g2, pg_temp.give('ann', :gun, 9) AS g3 \gset
SELECT is(pg_temp.equip('ann', :g1) -> 'slots' -> 0 -> 'item' ->> 'item_id', :'g1', 'a weapon goes into the first slot');
SELECT is(pg_temp.place(:g1), 'EQUIPPED 0', 'the same item');
SELECT is((SELECT row(kind, quantity, to_container_id, cause, cause_id)::text FROM game.item_moves WHERE item_id = :g1 ORDER BY id DESC LIMIT 1),
	format('(MOVE,1,%s,EQUIP,%s)', pg_temp.equipped('ann'), pg_temp.c('ann')), 'its move is written');
SELECT pg_temp.equip('ann', :g2) \g /dev/null
SELECT is(pg_temp.place(:g2), 'EQUIPPED 1', 'the next into the second');
SELECT is(pg_temp.no_equip('ann', :g3, 'weapon_3'), 'NC233 slot', 'REQUIREMENTS_NOT_MET: the third opens at level 10');
SELECT is(pg_temp.no_equip('ann', :g3, 'head'), 'NC001 slot', 'VALIDATION: not for the head');
SELECT is(pg_temp.no_equip('ann', :g3, 'pocket'), 'NC001 slot', 'VALIDATION: no such slot');
UPDATE game.containers SET capacity = 10 WHERE id = pg_temp.backpack('ann');
SELECT pg_temp.fill(pg_temp.backpack('ann'), (SELECT jsonb_agg(jsonb_build_array(:ore, 1)) FROM generate_series(0, 8))) \g /dev/null
SELECT pg_temp.equip('ann', :g3) \g /dev/null
SELECT is(pg_temp.place(:g3) || ', ' || pg_temp.place(:g1), 'EQUIPPED 0, BACKPACK 9', 'without a free slot they change places');
SELECT is(pg_temp.refusal('ann', 'POST', '/inventory/unequip', jsonb_build_object('item_id', :g2)), 'NC930', 'INVENTORY_FULL: to take off needs one');
SELECT results_eq(format('SELECT kind::text, cause FROM game.item_moves WHERE item_id = %s ORDER BY id', :g1),
	$$VALUES ('CREATE', 'TEST'), ('MOVE', 'EQUIP'), ('MOVE', 'EQUIP')$$, 'both moves are written');
SELECT is((SELECT array_agg(type || ' ' || aggregate_id ORDER BY id) FROM game.game_events WHERE character_id = pg_temp.c('ann') AND type LIKE 'ITEM_%EQUIPPED'),
	ARRAY['ITEM_EQUIPPED ' || :g1, 'ITEM_EQUIPPED ' || :g2, 'ITEM_UNEQUIPPED ' || :g1, 'ITEM_EQUIPPED ' || :g3], 'and told');
UPDATE game.containers SET capacity = 50 WHERE id = pg_temp.backpack('ann');
UPDATE game.characters SET level = 10 WHERE id = pg_temp.c('ann');
SELECT is(pg_temp.equip('ann', :g1, 'weapon_3') -> 'slots' -> 2 -> 'item' ->> 'item_id', :'g1', 'at level 10 it is open');
SELECT pg_temp.call('ann', 'POST', '/inventory/unequip', jsonb_build_object('item_id', :g1)) \g /dev/null
SELECT is(pg_temp.place(:g1), 'BACKPACK 9', 'what is taken off goes into the first free slot');
SELECT is(pg_temp.refusal('ann', 'POST', '/inventory/unequip', jsonb_build_object('item_id', :g1)), 'NC401 item_id', 'NOT_FOUND: it is worn no more');
SELECT is(pg_temp.refusal('bob', 'POST', '/inventory/unequip', jsonb_build_object('item_id', :g2)), 'NC401 item_id', 'NOT_FOUND: of another');

-- Requirements ---------------------------------------------------------------------------------------------

UPDATE game.characters SET level = 1 WHERE id = pg_temp.c('ann');
SELECT is(pg_temp.no_equip('ann', pg_temp.give('ann', :ore)), 'NC234 item_id', 'NOT_USABLE: ore is not worn');
SELECT is(pg_temp.no_equip('ann', pg_temp.give('ann', :odd)), 'NC234 item_id', 'NOT_USABLE: nor is what no slot is for');
SELECT is(pg_temp.no_equip('ann', pg_temp.give('ann', :master)), 'NC233 item_id', 'REQUIREMENTS_NOT_MET: level');
SELECT is(pg_temp.no_equip('ann', pg_temp.give('ann', :strong)), 'NC233 item_id', 'REQUIREMENTS_NOT_MET: attribute');
SELECT is(pg_temp.no_equip('ann', pg_temp.give('ann', :made_for)), 'NC233 item_id', 'REQUIREMENTS_NOT_MET: class');
SELECT matches(pg_temp.no_equip('ann', pg_temp.give('ann', :mine)), '^ok', 'who meets them all wears it');
SELECT is(pg_temp.no_equip('bob', :g1), 'NC401 item_id', 'NOT_FOUND: another''s');
SELECT is(pg_temp.no_equip('ann', -1), 'NC001 item_id', 'VALIDATION: no id');
SELECT throws_ok($$SELECT necp.content_import('items', '[{"code": "x", "name": "X", "description": "X", "type": "ARMOR", "rarity": "COMMON", "weight": 1, "vendor_price": 1,
	"attributes": {"requires": {"charm": 3}}}]')$$, 'NC001', NULL, 'content cannot require what nobody has');
UPDATE game.item_templates SET max_stack = 2 WHERE id = :gun;
SELECT is(pg_temp.no_equip('ann', (pg_temp.fill(pg_temp.backpack('ann'), format('[[%s, 2]]', :gun)::jsonb, 49))[1]), 'NC234 item_id', 'NOT_USABLE: what is worn is no stack');

-- Binding --------------------------------------------------------------------------------------------------

SELECT pg_temp.give('ann', :vest) AS v1, pg_temp.give('ann', :helmet) AS h1 \gset
SELECT pg_temp.equip('ann', :v1), pg_temp.equip('ann', :h1) \g /dev/null
SELECT is((SELECT array_agg(binding::text ORDER BY id) FROM game.character_items WHERE id IN (:v1, :h1)), '{CHARACTER,NONE}', 'ON_EQUIP binds when it is worn');

-- Stats ----------------------------------------------------------------------------------------------------

SELECT is(pg_temp.stat('ann', 'armor'), 41, 'armor adds up');
SELECT is(pg_temp.stat('ann', 'reflexes'), 7, 'bonuses count');
SELECT is(pg_temp.stat('ann', 'luck'), 13, 'luck as well');
SELECT is(pg_temp.call('ann', 'GET', '/inventory') ->> 'capacity', '145', 'and who has pockets carries more');
UPDATE game.item_templates SET max_stack = 1000 WHERE id = :ore;
SELECT floor(((bag ->> 'capacity')::float8 - (bag ->> 'weight')::float8) / 0.5)::int AS room FROM (SELECT pg_temp.call('ann', 'GET', '/inventory') AS bag) b \gset
SELECT matches(pg_temp.refusal_of(format('SELECT necp.inventory_grant(%s, ''ore_%s'', %s, ''TEST'')', pg_temp.c('ann'), :'tag', :room)), '^ok', 'pockets can be filled');
SELECT is(pg_temp.refusal_of(format('SELECT necp.inventory_grant(%s, ''ore_%s'', %s, ''TEST'')', pg_temp.c('ann'), :'tag', :room + 1)), 'NC933', 'OVERWEIGHT: to the last');
UPDATE game.character_items SET quality = 'MASTERWORK', upgrade = 2 WHERE id = :v1;
SELECT is(pg_temp.stat('ann', 'armor'), 52, 'quality and upgrades are factors: 30 x 1.25 x 1.1 + 11');
SELECT is((SELECT array_agg(factor ORDER BY factor) FROM game.item_qualities), '{0.5,0.75,1,1.1,1.25,1.5}', 'six qualities');
SELECT throws_ok(format('UPDATE game.character_items SET upgrade = 11 WHERE id = %s', :v1), '23514', NULL, 'ten levels at most');
UPDATE game.character_items SET quality = 'FINE' WHERE id = :g3;
SELECT is(pg_temp.call('ann', 'GET', '/inventory/equipment') ->> 'damage', '44', 'a fine weapon does more');
UPDATE game.character_items SET durability = 0 WHERE id IN (:g3, :v1);
SELECT is(pg_temp.stat('ann', 'armor'), 11, 'what is broken counts for nothing');
SELECT is(pg_temp.call('ann', 'GET', '/inventory/equipment') ->> 'damage', '40', 'the next weapon is used');

-- Repair ---------------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.repair(who text, item bigint) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/inventory/items/{item_id}/repair', jsonb_build_object('item_id', item), gen_random_uuid());
CREATE FUNCTION pg_temp.no_repair(who text, item bigint) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/inventory/items/{item_id}/repair', jsonb_build_object('item_id', item), gen_random_uuid());
SELECT is(pg_temp.no_repair('ann', :h1), 'NC901 item_id', 'CONFLICT: nothing to repair');
SELECT pg_temp.call('ann', 'POST', '/inventory/unequip', jsonb_build_object('item_id', :v1)) \g /dev/null
SELECT is(pg_temp.no_equip('ann', :v1), 'NC235 item_id', 'ITEM_BROKEN: it cannot be worn again');
SELECT matches(pg_temp.no_repair('ann', :v1), '^23514 ledger_accounts_balance_floor', 'INSUFFICIENT_FUNDS');
SELECT is((SELECT durability FROM game.character_items WHERE id = :v1), 0, 'then nothing is repaired');
SELECT necp.ledger_mint('WALLET', pg_temp.c('ann'), 'credits', 100, 'TEST') \g /dev/null
SELECT is(pg_temp.repair('ann', :v1)::jsonb, jsonb_build_object('item_id', :v1, 'durability', 100, 'price', 51, 'credits', 49), 'half the price, rounded up');
SELECT is((SELECT row(r.holder, t.amount, t.cause, t.cause_id)::text FROM game.ledger_transfers t JOIN game.ledger_accounts f ON f.id = t.from_id
	JOIN game.ledger_accounts r ON r.id = t.to_id WHERE f.owner_id = pg_temp.c('ann') AND f.holder = 'WALLET'), format('(SINK,51,REPAIR,%s)', :v1), 'it is sunk');
SELECT is((SELECT array_agg(type ORDER BY id) FROM game.game_events WHERE character_id = pg_temp.c('ann') AND type IN ('ITEM_REPAIRED', 'CURRENCY_SPENT')),
	'{CURRENCY_SPENT,ITEM_REPAIRED}', 'CURRENCY_SPENT and ITEM_REPAIRED');
UPDATE game.character_items SET durability = 99 WHERE id = :h1;
SELECT is(pg_temp.repair('ann', :h1) ->> 'price', '1', 'a scratch of something worn costs at least one');
SELECT is(pg_temp.no_repair('bob', :h1), 'NC401 item_id', 'NOT_FOUND: another''s');
SELECT is((SELECT array_agg(p.change ORDER BY p.transfer_id) FROM necp.credit_paths(pg_temp.a('ann')) p), '{100,-51,-1}', 'analysts see every path of the credits');

-- Death ----------------------------------------------------------------------------------------------------

SELECT pg_temp.equip('ann', :v1) \g /dev/null
UPDATE game.character_items SET durability = 25 WHERE id = :h1;
SELECT necp.character_kill(pg_temp.c('ann'), 'for the tests') \g /dev/null
SELECT results_eq(format('SELECT durability FROM game.character_items WHERE id IN (%s, %s, %s, %s) ORDER BY durability', :g2, :g3, :v1, :h1), 'VALUES (0), (15), (90), (90)',
	'death takes ten from what is worn');
SELECT is((SELECT durability FROM game.character_items WHERE id = :g1), 100, 'and nothing from what is carried');

-- Locked ---------------------------------------------------------------------------------------------------

UPDATE game.character_items SET lock_ref = 1 WHERE id IN (:g1, :g2);
SELECT is(pg_temp.no_equip('ann', :g1), 'NC931 item_id', 'ITEM_LOCKED: to wear');
SELECT is(pg_temp.refusal('ann', 'POST', '/inventory/unequip', jsonb_build_object('item_id', :g2)), 'NC931 item_id', 'ITEM_LOCKED: to take off');
SELECT is(pg_temp.no_repair('ann', :g1), 'NC931 item_id', 'ITEM_LOCKED: to repair');
UPDATE game.character_items SET lock_ref = NULL WHERE id = :g1;
SELECT is(pg_temp.no_equip('ann', :g1, 'weapon_2'), 'NC931 slot', 'ITEM_LOCKED: what would change places');
UPDATE game.character_items SET lock_ref = NULL WHERE id = :g2;
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT * FROM finish();
