/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.loot_containers (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]*$'),
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
	zone_id bigint NOT NULL REFERENCES game.zones (id),
	x real NOT NULL,
	y real NOT NULL,
	z real NOT NULL DEFAULT 0,
	loot_table_code text NOT NULL,
	refill_s int NOT NULL CHECK (refill_s BETWEEN 1 AND 604800),
	life bigint NOT NULL DEFAULT 1 CHECK (life > 0),
	full_at timestamptz NOT NULL DEFAULT '-infinity',
	origin text NOT NULL DEFAULT 'operator' CHECK (origin IN ('pack', 'operator'))
) WITH (fillfactor = 80);
CREATE INDEX loot_containers_zone ON game.loot_containers (zone_id);
COMMENT ON TABLE game.loot_containers IS 'Crates, lockers and the like, which stand in zones, are opened, and fill again.';
COMMENT ON COLUMN game.loot_containers.id IS 'Identity.';
COMMENT ON COLUMN game.loot_containers.code IS 'Name in packs.';
COMMENT ON COLUMN game.loot_containers.name IS 'Name for players.';
COMMENT ON COLUMN game.loot_containers.zone_id IS 'Where it stands.';
COMMENT ON COLUMN game.loot_containers.x IS 'Metres.';
COMMENT ON COLUMN game.loot_containers.y IS 'Metres.';
COMMENT ON COLUMN game.loot_containers.z IS 'Metres.';
COMMENT ON COLUMN game.loot_containers.loot_table_code IS 'Loot table that is rolled when it is opened.';
COMMENT ON COLUMN game.loot_containers.refill_s IS 'Seconds from one opening to the next.';
COMMENT ON COLUMN game.loot_containers.life IS 'Which filling this is: each leaves one drop.';
COMMENT ON COLUMN game.loot_containers.full_at IS 'When there is something in it again.';
COMMENT ON COLUMN game.loot_containers.origin IS 'Who wrote the row; an import keeps an operator''s.';
