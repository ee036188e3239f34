/* SPDX-License-Identifier: PostgreSQL
 *
 * Levels, attributes, skills and perks (DOMAIN §10, §36). Content, each an array:
 *
 * xp_curve  [{"level": 1, "xp": 1000}]: levels that ask for other than floor(1000 × level^1.6)
 * skills    [{"code", "name", "description", "attribute", "any_weapon" false}]; a weapon's template names
 *           its skill in its attributes, one skill is that of all other weapons
 * perks     [{"code", "name", "description", "min_level" 1, "attributes": {"body": 8}, "requires": ["code"],
 *           "effects": {"luck": 2}}]
 */
CREATE TYPE necp.attributes_view AS (body int, reflexes int, technical_ability int, intelligence int, cool int, empathy int);
COMMENT ON TYPE necp.attributes_view IS 'A number for each attribute.';
COMMENT ON COLUMN necp.attributes_view.body IS 'Health and load.';
COMMENT ON COLUMN necp.attributes_view.reflexes IS 'Aim and flight.';
COMMENT ON COLUMN necp.attributes_view.technical_ability IS 'Making and mending.';
COMMENT ON COLUMN necp.attributes_view.intelligence IS 'Energy.';
COMMENT ON COLUMN necp.attributes_view.cool IS 'Nerve.';
COMMENT ON COLUMN necp.attributes_view.empathy IS 'Talk.';

CREATE TYPE necp.progression_view AS (character_id bigint, level int, xp bigint, xp_to_next bigint, max_level int,
	attribute_points int, skill_points int, perk_points int, attributes necp.attributes_view, spent necp.attributes_view,
	max_hp int, respec_price bigint, respec_from timestamptz);
COMMENT ON TYPE necp.progression_view IS 'Level and points of a character.';
COMMENT ON COLUMN necp.progression_view.character_id IS 'Character.';
COMMENT ON COLUMN necp.progression_view.level IS 'Level.';
COMMENT ON COLUMN necp.progression_view.xp IS 'Experience towards the next level.';
COMMENT ON COLUMN necp.progression_view.xp_to_next IS 'Experience that the next level asks for; null at the last one.';
COMMENT ON COLUMN necp.progression_view.max_level IS 'Last level.';
COMMENT ON COLUMN necp.progression_view.attribute_points IS 'Points to be spent on attributes.';
COMMENT ON COLUMN necp.progression_view.skill_points IS 'Points to be spent on skills.';
COMMENT ON COLUMN necp.progression_view.perk_points IS 'Points to be spent on perks.';
COMMENT ON COLUMN necp.progression_view.attributes IS 'Attributes without what is worn.';
COMMENT ON COLUMN necp.progression_view.spent IS 'Points in them, which a respec returns.';
COMMENT ON COLUMN necp.progression_view.max_hp IS 'Hit points at most.';
COMMENT ON COLUMN necp.progression_view.respec_price IS 'Credits that a respec costs now.';
COMMENT ON COLUMN necp.progression_view.respec_from IS 'When the next respec is possible; null: now.';

CREATE TYPE necp.curve_view AS (level int, xp bigint, total_xp bigint);
COMMENT ON TYPE necp.curve_view IS 'What a level asks for.';
COMMENT ON COLUMN necp.curve_view.level IS 'Level that is left.';
COMMENT ON COLUMN necp.curve_view.xp IS 'Experience that leads from it to the next.';
COMMENT ON COLUMN necp.curve_view.total_xp IS 'Experience from the first level to the next one.';

CREATE TYPE necp.skill_view AS (skill_id int, code text, name text, description text, attribute text, level int, xp bigint,
	xp_to_next int, points int);
