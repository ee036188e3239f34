-- What an account sees of itself (DOMAIN §3); lists and their cursors (DOMAIN §0).
\ir ../helpers.psql
SELECT plan(103);
SELECT pg_temp.account('ann') \g /dev/null
SELECT pg_temp.account('bob') \g /dev/null
SELECT pg_temp.call(NULL, 'POST', '/auth/login', jsonb_build_object('email', pg_temp.email('ann'), 'client_ip', '2001:db8::1', 'user_agent', 'Guess/1.0')) \g /dev/null
SELECT pg_temp.login('ann') FROM generate_series(1, 3) \g /dev/null
CREATE FUNCTION pg_temp.logins(params jsonb DEFAULT '{}', who text DEFAULT 'ann') RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'GET', '/account/login-history', params);
SELECT pg_temp.logins() AS all \gset
SELECT is((SELECT array_agg(i ->> 'outcome') FROM json_array_elements(:'all'::json -> 'items') i), '{SUCCESS,SUCCESS,SUCCESS,WRONG_PASSWORD,SUCCESS}', 'attempts, newest first');
SELECT is((:'all'::jsonb #> '{items,3}') - 'login_id' - 'at', '{"outcome": "WRONG_PASSWORD", "client_ip": "2001:db8::1", "user_agent": "Guess/1.0"}', 'with their origin');
SELECT is(:'all'::json ->> 'next_cursor', NULL, 'that is all');
SELECT pg_temp.logins('{"limit": 2}') AS page \gset
SELECT is(json_array_length(:'page'::json -> 'items'), 2, 'a page is as long as its limit');
SELECT is(:'page'::json ->> 'next_cursor', :'page'::json #>> '{items,1,login_id}', 'its cursor is its last item');
SELECT is(pg_temp.logins(jsonb_build_object('limit', 3, 'cursor', :'page'::json -> 'next_cursor'))::jsonb,
	jsonb_build_object('items', (:'all'::jsonb -> 'items') - 1 - 0, 'next_cursor', NULL), 'the next page goes on behind it; a full last page has no next');
SELECT is(pg_temp.refusal('ann', 'GET', '/account/login-history', '{"limit": 0}'), 'NC001 limit', 'VALIDATION: no page');
SELECT is(pg_temp.refusal('ann', 'GET', '/account/login-history', '{"limit": 101}'), 'NC001 limit', 'VALIDATION: a long page');
SELECT matches(pg_temp.refusal('ann', 'GET', '/account/login-history', '{"limit": 100}'), '^ok', 'a hundred are a page');
SELECT is(pg_temp.refusal('ann', 'GET', '/account/login-history', '{"cursor": 0}'), 'NC001 cursor', 'VALIDATION: no cursor');
SELECT is(pg_temp.logins('{"cursor": 1}')::jsonb, '{"items": [], "next_cursor": null}', 'behind the end there is nothing');
SELECT is((SELECT count(*) FROM json_array_elements(pg_temp.logins('{}', 'bob') -> 'items')), 1::bigint, 'others'' attempts are not listed');
SELECT is(pg_temp.refusal(NULL, 'GET', '/account/login-history'), 'NC101', 'UNAUTHENTICATED: nor anybody''s to nobody');

-- Profile and address ----------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.put(who text, params jsonb) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'PUT', '/account', params);
CREATE FUNCTION pg_temp.problem(answer json) RETURNS text LANGUAGE sql
	RETURN coalesce(answer #>> '{problem,code}', 'none: ' || answer);
CREATE FUNCTION pg_temp.mails(who text) RETURNS text[] LANGUAGE sql
	RETURN ARRAY(SELECT template || ' to ' || recipient FROM game.email_outbox WHERE account_id = pg_temp.a(who) ORDER BY id);
CREATE FUNCTION pg_temp.token(who text) RETURNS text LANGUAGE sql
	RETURN (SELECT data ->> 'token' FROM game.email_outbox WHERE account_id = pg_temp.a(who) AND data ? 'token' ORDER BY id DESC LIMIT 1);
CREATE FUNCTION pg_temp.prove(token text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(NULL, 'POST', '/auth/verify-email', jsonb_build_object('token', token));
CREATE FUNCTION pg_temp.address(who text) RETURNS text LANGUAGE sql
	RETURN (SELECT concat_ws(' ', email, CASE WHEN email_verified_at IS NOT NULL THEN 'proven' END) FROM game.accounts WHERE id = pg_temp.a(who));
SELECT is((pg_temp.call('ann', 'GET', '/account'))::jsonb - 'created_at' - 'last_login_at', jsonb_build_object('account_id', pg_temp.a('ann'), 'email', pg_temp.email('ann'),
	'pending_email', NULL, 'email_verified', false, 'username', 'ann' || :'tag', 'display_name', 'ann' || :'tag'), 'one''s account');
SELECT is(pg_temp.put('ann', '{"display_name": "  Ann <b>of</b> tests "}') ->> 'display_name', 'Ann <b>of</b> tests', 'a name is changed without a password; markup is text');
SELECT is(pg_temp.refusal('ann', 'PUT', '/account', jsonb_build_object('display_name', name)), 'NC001 display_name', 'VALIDATION: ' || what)
	FROM (VALUES ('nothing', ' '), ('bidi', U&'\202Ea'), ('zero-width', U&'a\200Bb'), ('a pile of marks', 'a' || repeat(U&'\0335', 40)), ('too long', repeat('x', 101))) t (what, name);
SELECT is(pg_temp.put('ann', '{}') ->> 'display_name', 'Ann <b>of</b> tests', 'nothing changes nothing');
SELECT is(pg_temp.problem(pg_temp.put('ann', '{"email": "new@example.com", "display_name": "X"}')), 'INVALID_CREDENTIALS', 'a new address wants the password');
SELECT is(pg_temp.problem(pg_temp.put('ann', '{"email": "new@example.com", "verified_hash": "hash of bob"}')), 'INVALID_CREDENTIALS', 'the right one');
SELECT is((SELECT display_name FROM game.accounts WHERE id = pg_temp.a('ann')), 'Ann <b>of</b> tests', 'nothing else of a refused change is done');
SELECT is((SELECT outcome FROM game.login_history WHERE account_id = pg_temp.a('ann') ORDER BY id DESC LIMIT 1), 'WRONG_PASSWORD', 'the attempt is noted');
SELECT is(pg_temp.refusal('ann', 'PUT', '/account', jsonb_build_object('email', address, 'verified_hash', 'hash of ann')), 'NC001 email', 'VALIDATION: ' || what)
	FROM (VALUES ('no address', 'nowhere'), ('a header', E'a@b.org\nBcc: c@d.org'), ('an envelope', 'a@b>c')) t (what, address);
SELECT is(pg_temp.refusal('ann', 'PUT', '/account', jsonb_build_object('email', upper(pg_temp.email('bob')), 'verified_hash', 'hash of ann')), 'NC910 email', 'EMAIL_TAKEN');
SELECT 'ann.new' || :'tag' || '@example.com' AS new_email \gset
SELECT is(pg_temp.put('ann', jsonb_build_object('email', :'new_email', 'verified_hash', 'hash of ann')) ->> 'pending_email', :'new_email', 'with the password it is pending');
SELECT is(pg_temp.address('ann'), pg_temp.email('ann'), 'the address stays until then');
SELECT is(pg_temp.mails('ann'), ARRAY['VERIFY_EMAIL to ' || pg_temp.email('ann'), 'VERIFY_EMAIL to ' || :'new_email', 'EMAIL_CHANGED to ' || pg_temp.email('ann')], 'the new one gets a token, the old one is told');
SELECT pg_temp.token('ann') AS first \gset
SELECT is(pg_temp.put('ann', jsonb_build_object('email', pg_temp.email('ann'))) ->> 'pending_email', NULL, 'the current address withdraws the change');
SELECT is(pg_temp.prove(:'first'), 'NCA11 token', 'VERIFICATION_EXPIRED: its token is void');
SELECT pg_temp.put('ann', jsonb_build_object('email', :'new_email', 'verified_hash', 'hash of ann')) \g /dev/null
SELECT pg_temp.token('ann') AS first \gset
SELECT pg_temp.put('ann', jsonb_build_object('email', :'new_email', 'verified_hash', 'hash of ann')) \g /dev/null
SELECT is(pg_temp.prove(:'first'), 'NCA11 token', 'VERIFICATION_EXPIRED: a newer token replaced it');
SELECT pg_temp.call('ann', 'POST', '/auth/change-password', '{"verified_hash": "hash of ann", "password_hash": "hash of ann", "password_reused": false}') \g /dev/null
SELECT is(pg_temp.prove(pg_temp.token('ann')), 'NCA11 token', 'VERIFICATION_EXPIRED: a new password withdraws a change that was not wanted');
SELECT pg_temp.login('ann') \g /dev/null
SELECT is(pg_temp.call('ann', 'GET', '/account') ->> 'pending_email', NULL, 'nothing is pending then');
SELECT pg_temp.put('ann', jsonb_build_object('email', :'new_email', 'verified_hash', 'hash of ann')) \g /dev/null
SELECT necp.clock_advance('24 hours 1 second') \g /dev/null
SELECT is(pg_temp.prove(pg_temp.token('ann')), 'NCA11 token', 'VERIFICATION_EXPIRED: after a day');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT is(pg_temp.address('ann'), pg_temp.email('ann'), 'none of these changed it');
BEGIN;
UPDATE game.accounts SET email = :'new_email' WHERE id = pg_temp.a('bob');
SELECT is(pg_temp.prove(pg_temp.token('ann')), '23505 accounts_email_key', 'EMAIL_TAKEN: somebody was faster');
ROLLBACK;
SELECT pg_temp.call(NULL, 'POST', '/auth/verify-email', jsonb_build_object('token', pg_temp.token('ann'))) \g /dev/null
SELECT is(pg_temp.address('ann'), :'new_email' || ' proven', 'the token makes it the address');
SELECT is(pg_temp.call('ann', 'GET', '/account') ->> 'pending_email', NULL, 'nothing is pending any more');
SELECT is(pg_temp.prove(pg_temp.token('ann')), 'NCA10 token', 'TOKEN_USED: it works once');
SELECT is_empty($$SELECT * FROM game.account_tokens WHERE account_id = pg_temp.a('ann') AND used_at IS NULL AND voided_at IS NULL$$, 'what was mailed to the old address is void');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'EMAIL_VERIFIED' AND account_id = pg_temp.a('ann')), 1::bigint, 'EMAIL_VERIFIED');
SELECT is(pg_temp.refusal(NULL, 'GET', '/account'), 'NC101', 'UNAUTHENTICATED');

-- Settings ---------------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.set(params jsonb, who text DEFAULT 'ann') RETURNS jsonb LANGUAGE sql
	RETURN pg_temp.call(who, 'PUT', '/account/settings', params);
CREATE FUNCTION pg_temp.no_set(params jsonb) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal('ann', 'PUT', '/account/settings', params);
SELECT is((pg_temp.call('ann', 'GET', '/account/settings'))::jsonb, '{"ui": {}, "audio": {}, "graphics": {}, "language": "en", "timezone": "UTC", "privacy_consent": false,
	"privacy_consent_at": null, "marketing_consent": false, "marketing_consent_at": null, "updated_at": null}', 'settings of who never changed one');
SELECT is(pg_temp.set('{"ui": {"scale": 1.5}, "timezone": "Europe/Warsaw", "language": "en"}') - 'updated_at', '{"ui": {"scale": 1.5}, "audio": {}, "graphics": {}, "language": "en",
	"timezone": "Europe/Warsaw", "privacy_consent": false, "privacy_consent_at": null, "marketing_consent": false, "marketing_consent_at": null}', 'what is given changes');
SELECT is(pg_temp.set('{"audio": {"volume": 3}}') -> 'ui', '{"scale": 1.5}', 'what is not stays');
SELECT is(pg_temp.set('{"ui": {}}') -> 'ui', '{}', 'an object is replaced as a whole');
SELECT is(pg_temp.no_set(jsonb_build_object(f, jsonb_build_object('x', repeat('x', 16384)))), 'NC011 ' || f, 'SETTINGS_TOO_LARGE: ' || f) FROM unnest('{ui,audio,graphics}'::text[]) f;
SELECT is(pg_temp.no_set(jsonb_build_object('ui', jsonb_build_object('x', repeat('ß', 8190)))), 'NC011 ui', 'SETTINGS_TOO_LARGE: bytes count');
SELECT matches(pg_temp.no_set(jsonb_build_object('ui', jsonb_build_object('x', repeat('x', 16384 - 10)))), '^ok', 'as large as it may be');
SELECT is(pg_temp.no_set(jsonb_build_object('ui', value)), 'NC001 ui', 'VALIDATION: ' || value::text) FROM unnest('{1,[],true}'::jsonb[]) value;
SELECT is(pg_temp.no_set('{"language": "tlh"}'), 'NC001 language', 'VALIDATION: a language that is not there');
SELECT is(pg_temp.no_set(jsonb_build_object('timezone', zone)), 'NC001 timezone', 'VALIDATION: time zone ' || zone) FROM unnest('{Nowhere/At_All,UTC+25,"../../etc/passwd","",EST5ESTX}'::text[]) zone;
SELECT is(pg_temp.set('{"privacy_consent": true}') -> 'privacy_consent', 'true', 'a consent');
SELECT (pg_temp.set('{"privacy_consent": true, "marketing_consent": false}')) AS said \gset
SELECT ok((:'said'::jsonb ->> 'privacy_consent_at')::timestamptz < (:'said'::jsonb ->> 'updated_at')::timestamptz, 'saying it again changes nothing about when it was said');
SELECT is(:'said'::jsonb -> 'marketing_consent_at', 'null', 'nor does not agreeing to what one never did');
SELECT ok((s ->> 'privacy_consent_at') = (s ->> 'updated_at') AND s -> 'privacy_consent' = 'false', 'withdrawing it has its time') FROM pg_temp.set('{"privacy_consent": false}') s;
SELECT is(pg_temp.call('bob', 'GET', '/account/settings') ->> 'timezone', 'UTC', 'others'' settings are theirs');
SELECT necp.config_set('account.languages', '["pl", "en"]') \g /dev/null
SELECT is(pg_temp.call('bob', 'GET', '/account/settings') ->> 'language', 'pl', 'the first language of the list is the default');
SELECT necp.config_set('account.languages', '["en"]') \g /dev/null

-- Deletion ---------------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.delete(who text, params jsonb) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'DELETE', '/account', params);
SELECT is(pg_temp.problem(pg_temp.delete('bob', '{}')), 'INVALID_CREDENTIALS', 'a deletion wants the password');
SELECT is(pg_temp.problem(pg_temp.delete('bob', '{"verified_hash": "hash of ann"}')), 'INVALID_CREDENTIALS', 'the right one');
SELECT is((SELECT status FROM game.accounts WHERE id = pg_temp.a('bob')), 'ACTIVE', 'nothing was deleted by these');
SELECT pg_temp.put('bob', jsonb_build_object('email', 'bob.new' || :'tag' || '@example.com', 'verified_hash', 'hash of bob')) \g /dev/null
SELECT pg_temp.delete('bob', '{"verified_hash": "hash of bob"}') AS deleted \gset
SELECT is((:'deleted'::json ->> 'restorable_until')::timestamptz - (:'deleted'::json ->> 'deleted_at')::timestamptz, '30 days'::interval, 'a deletion can be undone for 30 days');
SELECT is((SELECT row(status, close_reason)::text FROM game.player_sessions WHERE id = pg_temp.s('bob')), '(CLOSED,ACCOUNT_DELETED)', 'its session ends');
SELECT is(pg_temp.refusal('bob', 'GET', '/account'), 'NC101', 'UNAUTHENTICATED: it acts no more');
SELECT is_empty($$SELECT * FROM game.refresh_tokens WHERE account_id = pg_temp.a('bob') AND revoked_at IS NULL$$, 'its refresh tokens are revoked');
SELECT is_empty($$SELECT * FROM game.account_tokens WHERE account_id = pg_temp.a('bob') AND voided_at IS NULL AND used_at IS NULL$$, 'its mailed tokens are void');
SELECT is((pg_temp.mails('bob'))[4:], ARRAY['ACCOUNT_DELETED to ' || pg_temp.email('bob')], 'its owner is told');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'ACCOUNT_DELETED' AND account_id = pg_temp.a('bob')), 1::bigint, 'ACCOUNT_DELETED');
SELECT pg_temp.login('bob') \g /dev/null
SELECT is(pg_temp.call('bob', 'GET', '/account') ->> 'email', pg_temp.email('bob'), 'a login brings it back as it was');
SELECT pg_temp.delete('bob', '{"verified_hash": "hash of bob"}') \g /dev/null
SELECT necp.clock_advance('30 days 23 hours') \g /dev/null
SELECT necp.run_job('account_purge') \g /dev/null
SELECT is((SELECT purged_at FROM game.accounts WHERE id = pg_temp.a('bob')), NULL, 'it is kept a day longer');
SELECT necp.clock_advance('2 hours') \g /dev/null
SELECT necp.run_job('account_purge') \g /dev/null
SELECT is((SELECT row(status, display_name, password_hash, email ~ '^deleted-x[0-9a-f]{32}@account.invalid$', username ~ '^x[0-9a-f]{19}$', email_verified_at, purged_at IS NOT NULL)::text
	FROM game.accounts WHERE id = pg_temp.a('bob')), '(DELETED,Deleted,!,t,t,,t)', 'then it is nobody''s');
