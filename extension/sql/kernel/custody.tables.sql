/* SPDX-License-Identifier: PostgreSQL */
-- Words of hot tables are domains: a CHECK with a list is parsed again by every statement that writes the
-- row (PostgreSQL 15), a domain's once per connection, and only where the column is assigned.
CREATE DOMAIN game.container_kind AS text
	CHECK (value IN ('BACKPACK', 'EQUIPPED', 'BANK', 'GUILD_BANK', 'MAIL', 'AUCTION', 'MARKET', 'DROP', 'CRAFT', 'HELD'));
COMMENT ON DOMAIN game.container_kind IS 'What a container is.';
CREATE DOMAIN game.item_binding AS text CHECK (value IN ('NONE', 'CHARACTER', 'ACCOUNT'));
COMMENT ON DOMAIN game.item_binding IS 'Whom an item is bound to.';
CREATE DOMAIN game.item_quality AS text
	CHECK (value IN ('DAMAGED', 'WORN', 'NORMAL', 'FINE', 'MASTERWORK', 'LEGENDARY'));
COMMENT ON DOMAIN game.item_quality IS 'How well an item was made.';
CREATE DOMAIN game.item_move_kind AS text CHECK (value IN ('CREATE', 'MOVE', 'SPLIT', 'MERGE', 'DESTROY'));
COMMENT ON DOMAIN game.item_move_kind IS 'What happened to an item.';

CREATE TABLE game.containers (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind game.container_kind NOT NULL,
	owner_id bigint NOT NULL,
	capacity int NOT NULL CHECK (capacity BETWEEN 1 AND 1000),
	CONSTRAINT containers_owner_key UNIQUE (owner_id, kind)
);
COMMENT ON TABLE game.containers IS 'Places where items can be.';
COMMENT ON COLUMN game.containers.id IS 'Identity.';
COMMENT ON COLUMN game.containers.kind IS 'What it is.';
COMMENT ON COLUMN game.containers.owner_id IS 'Character, account, guild, mail, lot or drop.';
COMMENT ON COLUMN game.containers.capacity IS 'Slots.';

CREATE TABLE game.character_items (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	container_id bigint NOT NULL REFERENCES game.containers (id),
	slot int NOT NULL CHECK (slot >= 0),
	template_id int NOT NULL,
	quantity int NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
	durability int NOT NULL DEFAULT 100 CHECK (durability BETWEEN 0 AND 100),
	binding game.item_binding NOT NULL DEFAULT 'NONE',
	quality game.item_quality NOT NULL DEFAULT 'NORMAL',
	upgrade smallint NOT NULL DEFAULT 0 CHECK (upgrade BETWEEN 0 AND 10),
	attributes jsonb,
	lock_ref bigint,
	created_at timestamptz NOT NULL,
	CONSTRAINT character_items_slot_key UNIQUE (container_id, slot) DEFERRABLE INITIALLY IMMEDIATE
) WITH (fillfactor = 80);
COMMENT ON TABLE game.character_items IS 'Every item instance that exists, in the one container where it is.';
COMMENT ON COLUMN game.character_items.id IS 'Identity, kept through every move.';
COMMENT ON COLUMN game.character_items.container_id IS 'Where it is.';
COMMENT ON COLUMN game.character_items.slot IS 'Slot of the container, from 0.';
COMMENT ON COLUMN game.character_items.template_id IS 'What it is: item_templates.';
COMMENT ON COLUMN game.character_items.quantity IS 'Size of the stack.';
COMMENT ON COLUMN game.character_items.durability IS 'Percent.';
COMMENT ON COLUMN game.character_items.binding IS 'Whom it is bound to.';
COMMENT ON COLUMN game.character_items.quality IS 'How well it was made: a factor of its stats.';
COMMENT ON COLUMN game.character_items.upgrade IS 'Levels of improvement: a factor of its stats.';
COMMENT ON COLUMN game.character_items.attributes IS 'Modifiers of its own; such an item joins no stack.';
COMMENT ON COLUMN game.character_items.lock_ref IS 'Trade that offers it: it cannot move.';
COMMENT ON COLUMN game.character_items.created_at IS 'Birth.';

CREATE TABLE game.item_moves (
	id bigint GENERATED ALWAYS AS IDENTITY,
	item_id bigint NOT NULL,
	other_item_id bigint,
	template_id int NOT NULL,
	kind game.item_move_kind NOT NULL,
	quantity int NOT NULL CHECK (quantity > 0),
	from_container_id bigint,
	to_container_id bigint,
	cause text NOT NULL,
	cause_id bigint NOT NULL,
	moved_at timestamptz NOT NULL,
	CHECK ((from_container_id IS NULL) = (kind = 'CREATE')),
	CHECK ((to_container_id IS NULL) = (kind = 'DESTROY'))
) PARTITION BY RANGE (moved_at);
CREATE INDEX item_moves_moved_at ON game.item_moves USING brin (moved_at);
COMMENT ON TABLE game.item_moves IS 'The life of every item.';
COMMENT ON COLUMN game.item_moves.id IS 'Identity.';
COMMENT ON COLUMN game.item_moves.item_id IS 'Item that moved.';
COMMENT ON COLUMN game.item_moves.other_item_id IS 'Stack that it joined (MERGE) or left (SPLIT).';
COMMENT ON COLUMN game.item_moves.template_id IS 'Its template.';
COMMENT ON COLUMN game.item_moves.kind IS 'What happened.';
COMMENT ON COLUMN game.item_moves.quantity IS 'How many.';
COMMENT ON COLUMN game.item_moves.from_container_id IS 'Where from; null at birth.';
COMMENT ON COLUMN game.item_moves.to_container_id IS 'Where to; null at destruction.';
COMMENT ON COLUMN game.item_moves.cause IS 'Why.';
COMMENT ON COLUMN game.item_moves.cause_id IS 'Id of the thing that caused it.';
COMMENT ON COLUMN game.item_moves.moved_at IS 'Partition key.';
