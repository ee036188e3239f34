/* SPDX-License-Identifier: PostgreSQL
 *
 * Zones and the live world (DOMAIN.md 13, 21).
 */
CREATE TYPE necp.zone_view AS (
	zone_id bigint,
	code text,
	name text,
	kind text,
	status text,
	size_m int,
	capacity int,
	players int,
	safe_x real,
	safe_y real,
	safe_z real,
	x real,
	y real,
	z real,
	yaw real
);
COMMENT ON TYPE necp.zone_view IS 'A zone, with the acting character''s position where it is about that character.';
COMMENT ON COLUMN necp.zone_view.zone_id IS 'Zone; also the place_id of positions.';
COMMENT ON COLUMN necp.zone_view.code IS 'Name in content packs.';
COMMENT ON COLUMN necp.zone_view.name IS 'Name that players see.';
COMMENT ON COLUMN necp.zone_view.kind IS 'CITY, BADLANDS, DUNGEON, RAID or PVP.';
COMMENT ON COLUMN necp.zone_view.status IS 'ONLINE or MAINTENANCE.';
COMMENT ON COLUMN necp.zone_view.size_m IS 'Length of a side in metres; the origin of coordinates is the middle.';
COMMENT ON COLUMN necp.zone_view.capacity IS 'Most characters at once.';
COMMENT ON COLUMN necp.zone_view.players IS 'Characters in it now.';
COMMENT ON COLUMN necp.zone_view.safe_x IS 'Safe point, metres east of the middle.';
COMMENT ON COLUMN necp.zone_view.safe_y IS 'Safe point, metres north of the middle.';
COMMENT ON COLUMN necp.zone_view.safe_z IS 'Safe point, height in metres.';
COMMENT ON COLUMN necp.zone_view.x IS 'The acting character, metres east of the middle; null in lists.';
COMMENT ON COLUMN necp.zone_view.y IS 'The acting character, metres north of the middle; null in lists.';
COMMENT ON COLUMN necp.zone_view.z IS 'The acting character, height in metres; null in lists.';
COMMENT ON COLUMN necp.zone_view.yaw IS 'The acting character, direction in radians; null in lists.';

CREATE TYPE necp.zone_player_view AS (
	character_id bigint,
	name text,
	level int,
	activity text
);
COMMENT ON TYPE necp.zone_player_view IS 'A character in a zone.';
COMMENT ON COLUMN necp.zone_player_view.character_id IS 'Character; also its entity id.';
COMMENT ON COLUMN necp.zone_player_view.name IS 'Name.';
COMMENT ON COLUMN necp.zone_player_view.level IS 'Level when it entered.';
COMMENT ON COLUMN necp.zone_player_view.activity IS 'IDLE, MOVING, COMBAT, AFK or DEAD.';

-- The live world for SQL.
CREATE FUNCTION necp.live_zone_players()
	RETURNS TABLE (place_id bigint, character_id bigint, name text, level int, x real, y real, z real,
	               yaw real, hp int, max_hp int, activity text, combat_id bigint, violations int,
	               entered_at timestamptz)
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_live_zone_players';
COMMENT ON FUNCTION necp.live_zone_players IS 'Characters in the live world.';
CREATE VIEW live.zone_players AS SELECT * FROM necp.live_zone_players();
COMMENT ON VIEW live.zone_players IS 'Characters in the live world: who stands where, now.';
COMMENT ON COLUMN live.zone_players.place_id IS 'Zone, or minus the instance.';
COMMENT ON COLUMN live.zone_players.character_id IS 'Character.';
COMMENT ON COLUMN live.zone_players.name IS 'Name.';
COMMENT ON COLUMN live.zone_players.level IS 'Level.';
COMMENT ON COLUMN live.zone_players.x IS 'Metres east of the middle.';
COMMENT ON COLUMN live.zone_players.y IS 'Metres north of the middle.';
COMMENT ON COLUMN live.zone_players.z IS 'Height in metres.';
COMMENT ON COLUMN live.zone_players.yaw IS 'Direction in radians.';
COMMENT ON COLUMN live.zone_players.hp IS 'Hit points.';
COMMENT ON COLUMN live.zone_players.max_hp IS 'Most hit points.';
COMMENT ON COLUMN live.zone_players.activity IS 'IDLE, MOVING, COMBAT, AFK or DEAD.';
COMMENT ON COLUMN live.zone_players.combat_id IS 'Combat it fights in; 0: none.';
COMMENT ON COLUMN live.zone_players.violations IS 'Moves refused since it entered.';
COMMENT ON COLUMN live.zone_players.entered_at IS 'When it came.';

