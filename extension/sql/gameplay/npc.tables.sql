/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.npc_templates (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code text NOT NULL CONSTRAINT npc_templates_code_key UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{1,62}$'),
	name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
	tier smallint NOT NULL CHECK (tier BETWEEN 0 AND 5),
	level int NOT NULL CHECK (level BETWEEN 1 AND 100),
	max_hp int NOT NULL CHECK (max_hp BETWEEN 1 AND 1000000),
	armor int NOT NULL DEFAULT 0 CHECK (armor BETWEEN 0 AND 10000),
	reflexes int NOT NULL DEFAULT 5 CHECK (reflexes BETWEEN 1 AND 100),
	attack_damage int NOT NULL DEFAULT 10 CHECK (attack_damage BETWEEN 0 AND 10000),
	attack_range real NOT NULL DEFAULT 25 CHECK (attack_range BETWEEN 0 AND 500),
	attack_interval_ms int NOT NULL DEFAULT 1000 CHECK (attack_interval_ms BETWEEN 50 AND 60000),
	walk_speed real NOT NULL DEFAULT 1.5 CHECK (walk_speed BETWEEN 0 AND 20),
	run_speed real NOT NULL DEFAULT 6 CHECK (run_speed BETWEEN 0 AND 20),
	temperament text NOT NULL DEFAULT 'passive' CHECK (temperament IN ('passive', 'defensive', 'aggressive')),
	aggro_m real NOT NULL DEFAULT 20 CHECK (aggro_m BETWEEN 0 AND 100),
	assist_m real NOT NULL DEFAULT 15 CHECK (assist_m BETWEEN 0 AND 100),
	leash_m real NOT NULL DEFAULT 60 CHECK (leash_m BETWEEN 1 AND 500),
	enrage_s int NOT NULL DEFAULT 600 CHECK (enrage_s BETWEEN 1 AND 7200),
	loot_table_code text,
	guaranteed_table_code text,
	xp_base int NOT NULL CHECK (xp_base BETWEEN 0 AND 1000000),
	respawn_seconds int NOT NULL DEFAULT 300 CHECK (respawn_seconds BETWEEN 1 AND 604800),
	origin text NOT NULL DEFAULT 'operator' CHECK (origin IN ('pack', 'operator'))
);
COMMENT ON TABLE game.npc_templates IS 'Kinds of NPC; content.';
COMMENT ON COLUMN game.npc_templates.id IS 'Identity.';
COMMENT ON COLUMN game.npc_templates.code IS 'Name in content packs.';
COMMENT ON COLUMN game.npc_templates.name IS 'Name that players see.';
COMMENT ON COLUMN game.npc_templates.tier IS '0 to 4, 5 for bosses.';
COMMENT ON COLUMN game.npc_templates.level IS 'Level.';
COMMENT ON COLUMN game.npc_templates.max_hp IS 'Hit points before the level''s factor of 1 + 0.1 x level.';
COMMENT ON COLUMN game.npc_templates.armor IS 'Damage taken is multiplied by 100 / (100 + armor).';
COMMENT ON COLUMN game.npc_templates.reflexes IS 'A flight from it succeeds with 50 % and 5 % for each point by which the character has more.';
COMMENT ON COLUMN game.npc_templates.attack_damage IS 'Damage of a hit before the level''s factor of 1 + 0.05 x level.';
COMMENT ON COLUMN game.npc_templates.attack_range IS 'Reach in metres.';
COMMENT ON COLUMN game.npc_templates.attack_interval_ms IS 'Time between two attacks.';
COMMENT ON COLUMN game.npc_templates.walk_speed IS 'Metres per second on patrol.';
COMMENT ON COLUMN game.npc_templates.run_speed IS 'Metres per second in a fight; half as much again on the way home.';
COMMENT ON COLUMN game.npc_templates.temperament IS 'passive: never fights back; defensive: fights who attacks it or others near it; aggressive: attacks whom it sees.';
COMMENT ON COLUMN game.npc_templates.aggro_m IS 'How far an aggressive one sees, in metres.';
COMMENT ON COLUMN game.npc_templates.assist_m IS 'How far it goes to help another, in metres.';
COMMENT ON COLUMN game.npc_templates.leash_m IS 'How far it follows from where it began to fight, in metres; then it runs home, whole and untouchable.';
COMMENT ON COLUMN game.npc_templates.enrage_s IS 'Bosses: seconds of a fight after which every blow is twice as hard.';
COMMENT ON COLUMN game.npc_templates.loot_table_code IS 'Loot table rolled at its death; none if null.';
COMMENT ON COLUMN game.npc_templates.guaranteed_table_code IS 'Loot table rolled besides for everybody who has earned it: what a boss leaves to each.';
COMMENT ON COLUMN game.npc_templates.xp_base IS 'Experience for a killer of the same level.';
COMMENT ON COLUMN game.npc_templates.respawn_seconds IS 'Time from death to the next life.';
COMMENT ON COLUMN game.npc_templates.origin IS 'pack: a content pack may overwrite the row; operator: it may not.';