COMMENT ON TYPE necp.skill_view IS 'How good a character is at something.';
COMMENT ON COLUMN necp.skill_view.skill_id IS 'Identity.';
COMMENT ON COLUMN necp.skill_view.code IS 'Code.';
COMMENT ON COLUMN necp.skill_view.name IS 'Name for players.';
COMMENT ON COLUMN necp.skill_view.description IS 'Text for players.';
COMMENT ON COLUMN necp.skill_view.attribute IS 'Attribute that it goes with.';
COMMENT ON COLUMN necp.skill_view.level IS 'Level, up to 100.';
COMMENT ON COLUMN necp.skill_view.xp IS 'Experience towards the next level.';
COMMENT ON COLUMN necp.skill_view.xp_to_next IS 'Experience that the next level asks for; null at 100.';
COMMENT ON COLUMN necp.skill_view.points IS 'Levels that points were spent on.';

CREATE TYPE necp.perk_attribute_view AS (attribute text, min_value int);
COMMENT ON TYPE necp.perk_attribute_view IS 'An attribute that a perk asks for.';
COMMENT ON COLUMN necp.perk_attribute_view.attribute IS 'Attribute.';
COMMENT ON COLUMN necp.perk_attribute_view.min_value IS 'At least, without what is worn.';
CREATE TYPE necp.perk_effect_view AS (stat text, amount int);
COMMENT ON TYPE necp.perk_effect_view IS 'What a perk does.';
COMMENT ON COLUMN necp.perk_effect_view.stat IS 'luck, armor, max_hp, capacity_kg, damage_percent or crit_percent.';
COMMENT ON COLUMN necp.perk_effect_view.amount IS 'What is added to it.';
CREATE TYPE necp.perk_view AS (perk_id int, code text, name text, description text, min_level int,
	attributes necp.perk_attribute_view[], requires text[], effects necp.perk_effect_view[], learned boolean);
COMMENT ON TYPE necp.perk_view IS 'A perk.';
COMMENT ON COLUMN necp.perk_view.perk_id IS 'Identity.';
COMMENT ON COLUMN necp.perk_view.code IS 'Code.';
COMMENT ON COLUMN necp.perk_view.name IS 'Name for players.';
COMMENT ON COLUMN necp.perk_view.description IS 'Text for players.';
COMMENT ON COLUMN necp.perk_view.min_level IS 'Level that it asks for.';
COMMENT ON COLUMN necp.perk_view.attributes IS 'Attributes that it asks for.';
COMMENT ON COLUMN necp.perk_view.requires IS 'Codes of the perks that come before it.';
COMMENT ON COLUMN necp.perk_view.effects IS 'What it does.';
COMMENT ON COLUMN necp.perk_view.learned IS 'Whether the character has it.';

CREATE TYPE necp.respec_view AS (price bigint, credits bigint, progression necp.progression_view);
COMMENT ON TYPE necp.respec_view IS 'What a respec did.';
COMMENT ON COLUMN necp.respec_view.price IS 'What it cost.';
COMMENT ON COLUMN necp.respec_view.credits IS 'What is left in the wallet.';
COMMENT ON COLUMN necp.respec_view.progression IS 'Level and points now.';

-- Endpoints -------------------------------------------------------------------------------------

CREATE FUNCTION necp.progression_get() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_progression_get';
COMMENT ON FUNCTION necp.progression_get IS 'Level and points of the acting character.';
SELECT necp.route('GET', '/progression', 'progression_get', read_only => true, result => 'progression_view');

CREATE FUNCTION necp.progression_curve() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_progression_curve';
COMMENT ON FUNCTION necp.progression_curve IS 'What the levels ask for.';
SELECT necp.route('GET', '/progression/curve', 'progression_curve', read_only => true, result => 'curve_view', list => true);

CREATE FUNCTION necp.progression_attribute(attribute text, points int DEFAULT 1) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_progression_attribute';
COMMENT ON FUNCTION necp.progression_attribute IS 'Raises an attribute of the acting character by points, up to 20. NO_POINTS, CAP_REACHED.';
SELECT necp.route('POST', '/progression/attributes/spend', 'progression_attribute', result => 'progression_view');

