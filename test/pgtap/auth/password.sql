-- New passwords (DOMAIN §1): with the current one, or with a mailed token.
\ir ../helpers.psql
SELECT plan(45);
SELECT pg_temp.account(n) FROM unnest('{ann,bob,cat}'::text[]) n \g /dev/null
SELECT pg_temp.a('ann') AS ann, pg_temp.a('bob') AS bob \gset
CREATE FUNCTION pg_temp.change(who text, old text, new text, reused boolean DEFAULT false) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/auth/change-password', jsonb_build_object('verified_hash', old, 'password_hash', new, 'password_reused', reused, 'client_ip', '192.0.2.3', 'user_agent', 'test'));
CREATE FUNCTION pg_temp.reset(token text, new text, reused boolean DEFAULT false) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(NULL, 'POST', '/auth/reset-password', jsonb_build_object('token', token, 'password_hash', new, 'password_reused', reused));
CREATE FUNCTION pg_temp.no_reset(token text, new text DEFAULT 'new hash', reused boolean DEFAULT false) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(NULL, 'POST', '/auth/reset-password', jsonb_build_object('token', token, 'password_hash', new, 'password_reused', reused));
CREATE FUNCTION pg_temp.hash(who text) RETURNS text LANGUAGE sql
	RETURN (SELECT password_hash FROM game.accounts WHERE id = pg_temp.a(who));
CREATE FUNCTION pg_temp.mailed(who text) RETURNS text LANGUAGE sql
	RETURN (SELECT data ->> 'token' FROM game.email_outbox WHERE account_id = pg_temp.a(who) AND template = 'RESET_PASSWORD' ORDER BY id DESC LIMIT 1);
