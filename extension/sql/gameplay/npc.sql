/* SPDX-License-Identifier: PostgreSQL
 *
 * NPCs (DOMAIN.md 8).
 */
CREATE TYPE necp.npc_view AS (
	npc_id bigint,
	code text,
	name text,
	tier smallint,
	level int,
	zone_id bigint,
	status text,
	hp int,
	max_hp int,
	x real,
	y real,
	z real,
	respawn_at timestamptz
);
COMMENT ON TYPE necp.npc_view IS 'An NPC as it is now.';
COMMENT ON COLUMN necp.npc_view.npc_id IS 'NPC; minus that is its entity id.';
COMMENT ON COLUMN necp.npc_view.code IS 'Kind of NPC, as content packs name it.';
COMMENT ON COLUMN necp.npc_view.name IS 'Name that players see.';
COMMENT ON COLUMN necp.npc_view.tier IS '0 to 4, 5 for bosses.';
COMMENT ON COLUMN necp.npc_view.level IS 'Level.';
COMMENT ON COLUMN necp.npc_view.zone_id IS 'Zone it lives in.';
COMMENT ON COLUMN necp.npc_view.status IS 'ALIVE or DEAD.';
COMMENT ON COLUMN necp.npc_view.hp IS 'Hit points.';
COMMENT ON COLUMN necp.npc_view.max_hp IS 'Most hit points.';
COMMENT ON COLUMN necp.npc_view.x IS 'Metres east of the zone''s middle; null while the zone is not in memory.';
COMMENT ON COLUMN necp.npc_view.y IS 'Metres north of the zone''s middle; null while the zone is not in memory.';
COMMENT ON COLUMN necp.npc_view.z IS 'Height in metres; null while the zone is not in memory.';
COMMENT ON COLUMN necp.npc_view.respawn_at IS 'When the next life begins; null while it lives.';

CREATE FUNCTION necp.npc_read(npc_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_npc_read';
COMMENT ON FUNCTION necp.npc_read IS 'One NPC.';
SELECT necp.route('GET', '/npcs/{npc_id}', 'npc_read', result => 'npc_view');

CREATE FUNCTION necp.npc_import(pack jsonb) RETURNS int
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_npc_import';
COMMENT ON FUNCTION necp.npc_import IS
	'Imports NPCs: {"templates": […], "spawns": […]}; bosses have phases; spawns name their template, their zone, and waypoints as [[x, y, z], …].';
SELECT necp.content_kind('npcs', 'npc_import', 110, '{"type": "object", "fields": {
	"templates": {"type": "array", "key": ["code"], "of": {"type": "object", "fields": {
		"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]{1,62}$"}, "name": {"type": "text", "required": true, "match": "^.{1,60}$"},
		"tier": {"type": "integer", "required": true, "min": 0, "max": 5}, "level": {"type": "integer", "required": true, "min": 1, "max": 100},
		"max_hp": {"type": "integer", "required": true, "min": 1, "max": 1000000}, "armor": {"type": "integer", "min": 0, "max": 10000},
		"attack_damage": {"type": "integer", "min": 0, "max": 10000}, "attack_range": {"type": "number", "min": 0, "max": 500},
		"attack_interval_ms": {"type": "integer", "min": 50, "max": 60000}, "walk_speed": {"type": "number", "min": 0, "max": 20},
		"run_speed": {"type": "number", "min": 0, "max": 20}, "temperament": {"type": "text", "words": ["passive", "defensive", "aggressive"]},
		"aggro_m": {"type": "number", "min": 0, "max": 100}, "assist_m": {"type": "number", "min": 0, "max": 100}, "leash_m": {"type": "number", "min": 1, "max": 500},
		"enrage_s": {"type": "integer", "min": 1, "max": 7200}, "reflexes": {"type": "integer", "min": 1, "max": 100},
		"phases": {"type": "array", "max": 9, "key": ["phase"], "of": {"type": "object", "fields": {
			"phase": {"type": "integer", "required": true, "min": 1, "max": 9}, "hp_percent": {"type": "integer", "required": true, "min": 1, "max": 100},
			"damage_percent": {"type": "integer", "min": 1, "max": 1000}, "area_damage": {"type": "integer", "min": 0, "max": 10000},
			"area_m": {"type": "number", "min": 1, "max": 100}, "area_every_ms": {"type": "integer", "min": 1000, "max": 600000},
			"telegraph_ms": {"type": "integer", "min": 2000, "max": 30000}, "weak_ms": {"type": "integer", "min": 0, "max": 8000},
			"weak_percent": {"type": "integer", "min": 100, "max": 1000}}}},
		"loot_table_code": {"type": "text", "names": {"table": "loot_tables", "what": "a loot table", "packs": "$.loot[*][*].code ? (@ == $name)"}},
		"guaranteed_table_code": {"type": "text", "names": {"table": "loot_tables", "what": "a loot table", "packs": "$.loot[*][*].code ? (@ == $name)"}},
		"xp_base": {"type": "integer", "min": 0, "max": 1000000}, "respawn_seconds": {"type": "integer", "min": 1, "max": 604800}}}},
	"spawns": {"type": "array", "key": ["code"], "of": {"type": "object", "fields": {
		"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]{1,62}$"},
		"template": {"type": "text", "required": true, "names": {"table": "npc_templates", "what": "an NPC", "packs": "$.npcs[*].templates[*].code ? (@ == $name)"}},
		"zone": {"type": "text", "required": true, "names": {"table": "zones", "what": "a zone", "packs": "$.zones[*][*].code ? (@ == $name)"}},
		"x": {"type": "number", "required": true, "min": -5000, "max": 5000}, "y": {"type": "number", "required": true, "min": -5000, "max": 5000},
		"z": {"type": "number", "min": -1000, "max": 1000}, "yaw": {"type": "number", "min": -7, "max": 7}, "enabled": {"type": "boolean"},
		"waypoints": {"type": "array", "max": 64, "of": {"type": "array", "min": 3, "max": 3, "of": {"type": "number", "min": -5000, "max": 5000}}}}}}}}');