CREATE FUNCTION necp.live_zone_npcs()
	RETURNS TABLE (place_id bigint, npc_id bigint, name text, level int, x real, y real, z real,
	               yaw real, hp int, max_hp int, activity text, combat_id bigint, template_id bigint,
	               life_id bigint, mind text)
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_live_zone_npcs';
COMMENT ON FUNCTION necp.live_zone_npcs IS 'NPCs in the live world.';
CREATE VIEW live.zone_npcs AS SELECT * FROM necp.live_zone_npcs();
COMMENT ON VIEW live.zone_npcs IS 'NPCs in the live world, the dead ones until they come back.';
COMMENT ON COLUMN live.zone_npcs.place_id IS 'Zone, or minus the instance.';
COMMENT ON COLUMN live.zone_npcs.npc_id IS 'NPC; its entity id is minus that.';
COMMENT ON COLUMN live.zone_npcs.name IS 'Name.';
COMMENT ON COLUMN live.zone_npcs.level IS 'Level.';
COMMENT ON COLUMN live.zone_npcs.x IS 'Metres east of the middle.';
COMMENT ON COLUMN live.zone_npcs.y IS 'Metres north of the middle.';
COMMENT ON COLUMN live.zone_npcs.z IS 'Height in metres.';
COMMENT ON COLUMN live.zone_npcs.yaw IS 'Direction in radians.';
COMMENT ON COLUMN live.zone_npcs.hp IS 'Hit points.';
COMMENT ON COLUMN live.zone_npcs.max_hp IS 'Most hit points.';
COMMENT ON COLUMN live.zone_npcs.activity IS 'IDLE, MOVING, COMBAT or DEAD.';
COMMENT ON COLUMN live.zone_npcs.combat_id IS 'Combat it fights in; 0: none.';
COMMENT ON COLUMN live.zone_npcs.template_id IS 'What it is.';
COMMENT ON COLUMN live.zone_npcs.life_id IS 'Which of its lives this is.';
COMMENT ON COLUMN live.zone_npcs.mind IS 'What it is about: IDLE, PATROL, ALERT, COMBAT, FLEE, RETURN or DEAD.';

CREATE FUNCTION necp.live_zone_load()
	RETURNS TABLE (place_id bigint, players int, npcs int, capacity int, tick bigint, stamp bigint)
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_live_zone_load';
COMMENT ON FUNCTION necp.live_zone_load IS 'Places in the live world.';
CREATE VIEW live.zone_load AS SELECT * FROM necp.live_zone_load();
COMMENT ON VIEW live.zone_load IS 'Places that are open, and how full they are.';
COMMENT ON COLUMN live.zone_load.place_id IS 'Zone, or minus the instance.';
COMMENT ON COLUMN live.zone_load.players IS 'Characters in it.';
COMMENT ON COLUMN live.zone_load.npcs IS 'NPCs in it, the dead included.';
COMMENT ON COLUMN live.zone_load.capacity IS 'Most characters at once.';
COMMENT ON COLUMN live.zone_load.tick IS 'Ticks since it was opened; it stands still while nobody is there.';
COMMENT ON COLUMN live.zone_load.stamp IS 'Rises with every change; necp.world_exchange() answers by it.';

CREATE FUNCTION necp.live_world_jobs()
	RETURNS TABLE (job text, runs bigint, total_us bigint, most_us bigint, shed bigint)
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_live_world_jobs';
COMMENT ON FUNCTION necp.live_world_jobs IS 'What the jobs of the world worker cost.';
CREATE VIEW live.world_jobs AS SELECT * FROM necp.live_world_jobs();
COMMENT ON VIEW live.world_jobs IS 'What the jobs of the world worker cost since it started.';
COMMENT ON COLUMN live.world_jobs.job IS 'Job.';
COMMENT ON COLUMN live.world_jobs.runs IS 'How often it has run.';
COMMENT ON COLUMN live.world_jobs.total_us IS 'Microseconds of all runs.';
COMMENT ON COLUMN live.world_jobs.most_us IS 'Microseconds of the longest run.';
COMMENT ON COLUMN live.world_jobs.shed IS 'Runs that were left out because the step before took too long.';

GRANT EXECUTE ON FUNCTION necp.live_zone_players(), necp.live_zone_npcs(), necp.live_zone_load(), necp.live_world_jobs()
	TO necp_analyst, necp_admin;

CREATE FUNCTION necp.world_exchange(request bytea) RETURNS bytea
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'necp_world_exchange';
COMMENT ON FUNCTION necp.world_exchange IS
	'Applies the inputs of a tick and answers what changed; docs/interfaces.md describes both formats.';

CREATE FUNCTION necp.world_save() RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_world_save';
COMMENT ON FUNCTION necp.world_save IS 'Saves all positions at once; the world worker does so every 30 s.';

