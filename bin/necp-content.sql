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
 *                                dialogues: the graph of each; a check is rounded to the nearest DC of 10 to 30, AGI is reflexes,
 *                                WILL is cool, eddy is credits; who speaks and is no NPC otherwise becomes a template that
 *                                stands nowhere; what has no place there (criticalSuccess, combat, timer, heat …, a check of
 *                                a choice that is not its next node's) is listed as left out
 * {"dialogueTrees": {NPC: …}}    dialogues: the greeting is the root, a branch is a node of all its responses and the choice
 *                                that leads to it; requirements are what that choice needs; actions are listed as left out
 * {"reputationSystem"}           no room has it yet: listed as left out
 */
CREATE TEMP TABLE necp_packs (n int GENERATED ALWAYS AS IDENTITY, file text, kind text, pack jsonb) ON COMMIT DROP;
CREATE TEMP TABLE necp_lines (n int GENERATED ALWAYS AS IDENTITY, line text, broken boolean) ON COMMIT DROP;

CREATE TEMP TABLE necp_speakers (file text, code text PRIMARY KEY, name text) ON COMMIT DROP;

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

CREATE FUNCTION pg_temp.list(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
	RETURN CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE '[]' END;

CREATE FUNCTION pg_temp.map(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
	RETURN CASE jsonb_typeof(value) WHEN 'object' THEN value ELSE '{}' END;

-- What a node, an outcome or a choice of the notes does; null if nothing.
CREATE FUNCTION pg_temp.notes_effects(o jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT nullif(jsonb_strip_nulls(jsonb_build_object(
		'flags', (SELECT jsonb_agg(pg_temp.code(f) ORDER BY n) FROM jsonb_array_elements_text(pg_temp.list(o #> '{flags,set}')) WITH ORDINALITY e (f, n)),
		'reputation', (SELECT jsonb_agg(jsonb_build_object('faction', faction, 'change', change) ORDER BY faction) FROM (
			SELECT pg_temp.code(r.key) AS faction, sum(r.value::int) AS change
			FROM unnest(ARRAY[o -> 'reputation', o -> 'reputationChange', o #> '{rewards,reputation}']) m, jsonb_each_text(pg_temp.map(m)) r
			GROUP BY 1 HAVING sum(r.value::int) <> 0) f),
		'items', (SELECT jsonb_agg(jsonb_build_object('item', pg_temp.code(coalesce(i ->> 'itemId', i #>> '{}'))))
			FROM unnest(ARRAY[o #> '{loot,items}', o #> '{rewards,items}']) m, jsonb_array_elements(pg_temp.list(m)) i),
		'credits', coalesce(o #> '{loot,eddy}', o #> '{rewards,eddy}'), 'xp', o #> '{rewards,experience}')), '{}')
$$;

CREATE FUNCTION pg_temp.notes_outcome(o jsonb) RETURNS jsonb LANGUAGE sql
	RETURN jsonb_strip_nulls(jsonb_build_object('next', pg_temp.code(o ->> 'nextNode'), 'effects', pg_temp.notes_effects(o)));

-- The nodes of the quests' dialogues.
CREATE FUNCTION pg_temp.notes_nodes(quests jsonb) RETURNS TABLE (q bigint, quest jsonb, n bigint, node jsonb, npc text) LANGUAGE sql AS $$
	SELECT e.n, e.q, v.n, v.node, nullif(pg_temp.code(v.node ->> 'npc'), 'system')
	FROM jsonb_array_elements(pg_temp.list(quests)) WITH ORDINALITY e (q, n),
	     jsonb_array_elements(pg_temp.list(e.q #> '{dialogueTree,nodes}')) WITH ORDINALITY v (node, n)
$$;

CREATE FUNCTION pg_temp.notes_dialogues(quests jsonb) RETURNS jsonb LANGUAGE sql AS $$
	WITH nodes AS (
		SELECT d.*, jsonb_strip_nulls(jsonb_build_object('code', pg_temp.code(d.node ->> 'nodeId'), 'npc', d.npc, 'text', d.node -> 'dialogue',
			'effects', pg_temp.notes_effects(d.node - '{success,failure}'::text[]),
			'check', CASE WHEN d.node ? 'skillCheck' THEN (
				SELECT jsonb_build_object('skill', pg_temp.code(c ->> 'skill'), 'dc', least(greatest(round((c ->> 'dc')::numeric / 5) * 5, 10), 30),
					'attribute', '{"BODY": "body", "REF": "reflexes", "AGI": "reflexes", "TECH": "technical_ability", "INT": "intelligence",
						"COOL": "cool", "WILL": "cool", "EMP": "empathy"}'::jsonb -> (c ->> 'attribute'),
					'success', pg_temp.notes_outcome(d.node -> 'success'), 'failure', pg_temp.notes_outcome(d.node -> 'failure'))
				FROM jsonb_array_elements(pg_temp.list(d.quest -> 'skillChecks')) c WHERE c -> 'checkId' = d.node -> 'skillCheck' LIMIT 1) END,
			'choices', (SELECT jsonb_agg(pg_temp.notes_outcome(c) || jsonb_build_object('code', pg_temp.code(c ->> 'choiceId'), 'text', c -> 'text') ORDER BY k)
				FROM jsonb_array_elements(pg_temp.list(d.node -> 'choices')) WITH ORDINALITY e (c, k)))) AS made
		FROM pg_temp.notes_nodes(quests) d
	)
	SELECT jsonb_agg(jsonb_strip_nulls(d.dialogue) ORDER BY d.q) FROM (
		SELECT q, jsonb_build_object('code', pg_temp.code(quest ->> 'questId'), 'name', quest -> 'title', 'quest', pg_temp.code(quest ->> 'questId'),
			'npc', max(npc) FILTER (WHERE node -> 'nodeId' = quest #> '{dialogueTree,rootNode}'),
			'root', pg_temp.code(quest #>> '{dialogueTree,rootNode}'), 'nodes', jsonb_agg(made ORDER BY n)) AS dialogue
		FROM nodes GROUP BY q, quest) d
$$;

CREATE FUNCTION pg_temp.notes_trees(trees jsonb) RETURNS jsonb LANGUAGE sql AS $$
	WITH branches AS (
		SELECT t.key AS npc, b.n, pg_temp.code(b.v ->> 'id') AS code, b.v AS branch,
		       jsonb_strip_nulls(jsonb_build_object('code', pg_temp.code(b.v ->> 'id'), 'text', b.v -> 'trigger', 'next', pg_temp.code(b.v ->> 'id'), 'needs', (
			SELECT nullif(jsonb_strip_nulls(jsonb_build_object('level', max((r #>> '{requirements,level}')::int),
				'faction', pg_temp.code(max(r #>> '{requirements,reputation,faction}')), 'reputation', max((r #>> '{requirements,reputation,minValue}')::int))), '{}')
			FROM jsonb_array_elements(pg_temp.list(b.v -> 'responses')) r))) AS choice
		FROM jsonb_each(pg_temp.map(trees)) t, jsonb_array_elements(pg_temp.list(t.value -> 'branches')) WITH ORDINALITY b (v, n)
	), ways AS (
		SELECT DISTINCT b.npc, b.code, pg_temp.code(r ->> 'nextBranch') AS next
		FROM branches b, jsonb_array_elements(pg_temp.list(b.branch -> 'responses')) r WHERE r ->> 'nextBranch' IS NOT NULL
	), nodes AS (
		SELECT t.key AS npc, 0 AS n, jsonb_build_object('code', 'greeting', 'npc', pg_temp.code(t.key), 'text', t.value -> 'greeting', 'choices', coalesce((
			SELECT jsonb_agg(b.choice ORDER BY b.n) FROM branches b
			WHERE b.npc = t.key AND NOT EXISTS (SELECT FROM ways w WHERE w.npc = b.npc AND w.next = b.code)), '[]')) AS node
		FROM jsonb_each(pg_temp.map(trees)) t
		UNION ALL
		SELECT b.npc, b.n, jsonb_build_object('code', b.code, 'npc', pg_temp.code(b.npc),
			'text', (SELECT string_agg(r ->> 'text', E'\n' ORDER BY k) FROM jsonb_array_elements(pg_temp.list(b.branch -> 'responses')) WITH ORDINALITY e (r, k)),
			'choices', coalesce((SELECT jsonb_agg(coalesce(x.choice, jsonb_build_object('code', w.next, 'text', w.next, 'next', w.next)) ORDER BY x.n)
				FROM ways w LEFT JOIN branches x ON x.npc = w.npc AND x.code = w.next WHERE w.npc = b.npc AND w.code = b.code), '[]'))
		FROM branches b
	)
	SELECT jsonb_agg(jsonb_build_object('code', pg_temp.code(d.npc), 'name', d.npc, 'npc', pg_temp.code(d.npc), 'root', 'greeting', 'nodes', d.nodes) ORDER BY d.npc)
	FROM (SELECT npc, jsonb_agg(node ORDER BY n) AS nodes FROM nodes GROUP BY npc) d
$$;

-- What of dialogues has no place in a pack, as where it was and what it was called.
CREATE FUNCTION pg_temp.notes_left(doc jsonb) RETURNS TABLE (place text, what text) LANGUAGE sql AS $$
	WITH nodes AS (SELECT d.*, format('node %s of %s', d.node ->> 'nodeId', d.quest ->> 'questId') AS place FROM pg_temp.notes_nodes(doc -> 'quests') d)
	SELECT d.place, k FROM nodes d, jsonb_object_keys(d.node) k
	WHERE k NOT IN ('nodeId', 'npc', 'npcName', 'location', 'dialogue', 'choices', 'skillCheck', 'success', 'failure', 'flags', 'reputation', 'reputationChange', 'loot', 'rewards', 'endQuest')
	UNION ALL
	SELECT d.place, format('%s.%s', o, k) FROM nodes d, unnest('{success,failure}'::text[]) o, jsonb_object_keys(pg_temp.map(d.node -> o)) k
	WHERE k NOT IN ('nextNode', 'flags', 'reputation', 'reputationChange', 'loot', 'rewards')
	UNION ALL
	SELECT d.place, format('%s.%s', o, k) FROM nodes d, unnest('{loot,rewards,success,failure}'::text[]) o,
		jsonb_object_keys(pg_temp.map(CASE WHEN o IN ('loot', 'rewards') THEN d.node -> o ELSE d.node #> ARRAY[o, 'loot'] END)) k
	WHERE k NOT IN ('eddy', 'items', 'experience', 'reputation')
	UNION ALL
	SELECT d.place, format('skillCheck %s of choice %s', c ->> 'skillCheck', c ->> 'choiceId') FROM nodes d, jsonb_array_elements(pg_temp.list(d.node -> 'choices')) c
	WHERE c ->> 'skillCheck' IS NOT NULL AND NOT EXISTS (
		SELECT FROM nodes t WHERE t.q = d.q AND t.node -> 'nodeId' = c -> 'nextNode' AND t.node -> 'skillCheck' = c -> 'skillCheck')
	UNION ALL
	SELECT format('%s of %s', b ->> 'id', t.key), format('action %s', r ->> 'action')
	FROM jsonb_each(pg_temp.map(doc -> 'dialogueTrees')) t, jsonb_array_elements(pg_temp.list(t.value -> 'branches')) b,
	     jsonb_array_elements(pg_temp.list(b -> 'responses')) r WHERE r ? 'action'
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
	SELECT load.file, p.* FROM (VALUES ('items', pg_temp.notes_items(doc -> 'items')), ('zones', pg_temp.notes_zones(doc -> 'locations')),
		('npcs', pg_temp.notes_npcs(doc -> 'npcs')), ('loot', pg_temp.notes_loot(doc -> 'lootTables')), ('quests', pg_temp.notes_quests(doc -> 'quests')),
		('dialogues', pg_temp.notes_dialogues(doc -> 'quests')), ('dialogues', pg_temp.notes_trees(doc -> 'dialogueTrees'))) p (kind, pack)
	WHERE jsonb_typeof(doc) = 'object' AND p.pack IS NOT NULL AND p.pack -> 'templates' IS DISTINCT FROM 'null';
	IF NOT FOUND AND kind IN (SELECT k.kind FROM necp.content_kinds k) THEN
		INSERT INTO necp_packs (file, kind, pack) VALUES (file, kind, doc);
	ELSIF NOT EXISTS (SELECT FROM necp_packs p WHERE p.file = load.file) THEN
		INSERT INTO necp_lines (line, broken) SELECT format('%s: no kind of content', file), true
		WHERE (jsonb_typeof(doc) = 'object' AND doc ? 'reputationSystem') IS NOT TRUE;
	END IF;
	IF jsonb_typeof(doc) = 'object' THEN
		INSERT INTO necp_speakers
		SELECT load.file, d.npc, left(coalesce(max(d.node ->> 'npcName'), min(d.node ->> 'npc')), 60)
		FROM pg_temp.notes_nodes(doc -> 'quests') d WHERE d.npc IS NOT NULL GROUP BY d.npc ON CONFLICT DO NOTHING;
		INSERT INTO necp_lines (line, broken)
		SELECT format('%s: left out of dialogues: %s at %s', load.file, l.what, l.place), false FROM pg_temp.notes_left(doc) l;
		INSERT INTO necp_lines (line, broken)
		SELECT format('%s: left out reputationSystem, for which there is no room yet', load.file), false WHERE doc ? 'reputationSystem';
	END IF;
END
$$;

-- Who speaks in a dialogue and is nobody else.
CREATE FUNCTION pg_temp.add_speakers() RETURNS void LANGUAGE sql AS $$
	INSERT INTO necp_packs (file, kind, pack)
	SELECT s.file, 'npcs', jsonb_build_object('templates', jsonb_agg(jsonb_build_object('code', s.code, 'name', s.name, 'tier', 0, 'level', 1,
		'max_hp', 100, 'attack_damage', 0, 'walk_speed', 0, 'xp_base', 0) ORDER BY s.code))
	FROM necp_speakers s
	WHERE NOT EXISTS (SELECT FROM necp_packs p WHERE p.kind = 'npcs' AND p.pack -> 'templates' @> jsonb_build_array(jsonb_build_object('code', s.code)))
	  AND NOT EXISTS (SELECT FROM game.npc_templates t WHERE t.code = s.code)
	GROUP BY s.file
$$;

-- All packs one after the other. What was left out of one may be what an earlier one named: then all of
-- it is taken back and done again with what is left, until nothing more is left out.
CREATE FUNCTION pg_temp.import(on_missing text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	todo necp_packs[];
	packs jsonb;
	pruned record;
	dropped text[] := '{}';
	faults text[];
	told text[];
	again boolean;
	detail text;
BEGIN
	PERFORM pg_temp.add_speakers();
	todo := ARRAY(SELECT p FROM necp_packs p JOIN necp.content_kinds c USING (kind) ORDER BY c.ord, p.n);
	LOOP
		SELECT coalesce(jsonb_object_agg(k.kind, k.list), '{}') INTO packs FROM (SELECT t.kind, jsonb_agg(t.pack) AS list FROM unnest(todo) t GROUP BY 1) k;
		again := false;
		told := '{}';
		faults := '{}';
		BEGIN
			FOR i IN 1 .. cardinality(todo) LOOP
				BEGIN
					IF on_missing = 'skip' THEN
						SELECT * INTO pruned FROM necp.content_prune(todo[i].kind, todo[i].pack, packs);
						todo[i].pack := pruned.pack;
						again := again OR pruned.dropped <> '{}';
						dropped := dropped || ARRAY(SELECT format('%s: left out of %s: %s %s', todo[i].file, todo[i].kind, f.path, f.fault) FROM unnest(pruned.dropped) f);
					END IF;
					told := told || format('%s: %s, %s rows changed', todo[i].file, todo[i].kind, necp.content_import(todo[i].kind, todo[i].pack, 'refuse', packs));
				EXCEPTION WHEN OTHERS THEN
					GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
					faults := faults || ARRAY(SELECT format('%s: %s: %s', todo[i].file, todo[i].kind, l)
						FROM unnest(string_to_array(CASE WHEN SQLSTATE = 'NC001' THEN coalesce(nullif(detail, ''), SQLERRM) ELSE SQLERRM END, E'\n')) l);
				END;
			END LOOP;
			IF again AND faults = '{}' THEN
				RAISE EXCEPTION USING ERRCODE = 'NCXXX';
			END IF;
		EXCEPTION WHEN SQLSTATE 'NCXXX' THEN
			NULL;
		END;
		EXIT WHEN NOT again OR faults <> '{}';
	END LOOP;
	INSERT INTO necp_lines (line, broken) SELECT l, false FROM unnest(dropped || told) l;
	INSERT INTO necp_lines (line, broken) SELECT l, true FROM unnest(faults) l;
	RETURN QUERY SELECT l.line FROM necp_lines l ORDER BY l.n;
END
$$;
CREATE FUNCTION pg_temp.is_broken() RETURNS boolean LANGUAGE sql RETURN (SELECT coalesce(bool_or(broken), false) FROM necp_lines);
