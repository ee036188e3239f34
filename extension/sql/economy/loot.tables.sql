/* SPDX-License-Identifier: PostgreSQL */
CREATE DOMAIN game.drop_source AS text CHECK (value IN ('NPC', 'PLAYER', 'CONTAINER'));
COMMENT ON DOMAIN game.drop_source IS 'What left a drop.';
CREATE DOMAIN game.loot_mode AS text CHECK (value IN ('FREE_FOR_ALL', 'PERSONAL', 'NEED_GREED', 'MASTER_LOOTER'));
COMMENT ON DOMAIN game.loot_mode IS 'Who gets what a drop holds.';
CREATE DOMAIN game.drop_status AS text CHECK (value IN ('ACTIVE', 'LOOTED', 'EXPIRED'));
COMMENT ON DOMAIN game.drop_status IS 'State of a drop.';

CREATE DOMAIN game.drop_claim AS text CHECK (value IN ('OWNED', 'ROLL', 'MASTER'));
COMMENT ON DOMAIN game.drop_claim IS 'Why not everybody who is eligible may take an item of a drop.';
CREATE DOMAIN game.loot_method AS text CHECK (value IN ('PICKUP', 'NEED', 'GREED', 'SALVAGE', 'ASSIGNED'));
COMMENT ON DOMAIN game.loot_method IS 'How somebody came to an item.';

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
	party_id bigint,
	master_id bigint,
	assign_until timestamptz,
	boss boolean NOT NULL DEFAULT false,
	status game.drop_status NOT NULL DEFAULT 'ACTIVE',
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	CONSTRAINT world_drops_source_key UNIQUE (source_id, source, source_life),
	CHECK (assign_until IS NULL OR master_id IS NOT NULL AND mode = 'MASTER_LOOTER')
) WITH (fillfactor = 80);
CREATE INDEX world_drops_active ON game.world_drops (place_id) WHERE status = 'ACTIVE';
CREATE INDEX world_drops_expiry ON game.world_drops (expires_at) WHERE status = 'ACTIVE';
CREATE INDEX world_drops_assign ON game.world_drops (assign_until) WHERE status = 'ACTIVE' AND assign_until IS NOT NULL;
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
COMMENT ON COLUMN game.world_drops.credits IS 'Credits that come with it, minted at pick-up: of everybody who is eligible the same, and the rest to the lowest id.';
COMMENT ON COLUMN game.world_drops.mode IS 'Who gets it; fixed at death.';
COMMENT ON COLUMN game.world_drops.party_id IS 'Party that hears of it; fixed at death.';
COMMENT ON COLUMN game.world_drops.master_id IS 'Character that gives it out; fixed at death.';
COMMENT ON COLUMN game.world_drops.assign_until IS 'Until then the master gives out; null: nothing is to be given out.';
COMMENT ON COLUMN game.world_drops.boss IS 'What it holds and binds may be passed on for a time among those who are eligible.';
COMMENT ON COLUMN game.world_drops.status IS 'State.';
COMMENT ON COLUMN game.world_drops.created_at IS 'When it fell.';
COMMENT ON COLUMN game.world_drops.expires_at IS 'When it vanishes, unless something in it is being rolled for.';

CREATE TABLE game.drop_eligible (
	drop_id bigint NOT NULL REFERENCES game.world_drops (id),
	character_id bigint NOT NULL,
	credits bigint NOT NULL DEFAULT 0 CHECK (credits >= 0),
	PRIMARY KEY (drop_id, character_id)
);
COMMENT ON TABLE game.drop_eligible IS 'Who may take a drop; fixed at death. A drop of nobody is free for all.';
COMMENT ON COLUMN game.drop_eligible.drop_id IS 'Drop.';
COMMENT ON COLUMN game.drop_eligible.character_id IS 'Character.';
COMMENT ON COLUMN game.drop_eligible.credits IS 'Credits that are this one''s alone and not taken yet.';

