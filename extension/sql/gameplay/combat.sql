/* SPDX-License-Identifier: PostgreSQL
 *
 * Combat (DOMAIN.md 8).
 */
CREATE TYPE necp.combatant_view AS (
	entity_id bigint,
	name text,
	side smallint,
	hp int,
	max_hp int,
	active boolean
);
COMMENT ON TYPE necp.combatant_view IS 'Somebody in a combat.';
COMMENT ON COLUMN necp.combatant_view.entity_id IS 'Character, or minus the NPC.';
COMMENT ON COLUMN necp.combatant_view.name IS 'Name; null once it is not in the place any more.';
COMMENT ON COLUMN necp.combatant_view.side IS '1: characters; 2: NPCs.';
COMMENT ON COLUMN necp.combatant_view.hp IS 'Hit points; null once it is not in the place any more.';
COMMENT ON COLUMN necp.combatant_view.max_hp IS 'Most hit points; null once it is not in the place any more.';
COMMENT ON COLUMN necp.combatant_view.active IS 'Still fights.';

CREATE TYPE necp.combat_view AS (
	combat_id bigint,
	kind text,
	status text,
	place_id bigint,
	started_at timestamptz,
	ended_at timestamptz,
	combatants necp.combatant_view[]
);
COMMENT ON TYPE necp.combat_view IS 'A combat.';
COMMENT ON COLUMN necp.combat_view.combat_id IS 'Combat.';
COMMENT ON COLUMN necp.combat_view.kind IS 'PVE, PVP_DUEL, PVP_ARENA, RAID_BOSS or WORLD_BOSS.';
COMMENT ON COLUMN necp.combat_view.status IS 'ACTIVE, COMPLETED (one side is down), FLED (it left) or ABORTED.';
COMMENT ON COLUMN necp.combat_view.place_id IS 'Zone, or minus the instance.';
COMMENT ON COLUMN necp.combat_view.started_at IS 'When it began.';
COMMENT ON COLUMN necp.combat_view.ended_at IS 'When it ended; null while it goes on.';
COMMENT ON COLUMN necp.combat_view.combatants IS 'Who fights or fought in it.';

CREATE TYPE necp.attack_view AS (
	combat_id bigint,
	target_id bigint,
	part text,
	crit boolean,
	damage int,
	hp int,
	max_hp int,
	killed boolean,
	xp int,
	cooldown_ms int
);
COMMENT ON TYPE necp.attack_view IS 'What an attack did.';
COMMENT ON COLUMN necp.attack_view.combat_id IS 'Combat.';
COMMENT ON COLUMN necp.attack_view.target_id IS 'Entity that was hit.';
COMMENT ON COLUMN necp.attack_view.part IS 'HEAD, TORSO, ARM, LEG or IMPLANT_CORE: where the shot landed.';
COMMENT ON COLUMN necp.attack_view.crit IS 'Critical hit.';
COMMENT ON COLUMN necp.attack_view.damage IS 'Damage done.';
COMMENT ON COLUMN necp.attack_view.hp IS 'Hit points left to the target.';
COMMENT ON COLUMN necp.attack_view.max_hp IS 'The target''s most hit points.';
COMMENT ON COLUMN necp.attack_view.killed IS 'The target died of it.';
COMMENT ON COLUMN necp.attack_view.xp IS 'The attacker''s share of the experience for the kill; 0 without one.';
COMMENT ON COLUMN necp.attack_view.cooldown_ms IS 'Time until the next shot.';