CREATE TABLE game.npc_phases (
	template_id bigint NOT NULL REFERENCES game.npc_templates,
	phase smallint NOT NULL CHECK (phase BETWEEN 1 AND 9),
	hp_percent smallint NOT NULL CHECK (hp_percent BETWEEN 1 AND 100 AND (phase = 1) = (hp_percent = 100)),
	damage_percent int NOT NULL DEFAULT 100 CHECK (damage_percent BETWEEN 1 AND 1000),
	area_damage int NOT NULL DEFAULT 0 CHECK (area_damage BETWEEN 0 AND 10000),
	area_m real NOT NULL DEFAULT 8 CHECK (area_m BETWEEN 1 AND 100),
	area_every_ms int NOT NULL DEFAULT 15000 CHECK (area_every_ms BETWEEN 1000 AND 600000),
	telegraph_ms int NOT NULL DEFAULT 2000 CHECK (telegraph_ms BETWEEN 2000 AND 30000),
	weak_ms int NOT NULL DEFAULT 0 CHECK (weak_ms = 0 OR weak_ms BETWEEN 5000 AND 8000),
	weak_percent int NOT NULL DEFAULT 150 CHECK (weak_percent BETWEEN 100 AND 1000),
	PRIMARY KEY (template_id, phase)
);
COMMENT ON TABLE game.npc_phases IS 'Phases of bosses; content, and as an operator made it where the template is the operator''s.';
COMMENT ON COLUMN game.npc_phases.template_id IS 'Boss.';
COMMENT ON COLUMN game.npc_phases.phase IS 'From 1, in which it begins.';
COMMENT ON COLUMN game.npc_phases.hp_percent IS 'It begins at or below that part of the boss''s hit points.';
COMMENT ON COLUMN game.npc_phases.damage_percent IS 'Every blow is multiplied by that.';
COMMENT ON COLUMN game.npc_phases.area_damage IS 'Damage of its area attack before the level''s factor; 0: it has none.';
COMMENT ON COLUMN game.npc_phases.area_m IS 'Radius of the area attack in metres.';
COMMENT ON COLUMN game.npc_phases.area_every_ms IS 'Time from one area attack to the next.';
COMMENT ON COLUMN game.npc_phases.telegraph_ms IS 'Time from its announcement to the area attack.';
COMMENT ON COLUMN game.npc_phases.weak_ms IS 'How long its weak point is open after an area attack; 0: it has none.';
COMMENT ON COLUMN game.npc_phases.weak_percent IS 'Damage taken while the weak point is open.';