-- The claim is of the item that is in the drop; one that has none is for whoever is eligible and comes first.
CREATE TABLE game.drop_items (
	item_id bigint PRIMARY KEY,
	drop_id bigint NOT NULL REFERENCES game.world_drops (id),
	claim game.drop_claim NOT NULL,
	owner_id bigint,
	FOREIGN KEY (drop_id, owner_id) REFERENCES game.drop_eligible (drop_id, character_id),
	CHECK ((claim = 'OWNED') = (owner_id IS NOT NULL))
);
CREATE INDEX drop_items_drop ON game.drop_items (drop_id);
COMMENT ON TABLE game.drop_items IS 'Items of drops that not everybody who is eligible may take.';
COMMENT ON COLUMN game.drop_items.item_id IS 'Item.';
COMMENT ON COLUMN game.drop_items.drop_id IS 'Drop that it is in.';
COMMENT ON COLUMN game.drop_items.claim IS 'OWNED by one; in a ROLL; waits for the MASTER.';
COMMENT ON COLUMN game.drop_items.owner_id IS 'Whose it is.';

CREATE TABLE game.loot_history (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	character_id bigint NOT NULL,
	drop_id bigint NOT NULL,
	item_id bigint NOT NULL,
	template_id int NOT NULL,
	quantity int NOT NULL CHECK (quantity > 0),
	method game.loot_method NOT NULL,
	obtained_at timestamptz NOT NULL
);
CREATE INDEX loot_history_character ON game.loot_history (character_id, id);
CREATE INDEX loot_history_obtained_at ON game.loot_history USING brin (obtained_at);
COMMENT ON TABLE game.loot_history IS 'What characters got out of drops, and how; kept for loot.history_days.';
COMMENT ON COLUMN game.loot_history.id IS 'Identity.';
COMMENT ON COLUMN game.loot_history.character_id IS 'Who.';
COMMENT ON COLUMN game.loot_history.drop_id IS 'Out of which drop.';
COMMENT ON COLUMN game.loot_history.item_id IS 'Item as it was in the drop.';
COMMENT ON COLUMN game.loot_history.template_id IS 'What it was.';
COMMENT ON COLUMN game.loot_history.quantity IS 'How many.';
COMMENT ON COLUMN game.loot_history.method IS 'How.';
COMMENT ON COLUMN game.loot_history.obtained_at IS 'When.';

CREATE TABLE game.loot_lockouts (
	character_id bigint NOT NULL,
	npc_template_id bigint NOT NULL,
	week date NOT NULL,
	drop_id bigint NOT NULL,
	PRIMARY KEY (character_id, npc_template_id, week)
);
COMMENT ON TABLE game.loot_lockouts IS 'Bosses that have left something for a character this week: once.';
COMMENT ON COLUMN game.loot_lockouts.character_id IS 'For whom.';
COMMENT ON COLUMN game.loot_lockouts.npc_template_id IS 'Which boss.';
COMMENT ON COLUMN game.loot_lockouts.week IS 'Monday of the week, UTC.';
COMMENT ON COLUMN game.loot_lockouts.drop_id IS 'The drop.';

CREATE TABLE game.loot_windows (
	item_id bigint PRIMARY KEY,
	drop_id bigint NOT NULL,
	closes_at timestamptz NOT NULL
);
CREATE INDEX loot_windows_closes_at ON game.loot_windows (closes_at);
COMMENT ON TABLE game.loot_windows IS 'Bound items of bosses that may still be passed on among those who were eligible, unless worn.';
COMMENT ON COLUMN game.loot_windows.item_id IS 'Item.';
COMMENT ON COLUMN game.loot_windows.drop_id IS 'Among whom: the drop''s eligible.';
COMMENT ON COLUMN game.loot_windows.closes_at IS 'Until when.';

INSERT INTO game.config (key, value, description) VALUES
	('loot.drop_s', '300', 'Life of a drop.'),
	('loot.pickup_m', '5', 'Distance at which a drop can be picked up.'),
	('loot.nearby_m', '100', 'Distance at which drops are listed.'),
	('loot.share_m', '100', 'Distance at which who had a part in a kill has a part in what it leaves.'),
	('loot.away_s', '300', 'Time without connection after which somebody has no part in a kill; who is AFK has none at all.'),
	('loot.history_days', '90', 'How long it is told what characters got out of drops.'),
	('loot.window_s', '7200', 'How long a bound item of a boss may be passed on among those who were eligible.');