CREATE FUNCTION necp.combat_start(npc_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_combat_start';
COMMENT ON FUNCTION necp.combat_start IS
	'Begins a fight with an NPC within 60 m, or joins the one that it is in. NOT_FOUND, OUT_OF_RANGE, TARGET_DEAD, YOU_ARE_DEAD, IN_COMBAT.';
SELECT necp.route('POST', '/combat/start', 'combat_start', status => 201, result => 'combat_view');

CREATE FUNCTION necp.combat_active() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_combat_active';
COMMENT ON FUNCTION necp.combat_active IS 'The combat that the acting character is in. NOT_FOUND where there is none.';
SELECT necp.route('GET', '/combat/active', 'combat_active', result => 'combat_view');

CREATE FUNCTION necp.combat_state(combat_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_combat_state';
COMMENT ON FUNCTION necp.combat_state IS 'A combat that the acting character fights or fought in. NOT_PARTICIPANT.';
SELECT necp.route('GET', '/combat/{combat_id}/state', 'combat_state', result => 'combat_view');

CREATE FUNCTION necp.combat_attack(combat_id bigint, target_id bigint, aimed_part text DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_combat_attack';
COMMENT ON FUNCTION necp.combat_attack IS
	'Shoots at an entity of the combat (a character, or minus an NPC); aimed_part is HEAD, TORSO, ARM, LEG or IMPLANT_CORE. OUT_OF_RANGE, COOLDOWN, TARGET_DEAD, YOU_ARE_DEAD, NOT_PARTICIPANT, FORBIDDEN, CONFLICT.';
SELECT necp.route('POST', '/combat/{combat_id}/attack', 'combat_attack', rate => 'combat', result => 'attack_view');

CREATE TYPE necp.flight_view AS (
	combat_id bigint,
	fled boolean,
	chance_percent int,
	cooldown_ms int
);
COMMENT ON TYPE necp.flight_view IS 'What came of an attempt to flee.';
COMMENT ON COLUMN necp.flight_view.combat_id IS 'Combat.';
COMMENT ON COLUMN necp.flight_view.fled IS 'The character is out of it.';
COMMENT ON COLUMN necp.flight_view.chance_percent IS 'How likely that was.';
COMMENT ON COLUMN necp.flight_view.cooldown_ms IS 'Time until the next attempt.';

CREATE FUNCTION necp.combat_flee(combat_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_combat_flee';
COMMENT ON FUNCTION necp.combat_flee IS
	'Tries to get out of a fight: 50 %, and 5 % for each point of reflexes above the quickest enemy''s, at least 10 and at most 90 %. COOLDOWN, YOU_ARE_DEAD, NOT_PARTICIPANT, CONFLICT.';
SELECT necp.route('POST', '/combat/{combat_id}/flee', 'combat_flee', rate => 'combat', result => 'flight_view');

CREATE TYPE necp.blow_view AS (
	blow_id bigint,
	struck_at timestamptz,
	actor_id bigint,
	target_id bigint,
	part text,
	amount int,
	crit boolean,
	killed boolean
);
COMMENT ON TYPE necp.blow_view IS 'A blow of a combat.';
COMMENT ON COLUMN necp.blow_view.blow_id IS 'Number; in the order of the blows.';
COMMENT ON COLUMN necp.blow_view.struck_at IS 'When.';
COMMENT ON COLUMN necp.blow_view.actor_id IS 'Who struck: character, or minus the NPC.';
COMMENT ON COLUMN necp.blow_view.target_id IS 'Who was struck: character, or minus the NPC.';
COMMENT ON COLUMN necp.blow_view.part IS 'HEAD, TORSO, ARM, LEG or IMPLANT_CORE.';
COMMENT ON COLUMN necp.blow_view.amount IS 'Damage.';
COMMENT ON COLUMN necp.blow_view.crit IS 'Critical hit.';
COMMENT ON COLUMN necp.blow_view.killed IS 'The target died of it.';

CREATE FUNCTION necp.combat_log(combat_id bigint, "limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_combat_log_list';
COMMENT ON FUNCTION necp.combat_log IS
	'The blows of a combat that the acting character fights or fought in, about a second late. NOT_PARTICIPANT.';
SELECT necp.route('GET', '/combat/{combat_id}/log', 'combat_log', read_only => true, result => 'blow_view', list => true);

CREATE FUNCTION necp.live_damage_log() RETURNS TABLE (blows bigint, waiting bigint, lost bigint)
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_live_damage_log';
COMMENT ON FUNCTION necp.live_damage_log IS 'How the log of blows fares.';
CREATE VIEW live.damage_log AS SELECT * FROM necp.live_damage_log();
COMMENT ON VIEW live.damage_log IS 'The log of blows, between shared memory and game.damage_logs.';
COMMENT ON COLUMN live.damage_log.blows IS 'Blows since the server started.';
COMMENT ON COLUMN live.damage_log.waiting IS 'Blows that are not written yet.';
COMMENT ON COLUMN live.damage_log.lost IS 'Blows that there was no room for.';
GRANT EXECUTE ON FUNCTION necp.live_damage_log() TO necp_analyst, necp_admin;

SELECT necp.topic('/topic/character/{character_id}/combat', 'character_topic',
	'One''s own fights: ATTACK (given or taken), COMBAT_STARTED, COMBAT_LEFT, COMBAT_ENDED, PLAYER_DIED, PLAYER_RESPAWNED.');

CREATE FUNCTION necp.combat_import(pack jsonb) RETURNS int
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_combat_import';
COMMENT ON FUNCTION necp.combat_import IS 'Imports weapon profiles: an array of objects with the columns of game.weapon_profiles.';
SELECT necp.content_kind('weapons', 'combat_import', 120, '{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]{1,62}$"}, "name": {"type": "text", "required": true, "match": "^.{1,60}$"},
	"damage": {"type": "integer", "required": true, "min": 1, "max": 10000}, "rpm": {"type": "integer", "required": true, "min": 1, "max": 6000},
	"range_m": {"type": "number", "required": true, "min": 1, "max": 1000}, "attribute": {"type": "text", "words": ["reflexes", "body"]}}');

CREATE FUNCTION necp.combat_expire() RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_combat_expire';
COMMENT ON FUNCTION necp.combat_expire IS 'Ends at once the combats that are overdue; the world worker does so every second.';

SELECT necp.integrity('combat_sides', $$
	SELECT format('combat %s has ended, but %s still fights in it', s.id, p.entity_id)
	FROM game.combat_sessions s JOIN game.combat_participants p ON p.combat_id = s.id
	WHERE s.status <> 'ACTIVE' AND p.left_at IS NULL
	UNION ALL
	SELECT format('combat %s goes on with nobody on side %s', s.id, side)
	FROM game.combat_sessions s CROSS JOIN (VALUES (1), (2)) sides (side)
	WHERE s.status = 'ACTIVE'
	  AND NOT EXISTS (SELECT FROM game.combat_participants p
	                  WHERE p.combat_id = s.id AND p.side = sides.side AND p.left_at IS NULL)
$$, 'A combat goes on exactly as long as both sides fight.');

SELECT necp.integrity('combat_status', $$
	SELECT format('character %s is %s, and fights: %s', c.id, c.status, p.entity_id IS NOT NULL)
	FROM game.characters c
	FULL JOIN (SELECT entity_id FROM game.combat_participants WHERE left_at IS NULL AND entity_id > 0) p ON p.entity_id = c.id
	WHERE (c.status = 'IN_COMBAT') <> (p.entity_id IS NOT NULL)$$,
	'Who fights is IN_COMBAT, and nobody else is.');
