/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.teleport_view AS (teleport_id bigint, code text, name text, zone_id bigint, x real, y real, z real, discovered boolean);
COMMENT ON TYPE necp.teleport_view IS 'A point that one can come back to.';
COMMENT ON COLUMN necp.teleport_view.teleport_id IS 'Identity.';
COMMENT ON COLUMN necp.teleport_view.code IS 'Name in content packs.';
COMMENT ON COLUMN necp.teleport_view.name IS 'Name for players.';
COMMENT ON COLUMN necp.teleport_view.zone_id IS 'Where it is.';
COMMENT ON COLUMN necp.teleport_view.x IS 'Metres.';
COMMENT ON COLUMN necp.teleport_view.y IS 'Metres.';
COMMENT ON COLUMN necp.teleport_view.z IS 'Metres.';
COMMENT ON COLUMN necp.teleport_view.discovered IS 'Has the acting character been there?';
CREATE TYPE necp.journey_view AS (teleport_id bigint, arrives_at timestamptz, credits bigint);
COMMENT ON TYPE necp.journey_view IS 'A journey that has begun.';
COMMENT ON COLUMN necp.journey_view.teleport_id IS 'Whither.';
COMMENT ON COLUMN necp.journey_view.arrives_at IS 'When; who moves, fights or falls before stays.';
COMMENT ON COLUMN necp.journey_view.credits IS 'What the arrival costs.';

CREATE FUNCTION necp.teleport_list() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_teleport_list';
COMMENT ON FUNCTION necp.teleport_list IS 'All teleports, and which of them the acting character has been at.';
SELECT necp.route('GET', '/zones/teleports', 'teleport_list', read_only => true, result => 'teleport_view', list => true);

CREATE FUNCTION necp.teleport_use(teleport_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_teleport_use';
COMMENT ON FUNCTION necp.teleport_use IS 'Begins a journey to a teleport that the acting character has been at; it arrives after the cast, and pays then. NOT_FOUND, NOT_DISCOVERED, COOLDOWN, BUSY while one has begun, IN_COMBAT, YOU_ARE_DEAD, OVERWEIGHT, INSUFFICIENT_FUNDS, CONFLICT where it is in no zone.';
SELECT necp.route('POST', '/zones/teleports/{teleport_id}/use', 'teleport_use', idempotent => true, result => 'journey_view');

CREATE FUNCTION necp.zone_unstuck() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_zone_unstuck';
COMMENT ON FUNCTION necp.zone_unstuck IS 'Puts the acting character at the safe point of its zone. COOLDOWN, IN_COMBAT, YOU_ARE_DEAD, CONFLICT where it is in no zone.';
SELECT necp.route('POST', '/zones/unstuck', 'zone_unstuck', result => 'zone_view');

SELECT necp.topic('/topic/character/{character_id}/travel', 'character_topic',
	'Journeys of one''s own character: TELEPORT_DISCOVERED, TELEPORT_STARTED, TELEPORT_ARRIVED, TELEPORT_CANCELLED with its reason.');

CREATE FUNCTION necp.portal_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed int;
BEGIN
	INSERT INTO game.zone_portals AS t (code, zone_id, x, y, z, to_zone_id, to_x, to_y, to_z, origin)
	SELECT p.code, f.id, p.x, p.y, coalesce(p.z, 0), g.id, p.to_x, p.to_y, coalesce(p.to_z, 0), 'pack'
	FROM jsonb_to_recordset(pack) p (code text, zone text, x real, y real, z real, to_zone text, to_x real, to_y real, to_z real)
	JOIN game.zones f ON f.code = p.zone JOIN game.zones g ON g.code = p.to_zone
	ON CONFLICT (code) DO UPDATE SET zone_id = excluded.zone_id, x = excluded.x, y = excluded.y, z = excluded.z,
		to_zone_id = excluded.to_zone_id, to_x = excluded.to_x, to_y = excluded.to_y, to_z = excluded.to_z
	WHERE t.origin = 'pack' AND (t.zone_id, t.x, t.y, t.z, t.to_zone_id, t.to_x, t.to_y, t.to_z) IS DISTINCT FROM
		(excluded.zone_id, excluded.x, excluded.y, excluded.z, excluded.to_zone_id, excluded.to_x, excluded.to_y, excluded.to_z);
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.portal_import IS 'Imports an array of portals.';
SELECT necp.content_kind('portals', 'portal_import', 101, '{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"}, "zone": {"type": "text", "required": true, "names": {"table": "zones", "what": "a zone", "packs": "$.zones[*][*].code ? (@ == $name)"}}, "to_zone": {"type": "text", "required": true, "names": {"table": "zones", "what": "a zone", "packs": "$.zones[*][*].code ? (@ == $name)"}},
	"x": {"type": "number", "required": true, "min": -5000, "max": 5000}, "y": {"type": "number", "required": true, "min": -5000, "max": 5000}, "z": {"type": "number", "min": -1000, "max": 1000},
	"to_x": {"type": "number", "required": true, "min": -5000, "max": 5000}, "to_y": {"type": "number", "required": true, "min": -5000, "max": 5000}, "to_z": {"type": "number", "min": -1000, "max": 1000}}');

CREATE FUNCTION necp.teleport_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed int;
BEGIN
	INSERT INTO game.teleports AS t (code, name, zone_id, x, y, z, origin)
	SELECT p.code, p.name, f.id, p.x, p.y, coalesce(p.z, 0), 'pack'
	FROM jsonb_to_recordset(pack) p (code text, name text, zone text, x real, y real, z real) JOIN game.zones f ON f.code = p.zone
	ON CONFLICT (code) DO UPDATE SET name = excluded.name, zone_id = excluded.zone_id, x = excluded.x, y = excluded.y, z = excluded.z
	WHERE t.origin = 'pack' AND (t.name, t.zone_id, t.x, t.y, t.z) IS DISTINCT FROM (excluded.name, excluded.zone_id, excluded.x, excluded.y, excluded.z);
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.teleport_import IS 'Imports an array of teleports.';
SELECT necp.content_kind('teleports', 'teleport_import', 102, '{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"}, "name": {"type": "text", "required": true, "match": "^.{1,60}$"}, "zone": {"type": "text", "required": true, "names": {"table": "zones", "what": "a zone", "packs": "$.zones[*][*].code ? (@ == $name)"}},
	"x": {"type": "number", "required": true, "min": -5000, "max": 5000}, "y": {"type": "number", "required": true, "min": -5000, "max": 5000}, "z": {"type": "number", "min": -1000, "max": 1000}}');
