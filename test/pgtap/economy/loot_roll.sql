-- Modes, dice, votes, the master's hand; who has part in a kill (DOMAIN §7, abuse cases 17 to 21).
\ir ../helpers.psql
SELECT plan(130);
SELECT pg_temp.player(n) FROM unnest('{ann,bob,cat,dan,eve}'::text[]) n \g /dev/null
CALL pg_temp.open_zone('field', NULL) \gset
SELECT :zone_id AS field \gset
SELECT pg_temp.link('ear', 'postgres') \g /dev/null
SELECT dblink_exec('ear', 'LISTEN necp_push') \g /dev/null
CREATE TEMP TABLE told (n serial, line text);
SELECT pg_temp.template('ore', max_stack => 10) AS ore, pg_temp.template('blade', 'WEAPON', 'RARE') AS blade, pg_temp.template('helm', 'ARMOR', 'EPIC', binding => 'ON_PICKUP') AS helm \gset
UPDATE game.item_templates SET attributes = attributes || jsonb_build_object('requires', '{"class": "another"}'::jsonb, 'salvage', jsonb_build_object('item', 'ore_' || :'tag', 'quantity', 3)) WHERE id = :helm;
CREATE FUNCTION pg_temp.pack(pack text) RETURNS jsonb LANGUAGE sql RETURN replace(pack, '^', '_' || current_setting('test.tag'))::jsonb;
SELECT necp.content_import('loot', pg_temp.pack('[
	{"code": "heap^", "min_items": 1, "max_items": 1, "min_credits": 11, "max_credits": 11, "entries": [{"item": "ore^", "weight": 1, "min_quantity": 2, "max_quantity": 2}, {"item": "blade^", "chance": 1}]},
	{"code": "pair^", "min_items": 0, "max_items": 0, "min_credits": 0, "max_credits": 0, "entries": [{"item": "blade^", "chance": 1}, {"item": "helm^", "chance": 1}]},
	{"code": "each^", "min_items": 1, "max_items": 1, "min_credits": 5, "max_credits": 5, "entries": [{"item": "helm^", "weight": 1}]}]')) \g /dev/null
SELECT necp.content_import('npcs', pg_temp.pack('{"templates": [
	{"code": "prey^", "name": "Prey", "tier": 1, "level": 1, "max_hp": 200, "attack_damage": 0, "loot_table_code": "heap^", "respawn_seconds": 1},
	{"code": "host^", "name": "Host", "tier": 1, "level": 1, "max_hp": 200, "attack_damage": 0, "loot_table_code": "pair^", "respawn_seconds": 1},
	{"code": "boss^", "name": "Boss", "tier": 5, "level": 1, "max_hp": 200, "attack_damage": 0, "loot_table_code": "heap^", "guaranteed_table_code": "each^", "respawn_seconds": 1}],
	"spawns": [{"code": "prey^", "template": "prey^", "zone": "field^", "x": 2, "y": 0}, {"code": "host^", "template": "host^", "zone": "field^", "x": 2, "y": 2}, {"code": "boss^", "template": "boss^", "zone": "field^", "x": 0, "y": 2}]}')) \g /dev/null
CREATE FUNCTION pg_temp.npc(code text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT i.id FROM game.npc_instances i JOIN game.npc_spawns s ON s.id = i.spawn_id WHERE s.code = npc.code || '_' || current_setting('test.tag'));
SELECT pg_temp.wait_for(format('pg_temp.npc(%L) IS NOT NULL', code)) FROM unnest('{prey,host,boss}'::text[]) code \g /dev/null
-- Everybody hits it once, then the last one until it falls; the drop, or NULL.
CREATE FUNCTION pg_temp.hunt(prey text, VARIADIC hunters text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	npc bigint := pg_temp.npc(prey);
	life bigint;
	combat bigint;
	hunter text;
	answer json;
BEGIN
	IF NOT pg_temp.wait_for(format('EXISTS (SELECT FROM live.zone_npcs WHERE npc_id = %s AND activity <> ''DEAD'' AND combat_id = 0)', npc)) THEN
		RAISE EXCEPTION '% does not live', prey;
	END IF;
	PERFORM pg_sleep(0.16);
	SELECT life_id INTO life FROM live.zone_npcs WHERE npc_id = npc;
	FOREACH hunter IN ARRAY hunters LOOP
		combat := pg_temp.call(hunter, 'POST', '/combat/start', jsonb_build_object('npc_id', npc)) ->> 'combat_id';
		answer := pg_temp.call(hunter, 'POST', '/combat/{combat_id}/attack', jsonb_build_object('combat_id', combat, 'target_id', -npc));
	END LOOP;
	WHILE NOT (answer ->> 'killed')::boolean LOOP
		PERFORM pg_sleep(0.16);
		answer := pg_temp.call(hunter, 'POST', '/combat/{combat_id}/attack', jsonb_build_object('combat_id', combat, 'target_id', -npc));
	END LOOP;
	RETURN (SELECT d.id FROM game.world_drops d WHERE d.source = 'NPC' AND d.source_id = npc AND d.source_life = life);
END
$$;
CREATE FUNCTION pg_temp.party(mode text, leader text, VARIADIC members text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	id bigint := (pg_temp.call(leader, 'POST', '/party') ->> 'party_id')::bigint;
	member text;
BEGIN
	FOREACH member IN ARRAY members LOOP
		PERFORM pg_temp.call(member, 'POST', '/party/invites/{invite_id}/accept', jsonb_build_object('invite_id',
			pg_temp.call(leader, 'POST', '/party/invite', jsonb_build_object('character_id', pg_temp.c(member))) ->> 'invite_id'));
	END LOOP;
	PERFORM pg_temp.call(leader, 'PUT', '/party/loot', jsonb_build_object('mode', mode));
	RETURN id;
END
$$;
CREATE FUNCTION pg_temp.hear(pattern text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 50 LOOP
		PERFORM * FROM public.dblink('ear', 'SELECT 1') d (x int);
		INSERT INTO pg_temp.told (line) SELECT l FROM public.dblink_get_notify('ear') g, string_to_table(g.extra, E'\n') l;
		IF EXISTS (SELECT FROM pg_temp.told t WHERE t.line LIKE pattern) THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN false;
END
$$;
CREATE FUNCTION pg_temp.names(ids bigint[]) RETURNS text LANGUAGE sql
	RETURN (SELECT string_agg(w.name, ' ' ORDER BY w.name) FROM pg_temp.who w WHERE w.character_id = ANY (ids));
CREATE FUNCTION pg_temp.eligible(drop bigint) RETURNS text LANGUAGE sql
	RETURN (SELECT pg_temp.names(array_agg(e.character_id)) FROM game.drop_eligible e WHERE e.drop_id = drop);
CREATE FUNCTION pg_temp.roll(drop bigint, template int DEFAULT NULL) RETURNS bigint LANGUAGE sql
	RETURN (SELECT r.id FROM game.loot_rolls r WHERE r.drop_id = drop AND (template IS NULL OR r.template_id = template) ORDER BY r.id LIMIT 1);
CREATE FUNCTION pg_temp.vote(who text, roll bigint, vote text) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/loot/rolls/{roll_id}/roll', jsonb_build_object('roll_id', roll, 'vote', vote));
CREATE FUNCTION pg_temp.no_vote(who text, roll bigint, vote text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/loot/rolls/{roll_id}/roll', jsonb_build_object('roll_id', roll, 'vote', vote));
CREATE FUNCTION pg_temp.take(who text, drop bigint) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/loot/pickup', jsonb_build_object('drop_id', drop), gen_random_uuid());
CREATE FUNCTION pg_temp.no_take(who text, drop bigint) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/loot/pickup', jsonb_build_object('drop_id', drop), gen_random_uuid());
CREATE FUNCTION pg_temp.assign(who text, drop bigint, item bigint, target text) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/loot/drops/{drop_id}/assign', jsonb_build_object('drop_id', drop, 'item_id', item, 'character_id', pg_temp.c(target)), gen_random_uuid());
CREATE FUNCTION pg_temp.no_assign(who text, drop bigint, item bigint, target text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/loot/drops/{drop_id}/assign', jsonb_build_object('drop_id', drop, 'item_id', item, 'character_id', pg_temp.c(target)), gen_random_uuid());
CREATE FUNCTION pg_temp.see(who text, drop bigint) RETURNS jsonb LANGUAGE sql
	RETURN pg_temp.call(who, 'GET', '/loot/drops/{drop_id}', jsonb_build_object('drop_id', drop))::jsonb;
CREATE FUNCTION pg_temp.item(drop bigint, template int) RETURNS bigint LANGUAGE sql
	RETURN (SELECT i.id FROM game.world_drops d JOIN game.character_items i USING (container_id) WHERE d.id = drop AND i.template_id = template ORDER BY i.id LIMIT 1);
CREATE FUNCTION pg_temp.has(who text, template int) RETURNS bigint LANGUAGE sql
	RETURN (SELECT coalesce(sum(i.quantity), 0) FROM game.character_items i WHERE i.container_id = pg_temp.backpack(who) AND i.template_id = template);
CREATE FUNCTION pg_temp.held(who text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT coalesce(sum(i.quantity), 0) FROM game.containers k JOIN game.character_items i ON i.container_id = k.id WHERE k.kind = 'HELD' AND k.owner_id = pg_temp.c(who));
CREATE FUNCTION pg_temp.result(roll bigint) RETURNS text LANGUAGE sql
	RETURN (SELECT r.status || coalesce(' ' || w.name, '') FROM game.loot_rolls r LEFT JOIN pg_temp.who w ON w.character_id = r.winner_id WHERE r.id = roll);
CREATE FUNCTION pg_temp.purse(who text) RETURNS bigint LANGUAGE sql RETURN pg_temp.balance('WALLET', pg_temp.c(who));

-- Whose a kill is -------------------------------------------------------------------------------------------

SELECT pg_temp.enter_zone(n, :field) FROM unnest('{ann,bob,cat,dan,eve}'::text[]) n \g /dev/null
SELECT pg_temp.party('NEED_GREED', 'ann', 'bob', 'cat', 'dan') AS party \gset
SELECT pg_temp.hunt('prey', 'ann', 'eve', 'bob', 'cat') AS d1 \gset
SELECT is(pg_temp.eligible(:d1), 'ann bob cat', 'the party of the first who harmed it, of whom each did');
SELECT is((SELECT row(mode, party_id, master_id)::text FROM game.world_drops WHERE id = :d1), format('(NEED_GREED,%s,)', :party), 'by the party''s mode');
SELECT is(pg_temp.no_take('dan', :d1), 'NC340 drop_id', 'NOT_ELIGIBLE: a member who did nothing');
SELECT is(pg_temp.no_take('eve', :d1), 'NC340 drop_id', 'NOT_ELIGIBLE: a stranger who helped');
SELECT is((SELECT array_agg(template_id) FROM game.loot_rolls WHERE drop_id = :d1), ARRAY[:blade], 'what is at least UNCOMMON is rolled for');
SELECT is(expires_at - created_at, '6 minutes'::interval, 'so it lives longer by the time for votes') FROM game.world_drops WHERE id = :d1;
SELECT pg_temp.roll(:d1) AS r1, pg_temp.item(:d1, :blade) AS blade1 \gset
SELECT is(deadline - started_at, '60 seconds'::interval, 'sixty seconds') FROM game.loot_rolls WHERE id = :r1;
SELECT is(pg_temp.see('ann', :d1) -> 'claims', jsonb_build_array(jsonb_build_object('item_id', :blade1, 'claim', 'ROLL', 'roll_id', :r1)), 'who looks sees that it is rolled for');
SELECT is(pg_temp.hear(format('M %% LOOT_ROLL_STARTED /topic/party/%s/loot %%"roll_id":%s,%%', :party, :r1)), true, 'the party hears of it');
SELECT is((pg_temp.call('bob', 'GET', '/loot/rolls/active')::jsonb #> '{items,0}') - 'started_at' - 'deadline' - 'name', jsonb_build_object('roll_id', :r1, 'drop_id', :d1, 'item_id', :blade1, 'template_id', :blade,
	'code', 'blade_' || :'tag', 'type', 'WEAPON', 'rarity', 'RARE', 'quantity', 1, 'status', 'PENDING', 'winner_id', null, 'closed_at', null, 'votes', '[]'::jsonb), 'who has a vote finds it');
SELECT is(json_array_length(pg_temp.call('dan', 'GET', '/loot/rolls/active') -> 'items'), 0, 'who has none does not');
SELECT is(pg_temp.refusal('dan', 'GET', '/loot/rolls/{roll_id}', jsonb_build_object('roll_id', :r1)), 'NC340 roll_id', 'NOT_ELIGIBLE: a roll of others');

-- Credits and what is free ------------------------------------------------------------------------------------

SELECT pg_temp.take('bob', :d1)::jsonb AS answer \gset
SELECT is(:'answer'::jsonb - 'items', jsonb_build_object('drop_id', :d1, 'status', 'ACTIVE', 'credits', 3), 'the first one who comes takes what is free');
SELECT is(pg_temp.has('bob', :ore), 2::bigint, 'all of it');
SELECT is(ARRAY[pg_temp.purse('ann'), pg_temp.purse('bob'), pg_temp.purse('cat')], '{5,3,3}', 'and everybody''s share is paid, the remainder to the lowest id');
SELECT is(pg_temp.hear(format('M %% INVENTORY_CHANGED /topic/character/%s/inventory {"changes":[],"credits":5}', pg_temp.c('ann'))), true, 'who is told');
SELECT is((SELECT array_agg(cause || ' ' || amount ORDER BY amount) FROM game.ledger_transfers t JOIN game.ledger_accounts r ON r.id = t.to_id
	WHERE r.holder = 'WALLET' AND r.owner_id IN (pg_temp.c('ann'), pg_temp.c('cat'))), '{"LOOT 3","LOOT 5"}', 'minted, each for itself');
SELECT is(pg_temp.no_take('bob', :d1), 'NC941 drop_id', 'ROLL_PENDING: what is left is rolled for');
SELECT is(pg_temp.no_take('ann', :d1), 'NC941 drop_id', 'ROLL_PENDING: for anybody');

-- Votes -------------------------------------------------------------------------------------------------------

SELECT is(pg_temp.no_vote('dan', :r1, 'NEED'), 'NC340 roll_id', 'NOT_ELIGIBLE: a member who had no part');
SELECT is(pg_temp.no_vote('eve', :r1, 'NEED'), 'NC340 roll_id', 'NOT_ELIGIBLE: a stranger');
SELECT is(pg_temp.no_vote('ann', :r1, 'WANT'), 'NC001 vote', 'VALIDATION: no such vote');
SELECT is(pg_temp.no_vote('ann', :r1, NULL), 'NC001 vote', 'VALIDATION: no vote');
SELECT is(pg_temp.no_vote('ann', 999999999, 'PASS'), 'NC401 roll_id', 'NOT_FOUND: no such roll');
SELECT is(pg_temp.no_vote('ann', :r1, 'SALVAGE'), 'NC234 vote', 'NOT_USABLE: nothing in it');
SELECT pg_temp.vote('ann', :r1, 'GREED') AS answer \gset
SELECT is((:'answer'::jsonb #> '{votes,0}') - 'name', jsonb_build_object('character_id', pg_temp.c('ann'), 'vote', 'GREED', 'value', null, 'redraws', '[]'::jsonb), 'a vote stands there without its throw');
SELECT is(pg_temp.hear(format('M %% LOOT_ROLL_VOTED /topic/party/%s/loot %%"voter":%s,"vote":"GREED"%%', :party, pg_temp.c('ann'))), true, 'the party hears of it');
SELECT is(pg_temp.no_vote('ann', :r1, 'NEED'), 'NC943 roll_id', 'ALREADY_VOTED: it is final');
SELECT pg_temp.vote('cat', :r1, 'NEED') \g /dev/null
SELECT is(pg_temp.result(:r1), 'PENDING', 'one vote is awaited');
SELECT is(pg_temp.vote('bob', :r1, 'PASS') ->> 'status', 'COMPLETED', 'the last one decides');
SELECT is(pg_temp.result(:r1), 'COMPLETED cat', 'NEED comes before GREED');
SELECT is(pg_temp.has('cat', :blade), 1::bigint, 'the winner has it');
SELECT is((SELECT array_agg(w.name || ' ' || (v.value IS NOT NULL) ORDER BY w.name) FROM game.loot_votes v JOIN who w USING (character_id) WHERE v.roll_id = :r1), '{"ann false","bob false","cat true"}', 'only votes that count throw');
SELECT is((SELECT id FROM game.character_items WHERE container_id = pg_temp.backpack('cat') AND template_id = :blade), :blade1::bigint, 'the same item that lay there');
SELECT is((SELECT status FROM game.world_drops WHERE id = :d1)::text, 'LOOTED', 'nothing is left of the drop');
SELECT is(pg_temp.hear(format('M %% LOOT_ROLL_COMPLETED /topic/party/%s/loot %%"winner":%s,%%', :party, pg_temp.c('cat'))), true, 'the party hears who won');
SELECT is((SELECT array_agg(type ORDER BY id) FROM game.game_events WHERE aggregate_type = 'DROP' AND aggregate_id = :d1 AND type LIKE 'LOOT_ROLL%'),
	'{LOOT_ROLL_STARTED,LOOT_ROLL_VOTED,LOOT_ROLL_VOTED,LOOT_ROLL_VOTED,LOOT_ROLL_COMPLETED}', 'LOOT_ROLL_STARTED, _VOTED, _COMPLETED');
SELECT is((SELECT character_id FROM game.game_events WHERE aggregate_id = :d1 AND type = 'ITEM_PICKED_UP' AND (data ->> 'item_id')::bigint = :blade1), pg_temp.c('cat'), 'ITEM_PICKED_UP, of the winner');
SELECT is(pg_temp.no_vote('ann', :r1, 'NEED'), 'NC942 roll_id', 'ROLL_CLOSED: it is decided');
SELECT is((pg_temp.call('cat', 'GET', '/loot/history')::jsonb #> '{items,0}') - 'history_id' - 'obtained_at' - 'name', jsonb_build_object('drop_id', :d1, 'item_id', :blade1, 'template_id', :blade,
	'code', 'blade_' || :'tag', 'rarity', 'RARE', 'quantity', 1, 'method', 'NEED'), 'it is in the history of the winner');
SELECT is(pg_temp.call('bob', 'GET', '/loot/history')::jsonb #>> '{items,0,method}', 'PICKUP', 'as what was just taken is in that of who took it');
SELECT is(pg_temp.call('ann', 'GET', '/loot/history')::jsonb -> 'items', '[]'::jsonb, 'and of nobody else');

-- What is made for others, and taken apart --------------------------------------------------------------------

SELECT pg_temp.hunt('host', 'ann', 'bob') AS d2 \gset
SELECT pg_temp.roll(:d2, :blade) AS rb, pg_temp.roll(:d2, :helm) AS rh \gset
SELECT is(pg_temp.no_vote('ann', :rh, 'NEED'), 'NC241 vote', 'CANNOT_NEED: what another class wears');
SELECT pg_temp.vote('ann', :rh, 'SALVAGE'), pg_temp.vote('bob', :rh, 'PASS') \g /dev/null
SELECT is(pg_temp.result(:rh), 'COMPLETED ann', 'who salvages wins over who passes');
SELECT is(ARRAY[pg_temp.has('ann', :helm), pg_temp.has('ann', :ore)], '{0,3}', 'and has what it was made of');
SELECT is((SELECT array_agg(m.kind || ' ' || m.cause ORDER BY m.id) FROM game.item_moves m WHERE m.cause = 'SALVAGE' AND m.cause_id = :d2), '{"DESTROY SALVAGE","CREATE SALVAGE"}', 'custody tells how');
SELECT is((SELECT row(template_id, quantity, method)::text FROM game.loot_history WHERE drop_id = :d2), format('(%s,3,SALVAGE)', :ore), 'and the history');

-- The deadline ------------------------------------------------------------------------------------------------

SELECT pg_temp.vote('bob', :rb, 'GREED') \g /dev/null
SELECT is(pg_temp.result(:rb), 'PENDING', 'who says nothing');
UPDATE game.loot_rolls SET deadline = necp.now() - interval '1 ms' WHERE id = :rb;
SELECT is(pg_temp.no_vote('ann', :rb, 'NEED'), 'NC942 roll_id', 'ROLL_CLOSED: after the deadline, whoever sweeps or not');
SELECT necp.run_job('loot_rolls') \g /dev/null
SELECT is(pg_temp.result(:rb), 'COMPLETED bob', 'has passed at the deadline');
SELECT pg_temp.hunt('host', 'ann', 'bob') AS d3 \gset
SELECT pg_temp.roll(:d3, :blade) AS rb, pg_temp.roll(:d3, :helm) AS rh \gset
SELECT pg_temp.vote('ann', :rb, 'PASS'), pg_temp.vote('bob', :rb, 'PASS') \g /dev/null
SELECT is(pg_temp.result(:rb), 'COMPLETED', 'what all have passed on is nobody''s');
UPDATE game.loot_rolls SET deadline = necp.now() - interval '1 ms' WHERE id = :rh;
SELECT necp.run_job('loot_rolls') \g /dev/null
SELECT is(pg_temp.result(:rh), 'EXPIRED', 'nor is what nobody spoke about');
SELECT is((SELECT count(*) FROM game.drop_items WHERE drop_id = :d3), 0::bigint, 'it is free');
SELECT is(pg_temp.no_take('cat', :d3), 'NC340 drop_id', 'NOT_ELIGIBLE: among the eligible');
SELECT is(json_array_length(pg_temp.take('ann', :d3) -> 'items'), 2, 'for who comes first');
-- Equals --------------------------------------------------------------------------------------------------------

SELECT pg_temp.lay_drop(:field, (SELECT jsonb_agg(jsonb_build_array(:blade, 1)) FROM generate_series(1, 600)), 'NEED_GREED', eligible => ARRAY[pg_temp.c('ann'), pg_temp.c('bob'), pg_temp.c('cat')]) AS many \gset
BEGIN; -- or the scheduler decides before anybody has voted
INSERT INTO game.drop_items (item_id, drop_id, claim) SELECT i.id, :many, 'ROLL' FROM game.world_drops d JOIN game.character_items i USING (container_id) WHERE d.id = :many;
INSERT INTO game.loot_rolls (drop_id, item_id, template_id, quantity, started_at, deadline) SELECT :many, item_id, :blade, 1, necp.now() - interval '2 minutes', necp.now() - interval '1 minute' FROM game.drop_items WHERE drop_id = :many;
INSERT INTO game.loot_votes (roll_id, character_id, drop_id, vote, voted_at) SELECT r.id, c, :many, 'GREED', necp.now() FROM game.loot_rolls r, unnest(ARRAY[pg_temp.c('ann'), pg_temp.c('bob'), pg_temp.c('cat')]) c WHERE r.drop_id = :many;
UPDATE game.containers SET capacity = 60 WHERE id IN (pg_temp.backpack('ann'), pg_temp.backpack('bob'), pg_temp.backpack('cat'));
COMMIT;
SELECT necp.run_job('loot_rolls') FROM generate_series(1, 4) \g /dev/null
SELECT pg_temp.wait_for(format('NOT EXISTS (SELECT FROM game.loot_rolls WHERE drop_id = %s AND status = ''PENDING'')', :many)) \g /dev/null
SELECT is((SELECT count(*) FROM game.loot_rolls WHERE drop_id = :many AND status = 'COMPLETED' AND winner_id IS NOT NULL), 600::bigint, 'six hundred rolls among three');
SELECT ok((SELECT count(*) FROM game.loot_votes WHERE drop_id = :many AND redraws <> '{}') BETWEEN 2 AND 60, 'equals threw again, which happens now and then');
SELECT is_empty(format($$SELECT roll_id FROM game.loot_votes WHERE drop_id = %s AND redraws <> '{}' GROUP BY roll_id HAVING count(*) < 2 OR count(DISTINCT value) > 1$$, :many), 'only equals did, and nobody alone');
SELECT is_empty(format($$SELECT r.id FROM game.loot_rolls r JOIN game.loot_votes w ON w.roll_id = r.id AND w.character_id = r.winner_id JOIN game.loot_votes o ON o.roll_id = r.id AND o.character_id <> r.winner_id
	WHERE r.drop_id = %s AND (o.value, o.redraws) >= (w.value, w.redraws)$$, :many), 'the highest throw won, the last one among equals');
SELECT ok((SELECT sum((n - 200) ^ 2 / 200.0) FROM (SELECT count(*) AS n FROM game.loot_rolls WHERE drop_id = :many GROUP BY winner_id) x) < 28, 'all three win as often (chi-square: one run in a million fails)');
SELECT is((SELECT array_agg(DISTINCT n) FROM unnest('{ann,bob,cat}'::text[]) w, LATERAL (SELECT count(*) AS n FROM game.character_items WHERE container_id = pg_temp.backpack(w)) x), '{60}', 'backpacks are full');
SELECT is((SELECT sum(quantity) FROM game.item_moves WHERE cause = 'LOOT_WON' AND cause_id = :many), 600::bigint, 'each was given once');
SELECT is(pg_temp.held('ann') + pg_temp.held('bob') + pg_temp.held('cat'), (SELECT count(*) FROM game.item_moves m JOIN game.containers k ON k.id = m.to_container_id WHERE m.cause = 'LOOT_WON' AND m.cause_id = :many AND k.kind = 'HELD'), 'and held where it found no room');

-- Held deliveries -----------------------------------------------------------------------------------------------

SELECT pg_temp.held('ann') AS before \gset
DO $$
DECLARE
	item bigint;
BEGIN
	FOR item IN SELECT id FROM game.character_items WHERE container_id = pg_temp.backpack('ann') LIMIT 5 LOOP
		PERFORM pg_temp.call('ann', 'POST', '/inventory/items/{item_id}/destroy', jsonb_build_object('item_id', item), gen_random_uuid());
	END LOOP;
END
$$;
SELECT necp.run_job('delivery_hand_over') \g /dev/null
SELECT is(pg_temp.held('ann'), :before::bigint - 5, 'is handed over where there is room');
SELECT ok((SELECT count(*) FROM game.item_moves WHERE cause = 'DELIVERY' AND cause_id = pg_temp.c('ann')) >= 5, 'and custody tells');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost so far');
UPDATE game.containers SET capacity = 1000 WHERE id IN (pg_temp.backpack('ann'), pg_temp.backpack('bob'), pg_temp.backpack('cat'));
SELECT necp.config_set('inventory.base_kg', '100000') \g /dev/null
SELECT necp.run_job('delivery_hand_over') FROM generate_series(1, 15) \g /dev/null
SELECT is(pg_temp.held('ann') + pg_temp.held('bob') + pg_temp.held('cat'), 0::bigint, 'with room for all, all comes, some at a time');
SELECT necp.config_set('inventory.base_kg', '50') \g /dev/null

-- Who has gone (abuse cases 18, 19, 21) -----------------------------------------------------------------------------

SELECT pg_temp.hunt('host', 'ann', 'bob', 'cat') AS d4 \gset
SELECT pg_temp.roll(:d4, :blade) AS rb, pg_temp.roll(:d4, :helm) AS rh \gset
SELECT pg_temp.vote('bob', :rb, 'NEED') \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/party/kick', jsonb_build_object('character_id', pg_temp.c('bob'))) \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/party/kick', jsonb_build_object('character_id', pg_temp.c('cat'))) \g /dev/null
SELECT pg_temp.call('ann', 'PUT', '/party/loot', '{"mode": "FREE_FOR_ALL"}') \g /dev/null
SELECT is((SELECT mode FROM game.world_drops WHERE id = :d4)::text, 'NEED_GREED', 'another mode is for the next drop');
SELECT is(pg_temp.eligible(:d4), 'ann bob cat', 'kicked or not, the eligible are');
SELECT is(pg_temp.vote('cat', :rb, 'GREED') ->> 'status', 'PENDING', 'who was kicked votes');
SELECT pg_temp.call('bob', 'POST', '/auth/logout') \g /dev/null
SELECT pg_temp.vote('cat', :rh, 'GREED'), pg_temp.vote('ann', :rb, 'PASS') \g /dev/null
SELECT is(pg_temp.result(:rb), 'COMPLETED bob', 'the vote of who has left stands');
SELECT is(pg_temp.held('bob'), 1::bigint, 'what it won is held for it');
SELECT is(pg_temp.vote('ann', :rh, 'GREED') ->> 'status', 'COMPLETED', 'nobody waits for the vote of who has left');
SELECT pg_temp.login('bob') \g /dev/null
SELECT pg_temp.select_character('bob', pg_temp.c('bob')) \g /dev/null
SELECT ok(pg_temp.wait_for('pg_temp.held(''bob'') = 0'), 'and given to it when it is back');
SELECT pg_temp.enter_zone('bob', :field) \g /dev/null
SELECT pg_temp.hunt('host', 'ann') AS d5 \gset
SELECT is((SELECT count(*) FROM game.loot_rolls WHERE drop_id = :d5), 0::bigint, 'one alone does not roll');
SELECT is(json_array_length(pg_temp.take('ann', :d5) -> 'items'), 2, 'it takes');
SELECT pg_temp.call('ann', 'POST', '/party/leave') \g /dev/null

-- Free for all, of those who had a part ---------------------------------------------------------------------------

SELECT pg_temp.party('FREE_FOR_ALL', 'ann', 'bob') AS party \gset
SELECT pg_temp.hunt('prey', 'ann', 'bob') AS d6 \gset
SELECT is((SELECT count(*) FROM game.loot_rolls WHERE drop_id = :d6), 0::bigint, 'FREE_FOR_ALL does not roll');
SELECT is(pg_temp.no_take('eve', :d6), 'NC340 drop_id', 'NOT_ELIGIBLE: but it is not for strangers');
SELECT is(json_array_length(pg_temp.take('bob', :d6) -> 'items'), 2, 'who comes first takes it all');

-- Personal ----------------------------------------------------------------------------------------------------------

SELECT pg_temp.call('ann', 'PUT', '/party/loot', '{"mode": "PERSONAL"}') \g /dev/null
SELECT pg_temp.purse('ann') AS credits \gset
SELECT pg_temp.hunt('prey', 'ann', 'bob') AS d7 \gset
SELECT is((SELECT array_agg(DISTINCT claim || ' ' || pg_temp.names(ARRAY[owner_id])) FROM game.drop_items WHERE drop_id = :d7), '{"OWNED ann","OWNED bob"}', 'PERSONAL rolls for each');
SELECT is((SELECT count(*) FROM game.drop_items WHERE drop_id = :d7), 4::bigint, 'a whole table');
SELECT is(jsonb_array_length(pg_temp.see('ann', :d7) -> 'items'), 2, 'one''s own is shown');
SELECT is(pg_temp.see('ann', :d7) -> 'credits', '11', 'with one''s own credits');
SELECT is(pg_temp.see('eve', :d7) -> 'items', '[]', 'and nobody else''s');
SELECT is(json_array_length(pg_temp.take('ann', :d7) -> 'items'), 2, 'and taken');
SELECT is(pg_temp.purse('ann') - :credits, 11::bigint, 'with the credits');
SELECT is(pg_temp.no_take('ann', :d7), 'NC340 drop_id', 'NOT_ELIGIBLE: what is left is another''s');
SELECT is((SELECT status FROM game.world_drops WHERE id = :d7)::text, 'ACTIVE', 'and waits for it');
SELECT is(pg_temp.take('bob', :d7)::jsonb - 'items' - 'drop_id', '{"status": "LOOTED", "credits": 11}', 'who takes it');

-- The master --------------------------------------------------------------------------------------------------------

SELECT pg_temp.call('cat', 'POST', '/party/invites/{invite_id}/accept', jsonb_build_object('invite_id',
	pg_temp.call('ann', 'POST', '/party/invite', jsonb_build_object('character_id', pg_temp.c('cat'))) ->> 'invite_id')) \g /dev/null
SELECT pg_temp.call('ann', 'PUT', '/party/loot', jsonb_build_object('mode', 'MASTER_LOOTER', 'master_looter_id', pg_temp.c('bob'))) \g /dev/null
SELECT pg_temp.hunt('host', 'ann', 'bob', 'cat') AS d8 \gset
SELECT pg_temp.item(:d8, :blade) AS mb, pg_temp.item(:d8, :helm) AS mh \gset
SELECT is((SELECT row(pg_temp.names(ARRAY[master_id]), assign_until - created_at, expires_at - created_at)::text FROM game.world_drops WHERE id = :d8), '(bob,00:05:00,00:11:00)', 'the master has five minutes, and the drop them besides');
SELECT is(pg_temp.see('ann', :d8) #> '{claims,0,claim}', '"MASTER"', 'who looks sees that it waits');
SELECT is(pg_temp.no_take('ann', :d8), 'NC941 drop_id', 'ROLL_PENDING: nobody takes it');
SELECT is(pg_temp.no_assign('ann', :d8, :mb, 'ann'), 'NC301 drop_id', 'FORBIDDEN: another than the master, the leader even');
SELECT is(pg_temp.no_assign('eve', :d8, :mb, 'eve'), 'NC401 drop_id', 'NOT_FOUND: to strangers');
SELECT is(pg_temp.no_assign('bob', :d8, :mb, 'dan'), 'NC340 character_id', 'NOT_ELIGIBLE: who had no part in it');
SELECT is(pg_temp.no_assign('bob', :d8, 999999999, 'ann'), 'NC401 item_id', 'NOT_FOUND: no such item');
SELECT is(pg_temp.no_assign('bob', 999999999, :mb, 'ann'), 'NC401 drop_id', 'NOT_FOUND: no such drop');
SELECT is(pg_temp.no_assign('bob', :d8, NULL, 'ann'), 'NC001 item_id', 'VALIDATION: no item');
SELECT is(pg_temp.assign('bob', :d8, :mb, 'cat')::jsonb, jsonb_build_object('drop_id', :d8, 'item_id', :mb, 'winner', pg_temp.c('cat'), 'held', 0), 'the master gives out');
SELECT is((SELECT container_id FROM game.character_items WHERE id = :mb), pg_temp.backpack('cat'), 'and it is there');
SELECT is(pg_temp.no_assign('bob', :d8, :mb, 'ann'), 'NC401 item_id', 'NOT_FOUND: not twice');
SELECT is(pg_temp.hear(format('M %% LOOT_ASSIGNED /topic/party/%s/loot %%"item_id":%s,"winner":%s,%%', :party, :mb, pg_temp.c('cat'))), true, 'the party hears of it');
SELECT is((SELECT method FROM game.loot_history WHERE item_id = :mb)::text, 'ASSIGNED', 'the history knows');
UPDATE game.world_drops SET assign_until = necp.now() - interval '1 ms' WHERE id = :d8;
SELECT is(pg_temp.no_assign('bob', :d8, :mh, 'ann'), 'NC941 item_id', 'ROLL_PENDING: after the time');
SELECT necp.run_job('loot_rolls') \g /dev/null
SELECT is((SELECT array_agg(template_id) FROM game.loot_rolls WHERE drop_id = :d8 AND status = 'PENDING'), ARRAY[:helm], 'what is left is rolled for');
SELECT is(pg_temp.no_assign('bob', :d8, :mh, 'ann'), 'NC941 item_id', 'ROLL_PENDING: then, too');
SELECT is((SELECT assign_until FROM game.world_drops WHERE id = :d8), NULL, 'nothing is to be given out any more');
UPDATE game.loot_rolls SET deadline = necp.now() - interval '1 ms' WHERE drop_id = :d8 AND status = 'PENDING';
UPDATE game.world_drops SET expires_at = necp.now() - interval '1 ms' WHERE id = :d8;
INSERT INTO game.loot_votes (roll_id, character_id, drop_id, vote, voted_at) VALUES (pg_temp.roll(:d8), pg_temp.c('ann'), :d8, 'GREED', necp.now());
SELECT necp.run_job('loot_expire') \g /dev/null
SELECT is((SELECT status FROM game.world_drops WHERE id = :d8)::text, 'ACTIVE', 'what is rolled for does not vanish, however late it is');
SELECT necp.run_job('loot_rolls') \g /dev/null
SELECT is(pg_temp.result(pg_temp.roll(:d8)), 'COMPLETED ann', 'before it is decided');

-- By itself ---------------------------------------------------------------------------------------------------------

SELECT pg_temp.call('ann', 'PUT', '/party/loot', '{"mode": "NEED_GREED", "threshold": "EPIC"}') \g /dev/null
SELECT is(pg_temp.call('bob', 'GET', '/loot/settings')::jsonb, '{"auto_vote": "NONE", "auto_rarity": "UNCOMMON"}', 'nobody votes by itself');
SELECT is(pg_temp.refusal('bob', 'PUT', '/loot/settings', '{"auto_vote": "NEED", "auto_rarity": "EPIC"}'), 'NC001 auto_vote', 'VALIDATION: nor needs');
SELECT is(pg_temp.refusal('bob', 'PUT', '/loot/settings', '{"auto_vote": "PASS", "auto_rarity": "FINE"}'), 'NC001 auto_rarity', 'VALIDATION: no rarity');
SELECT is(pg_temp.call('bob', 'PUT', '/loot/settings', '{"auto_vote": "PASS", "auto_rarity": "EPIC"}')::jsonb, '{"auto_vote": "PASS", "auto_rarity": "EPIC"}', 'unless it says so');
SELECT pg_temp.call('cat', 'PUT', '/loot/settings', '{"auto_vote": "GREED", "auto_rarity": "RARE"}') \g /dev/null
SELECT pg_temp.hunt('host', 'ann', 'bob', 'cat') AS d9 \gset
SELECT is((SELECT array_agg(template_id) FROM game.loot_rolls WHERE drop_id = :d9), ARRAY[:helm], 'below the threshold it is free');
SELECT is((SELECT array_agg(w.name || ' ' || v.vote) FROM game.loot_votes v JOIN who w USING (character_id) WHERE v.drop_id = :d9), '{"bob PASS"}', 'votes give themselves up to the rarity');
SELECT pg_temp.vote('ann', pg_temp.roll(:d9), 'GREED'), pg_temp.vote('cat', pg_temp.roll(:d9), 'PASS') \g /dev/null
SELECT is(pg_temp.result(pg_temp.roll(:d9)), 'COMPLETED ann', 'and count as any');
SELECT pg_temp.call('bob', 'PUT', '/loot/settings', '{"auto_vote": "NONE", "auto_rarity": "EPIC"}') \g /dev/null

-- Bosses ------------------------------------------------------------------------------------------------------------

SELECT pg_temp.hunt('boss', 'ann', 'bob') AS d10 \gset
SELECT is((SELECT array_agg(pg_temp.names(ARRAY[o.owner_id]) ORDER BY 1) FROM game.drop_items o JOIN game.character_items i ON i.id = o.item_id WHERE o.drop_id = :d10 AND o.claim = 'OWNED' AND i.template_id = :helm),
	'{ann,bob}', 'a boss leaves something to each');
SELECT is((SELECT array_agg(credits ORDER BY character_id) FROM game.drop_eligible WHERE drop_id = :d10), '{5,5}', 'with credits of its own');
SELECT pg_temp.take('ann', :d10) \g /dev/null
SELECT i.id AS helm1 FROM game.character_items i WHERE i.container_id = pg_temp.backpack('ann') AND i.template_id = :helm AND EXISTS (SELECT FROM game.loot_windows w WHERE w.item_id = i.id) \gset
SELECT is((SELECT binding FROM game.character_items WHERE id = :helm1)::text, 'CHARACTER', 'which is bound');
SELECT is(ARRAY[necp.loot_may_pass(:helm1, pg_temp.c('bob')), necp.loot_may_pass(:helm1, pg_temp.c('cat'))], '{t,f}', 'and may be passed on among the eligible');
SELECT is((SELECT closes_at - obtained_at FROM game.loot_windows JOIN game.loot_history USING (item_id) WHERE item_id = :helm1), '2 hours'::interval, 'for two hours');
SELECT is(necp.loot_may_pass((SELECT id FROM game.character_items WHERE container_id = pg_temp.backpack('ann') AND template_id = :blade LIMIT 1), pg_temp.c('bob')), false, 'as nothing else may');
UPDATE game.item_templates SET attributes = attributes - 'requires' WHERE id = :helm;
SELECT pg_temp.call('ann', 'POST', '/inventory/equip', jsonb_build_object('item_id', :helm1)) \g /dev/null
SELECT is(necp.loot_may_pass(:helm1, pg_temp.c('bob')), false, 'unless it was worn');
SELECT pg_temp.hunt('boss', 'ann', 'bob', 'cat') AS d11 \gset
SELECT is(pg_temp.eligible(:d11), 'cat', 'once a week: the others have had theirs');
SELECT is((SELECT count(*) FROM game.loot_rolls WHERE drop_id = :d11), 0::bigint, 'so one alone takes what they leave');
SELECT is((SELECT array_agg(w.name ORDER BY w.name) FROM game.game_events e JOIN who w USING (character_id) WHERE e.type = 'XP_GAINED' AND (e.data ->> 'source_id')::bigint = pg_temp.npc('boss')
	AND (e.data ->> 'source_round')::bigint = (SELECT source_life FROM game.world_drops WHERE id = :d11)), '{ann,bob,cat}', 'but all of them learn of it, once each');
SELECT is(pg_temp.hunt('boss', 'ann', 'bob'), NULL, 'a boss whom nobody may loot leaves nothing');
UPDATE game.loot_lockouts SET week = week - 7 WHERE character_id = pg_temp.c('ann');
SELECT is(pg_temp.eligible(pg_temp.hunt('boss', 'ann', 'bob')), 'ann', 'next week it does');
SELECT is((SELECT array_agg(DISTINCT extract(isodow FROM week)::int) FROM game.loot_lockouts WHERE character_id = ANY (ARRAY[pg_temp.c('ann'), pg_temp.c('bob'), pg_temp.c('cat')])), '{1}', 'weeks begin on Monday');

SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT pg_temp.call(n, 'POST', '/auth/logout') FROM unnest('{ann,bob,cat,dan,eve}'::text[]) n \g /dev/null
SELECT * FROM finish();
