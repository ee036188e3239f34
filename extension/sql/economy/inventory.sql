/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.item_view AS (
	item_id bigint,
	template_id int,
	code text,
	name text,
	type text,
	rarity text,
	slot int,
	quantity int,
	durability int,
	binding text,
	locked boolean
);
COMMENT ON TYPE necp.item_view IS 'An item.';
COMMENT ON COLUMN necp.item_view.item_id IS 'Identity, kept through every move.';
COMMENT ON COLUMN necp.item_view.template_id IS 'What it is.';
COMMENT ON COLUMN necp.item_view.code IS 'Code of the template.';
COMMENT ON COLUMN necp.item_view.name IS 'Name for players.';
COMMENT ON COLUMN necp.item_view.type IS 'Kind of item.';
COMMENT ON COLUMN necp.item_view.rarity IS 'Rarity.';
COMMENT ON COLUMN necp.item_view.slot IS 'Slot, from 0.';
COMMENT ON COLUMN necp.item_view.quantity IS 'Size of the stack.';
COMMENT ON COLUMN necp.item_view.durability IS 'Percent.';
COMMENT ON COLUMN necp.item_view.binding IS 'NONE, CHARACTER or ACCOUNT.';
COMMENT ON COLUMN necp.item_view.locked IS 'Offered in a trade.';

CREATE TYPE necp.inventory_view AS (
	slots int,
	used int,
	weight double precision,
	capacity double precision,
	credits bigint,
	items necp.item_view[]
);
COMMENT ON TYPE necp.inventory_view IS 'A backpack.';
COMMENT ON COLUMN necp.inventory_view.slots IS 'Slots it has.';
COMMENT ON COLUMN necp.inventory_view.used IS 'Slots that hold something.';
COMMENT ON COLUMN necp.inventory_view.weight IS 'Kilograms carried.';
COMMENT ON COLUMN necp.inventory_view.capacity IS 'Kilograms that can be carried.';
COMMENT ON COLUMN necp.inventory_view.credits IS 'Credits in the wallet.';
COMMENT ON COLUMN necp.inventory_view.items IS 'What is in it, by slot.';

CREATE TYPE necp.wallet_view AS (credits bigint, premium bigint);
COMMENT ON TYPE necp.wallet_view IS 'Money.';
COMMENT ON COLUMN necp.wallet_view.credits IS 'The character''s credits.';
COMMENT ON COLUMN necp.wallet_view.premium IS 'The account''s premium.';

CREATE TYPE necp.template_view AS (
	template_id int,
	code text,
	name text,
	description text,
	type text,
	rarity text,
	max_stack int,
	weight double precision,
	vendor_price bigint,
	binding text,
	attributes json
);
COMMENT ON TYPE necp.template_view IS 'What an item is.';
COMMENT ON COLUMN necp.template_view.template_id IS 'Identity.';
COMMENT ON COLUMN necp.template_view.code IS 'Code.';
COMMENT ON COLUMN necp.template_view.name IS 'Name for players.';
COMMENT ON COLUMN necp.template_view.description IS 'Text for players.';
COMMENT ON COLUMN necp.template_view.type IS 'Kind of item.';
COMMENT ON COLUMN necp.template_view.rarity IS 'Rarity.';
COMMENT ON COLUMN necp.template_view.max_stack IS 'Quantity of one stack.';
COMMENT ON COLUMN necp.template_view.weight IS 'Kilograms of one.';
COMMENT ON COLUMN necp.template_view.vendor_price IS 'Credits that a vendor asks.';
COMMENT ON COLUMN necp.template_view.binding IS 'When it binds, and to whom.';
COMMENT ON COLUMN necp.template_view.attributes IS 'Numbers of its type.';

CREATE FUNCTION necp.inventory_get() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_get';
COMMENT ON FUNCTION necp.inventory_get IS 'The backpack of the acting character.';
SELECT necp.route('GET', '/inventory', 'inventory_get', read_only => true, result => 'inventory_view');

CREATE FUNCTION necp.inventory_item(item_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_item';
COMMENT ON FUNCTION necp.inventory_item IS 'An item in the backpack.';
SELECT necp.route('GET', '/inventory/items/{item_id}', 'inventory_item', read_only => true, result => 'item_view');

CREATE FUNCTION necp.inventory_template(template_id int) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_template';
COMMENT ON FUNCTION necp.inventory_template IS 'What an item of this template is.';
SELECT necp.route('GET', '/inventory/templates/{template_id}', 'inventory_template', read_only => true, result => 'template_view');

CREATE FUNCTION necp.inventory_wallet() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_wallet';
COMMENT ON FUNCTION necp.inventory_wallet IS 'Credits and premium.';
SELECT necp.route('GET', '/inventory/wallet', 'inventory_wallet', read_only => true, result => 'wallet_view');

SELECT necp.topic('/topic/character/{character_id}/inventory', 'character_topic', 'Changes of the backpack: changes[item_id, op, quantity], credits.');

CREATE FUNCTION necp.item_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed int;
BEGIN
	INSERT INTO game.item_templates AS t (code, name, description, type, rarity, max_stack, weight, vendor_price, binding, attributes)
	SELECT p.code, p.name, p.description, p.type, p.rarity, coalesce(p.max_stack, 1), p.weight, p.vendor_price,
	       coalesce(p.binding, 'NONE'), coalesce(p.attributes, '{}')
	FROM jsonb_to_recordset(pack) p (code text, name text, description text, type text, rarity text,
		max_stack int, weight double precision, vendor_price bigint, binding text, attributes jsonb)
	ON CONFLICT (code) DO UPDATE
		SET name = excluded.name, description = excluded.description, type = excluded.type,
		    rarity = excluded.rarity, max_stack = excluded.max_stack, weight = excluded.weight,
		    vendor_price = excluded.vendor_price, binding = excluded.binding, attributes = excluded.attributes
		WHERE t.origin = 'pack'
		  AND (t.name, t.description, t.type, t.rarity, t.max_stack, t.weight, t.vendor_price, t.binding, t.attributes)
			IS DISTINCT FROM (excluded.name, excluded.description, excluded.type, excluded.rarity, excluded.max_stack,
			                  excluded.weight, excluded.vendor_price, excluded.binding, excluded.attributes);
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.item_import IS 'Imports an array of item templates.';
SELECT necp.content_kind('items', 'item_import', 10);

SELECT necp.integrity('inventory_template', $$
	SELECT format('item %s has template %s, which does not exist', i.id, i.template_id)
	FROM game.character_items i LEFT JOIN game.item_templates t ON t.id = i.template_id WHERE t.id IS NULL$$,
	'Every item has a template.');
SELECT necp.integrity('inventory_stack', $$
	SELECT format('item %s holds %s of at most %s', i.id, i.quantity, t.max_stack)
	FROM game.character_items i JOIN game.item_templates t ON t.id = i.template_id WHERE i.quantity > t.max_stack$$,
	'G1: no stack is larger than its template allows.');
SELECT necp.integrity('inventory_backpack', $$
	SELECT format('character %s has no backpack', c.id)
	FROM game.characters c LEFT JOIN game.character_inventory i ON i.character_id = c.id
	WHERE i.character_id IS NULL AND c.deleted_at IS NULL$$,
	'Every character has a backpack.');
