-- Registration, login and tokens (DOMAIN §1, §2).
\ir ../helpers.psql
SELECT plan(81);
CREATE FUNCTION pg_temp.register(email text, username text, hash text DEFAULT 'hash', display text DEFAULT NULL) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(NULL, 'POST', '/auth/register', jsonb_build_object('email', email, 'username', username, 'password_hash', hash, 'display_name', display));
CREATE FUNCTION pg_temp.problem(answer json) RETURNS text LANGUAGE sql
	RETURN coalesce(answer #>> '{problem,code}', 'none: ' || answer);

-- Registration ---------------------------------------------------------------------------------------------

SELECT pg_temp.call(NULL, 'POST', '/auth/register', jsonb_build_object('email', 'Ann.' || :'tag' || '@Example.com', 'username', 'Ann' || :'tag',
	'password_hash', 'hash of ann', 'client_ip', '192.0.2.7', 'display_name', 'Ann, of tests')) AS view \gset
SELECT :'view'::json ->> 'account_id' AS ann \gset
SELECT is(:'view'::jsonb - 'account_id' - 'created_at', jsonb_build_object('email', 'Ann.' || :'tag' || '@Example.com', 'username', 'Ann' || :'tag',
	'display_name', 'Ann, of tests', 'status', 'ACTIVE', 'email_verified', false, 'roles', '["PLAYER"]'::jsonb), 'an account is made');
SELECT is((SELECT row(password_hash, email_verified_at)::text FROM game.accounts WHERE id = :ann), '("hash of ann",)', 'with the hash that the edge made');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'ACCOUNT_CREATED' AND account_id = :ann), 1::bigint, 'ACCOUNT_CREATED');
SELECT is(pg_temp.register('ann.' || :'tag' || '@EXAMPLE.COM', 'other' || :'tag'), '23505 accounts_email_key', 'EMAIL_TAKEN: in any case');
SELECT is(pg_temp.register('other' || :'tag' || '@example.com', 'ANN' || :'tag'), '23505 accounts_username_key', 'USERNAME_TAKEN: in any case');
SELECT is(pg_temp.register(NULL, 'x' || :'tag'), 'NC001 email', 'VALIDATION: no address');
SELECT is(pg_temp.register('@x', 'x' || :'tag'), 'NC001 email', 'VALIDATION: nobody''s address');
SELECT is(pg_temp.register('nowhere', 'x' || :'tag'), 'NC001 email', 'VALIDATION: no @');
SELECT is(pg_temp.register('a@', 'x' || :'tag'), 'NC001 email', 'VALIDATION: nowhere');
SELECT is(pg_temp.register('a@b@c', 'x' || :'tag'), 'NC001 email', 'VALIDATION: two @');
SELECT is(pg_temp.register('a b@c', 'x' || :'tag'), 'NC001 email', 'VALIDATION: a blank');
SELECT is(pg_temp.register(repeat('a', 250) || '@b.org', 'x' || :'tag'), 'NC001 email', 'VALIDATION: 256 characters');
SELECT matches(pg_temp.register(repeat('a', 241) || :'tag' || '@b.org', 'x' || :'tag'), '^ok', '255 are an address');
SELECT is(pg_temp.register('x' || :'tag' || '@example.com', 'ab'), 'NC001 username', 'VALIDATION: two characters');
SELECT is(pg_temp.register('x' || :'tag' || '@example.com', repeat('a', 21)), 'NC001 username', 'VALIDATION: 21 characters');
SELECT is(pg_temp.register('x' || :'tag' || '@example.com', 'with blank'), 'NC001 username', 'VALIDATION: a blank in a name');
SELECT is(pg_temp.register('x' || :'tag' || '@example.com', 'Zoë' || :'tag'), 'NC001 username', 'VALIDATION: letters of ASCII only');
SELECT is(pg_temp.register('x' || :'tag' || '@example.com', 'x' || :'tag', NULL), 'NC001 password', 'VALIDATION: no password');
SELECT is(pg_temp.register('x' || :'tag' || '@example.com', 'x' || :'tag', 'h', repeat('d', 101)), 'NC001 display_name', 'VALIDATION: a long display name');
SELECT matches(pg_temp.register('x' || :'tag' || '@example.com', 'x' || :'tag', 'h', repeat('ß', 100)), '^ok', 'characters count, not bytes');
SELECT is((SELECT count(*) FROM game.accounts WHERE username IN ('x' || :'tag', 'other' || :'tag')), 0::bigint, 'none of these was made');

