-- necp.enter(): who acts, with which rights, and in which transactions (ARCHITECTURE: a request).
\ir ../helpers.psql
SELECT plan(44);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.account('bob') \g /dev/null
SELECT format('SELECT necp.enter(%L, NULL, NULL, NULL, ''a'', -1)', pg_temp.s('ann')) AS enter \gset

-- Who acts -----------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.enter(session uuid, need text, permission int DEFAULT -1, key uuid DEFAULT NULL, hash bytea DEFAULT '\x00') RETURNS text
	LANGUAGE sql RETURN pg_temp.refusal_of(format('SELECT necp.enter(%L, %L, %L, NULL, %L, %s)', session, key, hash, need, permission));
SELECT is(pg_temp.enter(NULL, 'p'), 'ok: null', 'what is public needs no session');
SELECT is(pg_temp.enter(NULL, 'a'), 'NC101', 'UNAUTHENTICATED: an account needs one');
SELECT is(pg_temp.enter(NULL, 'c'), 'NC101', 'UNAUTHENTICATED: so does a character');
SELECT is(pg_temp.enter(NULL, NULL), 'NC101', 'UNAUTHENTICATED: a null need asks for an account');
SELECT is(pg_temp.enter(gen_random_uuid(), 'p'), 'NC101', 'UNAUTHENTICATED: a session that does not exist');
SELECT is(pg_temp.enter(pg_temp.s('bob'), 'a'), 'ok: null', 'a session acts for its account');
SELECT is(pg_temp.enter(pg_temp.s('bob'), 'c'), 'NC912', 'NO_ACTIVE_CHARACTER: none is selected');
SELECT is(pg_temp.enter(pg_temp.s('ann'), 'c'), 'ok: null', 'a selected character acts');
SELECT is((pg_temp.call('ann', 'GET', '/auth/me') ->> 'account_id')::bigint, pg_temp.a('ann'), 'rules see the account');
SELECT is(pg_temp.refusal_of('SELECT necp.auth_me()'), 'NC101', 'without enter() nobody acts');
SELECT is(pg_temp.run('edge', :'enter', 'SELECT necp.auth_me()'), 'ok', 'with it somebody does');
SELECT is(pg_temp.run('edge', 'SELECT necp.auth_me()'), 'NC101', 'until the transaction ends');
SELECT is(pg_temp.run('edge', 'SELECT necp.inventory_get()'), 'NC101', 'nor does the character outlive it');

-- Permissions --------------------------------------------------------------------------------------

SELECT is(pg_temp.enter(pg_temp.s('ann'), 'a', 0), 'ok: null', 'a player may play');
SELECT is(pg_temp.enter(pg_temp.s('ann'), 'a', 7), 'NC301', 'FORBIDDEN: but not ban');
SELECT is(pg_temp.enter(NULL, 'p', 0), 'NC101', 'UNAUTHENTICATED: a permission needs somebody who has it');
INSERT INTO game.account_roles (account_id, role, granted_at, expires_at)
	VALUES (pg_temp.a('bob'), 'MODERATOR', necp.now(), necp.now() + interval '1 hour');
SELECT pg_temp.login('bob') \g /dev/null
SELECT is(pg_temp.enter(pg_temp.s('bob'), 'a', 7), 'ok: null', 'a role gives its permissions');
SELECT is(pg_temp.enter(pg_temp.s('bob'), 'a', 12), 'NC301', 'FORBIDDEN: and no others');
SELECT necp.clock_advance('61 minutes') \g /dev/null
SELECT is(pg_temp.enter(pg_temp.s('bob'), 'a', 7), 'NC301', 'FORBIDDEN: a role that expired gives none, cached or not');
SELECT is(pg_temp.enter(pg_temp.s('bob'), 'a', 0), 'ok: null', 'the session goes on with the others');
SELECT necp.clock_reset() \g /dev/null

-- Which transactions -------------------------------------------------------------------------------

