-- Portals, teleports, and the way out of being stuck (DOMAIN §21).
\ir ../helpers.psql
SELECT plan(38);
SELECT pg_temp.player(n) FROM unnest('{ann,bob}'::text[]) n \g /dev/null
CALL pg_temp.open_zone('port', NULL) \gset
SELECT :zone_id AS port \gset
CALL pg_temp.open_zone('cave', NULL) \gset
SELECT :zone_id AS cave \gset
CREATE FUNCTION pg_temp.pack(pack text) RETURNS jsonb LANGUAGE sql RETURN replace(pack, '^', '_' || current_setting('test.tag'))::jsonb;
CREATE FUNCTION pg_temp.faults(kind text, pack text) RETURNS text[] LANGUAGE sql
	RETURN ARRAY(SELECT replace(path || ' ' || fault, '_' || current_setting('test.tag'), '^') FROM necp.content_check(kind, pg_temp.pack(pack)));
CREATE FUNCTION pg_temp.no_enter(who text, zone bigint) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/zones/{zone_id}/enter', jsonb_build_object('zone_id', zone));
CREATE FUNCTION pg_temp.go(who text, id bigint, key uuid DEFAULT gen_random_uuid()) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/zones/teleports/{teleport_id}/use', jsonb_build_object('teleport_id', id), key);
CREATE FUNCTION pg_temp.no_go(who text, id bigint) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/zones/teleports/{teleport_id}/use', jsonb_build_object('teleport_id', id), gen_random_uuid());
CREATE FUNCTION pg_temp.gate(code text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT id FROM game.teleports t WHERE t.code = gate.code || '_' || current_setting('test.tag'));
CREATE FUNCTION pg_temp.stands(who text) RETURNS text LANGUAGE sql
	RETURN (SELECT format('%s %s %s', CASE place_id WHEN (SELECT id FROM game.zones WHERE code = 'port_' || current_setting('test.tag')) THEN 'port' ELSE 'cave' END, x, y)
	        FROM live.zone_players WHERE character_id = pg_temp.c(who));
-- Everybody's cast is over.
CREATE PROCEDURE pg_temp.wait_cast() LANGUAGE plpgsql AS $$
BEGIN
	UPDATE game.teleport_states SET arrives_at = necp.now() WHERE arrives_at IS NOT NULL;
	COMMIT;
	PERFORM necp.run_job('teleport_arrivals');
	COMMIT;
	PERFORM pg_temp.wait_for('NOT EXISTS (SELECT FROM game.teleport_states WHERE arrives_at <= necp.now())');
END
$$;

-- Content -------------------------------------------------------------------------------------------------------

SELECT is(pg_temp.faults('portals', '[{"code": "a^", "zone": "x^", "to_zone": "port^", "x": 0, "y": 9000, "to_x": 0}]'),
	'{"$[0].to_y is missing","$[0].y is 9000, not within -5000 to 5000","$[0].zone names a zone \"x^\", which does not exist"}'::text[], 'portals are refused with all their faults');
SELECT is(pg_temp.faults('teleports', '[{"code": "a^", "name": "", "zone": "x^", "x": 0, "y": 0}]'),
	'{"$[0].name is \"\", which does not match ^.{1,60}$","$[0].zone names a zone \"x^\", which does not exist"}'::text[], 'teleports, too');
SELECT is(necp.content_import('teleports', pg_temp.pack('[{"code": "quay^", "name": "Quay", "zone": "port^", "x": 50, "y": 0}, {"code": "deep^", "name": "Deep", "zone": "cave^", "x": 0, "y": 0}]')), 2, 'two teleports');
SELECT is(necp.content_import('teleports', pg_temp.pack('[{"code": "quay^", "name": "Quay", "zone": "port^", "x": 50, "y": 0}]')), 0, 'a second import changes nothing');

-- Portals -------------------------------------------------------------------------------------------------------

