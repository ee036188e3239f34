-- The life of sessions by the game's clock (DOMAIN §4), edge by edge.
\ir ../world/_world.sql
SET lock_timeout = '5s'; -- a test that waits for itself is to fail
SELECT plan(67);
SELECT pg_temp.link('rt') \g /dev/null
SELECT pg_temp.link('hand', 'postgres') \g /dev/null
SELECT pg_temp.link('ear', 'postgres') \g /dev/null
SELECT dblink_exec('ear', 'LISTEN necp_push') \g /dev/null
CALL pg_temp.session_limits(300, 600, 1500, 1800, 180, 300);

CREATE FUNCTION pg_temp.rt(call text) RETURNS text LANGUAGE sql
	RETURN (SELECT a FROM public.dblink('rt', 'SELECT necp.' || call) d (a text));
CREATE FUNCTION pg_temp.touch(who text) RETURNS text LANGUAGE sql
	RETURN pg_temp.rt(format('realtime_touch(ARRAY[%L]::uuid[])', pg_temp.s(who)));
-- A command of the player: what a route's statement begins with.
CREATE FUNCTION pg_temp.play(who text) RETURNS text LANGUAGE sql
	RETURN pg_temp.rt(format('enter(%L, NULL, NULL, NULL, ''a'', -1)', pg_temp.s(who)));
CREATE FUNCTION pg_temp.row_of(who text) RETURNS game.player_sessions LANGUAGE sql
	RETURN (SELECT s FROM game.player_sessions s WHERE s.id = pg_temp.s(who));
CREATE FUNCTION pg_temp.online(who text) RETURNS live.online_sessions LANGUAGE sql
	RETURN (SELECT o FROM live.online_sessions o WHERE o.account_id = pg_temp.a(who));
