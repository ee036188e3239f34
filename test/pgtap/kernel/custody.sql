-- Custody (DOMAIN §0, G1, G2): what a pick-up does with stacks and slots. The drop's items meet a
-- backpack of three slots.
\ir ../helpers.psql
SELECT plan(37);
SELECT pg_temp.player('ann') \g /dev/null
CALL pg_temp.open_zone('custody', NULL) \gset
SELECT pg_temp.enter_zone('ann', :zone_id) \g /dev/null
SELECT pg_temp.template('ore', max_stack => 10) AS ore, pg_temp.template('gun', 'WEAPON') AS gun, pg_temp.backpack('ann') AS pack \gset
UPDATE game.containers SET capacity = 3 WHERE id = :pack;
CREATE FUNCTION pg_temp.lay(VARIADIC items int[]) RETURNS bigint LANGUAGE sql RETURN pg_temp.lay_drop(
	(SELECT place_id FROM game.player_sessions WHERE id = pg_temp.s('ann')),
	(SELECT jsonb_agg(jsonb_build_array(items[i], items[i + 1])) FROM generate_series(1, cardinality(items), 2) i));
CREATE FUNCTION pg_temp.pickup(drop bigint) RETURNS json LANGUAGE sql
	RETURN pg_temp.call('ann', 'POST', '/loot/pickup', jsonb_build_object('drop_id', drop), gen_random_uuid());
CREATE FUNCTION pg_temp.in_drop(drop bigint) RETURNS jsonb LANGUAGE sql
	RETURN (SELECT coalesce(jsonb_agg(jsonb_build_array(i.template_id, i.quantity) ORDER BY i.slot), '[]')
	        FROM game.world_drops d JOIN game.character_items i USING (container_id) WHERE d.id = drop);
CREATE FUNCTION pg_temp.item_of(drop bigint) RETURNS bigint LANGUAGE sql
	RETURN (SELECT i.id FROM game.world_drops d JOIN game.character_items i USING (container_id) WHERE d.id = drop LIMIT 1);

-- A free slot ----------------------------------------------------------------------------------------------

SELECT pg_temp.lay(:gun, 1) AS drop \gset
SELECT pg_temp.item_of(:drop) AS item \gset
UPDATE game.character_items SET durability = 42 WHERE id = :item;
SELECT is(pg_temp.pickup(:drop) ->> 'status', 'LOOTED', 'what fits is taken');
SELECT is((SELECT row(container_id, slot, durability)::text FROM game.character_items WHERE id = :item), format('(%s,0,42)', :pack),
	'the same item, in the first free slot, as worn as it was');
SELECT is((SELECT row(kind, quantity, to_container_id, cause, cause_id)::text FROM game.item_moves WHERE item_id = :item ORDER BY id DESC LIMIT 1),
	format('(MOVE,1,%s,PICKUP,%s)', :pack, :drop), 'its move is written');

-- A stack ----------------------------------------------------------------------------------------------------

SELECT pg_temp.lay(:ore, 4) AS drop \gset
SELECT pg_temp.pickup(:drop) \g /dev/null
SELECT is(pg_temp.holds('ann'), format('[[0, %s, 1], [1, %s, 4]]', :gun, :ore)::jsonb, 'a stack takes a slot');
SELECT pg_temp.lay(:ore, 3) AS drop \gset
SELECT pg_temp.item_of(:drop) AS item \gset
SELECT pg_temp.pickup(:drop) \g /dev/null
SELECT is(pg_temp.holds('ann'), format('[[0, %s, 1], [1, %s, 7]]', :gun, :ore)::jsonb, 'the same joins it');
SELECT is((SELECT count(*) FROM game.character_items WHERE id = :item), 0::bigint, 'and is no item any more');
SELECT is((SELECT row(kind, quantity, cause)::text FROM game.item_moves WHERE item_id = :item ORDER BY id DESC LIMIT 1), '(MERGE,3,PICKUP)', 'which is written');
SELECT is((SELECT other_item_id FROM game.item_moves WHERE item_id = :item ORDER BY id DESC LIMIT 1),
	(SELECT id FROM game.character_items WHERE container_id = :pack AND slot = 1), 'with the stack that it joined');