SELECT pg_temp.enter_zone('ann', :port), pg_temp.enter_zone('bob', :cave) \g /dev/null
SELECT is(necp.content_import('portals', pg_temp.pack('[{"code": "mouth^", "zone": "port^", "x": 30, "y": 0, "to_zone": "cave^", "to_x": -7, "to_y": 8}]')), 1, 'a portal');
SELECT is(pg_temp.no_enter('ann', :cave), 'NC240 zone_id', 'TOO_FAR: a zone that a portal leads to is entered there');
SELECT pg_temp.enter_zone('bob', :port) ->> 'zone_id' AS at \gset
SELECT is(:at, :port, 'one that none leads to is open');
UPDATE game.zone_portals SET x = 10 WHERE code = 'mouth_' || :'tag';
SELECT is(pg_temp.enter_zone('ann', :cave)::jsonb - '{code,name,kind,status,size_m,capacity,players,safe_x,safe_y,safe_z}'::text[], jsonb_build_object('zone_id', :cave, 'x', -7, 'y', 8, 'z', 0, 'yaw', 0), 'within 10 m it leads to its other end');
SELECT is(pg_temp.stands('ann'), 'cave -7 8', 'where one stands then');

-- Discovering ---------------------------------------------------------------------------------------------------

SELECT is(pg_temp.refusal('ann', 'POST', '/zones/teleports/{teleport_id}/use', jsonb_build_object('teleport_id', 999999999), gen_random_uuid()), 'NC401 teleport_id', 'NOT_FOUND: no such teleport');
SELECT is(pg_temp.no_go('ann', pg_temp.gate('quay')), 'NC270 teleport_id', 'NOT_DISCOVERED: where one has never been');
SELECT ok(pg_temp.wait_for('EXISTS (SELECT FROM game.teleport_discoveries WHERE character_id = pg_temp.c(''ann'') AND teleport_id = pg_temp.gate(''deep''))'), 'who comes near has been there');
SELECT is((SELECT array_agg(format('%s %s', i ->> 'name', i ->> 'discovered') ORDER BY i ->> 'name') FROM json_array_elements(pg_temp.call('ann', 'GET', '/zones/teleports') -> 'items') i
	WHERE i ->> 'code' IN ('quay_' || :'tag', 'deep_' || :'tag')), '{"Deep true","Quay false"}', 'and sees it');

-- Travelling ----------------------------------------------------------------------------------------------------

INSERT INTO game.teleport_discoveries VALUES (pg_temp.c('ann'), pg_temp.gate('quay'), necp.now());
SELECT is(pg_temp.no_go('ann', pg_temp.gate('quay')), 'NC230', 'INSUFFICIENT_FUNDS: without the price');
SELECT pg_temp.pay('WALLET', pg_temp.c('ann'), 'credits', 120) \g /dev/null
SELECT gen_random_uuid() AS key \gset
SELECT pg_temp.go('ann', pg_temp.gate('quay'), :'key') AS answer \gset
SELECT is(:'answer'::jsonb - 'arrives_at', jsonb_build_object('teleport_id', pg_temp.gate('quay'), 'credits', 50), 'a journey begins');
SELECT ok((:'answer'::jsonb ->> 'arrives_at')::timestamptz - necp.now() BETWEEN '3 seconds' AND '5 seconds', 'and takes five seconds');
SELECT is(pg_temp.no_go('ann', pg_temp.gate('deep')), 'NC922', 'BUSY: one at a time');
SELECT is(pg_temp.go('ann', pg_temp.gate('quay'), :'key')::jsonb, :'answer'::jsonb, 'a replay begins none');
SELECT is(pg_temp.balance('WALLET', pg_temp.c('ann')), 120::bigint, 'nothing is paid before');
CALL pg_temp.wait_cast();
SELECT is(pg_temp.stands('ann'), 'port 50 0', 'it arrives in the other zone');
SELECT is(pg_temp.balance('WALLET', pg_temp.c('ann')), 70::bigint, 'and pays');
SELECT is((SELECT row(r.holder, t.amount, t.cause)::text FROM game.ledger_transfers t JOIN game.ledger_accounts f ON f.id = t.from_id JOIN game.ledger_accounts r ON r.id = t.to_id
	WHERE f.holder = 'WALLET' AND f.owner_id = pg_temp.c('ann')), '(SINK,50,TELEPORT)', 'to nobody');