-- Verification ---------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.mailed(account bigint) RETURNS text LANGUAGE sql
	RETURN (SELECT data ->> 'token' FROM game.email_outbox WHERE account_id = account ORDER BY id DESC LIMIT 1);
CREATE FUNCTION pg_temp.verify(token text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(NULL, 'POST', '/auth/verify-email', jsonb_build_object('token', token));
SELECT is((SELECT row(recipient, template)::text FROM game.email_outbox WHERE account_id = :ann), format('(Ann.%s@Example.com,VERIFY_EMAIL)', :'tag'), 'a token is mailed');
SELECT is((SELECT digest FROM game.account_tokens WHERE account_id = :ann), sha256(convert_to(pg_temp.mailed(:ann), 'UTF8')), 'its digest is stored, not itself');
SELECT matches(pg_temp.mailed(:ann), '^[A-Za-z0-9_-]{43}$', 'it has 256 bits');
SELECT is(pg_temp.verify('no such token'), 'NCA11 token', 'VERIFICATION_EXPIRED: an unknown token');
SELECT is(pg_temp.verify(NULL), 'NC001 token', 'VALIDATION: no token');
BEGIN;
UPDATE game.account_tokens SET voided_at = necp.now() WHERE account_id = :ann;
SELECT is(pg_temp.verify(pg_temp.mailed(:ann)), 'NCA11 token', 'VERIFICATION_EXPIRED: one that a newer replaced');
ROLLBACK;
BEGIN;
UPDATE game.account_tokens SET purpose = 'RESET_PASSWORD' WHERE account_id = :ann;
SELECT is(pg_temp.verify(pg_temp.mailed(:ann)), 'NCA11 token', 'VERIFICATION_EXPIRED: one for another purpose');
ROLLBACK;
SELECT necp.clock_advance('24 hours 1 second') \g /dev/null
SELECT is(pg_temp.verify(pg_temp.mailed(:ann)), 'NCA11 token', 'VERIFICATION_EXPIRED: after 24 h');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT is((SELECT email_verified_at FROM game.accounts WHERE id = :ann), NULL, 'nothing was verified by these');
SELECT pg_temp.call(NULL, 'POST', '/auth/verify-email', jsonb_build_object('token', pg_temp.mailed(:ann))) AS done \gset
SELECT is(:'done'::jsonb, '{"done": true}', 'the token proves the address');
SELECT isnt((SELECT email_verified_at FROM game.accounts WHERE id = :ann), NULL, 'which is noted');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'EMAIL_VERIFIED' AND account_id = :ann), 1::bigint, 'EMAIL_VERIFIED');
SELECT is(pg_temp.verify(pg_temp.mailed(:ann)), 'NCA10 token', 'TOKEN_USED: it works once');
SELECT throws_ok(format($$INSERT INTO game.account_tokens SELECT sha256(x::text::bytea), %s, 'VERIFY_EMAIL', now(), now() FROM generate_series(1, 2) x$$, :ann), '23505', NULL,
	'one token of a purpose is live');

-- Login ----------------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.try(email text, hash text, ip inet DEFAULT format('2001:db8:%s::1', to_hex((random() * 65535)::int))::inet) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(NULL, 'POST', '/auth/login', jsonb_build_object('email', email, 'verified_hash', hash, 'client_ip', ip, 'user_agent', 'tester ' || current_setting('test.tag')));
CREATE FUNCTION pg_temp.history(account bigint) RETURNS text[] LANGUAGE sql
	RETURN ARRAY(SELECT outcome FROM game.login_history WHERE account_id = account ORDER BY id);
