-- bin/necp-content: a folder of packs or of design notes, in one transaction, or told where it is broken.
\ir ../helpers.psql
SELECT plan(14);
SELECT count(*) AS items FROM game.item_templates \gset
\set check `bin/necp-content --check test/content/notes 2>&1; echo "ended $?"`
SELECT matches(:'check'::text, 'loot-and-more.json: loot: \$\[1\]\.entries\[0\]\.item names an item "item_gone", which does not exist', 'what names nothing is refused');
SELECT matches(:'check'::text, '"item_nowhere", which does not exist', 'all of it is told');
SELECT matches(:'check'::text, 'ended [1-9]', 'and the tool fails');
SELECT is((SELECT count(*) FROM game.item_templates), :'items'::bigint, 'nothing was imported');
\set broken `bin/necp-content test/content/broken 2>&1; echo "ended $?"`
SELECT matches(:'broken'::text, 'items.json:4: Expected "," or "}", but found', 'a missing comma, with its line');
SELECT matches(:'broken'::text, 'loot.json:2: Token "and" is invalid', 'prose after the end');
SELECT matches(:'broken'::text, 'spells.json: no kind of content', 'a kind that is none');
SELECT matches(:'broken'::text, 'ended [1-9]', 'and the tool fails');
\set first `bin/necp-content --skip-missing test/content/notes 2>&1; echo "ended $?"`
SELECT matches(:'first'::text, 'left out of loot: .*"item_gone".*left out dialogueTrees|left out dialogueTrees.*left out of loot: .*"item_gone".*ended 0', 'with --skip-missing it is listed, and the rest is imported');
SELECT bag_eq($$SELECT t.code, coalesce(i.code, s.code), e.chance, e.max_quantity FROM game.loot_entries e JOIN game.loot_tables t ON t.id = e.table_id
	LEFT JOIN game.item_templates i ON i.id = e.template_id LEFT JOIN game.loot_tables s ON s.id = e.sub_table_id WHERE t.code ~ '^npc_reed_cutter'$$,
	$$VALUES ('npc_reed_cutter', 'npc_reed_cutter_1_guaranteed', 1::float8, 1), ('npc_reed_cutter', 'npc_reed_cutter_2_common', 0.7, 1), ('npc_reed_cutter', 'npc_reed_cutter_3_rare', 0.05, 1),
	('npc_reed_cutter_1_guaranteed', 'npc_reed_cutter_1_guaranteed_1_credits', 1, 1), ('npc_reed_cutter_2_common', 'item_wax', 0.5, 15), ('npc_reed_cutter_2_common', 'item_salve', 0.3, 1),
	('npc_reed_cutter_3_rare', 'item_salt_pistol', 0.03, 1)$$, 'pools are tables of their own');
SELECT is((SELECT row(t.loot_table_code, z.code, i.attributes ->> 'heal', q.kind, q.min_level)::text FROM game.npc_templates t JOIN game.npc_spawns s ON s.template_id = t.id JOIN game.zones z ON z.id = s.zone_id,
	game.item_templates i, game.quests q WHERE t.code = 'npc_reed_cutter' AND i.code = 'item_salve' AND q.code = 'sq_0001'), '(npc_reed_cutter,loc_reeds_001,35,SIDE,2)', 'NPCs, zones, items and quests');
\set second `bin/necp-content --skip-missing test/content/notes 2>&1; echo "ended $?"`
SELECT is((SELECT sum(m[1]::int) FROM regexp_matches(:'second', ', (\d+) rows changed', 'g') m), 0::bigint, 'a second time changes nothing');
DELETE FROM game.loot_entries e USING game.loot_tables t WHERE t.id = e.table_id AND t.code ~ '^(npc_reed_cutter|container_crate)';
DELETE FROM game.loot_tables WHERE code ~ '^(npc_reed_cutter|container_crate)';
UPDATE game.npc_templates SET loot_table_code = NULL WHERE code = 'npc_reed_cutter';
SELECT necp.content_changed() \g /dev/null

-- The real notes, where there are some.
\set real `if [ -d "${NECP_CONTENT_DIR:-}" ]; then bin/necp-content --check --skip-missing "$NECP_CONTENT_DIR" 2>&1; echo "ended $?"; else echo none; fi`
SELECT CASE WHEN :'real' = 'none' THEN skip('NECP_CONTENT_DIR names no folder', 2)
	ELSE matches(:'real'::text, 'ended 0', 'the notes of NECP_CONTENT_DIR are imported')
	|| E'\n' || matches(:'real'::text, 'loot, [1-9]\d* rows changed', 'loot tables among them') END;
SELECT * FROM finish();
