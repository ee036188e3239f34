-- bin/necp-content: a folder of packs or of design notes, in one transaction, or told where it is broken.
\ir ../helpers.psql
SELECT plan(24);
SELECT count(*) AS items FROM game.item_templates \gset
\set check `bin/necp-content --check test/content/notes 2>&1; echo "ended $?"`
SELECT matches(:'check'::text, 'loot-and-more.json: loot: \$\[1\]\.entries\[0\]\.item names an item "item_gone", which does not exist', 'what names nothing is refused');
SELECT matches(:'check'::text, '"item_nowhere", which does not exist', 'all of it is told');
SELECT matches(:'check'::text, 'quests.json: dialogues: \$\[0\]\.nodes\[1\]\.choices\[1\]\.next names a node "99", which does not exist', 'of dialogues too');
SELECT matches(:'check'::text, 'ended [1-9]', 'and the tool fails');
SELECT is((SELECT count(*) FROM game.item_templates), :'items'::bigint, 'nothing was imported');
\set broken `bin/necp-content test/content/broken 2>&1; echo "ended $?"`
SELECT matches(:'broken'::text, 'items.json:4: Expected "," or "}", but found', 'a missing comma, with its line');
SELECT matches(:'broken'::text, 'loot.json:2: Token "and" is invalid', 'prose after the end');
SELECT matches(:'broken'::text, 'spells.json: no kind of content', 'a kind that is none');
SELECT matches(:'broken'::text, 'ended [1-9]', 'and the tool fails');
\set first `bin/necp-content --skip-missing test/content/notes 2>&1; echo "ended $?"`
SELECT matches(:'first'::text, 'left out reputationSystem.*left out of loot: .*"item_gone".*ended 0', 'with --skip-missing it is listed, and the rest is imported');
SELECT bag_eq($$SELECT t.code, coalesce(i.code, s.code), e.chance, e.max_quantity FROM game.loot_entries e JOIN game.loot_tables t ON t.id = e.table_id
	LEFT JOIN game.item_templates i ON i.id = e.template_id LEFT JOIN game.loot_tables s ON s.id = e.sub_table_id WHERE t.code ~ '^npc_reed_cutter'$$,
	$$VALUES ('npc_reed_cutter', 'npc_reed_cutter_1_guaranteed', 1::float8, 1), ('npc_reed_cutter', 'npc_reed_cutter_2_common', 0.7, 1), ('npc_reed_cutter', 'npc_reed_cutter_3_rare', 0.05, 1),
	('npc_reed_cutter_1_guaranteed', 'npc_reed_cutter_1_guaranteed_1_credits', 1, 1), ('npc_reed_cutter_2_common', 'item_wax', 0.5, 15), ('npc_reed_cutter_2_common', 'item_salve', 0.3, 1),
	('npc_reed_cutter_3_rare', 'item_salt_pistol', 0.03, 1)$$, 'pools are tables of their own');
SELECT is((SELECT row(t.loot_table_code, z.code, i.attributes ->> 'heal', q.kind, q.min_level)::text FROM game.npc_templates t JOIN game.npc_spawns s ON s.template_id = t.id JOIN game.zones z ON z.id = s.zone_id,
	game.item_templates i, game.quests q WHERE t.code = 'npc_reed_cutter' AND i.code = 'item_salve' AND q.code = 'sq_0001'), '(npc_reed_cutter,loc_reeds_001,35,SIDE,2)', 'NPCs, zones, items and quests');
SELECT is(ARRAY(SELECT m[1] FROM regexp_matches(:'first', 'left out of dialogues: ([^\n]*)', 'g') WITH ORDINALITY t (m, n) ORDER BY m COLLATE "C"), ARRAY[
	'$[0].nodes[0].check.failure.next names a node "12", which does not exist', '$[0].nodes[0].check.success.effects.items[1].item names an item "item_lost", which does not exist',
	'$[0].nodes[1].choices[1].next names a node "99", which does not exist', '$[0].nodes[3] is reached from nowhere', 'action open_shop at branch-trade of npc-ferrywoman',
	'criticalSuccess at node 2 of SQ-0001', 'failure.combat at node 2 of SQ-0001', 'skillCheck SC-2 of choice A3 at node 1 of SQ-0001'], 'and what of dialogues has no place');
SELECT bag_eq($$SELECT d.code, d.npc_code, n.code AS node, n.npc_code AS who, n.text, n.dc, n.attribute, n.effects FROM game.dialogues d JOIN game.dialogue_nodes n ON n.dialogue_id = d.id WHERE d.code IN ('sq_0001', 'npc_ferrywoman')$$,
	$$VALUES ('sq_0001', 'npc_ferrywoman', '1', 'npc_ferrywoman', 'Take this across.', NULL::int, NULL, '{}'::jsonb), ('sq_0001', 'npc_ferrywoman', '2', 'toll_keeper', 'No.', 20, 'empathy', '{}'),
	('sq_0001', 'npc_ferrywoman', '3', NULL, 'It is done.', NULL, NULL, '{"credits": 10, "xp": 30, "reputation": [{"faction": "ferry", "change": 5}]}'),
	('npc_ferrywoman', 'npc_ferrywoman', 'greeting', 'npc_ferrywoman', 'Across?', NULL, NULL, '{}'), ('npc_ferrywoman', 'npc_ferrywoman', 'branch_river', 'npc_ferrywoman', E'It is wide.\nAnd deep.', NULL, NULL, '{}'),
	('npc_ferrywoman', 'npc_ferrywoman', 'branch_deep', 'npc_ferrywoman', 'Enough.', NULL, NULL, '{}'), ('npc_ferrywoman', 'npc_ferrywoman', 'branch_trade', 'npc_ferrywoman', 'Ways.', NULL, NULL, '{}')$$, 'graphs and trees are dialogues');