SELECT is_empty(format('SELECT * FROM game.%I WHERE account_id = pg_temp.a(''bob'')', t), 'with nothing left in ' || t)
	FROM unnest('{account_settings,email_changes,email_outbox,login_history,refresh_tokens,account_tokens,earlier_passwords,account_twofactor,backup_codes,account_roles}'::text[]) t;
SELECT is_empty($$SELECT * FROM game.player_sessions WHERE account_id = pg_temp.a('bob') AND (client_ip IS NOT NULL OR user_agent IS NOT NULL)$$, 'nor from where it was used');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'ACCOUNT_PURGED' AND account_id = pg_temp.a('bob')), 1::bigint, 'ACCOUNT_PURGED, once');
SELECT is(necp.auth_login_lookup(pg_temp.email('bob')), NULL, 'its address is free');
RESET search_path;
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT lives_ok($$SELECT pg_temp.call(NULL, 'POST', '/auth/register', jsonb_build_object('email', pg_temp.email('bob'), 'username', 'bob' || current_setting('test.tag'), 'password_hash', 'h'))$$, 'somebody else may have them');

-- With a second factor.
SELECT pg_temp.account('eve') \g /dev/null
SELECT pg_temp.call('eve', 'POST', '/auth/2fa/enable', '{"verified_hash": "hash of eve"}') \g /dev/null
CREATE FUNCTION pg_temp.code(step int) RETURNS text LANGUAGE sql
	RETURN necp.totp((SELECT secret FROM game.account_twofactor WHERE account_id = pg_temp.a('eve')), (extract(epoch FROM necp.now()) / 30)::bigint + step);
SELECT pg_temp.call('eve', 'POST', '/auth/2fa/verify', jsonb_build_object('code', pg_temp.code(-1))) \g /dev/null
SELECT is(pg_temp.refusal('eve', 'DELETE', '/account', '{"verified_hash": "hash of eve"}'), 'NC112 code', 'TWO_FACTOR_REQUIRED');
SELECT is(pg_temp.problem(pg_temp.delete('eve', '{"verified_hash": "hash of eve", "code": "000000"}')), 'INVALID_2FA_CODE', 'a wrong code is refused');
SELECT is((SELECT outcome FROM game.login_history WHERE account_id = pg_temp.a('eve') ORDER BY id DESC LIMIT 1), 'WRONG_CODE', 'which is noted');
SELECT is(pg_temp.delete('eve', jsonb_build_object('verified_hash', 'hash of eve', 'code', pg_temp.code(0))) ->> 'problem', NULL, 'a right one will do');
SELECT is((SELECT status FROM game.accounts WHERE id = pg_temp.a('eve')), 'DELETED', 'the account is deleted');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'a deleted account owns no live session');
SELECT * FROM finish();
