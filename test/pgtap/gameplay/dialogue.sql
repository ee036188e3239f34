-- Dialogues: what a pack may say, and what becomes of it.
\ir ../helpers.psql
SELECT plan(30);
SELECT set_config('test.pack', format($$[
	{"code": "talk_%1$s", "name": "Talk", "npc": "stray_drone", "quest": "quiet_streets", "root": "a", "nodes": [
		{"code": "a", "npc": "stray_drone", "text": "A.", "choices": [
			{"code": "x", "text": "X", "next": "b", "needs": {"flag": "f", "level": 2, "faction": "folk", "reputation": 5, "item": "drone_core", "quantity": 2, "skill": "talk", "skill_level": 3}},
			{"code": "y", "text": "Y", "effects": {"flags": ["f"], "reputation": [{"faction": "folk", "change": -3}], "items": [{"item": "drone_core"}], "credits": 5, "xp": 6, "quest": "quiet_streets"}}]},
		{"code": "b", "text": "B.", "check": {"skill": "talk", "attribute": "cool", "dc": 20, "faction": "folk", "success": {"next": "c"}, "failure": {"effects": {"flags": ["lost"]}}}},
		{"code": "c", "text": "C.", "effects": {"xp": 1}}]}]$$, :'tag'), false) \g /dev/null
CREATE FUNCTION pg_temp.pack() RETURNS jsonb LANGUAGE sql RETURN current_setting('test.pack')::jsonb;
CREATE FUNCTION pg_temp.id() RETURNS int LANGUAGE sql RETURN (SELECT id FROM game.dialogues WHERE code = 'talk_' || current_setting('test.tag'));

SELECT is(necp.content_import('dialogues', pg_temp.pack()), 8, 'a dialogue, three nodes, two choices, two outcomes');
SELECT is(necp.content_import('dialogues', pg_temp.pack()), 0, 'once');
SELECT results_eq('SELECT code, npc_code, skill, attribute, dc, faction, effects FROM game.dialogue_nodes WHERE dialogue_id = pg_temp.id() ORDER BY ord',
	$$VALUES ('a', 'stray_drone', NULL, NULL, NULL::int, NULL, '{}'::jsonb), ('b', NULL, 'talk', 'cool', 20, 'folk', '{}'), ('c', NULL, NULL, NULL, NULL, NULL, '{"xp": 1}')$$, 'nodes are rows');
SELECT results_eq('SELECT node_code, code, kind, text, next_code FROM game.dialogue_choices WHERE dialogue_id = pg_temp.id() ORDER BY node_code, ord',
	$$VALUES ('a', 'x', 'CHOICE', 'X', 'b'), ('a', 'y', 'CHOICE', 'Y', NULL), ('b', 'success', 'SUCCESS', NULL, 'c'), ('b', 'failure', 'FAILURE', NULL, NULL)$$, 'so is what follows them');
SELECT is((SELECT ROW(flag, min_level, faction, min_reputation, item_code, item_quantity, skill, min_skill)::text FROM game.dialogue_choices WHERE dialogue_id = pg_temp.id() AND code = 'x'),
	'(f,2,folk,5,drone_core,2,talk,3)', 'conditions have columns');
