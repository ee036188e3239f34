-- Taking up a lost session (DOMAIN §4, abuse case 30), what a session keeps, and who sees sessions.
\ir ../helpers.psql
SELECT plan(62);
SELECT pg_temp.link('rt') \g /dev/null
CALL pg_temp.session_limits(1000000000, 1000000000, 1000000000, 1000000000, 180, 300);
CREATE FUNCTION pg_temp.rt(call text) RETURNS text LANGUAGE sql
	RETURN (SELECT a FROM public.dblink('rt', 'SELECT necp.' || call) d (a text));
CREATE FUNCTION pg_temp.connect(who text) RETURNS text LANGUAGE sql
	RETURN pg_temp.rt(format('realtime_connect(%L, NULL, ''node1'')', pg_temp.s(who)))::json ->> 'reconnect_token';
CREATE FUNCTION pg_temp.lose(who text) RETURNS text LANGUAGE sql
	RETURN pg_temp.rt(format('realtime_disconnect(%L, ''node1'')', pg_temp.s(who)));
CREATE FUNCTION pg_temp.row_of(who text) RETURNS game.player_sessions LANGUAGE sql
	RETURN (SELECT s FROM game.player_sessions s WHERE s.id = pg_temp.s(who));
CREATE FUNCTION pg_temp.reconnect(token text, ip text DEFAULT '192.0.2.1', agent text DEFAULT 'test') RETURNS json LANGUAGE sql
	RETURN pg_temp.call(NULL, 'POST', '/session/reconnect', jsonb_build_object('reconnect_token', token, 'client_ip', ip, 'user_agent', agent));
CREATE FUNCTION pg_temp.refused(token text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(NULL, 'POST', '/session/reconnect', jsonb_build_object('reconnect_token', token));
CREATE FUNCTION pg_temp.history(who text) RETURNS text[] LANGUAGE sql
	RETURN (SELECT array_agg(kind || coalesce(' ' || reason, '') ORDER BY id) FROM game.session_audit WHERE session_id = pg_temp.s(who));
CREATE FUNCTION pg_temp.live_refresh(who text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT count(*) FROM game.refresh_tokens t JOIN game.player_sessions s USING (family)
	        WHERE s.id = pg_temp.s(who) AND t.spent_at IS NULL AND t.revoked_at IS NULL);

-- A token -----------------------------------------------------------------------------------------

SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.connect('ann') AS t1 \gset
SELECT ok(length(:'t1') = 43, 'a connection begins with a token');
SELECT is((SELECT count(*) FROM game.reconnect_tokens WHERE digest = sha256(:'t1') AND session_id = pg_temp.s('ann')), 1::bigint, 'of which the digest is stored');
SELECT is(pg_temp.refused(:'t1'), 'NC913 reconnect_token', 'NOT_DISCONNECTED: nothing was lost yet');
SELECT is(pg_temp.refused('no-such-token'), 'NC410 reconnect_token', 'SESSION_NOT_FOUND: there is no such token');
SELECT is(pg_temp.refused(NULL), 'NC001 reconnect_token', 'VALIDATION: none');
SELECT pg_temp.lose('ann') \g /dev/null
SELECT pg_temp.reconnect(:'t1') AS answer \gset
SELECT is(:'answer'::jsonb - 'reconnect_token' - 'permissions', jsonb_build_object('account_id', pg_temp.a('ann'), 'session_id', pg_temp.s('ann'), 'roles', '["PLAYER"]'::jsonb),
	'it takes the lost session up');
SELECT :'answer'::json ->> 'reconnect_token' AS t2 \gset
SELECT ok(:'answer'::jsonb -> 'permissions' ? 'game.play', 'with what its access token is to say');
SELECT is((pg_temp.row_of('ann')).status, 'ACTIVE', 'it is ACTIVE');
SELECT is((pg_temp.row_of('ann')).character_id, pg_temp.c('ann'), 'and plays whom it played');
SELECT is((pg_temp.row_of('ann')).disconnected_at, NULL, 'nothing is lost');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'PLAYER_RECONNECTED' AND account_id = pg_temp.a('ann')), 1::bigint, 'PLAYER_RECONNECTED');
SELECT is(pg_temp.history('ann'), '{CREATED,RECONNECTED}', 'its history knows');
SELECT pg_temp.lose('ann') \g /dev/null
SELECT is((pg_temp.row_of('ann')).status, 'ACTIVE', 'a node that holds no connection cannot lose one');

