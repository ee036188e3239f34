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
	quality text,
	upgrade int,
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
COMMENT ON COLUMN necp.item_view.quality IS 'DAMAGED, WORN, NORMAL, FINE, MASTERWORK or LEGENDARY.';
COMMENT ON COLUMN necp.item_view.upgrade IS 'Levels of improvement, up to 10.';
COMMENT ON COLUMN necp.item_view.locked IS 'Offered in a trade.';

CREATE TYPE necp.inventory_view AS (
	slots int,
	used int,
	weight double precision,
	capacity double precision,
	speed_percent int,
	dodge_percent int,
	sprint boolean,
	credits bigint,
	items necp.item_view[]
);
COMMENT ON TYPE necp.inventory_view IS 'A backpack.';
COMMENT ON COLUMN necp.inventory_view.slots IS 'Slots it has.';
COMMENT ON COLUMN necp.inventory_view.used IS 'Slots that hold something.';
COMMENT ON COLUMN necp.inventory_view.weight IS 'Kilograms carried, with what is worn.';
COMMENT ON COLUMN necp.inventory_view.capacity IS 'Kilograms that can be carried.';
COMMENT ON COLUMN necp.inventory_view.speed_percent IS 'Speed under this load; 0: too much to move.';
COMMENT ON COLUMN necp.inventory_view.dodge_percent IS 'What the load does to dodging.';
COMMENT ON COLUMN necp.inventory_view.sprint IS 'Whether it allows to sprint.';
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
	slot text,
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
COMMENT ON COLUMN necp.template_view.slot IS 'Kind of equipment slot that it goes into, or null.';
COMMENT ON COLUMN necp.template_view.attributes IS 'Numbers of its type.';

CREATE FUNCTION necp.inventory_get() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_get';
COMMENT ON FUNCTION necp.inventory_get IS 'The backpack of the acting character.';
SELECT necp.route('GET', '/inventory', 'inventory_get', read_only => true, result => 'inventory_view');

