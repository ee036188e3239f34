-- What becomes of members who are gone, by their sessions and by the clock (DOMAIN §4, §17).
\ir ../helpers.psql
SELECT plan(55);
CALL pg_temp.session_limits(300, 600, 100000, 200000, 180, 300);
SELECT pg_temp.player(n) FROM unnest('{ann,bob,cat,dan}'::text[]) n \g /dev/null
SELECT pg_temp.link('rt') \g /dev/null
SELECT pg_temp.link('hand', 'postgres') \g /dev/null
SELECT pg_temp.link('ear', 'postgres') \g /dev/null
SELECT dblink_exec('ear', 'LISTEN necp_push') \g /dev/null

CREATE FUNCTION pg_temp.rt(call text) RETURNS text LANGUAGE sql
	RETURN (SELECT a FROM public.dblink('rt', 'SELECT necp.' || call) d (a text));
CREATE FUNCTION pg_temp.connect(who text) RETURNS text LANGUAGE sql
	RETURN pg_temp.rt(format('realtime_connect(%L, NULL, ''node1'')', pg_temp.s(who)));
CREATE FUNCTION pg_temp.disconnect(who text) RETURNS text LANGUAGE sql
	RETURN pg_temp.rt(format('realtime_disconnect(%L, ''node1'')', pg_temp.s(who)));
CREATE FUNCTION pg_temp.act(who text) RETURNS text LANGUAGE sql
	RETURN pg_temp.rt(format('enter(%L, NULL, NULL, NULL, ''a'', -1)', pg_temp.s(who)));
CREATE FUNCTION pg_temp.join_party(host text, guest text) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(guest, 'POST', '/party/invites/{invite_id}/accept', jsonb_build_object('invite_id',
		pg_temp.call(host, 'POST', '/party/invite', jsonb_build_object('character_id', pg_temp.c(guest))) -> 'invite_id'));