SELECT is((SELECT effects FROM game.dialogue_choices WHERE dialogue_id = pg_temp.id() AND code = 'y'), pg_temp.pack() #> '{0,nodes,0,choices,1,effects}', 'effects are kept as they are');

-- Changes --------------------------------------------------------------------------------------------------

SELECT is(necp.content_import('dialogues', jsonb_set(pg_temp.pack(), '{0,nodes,0,text}', '"A!"')), 1, 'a changed text is one row');
SELECT is(necp.content_import('dialogues', pg_temp.pack() #- '{0,nodes,0,choices,1}'), 2, 'a choice that is gone is taken away');
SELECT is((SELECT count(*) FROM game.dialogue_choices WHERE dialogue_id = pg_temp.id()), 3::bigint, 'it alone');
SELECT is(necp.content_import('dialogues', jsonb_set(pg_temp.pack() #- '{0,nodes,2}', '{0,nodes,1,check,success}', '{}')), 3, 'a node too; the choice is back');
SELECT is(necp.content_import('dialogues', jsonb_set(pg_temp.pack(), '{0}', (pg_temp.pack() -> 0) || '{"root": "c", "nodes": [{"code": "c", "text": "C."}]}')), 4, 'another root: the dialogue, a new node, two gone');
SELECT is((SELECT string_agg(code, ',') FROM game.dialogue_nodes WHERE dialogue_id = pg_temp.id()), 'c', 'with all that followed them');
UPDATE game.dialogues SET name = 'Mine', origin = 'operator' WHERE id = pg_temp.id();
SELECT is(necp.content_import('dialogues', pg_temp.pack()), 0, 'an operator''s dialogue is kept, nodes and all');
SELECT is((SELECT name FROM game.dialogues WHERE id = pg_temp.id()), 'Mine', 'as it was');

-- Faults ---------------------------------------------------------------------------------------------------

SELECT set_config('test.bad', $$[
	{"code": "bad_one", "name": "One", "npc": "no_npc", "quest": "no_quest", "root": "a", "nodes": [
		{"code": "a", "npc": "no_npc", "text": "A.", "choices": [
			{"code": "x", "text": "X", "next": "nowhere"}, {"code": "x", "text": "Y", "next": "b", "needs": {"faction": "folk", "quantity": 2, "mood": 1}},
			{"code": "z", "text": "Z", "needs": {"item": "no_item", "skill": "talk"}, "effects": {"quest": "no_quest", "items": [{"item": "no_item"}], "gold": 1}}]},
		{"code": "b", "text": "B.", "check": {"skill": "talk", "attribute": "luck", "dc": 18, "success": {"next": "gone"}}},
		{"code": "lost", "text": "L."}]},
	{"code": "bad_two", "name": "Two", "root": "start", "nodes": [{"code": "a", "text": "A."}]},
	{"code": "bad_three", "name": "Three", "nodes": [{"code": "a", "text": "A.", "choices": [{"code": "x", "text": "X"}],
		"check": {"skill": "talk", "attribute": "cool", "dc": 10, "success": {}, "failure": {"text": "no"}}}]}]$$, false) \g /dev/null
CREATE FUNCTION pg_temp.bad() RETURNS jsonb LANGUAGE sql RETURN current_setting('test.bad')::jsonb;
SELECT bag_eq($$SELECT path || ' ' || regexp_replace(fault, 'none of .*', 'none of') FROM necp.content_check('dialogues', pg_temp.bad())$$, ARRAY[
	'$[0].npc names an NPC "no_npc", which does not exist', '$[0].quest names a quest "no_quest", which does not exist',
	'$[0].nodes[0].npc names an NPC "no_npc", which does not exist', '$[0].nodes[0].choices[0].next names a node "nowhere", which does not exist',
	'$[0].nodes[0].choices[1].code is "x", as that of $[0].nodes[0].choices[0]', '$[0].nodes[0].choices[1].needs.mood is not known here',
	'$[0].nodes[0].choices[1].needs wants both faction and reputation', '$[0].nodes[0].choices[1].needs has a quantity, but no item',
	'$[0].nodes[0].choices[2].needs.item names an item "no_item", which does not exist', '$[0].nodes[0].choices[2].needs wants both skill and skill_level',
	'$[0].nodes[0].choices[2].effects.quest names a quest "no_quest", which does not exist',
	'$[0].nodes[0].choices[2].effects.items[0].item names an item "no_item", which does not exist', '$[0].nodes[0].choices[2].effects.gold is not known here',
	'$[0].nodes[1].check.attribute is "luck", none of', '$[0].nodes[1].check.dc is 18, none of', '$[0].nodes[1].check.failure is missing',
	'$[0].nodes[1].check.success.next names a node "gone", which does not exist', '$[0].nodes[2] is reached from nowhere',
	'$[1].root names a node "start", which does not exist', '$[2].root is missing', '$[2].nodes[0] has both choices and a check',
	'$[2].nodes[0].check.failure.text is not known here'], 'all faults at once, with their paths');
SELECT is(left(pg_temp.refusal_of($$SELECT necp.content_import('dialogues', pg_temp.bad())$$), 5), 'NC001', 'VALIDATION');
SELECT is(left(pg_temp.refusal_of($$SELECT necp.content_import('dialogues', pg_temp.bad(), 'skip')$$), 5), 'NC001', 'VALIDATION: what is wrong in itself is not left out');
SELECT is((SELECT count(*) FROM game.dialogues WHERE code LIKE 'bad\_%'), 0::bigint, 'nothing of it is imported');

-- What names nothing is left out; what only that led to, too ---------------------------------------------------

SELECT set_config('test.loose', format($$[{"code": "loose_%1$s", "name": "L", "root": "a", "nodes": [
	{"code": "a", "npc": "no_npc", "text": "A.", "choices": [{"code": "x", "text": "X", "next": "b", "needs": {"item": "no_item"}}, {"code": "y", "text": "Y", "next": "c"}]},
	{"code": "b", "text": "B.", "choices": [{"code": "x", "text": "X", "next": "d"}]}, {"code": "d", "text": "D."},
	{"code": "c", "text": "C.", "check": {"skill": "talk", "attribute": "cool", "dc": 10, "success": {"next": "gone"}, "failure": {}}}]},
	{"code": "rootless_%1$s", "name": "R", "root": "gone", "nodes": []}]$$, :'tag'), false) \g /dev/null
SELECT is(necp.content_import('dialogues', current_setting('test.loose')::jsonb, 'skip'), 6, 'a dialogue, two nodes, a choice, two outcomes');
SELECT bag_eq(format($$SELECT n.code, n.npc_code, c.code AS choice, c.next_code FROM game.dialogues d JOIN game.dialogue_nodes n ON n.dialogue_id = d.id
	LEFT JOIN game.dialogue_choices c ON c.dialogue_id = d.id AND c.node_code = n.code WHERE d.code = 'loose_%s'$$, :'tag'),
	$$VALUES ('a', NULL::text, 'y', 'c'), ('c', NULL, 'success', NULL), ('c', NULL, 'failure', NULL)$$, 'whoever does not exist says nothing, and a way to nowhere ends');
SELECT is((SELECT count(*) FROM game.dialogues WHERE code = 'rootless_' || :'tag'), 0::bigint, 'without its root there is no dialogue');

-- What no pack can break ------------------------------------------------------------------------------------------

BEGIN;
INSERT INTO game.dialogues (code, name, root_code, origin) VALUES ('own_' || :'tag', 'Own', 'a', 'operator') RETURNING id AS own \gset
INSERT INTO game.dialogue_nodes (dialogue_id, code, ord, text) VALUES (:own, 'a', 1, 'A.');
COMMIT;
SELECT throws_ok(format('INSERT INTO game.dialogue_nodes (dialogue_id, code, ord, text, skill, attribute, dc) VALUES (%s, ''b'', 2, ''B.'', ''s'', ''cool'', 12)', :own), '23514', NULL, 'a DC of its own');
SELECT throws_ok(format('INSERT INTO game.dialogue_nodes (dialogue_id, code, ord, text, dc) VALUES (%s, ''b'', 2, ''B.'', 10)', :own), '23514', NULL, 'half a check');
SELECT throws_ok(format('INSERT INTO game.dialogue_choices (dialogue_id, node_code, code, ord, kind) VALUES (%s, ''a'', ''x'', 1, ''CHOICE'')', :own), '23514', NULL, 'a choice without words');
SELECT throws_ok(format('INSERT INTO game.dialogue_choices (dialogue_id, node_code, code, ord, kind, flag) VALUES (%s, ''a'', ''x'', 1, ''SUCCESS'', ''f'')', :own), '23514', NULL, 'an outcome with a condition');
SELECT throws_ok(format($$DO 'BEGIN UPDATE game.dialogues SET root_code = ''z'' WHERE id = %s; SET CONSTRAINTS ALL IMMEDIATE; END'$$, :own), '23503', NULL, 'a root that is not there');
SELECT throws_ok(format($$DO 'BEGIN INSERT INTO game.dialogue_choices (dialogue_id, node_code, code, ord, kind, text, next_code) VALUES (%s, ''a'', ''x'', 1, ''CHOICE'', ''X'', ''z''); SET CONSTRAINTS ALL IMMEDIATE; END'$$, :own), '23503', NULL, 'a way to nowhere');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'all is as it should be');
INSERT INTO game.dialogue_choices (dialogue_id, node_code, code, ord, kind) VALUES (:own, 'a', 'success', 1, 'SUCCESS');
UPDATE game.dialogue_nodes SET effects = '{"quest": "no_quest"}' WHERE dialogue_id = :own;
SELECT bag_eq('SELECT check_name FROM necp.integrity_check()', ARRAY['dialogue_outcomes', 'dialogue_names'], 'half a check and a quest that is none are found');
DELETE FROM game.dialogues WHERE id = :own;
SET ROLE necp_analyst;
SELECT lives_ok('SELECT count(*) FROM game.dialogues, game.dialogue_nodes, game.dialogue_choices', 'analysts read them');
RESET ROLE;
SELECT * FROM finish();