CREATE TABLE game.npc_spawns (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code text NOT NULL CONSTRAINT npc_spawns_code_key UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{1,62}$'),
	template_id bigint NOT NULL REFERENCES game.npc_templates,
	zone_id bigint NOT NULL REFERENCES game.zones,
	x real NOT NULL,
	y real NOT NULL,
	z real NOT NULL DEFAULT 0,
	yaw real NOT NULL DEFAULT 0,
	waypoints real[] NOT NULL DEFAULT '{}' CHECK (cardinality(waypoints) % 3 = 0 AND cardinality(waypoints) <= 192),
	enabled boolean NOT NULL DEFAULT true,
	origin text NOT NULL DEFAULT 'operator' CHECK (origin IN ('pack', 'operator'))
);
COMMENT ON TABLE game.npc_spawns IS 'Where NPCs live; content. Each spawn has one NPC.';
COMMENT ON COLUMN game.npc_spawns.id IS 'Identity.';
COMMENT ON COLUMN game.npc_spawns.code IS 'Name in content packs.';
COMMENT ON COLUMN game.npc_spawns.template_id IS 'What lives there.';
COMMENT ON COLUMN game.npc_spawns.zone_id IS 'Zone.';
COMMENT ON COLUMN game.npc_spawns.x IS 'Metres east of the zone''s middle.';
COMMENT ON COLUMN game.npc_spawns.y IS 'Metres north of the zone''s middle.';
COMMENT ON COLUMN game.npc_spawns.z IS 'Height in metres.';
COMMENT ON COLUMN game.npc_spawns.yaw IS 'Direction in radians.';
COMMENT ON COLUMN game.npc_spawns.waypoints IS 'Patrol as x, y, z of each point; walked round and round. Empty: it stands.';
COMMENT ON COLUMN game.npc_spawns.enabled IS 'False: nothing lives there.';
COMMENT ON COLUMN game.npc_spawns.origin IS 'pack: a content pack may overwrite the row; operator: it may not.';

CREATE TABLE game.npc_instances (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	spawn_id bigint NOT NULL CONSTRAINT npc_instances_spawn_key UNIQUE REFERENCES game.npc_spawns,
	life_id bigint NOT NULL DEFAULT 1 CHECK (life_id > 0),
	status text NOT NULL DEFAULT 'ALIVE' CHECK (status IN ('ALIVE', 'DEAD')),
	died_at timestamptz,
	respawn_at timestamptz,
	CONSTRAINT npc_instances_dead_since CHECK ((status = 'DEAD') = (died_at IS NOT NULL)
	                                           AND (status = 'DEAD') = (respawn_at IS NOT NULL)
	                                           AND respawn_at >= died_at)
) WITH (fillfactor = 80);
CREATE INDEX npc_instances_respawn_at ON game.npc_instances (respawn_at) WHERE status = 'DEAD';
COMMENT ON TABLE game.npc_instances IS 'NPCs. Only life and death have rows; where they are and their hit points are in memory.';
COMMENT ON COLUMN game.npc_instances.id IS 'Identity; minus that is the entity id.';
COMMENT ON COLUMN game.npc_instances.spawn_id IS 'Where it lives.';
COMMENT ON COLUMN game.npc_instances.life_id IS 'Number of its life: rises with every respawn.';
COMMENT ON COLUMN game.npc_instances.status IS 'ALIVE or DEAD.';
COMMENT ON COLUMN game.npc_instances.died_at IS 'When this life ended.';
COMMENT ON COLUMN game.npc_instances.respawn_at IS 'When the next one begins.';

CREATE TABLE game.npc_deaths (
	npc_id bigint NOT NULL,
	life_id bigint NOT NULL,
	killer_id bigint NOT NULL,
	died_at timestamptz NOT NULL,
	PRIMARY KEY (npc_id, life_id)
);
COMMENT ON TABLE game.npc_deaths IS 'Deaths: one per life, so that a death pays once even across a crash.';
COMMENT ON COLUMN game.npc_deaths.npc_id IS 'Who died.';
COMMENT ON COLUMN game.npc_deaths.life_id IS 'In which of its lives.';
COMMENT ON COLUMN game.npc_deaths.killer_id IS 'Character that killed it.';
COMMENT ON COLUMN game.npc_deaths.died_at IS 'When.';

CREATE TABLE game.boss_phases (
	combat_id bigint NOT NULL,
	npc_id bigint NOT NULL,
	phase smallint NOT NULL CHECK (phase BETWEEN 2 AND 9),
	former smallint NOT NULL CHECK (former = phase - 1),
	reached_at timestamptz NOT NULL,
	PRIMARY KEY (combat_id, npc_id, phase)
);
COMMENT ON TABLE game.boss_phases IS 'Phases that bosses reached in a fight: each once, one after the other, never backward.';
COMMENT ON COLUMN game.boss_phases.combat_id IS 'Fight.';
COMMENT ON COLUMN game.boss_phases.npc_id IS 'Boss.';
COMMENT ON COLUMN game.boss_phases.phase IS 'Phase that began.';
COMMENT ON COLUMN game.boss_phases.former IS 'Phase that ended.';
COMMENT ON COLUMN game.boss_phases.reached_at IS 'When.';