-- Endpoints.
CREATE FUNCTION necp.zone_list("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_zone_list';
COMMENT ON FUNCTION necp.zone_list IS 'Lists the zones.';
SELECT necp.route('GET', '/zones', 'zone_list', result => 'zone_view', list => true);

CREATE FUNCTION necp.zone_current() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_zone_current';
COMMENT ON FUNCTION necp.zone_current IS 'The zone that the acting character is in, and where. NOT_FOUND where it is in none.';
SELECT necp.route('GET', '/zones/current', 'zone_current', result => 'zone_view');

CREATE FUNCTION necp.zone_read(zone_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_zone_read';
COMMENT ON FUNCTION necp.zone_read IS 'One zone.';
SELECT necp.route('GET', '/zones/{zone_id}', 'zone_read', result => 'zone_view');

CREATE FUNCTION necp.zone_players(zone_id bigint, "limit" int DEFAULT NULL, cursor bigint DEFAULT NULL)
	RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_zone_players';
COMMENT ON FUNCTION necp.zone_players IS 'Lists the characters in a zone.';
SELECT necp.route('GET', '/zones/{zone_id}/players', 'zone_players', result => 'zone_player_view', list => true);

CREATE FUNCTION necp.zone_enter(zone_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_zone_enter';
COMMENT ON FUNCTION necp.zone_enter IS
	'Moves the acting character into a zone: where it was last there, else the safe point; a zone that portals lead to is entered through one of them, by who stands at it, unless from nowhere. TOO_FAR, ZONE_FULL, IN_COMBAT, YOU_ARE_DEAD, MAINTENANCE.';
SELECT necp.route('POST', '/zones/{zone_id}/enter', 'zone_enter', result => 'zone_view');

-- Topics.
CREATE FUNCTION necp.zone_may_listen(zone_id bigint) RETURNS boolean
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_zone_may_listen';
COMMENT ON FUNCTION necp.zone_may_listen IS 'Is the acting character in that zone?';
SELECT necp.topic('/topic/zone/{zone_id}/events', 'zone_may_listen',
	'What happens in a zone: PLAYER_ENTERED, PLAYER_LEFT, PLAYER_DIED, PLAYER_RESPAWNED, NPC_DIED, BOSS_PHASE_CHANGED, BOSS_TELEGRAPH, BOSS_WEAK_POINT, BOSS_ENRAGED. For those who are in it.');
SELECT necp.topic('/topic/character/{character_id}/position', 'character_topic',
	'Position frames: what moves around one''s own character.');

-- Content.
CREATE FUNCTION necp.zone_import(pack jsonb) RETURNS int
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_zone_import';
COMMENT ON FUNCTION necp.zone_import IS 'Imports zones: an array of objects with the columns of game.zones.';
CREATE FUNCTION necp.zone_check(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('$[%s].%s', e.n - 1, f.name), format('is %s, outside of the zone', e.value ->> f.name), NULL::text[]
	FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY e (value, n),
	     unnest('{safe_x,safe_y}'::text[]) f (name)
	WHERE CASE WHEN jsonb_typeof(e.value -> f.name) = 'number' AND coalesce(jsonb_typeof(e.value -> 'size_m'), 'number') = 'number'
	           THEN abs((e.value ->> f.name)::numeric) > coalesce((e.value ->> 'size_m')::numeric, 1000) / 2 END
$$;
COMMENT ON FUNCTION necp.zone_check IS 'Safe points of a pack of zones that are outside of them.';
SELECT necp.content_kind('zones', 'zone_import', 20, '{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]{1,62}$"}, "name": {"type": "text", "required": true, "match": "^.{1,60}$"},
	"kind": {"type": "text", "required": true, "words": ["CITY", "BADLANDS", "DUNGEON", "RAID", "PVP"]},
	"status": {"type": "text", "words": ["ONLINE", "MAINTENANCE", "OFFLINE"]},
	"size_m": {"type": "integer", "min": 10, "max": 10000}, "capacity": {"type": "integer", "min": 1, "max": 1000},
	"safe_x": {"type": "number"}, "safe_y": {"type": "number"}, "safe_z": {"type": "number", "min": -1000, "max": 1000}}', 'zone_check');

SELECT necp.integrity('zone_one_place', $$
	SELECT format('character %s plays in %s sessions', character_id, count(*))
	FROM game.player_sessions
	WHERE closed_at IS NULL AND character_id IS NOT NULL
	GROUP BY character_id HAVING count(*) > 1
	UNION ALL
	SELECT format('character %s is in place %s, its saved position in %s', s.character_id, s.place_id, p.place_id)
	FROM game.player_sessions s
	LEFT JOIN game.player_positions p ON p.character_id = s.character_id
	WHERE s.closed_at IS NULL AND s.place_id <> 0 AND p.place_id IS DISTINCT FROM s.place_id
$$, 'A character is in one place, and saved there.');
