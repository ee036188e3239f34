/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.weapon_profiles (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code text NOT NULL CONSTRAINT weapon_profiles_code_key UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{1,62}$'),
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
	damage int NOT NULL CHECK (damage BETWEEN 1 AND 10000),
	rpm int NOT NULL CHECK (rpm BETWEEN 1 AND 6000),
	range_m real NOT NULL CHECK (range_m BETWEEN 1 AND 1000),
	attribute text NOT NULL DEFAULT 'reflexes' CHECK (attribute IN ('reflexes', 'body')),
	origin text NOT NULL DEFAULT 'operator' CHECK (origin IN ('pack', 'operator'))
);
COMMENT ON TABLE game.weapon_profiles IS 'What weapons do; content.';
COMMENT ON COLUMN game.weapon_profiles.id IS 'Identity.';
COMMENT ON COLUMN game.weapon_profiles.code IS 'Name in content packs.';
COMMENT ON COLUMN game.weapon_profiles.name IS 'Name that players see.';
COMMENT ON COLUMN game.weapon_profiles.damage IS 'Damage of a hit on the torso.';
COMMENT ON COLUMN game.weapon_profiles.rpm IS 'Rounds per minute.';
COMMENT ON COLUMN game.weapon_profiles.range_m IS 'Reach in metres.';
COMMENT ON COLUMN game.weapon_profiles.attribute IS 'Attribute that adds to the damage what it has above 5.';
COMMENT ON COLUMN game.weapon_profiles.origin IS 'pack: a content pack may overwrite the row; operator: it may not.';

CREATE TABLE game.combat_sessions (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('PVE', 'PVP_DUEL', 'PVP_ARENA', 'RAID_BOSS', 'WORLD_BOSS')),
	status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'COMPLETED', 'FLED', 'ABORTED')),
	place_id bigint NOT NULL CHECK (place_id <> 0),
	started_at timestamptz NOT NULL,
	ended_at timestamptz,
	told boolean NOT NULL DEFAULT false,
	CONSTRAINT combat_sessions_told CHECK (NOT told OR ended_at IS NOT NULL),
	CONSTRAINT combat_sessions_ended CHECK ((status = 'ACTIVE') = (ended_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX combat_sessions_active ON game.combat_sessions (started_at) WHERE status = 'ACTIVE';
CREATE INDEX combat_sessions_untold ON game.combat_sessions (ended_at) WHERE NOT told AND ended_at IS NOT NULL;
COMMENT ON TABLE game.combat_sessions IS 'Fights. Written when they begin and end; blows have no rows.';
COMMENT ON COLUMN game.combat_sessions.id IS 'Identity.';
COMMENT ON COLUMN game.combat_sessions.kind IS 'PVE, PVP_DUEL, PVP_ARENA, RAID_BOSS or WORLD_BOSS.';
COMMENT ON COLUMN game.combat_sessions.status IS 'ACTIVE, COMPLETED (one side is down), FLED (it left) or ABORTED.';
COMMENT ON COLUMN game.combat_sessions.place_id IS 'Zone, or minus the instance.';
COMMENT ON COLUMN game.combat_sessions.started_at IS 'When it began.';
COMMENT ON COLUMN game.combat_sessions.ended_at IS 'When it ended.';
COMMENT ON COLUMN game.combat_sessions.told IS 'The event DAMAGE_DEALT has told what everybody dealt.';

CREATE TABLE game.combat_participants (
	combat_id bigint NOT NULL REFERENCES game.combat_sessions,
	entity_id bigint NOT NULL CHECK (entity_id <> 0),
	side smallint NOT NULL CHECK (side IN (1, 2)),
	joined_at timestamptz NOT NULL,
	left_at timestamptz,
	PRIMARY KEY (combat_id, entity_id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX combat_participants_active_key ON game.combat_participants (entity_id) WHERE left_at IS NULL;
COMMENT ON TABLE game.combat_participants IS 'Who fights in which combat; one at a time.';
COMMENT ON COLUMN game.combat_participants.combat_id IS 'Combat.';
COMMENT ON COLUMN game.combat_participants.entity_id IS 'Character, or minus the NPC.';
COMMENT ON COLUMN game.combat_participants.side IS '1: characters; 2: NPCs.';
COMMENT ON COLUMN game.combat_participants.joined_at IS 'When it came in.';
COMMENT ON COLUMN game.combat_participants.left_at IS 'When it died, left, or the combat ended.';

CREATE TABLE game.damage_logs (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	combat_id bigint NOT NULL,
	struck_at timestamptz NOT NULL,
	actor_id bigint NOT NULL CHECK (actor_id <> 0),
	target_id bigint NOT NULL CHECK (target_id <> 0),
	amount int NOT NULL CHECK (amount > 0),
	part text NOT NULL,
	crit boolean NOT NULL,
	killed boolean NOT NULL
);
CREATE INDEX damage_logs_combat ON game.damage_logs (combat_id, id);
CREATE INDEX damage_logs_struck_at ON game.damage_logs USING brin (struck_at);
COMMENT ON TABLE game.damage_logs IS 'Blows, written in batches about a second later; after some days they are dropped.';
COMMENT ON COLUMN game.damage_logs.id IS 'Identity; in the order of the blows.';
COMMENT ON COLUMN game.damage_logs.combat_id IS 'Combat.';
COMMENT ON COLUMN game.damage_logs.struck_at IS 'When.';
COMMENT ON COLUMN game.damage_logs.actor_id IS 'Who struck: character, or minus the NPC.';
COMMENT ON COLUMN game.damage_logs.target_id IS 'Who was struck: character, or minus the NPC.';
COMMENT ON COLUMN game.damage_logs.amount IS 'Damage.';
COMMENT ON COLUMN game.damage_logs.part IS 'HEAD, TORSO, ARM, LEG or IMPLANT_CORE.';
COMMENT ON COLUMN game.damage_logs.crit IS 'Critical hit.';
COMMENT ON COLUMN game.damage_logs.killed IS 'The target died of it.';

INSERT INTO game.config (key, value, description) VALUES
	('rate.combat', '{"count": 1200, "seconds": 60}', 'Attacks of an account.'),
	('combat.log_days', '7', 'Days that blows are kept in the log.');