CREATE FUNCTION pg_temp.form(VARIADIC who text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	id bigint := pg_temp.call(who[1], 'POST', '/party') ->> 'party_id';
BEGIN
	PERFORM pg_temp.join_party(who[1], w) FROM unnest(who[2:]) w;
	RETURN id;
END
$$;
CREATE FUNCTION pg_temp.names(party bigint) RETURNS text LANGUAGE sql
	RETURN (SELECT coalesce(string_agg(w.name, ' ' ORDER BY w.name), '') FROM game.party_members m
	        JOIN pg_temp.who w USING (character_id) WHERE m.party_id = party);
CREATE FUNCTION pg_temp.leads(party bigint) RETURNS text LANGUAGE sql
	RETURN (SELECT w.name FROM game.parties p JOIN pg_temp.who w ON w.character_id = p.leader_id WHERE p.id = party);
CREATE FUNCTION pg_temp.presence(who text) RETURNS text LANGUAGE sql
	RETURN (SELECT m.presence FROM game.party_members m WHERE m.character_id = pg_temp.c(who));
CREATE FUNCTION pg_temp.becomes(who text, presence text) RETURNS boolean LANGUAGE sql
	RETURN pg_temp.wait_for(format('pg_temp.presence(%L) IS NOT DISTINCT FROM %L', who, presence));
CREATE FUNCTION pg_temp.leaves_in(who text) RETURNS interval LANGUAGE sql
	RETURN (SELECT date_trunc('second', m.leaves_at - necp.now() + interval '0.5 s') FROM game.party_members m WHERE m.character_id = pg_temp.c(who));
-- Time passes while these act and the others are as they are.
CREATE PROCEDURE pg_temp.pass(total interval, VARIADIC who text[]) LANGUAGE plpgsql AS $$
DECLARE
	step interval;
BEGIN
	WHILE total > '0' LOOP
		step := least(total, interval '2 minutes');
		total := total - step;
		PERFORM necp.clock_advance(step);
		PERFORM pg_temp.act(w) FROM unnest(who) w;
		PERFORM necp.run_job('session_sweep');
		PERFORM necp.run_job('party_sweep');
		COMMIT;
	END LOOP;
END
$$;

-- A lost connection --------------------------------------------------------------------------------

SELECT pg_temp.form('ann', 'bob', 'cat') AS party \gset
SELECT pg_temp.connect(w) FROM unnest('{ann,bob,cat}'::text[]) w \g /dev/null
SELECT pg_temp.disconnect('bob') \g /dev/null
SELECT is(pg_temp.presence('bob'), 'OFFLINE', 'whose connection is lost is not there');
SELECT is(pg_temp.leaves_in('bob'), '5 minutes'::interval, 'and has 5 minutes to come back');
SELECT is((SELECT (m ->> 'online')::boolean FROM json_array_elements(pg_temp.call('ann', 'GET', '/party') -> 'members') m WHERE (m ->> 'character_id')::bigint = pg_temp.c('bob')), false, 'the others see it');
CALL pg_temp.pass('4 minutes 55 seconds', 'ann', 'cat', 'dan');
SELECT is(pg_temp.names(:party), 'ann bob cat', 'until then it is a member');
SELECT pg_temp.connect('bob') \g /dev/null
SELECT is(pg_temp.presence('bob'), 'ONLINE', 'who connects again is there');
SELECT is(pg_temp.leaves_in('bob'), NULL, 'and stays');
SELECT pg_temp.disconnect('bob') \g /dev/null
CALL pg_temp.pass('5 minutes 1 second', 'ann', 'cat', 'dan');
SELECT is(pg_temp.names(:party), 'ann cat', 'after 5 minutes it is out');
SELECT is((SELECT data ->> 'reason' FROM game.game_events WHERE type = 'PLAYER_LEFT_PARTY' AND aggregate_id = :party), 'AWAY', 'PLAYER_LEFT_PARTY: it was away');
SELECT is((SELECT close_reason FROM game.player_sessions WHERE id = pg_temp.s('bob')), 'DISCONNECTED', 'which is when its session ends');
SELECT pg_temp.login('bob') \g /dev/null
SELECT pg_temp.select_character('bob', pg_temp.c('bob')) \g /dev/null
SELECT is(pg_temp.refusal('bob', 'GET', '/party'), 'NC401', 'NOT_FOUND: it comes back to no party');

-- A leader who is gone -------------------------------------------------------------------------------

SELECT pg_temp.join_party('ann', 'bob') \g /dev/null
SELECT pg_temp.join_party('ann', 'dan') \g /dev/null
SELECT pg_temp.disconnect('cat') \g /dev/null
SELECT pg_temp.disconnect('ann') \g /dev/null
SELECT is(pg_temp.leads(:party), 'ann', 'a leader whose connection is lost leads');
CALL pg_temp.pass('2 minutes', 'bob', 'dan');
SELECT pg_temp.act('cat') \g /dev/null
SELECT necp.run_job('session_sweep') \g /dev/null
SELECT is(pg_temp.presence('cat'), 'ONLINE', 'who acts is there');
CALL pg_temp.pass('1 second', 'bob', 'cat', 'dan');
SELECT pg_temp.connect('cat') \g /dev/null
SELECT pg_temp.disconnect('cat') \g /dev/null
CALL pg_temp.pass('3 minutes', 'bob', 'dan');
SELECT is(pg_temp.leads(:party), 'bob', 'after 5 minutes who is longest present of those who are there leads, not who is longest a member');
SELECT is(pg_temp.names(:party), 'bob cat dan', 'the leader is out');
SELECT is((SELECT (data ->> 'former_leader_id')::bigint FROM game.game_events WHERE type = 'PARTY_LEADER_CHANGED' AND aggregate_id = :party), pg_temp.c('ann'), 'PARTY_LEADER_CHANGED');

-- The deadline holds before anybody sweeps ------------------------------------------------------------

SELECT pg_temp.connect(w) FROM unnest('{bob,cat}'::text[]) w \g /dev/null
SELECT pg_temp.disconnect('bob') \g /dev/null
BEGIN;
UPDATE game.party_members SET leaves_at = necp.now() WHERE character_id = pg_temp.c('bob');
SELECT matches(pg_temp.refusal('cat', 'POST', '/party/kick', jsonb_build_object('character_id', pg_temp.c('dan'))), '^ok', 'a command finds the party as the clock has left it: cat leads');
SELECT matches(pg_temp.refusal('cat', 'POST', '/party/ready-check'), format('"leader_id":%s,', pg_temp.c('cat')), 'so does a ready check');
SELECT is(pg_temp.refusal('dan', 'POST', '/party/leader', jsonb_build_object('character_id', pg_temp.c('bob'))), 'NC380', 'NOT_LEADER: dan does not');
SELECT is(pg_temp.refusal('cat', 'POST', '/party/kick', jsonb_build_object('character_id', pg_temp.c('bob'))), 'NC401 character_id', 'NOT_FOUND: bob is out');
COMMIT;
SELECT ok(pg_temp.becomes('bob', NULL), 'the scheduler puts it out');
SELECT is(pg_temp.leads(:party), 'cat', 'and cat leads, as was to be');

-- AFK ------------------------------------------------------------------------------------------------

SELECT pg_temp.join_party('cat', 'ann') FROM (SELECT pg_temp.login('ann'), pg_temp.select_character('ann', pg_temp.c('ann'))) l \g /dev/null
SELECT pg_temp.connect('ann') \g /dev/null
CREATE PROCEDURE pg_temp.touch_and_pass(total interval) LANGUAGE plpgsql AS $$
BEGIN
	WHILE total > '0' LOOP
		PERFORM necp.clock_advance(least(total, interval '2 minutes'));
		PERFORM pg_temp.rt(format('realtime_touch(ARRAY[%L]::uuid[])', pg_temp.s('ann')));
		PERFORM pg_temp.act('cat'), pg_temp.act('dan');
		PERFORM necp.run_job('session_sweep');
		PERFORM necp.run_job('party_sweep');
		COMMIT;
		total := total - least(total, interval '2 minutes');
	END LOOP;
END
$$;
CALL pg_temp.touch_and_pass('9 minutes 50 seconds');
SELECT is(pg_temp.presence('ann'), 'ONLINE', 'who is IDLE is there');
CALL pg_temp.touch_and_pass('11 seconds');
SELECT is(pg_temp.presence('ann'), 'AFK', 'who is AFK is known to be');
SELECT is(pg_temp.leaves_in('ann'), '15 minutes'::interval, 'and has 15 minutes');
SELECT is((SELECT (m ->> 'afk')::text || (m ->> 'online') FROM json_array_elements(pg_temp.call('cat', 'GET', '/party') -> 'members') m WHERE (m ->> 'character_id')::bigint = pg_temp.c('ann')), 'truetrue', 'the others see it');
SELECT pg_temp.act('ann') \g /dev/null
CALL pg_temp.touch_and_pass('1 second');
SELECT is(pg_temp.presence('ann'), 'ONLINE', 'an action ends that');
CALL pg_temp.touch_and_pass('24 minutes 50 seconds');
SELECT is(pg_temp.names(:party), 'ann cat dan', 'short of 15 minutes of being AFK it is a member');
CALL pg_temp.touch_and_pass('15 seconds');
SELECT is(pg_temp.names(:party), 'cat dan', 'then not');
SELECT is((SELECT status FROM game.player_sessions WHERE id = pg_temp.s('ann')), 'AFK', 'though its session lives');

-- Frozen ---------------------------------------------------------------------------------------------

SELECT pg_temp.act('ann') \g /dev/null
SELECT necp.run_job('session_sweep') \g /dev/null
SELECT pg_temp.join_party('cat', 'ann') \g /dev/null
SELECT pg_temp.connect('ann') \g /dev/null
SELECT necp.party_freeze(:party, 'MATCH') \g /dev/null
SELECT pg_temp.disconnect('ann') \g /dev/null
CALL pg_temp.pass('6 minutes', 'cat', 'dan');
SELECT is(pg_temp.names(:party), 'ann cat dan', 'nobody is left behind while it is frozen');
SELECT necp.party_freeze(:party, NULL) \g /dev/null
SELECT is(pg_temp.names(:party), 'cat dan', 'who went away meanwhile goes then');

-- Logging out and in -----------------------------------------------------------------------------------

SELECT pg_temp.call('cat', 'POST', '/auth/logout') \g /dev/null
SELECT is(pg_temp.leads(:party), 'dan', 'a leader who logs out lets go of the lead');
SELECT is(pg_temp.names(:party), 'cat dan', 'but stays a member');
SELECT is(((pg_temp.presence('cat')), pg_temp.leaves_in('cat'))::text, '(OFFLINE,00:05:00)', 'for 5 minutes');
SELECT pg_temp.login('cat') \g /dev/null
SELECT is(pg_temp.presence('cat'), 'OFFLINE', 'a login is not yet there');
SELECT pg_temp.select_character('cat', pg_temp.c('cat')) \g /dev/null
SELECT is(pg_temp.presence('cat'), 'ONLINE', 'who selects its character is');
SELECT pg_temp.login('dan') \g /dev/null
SELECT is(pg_temp.leads(:party), 'dan', 'a leader whose session another login ends leads on');
SELECT pg_temp.select_character('dan', pg_temp.c('dan')) \g /dev/null
SELECT is(pg_temp.presence('dan'), 'ONLINE', 'as it is back');

-- Another character ------------------------------------------------------------------------------------

SELECT pg_temp.create_character('dan', 'twin' || :'tag') AS twin \gset
SELECT necp.clock_advance('10 seconds') \g /dev/null
SELECT pg_temp.select_character('dan', :twin) \g /dev/null
SELECT is(((pg_temp.presence('dan')), pg_temp.leaves_in('dan'))::text, '(OFFLINE,00:05:00)', 'who plays another character is away');
SELECT ok(EXISTS (SELECT FROM (SELECT pg_sleep(0.5)) p, LATERAL (SELECT * FROM dblink('ear', 'SELECT 1') d (x int)) d, dblink_get_notify('ear') g
	WHERE g.extra LIKE format('%%U /topic/party/%s/state account %s%%', :party, pg_temp.a('dan'))), 'and listens no more');
SELECT is(pg_temp.refusal('dan', 'GET', '/party'), 'NC401', 'NOT_FOUND: the other one is in no party');
SELECT necp.clock_advance('10 seconds') \g /dev/null
SELECT pg_temp.select_character('dan', pg_temp.c('dan')) \g /dev/null
SELECT is(pg_temp.presence('dan'), 'ONLINE', 'it can come back');

-- Coming back too late ---------------------------------------------------------------------------------

SELECT pg_temp.call('dan', 'POST', '/auth/logout') \g /dev/null
SELECT is(pg_temp.leads(:party), 'cat', 'cat leads');
SELECT dblink_exec('hand', 'BEGIN') \g /dev/null
SELECT * FROM dblink('hand', 'SELECT id FROM game.parties WHERE id = ' || :party || ' FOR UPDATE') d (id bigint) \g /dev/null
SELECT necp.clock_advance('5 minutes') \g /dev/null
SELECT pg_temp.login('dan') \g /dev/null
SELECT dblink_send_query('edge', pg_temp.statement('dan', 'POST', '/characters/{character_id}/select', jsonb_build_object('character_id', pg_temp.c('dan')))) \g /dev/null
SELECT dblink_exec('hand', 'COMMIT') \g /dev/null
SELECT count(*) FROM dblink_get_result('edge') d (a json) \g /dev/null
SELECT count(*) FROM dblink_get_result('edge') d (a json) \g /dev/null
SELECT ok(pg_temp.becomes('dan', NULL), 'who selects its character after 5 minutes is out, whoever is first to look');
SELECT is((SELECT status FROM game.parties WHERE id = :party), 'DISBANDED', 'and who was left alone, too');

-- Places and deletion ------------------------------------------------------------------------------------

SELECT pg_temp.form('cat', 'dan', 'ann') AS party FROM (SELECT pg_temp.login('ann'), pg_temp.select_character('ann', pg_temp.c('ann'))) l \gset
CALL pg_temp.open_zone('party', NULL) \gset
SELECT pg_temp.enter_zone('cat', :zone_id) \g /dev/null
SELECT ok(EXISTS (SELECT FROM (SELECT pg_sleep(0.5)) p, LATERAL (SELECT * FROM dblink('ear', 'SELECT 1') d (x int)) d, dblink_get_notify('ear') g
	WHERE g.extra LIKE format('%%MEMBER_MOVED /topic/party/%s/state {"character_id":%s,"place_id":%s}%%', :party, pg_temp.c('cat'), :zone_id)), 'the party hears where its members go');
SELECT is((SELECT (m ->> 'place_id')::bigint FROM json_array_elements(pg_temp.call('dan', 'GET', '/party') -> 'members') m WHERE (m ->> 'character_id')::bigint = pg_temp.c('cat')), :zone_id::bigint, 'and sees it');
SELECT pg_temp.call('cat', 'POST', '/auth/logout') \g /dev/null
SELECT is((SELECT (m ->> 'place_id')::bigint FROM json_array_elements(pg_temp.call('dan', 'GET', '/party') -> 'members') m WHERE (m ->> 'character_id')::bigint = pg_temp.c('cat')), NULL, 'who logs out is nowhere');
SELECT is(pg_temp.leads(:party), 'dan', 'dan leads');
SELECT necp.clock_advance('5 minutes') \g /dev/null
SELECT ok(pg_temp.wait_for(format('pg_temp.names(%s) = ''ann dan''', :party)), 'the scheduler puts out who is due');
SELECT necp.clock_advance('10 seconds') \g /dev/null
SELECT pg_temp.select_character('dan', :twin) \g /dev/null
SELECT is(pg_temp.leads(:party), 'dan', 'who plays another character leads until it is out');
SELECT necp.party_freeze(:party, 'MATCH') \g /dev/null
SELECT is(pg_temp.refusal('dan', 'DELETE', '/characters/{character_id}', jsonb_build_object('character_id', pg_temp.c('dan'))), 'NC922', 'BUSY: nobody is deleted out of a frozen party');
SELECT necp.party_freeze(:party, NULL) \g /dev/null
SELECT pg_temp.call('dan', 'DELETE', '/characters/{character_id}', jsonb_build_object('character_id', pg_temp.c('dan'))) \g /dev/null
SELECT is((SELECT data ->> 'reason' FROM game.game_events WHERE type = 'PLAYER_LEFT_PARTY' AND aggregate_id = :party AND character_id = pg_temp.c('dan')), 'DELETED', 'who is deleted leaves');
SELECT is((SELECT status FROM game.parties WHERE id = :party), 'DISBANDED', 'and who was left alone');
SELECT necp.clock_reset() \g /dev/null
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT * FROM finish();