CREATE FUNCTION necp.npc_respawn() RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_npc_respawn';
COMMENT ON FUNCTION necp.npc_respawn IS 'Brings back at once the NPCs that are due; the world worker does so every second.';

CREATE FUNCTION necp.npc_strike(npc_id bigint, character_id bigint, damage int) RETURNS text
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_npc_strike';
COMMENT ON FUNCTION necp.npc_strike IS
	'An NPC strikes a character of its fight in this transaction, from anywhere: KILL, HIT, or NONE where somebody holds the character; for tests and operators.';

SELECT necp.integrity('npc_lives', $$
	SELECT format('NPC %s has a death in life %s, its last life is %s', d.npc_id, d.life_id, coalesce(i.life_id::text, 'none'))
	FROM game.npc_deaths d LEFT JOIN game.npc_instances i ON i.id = d.npc_id
	WHERE i.id IS NULL OR d.life_id > i.life_id
	UNION ALL
	SELECT format('NPC %s is dead without a death of life %s', i.id, i.life_id)
	FROM game.npc_instances i
	WHERE i.status = 'DEAD'
	  AND NOT EXISTS (SELECT FROM game.npc_deaths d WHERE d.npc_id = i.id AND d.life_id = i.life_id)
	UNION ALL
	SELECT format('NPC %s lives, but life %s has ended', i.id, i.life_id)
	FROM game.npc_instances i
	JOIN game.npc_deaths d ON d.npc_id = i.id AND d.life_id = i.life_id
	WHERE i.status = 'ALIVE'
$$, 'An NPC dies once per life: dead with a death of this life, alive without.');

SELECT necp.integrity('boss_phases', $$
	SELECT format('boss %s reached phase %s of combat %s at %s, out of order', b.npc_id, b.phase, b.combat_id, b.reached_at)
	FROM game.boss_phases b
	LEFT JOIN game.boss_phases f ON (f.combat_id, f.npc_id, f.phase) = (b.combat_id, b.npc_id, b.former)
	WHERE b.phase > 2 AND (f.phase IS NULL OR f.reached_at > b.reached_at)
$$, 'A boss goes through its phases one after the other.');