SELECT bag_eq($$SELECT d.code, c.node_code, c.code AS choice, c.next_code, c.min_level, c.min_reputation, c.effects FROM game.dialogues d JOIN game.dialogue_choices c ON c.dialogue_id = d.id WHERE d.code IN ('sq_0001', 'npc_ferrywoman')$$,
	$$VALUES ('sq_0001', '1', 'a1', '2', NULL::int, NULL::int, '{"reputation": [{"faction": "ferry", "change": 1}]}'::jsonb), ('sq_0001', '1', 'a3', '3', NULL, NULL, '{}'),
	('sq_0001', '2', 'success', '3', NULL, NULL, '{"credits": 40, "flags": ["keptword"], "reputation": [{"faction": "ferry", "change": 2}], "items": [{"item": "item_wax"}]}'), ('sq_0001', '2', 'failure', NULL, NULL, NULL, '{}'),
	('npc_ferrywoman', 'greeting', 'branch_river', 'branch_river', NULL, NULL, '{}'), ('npc_ferrywoman', 'greeting', 'branch_trade', 'branch_trade', NULL, NULL, '{}'),
	('npc_ferrywoman', 'branch_river', 'branch_deep', 'branch_deep', 3, 5, '{}')$$, 'with their choices and checks');
SELECT is((SELECT ROW(t.name, (SELECT count(*) FROM game.npc_spawns s WHERE s.template_id = t.id))::text FROM game.npc_templates t WHERE t.code = 'toll_keeper'), '("The Keeper",0)', 'who only speaks stands nowhere');
\set second `bin/necp-content --skip-missing test/content/notes 2>&1; echo "ended $?"`
SELECT is((SELECT sum(m[1]::int) FROM regexp_matches(:'second', ', (\d+) rows changed', 'g') m), 0::bigint, 'a second time changes nothing');
DELETE FROM game.loot_entries e USING game.loot_tables t WHERE t.id = e.table_id AND t.code ~ '^(npc_reed_cutter|container_crate)';
DELETE FROM game.loot_tables WHERE code ~ '^(npc_reed_cutter|container_crate)';
UPDATE game.npc_templates SET loot_table_code = NULL WHERE code = 'npc_reed_cutter';
SELECT necp.content_changed() \g /dev/null

-- A pack that names what another one of the folder loses: the NPC falls for its loot table, the objective for the NPC.
\set chain `d=$(mktemp -d); echo '[{"code": "chain_q", "name": "Q", "description": "D", "kind": "SIDE", "objectives": [{"code": "kill", "kind": "KILL", "npc": "chain_n", "required": 1, "description": "D"}]}]' > $d/quests.json; echo '{"templates": [{"code": "chain_n", "name": "N", "tier": 0, "level": 1, "max_hp": 1, "loot_table_code": "chain_t"}]}' > $d/npcs.json; bin/necp-content --check --skip-missing $d 2>&1; echo "ended $?"; bin/necp-content --check $d 2>&1; echo "ended $?"; rm -r $d`
SELECT matches(:'chain'::text, 'left out of npcs: \$\.templates\[0\]\.loot_table_code.*left out of quests: \$\[0\]\.objectives\[0\]\.npc names an NPC "chain_n"', 'what falls takes with it what named it');
SELECT matches(:'chain'::text, 'quests, 1 rows changed\nnpcs.json: npcs, 0 rows changed\nended 0', 'the rest is imported');
SELECT matches(:'chain'::text, 'npcs.json: npcs: \$\.templates\[0\]\.loot_table_code names a loot table "chain_t", which does not exist.*ended [1-9]', 'without --skip-missing nothing is');
SELECT is((SELECT count(*) FROM game.quests WHERE code = 'chain_q'), 0::bigint, '--check leaves nothing');

-- The real notes, where there are some.
\set real `if [ -d "${NECP_CONTENT_DIR:-}" ]; then bin/necp-content --check --skip-missing "$NECP_CONTENT_DIR" 2>&1; echo "ended $?"; else echo none; fi`
SELECT CASE WHEN :'real' = 'none' THEN skip('NECP_CONTENT_DIR names no folder', 3)
	ELSE matches(:'real'::text, 'ended 0', 'the notes of NECP_CONTENT_DIR are imported')
	|| E'\n' || matches(:'real'::text, 'loot, [1-9]\d* rows changed', 'loot tables among them')
	|| E'\n' || matches(:'real'::text, 'dialogues, [1-9]\d* rows changed', 'and dialogues') END;
SELECT * FROM finish();
