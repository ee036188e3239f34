-- Refresh tokens and mailed tokens (DOMAIN §1, §2).
\ir ../helpers.psql
SELECT plan(12);
CREATE FUNCTION pg_temp.problem(answer json) RETURNS text LANGUAGE sql
	RETURN coalesce(answer #>> '{problem,code}', 'none: ' || answer);
SELECT pg_temp.account('ann') AS ann \gset
SELECT session AS s1, refresh AS r1 FROM who WHERE name = 'ann' \gset

-- Refresh --------------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.refresh(token text) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(NULL, 'POST', '/auth/refresh', jsonb_build_object('refresh_token', token));
CREATE FUNCTION pg_temp.no_refresh(token text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(NULL, 'POST', '/auth/refresh', jsonb_build_object('refresh_token', token));
SELECT is(pg_temp.no_refresh('no such token'), 'NC101 refresh_token', 'UNAUTHENTICATED: an unknown token');
SELECT pg_temp.refresh(:'r1') AS tokens \gset
SELECT :'tokens'::json ->> 'refresh_token' AS r2 \gset
SELECT is(:'tokens'::json ->> 'session_id', :'s1', 'refreshing goes on with the session');
SELECT isnt(:'r2'::text, :'r1'::text, 'with a new token');
SELECT is((SELECT count(DISTINCT family) FROM game.refresh_tokens WHERE account_id = :ann), 1::bigint, 'of the same family');
SELECT is(pg_temp.problem(pg_temp.refresh(:'r1')), 'REFRESH_REUSED', 'a spent token is refused');
SELECT is((SELECT count(*) FROM game.refresh_tokens WHERE account_id = :ann AND revoked_at IS NULL), 0::bigint, 'which commits that its family is revoked');
SELECT is(pg_temp.no_refresh(:'r2'), 'NC101 refresh_token', 'UNAUTHENTICATED: so its newest token works no more');
SELECT is((SELECT row(status, close_reason)::text FROM game.player_sessions WHERE id = :'s1'), '(CLOSED,REFRESH_REUSED)', 'and closes the session of the family');
SELECT pg_temp.login('ann') \g /dev/null
SELECT session AS s3, refresh AS r3 FROM who WHERE name = 'ann' \gset
UPDATE game.player_sessions SET expires_at = necp.now() WHERE id = :'s3';
SELECT pg_temp.wait_for(format('closed_at IS NOT NULL FROM game.player_sessions WHERE id = %L', :'s3')) \g /dev/null
SELECT pg_temp.refresh(:'r3') AS tokens \gset
SELECT :'tokens'::json ->> 'session_id' AS s4, :'tokens'::json ->> 'refresh_token' AS r4 \gset
SELECT isnt(:'s4'::text, :'s3'::text, 'after its session''s end a token opens a new one');
SELECT matches(pg_temp.refusal_of(format('SELECT necp.enter(%L, NULL, NULL, NULL, ''a'', -1)', :'s4')), '^ok', 'which acts');
SELECT necp.clock_advance('7 days 1 second') \g /dev/null
SELECT is(pg_temp.no_refresh(:'r4'), 'NC101 refresh_token', 'UNAUTHENTICATED: after 7 days');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null

UPDATE game.refresh_tokens SET expires_at = necp.now() WHERE account_id = :ann;
SELECT necp.run_job('token_forget') \g /dev/null
SELECT is((SELECT count(*) FROM game.refresh_tokens WHERE account_id = :ann), 0::bigint, 'what has expired is forgotten');
SELECT * FROM finish();
