/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.loot_container_view AS (container_id bigint, code text, name text, x real, y real, z real, "full" boolean, full_at timestamptz);
COMMENT ON TYPE necp.loot_container_view IS 'A crate or the like.';
COMMENT ON COLUMN necp.loot_container_view.container_id IS 'Identity.';
COMMENT ON COLUMN necp.loot_container_view.code IS 'Name in content packs.';
COMMENT ON COLUMN necp.loot_container_view.name IS 'Name for players.';
COMMENT ON COLUMN necp.loot_container_view.x IS 'Metres.';
COMMENT ON COLUMN necp.loot_container_view.y IS 'Metres.';
COMMENT ON COLUMN necp.loot_container_view.z IS 'Metres.';
COMMENT ON COLUMN necp.loot_container_view."full" IS 'Is there something to open?';
COMMENT ON COLUMN necp.loot_container_view.full_at IS 'When it fills, or has filled; null: it was never opened.';
CREATE TYPE necp.opened_view AS (container_id bigint, drop_id bigint);
COMMENT ON TYPE necp.opened_view IS 'A container that was opened.';
COMMENT ON COLUMN necp.opened_view.container_id IS 'The container.';
COMMENT ON COLUMN necp.opened_view.drop_id IS 'The drop that lies at it; null: there was nothing in it.';

CREATE FUNCTION necp.loot_containers_nearby() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_containers_nearby';
COMMENT ON FUNCTION necp.loot_containers_nearby IS 'Containers around the acting character, nearest first. CONFLICT where it is in no zone.';
SELECT necp.route('GET', '/loot/containers/nearby', 'loot_containers_nearby', read_only => true, result => 'loot_container_view', list => true);

CREATE FUNCTION necp.loot_container_open(container_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_container_open';
COMMENT ON FUNCTION necp.loot_container_open IS 'Opens a container that stands within reach: what was in it lies there as a drop, for the acting character and those of its party who are near. NOT_FOUND, TOO_FAR, YOU_ARE_DEAD, ALREADY_LOOTED until it fills again, CONFLICT where the character is in no zone.';
SELECT necp.route('POST', '/loot/containers/{container_id}/open', 'loot_container_open', idempotent => true, result => 'opened_view');

CREATE FUNCTION necp.loot_container_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed int;
BEGIN
	INSERT INTO game.loot_containers AS k (code, name, zone_id, x, y, z, loot_table_code, refill_s, origin)
	SELECT p.code, p.name, z.id, p.x, p.y, coalesce(p.z, 0), p.loot_table, coalesce(p.refill_s, 1800), 'pack'
	FROM jsonb_to_recordset(pack) p (code text, name text, zone text, x real, y real, z real, loot_table text, refill_s int)
	JOIN game.zones z ON z.code = p.zone
	ON CONFLICT (code) DO UPDATE SET name = excluded.name, zone_id = excluded.zone_id, x = excluded.x, y = excluded.y, z = excluded.z,
		loot_table_code = excluded.loot_table_code, refill_s = excluded.refill_s
	WHERE k.origin = 'pack' AND (k.name, k.zone_id, k.x, k.y, k.z, k.loot_table_code, k.refill_s)
		IS DISTINCT FROM (excluded.name, excluded.zone_id, excluded.x, excluded.y, excluded.z, excluded.loot_table_code, excluded.refill_s);
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.loot_container_import IS 'Imports an array of containers.';
SELECT necp.content_kind('containers', 'loot_container_import', 115, '{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"}, "name": {"type": "text", "required": true, "match": "^.{1,60}$"},
	"zone": {"type": "text", "required": true, "names": {"table": "zones", "what": "a zone", "packs": "$.zones[*][*].code ? (@ == $name)"}}, "x": {"type": "number", "required": true, "min": -5000, "max": 5000},
	"y": {"type": "number", "required": true, "min": -5000, "max": 5000}, "z": {"type": "number", "min": -1000, "max": 1000},
	"loot_table": {"type": "text", "required": true, "names": {"table": "loot_tables", "what": "a loot table", "packs": "$.loot[*][*].code ? (@ == $name)"}}, "refill_s": {"type": "integer", "min": 1, "max": 604800}}');
