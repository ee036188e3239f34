/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.equipment_slots (
	slot int PRIMARY KEY CHECK (slot BETWEEN 0 AND 63),
	code text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]*$'),
	kind text NOT NULL CHECK (kind ~ '^[a-z]+$'),
	min_level int NOT NULL DEFAULT 1 CHECK (min_level >= 1)
);
COMMENT ON TABLE game.equipment_slots IS 'Where things are worn.';
COMMENT ON COLUMN game.equipment_slots.slot IS 'Slot of the container EQUIPPED, from 0.';
COMMENT ON COLUMN game.equipment_slots.code IS 'Name in requests.';
COMMENT ON COLUMN game.equipment_slots.kind IS 'What goes into it: item_templates.slot.';
COMMENT ON COLUMN game.equipment_slots.min_level IS 'Level at which it opens.';
INSERT INTO game.equipment_slots (slot, code, kind, min_level) VALUES
	(0, 'weapon_1', 'weapon', 1), (1, 'weapon_2', 'weapon', 1), (2, 'weapon_3', 'weapon', 10),
	(3, 'head', 'head', 1), (4, 'chest', 'chest', 1), (5, 'legs', 'legs', 1), (6, 'boots', 'boots', 1), (7, 'gloves', 'gloves', 1),
	(8, 'cyberware_1', 'cyberware', 1), (9, 'cyberware_2', 'cyberware', 1), (10, 'cyberware_3', 'cyberware', 1),
	(11, 'cyberware_4', 'cyberware', 1), (12, 'cyberware_5', 'cyberware', 1), (13, 'cyberware_6', 'cyberware', 1),
	(14, 'implant_1', 'implant', 1), (15, 'implant_2', 'implant', 1), (16, 'implant_3', 'implant', 1), (17, 'implant_4', 'implant', 1),
	(18, 'accessory_1', 'accessory', 1), (19, 'accessory_2', 'accessory', 1);

CREATE TABLE game.item_qualities (
	quality game.item_quality PRIMARY KEY,
	factor double precision NOT NULL CHECK (factor > 0 AND factor <= 10)
);
COMMENT ON TABLE game.item_qualities IS 'What the quality of an item does to its numbers.';
COMMENT ON COLUMN game.item_qualities.quality IS 'Quality.';
COMMENT ON COLUMN game.item_qualities.factor IS 'Factor.';
INSERT INTO game.item_qualities VALUES ('DAMAGED', 0.5), ('WORN', 0.75), ('NORMAL', 1), ('FINE', 1.1), ('MASTERWORK', 1.25), ('LEGENDARY', 1.5);

INSERT INTO game.config (key, value, description) VALUES
	('equipment.upgrade_percent', '5', 'What each level of an upgrade adds to an item''s numbers.'),
	('equipment.repair_percent', '50', 'Share of the vendor''s price that a whole repair costs.'),
	('equipment.warn_durability', '20', 'Durability at which the wearer is warned.'),
	('equipment.death_wear', '10', 'Durability that death takes from what is worn.'),
	('equipment.luck', '10', 'Luck of who wears nothing.');