SELECT is((SELECT place_id FROM game.player_sessions WHERE id = pg_temp.s('ann')), :port::bigint, 'its session knows');
SELECT is((SELECT data ->> 'to_place_id' FROM game.game_events WHERE type = 'ZONE_CHANGED' AND character_id = pg_temp.c('ann') ORDER BY id DESC LIMIT 1), :'port', 'ZONE_CHANGED');
SELECT is(pg_temp.no_go('ann', pg_temp.gate('deep')), 'NC952', 'COOLDOWN: not again within a minute');
SELECT ok(ready_at - necp.now() BETWEEN '50 seconds' AND '60 seconds', 'of sixty seconds') FROM game.teleport_states WHERE character_id = pg_temp.c('ann');

-- Staying -------------------------------------------------------------------------------------------------------

UPDATE game.teleport_states SET ready_at = '-infinity';
SELECT pg_temp.go('ann', pg_temp.gate('deep')) \g /dev/null
SELECT pg_temp.enter_zone('ann', :port) \g /dev/null
UPDATE game.teleport_states SET from_x = from_x - 2 WHERE character_id = pg_temp.c('ann');
CALL pg_temp.wait_cast();
SELECT is(pg_temp.stands('ann'), 'port 50 0', 'who has moved stays');
SELECT is(pg_temp.balance('WALLET', pg_temp.c('ann')), 70::bigint, 'and pays nothing');
SELECT is((SELECT row(teleport_id, ready_at)::text FROM game.teleport_states WHERE character_id = pg_temp.c('ann')), '(,-infinity)', 'it may try again');
SELECT pg_temp.go('ann', pg_temp.gate('quay')) \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
CALL pg_temp.wait_cast();
SELECT is((SELECT teleport_id FROM game.teleport_states WHERE character_id = pg_temp.c('ann')), NULL, 'who has left arrives nowhere');
SELECT pg_temp.login('ann') \g /dev/null
SELECT pg_temp.select_character('ann', pg_temp.c('ann')) \g /dev/null
SELECT pg_temp.enter_zone('ann', :port) \g /dev/null
SELECT pg_temp.template('stone', max_stack => 100) AS stone \gset
UPDATE game.item_templates SET weight = 900 WHERE id = :stone;
SELECT pg_temp.fill(pg_temp.backpack('ann'), format('[[%s, 1]]', :stone)::jsonb) \g /dev/null
SELECT is(pg_temp.no_go('ann', pg_temp.gate('deep')), 'NC933', 'OVERWEIGHT: who carries too much');
UPDATE game.item_templates SET weight = 1 WHERE id = :stone;

-- Stuck ---------------------------------------------------------------------------------------------------------

SELECT is(pg_temp.call('ann', 'POST', '/zones/unstuck')::jsonb -> 'x', '0', 'who is stuck comes to the safe point');
SELECT is(pg_temp.stands('ann'), 'port 0 0', 'of its zone');
SELECT is((SELECT row(x, y)::text FROM game.player_positions WHERE character_id = pg_temp.c('ann')), '(0,0)', 'and is saved there');
SELECT is(pg_temp.refusal('ann', 'POST', '/zones/unstuck'), 'NC952', 'COOLDOWN: not again for a while');
SELECT is(pg_temp.refusal(NULL, 'GET', '/zones/teleports'), 'NC101', 'UNAUTHENTICATED: without a token');
SELECT pg_temp.call('bob', 'POST', '/auth/logout') \g /dev/null
SELECT is(pg_temp.refusal('bob', 'POST', '/zones/unstuck'), 'NC101', 'UNAUTHENTICATED: nor after the end of the session');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT * FROM finish();