CREATE FUNCTION necp.progression_skills("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_progression_skills';
COMMENT ON FUNCTION necp.progression_skills IS 'Skills that there are, and how good the acting character is at them.';
SELECT necp.route('GET', '/progression/skills', 'progression_skills', read_only => true, result => 'skill_view', list => true);

CREATE FUNCTION necp.progression_skill(skill text, points int DEFAULT 1) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_progression_skill';
COMMENT ON FUNCTION necp.progression_skill IS 'Raises a skill of the acting character by a level for each point, up to 100. NOT_FOUND, NO_POINTS, CAP_REACHED.';
SELECT necp.route('POST', '/progression/skills/spend', 'progression_skill', result => 'skill_view');

CREATE FUNCTION necp.perk_list("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_perk_list';
COMMENT ON FUNCTION necp.perk_list IS 'Perks that there are, and which of them the acting character has.';
SELECT necp.route('GET', '/progression/perks', 'perk_list', read_only => true, result => 'perk_view', list => true);

CREATE FUNCTION necp.perk_learn(perk text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_perk_learn';
COMMENT ON FUNCTION necp.perk_learn IS 'Learns a perk for one point. NOT_FOUND, CONFLICT where it is learned already, REQUIREMENTS_NOT_MET, NO_POINTS.';
SELECT necp.route('POST', '/progression/perks/learn', 'perk_learn', result => 'perk_view');

CREATE FUNCTION necp.progression_respec() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_progression_respec';
COMMENT ON FUNCTION necp.progression_respec IS 'Takes all points back out of attributes, skills and perks, for 1,000 credits times the level, once in 24 hours. What use has taught a skill stays, and so does what class and origin gave. RESPEC_COOLDOWN, NO_POINTS where none is spent, REQUIREMENTS_NOT_MET where something worn could not be put on again, INSUFFICIENT_FUNDS.';
SELECT necp.route('POST', '/progression/respec', 'progression_respec', idempotent => true, result => 'respec_view');

-- Operators -------------------------------------------------------------------------------------

CREATE FUNCTION necp.progression_gain(character_id bigint, xp bigint, cause text, source_id bigint, source_round bigint DEFAULT 0) RETURNS bigint
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_progression_gain_xp';
COMMENT ON FUNCTION necp.progression_gain IS 'Gives experience as a rule would, once for each cause and source: for operators. Returns what was credited. NOT_FOUND.';

CREATE FUNCTION necp.progression_train(character_id bigint, skill text, xp bigint) RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_progression_train_skill';
COMMENT ON FUNCTION necp.progression_train IS 'Gives experience in a skill as its use would: for operators. NOT_FOUND.';

CREATE FUNCTION necp.progression_refresh() RETURNS int
	LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
	WITH sums AS (
		SELECT c.id, s.hp FROM game.characters c, LATERAL (
			SELECT coalesce(sum(e.amount), 0)::int AS hp FROM game.character_perks p
			JOIN game.perk_effects e ON e.perk_id = p.perk_id AND e.stat = 'max_hp' WHERE p.character_id = c.id) s
		WHERE c.perk_hp <> s.hp ORDER BY c.id FOR NO KEY UPDATE OF c
	), changed AS (
		UPDATE game.characters c SET perk_hp = s.hp FROM sums s WHERE c.id = s.id RETURNING 1)
	SELECT count(*)::int FROM changed
$$;
COMMENT ON FUNCTION necp.progression_refresh IS 'Counts the hit points that perks give again, after a change of perk_effects by hand; returns how many characters have others now.';

-- Content ---------------------------------------------------------------------------------------

CREATE FUNCTION necp.xp_curve_check(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('$[%s].level', d.n - 1), format('is %s, as that of $[%s]', d.level, d.first - 1), NULL::text[]
	FROM (SELECT e.value ->> 'level' AS level, e.n, min(e.n) OVER (PARTITION BY e.value ->> 'level') AS first
	      FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY e (value, n)) d
	WHERE d.level IS NOT NULL AND d.n > d.first
$$;
COMMENT ON FUNCTION necp.xp_curve_check IS 'Levels that are there twice.';

CREATE FUNCTION necp.xp_curve_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed int;
	gone int;
BEGIN
	-- a level that the pack does not name asks for what the formula says
	DELETE FROM game.xp_curve c WHERE c.origin = 'pack'
	AND NOT EXISTS (SELECT FROM jsonb_to_recordset(pack) p (level int) WHERE p.level = c.level);
	GET DIAGNOSTICS gone = ROW_COUNT;
	INSERT INTO game.xp_curve AS c (level, xp)
	SELECT p.level, p.xp FROM jsonb_to_recordset(pack) p (level int, xp bigint)
	ON CONFLICT (level) DO UPDATE SET xp = excluded.xp WHERE c.origin = 'pack' AND c.xp <> excluded.xp;
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed + gone;
END
$$;
COMMENT ON FUNCTION necp.xp_curve_import IS 'Imports an array of levels, which replaces the last one.';
SELECT necp.content_kind('xp_curve', 'xp_curve_import', 4, '{
	"level": {"type": "integer", "required": true, "min": 1, "max": 49},
	"xp": {"type": "integer", "required": true, "min": 1, "max": 1000000000000}}', 'xp_curve_check');

CREATE FUNCTION necp.skill_check(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('$[%s].any_weapon', d.n - 1), CASE WHEN d.n > d.first THEN format('is true, as that of $[%s]', d.first - 1) ELSE format('is true, as that of "%s"', d.kept) END, NULL::text[]
	FROM (SELECT e.n, min(e.n) OVER () AS first,
	             (SELECT s.code FROM game.skills s WHERE s.any_weapon AND s.code <> e.value ->> 'code'
	              AND (s.origin = 'operator' OR NOT pack @> jsonb_build_array(jsonb_build_object('code', s.code)))) AS kept
	      FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY e (value, n)
	      WHERE e.value -> 'any_weapon' = 'true') d
	WHERE d.n > d.first OR d.kept IS NOT NULL
$$;
COMMENT ON FUNCTION necp.skill_check IS 'A second skill for any weapon.';

CREATE FUNCTION necp.skill_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed int;
BEGIN
	-- the mark moves only from one that has lost it
	UPDATE game.skills s SET any_weapon = false FROM jsonb_to_recordset(pack) p (code text, any_weapon boolean)
	WHERE s.code = p.code AND s.origin = 'pack' AND s.any_weapon AND NOT coalesce(p.any_weapon, false);
	INSERT INTO game.skills AS s (code, name, description, attribute, any_weapon)
	SELECT p.code, p.name, p.description, p.attribute, coalesce(p.any_weapon, false)
	FROM jsonb_to_recordset(pack) p (code text, name text, description text, attribute text, any_weapon boolean)
	ON CONFLICT (code) DO UPDATE
		SET name = excluded.name, description = excluded.description, attribute = excluded.attribute, any_weapon = excluded.any_weapon
		WHERE s.origin = 'pack' AND (s.name, s.description, s.attribute, s.any_weapon)
			IS DISTINCT FROM (excluded.name, excluded.description, excluded.attribute, excluded.any_weapon);
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.skill_import IS 'Imports an array of skills.';
SELECT necp.content_kind('skills', 'skill_import', 5, '{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"},
	"name": {"type": "text", "required": true}, "description": {"type": "text", "required": true},
	"attribute": {"type": "text", "required": true, "words": ["body", "reflexes", "technical_ability", "intelligence", "cool", "empathy"]},
	"any_weapon": {"type": "boolean"}}', 'skill_check');

-- What the perks of a pack ask for, whatever JSON it is.
CREATE FUNCTION necp.perk_flat(pack jsonb) RETURNS TABLE (code text, tab int, ord int, required jsonb)
	LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.value ->> 'code', (p.n - 1)::int, (r.n - 1)::int, r.value
	FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY p (value, n),
	     jsonb_array_elements(CASE jsonb_typeof(p.value -> 'requires') WHEN 'array' THEN p.value -> 'requires' ELSE '[]' END) WITH ORDINALITY r (value, n)
$$;
COMMENT ON FUNCTION necp.perk_flat IS 'Which perks of a pack name which, with their places in it.';

-- As it would be after an import; what an operator keeps counts as it is.
CREATE FUNCTION necp.perk_check_order(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE edges AS (
		SELECT f.code, f.required #>> '{}' AS needs, format('$[%s].requires[%s]', f.tab, f.ord) AS path FROM necp.perk_flat(pack) f
		WHERE NOT EXISTS (SELECT FROM game.perks k WHERE k.code = f.code AND k.origin = 'operator')
		UNION ALL
		SELECT k.code, q.code, '$' FROM game.perk_requirements r JOIN game.perks k ON k.id = r.perk_id JOIN game.perks q ON q.id = r.required_id
		WHERE k.origin = 'operator' OR NOT pack @> jsonb_build_array(jsonb_build_object('code', k.code))
	), reach AS (
		SELECT e.code, e.needs FROM edges e
		UNION SELECT r.code, e.needs FROM reach r JOIN edges e ON e.code = r.needs)
	SELECT min(e.path), format('comes before itself: "%s"', e.code), NULL::text[]
	FROM edges e WHERE EXISTS (SELECT FROM reach r WHERE r.code = e.code AND r.needs = e.code)
	  AND EXISTS (SELECT FROM reach r WHERE r.code = e.needs AND r.needs = e.code OR e.needs = e.code) GROUP BY e.code
$$;
COMMENT ON FUNCTION necp.perk_check_order IS 'Perks that nobody could ever learn.';

CREATE FUNCTION necp.perk_check(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	WITH perks AS (
		SELECT p.value, format('$[%s]', p.n - 1) AS path
		FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY p (value, n)
		WHERE jsonb_typeof(p.value) = 'object')
	SELECT f.* FROM perks p, LATERAL necp.content_object(p.path || '.attributes', p.value -> 'attributes',
		(SELECT jsonb_object_agg(a, '{"type": "integer", "min": 1, "max": 20}'::jsonb)
		 FROM unnest('{body,reflexes,technical_ability,intelligence,cool,empathy}'::text[]) a)) f
	WHERE jsonb_typeof(p.value -> 'attributes') = 'object'
	UNION ALL
	SELECT f.* FROM perks p, LATERAL necp.content_object(p.path || '.effects', p.value -> 'effects',
		(SELECT jsonb_object_agg(s, '{"type": "integer", "min": -1000, "max": 1000, "required": false}'::jsonb)
		 FROM unnest('{luck,armor,max_hp,capacity_kg,damage_percent,crit_percent}'::text[]) s)) f
	WHERE jsonb_typeof(p.value -> 'effects') = 'object'
	UNION ALL
	SELECT p.path || '.effects', 'says nothing', NULL FROM perks p WHERE p.value -> 'effects' = '{}'
	UNION ALL
	SELECT p.path || '.' || n.part || '.' || e.key, CASE e.value WHEN 'null' THEN 'is null' ELSE 'is 0' END, NULL
	FROM perks p, LATERAL (VALUES ('attributes', p.value -> 'attributes'), ('effects', p.value -> 'effects')) n (part, value),
	     jsonb_each(CASE jsonb_typeof(n.value) WHEN 'object' THEN n.value ELSE '{}' END) e
	WHERE e.value = 'null' OR n.part = 'effects' AND e.value = '0'
	UNION ALL
	SELECT format('$[%s].requires[%s]', f.tab, f.ord), format('is a JSON %s, not text', jsonb_typeof(f.required)), NULL
	FROM necp.perk_flat(pack) f WHERE jsonb_typeof(f.required) <> 'string'
	UNION ALL
	SELECT format('$[%s].requires[%s]', f.tab, f.ord), format('names a perk "%s", which does not exist', f.required #>> '{}'),
	       ARRAY[f.tab::text, 'requires', f.ord::text]
	FROM necp.perk_flat(pack) f WHERE jsonb_typeof(f.required) = 'string'
	  AND NOT pack @> jsonb_build_array(jsonb_build_object('code', f.required))
	  AND NOT EXISTS (SELECT FROM game.perks k WHERE k.code = f.required #>> '{}')
	UNION ALL
	SELECT * FROM necp.perk_check_order(pack)
$$;
COMMENT ON FUNCTION necp.perk_check IS 'What is wrong with a pack of perks besides their shape.';

CREATE FUNCTION necp.perk_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fresh text[];
	wanted record;
	changed int := 0;
BEGIN
	-- all of them first: they may name each other
	WITH made AS (
		INSERT INTO game.perks (code, name, description)
		SELECT p.code, p.name, p.description FROM jsonb_to_recordset(pack) p (code text, name text, description text)
		ON CONFLICT (code) DO NOTHING RETURNING code)
	SELECT coalesce(array_agg(code), '{}') INTO fresh FROM made;
	FOR wanted IN
		SELECT k.id, p.code, p.name, p.description, coalesce(p.min_level, 1) AS min_level,
		       coalesce(nullif(p.attributes, 'null'), '{}') AS attributes, p.effects,
		       (SELECT coalesce(jsonb_object_agg(f.required #>> '{}', true), '{}') FROM necp.perk_flat(pack) f WHERE f.code = p.code) AS requires
		FROM jsonb_to_recordset(pack) p (code text, name text, description text, min_level int, attributes jsonb, effects jsonb)
		JOIN game.perks k ON k.code = p.code AND k.origin = 'pack'
	LOOP
		CONTINUE WHEN wanted.code <> ALL (fresh) AND EXISTS (
			SELECT FROM game.perks k WHERE k.id = wanted.id AND (k.name, k.description, k.min_level) = (wanted.name, wanted.description, wanted.min_level))
			AND wanted.attributes = (SELECT coalesce(jsonb_object_agg(a.attribute, a.min_value), '{}') FROM game.perk_attributes a WHERE a.perk_id = wanted.id)
			AND wanted.effects = (SELECT coalesce(jsonb_object_agg(e.stat, e.amount), '{}') FROM game.perk_effects e WHERE e.perk_id = wanted.id)
			AND wanted.requires = (SELECT coalesce(jsonb_object_agg(q.code, true), '{}') FROM game.perk_requirements r
			                       JOIN game.perks q ON q.id = r.required_id WHERE r.perk_id = wanted.id);
		UPDATE game.perks k SET name = wanted.name, description = wanted.description, min_level = wanted.min_level WHERE k.id = wanted.id;
		DELETE FROM game.perk_attributes a WHERE a.perk_id = wanted.id;
		DELETE FROM game.perk_requirements r WHERE r.perk_id = wanted.id;
		DELETE FROM game.perk_effects e WHERE e.perk_id = wanted.id;
		INSERT INTO game.perk_attributes SELECT wanted.id, a.key, a.value::int FROM jsonb_each_text(wanted.attributes) a;
		INSERT INTO game.perk_requirements SELECT wanted.id, q.id FROM jsonb_object_keys(wanted.requires) r JOIN game.perks q ON q.code = r;
		INSERT INTO game.perk_effects SELECT wanted.id, e.key, e.value::int FROM jsonb_each_text(wanted.effects) e;
		changed := changed + 1;
	END LOOP;
	IF changed > 0 THEN
		PERFORM necp.progression_refresh();
	END IF;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.perk_import IS 'Imports an array of perks that perk_check has passed. Who plays meanwhile fights with other numbers from its next change of stats on.';
SELECT necp.content_kind('perks', 'perk_import', 6, '{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"},
	"name": {"type": "text", "required": true}, "description": {"type": "text", "required": true},
	"min_level": {"type": "integer", "min": 1, "max": 50}, "attributes": {"type": "object"}, "requires": {"type": "array"},
	"effects": {"type": "object", "required": true}}', 'perk_check');

-- Invariants ------------------------------------------------------------------------------------

SELECT necp.integrity('progression_level', $$
	SELECT format('character %s of level %s has points of level %s', c.id, c.level, coalesce(p.level::text, 'none'))
	FROM game.characters c LEFT JOIN game.character_progression p ON p.character_id = c.id
	WHERE p.level IS NULL OR p.level > c.level$$,
	'Every character has the points of its level, which never drops.');
SELECT necp.integrity('progression_cap', $$
	SELECT format('character %s keeps %s experience at the last level', id, xp) FROM game.characters WHERE level = 50 AND xp > 0$$,
	'What comes after the last level is discarded.');
SELECT necp.integrity('progression_attributes', $$
	SELECT format('character %s has spent more on %s than there is of it', c.id, a.name)
	FROM game.characters c JOIN game.character_progression p ON p.character_id = c.id,
	     LATERAL (VALUES ('body', c.body, p.body), ('reflexes', c.reflexes, p.reflexes),
	        ('technical_ability', c.technical_ability, p.technical_ability), ('intelligence', c.intelligence, p.intelligence),
	        ('cool', c.cool, p.cool), ('empathy', c.empathy, p.empathy)) a (name, own, spent)
	WHERE a.spent >= a.own$$,
	'Points are in attributes that started at 1 or more.');
SELECT necp.integrity('progression_skills', $$
	SELECT format('character %s has spent %s points on skills and %s are in them', p.character_id, p.skill_spent, s.points)
	FROM game.character_progression p, LATERAL (
		SELECT coalesce(sum(e.points), 0) AS points FROM game.skill_experience e WHERE e.character_id = p.character_id) s
	WHERE p.skill_spent <> s.points$$,
	'Points spent on skills are in skills.');
SELECT necp.integrity('progression_perks', $$
	SELECT format('character %s has spent %s points on perks and has %s', p.character_id, p.perk_spent, k.perks)
	FROM game.character_progression p, LATERAL (
		SELECT count(*) AS perks FROM game.character_perks k WHERE k.character_id = p.character_id) k
	WHERE p.perk_spent <> k.perks$$,
	'Each perk costs a point.');
SELECT necp.integrity('progression_perk_hp', $$
	SELECT format('character %s has %s hit points of its perks, which give %s', c.id, c.perk_hp, s.hp)
	FROM game.characters c, LATERAL (
		SELECT coalesce(sum(e.amount), 0) AS hp FROM game.character_perks p
		JOIN game.perk_effects e ON e.perk_id = p.perk_id AND e.stat = 'max_hp' WHERE p.character_id = c.id) s
	WHERE c.perk_hp <> s.hp$$,
	'Hit points of perks are what the perks say.');
SELECT necp.integrity('progression_perk_order', $$
	SELECT f.fault FROM necp.perk_check_order('[]') f$$,
	'No perk comes before itself.');
SELECT necp.integrity('progression_once', $$
	SELECT format('character %s got experience for %s %s (%s) %s times', character_id, data ->> 'cause', data ->> 'source_id',
	       data ->> 'source_round', count(*))
	FROM game.game_events WHERE type = 'XP_GAINED'
	GROUP BY character_id, data ->> 'cause', data ->> 'source_id', data ->> 'source_round' HAVING count(*) > 1$$,
	'A source gives experience once (G7).');
SELECT necp.integrity('progression_weapon', $$
	SELECT format('weapon %s trains a skill %s, which does not exist', t.code, t.attributes ->> 'skill')
	FROM game.item_templates t WHERE t.attributes ? 'skill' AND NOT EXISTS (SELECT FROM game.skills s WHERE s.code = t.attributes ->> 'skill')$$,
	'What a weapon trains exists.');
