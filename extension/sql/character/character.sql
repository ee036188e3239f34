/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.character_view AS (
	character_id bigint,
	name text,
	class text,
	origin text,
	status text,
	level int,
	xp bigint,
	body int,
	reflexes int,
	technical_ability int,
	intelligence int,
	cool int,
	empathy int,
	hp int,
	max_hp int,
	zone_id int,
	created_at timestamptz,
	last_played_at timestamptz,
	respawn_at timestamptz,
	deleted_at timestamptz,
	restore_until timestamptz,
	appearance json,
	settings json
);
COMMENT ON TYPE necp.character_view IS 'A character, as its owner sees it.';
COMMENT ON COLUMN necp.character_view.character_id IS 'Identity.';
COMMENT ON COLUMN necp.character_view.name IS 'Unique name.';
COMMENT ON COLUMN necp.character_view.class IS 'Code of the class.';
COMMENT ON COLUMN necp.character_view.origin IS 'Code of the origin.';
COMMENT ON COLUMN necp.character_view.status IS 'ACTIVE, IN_COMBAT, AFK, DEAD or DELETED.';
COMMENT ON COLUMN necp.character_view.level IS 'Level from 1.';
COMMENT ON COLUMN necp.character_view.xp IS 'Experience towards the next level.';
COMMENT ON COLUMN necp.character_view.body IS 'Attribute.';
COMMENT ON COLUMN necp.character_view.reflexes IS 'Attribute.';
COMMENT ON COLUMN necp.character_view.technical_ability IS 'Attribute.';
COMMENT ON COLUMN necp.character_view.intelligence IS 'Attribute.';
COMMENT ON COLUMN necp.character_view.cool IS 'Attribute.';
COMMENT ON COLUMN necp.character_view.empathy IS 'Attribute.';
COMMENT ON COLUMN necp.character_view.hp IS 'Hit points when last saved; live ones are in position frames.';
COMMENT ON COLUMN necp.character_view.max_hp IS 'Hit points at most.';
COMMENT ON COLUMN necp.character_view.zone_id IS 'Home zone, or null.';
COMMENT ON COLUMN necp.character_view.created_at IS 'Creation.';
COMMENT ON COLUMN necp.character_view.last_played_at IS 'Last selection, or null.';
COMMENT ON COLUMN necp.character_view.respawn_at IS 'When a dead one comes back, or null.';
COMMENT ON COLUMN necp.character_view.deleted_at IS 'Deletion, or null.';
COMMENT ON COLUMN necp.character_view.restore_until IS 'Until when a deleted one can be restored, or null.';
COMMENT ON COLUMN necp.character_view.appearance IS 'How clients draw it: an object.';
COMMENT ON COLUMN necp.character_view.settings IS 'What clients remember for it: an object.';

CREATE TYPE necp.slots_view AS (slots int, used int, price int, premium bigint);
COMMENT ON TYPE necp.slots_view IS 'Character slots of an account.';
COMMENT ON COLUMN necp.slots_view.slots IS 'Owned.';
COMMENT ON COLUMN necp.slots_view.used IS 'Taken by undeleted characters.';
COMMENT ON COLUMN necp.slots_view.price IS 'Premium for one more.';
COMMENT ON COLUMN necp.slots_view.premium IS 'Premium balance.';

CREATE TYPE necp.catalog_class_view AS (code text, name text, description text);
COMMENT ON TYPE necp.catalog_class_view IS 'A class to choose.';
COMMENT ON COLUMN necp.catalog_class_view.code IS 'For character creation.';
COMMENT ON COLUMN necp.catalog_class_view.name IS 'Name for players.';
COMMENT ON COLUMN necp.catalog_class_view.description IS 'Text for players.';
CREATE TYPE necp.catalog_view AS (classes necp.catalog_class_view[], origins necp.catalog_class_view[]);
COMMENT ON TYPE necp.catalog_view IS 'What a new character can be.';
COMMENT ON COLUMN necp.catalog_view.classes IS 'Classes.';
COMMENT ON COLUMN necp.catalog_view.origins IS 'Origins.';

