/* SPDX-License-Identifier: PostgreSQL
 *
 * Loot tables (DOMAIN §7) as content:
 *
 * [{"code", "min_items" 1, "max_items" 3, "min_credits" 0, "max_credits" 100,
 *   "groups": [{"draws", "entries": [{"item" or "table" or neither, "weight" or "chance",
 *                                     "min_quantity" 1, "max_quantity" 1, "when": {…}}]}]}]
 *
 * A group's entries have either weights, then each draw picks one (neither item nor table: nothing), or
 * chances, then each is tried alone. min_items to max_items draws are made from every group with weights
 * that does not say how many. "entries" in place of "groups" is one group of what has a weight and one of
 * what has a chance. A sub-table is rolled as a whole, credits included. "when": min_level, max_level,
 * class, quest_active, quest_done, zone, from_hour and to_hour (UTC); all of it has to hold.
 */

-- The entries of a pack in both of its forms, whatever JSON it is.
CREATE FUNCTION necp.loot_table_flat(pack jsonb)
	RETURNS TABLE (code text, tab int, grp int, ord int, draws jsonb, entry jsonb, path text, at text[])
	LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
	WITH tables AS (
		SELECT t.value, t.value ->> 'code' AS code, (t.n - 1)::int AS n
		FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY t (value, n)
	), groups AS (
		SELECT t.code, t.n AS tab, (g.n - 1)::int AS grp, g.value -> 'draws' AS draws, g.value -> 'entries' AS entries,
		       format('$[%s].groups[%s]', t.n, g.n - 1) AS path, ARRAY[t.n::text, 'groups', (g.n - 1)::text] AS at
		FROM tables t, jsonb_array_elements(CASE jsonb_typeof(t.value -> 'groups') WHEN 'array' THEN t.value -> 'groups' ELSE '[]' END) WITH ORDINALITY g (value, n)
		UNION ALL
		SELECT t.code, t.n, NULL, NULL, t.value -> 'entries', format('$[%s]', t.n), ARRAY[t.n::text] FROM tables t
	)
	SELECT g.code, g.tab, coalesce(g.grp, (e.value ? 'chance')::int), (e.n - 1)::int, nullif(g.draws, 'null'), e.value,
	       format('%s.entries[%s]', g.path, e.n - 1), g.at || ARRAY['entries', (e.n - 1)::text]
	FROM groups g, jsonb_array_elements(CASE jsonb_typeof(g.entries) WHEN 'array' THEN g.entries ELSE '[]' END) WITH ORDINALITY e (value, n)
$$;
COMMENT ON FUNCTION necp.loot_table_flat IS 'Entries of a pack of loot tables, with their places in it.';