-- Who does not know the newest token ----------------------------------------------------------------

SELECT pg_temp.connect('ann') AS t3 \gset
SELECT pg_temp.lose('ann') \g /dev/null
SELECT pg_temp.reconnect(:'t2') ->> 'reconnect_token' AS t4 \gset
SELECT is((pg_temp.row_of('ann')).status, 'ACTIVE', 'the token before the newest works too: CONNECTED may have been lost');
SELECT pg_temp.connect('ann') AS t5 \gset
SELECT pg_temp.connect('ann') AS t6 \gset
SELECT pg_temp.connect('ann') AS t7 \gset
SELECT pg_temp.lose('ann') \g /dev/null
SELECT is(pg_temp.refused(:'t5'), 'NC410 reconnect_token', 'SESSION_NOT_FOUND: an older one does not, and harms nobody');
SELECT is((SELECT count(*) FROM game.reconnect_tokens WHERE session_id = pg_temp.s('ann') AND spent_at IS NULL), 2::bigint, 'two of a session are live');

-- Replay ------------------------------------------------------------------------------------------

SELECT is(pg_temp.live_refresh('ann'), 1::bigint, 'the login''s refresh token is good');
SELECT pg_temp.reconnect(:'t3') #>> '{problem,code}' AS replayed \gset
SELECT is(:'replayed'::text, 'TOKEN_USED', 'one beside it was spent: TOKEN_USED');
SELECT is((pg_temp.row_of('ann')).close_reason, 'TOKEN_REPLAYED', 'the session is closed');
SELECT is(pg_temp.live_refresh('ann'), 0::bigint, 'and its refresh tokens are revoked, which is committed');
SELECT is(pg_temp.refusal('ann', 'GET', '/session'), 'NC101', 'UNAUTHENTICATED: nobody acts by it');
SELECT pg_temp.reconnect(:'t2') #>> '{problem,code}' AS replayed \gset
SELECT is(:'replayed'::text, 'TOKEN_USED', 'a second replay changes nothing');
SELECT is(pg_temp.refused(:'t7'), 'NCA12 reconnect_token', 'RECONNECT_WINDOW_EXPIRED: a good token of a closed session');
SELECT is((pg_temp.history('ann'))[array_upper(pg_temp.history('ann'), 1)], 'CLOSED TOKEN_REPLAYED', 'its history tells why');

-- Too late ----------------------------------------------------------------------------------------

SELECT pg_temp.account('bob') \g /dev/null
SELECT pg_temp.connect('bob') AS token \gset
SELECT pg_temp.lose('bob') \g /dev/null
SELECT necp.clock_advance('4 minutes 55 seconds') \g /dev/null
SELECT matches(pg_temp.refused(:'token'), '^ok', 'within 5 minutes it may come back');
SELECT necp.clock_advance('6 seconds') \g /dev/null
SELECT is(pg_temp.refused(:'token'), 'NCA12 reconnect_token', 'RECONNECT_WINDOW_EXPIRED: not after them');
SELECT necp.run_job('session_sweep') \g /dev/null
SELECT is((pg_temp.row_of('bob')).close_reason, 'DISCONNECTED', 'it is closed');
SELECT is(pg_temp.refused(:'token'), 'NCA12 reconnect_token', 'RECONNECT_WINDOW_EXPIRED: and stays so');
SELECT pg_temp.login('bob') \g /dev/null
SELECT pg_temp.connect('bob') AS token \gset
SELECT necp.clock_advance('3 minutes 1 second') \g /dev/null
SELECT pg_temp.reconnect(:'token') \g /dev/null
SELECT is(pg_temp.history('bob'), '{CREATED,RECONNECTED}', 'who was silent for 3 minutes is taken up, found or not');

SELECT pg_temp.call(NULL, 'POST', '/auth/login', jsonb_build_object('email', pg_temp.email('bob'), 'verified_hash', 'hash of bob',
	'client_ip', '192.0.2.1', 'user_agent', 'test')) AS answer \gset
SELECT necp.clock_advance('3 minutes 1 second') \g /dev/null
SELECT is(pg_temp.reconnect(:'answer'::json ->> 'reconnect_token') ->> 'session_id', :'answer'::json ->> 'session_id', 'a login gives out a token too');
SELECT pg_temp.call(NULL, 'POST', '/auth/refresh', jsonb_build_object('refresh_token', :'answer'::json ->> 'refresh_token',
	'client_ip', '192.0.2.1', 'user_agent', 'test')) AS answer \gset