-- Time passes while the socket of who (or nobody's) sends heart-beats; then the sweep runs.
CREATE PROCEDURE pg_temp.pass(who text, total interval) LANGUAGE plpgsql AS $$
DECLARE
	step interval;
BEGIN
	WHILE total > '0' LOOP
		step := least(total, interval '2 minutes');
		PERFORM necp.clock_advance(step);
		IF who IS NOT NULL THEN
			PERFORM pg_temp.touch(who);
		END IF;
		total := total - step;
	END LOOP;
	PERFORM necp.run_job('session_sweep');
END
$$;
-- The states that who has been in since it was asked last, by its row and by memory.
CREATE FUNCTION pg_temp.state(who text) RETURNS text LANGUAGE sql
	RETURN (SELECT CASE WHEN s.closed_at IS NULL AND s.status <> o.status THEN s.status || ' but in memory ' || o.status ELSE s.status END
	        FROM game.player_sessions s LEFT JOIN live.online_sessions o USING (account_id) WHERE s.id = pg_temp.s(who));
CREATE FUNCTION pg_temp.events(who text, type text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT count(*) FROM game.game_events e WHERE e.type = events.type AND e.account_id = pg_temp.a(who));
-- What was pushed to who since it was asked last, as 'status reason', and when it was to end.
CREATE TEMP TABLE told (n int GENERATED ALWAYS AS IDENTITY, line text);
CREATE FUNCTION pg_temp.hear(who text, pattern text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 100 LOOP
		PERFORM * FROM public.dblink('ear', 'SELECT 1') d (one int);
		INSERT INTO pg_temp.told (line) SELECT unnest(string_to_array(extra, E'\n'))
		FROM public.dblink_get_notify('ear') WHERE notify_name = 'necp_push';
		IF EXISTS (SELECT FROM pg_temp.told WHERE line LIKE format('M %% SESSION /topic/player/%s/session %s', pg_temp.a(who), pattern)) THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.05);
	END LOOP;
	RETURN false;
END
$$;

-- IDLE and back ---------------------------------------------------------------------------------

SELECT pg_temp.player('ann') \g /dev/null
SELECT is(pg_temp.state('ann'), 'ACTIVE', 'who selects a character is ACTIVE');
CALL pg_temp.pass('ann', '4 minutes 59 seconds');
SELECT is(pg_temp.state('ann'), 'ACTIVE', 'and stays so for 5 minutes');
CALL pg_temp.pass('ann', '1 second');
SELECT is(pg_temp.state('ann'), 'IDLE', 'without an action it is IDLE then');
SELECT ok(pg_temp.hear('ann', '{"status":"IDLE","reason":null,"expires_at":"%'), 'and is told');
SELECT pg_temp.call('ann', 'POST', '/session/heartbeat') ->> 'status' AS beat \gset
SELECT is(:'beat'::text, 'IDLE', 'a heart-beat is no action');
SELECT pg_temp.call('ann', 'GET', '/auth/me') \g /dev/null
SELECT pg_temp.call('ann', 'PUT', '/session/state', '{"state": {"window": 1}}') \g /dev/null
SELECT pg_temp.call('ann', 'POST', '/session/ws-ticket') \g /dev/null
SELECT pg_temp.rt(format('subscribe(%L, ''/topic/player/%s/session'')', pg_temp.s('ann'), pg_temp.a('ann'))) \g /dev/null
CALL pg_temp.pass('ann', '1 second');
SELECT is(pg_temp.state('ann'), 'IDLE', 'nor is a read, a note of the client''s, a ticket, a subscription');
SELECT (pg_temp.online('ann')).last_action AS acted \gset
SELECT is((pg_temp.online('ann')).last_action, :'acted'::timestamptz, 'the last action stays where it was');
SELECT pg_temp.play('ann') \g /dev/null
SELECT is(pg_temp.state('ann'), 'IDLE', 'a command writes no row');
SELECT ok((pg_temp.online('ann')).last_action > :'acted', 'but is noted');
CALL pg_temp.pass('ann', '1 second');
SELECT is(pg_temp.state('ann'), 'ACTIVE', 'the sweep makes it ACTIVE again');

-- AFK, the warning, the end -----------------------------------------------------------------------

CALL pg_temp.pass('ann', '9 minutes 58 seconds');
SELECT is(pg_temp.state('ann'), 'IDLE', 'short of 10 minutes it is IDLE');
SELECT is(pg_temp.events('ann', 'PLAYER_AFK'), 0::bigint, 'not AFK');
CALL pg_temp.pass('ann', '2 seconds');
SELECT is(pg_temp.state('ann'), 'AFK', 'then AFK');
SELECT is(pg_temp.events('ann', 'PLAYER_AFK'), 1::bigint, 'PLAYER_AFK');
SELECT pg_temp.play('ann') \g /dev/null
CALL pg_temp.pass('ann', '1 second');
SELECT is(pg_temp.state('ann'), 'ACTIVE', 'an action ends that too');
CALL pg_temp.pass('ann', '24 minutes 58 seconds');
SELECT is(pg_temp.state('ann'), 'AFK', 'AFK from ACTIVE at once, where nobody looked in between');
SELECT ok(NOT EXISTS (SELECT FROM told WHERE line LIKE '%AFK_WARNING%'), 'short of 25 minutes nobody is warned');
CALL pg_temp.pass('ann', '2 seconds');
SELECT ok(pg_temp.hear('ann', '{"status":"AFK","reason":"AFK_WARNING","expires_at":"%'), 'then it is warned');
SELECT is((SELECT (regexp_match(line, 'expires_at":"([^"]+)'))[1]::timestamptz FROM told WHERE line LIKE '%AFK_WARNING%'),
	(pg_temp.online('ann')).last_action + interval '30 minutes', 'and told when it ends');
CALL pg_temp.pass('ann', '4 minutes 58 seconds');
SELECT is((SELECT count(*) FROM told WHERE line LIKE '%AFK_WARNING%'), 1::bigint, 'once');
SELECT is(pg_temp.state('ann'), 'AFK', 'short of 30 minutes it lives');
SELECT matches(pg_temp.refusal('ann', 'GET', '/session'), '^ok', 'and may ask');
SELECT public.dblink_exec('hand', 'BEGIN') \g /dev/null
SELECT * FROM public.dblink('hand', format('SELECT id FROM game.player_sessions WHERE id = %L FOR UPDATE', pg_temp.s('ann'))) d (id uuid) \g /dev/null
SELECT necp.clock_advance('3 seconds') \g /dev/null
SELECT is(pg_temp.refusal('ann', 'GET', '/session'), 'NC101', 'UNAUTHENTICATED: its time is over before anybody sweeps');
SELECT throws_ok(format('SELECT pg_temp.play(%L)', 'ann'), 'NC101', NULL, 'UNAUTHENTICATED: an action comes too late');
SELECT pg_temp.touch('ann') \g /dev/null
SELECT is(pg_temp.state('ann'), 'AFK', 'though its row says otherwise');
SELECT public.dblink_exec('hand', 'ROLLBACK') \g /dev/null
SELECT ok(pg_temp.wait_for('(pg_temp.row_of(''ann'')).close_reason = ''AFK_TIMEOUT'''), 'AFK_TIMEOUT');
SELECT ok(pg_temp.hear('ann', '{"status":"CLOSED","reason":"AFK_TIMEOUT",%'), 'it is told');
SELECT ok(EXISTS (SELECT FROM told WHERE line = format('K %s AFK_TIMEOUT', pg_temp.s('ann'))), 'and its connections are closed');
SELECT is(pg_temp.online('ann'), NULL, 'it is gone from memory');
SELECT is((pg_temp.row_of('ann')).character_id, NULL, 'and plays nobody');

-- Movement ----------------------------------------------------------------------------------------

CALL pg_temp.open_zone('walk', NULL) \gset
SELECT pg_temp.player('cat') \g /dev/null
SELECT pg_temp.enter_zone('cat', :zone_id) \g /dev/null
CALL pg_temp.pass('cat', '4 minutes');
SELECT (pg_temp.online('cat')).last_action AS acted \gset
SELECT pg_temp.rt(format('world_exchange(%L)', pg_temp.request('[]', jsonb_build_array(jsonb_build_array(pg_temp.c('cat'), 1, 0.5, 0, 0, 0))))) \g /dev/null
CALL pg_temp.pass('cat', '2 minutes');
SELECT is(pg_temp.state('cat'), 'ACTIVE', 'who moves is ACTIVE, without commands');
SELECT ok((pg_temp.online('cat')).last_action > :'acted'::timestamptz + interval '3 minutes', 'a move is an action');
CALL pg_temp.pass('cat', '3 minutes 1 second');
SELECT is(pg_temp.state('cat'), 'IDLE', 'for as long as a command is');

-- Silence -----------------------------------------------------------------------------------------

SELECT pg_temp.account('bob') \g /dev/null
SELECT is(pg_temp.state('bob'), 'CREATED', 'a login makes it CREATED');
CALL pg_temp.pass(NULL, '2 minutes 59 seconds');
SELECT is(pg_temp.state('bob'), 'CREATED', 'for 3 minutes nobody is missed');
SELECT (pg_temp.online('bob')).last_seen AS seen \gset
CALL pg_temp.pass(NULL, '1 second');
SELECT is(pg_temp.state('bob'), 'DISCONNECTED', 'without a heart-beat it is DISCONNECTED then');
SELECT is((pg_temp.row_of('bob')).disconnected_at, :'seen'::timestamptz + interval '3 minutes', 'since then, whenever that was found');
SELECT is(pg_temp.call('bob', 'POST', '/session/heartbeat') ->> 'status', 'ACTIVE', 'a heart-beat takes it up');
SELECT is(pg_temp.events('bob', 'PLAYER_RECONNECTED'), 1::bigint, 'PLAYER_RECONNECTED');
SELECT is((SELECT count(*) FROM game.session_audit WHERE session_id = pg_temp.s('bob') AND kind = 'RECONNECTED'), 1::bigint, 'which its history knows');
CALL pg_temp.pass(NULL, '3 minutes 1 second');
SELECT is(pg_temp.state('bob'), 'DISCONNECTED', 'ACTIVE, then DISCONNECTED');
SELECT pg_temp.play('bob') \g /dev/null
CALL pg_temp.pass(NULL, '1 second');
SELECT is(pg_temp.state('bob'), 'ACTIVE', 'an action takes it up as well');
SELECT pg_temp.call('bob', 'GET', '/auth/me') \g /dev/null
CALL pg_temp.pass(NULL, '2 minutes 58 seconds');
SELECT is(pg_temp.state('bob'), 'ACTIVE', 'who asks is there');
CALL pg_temp.pass('bob', '5 minutes 2 seconds');
SELECT is(pg_temp.state('bob'), 'IDLE', 'heart-beats of a socket keep it from being lost, not from being IDLE');
CALL pg_temp.pass(NULL, '3 minutes 1 second');
SELECT is(pg_temp.state('bob'), 'DISCONNECTED', 'IDLE, then DISCONNECTED');
SELECT ok(pg_temp.hear('bob', format('{"status":"DISCONNECTED","reason":null,"expires_at":"%s%%',
	to_char(((pg_temp.row_of('bob')).disconnected_at + interval '5 minutes') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS'))), 'there are 5 minutes to come back');
SELECT pg_temp.rt(format('realtime_connect(%L, NULL, ''node1'')', pg_temp.s('bob'))) \g /dev/null
SELECT is(pg_temp.state('bob'), 'ACTIVE', 'a connection takes it up');
SELECT is((pg_temp.online('bob')).node, 'node1', 'on its node');
SELECT pg_temp.rt(format('realtime_disconnect(%L, ''node1'')', pg_temp.s('bob'))) \g /dev/null
SELECT is(pg_temp.state('bob'), 'DISCONNECTED', 'a socket that is closed is missed at once');
SELECT is((pg_temp.online('bob')).node, NULL, 'it is on no node');
SELECT pg_temp.call('bob', 'GET', '/auth/me') \g /dev/null
CALL pg_temp.pass(NULL, '4 minutes 59 seconds');
SELECT is(pg_temp.state('bob'), 'DISCONNECTED', 'short of 5 minutes it may come back');
SELECT public.dblink_exec('hand', 'BEGIN') \g /dev/null
SELECT * FROM public.dblink('hand', format('SELECT id FROM game.player_sessions WHERE id = %L FOR UPDATE', pg_temp.s('bob'))) d (id uuid) \g /dev/null
SELECT necp.clock_advance('2 seconds') \g /dev/null
SELECT is(pg_temp.refusal('bob', 'POST', '/session/heartbeat'), 'NC101', 'UNAUTHENTICATED: then not, before anybody sweeps');
SELECT public.dblink_exec('hand', 'ROLLBACK') \g /dev/null
SELECT ok(pg_temp.wait_for('(pg_temp.row_of(''bob'')).close_reason = ''DISCONNECTED'''), 'EXPIRED, and closed as DISCONNECTED');
SELECT is(pg_temp.events('bob', 'SESSION_CLOSED'), 1::bigint, 'SESSION_CLOSED, once');

-- Others ------------------------------------------------------------------------------------------

SELECT pg_temp.account('eve') \g /dev/null
CALL pg_temp.pass('eve', '5 minutes 1 second');
SELECT is(pg_temp.state('eve'), 'IDLE', 'CREATED, then IDLE');
CALL pg_temp.pass('eve', '5 minutes');
CALL pg_temp.pass(NULL, '3 minutes 1 second');
SELECT is(pg_temp.state('eve'), 'DISCONNECTED', 'AFK, then DISCONNECTED');
SELECT pg_temp.touch('eve') \g /dev/null
SELECT is(pg_temp.state('eve'), 'DISCONNECTED', 'a heart-beat that was on its way changes nothing');
CALL pg_temp.pass(NULL, '10 seconds');
SELECT pg_temp.touch('eve') \g /dev/null
SELECT is(pg_temp.state('eve'), 'ACTIVE', 'one that comes later does: the socket is there');
CALL pg_temp.pass(NULL, '3 minutes 1 second');
SELECT is(pg_temp.state('eve'), 'DISCONNECTED', 'until it is silent again');
SELECT necp.clock_advance('5 minutes') \g /dev/null
SELECT pg_temp.touch('eve') \g /dev/null
SELECT isnt(pg_temp.state('eve'), 'ACTIVE', 'after 5 minutes it comes too late');
CALL pg_temp.pass(NULL, '1 hour');
SELECT is((pg_temp.row_of('eve')).close_reason, 'DISCONNECTED', 'who is looked for an hour later is closed');
SELECT pg_temp.account('fay') \g /dev/null
CALL pg_temp.pass(NULL, '1 hour');
SELECT ok(pg_temp.wait_for('(pg_temp.row_of(''fay'')).close_reason = ''DISCONNECTED'''), 'also where nobody looked in between');
SELECT is((SELECT array_agg(kind || coalesce(' ' || reason, '') ORDER BY id) FROM game.session_audit WHERE session_id = pg_temp.s('fay')),
	'{CREATED,CLOSED DISCONNECTED}', 'its history tells');

SELECT necp.clock_reset() \g /dev/null
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing is left behind');

-- Memory ------------------------------------------------------------------------------------------

SELECT ok(allocated_size::numeric / current_setting('necpgame.max_sessions')::int * 10000 <= 4 * 1024 * 1024,
	format('10,000 sessions need %s kB of shared memory', (allocated_size::numeric / current_setting('necpgame.max_sessions')::int * 10000 / 1024)::int))
	FROM pg_shmem_allocations WHERE name = 'necp sessions';
SELECT pg_temp.account('guy') \g /dev/null
SELECT public.dblink_exec('hand', 'BEGIN') \g /dev/null
SELECT public.dblink_exec('hand', 'LOCK TABLE game.player_sessions, game.accounts, game.characters IN ACCESS EXCLUSIVE MODE') \g /dev/null
SET statement_timeout = '5s';
SELECT is((pg_temp.online('guy')).status, 'CREATED', 'reading who is online waits for nobody who writes');
RESET statement_timeout;
SELECT public.dblink_exec('hand', 'ROLLBACK') \g /dev/null
BEGIN;
DECLARE reader CURSOR FOR SELECT * FROM live.online_sessions;
FETCH reader \g /dev/null
SELECT is(pg_temp.call('guy', 'POST', '/session/heartbeat') ->> 'status', 'ACTIVE', 'nobody who writes waits for who is reading');
COMMIT;
SELECT pg_temp.call('guy', 'POST', '/auth/logout') \g /dev/null
SELECT * FROM finish();
