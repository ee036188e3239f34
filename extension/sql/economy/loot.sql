/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.drop_view AS (
	drop_id bigint,
	place_id bigint,
	x real,
	y real,
	z real,
	mode text,
	status text,
	credits bigint,
	items necp.item_view[],
	expires_at timestamptz
);
COMMENT ON TYPE necp.drop_view IS 'What lies on the ground.';
COMMENT ON COLUMN necp.drop_view.drop_id IS 'Identity.';
COMMENT ON COLUMN necp.drop_view.place_id IS 'Zone, or minus the instance.';
COMMENT ON COLUMN necp.drop_view.x IS 'Metres.';
COMMENT ON COLUMN necp.drop_view.y IS 'Metres.';
COMMENT ON COLUMN necp.drop_view.z IS 'Metres.';
COMMENT ON COLUMN necp.drop_view.mode IS 'FREE_FOR_ALL, PERSONAL, NEED_GREED or MASTER_LOOTER.';
COMMENT ON COLUMN necp.drop_view.status IS 'ACTIVE, LOOTED or EXPIRED.';
COMMENT ON COLUMN necp.drop_view.credits IS 'Credits that come with it.';
COMMENT ON COLUMN necp.drop_view.items IS 'Items left in it.';
COMMENT ON COLUMN necp.drop_view.expires_at IS 'When it vanishes.';

CREATE TYPE necp.taken_view AS (item_id bigint, template_id int, quantity int);
COMMENT ON TYPE necp.taken_view IS 'An item that was taken.';
COMMENT ON COLUMN necp.taken_view.item_id IS 'The item that was in the drop.';
COMMENT ON COLUMN necp.taken_view.template_id IS 'What it is.';
COMMENT ON COLUMN necp.taken_view.quantity IS 'How many fitted.';
CREATE TYPE necp.pickup_view AS (drop_id bigint, status text, credits bigint, items necp.taken_view[]);
COMMENT ON TYPE necp.pickup_view IS 'What a pick-up brought.';
COMMENT ON COLUMN necp.pickup_view.drop_id IS 'The drop.';
COMMENT ON COLUMN necp.pickup_view.status IS 'LOOTED, or ACTIVE where something did not fit.';
COMMENT ON COLUMN necp.pickup_view.credits IS 'Credits received.';
COMMENT ON COLUMN necp.pickup_view.items IS 'Items received.';

CREATE FUNCTION necp.loot_nearby() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_nearby';
COMMENT ON FUNCTION necp.loot_nearby IS 'Drops around the acting character, nearest first. CONFLICT where it is in no zone.';
SELECT necp.route('GET', '/loot/drops/nearby', 'loot_nearby', read_only => true, result => 'drop_view', list => true);

CREATE FUNCTION necp.loot_drop(drop_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_drop';
COMMENT ON FUNCTION necp.loot_drop IS 'A drop in the place where the acting character is. CONFLICT where it is in no zone.';
SELECT necp.route('GET', '/loot/drops/{drop_id}', 'loot_drop', read_only => true, result => 'drop_view');

CREATE FUNCTION necp.loot_pickup(drop_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_pickup';
COMMENT ON FUNCTION necp.loot_pickup IS 'Takes what fits of one drop into the backpack of the acting character. NOT_FOUND, ALREADY_LOOTED, DROP_EXPIRED, TOO_FAR, NOT_ELIGIBLE, YOU_ARE_DEAD, INVENTORY_FULL, OVERWEIGHT, ITEM_LOCKED, WALLET_FULL, AMOUNT_OUT_OF_RANGE, CONFLICT where it is in no zone.';
SELECT necp.route('POST', '/loot/pickup', 'loot_pickup', idempotent => true, result => 'pickup_view');

CREATE TYPE necp.loot_entry AS (template_id int, weight double precision, chance double precision, min_quantity int, max_quantity int);
COMMENT ON TYPE necp.loot_entry IS 'An entry of a loot table, as a pack is compared with what is stored.';

CREATE FUNCTION necp.loot_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted record;
	changed int := 0;
	known int;
	entries necp.loot_entry[];
BEGIN
	FOR wanted IN
		SELECT p.code, coalesce(p.min_items, 1) AS min_items, coalesce(p.max_items, 3) AS max_items,
		       coalesce(p.min_credits, 0) AS min_credits, coalesce(p.max_credits, 100) AS max_credits, p.entries
		FROM jsonb_to_recordset(pack) p (code text, min_items int, max_items int, min_credits bigint, max_credits bigint, entries jsonb)
	LOOP
		-- entries as rows would be stored, in the pack's order
		SELECT array_agg(ROW(t.id, e.weight, e.chance, coalesce(e.min_quantity, 1),
		                     coalesce(e.max_quantity, e.min_quantity, 1))::necp.loot_entry ORDER BY n.ord)
		INTO entries
		FROM jsonb_array_elements(wanted.entries) WITH ORDINALITY n (entry, ord),
		     jsonb_to_record(n.entry) e (item text, weight double precision, chance double precision, min_quantity int, max_quantity int)
		LEFT JOIN game.item_templates t ON t.code = e.item;
		IF EXISTS (SELECT FROM jsonb_to_recordset(wanted.entries) e (item text)
		           WHERE e.item IS NOT NULL AND NOT EXISTS (SELECT FROM game.item_templates t WHERE t.code = e.item)) THEN
			RAISE EXCEPTION 'loot table "%" names items that do not exist', wanted.code USING ERRCODE = 'NC001', COLUMN = 'entries';
		END IF;
		SELECT t.id INTO known FROM game.loot_tables t
		WHERE t.code = wanted.code AND (t.origin = 'operator' OR (
			(t.min_items, t.max_items, t.min_credits, t.max_credits)
				= (wanted.min_items, wanted.max_items, wanted.min_credits, wanted.max_credits)
			AND entries IS NOT DISTINCT FROM (
				SELECT array_agg(ROW(e.template_id, e.weight, e.chance, e.min_quantity, e.max_quantity)::necp.loot_entry ORDER BY e.id)
				FROM game.loot_entries e WHERE e.table_id = t.id)));
		CONTINUE WHEN known IS NOT NULL;
		INSERT INTO game.loot_tables AS t (code, min_items, max_items, min_credits, max_credits)
		VALUES (wanted.code, wanted.min_items, wanted.max_items, wanted.min_credits, wanted.max_credits)
		ON CONFLICT (code) DO UPDATE SET min_items = excluded.min_items, max_items = excluded.max_items,
			min_credits = excluded.min_credits, max_credits = excluded.max_credits
		RETURNING t.id INTO known;
		DELETE FROM game.loot_entries e WHERE e.table_id = known;
		INSERT INTO game.loot_entries (table_id, template_id, weight, chance, min_quantity, max_quantity)
		SELECT known, e.* FROM unnest(entries) e;
		changed := changed + 1;
	END LOOP;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.loot_import IS 'Imports an array of loot tables.';
SELECT necp.content_kind('loot', 'loot_import', 20);

SELECT necp.integrity('loot_open_drop', $$
	SELECT format('drop %s is %s and still holds item %s', d.id, d.status, i.id)
	FROM game.world_drops d JOIN game.character_items i ON i.container_id = d.container_id
	WHERE d.status <> 'ACTIVE'$$,
	'What was looted or has expired holds nothing.');
SELECT necp.integrity('loot_once', $$
	SELECT format('%s %s dropped %s times in life %s', source, source_id, count(*), source_life)
	FROM game.world_drops GROUP BY source, source_id, source_life HAVING count(*) > 1$$,
	'G7: a life drops once.');