SELECT necp.clock_advance('3 minutes 1 second') \g /dev/null
SELECT is(pg_temp.reconnect(:'answer'::json ->> 'reconnect_token') ->> 'session_id', :'answer'::json ->> 'session_id', 'and a refresh');

-- Where from --------------------------------------------------------------------------------------

SELECT pg_temp.login('bob') \g /dev/null
SELECT pg_temp.call('bob', 'POST', '/session/ws-ticket', '{"client_ip": "192.0.2.1", "user_agent": "test"}') \g /dev/null
SELECT is(pg_temp.history('bob'), '{CREATED}', 'the same address and client are nothing new');
SELECT pg_temp.call('bob', 'POST', '/session/ws-ticket', '{"client_ip": "192.0.2.9", "user_agent": "test"}') \g /dev/null
SELECT is(pg_temp.history('bob'), '{CREATED,CLIENT_CHANGED}', 'another address is');
SELECT is((pg_temp.row_of('bob')).client_ip, '192.0.2.9'::inet, 'and is known from then on');
SELECT pg_temp.connect('bob') AS token \gset
SELECT pg_temp.lose('bob') \g /dev/null
SELECT pg_temp.reconnect(:'token', '192.0.2.9', 'other') \g /dev/null
SELECT is(pg_temp.history('bob'), '{CREATED,CLIENT_CHANGED,CLIENT_CHANGED,RECONNECTED}', 'so is another client, when it comes back');
SELECT pg_temp.call(NULL, 'POST', '/auth/refresh', jsonb_build_object('refresh_token', (SELECT refresh FROM who WHERE name = 'bob'),
	'client_ip', '192.0.2.10', 'user_agent', 'other')) \g /dev/null
SELECT is((SELECT array_agg(host(client_ip) ORDER BY id) FROM game.session_audit WHERE session_id = pg_temp.s('bob') AND kind = 'CLIENT_CHANGED'),
	'{192.0.2.9,192.0.2.9,192.0.2.10}', 'or refreshes');
SELECT pg_temp.call('bob', 'POST', '/session/ws-ticket') \g /dev/null
SELECT is((pg_temp.row_of('bob')).client_ip, '192.0.2.10'::inet, 'what is not known changes nothing');

-- State -------------------------------------------------------------------------------------------

SELECT is(pg_temp.call('bob', 'PUT', '/session/state', '{"state": {"window": [1, 2]}}')::jsonb -> 'state', '{"window": [1, 2]}', 'a client keeps what it likes');
SELECT is(pg_temp.call('bob', 'GET', '/session')::jsonb -> 'state', '{"window": [1, 2]}', 'and reads it');
SELECT pg_temp.call('bob', 'PUT', '/session/state', '{"state": {}}') \g /dev/null
SELECT is(pg_temp.call('bob', 'GET', '/session')::jsonb -> 'state', '{}', 'the whole is replaced');
SELECT is(pg_temp.refusal('bob', 'PUT', '/session/state', '{"state": [1]}'), 'NC001 state', 'VALIDATION: a list');
SELECT is(pg_temp.refusal('bob', 'PUT', '/session/state', '{"state": null}'), 'NC001 state', 'VALIDATION: none');
SELECT matches(pg_temp.refusal('bob', 'PUT', '/session/state', jsonb_build_object('state', jsonb_build_object('a', repeat('x', 16384 - 9)))), '^ok', '16 KiB are kept');
SELECT is(pg_temp.refusal('bob', 'PUT', '/session/state', jsonb_build_object('state', jsonb_build_object('a', repeat('x', 16384 - 8)))), 'NC001 state', 'VALIDATION: not a byte more');

-- Own sessions --------------------------------------------------------------------------------------

SELECT pg_temp.s('bob') AS former \gset
SELECT pg_temp.login('bob') \g /dev/null
SELECT pg_temp.call('bob', 'GET', '/account/sessions') AS answer \gset
SELECT is((SELECT array_agg(concat_ws(' ', i ->> 'status', i ->> 'close_reason', i ->> 'current') ORDER BY n) FROM jsonb_array_elements(:'answer'::jsonb -> 'items') WITH ORDINALITY j (i, n)),
	'{CREATED true,CLOSED CONCURRENT_LOGIN false,CLOSED CONCURRENT_LOGIN false,CLOSED CONCURRENT_LOGIN false,CLOSED DISCONNECTED false}', 'an account sees its sessions, the newest first');