SELECT format('ann.%s@example.com', :'tag') AS email \gset
SELECT is(necp.auth_login_lookup(:'email'), 'hash of ann', 'the edge looks the hash up, in any case');
SELECT is(necp.auth_login_lookup('nobody@example.com'), NULL, 'of an unknown address there is none');
RESET search_path;
SELECT pg_temp.try('nobody.' || :'tag' || '@example.com', NULL)::text AS unknown \gset
SELECT pg_temp.try(:'email', NULL)::text AS wrong \gset
SELECT is(pg_temp.problem(:'wrong'), 'INVALID_CREDENTIALS', 'a wrong password is refused');
SELECT is(:'unknown'::text, :'wrong'::text, 'an unknown address reads the same');
SELECT is(pg_temp.problem(pg_temp.try(:'email', 'hash of yesterday')), 'INVALID_CREDENTIALS', 'so does a hash that changed meanwhile');
SELECT is(pg_temp.history(:ann), '{WRONG_PASSWORD,WRONG_PASSWORD}', 'the refusals are committed');
SELECT is((SELECT array_agg(data::text) FROM game.game_events WHERE type = 'LOGIN_FAILED' AND account_id = :ann), '{"{\"reason\": \"WRONG_PASSWORD\"}","{\"reason\": \"WRONG_PASSWORD\"}"}', 'LOGIN_FAILED, with the reason alone');
SELECT is((SELECT row(account_id, outcome)::text FROM game.login_history WHERE user_agent = 'tester ' || :'tag' AND account_id IS NULL), '(,UNKNOWN_EMAIL)', 'one to nobody''s address too');
SELECT is((SELECT count(*) FROM game.player_sessions WHERE account_id = :ann), 0::bigint, 'no session was opened');
SELECT pg_temp.try(:'email', 'hash of ann', '192.0.2.9') AS tokens \gset
SELECT :'tokens'::json ->> 'session_id' AS s1, :'tokens'::json ->> 'refresh_token' AS r1 \gset
SELECT is(:'tokens'::jsonb - 'session_id' - 'refresh_token' - 'reconnect_token', jsonb_build_object('account_id', :ann, 'roles', '["PLAYER"]'::jsonb,
	'permissions', '["chat.send", "game.play", "guild.join", "trade.execute"]'::jsonb, 'refresh_expires_in', 604800), 'a login gives what the edge signs');
