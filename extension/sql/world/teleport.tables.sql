/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.zone_portals (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]*$'),
	zone_id bigint NOT NULL REFERENCES game.zones (id),
	x real NOT NULL,
	y real NOT NULL,
	z real NOT NULL DEFAULT 0,
	to_zone_id bigint NOT NULL REFERENCES game.zones (id),
	to_x real NOT NULL,
	to_y real NOT NULL,
	to_z real NOT NULL DEFAULT 0,
	origin text NOT NULL DEFAULT 'operator' CHECK (origin IN ('pack', 'operator')),
	CHECK (to_zone_id <> zone_id)
);
CREATE INDEX zone_portals_to_zone ON game.zone_portals (to_zone_id);
COMMENT ON TABLE game.zone_portals IS 'Ways from zone to zone. A zone that some lead to is not entered otherwise, but from nowhere.';
COMMENT ON COLUMN game.zone_portals.id IS 'Identity.';
COMMENT ON COLUMN game.zone_portals.code IS 'Name in packs.';
COMMENT ON COLUMN game.zone_portals.zone_id IS 'Where it begins.';
COMMENT ON COLUMN game.zone_portals.x IS 'Metres.';
COMMENT ON COLUMN game.zone_portals.y IS 'Metres.';
COMMENT ON COLUMN game.zone_portals.z IS 'Metres.';
COMMENT ON COLUMN game.zone_portals.to_zone_id IS 'Where it leads.';
COMMENT ON COLUMN game.zone_portals.to_x IS 'Metres.';
COMMENT ON COLUMN game.zone_portals.to_y IS 'Metres.';
COMMENT ON COLUMN game.zone_portals.to_z IS 'Metres.';
COMMENT ON COLUMN game.zone_portals.origin IS 'Who wrote the row; an import keeps an operator''s.';

CREATE TABLE game.teleports (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]*$'),
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
	zone_id bigint NOT NULL REFERENCES game.zones (id),
	x real NOT NULL,
	y real NOT NULL,
	z real NOT NULL DEFAULT 0,
	origin text NOT NULL DEFAULT 'operator' CHECK (origin IN ('pack', 'operator'))
);
CREATE INDEX teleports_zone ON game.teleports (zone_id);
COMMENT ON TABLE game.teleports IS 'Points that who has been there can come back to from anywhere.';
COMMENT ON COLUMN game.teleports.id IS 'Identity.';
COMMENT ON COLUMN game.teleports.code IS 'Name in packs.';
COMMENT ON COLUMN game.teleports.name IS 'Name for players.';
COMMENT ON COLUMN game.teleports.zone_id IS 'Where it is.';
COMMENT ON COLUMN game.teleports.x IS 'Metres.';
COMMENT ON COLUMN game.teleports.y IS 'Metres.';
COMMENT ON COLUMN game.teleports.z IS 'Metres.';
COMMENT ON COLUMN game.teleports.origin IS 'Who wrote the row; an import keeps an operator''s.';

CREATE TABLE game.teleport_discoveries (
	character_id bigint NOT NULL REFERENCES game.characters (id),
	teleport_id bigint NOT NULL REFERENCES game.teleports (id),
	discovered_at timestamptz NOT NULL,
	PRIMARY KEY (character_id, teleport_id)
);
COMMENT ON TABLE game.teleport_discoveries IS 'Who has been at which teleport.';
COMMENT ON COLUMN game.teleport_discoveries.character_id IS 'Who.';
COMMENT ON COLUMN game.teleport_discoveries.teleport_id IS 'Where.';
COMMENT ON COLUMN game.teleport_discoveries.discovered_at IS 'When first.';

CREATE TABLE game.teleport_states (
	character_id bigint PRIMARY KEY REFERENCES game.characters (id),
	teleport_id bigint REFERENCES game.teleports (id),
	arrives_at timestamptz,
	from_place_id bigint,
	from_x real,
	from_y real,
	from_z real,
	ready_at timestamptz NOT NULL DEFAULT '-infinity',
	unstuck_at timestamptz NOT NULL DEFAULT '-infinity',
	CHECK ((teleport_id IS NULL) = (arrives_at IS NULL)),
	CHECK ((teleport_id IS NULL) = (from_place_id IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX teleport_states_arrivals ON game.teleport_states (arrives_at) WHERE arrives_at IS NOT NULL;
COMMENT ON TABLE game.teleport_states IS 'Journeys that begin, and when the next one may.';
COMMENT ON COLUMN game.teleport_states.character_id IS 'Who.';
COMMENT ON COLUMN game.teleport_states.teleport_id IS 'Whither; null: nowhere.';
COMMENT ON COLUMN game.teleport_states.arrives_at IS 'When, unless it moves, fights or falls before.';
COMMENT ON COLUMN game.teleport_states.from_place_id IS 'Where it stood when it began.';
COMMENT ON COLUMN game.teleport_states.from_x IS 'Metres.';
COMMENT ON COLUMN game.teleport_states.from_y IS 'Metres.';
COMMENT ON COLUMN game.teleport_states.from_z IS 'Metres.';
COMMENT ON COLUMN game.teleport_states.ready_at IS 'When the next journey may begin.';
COMMENT ON COLUMN game.teleport_states.unstuck_at IS 'When it may be set free again.';

INSERT INTO game.config (key, value, description) VALUES
	('zone.portal_m', '10', 'Distance at which a portal can be passed.'),
	('zone.unstuck_s', '300', 'Time between two ways out of being stuck.'),
	('teleport.cast_s', '5', 'Time from the use of a teleport to the arrival.'),
	('teleport.cooldown_s', '60', 'Time from one arrival to the next use.'),
	('teleport.credits', '50', 'What a journey costs, paid at the arrival.'),
	('teleport.discover_m', '20', 'Distance at which a teleport is discovered.');
