/* SPDX-License-Identifier: PostgreSQL */
CREATE DOMAIN game.drop_source AS text CHECK (value IN ('NPC', 'PLAYER', 'CONTAINER'));
COMMENT ON DOMAIN game.drop_source IS 'What left a drop.';
CREATE DOMAIN game.loot_mode AS text CHECK (value IN ('FREE_FOR_ALL', 'PERSONAL', 'NEED_GREED', 'MASTER_LOOTER'));
COMMENT ON DOMAIN game.loot_mode IS 'Who gets what a drop holds.';
CREATE DOMAIN game.drop_status AS text CHECK (value IN ('ACTIVE', 'LOOTED', 'EXPIRED'));
COMMENT ON DOMAIN game.drop_status IS 'State of a drop.';

CREATE TABLE game.world_drops (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	place_id bigint NOT NULL,
	x real NOT NULL,
	y real NOT NULL,
	z real NOT NULL,
	source game.drop_source NOT NULL,
	source_id bigint NOT NULL,
	source_life bigint NOT NULL DEFAULT 0,
	container_id bigint NOT NULL UNIQUE REFERENCES game.containers (id) DEFERRABLE INITIALLY DEFERRED,
	credits bigint NOT NULL DEFAULT 0 CHECK (credits >= 0),
	mode game.loot_mode NOT NULL,
	status game.drop_status NOT NULL DEFAULT 'ACTIVE',
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	CONSTRAINT world_drops_source_key UNIQUE (source_id, source, source_life)
) WITH (fillfactor = 80);
CREATE INDEX world_drops_active ON game.world_drops (place_id) WHERE status = 'ACTIVE';
CREATE INDEX world_drops_expiry ON game.world_drops (expires_at) WHERE status = 'ACTIVE';
COMMENT ON TABLE game.world_drops IS 'What lies on the ground. A source''s life drops once.';
COMMENT ON COLUMN game.world_drops.id IS 'Identity.';
COMMENT ON COLUMN game.world_drops.place_id IS 'Zone, or minus the instance.';
COMMENT ON COLUMN game.world_drops.x IS 'Metres.';
COMMENT ON COLUMN game.world_drops.y IS 'Metres.';
COMMENT ON COLUMN game.world_drops.z IS 'Metres.';
COMMENT ON COLUMN game.world_drops.source IS 'What left it.';
COMMENT ON COLUMN game.world_drops.source_id IS 'Which one.';
COMMENT ON COLUMN game.world_drops.source_life IS 'In which of its lives.';
COMMENT ON COLUMN game.world_drops.container_id IS 'Its items.';
COMMENT ON COLUMN game.world_drops.credits IS 'Credits that come with it, minted at pick-up.';
COMMENT ON COLUMN game.world_drops.mode IS 'Who gets it; fixed at death.';
COMMENT ON COLUMN game.world_drops.status IS 'State.';
COMMENT ON COLUMN game.world_drops.created_at IS 'When it fell.';
COMMENT ON COLUMN game.world_drops.expires_at IS 'When it vanishes.';

CREATE TABLE game.drop_eligible (
	drop_id bigint NOT NULL REFERENCES game.world_drops (id),
	character_id bigint NOT NULL,
	PRIMARY KEY (drop_id, character_id)
);
COMMENT ON TABLE game.drop_eligible IS 'Who may take a drop that is not free for all; fixed at death.';
COMMENT ON COLUMN game.drop_eligible.drop_id IS 'Drop.';
COMMENT ON COLUMN game.drop_eligible.character_id IS 'Character.';

INSERT INTO game.config (key, value, description) VALUES
	('loot.drop_s', '300', 'Life of a drop.'),
	('loot.pickup_m', '5', 'Distance at which a drop can be picked up.'),
	('loot.nearby_m', '100', 'Distance at which drops are listed.'),
	('loot.share_m', '100', 'Distance at which who had a part in a kill has a part in what it leaves.'),
	('loot.away_s', '300', 'Time without connection after which somebody has no part in a kill; who is AFK has none at all.');
