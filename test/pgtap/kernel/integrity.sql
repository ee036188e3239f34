-- The proof that nothing was lost is worth what it can see: each check turns red by a corruption
-- that is rolled back. A new check without a case here fails the test before the last.
\ir ../helpers.psql
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.player('bob') \g /dev/null
SELECT pg_temp.account('eve') \g /dev/null
CALL pg_temp.open_zone('proof', NULL) \gset
SELECT pg_temp.enter_zone('ann', :zone_id) \g /dev/null
SELECT necp.content_import('npcs', format('{"templates": [{"code": "proof_%1$s", "name": "Proof", "tier": 0, "level": 1, "max_hp": 10}],
	"spawns": [{"code": "proof_%1$s", "template": "proof_%1$s", "zone": "proof_%1$s", "x": 5, "y": 0}]}', :'tag')::jsonb) \g /dev/null
SELECT pg_temp.wait_for(format('EXISTS (SELECT FROM live.zone_npcs WHERE place_id = %s)', :zone_id)) \g /dev/null
SELECT pg_temp.template('ore', max_stack => 10) AS ore \gset
SELECT pg_temp.fill(pg_temp.backpack('ann'), format('[[%s, 5]]', :ore)::jsonb) \g /dev/null
SELECT pg_temp.lay_drop(:zone_id, format('[[%s, 5]]', :ore)::jsonb) AS drop \gset
SELECT necp.ledger_mint('WALLET', pg_temp.c('ann'), 'credits', 10, 'TEST') \g /dev/null
INSERT INTO game.quests (code, name, description, kind, origin) VALUES ('proof_' || :'tag', 'Q', 'Of tests.', 'SIDE', 'operator') RETURNING id AS quest \gset
INSERT INTO game.quest_objectives (template_id, code, ord, kind, required, description) VALUES (:quest, 'o', 1, 'COLLECT', 3, 'Of tests.');
SELECT pg_temp.call('ann', 'POST', '/quests/start', format('{"template_id": %s}', :quest)::jsonb) \g /dev/null
INSERT INTO game.achievements (code, name, description, category, kind, event, required, points, origin)
	VALUES ('proof_' || :'tag', 'A', 'Of tests.', 'test', 'STANDARD', 'NOTHING', 3, 10, 'operator') RETURNING id AS achievement \gset

SELECT pg_temp.call('ann', 'POST', '/party') \g /dev/null

CREATE FUNCTION pg_temp.hold(character_id bigint) RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO game.containers (kind, owner_id, capacity) VALUES ('HELD', character_id, 10) RETURNING id $$;
-- A roll that was won by who passed.
CREATE FUNCTION pg_temp.win(drop bigint, character_id bigint) RETURNS void LANGUAGE sql AS $$
	INSERT INTO game.drop_eligible (drop_id, character_id) VALUES (drop, character_id) ON CONFLICT DO NOTHING;
	INSERT INTO game.loot_rolls (drop_id, item_id, template_id, quantity, started_at, deadline) VALUES (drop, 1, 1, 1, necp.now(), necp.now());
	INSERT INTO game.loot_votes (roll_id, character_id, drop_id, vote, voted_at) SELECT id, win.character_id, drop_id, 'PASS', necp.now() FROM game.loot_rolls r WHERE r.drop_id = drop;
	UPDATE game.loot_rolls r SET status = 'COMPLETED', closed_at = necp.now(), winner_id = win.character_id WHERE r.drop_id = drop $$;
CREATE TEMP TABLE cases (name text PRIMARY KEY, corruption text);
SELECT set_config('test.drop', :'drop', false), set_config('test.quest', :'quest', false), set_config('test.achievement', :'achievement', false) \g /dev/null
INSERT INTO cases VALUES
('account_deleted', $$UPDATE game.accounts SET status = 'DELETED', deleted_at = necp.now() WHERE id = pg_temp.a('eve')$$),
('account_purged', $$UPDATE game.accounts SET status = 'DELETED', deleted_at = necp.now(), purged_at = necp.now() WHERE id = pg_temp.a('ann')$$),
('achievement_unlocked', $$INSERT INTO game.player_achievements VALUES (pg_temp.c('ann'), current_setting('test.achievement')::int, 2, necp.now())$$),
('auth_token_live', $$DROP INDEX game.refresh_tokens_live_key;
	INSERT INTO game.refresh_tokens SELECT sha256('x'), account_id, family, created_at, expires_at FROM game.refresh_tokens WHERE account_id = pg_temp.a('ann')$$),
('bank_bound', $$SELECT pg_temp.fill((SELECT container_id FROM game.bank_storage WHERE account_id = pg_temp.a('ann')),
	jsonb_build_array(jsonb_build_array((SELECT template_id FROM game.character_items WHERE container_id = pg_temp.backpack('ann') LIMIT 1), 1)), 0, 'CHARACTER')$$),
('bank_storage', $$DELETE FROM game.bank_storage WHERE account_id = pg_temp.a('bob')$$),
('ban_status', $$INSERT INTO game.account_bans (account_id, reason, banned_at) VALUES (pg_temp.a('eve'), 'for the tests', necp.now())$$),
('ban_session', $$INSERT INTO game.account_bans (account_id, reason, banned_at) VALUES (pg_temp.a('eve'), 'for the tests', necp.now())$$),
('ban_token', $$INSERT INTO game.account_bans (account_id, reason, banned_at) VALUES (pg_temp.a('eve'), 'for the tests', necp.now())$$),
('twofactor_codes', $$INSERT INTO game.backup_codes VALUES (pg_temp.a('eve'), sha256('x'), necp.now())$$),
('character_deleted', $$UPDATE game.characters SET status = 'DELETED', deleted_at = necp.now() WHERE id = pg_temp.c('ann')$$),
('character_purged', $$UPDATE game.characters SET status = 'DELETED', deleted_at = necp.now(), purged_at = necp.now() WHERE id = pg_temp.c('ann')$$),
('boss_phases', $$INSERT INTO game.boss_phases VALUES (1, 1, 3, 2, necp.now())$$),
('character_slots', $$UPDATE game.character_slots SET used = used + 1 WHERE account_id = pg_temp.a('ann')$$),
('combat_status', $$UPDATE game.characters SET status = 'IN_COMBAT' WHERE id = pg_temp.c('ann')$$),
('combat_sides', $$INSERT INTO game.combat_sessions (kind, place_id, started_at) VALUES ('PVE', 1, necp.now())$$),
('custody_container', $$ALTER TABLE game.character_items DROP CONSTRAINT character_items_container_id_fkey;
	UPDATE game.character_items SET container_id = -1 WHERE container_id = pg_temp.backpack('ann')$$),
('custody_last_move', $$UPDATE game.character_items SET container_id = pg_temp.backpack('bob') WHERE container_id = pg_temp.backpack('ann')$$),
('custody_life', $$UPDATE game.character_items SET quantity = quantity + 1 WHERE container_id = pg_temp.backpack('ann');
	UPDATE game.character_items i SET quantity = quantity - 1 FROM game.world_drops d
	WHERE d.id = current_setting('test.drop')::bigint AND i.container_id = d.container_id$$),
('custody_quantity', $$UPDATE game.character_items SET quantity = quantity + 1 WHERE container_id = pg_temp.backpack('ann')$$),
('custody_slot', $$UPDATE game.character_items SET slot = 999 WHERE container_id = pg_temp.backpack('ann')$$),
('equipment_slot', $$UPDATE game.character_items SET container_id = pg_temp.equipped('ann') WHERE container_id = pg_temp.backpack('ann')$$),
('equipment_bound', $$UPDATE game.item_templates SET binding = 'ON_EQUIP' WHERE code LIKE 'ore\_%';
	UPDATE game.character_items SET container_id = pg_temp.equipped('ann') WHERE container_id = pg_temp.backpack('ann')$$),
('equipment_container', $$DELETE FROM game.containers WHERE id = pg_temp.equipped('bob')$$),
('inventory_backpack', $$DELETE FROM game.character_inventory WHERE character_id = pg_temp.c('bob')$$),
('inventory_stack', $$UPDATE game.character_items SET quantity = 11 WHERE container_id = pg_temp.backpack('ann')$$),
('inventory_template', $$UPDATE game.character_items SET template_id = 2000000000 WHERE container_id = pg_temp.backpack('ann')$$),
('ledger_balance', $$UPDATE game.ledger_accounts SET balance = balance + 1 WHERE holder = 'WALLET' AND owner_id = pg_temp.c('ann')$$),
('ledger_negative', $$ALTER TABLE game.ledger_accounts DROP CONSTRAINT ledger_accounts_balance_floor;
	UPDATE game.ledger_accounts SET balance = -1 WHERE holder = 'WALLET' AND owner_id = pg_temp.c('ann')$$),
('ledger_sides', $$INSERT INTO game.ledger_transfers (from_id, to_id, amount, cause, cause_id, created_at) VALUES (1, 2000000000, 1, 'X', 0, necp.now())$$),
('delivery_owner', $$SELECT pg_temp.fill((SELECT pg_temp.hold(0)), (SELECT jsonb_build_array(jsonb_build_array(template_id, 1)) FROM game.character_items WHERE container_id = pg_temp.backpack('ann') LIMIT 1))$$),
('loot_claim', $$INSERT INTO game.drop_items (item_id, drop_id, claim) SELECT id, current_setting('test.drop')::bigint, 'MASTER' FROM game.character_items WHERE container_id = pg_temp.backpack('ann') LIMIT 1$$),
('loot_roll_item', $$INSERT INTO game.drop_items (item_id, drop_id, claim) SELECT i.id, d.id, 'ROLL' FROM game.world_drops d JOIN game.character_items i USING (container_id) WHERE d.id = current_setting('test.drop')::bigint$$),
('loot_roll_master', $$INSERT INTO game.drop_items (item_id, drop_id, claim) SELECT i.id, d.id, 'MASTER' FROM game.world_drops d JOIN game.character_items i USING (container_id) WHERE d.id = current_setting('test.drop')::bigint$$),
('loot_roll_winner', $$SELECT pg_temp.win(current_setting('test.drop')::bigint, pg_temp.c('ann'))$$),
('loot_once', $$ALTER TABLE game.world_drops DROP CONSTRAINT world_drops_source_key;
	SELECT set_config('test.other', pg_temp.lay_drop(1, '[]')::text, true);
	UPDATE game.world_drops SET source_id = 1
	WHERE id IN (current_setting('test.drop')::bigint, current_setting('test.other')::bigint)$$),
('dialogue_names', $$INSERT INTO game.dialogues (code, name, root_code) VALUES ('proof_names', 'N', 'a');
	INSERT INTO game.dialogue_nodes (dialogue_id, code, ord, text, effects) SELECT id, 'a', 1, 'A.', '{"quest": "no_quest"}' FROM game.dialogues WHERE code = 'proof_names'$$),
('dialogue_outcomes', $$INSERT INTO game.dialogues (code, name, root_code) VALUES ('proof_outcomes', 'N', 'a');
	INSERT INTO game.dialogue_nodes (dialogue_id, code, ord, text, skill, attribute, dc) SELECT id, 'a', 1, 'A.', 's', 'cool', 10 FROM game.dialogues WHERE code = 'proof_outcomes'$$),
('loot_open_drop', $$UPDATE game.world_drops SET status = 'LOOTED' WHERE id = current_setting('test.drop')::bigint$$),
('loot_table_mixed', $$INSERT INTO game.loot_tables (code) VALUES ('proof_mixed');
	INSERT INTO game.loot_groups SELECT id, 0 FROM game.loot_tables WHERE code = 'proof_mixed';
	INSERT INTO game.loot_entries (table_id, group_ord, ord, template_id, weight, chance)
	SELECT l.id, 0, n, i.id, nullif(n, 0), nullif(1 - n, 0) FROM game.loot_tables l, generate_series(0, 1) n,
		(SELECT id FROM game.item_templates WHERE code = 'ore_' || current_setting('test.tag')) i WHERE l.code = 'proof_mixed'$$),
('loot_table_nesting', $$INSERT INTO game.loot_tables (code) VALUES ('proof_self');
	INSERT INTO game.loot_groups SELECT id, 0 FROM game.loot_tables WHERE code = 'proof_self';
	INSERT INTO game.loot_entries (table_id, group_ord, ord, sub_table_id, weight) SELECT id, 0, 0, id, 1 FROM game.loot_tables WHERE code = 'proof_self'$$),
('loot_table_pity', $$INSERT INTO game.loot_pity VALUES (pg_temp.c('ann'), 2000000000, 1)$$),
('loot_table_total', $$INSERT INTO game.loot_tables (code) VALUES ('proof_zero');
	INSERT INTO game.loot_groups SELECT id, 0 FROM game.loot_tables WHERE code = 'proof_zero';
	INSERT INTO game.loot_entries (table_id, group_ord, ord, weight) SELECT id, 0, 0, 0 FROM game.loot_tables WHERE code = 'proof_zero'$$),
('npc_lives', $$UPDATE game.npc_instances SET status = 'DEAD', died_at = necp.now(), respawn_at = necp.now()
	WHERE spawn_id = (SELECT id FROM game.npc_spawns WHERE code = 'proof_' || current_setting('test.tag'))$$),
('party_character', $$UPDATE game.characters SET status = 'DELETED', deleted_at = necp.now() WHERE id = pg_temp.c('ann')$$),
('party_leader', $$UPDATE game.parties SET leader_id = pg_temp.c('bob') WHERE leader_id = pg_temp.c('ann')$$),
('party_members', $$ALTER TABLE game.party_members DROP CONSTRAINT party_members_party_fkey;
	UPDATE game.parties SET capacity = NULL, leader_id = NULL, status = 'DISBANDED', disbanded_at = necp.now() WHERE leader_id = pg_temp.c('ann')$$),
('party_one', $$ALTER TABLE game.party_members DROP CONSTRAINT party_members_pkey, DROP CONSTRAINT party_members_party_key CASCADE;
	INSERT INTO game.party_members (character_id, party_id, capacity, seat, joined_at)
	SELECT character_id, party_id, capacity, 2, joined_at FROM game.party_members WHERE character_id = pg_temp.c('ann')$$),
('party_presence', $$UPDATE game.player_sessions SET character_id = NULL, place_id = NULL WHERE id = pg_temp.s('ann')$$),
('progression_attributes', $$UPDATE game.character_progression SET level = 7, body = 5 WHERE character_id = pg_temp.c('ann');
	UPDATE game.characters SET level = 7 WHERE id = pg_temp.c('ann')$$),
('progression_cap', $$UPDATE game.characters SET level = 50, xp = 1 WHERE id = pg_temp.c('ann')$$),
('progression_level', $$UPDATE game.character_progression SET level = 2 WHERE character_id = pg_temp.c('ann')$$),
('progression_once', $$SELECT necp.progression_gain(pg_temp.c('ann'), 1, 'PROOF', 1);
	SELECT necp.progression_gain(pg_temp.c('ann'), 1, 'PROOF', 1)$$),
('progression_perk_hp', $$UPDATE game.characters SET perk_hp = 1 WHERE id = pg_temp.c('ann')$$),
('progression_perk_order', $$INSERT INTO game.perks (code, name, description) VALUES ('proof_first', 'P', 'Of tests.'), ('proof_then', 'P', 'Of tests.');
	INSERT INTO game.perk_requirements SELECT a.id, b.id FROM game.perks a, game.perks b WHERE a.code LIKE 'proof\_%' AND b.code LIKE 'proof\_%' AND a.id <> b.id$$),
('progression_perks', $$INSERT INTO game.character_perks SELECT pg_temp.c('ann'), min(id), necp.now() FROM game.perks$$),
('progression_skills', $$INSERT INTO game.skill_experience (character_id, skill_id, level, points) SELECT pg_temp.c('ann'), min(id), 1, 1 FROM game.skills$$),
('progression_weapon', $$UPDATE game.item_templates SET attributes = '{"skill": "proof_none"}' WHERE code LIKE 'ore\_%'$$),
('quest_one_active', $$DROP INDEX game.quest_instances_active_key;
	INSERT INTO game.quest_instances (character_id, template_id, status, started_at)
	SELECT character_id, template_id, status, started_at FROM game.quest_instances WHERE character_id = pg_temp.c('ann')$$),
('quest_progress', $$ALTER TABLE game.quest_progress DROP CONSTRAINT quest_progress_capped;
	UPDATE game.quest_progress SET progress = required + 1 WHERE character_id = pg_temp.c('ann')$$),
('session_character', $$UPDATE game.player_sessions SET character_id = NULL WHERE id = pg_temp.s('bob');
	UPDATE game.player_sessions SET character_id = pg_temp.c('bob') WHERE id = pg_temp.s('eve')$$),
('session_one_live', $$DROP INDEX game.player_sessions_live_key;
	INSERT INTO game.player_sessions (id, account_id, family, status, created_at, expires_at)
	SELECT gen_random_uuid(), account_id, family, 'CREATED', created_at, expires_at FROM game.player_sessions WHERE id = pg_temp.s('eve')$$),
('zone_one_place', $$UPDATE game.player_positions SET place_id = 1 WHERE character_id = pg_temp.c('ann')$$);

-- What the checks say of a corrupted database; it is whole again afterwards.
CREATE FUNCTION pg_temp.seen(corruption text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	red text[];
BEGIN
	EXECUTE corruption;
	red := ARRAY(SELECT DISTINCT check_name FROM necp.integrity_check());
	RAISE EXCEPTION USING ERRCODE = 'OK000';
EXCEPTION WHEN SQLSTATE 'OK000' THEN
	RETURN red;
END
$$;

SELECT plan(5 + (SELECT count(*) FROM cases)::int);
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing is wrong at first');
SELECT ok(name = ANY (pg_temp.seen(corruption)), name || ' sees what it looks for') FROM cases ORDER BY name;
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing is wrong afterwards');
SELECT set_eq('SELECT name FROM necp.integrity_checks', 'SELECT name FROM cases', 'every check has its case');
SET ROLE necp_admin;
SELECT lives_ok('SELECT * FROM necp.integrity_check()', 'admins may ask');
SET ROLE necp_edge;
SELECT throws_ok('SELECT * FROM necp.integrity_check()', '42501', NULL, 'servers may not');
RESET ROLE;
SELECT pg_temp.call('ann', 'DELETE', '/party') \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT * FROM finish();