-- Faults of each table, group and entry by itself.
CREATE FUNCTION necp.loot_table_check_parts(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	WITH tables AS (
		SELECT t.value, format('$[%s]', t.n - 1) AS path, t.n
		FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY t (value, n)
		WHERE jsonb_typeof(t.value) = 'object'
	), groups AS (
		SELECT g.value, format('%s.groups[%s]', t.path, g.n - 1) AS path, ARRAY[(t.n - 1)::text, 'groups', (g.n - 1)::text] AS at
		FROM tables t, jsonb_array_elements(CASE jsonb_typeof(t.value -> 'groups') WHEN 'array' THEN t.value -> 'groups' ELSE '[]' END) WITH ORDINALITY g (value, n)
	), entries AS (
		SELECT f.*, jsonb_strip_nulls(f.entry) AS e,
		       CASE WHEN jsonb_typeof(f.entry -> 'weight') = 'number' THEN (f.entry ->> 'weight')::numeric END AS weight
		FROM necp.loot_table_flat(pack) f WHERE jsonb_typeof(f.entry) = 'object'
	)
	SELECT f.* FROM groups g, LATERAL necp.content_object(g.path, g.value,
		'{"draws": {"type": "integer", "min": 1, "max": 20}, "entries": {"type": "array", "required": true}}') f
	UNION ALL
	SELECT f.* FROM necp.loot_table_flat(pack) e, LATERAL necp.content_object(e.path, e.entry,
		'{"item": {"type": "text"}, "table": {"type": "text"}, "weight": {"type": "number", "min": 0, "max": 1000000000000},
		  "chance": {"type": "number", "min": 0, "max": 1}, "min_quantity": {"type": "integer", "min": 1, "max": 1000000},
		  "max_quantity": {"type": "integer", "min": 1, "max": 1000000}, "when": {"type": "object"}}') f
	UNION ALL
	SELECT f.* FROM entries e, LATERAL necp.content_object(e.path || '.when', e.e -> 'when',
		'{"min_level": {"type": "integer", "min": 1, "max": 1000}, "max_level": {"type": "integer", "min": 1, "max": 1000},
		  "class": {"type": "text"}, "quest_active": {"type": "text"}, "quest_done": {"type": "text"}, "zone": {"type": "text"},
		  "from_hour": {"type": "integer", "min": 0, "max": 23}, "to_hour": {"type": "integer", "min": 0, "max": 23}}') f
	WHERE jsonb_typeof(e.e -> 'when') = 'object'
	UNION ALL
	SELECT t.path, 'has both groups and entries', NULL FROM tables t WHERE t.value ? 'groups' AND t.value ? 'entries'
	UNION ALL
	SELECT t.path, 'has neither groups nor entries', NULL FROM tables t WHERE NOT t.value ? 'groups' AND NOT t.value ? 'entries'
	UNION ALL
	SELECT t.path || r.field, format('is %s, less than %s', r.high, r.low), NULL
	FROM (SELECT path, value AS v FROM tables UNION ALL SELECT path, entry FROM entries
	      UNION ALL SELECT path || '.when', e -> 'when' FROM entries) t,
	     LATERAL (VALUES ('.max_items', 'min_items', 'max_items', 1, 3), ('.max_credits', 'min_credits', 'max_credits', 0, 100),
	              ('.max_quantity', 'min_quantity', 'max_quantity', 1, NULL), ('.max_level', 'min_level', 'max_level', 1, NULL)) n (field, lo, hi, low, high),
	     LATERAL (SELECT n.field, CASE WHEN jsonb_typeof(t.v -> n.lo) = 'number' THEN (t.v ->> n.lo)::numeric ELSE n.low END AS low,
	                     CASE WHEN jsonb_typeof(t.v -> n.hi) = 'number' THEN (t.v ->> n.hi)::numeric ELSE n.high END AS high) r
	WHERE (t.v ? n.lo OR t.v ? n.hi) AND r.high < r.low
	UNION ALL
	SELECT e.path || '.when', 'wants both from_hour and to_hour', NULL FROM entries e
	WHERE (e.e -> 'when' ? 'from_hour') <> (e.e -> 'when' ? 'to_hour')
	UNION ALL
	SELECT e.path, r.fault, NULL FROM entries e, LATERAL (VALUES
		((e.e ? 'weight') = (e.e ? 'chance'), 'wants either a weight or a chance'),
		(e.e ? 'item' AND e.e ? 'table', 'has both an item and a table'),
		(e.e ? 'chance' AND NOT e.e ? 'item' AND NOT e.e ? 'table', 'has a chance of nothing'),
		(NOT e.e ? 'item' AND (e.e ? 'min_quantity' OR e.e ? 'max_quantity'), 'has a quantity, but no item')) r (wrong, fault)
	WHERE r.wrong
	UNION ALL
	SELECT g.path, 'mixes weights and chances', NULL FROM groups g JOIN entries e ON e.at[1:3] = g.at
	GROUP BY g.path HAVING bool_or(e.e ? 'weight') AND bool_or(e.e ? 'chance')
	UNION ALL
	SELECT g.path, 'draws, but has chances', NULL FROM groups g JOIN entries e ON e.at[1:3] = g.at
	WHERE g.value ? 'draws' GROUP BY g.path HAVING bool_and(e.e ? 'chance')
	UNION ALL
	SELECT g.path, 'has no entries', g.at FROM groups g WHERE g.value -> 'entries' = '[]'
	UNION ALL
	SELECT CASE WHEN e.at[2] = 'groups' THEN format('$[%s].groups[%s]', e.tab, e.grp) ELSE format('$[%s].entries', e.tab) END,
	       'has weights that sum to 0', NULL
	FROM entries e WHERE e.weight IS NOT NULL GROUP BY e.tab, e.grp, e.at[2] HAVING sum(greatest(e.weight, 0)) = 0
$$;
COMMENT ON FUNCTION necp.loot_table_check_parts IS 'Faults of tables, groups and entries by themselves.';

CREATE FUNCTION necp.loot_table_check_names(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT e.path || '.' || n.field, format('names %s "%s", which does not exist', n.what, n.name), e.at
	FROM necp.loot_table_flat(pack) e, LATERAL (VALUES
		('item', 'an item', e.entry ->> 'item', EXISTS (SELECT FROM game.item_templates t WHERE t.code = e.entry ->> 'item')),
		('table', 'a loot table', e.entry ->> 'table', EXISTS (SELECT FROM game.loot_tables t WHERE t.code = e.entry ->> 'table')
			OR pack @> jsonb_build_array(jsonb_build_object('code', e.entry -> 'table'))),
		('when.class', 'a class', e.entry #>> '{when,class}', EXISTS (SELECT FROM game.character_classes c WHERE c.code = e.entry #>> '{when,class}')),
		('when.quest_active', 'a quest', e.entry #>> '{when,quest_active}', EXISTS (SELECT FROM game.quests q WHERE q.code = e.entry #>> '{when,quest_active}')),
		('when.quest_done', 'a quest', e.entry #>> '{when,quest_done}', EXISTS (SELECT FROM game.quests q WHERE q.code = e.entry #>> '{when,quest_done}')),
		('when.zone', 'a zone', e.entry #>> '{when,zone}', EXISTS (SELECT FROM game.zones z WHERE z.code = e.entry #>> '{when,zone}'))
		) n (field, what, name, there)
	WHERE n.name IS NOT NULL AND NOT n.there
$$;
COMMENT ON FUNCTION necp.loot_table_check_names IS 'Entries that name what does not exist.';

-- Which tables hold which, once the pack is imported; what an operator keeps counts as it is.
CREATE FUNCTION necp.loot_table_edges(pack jsonb) RETURNS TABLE (code text, sub text, path text)
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT f.code, f.entry ->> 'table', min(f.path) FROM necp.loot_table_flat(pack) f
	WHERE f.code IS NOT NULL AND f.entry ->> 'table' IS NOT NULL
	  AND NOT EXISTS (SELECT FROM game.loot_tables t WHERE t.code = f.code AND t.origin = 'operator')
	GROUP BY 1, 2
	UNION
	SELECT t.code, s.code, NULL FROM game.loot_entries e
	JOIN game.loot_tables t ON t.id = e.table_id JOIN game.loot_tables s ON s.id = e.sub_table_id
	WHERE t.origin = 'operator' OR NOT pack @> jsonb_build_array(jsonb_build_object('code', t.code))
$$;
COMMENT ON FUNCTION necp.loot_table_edges IS 'Loot tables and their sub-tables as they would be after an import.';

-- Takes tables away whose sub-tables are gone already, layer by layer: a layer is a height. What is
-- left holds a cycle each.
CREATE FUNCTION necp.loot_table_check_nesting(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	edges jsonb := (SELECT coalesce(jsonb_object_agg(e.code, e.subs), '{}') FROM (
		SELECT x.code, jsonb_agg(x.sub ORDER BY x.sub) AS subs FROM necp.loot_table_edges(pack) x GROUP BY x.code) e);
	heights jsonb := '{}';
	layer jsonb;
	height int := 1;
	walked text[];
	at text;
	chain text;
	told text[] := '{}';
BEGIN
	LOOP
		-- whose every sub-table has a height, or is a leaf
		SELECT jsonb_object_agg(e.key, height + 1) INTO layer FROM jsonb_each(edges) e
		WHERE NOT heights ? e.key AND NOT EXISTS (SELECT FROM jsonb_array_elements_text(e.value) s WHERE edges ? s AND NOT heights ? s);
		EXIT WHEN layer IS NULL;
		heights := heights || layer;
		height := height + 1;
	END LOOP;
	FOR at IN SELECT h.key FROM jsonb_each_text(heights) h WHERE h.value::int > 5 ORDER BY 1 LOOP
		walked := ARRAY[at];
		WHILE edges ? walked[cardinality(walked)] LOOP
			walked := walked || (SELECT s FROM jsonb_array_elements_text(edges -> walked[cardinality(walked)]) s
			                     ORDER BY coalesce((heights ->> s)::int, 1) DESC, s LIMIT 1);
		END LOOP;
		RETURN QUERY SELECT coalesce((SELECT min(e.path) FROM necp.loot_table_edges(pack) e WHERE e.code = walked[1] AND e.sub = walked[2]), '$'),
			format('nests deeper than 5: %s', array_to_string(walked, ' > ')), NULL::text[];
	END LOOP;
	FOR at IN SELECT e.key FROM jsonb_each(edges) e WHERE NOT heights ? e.key ORDER BY 1 LOOP
		walked := ARRAY[at];
		LOOP
			at := (SELECT min(s) FROM jsonb_array_elements_text(edges -> walked[cardinality(walked)]) s WHERE edges ? s AND NOT heights ? s);
			EXIT WHEN at = ANY (walked);
			walked := walked || at;
		END LOOP;
		walked := walked[array_position(walked, at) :];
		-- from its first table in the alphabet, so that it is told once
		at := (SELECT min(w) FROM unnest(walked) w);
		walked := walked[array_position(walked, at) :] || walked[: array_position(walked, at) - 1] || at;
		chain := array_to_string(walked, ' > ');
		CONTINUE WHEN chain = ANY (told);
		told := told || chain;
		RETURN QUERY SELECT coalesce((SELECT min(e.path) FROM necp.loot_table_edges(pack) e WHERE e.code = walked[1] AND e.sub = walked[2]), '$'),
			format('is a cycle: %s', chain), NULL::text[];
	END LOOP;
END
$$;
COMMENT ON FUNCTION necp.loot_table_check_nesting IS 'Cycles of loot tables, and tables on top of more than four others.';

CREATE FUNCTION necp.loot_table_check(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM necp.loot_table_check_parts(pack)
	UNION ALL SELECT * FROM necp.loot_table_check_names(pack)
	UNION ALL SELECT * FROM necp.loot_table_check_nesting(pack)
$$;
COMMENT ON FUNCTION necp.loot_table_check IS 'All that is wrong with a pack of loot tables.';

CREATE TYPE necp.loot_entry AS (group_ord int, ord int, draws int, item text, sub_table text, weight double precision,
	chance double precision, min_quantity int, max_quantity int, min_level int, max_level int, class_code text,
	quest_active_code text, quest_done_code text, zone_code text, from_hour int, to_hour int);
COMMENT ON TYPE necp.loot_entry IS 'An entry of a loot table, as a pack is compared with what is stored.';

CREATE FUNCTION necp.loot_table_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fresh text[];
	wanted record;
	changed int := 0;
BEGIN
	-- all of them first: they may name each other
	WITH made AS (
		INSERT INTO game.loot_tables (code) SELECT p.code FROM jsonb_to_recordset(pack) p (code text)
		ON CONFLICT (code) DO NOTHING RETURNING code)
	SELECT coalesce(array_agg(code), '{}') INTO fresh FROM made;
	FOR wanted IN
		SELECT t.id, t.code, coalesce(p.min_items, 1) AS min_items, coalesce(p.max_items, 3) AS max_items,
		       coalesce(p.min_credits, 0) AS min_credits, coalesce(p.max_credits, 100) AS max_credits, w.entries
		FROM jsonb_to_recordset(pack) p (code text, min_items int, max_items int, min_credits bigint, max_credits bigint)
		JOIN game.loot_tables t ON t.code = p.code AND t.origin = 'pack'
		LEFT JOIN (
			SELECT f.code, array_agg(ROW(f.grp, f.ord, f.draws #>> '{}', e.item, e."table", e.weight, e.chance, coalesce(e.min_quantity, 1),
			           coalesce(e.max_quantity, e.min_quantity, 1), c.min_level, c.max_level, c.class, c.quest_active, c.quest_done,
			           c.zone, c.from_hour, c.to_hour)::necp.loot_entry ORDER BY f.grp, f.ord) AS entries
			FROM necp.loot_table_flat(pack) f,
			     jsonb_to_record(f.entry) e (item text, "table" text, weight double precision, chance double precision,
				min_quantity int, max_quantity int, "when" jsonb),
			     jsonb_to_record(coalesce(nullif(e."when", 'null'), '{}')) c (min_level int, max_level int, class text, quest_active text,
				quest_done text, zone text, from_hour int, to_hour int)
			GROUP BY f.code) w ON w.code = p.code
	LOOP
		CONTINUE WHEN wanted.code <> ALL (fresh) AND EXISTS (
			SELECT FROM game.loot_tables t WHERE t.id = wanted.id AND (t.min_items, t.max_items, t.min_credits, t.max_credits)
				= (wanted.min_items, wanted.max_items, wanted.min_credits, wanted.max_credits))
			AND wanted.entries IS NOT DISTINCT FROM (
				SELECT array_agg(ROW(e.group_ord, e.ord, g.draws, i.code, s.code, e.weight, e.chance, e.min_quantity, e.max_quantity,
				           e.min_level, e.max_level, e.class_code, e.quest_active_code, e.quest_done_code, e.zone_code,
				           e.from_hour, e.to_hour)::necp.loot_entry ORDER BY e.group_ord, e.ord)
				FROM game.loot_entries e JOIN game.loot_groups g ON g.table_id = e.table_id AND g.ord = e.group_ord
				LEFT JOIN game.item_templates i ON i.id = e.template_id LEFT JOIN game.loot_tables s ON s.id = e.sub_table_id
				WHERE e.table_id = wanted.id);
		UPDATE game.loot_tables t SET min_items = wanted.min_items, max_items = wanted.max_items,
			min_credits = wanted.min_credits, max_credits = wanted.max_credits WHERE t.id = wanted.id;
		DELETE FROM game.loot_groups g WHERE g.table_id = wanted.id;
		INSERT INTO game.loot_groups (table_id, ord, draws)
		SELECT DISTINCT wanted.id, e.group_ord, e.draws FROM unnest(wanted.entries) e;
		INSERT INTO game.loot_entries
		SELECT wanted.id, e.group_ord, e.ord, i.id, s.id, e.weight, e.chance, e.min_quantity, e.max_quantity, e.min_level, e.max_level,
		       e.class_code, e.quest_active_code, e.quest_done_code, e.zone_code, e.from_hour, e.to_hour
		FROM unnest(wanted.entries) e LEFT JOIN game.item_templates i ON i.code = e.item
		LEFT JOIN game.loot_tables s ON s.code = e.sub_table;
		changed := changed + 1;
	END LOOP;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.loot_table_import IS 'Imports an array of loot tables that loot_table_check has passed.';
SELECT necp.content_kind('loot', 'loot_table_import', 105, '{
	"code": {"type": "text", "required": true, "match": "^[a-z][a-z0-9_]*$"},
	"min_items": {"type": "integer", "min": 0, "max": 20}, "max_items": {"type": "integer", "min": 0, "max": 20},
	"min_credits": {"type": "integer", "min": 0, "max": 1000000}, "max_credits": {"type": "integer", "min": 0, "max": 1000000},
	"entries": {"type": "array"}, "groups": {"type": "array"}}', 'loot_table_check');

CREATE FUNCTION necp.loot_table_roll(loot_table text, character_id bigint, place_id bigint, luck double precision) RETURNS json
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_loot_table_roll';
COMMENT ON FUNCTION necp.loot_table_roll IS 'What a kill would leave, with the pity counted: {credits, items: [{template_id, quantity}]}. For tests; granted to nobody.';

CREATE FUNCTION necp.loot_table_sample(loot_table text, rolls int, character_id bigint, place_id bigint, luck double precision, misses int) RETURNS json
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_loot_table_sample';
COMMENT ON FUNCTION necp.loot_table_sample IS 'How often each item came in so many rolls after as many misses, and how often none: {"none": …, "TEMPLATE_ID": …}. Counts no pity. For tests; granted to nobody.';

SELECT necp.integrity('loot_table_total', $$
	SELECT format('group %s of loot table %s has weights that sum to 0', e.group_ord, e.table_id)
	FROM game.loot_entries e WHERE e.weight IS NOT NULL GROUP BY e.table_id, e.group_ord HAVING sum(e.weight) = 0$$,
	'A draw has something to pick.');
SELECT necp.integrity('loot_table_mixed', $$
	SELECT format('group %s of loot table %s mixes weights and chances', e.group_ord, e.table_id)
	FROM game.loot_entries e GROUP BY e.table_id, e.group_ord HAVING count(e.weight) > 0 AND count(e.chance) > 0$$,
	'A group is of weights or of chances.');
SELECT necp.integrity('loot_table_pity', $$
	SELECT format('character %s has pity for loot table %s, which does not exist', p.character_id, p.table_id)
	FROM game.loot_pity p LEFT JOIN game.loot_tables t ON t.id = p.table_id WHERE t.id IS NULL$$,
	'Pity is for a table; a foreign key would be asked at kills.');
SELECT necp.integrity('loot_table_nesting', $$
	SELECT f.fault FROM necp.loot_table_check_nesting('[]') f$$,
	'No loot table holds itself, or more than four levels of others.');
