/* SPDX-License-Identifier: PostgreSQL
 *
 * Read by bin/necp-content in its transaction. Files become packs; design notes become packs by this
 * mapping (ids become codes: lower case, what is no letter or digit becomes _):
 *
 * notes                          pack
 * {"items": […]}                 items: type, rarity and weight as they are called here; price is vendor_price; stats,
 *                                subtype and level are attributes, requirements what it requires (strength is body); rarity
 *                                "quest" is COMMON
 * {"locations": […]}             zones: CITY, BADLANDS where danger is high
 * {"npcs": […]}                  npcs: one template and one spawn in its location each, on a ring around its middle; an
 *                                enemy fights and has the loot table of its own name
 * {"lootTables": {…: {ID: {"lootPools"}}}}
 *                                loot: a table per ID; a pool is a sub-table with the pool's chance, in which each item has
 *                                its own; money is a sub-table of credits
 * {"quests": […]}                quests: one objective each, to talk to who stands at the root of the dialogue
 * {"dialogueTrees"}, {"reputationSystem"}
 *                                no room has them yet: listed as left out
 */
CREATE TEMP TABLE necp_packs (n int GENERATED ALWAYS AS IDENTITY, file text, kind text, pack jsonb) ON COMMIT DROP;
CREATE TEMP TABLE necp_lines (n int GENERATED ALWAYS AS IDENTITY, line text, broken boolean) ON COMMIT DROP;

CREATE FUNCTION pg_temp.code(id text) RETURNS text LANGUAGE sql IMMUTABLE
	RETURN regexp_replace(lower(id), '[^a-z0-9]+', '_', 'g');

