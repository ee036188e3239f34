/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.worn_view AS (slot text, kind text, min_level int, open boolean, item necp.item_view);
COMMENT ON TYPE necp.worn_view IS 'An equipment slot.';
COMMENT ON COLUMN necp.worn_view.slot IS 'Name.';
COMMENT ON COLUMN necp.worn_view.kind IS 'What goes into it.';
COMMENT ON COLUMN necp.worn_view.min_level IS 'Level at which it opens.';
COMMENT ON COLUMN necp.worn_view.open IS 'Whether the character has that level.';
COMMENT ON COLUMN necp.worn_view.item IS 'What is in it, or null.';
CREATE TYPE necp.fitness_view AS (body int, reflexes int, technical_ability int, intelligence int, cool int, empathy int, armor int, luck int);
COMMENT ON TYPE necp.fitness_view IS 'Stats of a character with what it wears.';
COMMENT ON COLUMN necp.fitness_view.body IS 'Attribute.';
COMMENT ON COLUMN necp.fitness_view.reflexes IS 'Attribute.';
COMMENT ON COLUMN necp.fitness_view.technical_ability IS 'Attribute.';
COMMENT ON COLUMN necp.fitness_view.intelligence IS 'Attribute.';
COMMENT ON COLUMN necp.fitness_view.cool IS 'Attribute.';
COMMENT ON COLUMN necp.fitness_view.empathy IS 'Attribute.';
COMMENT ON COLUMN necp.fitness_view.armor IS 'Armor.';
COMMENT ON COLUMN necp.fitness_view.luck IS 'Luck.';
CREATE TYPE necp.equipment_view AS (slots necp.worn_view[], stats necp.fitness_view, damage int);
COMMENT ON TYPE necp.equipment_view IS 'What a character wears, and what comes of it.';
COMMENT ON COLUMN necp.equipment_view.slots IS 'Slots.';
COMMENT ON COLUMN necp.equipment_view.stats IS 'Stats with what is worn.';
COMMENT ON COLUMN necp.equipment_view.damage IS 'Damage of the first weapon that is not broken; null without one.';
CREATE TYPE necp.repaired_view AS (item_id bigint, durability int, price bigint, credits bigint);
COMMENT ON TYPE necp.repaired_view IS 'What a repair did.';
COMMENT ON COLUMN necp.repaired_view.item_id IS 'The item.';
COMMENT ON COLUMN necp.repaired_view.durability IS 'Its durability now.';
COMMENT ON COLUMN necp.repaired_view.price IS 'What it cost.';
COMMENT ON COLUMN necp.repaired_view.credits IS 'What is left in the wallet.';

CREATE FUNCTION necp.equipment_get() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_equipment_get';
COMMENT ON FUNCTION necp.equipment_get IS 'What the acting character wears.';
SELECT necp.route('GET', '/inventory/equipment', 'equipment_get', read_only => true, result => 'equipment_view');

CREATE FUNCTION necp.equipment_equip(item_id bigint, slot text DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_equipment_equip';
COMMENT ON FUNCTION necp.equipment_equip IS 'Wears an item of the backpack in a slot, by default the first free one of its kind, else the first; what was there takes its place. NOT_FOUND, NOT_USABLE, REQUIREMENTS_NOT_MET, ITEM_BROKEN, ITEM_LOCKED.';
SELECT necp.route('POST', '/inventory/equip', 'equipment_equip', result => 'equipment_view');

CREATE FUNCTION necp.equipment_unequip(item_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_equipment_unequip';
COMMENT ON FUNCTION necp.equipment_unequip IS 'Takes off what is worn, into the first free slot of the backpack. NOT_FOUND, INVENTORY_FULL, ITEM_LOCKED.';
SELECT necp.route('POST', '/inventory/unequip', 'equipment_unequip', result => 'equipment_view');

CREATE FUNCTION necp.equipment_repair(item_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_equipment_repair';
COMMENT ON FUNCTION necp.equipment_repair IS 'Makes an item of the backpack, or one that is worn, whole again for half its vendor''s price times what is missing. CONFLICT where nothing is, INSUFFICIENT_FUNDS, ITEM_LOCKED.';
SELECT necp.route('POST', '/inventory/items/{item_id}/repair', 'equipment_repair', idempotent => true, result => 'repaired_view');

SELECT necp.integrity('equipment_slot', $$
	SELECT format('item %s, a %s, is worn in slot %s of %s', i.id, t.code, coalesce(s.code, i.slot::text), c.owner_id)
	FROM game.containers c JOIN game.character_items i ON i.container_id = c.id
	LEFT JOIN game.item_templates t ON t.id = i.template_id
	LEFT JOIN game.equipment_slots s ON s.slot = i.slot
	WHERE c.kind = 'EQUIPPED' AND (s.kind IS DISTINCT FROM t.slot OR i.quantity <> 1)$$,
	'What is worn is in a slot of its kind.');
SELECT necp.integrity('equipment_bound', $$
	SELECT format('item %s is worn and not bound', i.id)
	FROM game.containers c JOIN game.character_items i ON i.container_id = c.id
	JOIN game.item_templates t ON t.id = i.template_id
	WHERE c.kind = 'EQUIPPED' AND t.binding = 'ON_EQUIP' AND i.binding = 'NONE'$$,
	'What binds when it is worn is bound.');
SELECT necp.integrity('equipment_container', $$
	SELECT format('character %s cannot wear anything', c.id)
	FROM game.characters c LEFT JOIN game.containers k ON k.owner_id = c.id AND k.kind = 'EQUIPPED'
	WHERE k.id IS NULL AND c.deleted_at IS NULL$$,
	'Every character can wear something.');