CREATE FUNCTION necp.inventory_item(item_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_item';
COMMENT ON FUNCTION necp.inventory_item IS 'An item in the backpack, worn, or in the bank.';
SELECT necp.route('GET', '/inventory/items/{item_id}', 'inventory_item', read_only => true, result => 'item_view');

CREATE FUNCTION necp.inventory_template(template_id int) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_template';
COMMENT ON FUNCTION necp.inventory_template IS 'What an item of this template is.';
SELECT necp.route('GET', '/inventory/templates/{template_id}', 'inventory_template', read_only => true, result => 'template_view');

CREATE FUNCTION necp.inventory_wallet() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_wallet';
COMMENT ON FUNCTION necp.inventory_wallet IS 'Credits and premium.';
SELECT necp.route('GET', '/inventory/wallet', 'inventory_wallet', read_only => true, result => 'wallet_view');

CREATE TYPE necp.destroyed_view AS (item_id bigint, quantity int, destroyed int);
COMMENT ON TYPE necp.destroyed_view IS 'What is left of an item after a part of it was destroyed.';
COMMENT ON COLUMN necp.destroyed_view.item_id IS 'The item.';
COMMENT ON COLUMN necp.destroyed_view.quantity IS 'How many are left.';
COMMENT ON COLUMN necp.destroyed_view.destroyed IS 'How many are gone.';
CREATE TYPE necp.dropped_view AS (item_id bigint, quantity int, drop_id bigint);
COMMENT ON TYPE necp.dropped_view IS 'What is left of an item after a part of it was dropped.';
COMMENT ON COLUMN necp.dropped_view.item_id IS 'The item.';
COMMENT ON COLUMN necp.dropped_view.quantity IS 'How many are left.';
COMMENT ON COLUMN necp.dropped_view.drop_id IS 'The drop, for everybody.';
CREATE TYPE necp.used_view AS (item_id bigint, quantity int, hp int);
COMMENT ON TYPE necp.used_view IS 'What a use did.';
COMMENT ON COLUMN necp.used_view.item_id IS 'The item.';
COMMENT ON COLUMN necp.used_view.quantity IS 'How many are left.';
COMMENT ON COLUMN necp.used_view.hp IS 'Hit points of the character now.';

CREATE FUNCTION necp.inventory_split(item_id bigint, quantity int, slot int DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_split';
COMMENT ON FUNCTION necp.inventory_split IS 'Takes a part of a stack into a free slot of the backpack, as a new item; slot: the first free one by default. INSUFFICIENT_QUANTITY, INVENTORY_FULL, SLOT_OCCUPIED, ITEM_LOCKED, AMOUNT_OUT_OF_RANGE.';
SELECT necp.route('POST', '/inventory/items/{item_id}/split', 'inventory_split', idempotent => true, status => 201, result => 'item_view');

CREATE FUNCTION necp.inventory_merge(item_id bigint, into_item_id bigint, quantity int DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_merge';
COMMENT ON FUNCTION necp.inventory_merge IS 'Joins what fits of a stack, at most quantity, to another in the backpack. CONFLICT where they do not stack or it is full. INSUFFICIENT_QUANTITY, ITEM_LOCKED, AMOUNT_OUT_OF_RANGE.';
SELECT necp.route('POST', '/inventory/items/{item_id}/merge', 'inventory_merge', idempotent => true, result => 'item_view');

CREATE FUNCTION necp.inventory_move(item_id bigint, slot int, swap boolean DEFAULT false) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_move';
COMMENT ON FUNCTION necp.inventory_move IS 'Puts an item into another slot of the backpack; swap: what is there changes places with it. SLOT_OCCUPIED, ITEM_LOCKED.';
SELECT necp.route('POST', '/inventory/items/{item_id}/move', 'inventory_move', result => 'item_view');

CREATE FUNCTION necp.inventory_destroy(item_id bigint, quantity int DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_destroy';
COMMENT ON FUNCTION necp.inventory_destroy IS 'Destroys an item of the backpack, or quantity of it. NOT_DELETABLE, INSUFFICIENT_QUANTITY, ITEM_LOCKED, AMOUNT_OUT_OF_RANGE.';
SELECT necp.route('POST', '/inventory/items/{item_id}/destroy', 'inventory_destroy', idempotent => true, result => 'destroyed_view');

CREATE FUNCTION necp.inventory_drop(item_id bigint, quantity int DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_drop';
COMMENT ON FUNCTION necp.inventory_drop IS 'Lays an item of the backpack, or quantity of it, at the character''s feet, for everybody. NOT_FOUND, NOT_DELETABLE, ITEM_BOUND, INSUFFICIENT_QUANTITY, ITEM_LOCKED, AMOUNT_OUT_OF_RANGE, YOU_ARE_DEAD, CONFLICT where it is in no zone.';
SELECT necp.route('POST', '/inventory/drop', 'inventory_drop', idempotent => true, result => 'dropped_view');

CREATE FUNCTION necp.inventory_use(item_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_inventory_use';
COMMENT ON FUNCTION necp.inventory_use IS 'Uses up one of a consumable of the backpack. NOT_FOUND, NOT_USABLE, COOLDOWN, YOU_ARE_DEAD, ITEM_LOCKED.';
SELECT necp.route('POST', '/inventory/use', 'inventory_use', idempotent => true, result => 'used_view');

CREATE FUNCTION necp.inventory_grant(character_id bigint, item text, quantity int, cause text) RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_inventory_grant_sql';
COMMENT ON FUNCTION necp.inventory_grant IS 'Makes items of a template for a character, all or none: for operators. NOT_FOUND, INVENTORY_FULL, OVERWEIGHT.';

SELECT necp.topic('/topic/character/{character_id}/inventory', 'character_topic', 'Changes of what one has: INVENTORY_CHANGED {changes[item_id, op, container, slot, qty, template_id, durability], credits}, op is ADD, MOVE, UPDATE or REMOVE; DURABILITY_LOW {items[item_id, durability]}.');

CREATE FUNCTION necp.item_check(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	WITH items AS (
		SELECT e.n - 1 AS at, e.v ->> 'code' AS code, CASE jsonb_typeof(e.v -> 'attributes') WHEN 'object' THEN e.v #> '{attributes,salvage}' END AS salvage
		FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY e (v, n)
	), salvages AS (
		SELECT i.at, i.salvage, i.salvage ->> 'item' AS item,
			format('$[%s].attributes.salvage', i.at) AS path, ARRAY[i.at::text, 'attributes', 'salvage'] AS part
		FROM items i WHERE i.salvage IS NOT NULL
	)
	SELECT f.* FROM salvages s, LATERAL necp.content_object(s.path, s.salvage,
		'{"item": {"type": "text", "required": true}, "quantity": {"type": "integer", "required": true, "min": 1, "max": 1000}}') f
	UNION ALL
	SELECT s.path || '.item', format('names "%s", which does not exist', s.item), s.part FROM salvages s
	WHERE s.item IS NOT NULL AND s.item NOT IN (SELECT i.code FROM items i WHERE i.code IS NOT NULL)
	AND NOT EXISTS (SELECT FROM game.item_templates t WHERE t.code = s.item)
	UNION ALL
	SELECT f.* FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY e (value, n),
		LATERAL necp.content_object(format('$[%s].attributes.requires', e.n - 1), e.value #> '{attributes,requires}', '{
			"level": {"type": "integer", "min": 0, "max": 9999}, "body": {"type": "integer", "min": 0, "max": 9999},
			"reflexes": {"type": "integer", "min": 0, "max": 9999}, "technical_ability": {"type": "integer", "min": 0, "max": 9999},
			"intelligence": {"type": "integer", "min": 0, "max": 9999}, "cool": {"type": "integer", "min": 0, "max": 9999},
			"empathy": {"type": "integer", "min": 0, "max": 9999}, "class": {"type": "text"}}') f
	WHERE e.value #> '{attributes,requires}' IS NOT NULL
$$;
COMMENT ON FUNCTION necp.item_check IS 'What items of a pack require that means nothing, and what they cannot be salvaged into.';

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
SELECT necp.content_kind('items', 'item_import', 10, '{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"},
	"name": {"type": "text", "required": true}, "description": {"type": "text", "required": true},
	"type": {"type": "text", "required": true, "words": ["WEAPON", "ARMOR", "CONSUMABLE", "MATERIAL", "QUEST_ITEM", "CYBERWARE", "IMPLANT", "ACCESSORY"]},
	"rarity": {"type": "text", "required": true, "words": ["COMMON", "UNCOMMON", "RARE", "EPIC", "LEGENDARY", "UNIQUE"]},
	"max_stack": {"type": "integer", "min": 1, "max": 1000000}, "weight": {"type": "number", "required": true, "min": 0, "max": 999},
	"vendor_price": {"type": "integer", "required": true, "min": 0, "max": 1000000000},
	"binding": {"type": "text", "words": ["NONE", "ON_PICKUP", "ON_EQUIP", "ACCOUNT"]}, "attributes": {"type": "object"}}', 'item_check');

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
