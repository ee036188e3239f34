-- Sessions (DOMAIN §4, G6) and what the realtime server calls (docs/interfaces.md §6).
\ir ../helpers.psql
SELECT plan(49);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.account('bob') \g /dev/null
SELECT pg_temp.link('rt') \g /dev/null
CREATE FUNCTION pg_temp.row_of(who text) RETURNS game.player_sessions LANGUAGE sql
	RETURN (SELECT s FROM game.player_sessions s WHERE s.id = pg_temp.s(who));
-- A call of the realtime server, committed; its answer or its SQLSTATE.
CREATE FUNCTION pg_temp.rt(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	SELECT a INTO answer FROM public.dblink('rt', 'SELECT necp.' || call) d (a text);
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
CREATE FUNCTION pg_temp.status(who text) RETURNS text LANGUAGE sql RETURN (pg_temp.row_of(who)).status;

-- What a session is -----------------------------------------------------------------------------------------

SELECT is(pg_temp.call('bob', 'GET', '/session')::jsonb - 'created_at' - 'expires_at',
	jsonb_build_object('session_id', pg_temp.s('bob'), 'status', 'CREATED', 'character_id', NULL, 'place_id', NULL, 'state', '{}'::jsonb), 'a session begins as CREATED');
SELECT is((SELECT expires_at - created_at FROM game.player_sessions WHERE id = pg_temp.s('bob')), '1 day'::interval, 'and lives 24 hours at most');
SELECT is(pg_temp.call('bob', 'POST', '/session/heartbeat') ->> 'status', 'ACTIVE', 'a heart-beat makes it ACTIVE');
SELECT is(pg_temp.call('ann', 'GET', '/session') ->> 'character_id', pg_temp.c('ann')::text, 'it plays the selected character');
SELECT ok(EXISTS (SELECT FROM live.online_sessions WHERE account_id = pg_temp.a('ann') AND character_id = pg_temp.c('ann')), 'who is online can be seen');
SET ROLE necp_analyst;
SELECT lives_ok('SELECT * FROM live.online_sessions', 'by analysts');
SELECT hasnt_column('live', 'online_sessions', 'session_id', 'without its id, which is a credential');
RESET ROLE;
SELECT throws_ok(format('UPDATE game.player_sessions SET closed_at = now() WHERE id = %L', pg_temp.s('ann')), '23514', NULL, 'a closed session is CLOSED');
SELECT throws_ok(format('UPDATE game.player_sessions SET status = ''CLOSED'', closed_at = now() WHERE id = %L', pg_temp.s('ann')), '23514', NULL, 'and plays nothing');
SELECT throws_ok(format('UPDATE game.player_sessions SET character_id = %s WHERE id = %L', pg_temp.c('ann'), pg_temp.s('bob')), '23505', NULL, 'a character is played in one session');

-- One at a time -----------------------------------------------------------------------------------------------

SELECT pg_temp.s('bob') AS first \gset
SELECT pg_temp.login('bob') \g /dev/null
SELECT is((SELECT row(status, close_reason)::text FROM game.player_sessions WHERE id = :'first'), '(CLOSED,CONCURRENT_LOGIN)', 'a login closes the session before it');
SELECT is((SELECT count(*) FROM game.player_sessions WHERE account_id = pg_temp.a('bob') AND closed_at IS NULL), 1::bigint, 'one is live');
SELECT is((SELECT array_agg(data ->> 'reason') FROM game.game_events WHERE type = 'SESSION_CLOSED' AND account_id = pg_temp.a('bob')), '{CONCURRENT_LOGIN}', 'SESSION_CLOSED');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'SESSION_CREATED' AND account_id = pg_temp.a('bob')), 2::bigint, 'SESSION_CREATED, twice');
SELECT throws_ok(format($$INSERT INTO game.player_sessions (id, account_id, family, status, created_at, expires_at)
	VALUES (gen_random_uuid(), %s, gen_random_uuid(), 'CREATED', now(), now())$$, pg_temp.a('bob')), '23505', NULL, 'the table itself holds one');

-- A connection ------------------------------------------------------------------------------------------------

SELECT is((pg_temp.rt(format('realtime_connect(%L, NULL, ''node1'')', pg_temp.s('ann')))::jsonb - 'expires_at' - 'reconnect_token'),
	jsonb_build_object('session_id', pg_temp.s('ann'), 'account_id', pg_temp.a('ann')), 'a connection begins by session');