SELECT pg_temp.call('bob', 'GET', '/account/sessions', '{"limit": 3}') AS page \gset
SELECT is((SELECT count(*) FROM json_array_elements(:'page'::json -> 'items')), 3::bigint, 'by pages');
SELECT is(pg_temp.call('bob', 'GET', '/account/sessions', jsonb_build_object('limit', 3, 'cursor', :'page'::json -> 'next_cursor'))::jsonb -> 'items' -> 0,
	:'answer'::jsonb -> 'items' -> 3, 'that follow one another');
SELECT is(:'answer'::jsonb -> 'next_cursor', 'null', 'to the end');
SELECT is(pg_temp.refusal('ann', 'GET', '/account/sessions'), 'NC101', 'UNAUTHENTICATED: a closed session sees nothing');
SELECT pg_temp.player('eve') \g /dev/null
SELECT is(pg_temp.refusal('eve', 'DELETE', '/account/sessions/{session_id}', jsonb_build_object('session_id', pg_temp.s('bob'))), 'NC401 session_id', 'NOT_FOUND: another''s');
SELECT is(pg_temp.refusal('eve', 'DELETE', '/account/sessions/{session_id}', jsonb_build_object('session_id', gen_random_uuid())), 'NC401 session_id', 'NOT_FOUND: nobody''s');
SELECT is(pg_temp.call('bob', 'DELETE', '/account/sessions/{session_id}', jsonb_build_object('session_id', :'former'))::text, '{"done":true}', 'a closed one');
SELECT is((SELECT count(*) FROM game.refresh_tokens t JOIN game.player_sessions s USING (family) WHERE s.id = :'former' AND t.revoked_at IS NULL AND t.spent_at IS NULL), 0::bigint, 'loses its refresh tokens');
SELECT is(pg_temp.live_refresh('bob'), 1::bigint, 'the others keep theirs');
SELECT pg_temp.call('bob', 'DELETE', '/account/sessions/{session_id}', jsonb_build_object('session_id', pg_temp.s('bob'))) \g /dev/null
SELECT is((pg_temp.row_of('bob')).close_reason, 'REVOKED', 'a live one is closed');
SELECT is(pg_temp.live_refresh('bob'), 0::bigint, 'and revoked');

-- Who plays -----------------------------------------------------------------------------------------

SELECT pg_temp.player('fay') \g /dev/null
SELECT pg_temp.lose('fay') \g /dev/null
SELECT is((SELECT array_agg(i::jsonb ORDER BY (i ->> 'character_id')::bigint) FROM json_array_elements(pg_temp.call('eve', 'GET', '/session/active-players',
		jsonb_build_object('cursor', least(pg_temp.c('eve'), pg_temp.c('fay')) - 1, 'limit', 2)) -> 'items') i),
	ARRAY(SELECT jsonb_build_object('character_id', pg_temp.c(n), 'name', n || :'tag', 'level', 1, 'place_id', NULL, 'status', 'ACTIVE') FROM unnest('{eve,fay}'::text[]) n),
	'players see who plays');
SELECT is(pg_temp.call('eve', 'GET', '/session/active-players', jsonb_build_object('cursor', pg_temp.c('fay')))::text, '{"items":[],"next_cursor":null}', 'by pages');

-- Old ones ------------------------------------------------------------------------------------------

SELECT pg_temp.call('fay', 'POST', '/auth/logout') \g /dev/null
SELECT necp.clock_advance('6 days 23 hours') \g /dev/null
SELECT necp.run_job('session_purge') \g /dev/null
SELECT is((pg_temp.row_of('fay')).close_reason, 'LOGOUT', 'for a week a closed session is kept');
SELECT necp.clock_advance('2 hours') \g /dev/null
SELECT necp.run_job('session_purge') \g /dev/null
SELECT is(pg_temp.row_of('fay'), NULL, 'then it goes');
SELECT is((SELECT count(*) FROM game.session_audit WHERE session_id = pg_temp.s('fay')), 0::bigint, 'with its history');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing is left behind');
SELECT * FROM finish();