SELECT is(pg_temp.history(:ann), '{WRONG_PASSWORD,WRONG_PASSWORD,SUCCESS}', 'it is noted');
SELECT is((SELECT row(host(client_ip), user_agent)::text FROM game.login_history WHERE account_id = :ann ORDER BY id DESC LIMIT 1), format('(192.0.2.9,"tester %s")', :'tag'), 'from where and with what');
SELECT is((SELECT digest FROM game.refresh_tokens WHERE account_id = :ann), sha256(:'r1'), 'the refresh token is stored as its digest');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'LOGIN_SUCCESS' AND account_id = :ann), 1::bigint, 'LOGIN_SUCCESS');
SELECT isnt((SELECT last_login_at FROM game.accounts WHERE id = :ann), NULL, 'the last login');
UPDATE game.accounts SET status = 'BANNED' WHERE id = :ann;
SELECT is(pg_temp.problem(pg_temp.try(:'email', 'hash of ann')), 'ACCOUNT_BANNED', 'a banned account does not log in');
SELECT is((pg_temp.history(:ann))[4], 'BARRED', 'which is noted');
SELECT is((SELECT data ->> 'reason' FROM game.game_events WHERE type = 'LOGIN_FAILED' AND account_id = :ann ORDER BY id DESC LIMIT 1), 'BARRED', 'LOGIN_FAILED');
SELECT is(pg_temp.problem(pg_temp.try(:'email', 'hash of bob')), 'INVALID_CREDENTIALS', 'who does not know the password does not learn of it');
SELECT is(pg_temp.refusal(NULL, 'POST', '/auth/refresh', jsonb_build_object('refresh_token', :'r1')), 'NC310', 'ACCOUNT_BANNED: nor does it refresh');
UPDATE game.accounts SET status = 'ACTIVE' WHERE id = :ann;
SELECT necp.enter(NULL, NULL, NULL, NULL, 'p', -1), necp.account_ban(:ann, necp.now() + interval '1 hour', 'for the tests') \g /dev/null
RESET search_path;
SELECT is(pg_temp.problem(pg_temp.try(:'email', 'hash of ann')), 'ACCOUNT_BANNED', 'nor one that is banned for an hour');
SELECT necp.clock_advance('1 hour 1 second') \g /dev/null
SELECT is(pg_temp.try(:'email', 'hash of ann') ->> 'account_id', :'ann', 'which the login after that hour lifts');
SELECT is((SELECT a.status || b.lift_cause FROM game.accounts a JOIN game.account_bans b ON b.account_id = a.id WHERE a.id = :ann), 'ACTIVEEXPIRED', 'and notes');
SELECT necp.clock_reset() \g /dev/null
UPDATE game.accounts SET status = 'DELETED', deleted_at = necp.now() WHERE id = :ann;
SELECT is(pg_temp.refusal(NULL, 'POST', '/auth/refresh', jsonb_build_object('refresh_token', :'r1')), 'NC101 refresh_token', 'UNAUTHENTICATED: a deleted account does not refresh');
SELECT is(pg_temp.problem(pg_temp.try(:'email', 'hash of bob')), 'INVALID_CREDENTIALS', 'a wrong password');
SELECT is((SELECT status FROM game.accounts WHERE id = :ann), 'DELETED', 'leaves it deleted');
SELECT necp.clock_advance('29 days 23 hours') \g /dev/null
SELECT is(pg_temp.try(:'email', 'hash of ann') ->> 'account_id', :'ann', 'a login within 30 days');
SELECT is((SELECT row(status, deleted_at)::text FROM game.accounts WHERE id = :ann), '(ACTIVE,)', 'undoes it');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'ACCOUNT_RESTORED' AND account_id = :ann), 1::bigint, 'ACCOUNT_RESTORED');
UPDATE game.accounts SET status = 'DELETED', deleted_at = necp.now() WHERE id = :ann;
SELECT necp.clock_advance('30 days 1 second') \g /dev/null
SELECT is(pg_temp.problem(pg_temp.try(:'email', 'hash of ann')), 'INVALID_CREDENTIALS', 'after them it reads like an unknown one');
SELECT is(necp.auth_login_lookup(:'email'), NULL, 'whose hash is not looked up');
RESET search_path;
SELECT throws_ok(format('UPDATE game.accounts SET status = ''ACTIVE'' WHERE id = %s', :ann), '23514', NULL, 'what was deleted is DELETED');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
UPDATE game.accounts SET status = 'ACTIVE', deleted_at = NULL WHERE id = :ann;

CREATE FUNCTION pg_temp.no_refresh(token text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(NULL, 'POST', '/auth/refresh', jsonb_build_object('refresh_token', token));

-- Logout ---------------------------------------------------------------------------------------------------

SELECT pg_temp.try(:'email', 'hash of ann') AS tokens \gset
INSERT INTO who (name, account_id, session) VALUES ('ann', :ann, (:'tokens'::json ->> 'session_id')::uuid);
SELECT is(pg_temp.call('ann', 'GET', '/auth/me') ->> 'email_verified', 'true', 'one sees oneself');
SELECT is(pg_temp.call('ann', 'POST', '/auth/logout')::jsonb, '{"done": true}', 'a logout');
SELECT is((SELECT row(status, close_reason)::text FROM game.player_sessions WHERE id = pg_temp.s('ann')), '(CLOSED,LOGOUT)', 'ends the session');
SELECT is(pg_temp.no_refresh(:'tokens'::json ->> 'refresh_token'), 'NC101 refresh_token', 'UNAUTHENTICATED: and its family');
SELECT is(pg_temp.refusal('ann', 'POST', '/auth/logout'), 'NC101', 'UNAUTHENTICATED: once');

-- Secrets --------------------------------------------------------------------------------------------------

SET ROLE necp_analyst;
SELECT throws_ok('SELECT * FROM game.' || t, '42501', NULL, 'analysts do not read ' || t)
FROM unnest('{accounts,refresh_tokens,account_tokens,email_outbox,login_history,player_sessions,signing_keys,idempotency_keys,notifications}'::text[]) t;
RESET ROLE;
