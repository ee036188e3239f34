/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.zones (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code text NOT NULL CONSTRAINT zones_code_key UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{1,62}$'),
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
	kind text NOT NULL CHECK (kind IN ('CITY', 'BADLANDS', 'DUNGEON', 'RAID', 'PVP')),
	status text NOT NULL DEFAULT 'ONLINE' CHECK (status IN ('ONLINE', 'MAINTENANCE', 'OFFLINE')),
	size_m int NOT NULL DEFAULT 1000 CHECK (size_m BETWEEN 10 AND 10000),
	capacity int NOT NULL DEFAULT 100 CHECK (capacity BETWEEN 1 AND 1000),
	safe_x real NOT NULL DEFAULT 0,
	safe_y real NOT NULL DEFAULT 0,
	safe_z real NOT NULL DEFAULT 0,
	origin text NOT NULL DEFAULT 'operator' CHECK (origin IN ('pack', 'operator')),
	CONSTRAINT zones_safe_point_inside CHECK (abs(safe_x) <= size_m / 2.0 AND abs(safe_y) <= size_m / 2.0
	                                          AND abs(safe_z) <= 1000)
);
COMMENT ON TABLE game.zones IS 'Zones of the world; content. The origin of their coordinates is their middle.';
COMMENT ON COLUMN game.zones.id IS 'Identity, and the place_id of everything that is in it.';
COMMENT ON COLUMN game.zones.code IS 'Name in content packs.';
COMMENT ON COLUMN game.zones.name IS 'Name that players see.';
COMMENT ON COLUMN game.zones.kind IS 'CITY, BADLANDS, DUNGEON, RAID or PVP.';
COMMENT ON COLUMN game.zones.status IS 'ONLINE, MAINTENANCE (listed, closed) or OFFLINE (not listed).';
COMMENT ON COLUMN game.zones.size_m IS 'Length of a side in metres.';
COMMENT ON COLUMN game.zones.capacity IS 'Most characters at once.';
COMMENT ON COLUMN game.zones.safe_x IS 'Safe point, metres east of the middle.';
COMMENT ON COLUMN game.zones.safe_y IS 'Safe point, metres north of the middle.';
COMMENT ON COLUMN game.zones.safe_z IS 'Safe point, height in metres.';
COMMENT ON COLUMN game.zones.origin IS 'pack: a content pack may overwrite the row; operator: it may not.';

CREATE TABLE game.player_positions (
	character_id bigint PRIMARY KEY,
	place_id bigint NOT NULL CHECK (place_id <> 0),
	x real NOT NULL,
	y real NOT NULL,
	z real NOT NULL,
	yaw real NOT NULL,
	saved_at timestamptz NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE game.player_positions IS
	'Where each character was last, at most 30 s old; no index on what changes, so that updates stay in their page.';
COMMENT ON COLUMN game.player_positions.character_id IS 'Character.';
COMMENT ON COLUMN game.player_positions.place_id IS 'Zone, or minus the instance.';
COMMENT ON COLUMN game.player_positions.x IS 'Metres east of the middle.';
COMMENT ON COLUMN game.player_positions.y IS 'Metres north of the middle.';
COMMENT ON COLUMN game.player_positions.z IS 'Height in metres.';
COMMENT ON COLUMN game.player_positions.yaw IS 'Direction in radians.';
COMMENT ON COLUMN game.player_positions.saved_at IS 'When it stood there.';