CREATE FUNCTION pg_temp.notes_items(items jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('code', pg_temp.code(i ->> 'id'), 'name', i -> 'name',
		'description', coalesce(i -> 'description', '""'),
		'type', coalesce('{"resource": "MATERIAL", "quest": "QUEST_ITEM"}'::jsonb ->> (i ->> 'type'), upper(i ->> 'type')),
		'rarity', CASE i ->> 'rarity' WHEN 'quest' THEN 'COMMON' ELSE upper(i ->> 'rarity') END,
		'max_stack', '{"consumable": 20, "resource": 1000}'::jsonb -> (i ->> 'type'),
		'weight', i -> 'weight', 'vendor_price', i -> 'price',
		'attributes', jsonb_build_object('damage', i #> '{stats,damage}', 'armor', i #> '{stats,defense}', 'heal', i #> '{stats,healthRestore}',
			'energy', i #> '{stats,energyRestore}', 'subtype', i -> 'subtype', 'level', i -> 'level',
			'requires', (SELECT jsonb_object_agg(w.name, w.value) FROM (VALUES ('level', i #> '{requirements,level}'),
				('class', to_jsonb(pg_temp.code(i #>> '{requirements,class}'))), ('body', i #> '{requirements,attributes,strength}'),
				('reflexes', i #> '{requirements,attributes,reflexes}'), ('intelligence', i #> '{requirements,attributes,intelligence}'),
				('technical_ability', i #> '{requirements,attributes,technical}'), ('cool', i #> '{requirements,attributes,cool}')) w (name, value)
				WHERE nullif(w.value, 'null') IS NOT NULL)))) ORDER BY n)
	FROM jsonb_array_elements(items) WITH ORDINALITY e (i, n)
$$;

CREATE FUNCTION pg_temp.notes_zones(locations jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('code', pg_temp.code(l ->> 'id'), 'name', left(l ->> 'name', 60),
		'kind', CASE l ->> 'dangerLevel' WHEN 'high' THEN 'BADLANDS' ELSE 'CITY' END, 'size_m', 1000, 'capacity', 200) ORDER BY n)
	FROM jsonb_array_elements(locations) WITH ORDINALITY e (l, n)
$$;

CREATE FUNCTION pg_temp.notes_npcs(npcs jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object(
		'templates', jsonb_agg(jsonb_strip_nulls(jsonb_build_object('code', pg_temp.code(i ->> 'id'), 'name', left(i ->> 'name', 60), 'tier', 0,
			'level', coalesce(i -> 'level', '1'), 'max_hp', 100, 'attack_damage', CASE i ->> 'type' WHEN 'enemy' THEN 10 ELSE 0 END,
			'walk_speed', 0, 'loot_table_code', CASE i ->> 'type' WHEN 'enemy' THEN pg_temp.code(i ->> 'id') END)) ORDER BY n),
		'spawns', jsonb_agg(jsonb_build_object('code', pg_temp.code(i ->> 'id'), 'template', pg_temp.code(i ->> 'id'),
			'zone', pg_temp.code(i ->> 'locationId'), 'x', round(40 * cosd(36 * n)), 'y', round(40 * sind(36 * n))) ORDER BY n))
	FROM jsonb_array_elements(npcs) WITH ORDINALITY e (i, n)
$$;

-- A table, its pools and their money, as tables of their own.
CREATE FUNCTION pg_temp.notes_loot(groups jsonb) RETURNS jsonb LANGUAGE sql AS $$
	WITH tables AS (
		SELECT pg_temp.code(t.key) AS code, t.value -> 'lootPools' AS pools
		FROM jsonb_each(groups) g, jsonb_each(CASE jsonb_typeof(g.value) WHEN 'object' THEN g.value ELSE '{}' END) t
		WHERE t.value ? 'lootPools'
	), pools AS (
		SELECT t.code, format('%s_%s_%s', t.code, p.n, pg_temp.code(p.v ->> 'type')) AS pool, p.n, coalesce(p.v -> 'chance', '1') AS chance, p.v -> 'items' AS items
		FROM tables t, jsonb_array_elements(t.pools) WITH ORDINALITY p (v, n)
	), items AS (
		SELECT p.pool, i.n, i.v, i.v ->> 'id' LIKE 'money%' AS money, format('%s_%s_credits', p.pool, i.n) AS purse
		FROM pools p, jsonb_array_elements(p.items) WITH ORDINALITY i (v, n)
	), made AS (
		SELECT code, 0 AS low, 0 AS high, '[]'::jsonb AS entries FROM tables WHERE NOT EXISTS (SELECT FROM pools p WHERE p.code = tables.code)
		UNION ALL
		SELECT code, 0, 0, jsonb_agg(jsonb_build_object('table', pool, 'chance', chance) ORDER BY n) FROM pools GROUP BY code
		UNION ALL
		SELECT pool, 0, 0, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('item', CASE WHEN NOT money THEN pg_temp.code(v ->> 'id') END,
			'table', CASE WHEN money THEN purse END, 'chance', coalesce(v -> 'chance', '1'),
			'min_quantity', CASE WHEN NOT money THEN coalesce(v #> '{quantity,min}', v -> 'min', v -> 'amount') END,
			'max_quantity', CASE WHEN NOT money THEN coalesce(v #> '{quantity,max}', v -> 'max', v -> 'amount') END)) ORDER BY n)
		FROM items GROUP BY pool
		UNION ALL
		SELECT purse, coalesce(v ->> 'min', v ->> 'amount')::int, coalesce(v ->> 'max', v ->> 'amount')::int, '[]' FROM items WHERE money
	)
	SELECT jsonb_agg(jsonb_build_object('code', code, 'min_items', 0, 'max_items', 0, 'min_credits', low, 'max_credits', high, 'entries', entries) ORDER BY code) FROM made
$$;

CREATE FUNCTION pg_temp.notes_quests(quests jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('code', pg_temp.code(q ->> 'questId'), 'name', q -> 'title',
		'description', coalesce(q -> 'description', r.node -> 'dialogue', q -> 'title'),
		'kind', CASE q ->> 'type' WHEN 'main' THEN 'MAIN' ELSE 'SIDE' END, 'min_level', coalesce(q #> '{level,min}', '1'),
		'objectives', jsonb_build_array(jsonb_build_object('code', 'talk', 'kind', 'TALK', 'npc', pg_temp.code(r.node ->> 'npc'), 'required', 1,
			'description', coalesce(r.node ->> 'npcName', q ->> 'title')))) ORDER BY n)
	FROM jsonb_array_elements(quests) WITH ORDINALITY e (q, n)
	LEFT JOIN LATERAL (SELECT v AS node FROM jsonb_array_elements(q #> '{dialogueTree,nodes}') v
		WHERE v -> 'nodeId' = q #> '{dialogueTree,rootNode}' LIMIT 1) r ON true
$$;

CREATE FUNCTION pg_temp.load(file text, text text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	doc jsonb;
	kind text := regexp_replace(file, '\.json$', '');
	line text;
	detail text;
BEGIN
	BEGIN
		doc := text::json::jsonb;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS line = PG_EXCEPTION_CONTEXT, detail = PG_EXCEPTION_DETAIL;
		INSERT INTO necp_lines (line, broken)
		VALUES (format('%s:%s: %s', file, coalesce(substring(line FROM 'JSON data, line (\d+)'), '1'), coalesce(nullif(detail, ''), SQLERRM)), true);
		RETURN;
	END;
	INSERT INTO necp_packs (file, kind, pack)
	SELECT file, p.* FROM (VALUES ('items', pg_temp.notes_items(doc -> 'items')), ('zones', pg_temp.notes_zones(doc -> 'locations')),
		('npcs', pg_temp.notes_npcs(doc -> 'npcs')), ('loot', pg_temp.notes_loot(doc -> 'lootTables')), ('quests', pg_temp.notes_quests(doc -> 'quests'))) p (kind, pack)
	WHERE jsonb_typeof(doc) = 'object' AND p.pack IS NOT NULL AND p.pack -> 'templates' IS DISTINCT FROM 'null';
	IF NOT FOUND AND kind IN (SELECT k.kind FROM necp.content_kinds k) THEN
		INSERT INTO necp_packs (file, kind, pack) VALUES (file, kind, doc);
	ELSIF NOT EXISTS (SELECT FROM necp_packs p WHERE p.file = load.file) THEN
		INSERT INTO necp_lines (line, broken) SELECT format('%s: no kind of content', file), true
		WHERE (jsonb_typeof(doc) = 'object' AND (doc ? 'dialogueTrees' OR doc ? 'reputationSystem')) IS NOT TRUE;
	END IF;
	INSERT INTO necp_lines (line, broken)
	SELECT format('%s: left out %s, for which there is no room yet', file, w), false FROM unnest('{dialogueTrees,reputationSystem}'::text[]) w
	WHERE jsonb_typeof(doc) = 'object' AND doc ? w;
END
$$;

CREATE FUNCTION pg_temp.import(on_missing text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	p record;
	pruned record;
	changed int;
	detail text;
BEGIN
	FOR p IN SELECT k.* FROM necp_packs k JOIN necp.content_kinds c USING (kind) ORDER BY c.ord, k.n LOOP
		BEGIN
			IF on_missing = 'skip' THEN
				SELECT * INTO pruned FROM necp.content_prune(p.kind, p.pack);
				p.pack := pruned.pack;
				INSERT INTO necp_lines (line, broken)
				SELECT format('%s: left out of %s: %s %s', p.file, p.kind, f.path, f.fault), false FROM unnest(pruned.dropped) f;
			END IF;
			changed := necp.content_import(p.kind, p.pack);
			INSERT INTO necp_lines (line, broken) VALUES (format('%s: %s, %s rows changed', p.file, p.kind, changed), false);
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
			INSERT INTO necp_lines (line, broken)
			SELECT format('%s: %s: %s', p.file, p.kind, l), true
			FROM unnest(string_to_array(CASE WHEN SQLSTATE = 'NC001' THEN coalesce(nullif(detail, ''), SQLERRM) ELSE SQLERRM END, E'\n')) l;
		END;
	END LOOP;
	RETURN QUERY SELECT l.line FROM necp_lines l ORDER BY l.n;
END
$$;
CREATE FUNCTION pg_temp.is_broken() RETURNS boolean LANGUAGE sql RETURN (SELECT coalesce(bool_or(broken), false) FROM necp_lines);