SELECT is((pg_temp.row_of('ann')).node, 'node1', 'on a node');
SELECT is(pg_temp.rt(format('realtime_session(%L)', pg_temp.s('ann')))::jsonb, jsonb_build_object('binding', 1, 'character_id', pg_temp.c('ann'), 'place_id', NULL), 'what it plays');
SELECT is(pg_temp.rt(format('realtime_session(%L)', pg_temp.s('bob')))::jsonb, '{"binding": 0, "character_id": null, "place_id": null}', 'or does not');
SELECT is(pg_temp.rt(format('realtime_disconnect(%L, ''node2'')', pg_temp.s('ann'))), '', 'another node''s loss');
SELECT is(pg_temp.status('ann'), 'ACTIVE', 'is not its own');
SELECT pg_temp.rt(format('realtime_disconnect(%L, ''node1'')', pg_temp.s('ann'))) \g /dev/null
SELECT is(pg_temp.status('ann'), 'DISCONNECTED', 'a lost connection is noted');
SELECT is((pg_temp.row_of('ann')).node, NULL, 'it is on no node');
SELECT matches(pg_temp.refusal('ann', 'GET', '/session'), '^ok', 'the session goes on');
SELECT pg_temp.rt(format('realtime_connect(%L, NULL, ''node3'')', pg_temp.s('ann'))) \g /dev/null
SELECT is(pg_temp.status('ann'), 'ACTIVE', 'a new connection takes it up');
SELECT pg_temp.rt(format('realtime_disconnect(%L, ''node3'')', pg_temp.s('ann'))) \g /dev/null
SELECT is(pg_temp.call('ann', 'POST', '/session/heartbeat') ->> 'status', 'ACTIVE', 'so does a heart-beat');
SELECT is((pg_temp.row_of('ann')).disconnected_at, NULL, 'nothing is lost then');
SELECT is(pg_temp.rt(format('realtime_connect(%L, NULL, ''node1'')', gen_random_uuid())), 'NC101', 'UNAUTHENTICATED: no such session');
SELECT is(pg_temp.rt(format('realtime_connect(%L, NULL, ''node1'')', :'first')), 'NC101', 'UNAUTHENTICATED: one that has ended');
SELECT is(pg_temp.rt(format('realtime_session(%L)', :'first')), 'NC401', 'NOT_FOUND: it plays nothing');
SELECT is(pg_temp.rt('realtime_touch(NULL)'), 'NC001', 'VALIDATION: heart-beats of nobody');
SELECT is(pg_temp.rt(format('realtime_connect(%L, NULL, NULL)', pg_temp.s('ann'))), 'NC001', 'VALIDATION: on no node');
SELECT last_seen AS seen FROM live.online_sessions WHERE account_id = pg_temp.a('ann') \gset
SELECT pg_sleep(0.01) \g /dev/null
SELECT pg_temp.rt(format('realtime_touch(ARRAY[%L, %L]::uuid[])', pg_temp.s('ann'), gen_random_uuid())) \g /dev/null
SELECT ok((SELECT last_seen > :'seen' FROM live.online_sessions WHERE account_id = pg_temp.a('ann')), 'heart-beats are seen; unknown sessions do not matter');

-- Tickets -----------------------------------------------------------------------------------------------------

SELECT pg_temp.call('ann', 'POST', '/session/ws-ticket') AS answer \gset
SELECT :'answer'::json ->> 'ticket' AS ticket \gset
SELECT is(:'answer'::json ->> 'expires_in', '30', 'a ticket lives 30 seconds');
SELECT is((pg_temp.row_of('ann')).ticket_digest, sha256(:'ticket'), 'its digest is stored, not itself');
SELECT is(pg_temp.rt(format('realtime_connect(NULL, %L, ''node1'')', :'ticket'))::json ->> 'account_id', pg_temp.a('ann')::text, 'a connection begins by ticket');
SELECT is(pg_temp.rt(format('realtime_connect(NULL, %L, ''node1'')', :'ticket')), 'NC101', 'UNAUTHENTICATED: once');
SELECT pg_temp.call('ann', 'POST', '/session/ws-ticket') ->> 'ticket' AS ticket \gset
SELECT pg_temp.call('ann', 'POST', '/session/ws-ticket') ->> 'ticket' AS newer \gset
SELECT is(pg_temp.rt(format('realtime_connect(NULL, %L, ''node1'')', :'ticket')), 'NC101', 'UNAUTHENTICATED: one that a newer replaced');
SELECT necp.clock_advance('31 seconds') \g /dev/null
SELECT is(pg_temp.rt(format('realtime_connect(NULL, %L, ''node1'')', :'newer')), 'NC101', 'UNAUTHENTICATED: after 31 seconds');
SELECT necp.clock_reset() \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/session/ws-ticket') ->> 'ticket' AS ticket \gset
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT is(pg_temp.rt(format('realtime_connect(NULL, %L, ''node1'')', :'ticket')), 'NC101', 'UNAUTHENTICATED: of a session that has ended');
SELECT is(pg_temp.rt('realtime_connect(NULL, NULL, ''node1'')'), 'NC001', 'VALIDATION: neither session nor ticket');
SELECT is(pg_temp.rt('realtime_connect(NULL, '''', ''node1'')'), 'NC001', 'VALIDATION: an empty ticket');

-- Ends --------------------------------------------------------------------------------------------------------

CALL pg_temp.session_limits(1000000000, 1000000000, 1000000000, 1000000000, 1000000000, 300);
SELECT pg_temp.rt(format('realtime_connect(%L, NULL, ''node1'')', pg_temp.s('bob'))) \g /dev/null
SELECT pg_temp.rt(format('realtime_disconnect(%L, ''node1'')', pg_temp.s('bob'))) \g /dev/null
SELECT necp.clock_advance('4 minutes') \g /dev/null
SELECT necp.run_job('session_sweep') \g /dev/null
SELECT is(pg_temp.status('bob'), 'DISCONNECTED', 'for five minutes one may come back');
SELECT necp.clock_advance('61 seconds') \g /dev/null
SELECT ok(pg_temp.wait_for('(pg_temp.row_of(''bob'')).close_reason = ''DISCONNECTED'''), 'then the session is closed');
SELECT is(pg_temp.refusal('bob', 'GET', '/session'), 'NC101', 'UNAUTHENTICATED: and dead');
SELECT pg_temp.login('bob') \g /dev/null
SELECT necp.clock_advance('25 hours') \g /dev/null
SELECT is(pg_temp.refusal('bob', 'GET', '/session'), 'NC101', 'UNAUTHENTICATED: so is one that is 24 hours old, before anybody sweeps');
SELECT ok(pg_temp.wait_for('(pg_temp.row_of(''bob'')).close_reason = ''EXPIRED'''), 'which is then closed');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT is((SELECT count(*) FROM live.online_sessions WHERE account_id IN (pg_temp.a('ann'), pg_temp.a('bob'))), 0::bigint, 'nobody is online any more');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing is left behind');
SELECT * FROM finish();