SELECT is(pg_temp.run('edge', :'enter'), 'ok', 'a transaction of its own');
SELECT is(pg_temp.run('edge', :'enter', :'enter'), '25001', 'enter() is called once in a transaction');
SELECT is(pg_temp.run('edge', 'SAVEPOINT a', :'enter'), '25001', 'not inside a subtransaction');
SELECT is(pg_temp.run('edge', 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ', :'enter'), '25001', 'not under REPEATABLE READ');
SELECT is(pg_temp.run('edge', 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE', :'enter'), '25001', 'not under SERIALIZABLE');
SELECT is(pg_temp.run('edge', format('SELECT necp.subscribe(%L, %L)', pg_temp.s('ann'), '/topic/server/announcements'), :'enter'),
          '25001', 'what realtime calls counts as entering');
SELECT is(pg_temp.run('edge', 'SET LOCAL search_path = public', :'enter',
	'SELECT 1 / (current_setting(''search_path'') = ''pg_catalog, pg_temp'')::int'), 'ok', 'enter() pins the search path');
SELECT is((SELECT path FROM dblink('edge', 'SHOW search_path') d (path text)), 'pg_catalog, pg_temp', 'which is pinned for the servers anyway');
SET necpgame.rehearsal = off;
SET search_path = public;
SELECT necp.enter(NULL, NULL, NULL, NULL, 'p', -1) \g /dev/null
SELECT is(current_setting('search_path'), 'public', 'for one transaction only');
RESET search_path;
SELECT throws_ok(:'enter', '25001', NULL, 'a block that catches errors is a subtransaction');
SELECT is(pg_temp.run('edge', 'SET necpgame.rehearsal = on'), '42501', 'the servers cannot rehearse');
SET necpgame.rehearsal = on;

-- Versions -----------------------------------------------------------------------------------------

SELECT pg_temp.link('fresh', 'postgres') \g /dev/null
SELECT is(pg_temp.run('fresh', 'DELETE FROM game.schema_version', 'SELECT necp.enter(NULL, NULL, NULL, NULL, ''p'', -1)'), 'NCU03',
          'UNAVAILABLE: the tables are not of the code''s version');
SELECT is(pg_temp.run('fresh', 'SELECT necp.enter(NULL, NULL, NULL, NULL, ''p'', -1)'), 'ok', 'that is not remembered');
SELECT dblink_disconnect('fresh') \g /dev/null

-- The request -------------------------------------------------------------------------------------

SELECT is(pg_temp.enter(pg_temp.s('ann'), 'a', -1, gen_random_uuid(), NULL), 'NC001 request_hash', 'VALIDATION: a key belongs to a request');
SELECT pg_temp.run('edge', format('SELECT necp.auth_logout() FROM necp.enter(%L, NULL, NULL, %L, ''a'', -1)', pg_temp.s('bob'),
	'0a0b0c0d-0000-0000-0000-' || lpad(:'tag', 12, '0'))) \g /dev/null
SELECT is((SELECT array_agg(DISTINCT type ORDER BY type) FROM game.game_events WHERE correlation_id = ('0a0b0c0d-0000-0000-0000-' || lpad(:'tag', 12, '0'))::uuid),
          '{LOGOUT,SESSION_CLOSED}', 'what a request caused carries its trace id');

-- The end of a session ------------------------------------------------------------------------------

SELECT is(pg_temp.enter(pg_temp.s('bob'), 'a'), 'NC101', 'UNAUTHENTICATED: a session that was closed, at once and in every process');
SELECT is(pg_temp.refusal('ann', 'GET', '/auth/me') LIKE 'ok:%', true, 'another one still acts');
SELECT pg_temp.s('ann') AS first \gset
SELECT pg_temp.login('ann') \g /dev/null
SELECT is(pg_temp.enter(:'first', 'a'), 'NC101', 'UNAUTHENTICATED: a login ends the session before it');
SELECT is(pg_temp.enter(pg_temp.s('ann'), 'c'), 'NC912', 'NO_ACTIVE_CHARACTER: the new one has yet to select');
UPDATE game.accounts SET status = 'SUSPENDED' WHERE id = pg_temp.a('ann');
SELECT is((SELECT count(*) FROM game.player_sessions WHERE account_id = pg_temp.a('ann') AND closed_at IS NULL), 1::bigint, 'a suspended account has a session');
UPDATE game.player_sessions SET id = gen_random_uuid() WHERE account_id = pg_temp.a('ann') AND closed_at IS NULL RETURNING id AS renamed \gset
SELECT is(pg_temp.enter(:'renamed', 'a'), 'NC101', 'UNAUTHENTICATED: but the table does not vouch for it');
UPDATE game.accounts SET status = 'ACTIVE' WHERE id = pg_temp.a('ann');
SELECT is(pg_temp.enter(:'renamed', 'a'), 'ok: null', 'once it is active again, it acts');
SELECT necp.clock_advance('24 hours 1 second') \g /dev/null
SELECT is(pg_temp.enter(:'renamed', 'a'), 'NC101', 'UNAUTHENTICATED: a session has an absolute life');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT ok(pg_temp.wait_for(format('necp.now() < clock_timestamp() + interval ''1 minute''')), 'the clock goes right again');
SELECT * FROM finish();
