/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.achievement_view AS (
	achievement_id int,
	code text,
	name text,
	description text,
	category text,
	points int,
	progress int,
	required int,
	unlocked_at timestamptz
);
COMMENT ON TYPE necp.achievement_view IS 'An achievement and how far the acting character is.';
COMMENT ON COLUMN necp.achievement_view.achievement_id IS 'Identity.';
COMMENT ON COLUMN necp.achievement_view.code IS 'Code.';
COMMENT ON COLUMN necp.achievement_view.name IS 'Name for players.';
COMMENT ON COLUMN necp.achievement_view.description IS 'Text for players.';
COMMENT ON COLUMN necp.achievement_view.category IS 'Where it is listed.';
COMMENT ON COLUMN necp.achievement_view.points IS 'Points it is worth.';
COMMENT ON COLUMN necp.achievement_view.progress IS 'Done.';
COMMENT ON COLUMN necp.achievement_view.required IS 'To be done.';
COMMENT ON COLUMN necp.achievement_view.unlocked_at IS 'When it was reached, or null.';

CREATE FUNCTION necp.achievement_list("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_achievement_list';
COMMENT ON FUNCTION necp.achievement_list IS 'All achievements but the secret ones that are not reached.';
SELECT necp.route('GET', '/achievements', 'achievement_list', read_only => true, result => 'achievement_view', list => true);

CREATE FUNCTION necp.achievement_mine("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_achievement_mine';
COMMENT ON FUNCTION necp.achievement_mine IS 'Achievements that the acting character has begun or reached.';
SELECT necp.route('GET', '/achievements/mine', 'achievement_mine', read_only => true, result => 'achievement_view', list => true);

CREATE FUNCTION necp.achievement_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed int;
BEGIN
	INSERT INTO game.achievements AS a (code, name, description, category, kind, event, item_type, rarity, required, points)
	SELECT p.code, p.name, p.description, p.category, coalesce(p.kind, 'STANDARD'), p.event, p.item_type, p.rarity,
	       coalesce(p.required, 1), p.points
	FROM jsonb_to_recordset(pack) p (code text, name text, description text, category text, kind text, event text,
		item_type text, rarity text, required int, points int)
	ON CONFLICT (code) DO UPDATE
		SET name = excluded.name, description = excluded.description, category = excluded.category, kind = excluded.kind,
		    event = excluded.event, item_type = excluded.item_type, rarity = excluded.rarity,
		    required = excluded.required, points = excluded.points
		WHERE a.origin = 'pack'
		  AND (a.name, a.description, a.category, a.kind, a.event, a.item_type, a.rarity, a.required, a.points)
			IS DISTINCT FROM (excluded.name, excluded.description, excluded.category, excluded.kind, excluded.event,
			                  excluded.item_type, excluded.rarity, excluded.required, excluded.points);
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.achievement_import IS 'Imports an array of achievements.';
SELECT necp.content_kind('achievements', 'achievement_import', 36, '{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"}, "name": {"type": "text", "required": true}, "description": {"type": "text", "required": true},
	"category": {"type": "text", "required": true}, "kind": {"type": "text", "words": ["STANDARD", "PROGRESSIVE", "SECRET", "LIMITED_TIME"]}, "event": {"type": "text", "required": true},
	"item_type": {"type": "text"}, "rarity": {"type": "text"}, "required": {"type": "integer", "min": 1}, "points": {"type": "integer", "required": true, "min": 10, "max": 100}}');

SELECT necp.integrity('achievement_unlocked', $$
	SELECT format('character %s has achievement %s unlocked at %s of %s', p.character_id, p.achievement_id, p.progress, a.required)
	FROM game.player_achievements p JOIN game.achievements a ON a.id = p.achievement_id
	WHERE (p.unlocked_at IS NOT NULL) AND p.progress < a.required$$,
	'What is unlocked was reached.');