CREATE FUNCTION pg_temp.ask(email text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.call(NULL, 'POST', '/auth/forgot-password', jsonb_build_object('email', email));
	PERFORM pg_temp.wait_for('NOT EXISTS (SELECT FROM game.mail_requests WHERE email IS NOT NULL)');
END
$$;
CREATE FUNCTION pg_temp.lookup(who text, call text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	answer text;
BEGIN
	PERFORM necp.enter(pg_temp.s(who), NULL, NULL, NULL, 'p', -1);
	EXECUTE 'SELECT ' || call INTO answer;
	RETURN answer;
END
$$;

-- With the current one ---------------------------------------------------------------------------------------

SELECT is(pg_temp.lookup('ann', 'necp.auth_change_password_lookup()'), 'hash of ann', 'the edge looks the hash up');
SELECT is(pg_temp.change('ann', NULL, 'second') #>> '{problem,code}', 'INVALID_CREDENTIALS', 'a wrong current password is refused');
SELECT is((SELECT outcome FROM game.login_history WHERE account_id = :ann ORDER BY id DESC LIMIT 1), 'WRONG_PASSWORD', 'and noted where the owner sees it');
SELECT is(pg_temp.change('ann', 'hash of yesterday', 'second') #>> '{problem,code}', 'INVALID_CREDENTIALS', 'so is one that changed meanwhile');
SELECT matches(pg_temp.refusal('ann', 'GET', '/auth/me'), '^ok', 'neither ends the session');
SELECT is(pg_temp.refusal('ann', 'POST', '/auth/change-password', '{"verified_hash": "hash of ann", "password_hash": "second", "password_reused": true}'), 'NC010 new_password', 'WEAK_PASSWORD: one of the last');
SELECT is(pg_temp.refusal('ann', 'POST', '/auth/change-password', '{"verified_hash": "hash of ann", "password_hash": "second"}'), 'NC001 new_password', 'VALIDATION: one that was not compared');
SELECT is(pg_temp.refusal(NULL, 'POST', '/auth/change-password', '{"verified_hash": "hash of ann", "password_hash": "second", "password_reused": false}'), 'NC101', 'UNAUTHENTICATED: of nobody');
SELECT is(pg_temp.hash('ann'), 'hash of ann', 'none of these changed anything');
SELECT pg_temp.ask(pg_temp.email('ann')) \g /dev/null
SELECT pg_temp.mailed('ann') AS forgotten \gset
SELECT refresh AS refresh FROM who WHERE name = 'ann' \gset
SELECT is(pg_temp.change('ann', 'hash of ann', 'second')::jsonb, '{"done": true}', 'a change');
SELECT is(pg_temp.hash('ann'), 'second', 'sets the password');
SELECT is((SELECT row(status, close_reason)::text FROM game.player_sessions WHERE id = pg_temp.s('ann')), '(CLOSED,PASSWORD_CHANGED)', 'ends the session, the own one too');
SELECT is(pg_temp.refusal(NULL, 'POST', '/auth/refresh', jsonb_build_object('refresh_token', :'refresh')), 'NC101 refresh_token', 'UNAUTHENTICATED: and every refresh token');
SELECT is(pg_temp.no_reset(:'forgotten'), 'NCA11 token', 'VERIFICATION_EXPIRED: and a token that was mailed for the old one');
SELECT is((SELECT array_agg(data ->> 'cause') FROM game.game_events WHERE type = 'PASSWORD_CHANGED' AND account_id = :ann), '{CHANGE}', 'PASSWORD_CHANGED');
SELECT is((SELECT array_agg(recipient) FROM game.email_outbox WHERE template = 'PASSWORD_CHANGED' AND account_id = :ann), ARRAY[pg_temp.email('ann')], 'the owner is told');
SELECT is(pg_temp.call(NULL, 'POST', '/auth/login', jsonb_build_object('email', pg_temp.email('ann'), 'verified_hash', 'hash of ann')) #>> '{problem,code}', 'INVALID_CREDENTIALS', 'the old one works no more');

-- The last three ---------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.log_in(who text) RETURNS void LANGUAGE sql AS $$
UPDATE pg_temp.who w SET session = (pg_temp.call(NULL, 'POST', '/auth/login', jsonb_build_object('email', pg_temp.email(who),
	'verified_hash', pg_temp.hash(who))) ->> 'session_id')::uuid WHERE w.name = who
$$;
SELECT pg_temp.log_in('ann') \g /dev/null
SELECT is(pg_temp.lookup('ann', 'necp.auth_change_password_lookup()'), E'second\nhash of ann', 'the edge gets the one before too');
SELECT pg_temp.change('ann', 'second', 'third') \g /dev/null
SELECT pg_temp.log_in('ann') \g /dev/null
SELECT pg_temp.change('ann', 'third', 'fourth') \g /dev/null
SELECT pg_temp.log_in('ann') \g /dev/null
SELECT is(pg_temp.lookup('ann', 'necp.auth_change_password_lookup()'), E'fourth\nthird\nsecond', 'three of them, the newest first');
SELECT is((SELECT count(*) FROM game.earlier_passwords WHERE account_id = :ann), 2::bigint, 'older ones are forgotten');
BEGIN;
SELECT necp.config_set('auth.password_history', '1') \g /dev/null
SELECT is(pg_temp.lookup('ann', 'necp.auth_change_password_lookup()'), 'fourth', 'how many is a setting');
ROLLBACK;

-- With a mailed token ----------------------------------------------------------------------------------------

SELECT pg_temp.ask(pg_temp.email('bob')) \g /dev/null
SELECT pg_temp.mailed('bob') AS token \gset
SELECT matches(:'token'::text, '^[A-Za-z0-9_-]{43}$', 'a token is mailed');
SELECT is(pg_temp.lookup(NULL, format('necp.auth_reset_password_lookup(%L)', :'token')), 'hash of bob', 'the edge looks the hash up by it');
SELECT is(pg_temp.lookup(NULL, 'necp.auth_reset_password_lookup(''no such token'')'), NULL, 'by no other');
SELECT is(pg_temp.no_reset('no such token'), 'NCA11 token', 'VERIFICATION_EXPIRED: an unknown token');
SELECT is(pg_temp.no_reset(NULL), 'NC001 token', 'VALIDATION: none');
SELECT is(pg_temp.no_reset(:'token', 'new hash', true), 'NC010 new_password', 'WEAK_PASSWORD: one of the last');
SELECT is(pg_temp.no_reset((SELECT data ->> 'token' FROM game.email_outbox WHERE account_id = :bob AND template = 'VERIFY_EMAIL')), 'NCA11 token', 'VERIFICATION_EXPIRED: one for another purpose');
SELECT necp.clock_advance('1 hour 1 second') \g /dev/null
SELECT is(pg_temp.no_reset(:'token'), 'NCA11 token', 'VERIFICATION_EXPIRED: after an hour');
SELECT is(pg_temp.lookup(NULL, format('necp.auth_reset_password_lookup(%L)', :'token')), NULL, 'when no hash is looked up by it either');
SELECT necp.clock_reset() \g /dev/null
SELECT pg_temp.ask(pg_temp.email('bob')) \g /dev/null
SELECT is(pg_temp.no_reset(:'token'), 'NCA11 token', 'VERIFICATION_EXPIRED: one that a newer replaced');
SELECT pg_temp.mailed('bob') AS token \gset
SELECT pg_temp.call(NULL, 'POST', '/auth/login', jsonb_build_object('email', pg_temp.email('bob'), 'verified_hash', NULL)) FROM generate_series(1, 5) \g /dev/null
SELECT is(pg_temp.refusal(NULL, 'POST', '/auth/login', jsonb_build_object('email', pg_temp.email('bob'), 'verified_hash', 'hash of bob')) ~ '^NCL10', true, 'a locked account');
SELECT refresh AS refresh FROM who WHERE name = 'bob' \gset
SELECT is(pg_temp.reset(:'token', 'fresh')::jsonb, '{"done": true}', 'is reset');
SELECT is(pg_temp.hash('bob'), 'fresh', 'to the new password');
SELECT is((SELECT row(status, close_reason)::text FROM game.player_sessions WHERE id = pg_temp.s('bob')), '(CLOSED,PASSWORD_CHANGED)', 'its session has ended');
SELECT is(pg_temp.refusal(NULL, 'POST', '/auth/refresh', jsonb_build_object('refresh_token', :'refresh')), 'NC101 refresh_token', 'UNAUTHENTICATED: and its refresh tokens');
SELECT is((SELECT array_agg(data ->> 'cause') FROM game.game_events WHERE type = 'PASSWORD_CHANGED' AND account_id = :bob), '{RESET}', 'PASSWORD_CHANGED');
SELECT is((SELECT count(*) FROM game.email_outbox WHERE template = 'PASSWORD_CHANGED' AND account_id = :bob), 1::bigint, 'the owner is told');
SELECT is(pg_temp.no_reset(:'token'), 'NCA10 token', 'TOKEN_USED: it works once');
SELECT matches(pg_temp.refusal(NULL, 'POST', '/auth/login', jsonb_build_object('email', pg_temp.email('bob'), 'verified_hash', 'fresh')), '^ok', 'the lock is gone');
SELECT is((SELECT password_hash FROM game.earlier_passwords WHERE account_id = :bob), 'hash of bob', 'the old one is remembered');
SELECT pg_temp.refusal('cat', 'GET', '/auth/me') AS cat \gset
SELECT matches(:'cat'::text, '^ok', 'others are left alone');
SET ROLE necp_analyst;
SELECT throws_ok('SELECT * FROM game.' || t, '42501', NULL, 'analysts do not read ' || t) FROM unnest('{earlier_passwords,mail_requests,login_failures}'::text[]) t;
RESET ROLE;
SELECT * FROM finish();