CREATE FUNCTION necp.character_catalog() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_catalog';
COMMENT ON FUNCTION necp.character_catalog IS 'Classes and origins.';
SELECT necp.route('GET', '/characters/catalog', 'character_catalog', auth => 'public', read_only => true, result => 'catalog_view');

CREATE FUNCTION necp.character_list(deleted boolean DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_list';
COMMENT ON FUNCTION necp.character_list IS 'The account''s characters; with deleted=true also those that can be restored.';
SELECT necp.route('GET', '/characters', 'character_list', auth => 'account', read_only => true, result => 'character_view', list => true);

CREATE FUNCTION necp.character_create(name text, class text, origin text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_create';
COMMENT ON FUNCTION necp.character_create IS 'Makes a character in a free slot. Name: 3 to 20 of A-Z, a-z, 0-9, single blanks and hyphens between, neither reserved nor profane. INVALID_NAME, NAME_TAKEN, NO_FREE_SLOT.';
SELECT necp.route('POST', '/characters', 'character_create', auth => 'account', status => 201, result => 'character_view');

CREATE FUNCTION necp.character_get(character_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_get';
COMMENT ON FUNCTION necp.character_get IS 'One of the account''s characters.';
SELECT necp.route('GET', '/characters/{character_id}', 'character_get', auth => 'account', read_only => true, result => 'character_view');

CREATE FUNCTION necp.character_update(character_id bigint, appearance json DEFAULT NULL, settings json DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_update';
COMMENT ON FUNCTION necp.character_update IS 'Replaces appearance or settings, objects of up to 16 KiB; what is left out stays. SETTINGS_TOO_LARGE.';
SELECT necp.route('PUT', '/characters/{character_id}', 'character_update', auth => 'account', result => 'character_view');

CREATE FUNCTION necp.character_select(character_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_select';
COMMENT ON FUNCTION necp.character_select IS 'Chooses the character that acts in this session; it enters the zone where it was. Another one than last can be chosen 10 s after that. BUSY, COOLDOWN.';
SELECT necp.route('POST', '/characters/{character_id}/select', 'character_select', auth => 'account', result => 'character_view');

CREATE FUNCTION necp.character_switch(character_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_switch';
COMMENT ON FUNCTION necp.character_switch IS 'Leaves the selected character and chooses another one, not in combat, 10 s after the last choice at the earliest. NOT_FOUND, BUSY, COOLDOWN.';
SELECT necp.route('POST', '/characters/switch', 'character_switch', result => 'character_view');

CREATE FUNCTION necp.character_slots() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_slots';
COMMENT ON FUNCTION necp.character_slots IS 'Slots and what one more costs.';
SELECT necp.route('GET', '/characters/slots', 'character_slots', auth => 'account', read_only => true, result => 'slots_view');

CREATE FUNCTION necp.character_slots_purchase() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_slots_purchase';
COMMENT ON FUNCTION necp.character_slots_purchase IS 'Buys one more slot for premium, up to 5. CONFLICT, INSUFFICIENT_FUNDS.';
SELECT necp.route('POST', '/characters/slots/purchase', 'character_slots_purchase', auth => 'account', idempotent => true, result => 'slots_view');

CREATE FUNCTION necp.character_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	classes int;
	origins int;
BEGIN
	INSERT INTO game.character_classes AS c (code, name, description, attributes)
	SELECT p.code, p.name, p.description, coalesce(p.attributes, '{}')
	FROM jsonb_to_recordset(pack -> 'classes') p (code text, name text, description text, attributes jsonb)
	ON CONFLICT (code) DO UPDATE
		SET name = excluded.name, description = excluded.description, attributes = excluded.attributes
		WHERE c.origin = 'pack' AND (c.name, c.description, c.attributes)
			IS DISTINCT FROM (excluded.name, excluded.description, excluded.attributes);
	GET DIAGNOSTICS classes = ROW_COUNT;
	INSERT INTO game.character_origins AS o (code, name, description, attribute, zone_code, credits, kit, quests)
	SELECT p.code, p.name, p.description, p.attribute, p.zone, p.credits, coalesce(p.kit, '[]'), coalesce(p.quests, '{}')
	FROM jsonb_to_recordset(pack -> 'origins')
		p (code text, name text, description text, attribute text, zone text, credits bigint, kit jsonb, quests text[])
	ON CONFLICT (code) DO UPDATE
		SET name = excluded.name, description = excluded.description, attribute = excluded.attribute,
		    zone_code = excluded.zone_code, credits = excluded.credits, kit = excluded.kit, quests = excluded.quests
		WHERE o.origin = 'pack'
		  AND (o.name, o.description, o.attribute, o.zone_code, o.credits, o.kit, o.quests)
			IS DISTINCT FROM (excluded.name, excluded.description, excluded.attribute, excluded.zone_code,
			                  excluded.credits, excluded.kit, excluded.quests);
	GET DIAGNOSTICS origins = ROW_COUNT;
	RETURN classes + origins;
END
$$;
COMMENT ON FUNCTION necp.character_import IS 'Imports {"classes": […], "origins": […]}.';
-- An attribute of a class is 19 at most, because an origin may add one.
SELECT necp.content_kind('characters', 'character_import', 40, '{"type": "object", "fields": {
	"classes": {"type": "array", "key": ["code"], "of": {"type": "object", "fields": {
		"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"},
		"name": {"type": "text", "required": true}, "description": {"type": "text", "required": true},
		"attributes": {"type": "object", "fields": {
			"body": {"type": "integer", "min": 1, "max": 19}, "reflexes": {"type": "integer", "min": 1, "max": 19},
			"technical_ability": {"type": "integer", "min": 1, "max": 19}, "intelligence": {"type": "integer", "min": 1, "max": 19},
			"cool": {"type": "integer", "min": 1, "max": 19}, "empathy": {"type": "integer", "min": 1, "max": 19}}}}}},
	"origins": {"type": "array", "key": ["code"], "of": {"type": "object", "fields": {
		"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"},
		"name": {"type": "text", "required": true}, "description": {"type": "text", "required": true},
		"attribute": {"type": "text", "words": ["body", "reflexes", "technical_ability", "intelligence", "cool", "empathy"]},
		"zone": {"type": "text", "required": true, "names": {"table": "zones", "what": "a zone", "packs": "$.zones[*][*].code ? (@ == $name)"}},
		"credits": {"type": "integer", "required": true, "min": 0, "max": 1000000},
		"kit": {"type": "array", "of": {"type": "object", "fields": {
			"item": {"type": "text", "required": true, "names": {"table": "item_templates", "what": "an item", "packs": "$.items[*][*].code ? (@ == $name)"}},
			"quantity": {"type": "integer", "min": 1, "max": 1000000}}}},
		"quests": {"type": "array", "of": {"type": "text", "names": {"table": "quests", "what": "a quest", "packs": "$.quests[*][*].code ? (@ == $name)"}}}}}}}}');

SELECT necp.integrity('character_slots', $$
	SELECT format('account %s uses %s slots of %s and has %s characters', account_id, s.used, s.slots, c.characters)
	FROM game.character_slots s
	FULL JOIN (SELECT account_id, count(*) AS characters FROM game.characters WHERE deleted_at IS NULL GROUP BY account_id) c USING (account_id)
	WHERE s.used IS DISTINCT FROM coalesce(c.characters, 0) OR s.used > s.slots$$,
	'Used slots are undeleted characters, no more than there are slots.');
SELECT necp.integrity('character_deleted', $$
	SELECT format('deleted character %s is played in a session', c.id)
	FROM game.player_sessions s JOIN game.characters c ON c.id = s.character_id WHERE c.deleted_at IS NOT NULL$$,
	'Nobody plays a deleted character.');