-- What does not join -----------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.joins(change text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	joined boolean;
BEGIN
	BEGIN
		EXECUTE 'UPDATE game.character_items SET ' || change || ' WHERE container_id = pg_temp.backpack(''ann'') AND slot = 1';
		PERFORM necp.loot_pickup(pg_temp.lay(current_setting('test.ore')::int, 1)) FROM necp.enter(pg_temp.s('ann'), NULL, NULL, NULL, 'c', -1);
		joined := (SELECT quantity = 8 FROM game.character_items WHERE container_id = pg_temp.backpack('ann') AND slot = 1);
		RAISE EXCEPTION USING ERRCODE = 'OK000';
	EXCEPTION WHEN SQLSTATE 'OK000' THEN
		RETURN joined;
	END;
END
$$;
SELECT set_config('test.ore', :'ore', false) \g /dev/null
SELECT is(pg_temp.joins('durability = durability'), true, 'a plain stack is joined');
SELECT is(pg_temp.joins('binding = ''CHARACTER'''), false, 'one with another binding is not');
SELECT is(pg_temp.joins('attributes = ''{"sharp": 1}'''), false, 'nor one with attributes of its own');
SELECT is(pg_temp.joins('lock_ref = 1'), false, 'nor one that is offered in a trade');
SELECT is(pg_temp.joins('quantity = 10'), false, 'nor a full one');
SELECT is(pg_temp.holds('ann'), format('[[0, %s, 1], [1, %s, 7]]', :gun, :ore)::jsonb, 'all of that was rolled back');

-- Across stacks ----------------------------------------------------------------------------------------------

SELECT pg_temp.lay(:ore, 5) AS drop \gset
SELECT pg_temp.item_of(:drop) AS item \gset
SELECT is((SELECT (pg_temp.pickup(:drop)) -> 'items' -> 0 ->> 'quantity'), '5', 'a stack that overflows is taken whole');
SELECT is(pg_temp.holds('ann'), format('[[0, %s, 1], [1, %s, 10], [2, %s, 2]]', :gun, :ore, :ore)::jsonb, 'it fills the first and opens another');
SELECT is((SELECT slot FROM game.character_items WHERE id = :item), 2, 'its rest is the same item');
SELECT results_eq(format('SELECT kind::text, quantity FROM game.item_moves WHERE item_id = %s ORDER BY id', :item),
	$$VALUES ('CREATE', 5), ('MERGE', 3), ('MOVE', 2)$$, 'every step is written');

-- Full ---------------------------------------------------------------------------------------------------------

SELECT pg_temp.lay(:ore, 9, :gun, 1) AS drop \gset
SELECT pg_temp.pickup(:drop) AS answer \gset
SELECT is(:'answer'::json ->> 'status', 'ACTIVE', 'what does not fit stays');
SELECT is((SELECT jsonb_agg(i -> 'quantity') FROM jsonb_array_elements(:'answer'::jsonb -> 'items') i), '[8]'::jsonb, 'the answer tells what was taken');
SELECT is(pg_temp.holds('ann'), format('[[0, %s, 1], [1, %s, 10], [2, %s, 10]]', :gun, :ore, :ore)::jsonb, 'stacks were filled');
SELECT is(pg_temp.in_drop(:drop), format('[[%s, 1], [%s, 1]]', :ore, :gun)::jsonb, 'the rest lies there');
SELECT is(pg_temp.refusal('ann', 'POST', '/loot/pickup', jsonb_build_object('drop_id', :drop)), 'NC930', 'INVENTORY_FULL: nothing of it fits');
SELECT throws_ok(format('SELECT pg_temp.pickup(%s)', :drop), 'NC930', NULL, 'INVENTORY_FULL: when it would commit, too');
SELECT is(pg_temp.in_drop(:drop), format('[[%s, 1], [%s, 1]]', :ore, :gun)::jsonb, 'and nothing was moved');
UPDATE game.containers SET capacity = 5 WHERE id = :pack;
SELECT is(pg_temp.pickup(:drop) ->> 'status', 'LOOTED', 'with more room it is all taken');
SELECT is(pg_temp.holds('ann'), format('[[0, %s, 1], [1, %s, 10], [2, %s, 10], [3, %s, 1], [4, %s, 1]]', :gun, :ore, :ore, :ore, :gun)::jsonb, 'slot by slot');

-- A gap -------------------------------------------------------------------------------------------------------

BEGIN;
DELETE FROM game.character_items WHERE container_id = :pack AND slot IN (0, 3);
SELECT pg_temp.lay(:gun, 1, :gun, 1) AS drop \gset
SELECT necp.loot_pickup(:drop) FROM necp.enter(pg_temp.s('ann'), NULL, NULL, NULL, 'c', -1) \g /dev/null
RESET search_path;
SELECT is((SELECT array_agg(slot ORDER BY slot) FROM game.character_items WHERE container_id = :pack), '{0,1,2,3,4}', 'gaps are filled');
ROLLBACK;

-- Expiry --------------------------------------------------------------------------------------------------------

SELECT pg_temp.lay(:ore, 6) AS drop \gset
SELECT pg_temp.item_of(:drop) AS item \gset
UPDATE game.world_drops SET expires_at = necp.now() - interval '1 second' WHERE id = :drop;
SELECT ok(pg_temp.wait_for(format('status = ''EXPIRED'' FROM game.world_drops WHERE id = %s', :drop)), 'what nobody takes vanishes');
SELECT is((SELECT row(kind, quantity, cause)::text FROM game.item_moves WHERE item_id = :item ORDER BY id DESC LIMIT 1), '(DESTROY,6,DROP_EXPIRED)', 'which is written');
SELECT is((SELECT count(*) FROM game.character_items WHERE id = :item), 0::bigint, 'it is gone');

-- What the tables themselves refuse ----------------------------------------------------------------------------

SELECT throws_ok(format('UPDATE game.character_items SET slot = 1 WHERE container_id = %s AND slot = 0', :pack), '23505', NULL, 'INVENTORY_FULL: one item in a slot');
SELECT throws_ok(format('UPDATE game.character_items SET quantity = 0 WHERE container_id = %s', :pack), '23514', NULL, 'no empty stack');
SELECT throws_ok(format('UPDATE game.character_items SET container_id = 0 WHERE container_id = %s AND slot = 0', :pack), '23503', NULL, 'no item without a container');
SELECT throws_ok($$INSERT INTO game.item_moves (item_id, template_id, kind, quantity, cause, cause_id, moved_at) VALUES (1, 1, 'MOVE', 1, 'X', 0, now())$$,
	'23514', NULL, 'no move from nowhere');
SELECT throws_ok($$INSERT INTO game.item_moves (item_id, template_id, kind, quantity, from_container_id, to_container_id, cause, cause_id, moved_at)
	VALUES (1, 1, 'DESTROY', 1, 1, 1, 'X', 0, now())$$, '23514', NULL, 'no destruction to somewhere');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost or doubled');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
