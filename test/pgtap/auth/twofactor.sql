-- The second factor (DOMAIN §1): codes by time, backup codes, setting up and taking away.
\ir ../helpers.psql
SELECT plan(65);
SELECT pg_temp.account('ann') \g /dev/null
SELECT pg_temp.account('bob') \g /dev/null
-- Begins with a step, so that none ends between the making of a code and its use.
SELECT necp.clock_advance(make_interval(secs => 30.1 - mod(extract(epoch FROM necp.now()), 30))) \g /dev/null

-- Codes ----------------------------------------------------------------------------------------------------

SELECT is(necp.totp('12345678901234567890', t / 30), right(code, 6), format('RFC 6238, SHA-1, at %s s', t))
FROM (VALUES (59, '94287082'), (1111111109, '07081804'), (1111111111, '14050471'), (1234567890, '89005924'),
	(2000000000, '69279037'), (20000000000, '65353130')) v (t, code);
SELECT is(necp.base32(b::bytea), c, format('RFC 4648: base32 of "%s"', b))
FROM (VALUES ('', ''), ('f', 'MY'), ('fo', 'MZXQ'), ('foo', 'MZXW6'), ('foob', 'MZXW6YQ'), ('fooba', 'MZXW6YTB'), ('foobar', 'MZXW6YTBOI')) v (b, c);

-- Setting up -----------------------------------------------------------------------------------------------

CREATE FUNCTION pg_temp.factor(who text) RETURNS game.account_twofactor LANGUAGE sql
	RETURN (SELECT t FROM game.account_twofactor t WHERE t.account_id = pg_temp.a(who));
CREATE FUNCTION pg_temp.step() RETURNS bigint LANGUAGE sql
	RETURN floor(extract(epoch FROM necp.now()) / 30)::bigint;
-- The code of an authenticator whose clock is some steps off.
CREATE FUNCTION pg_temp.code(who text, off int DEFAULT 0) RETURNS text LANGUAGE sql
	RETURN necp.totp((pg_temp.factor(who)).secret, pg_temp.step() + off);
CREATE FUNCTION pg_temp.enable(who text) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/auth/2fa/enable', jsonb_build_object('verified_hash', 'hash of ' || who));
CREATE FUNCTION pg_temp.no_verify(who text, code text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/auth/2fa/verify', jsonb_build_object('code', code));
CREATE FUNCTION pg_temp.no_disable(who text, code text, hash text DEFAULT NULL) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/auth/2fa/disable', jsonb_build_object('code', code, 'verified_hash', coalesce(hash, 'hash of ' || who)));
-- A new step begins: no code of it is spent.
CREATE FUNCTION pg_temp.next_step() RETURNS void LANGUAGE sql AS $$SELECT necp.clock_advance('90 seconds')$$;

SELECT is(pg_temp.refusal(NULL, 'POST', '/auth/2fa/enable'), 'NC101', 'UNAUTHENTICATED: nobody has no second factor');
SELECT is(pg_temp.refusal('ann', 'POST', '/auth/2fa/enable'), 'NC110 password', 'INVALID_CREDENTIALS: it takes the password');
SELECT is(pg_temp.refusal('ann', 'POST', '/auth/2fa/enable', '{"verified_hash": "hash of yesterday"}'), 'NC110 password', 'INVALID_CREDENTIALS: of now');
SELECT is(pg_temp.no_verify('ann', '123456'), 'NC901', 'CONFLICT: nothing waits for a code');
SELECT is(pg_temp.no_disable('ann', '123456'), 'NC901', 'CONFLICT: nothing is on');
SELECT pg_temp.enable('ann') AS setup \gset
SELECT is(:'setup'::json ->> 'secret', necp.base32((pg_temp.factor('ann')).secret), 'a secret of 160 bits, in base32');
SELECT is(:'setup'::json ->> 'uri', format('otpauth://totp/NECPGAME:ann%s%%40example.com?secret=%s&issuer=NECPGAME&algorithm=SHA1&digits=6&period=30', :'tag', :'setup'::json ->> 'secret'),
	'and as the URI that authenticators read');
SELECT is((pg_temp.factor('ann')).expires_at - (pg_temp.factor('ann')).created_at, '10 minutes'::interval, 'it waits for ten minutes');
SELECT is((pg_temp.factor('ann')).enabled_at, NULL, 'and is not on');
SELECT pg_temp.login('ann') \g /dev/null
SELECT is(pg_temp.no_disable('ann', pg_temp.code('ann')), 'NC901', 'CONFLICT: what waits cannot be taken away');
SELECT is(pg_temp.no_verify('ann', NULL), 'NC001 code', 'VALIDATION: no code');
SELECT is(pg_temp.no_verify('ann', ''), 'NC001 code', 'VALIDATION: an empty one');
SELECT is(pg_temp.no_verify('ann', lpad(((pg_temp.code('ann')::int + 1) % 1000000)::text, 6, '0')), 'NC113 code', 'INVALID_2FA_CODE: a wrong one');
SELECT is(pg_temp.no_verify('ann', 'ABCD-EFGH-IJKL-MNOP'), 'NC113 code', 'INVALID_2FA_CODE: no digits');
SELECT is(pg_temp.no_verify('ann', pg_temp.code('ann', -2)), 'NC113 code', 'INVALID_2FA_CODE: two steps late');
SELECT is(pg_temp.no_verify('ann', pg_temp.code('ann', 2)), 'NC113 code', 'INVALID_2FA_CODE: two steps early');
SELECT matches(pg_temp.no_verify('ann', pg_temp.code('ann', -1)), '^ok', 'one step late');
SELECT matches(pg_temp.no_verify('ann', pg_temp.code('ann', 1)), '^ok', 'or early will do');
SELECT necp.clock_advance('10 minutes 1 second') \g /dev/null
SELECT is(pg_temp.no_verify('ann', pg_temp.code('ann')), 'NCA11', 'VERIFICATION_EXPIRED: after ten minutes');
SELECT (pg_temp.factor('ann')).secret AS old \gset
SELECT pg_temp.enable('ann') \g /dev/null
SELECT isnt((pg_temp.factor('ann')).secret, :'old'::bytea, 'who begins again gets another secret');
SELECT is(pg_temp.no_verify('ann', necp.totp(:'old', pg_temp.step())), 'NC113 code', 'INVALID_2FA_CODE: the first one is void');
SELECT pg_temp.code('ann') AS first \gset
SELECT pg_temp.call('ann', 'POST', '/auth/2fa/verify', jsonb_build_object('code', :'first')) AS answer \gset
SELECT ok((pg_temp.factor('ann')).enabled_at IS NOT NULL, 'a right code turns it on');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'TWO_FACTOR_ENABLED' AND account_id = pg_temp.a('ann')), 1::bigint, 'TWO_FACTOR_ENABLED');
CREATE TEMP TABLE codes AS SELECT n, code FROM json_array_elements_text(:'answer'::json -> 'backup_codes') WITH ORDINALITY j (code, n);
SELECT is((SELECT count(DISTINCT code) FROM codes WHERE code ~ '^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$'), 10::bigint, 'it gives ten backup codes of 80 bits');
SELECT set_eq(format('SELECT digest FROM game.backup_codes WHERE account_id = %s', pg_temp.a('ann')),
	format('SELECT sha256(convert_to(%L || replace(code, ''-'', ''''), ''UTF8'')) FROM codes', pg_temp.a('ann') || ':'), 'their digests are stored, not they');
SELECT is(pg_temp.no_verify('ann', pg_temp.code('ann', 1)), 'NC901', 'CONFLICT: it is on already');
SELECT is(pg_temp.refusal('ann', 'POST', '/auth/2fa/enable', '{"verified_hash": "hash of ann"}'), 'NC901', 'CONFLICT: so nobody puts another in its place');
SELECT is((SELECT count(*) FROM game.account_twofactor WHERE account_id = pg_temp.a('bob')), 0::bigint, 'others have none');

-- Using it -------------------------------------------------------------------------------------------------

SELECT is(pg_temp.no_disable('ann', :'first'), 'NC113 code', 'INVALID_2FA_CODE: a code works once');
SELECT is(pg_temp.no_disable('ann', pg_temp.code('ann', -1)), 'NC113 code', 'INVALID_2FA_CODE: nor does one of an earlier step');
SELECT pg_temp.next_step() \g /dev/null
SELECT is(pg_temp.no_disable('ann', pg_temp.code('ann'), 'hash of yesterday'), 'NC110 password', 'INVALID_CREDENTIALS: it takes the password too');
SELECT is(pg_temp.no_disable('ann', (SELECT code FROM codes WHERE n = 1), 'hash of yesterday'), 'NC110 password', 'INVALID_CREDENTIALS: with a backup code as well');
SELECT is(pg_temp.no_disable('ann', NULL), 'NC001 code', 'VALIDATION: and a code');
SELECT is(pg_temp.no_disable('ann', 'AAAA-AAAA-AAAA-AAAA'), 'NC113 code', 'INVALID_2FA_CODE: a backup code of nobody');
SELECT is(pg_temp.no_disable('ann', repeat('A', 17)), 'NC113 code', 'INVALID_2FA_CODE: one too long');
SELECT matches(pg_temp.no_disable('ann', pg_temp.code('ann')), '^ok', 'a code of the authenticator');
SELECT matches(pg_temp.no_disable('ann', lower(replace((SELECT code FROM codes WHERE n = 1), '-', ' '))), '^ok', 'or a backup code, however it is typed');
BEGIN;
UPDATE game.backup_codes SET used_at = necp.now() WHERE account_id = pg_temp.a('ann');
SELECT is(pg_temp.no_disable('ann', (SELECT code FROM codes WHERE n = 1)), 'NC113 code', 'INVALID_2FA_CODE: each works once');
ROLLBACK;
SELECT pg_temp.enable('bob') \g /dev/null
SELECT pg_temp.call('bob', 'POST', '/auth/2fa/verify', jsonb_build_object('code', pg_temp.code('bob'))) \g /dev/null
SELECT is(pg_temp.no_disable('bob', (SELECT code FROM codes WHERE n = 1)), 'NC113 code', 'INVALID_2FA_CODE: those of another are worth nothing');
SELECT is(pg_temp.call('ann', 'POST', '/auth/2fa/disable', jsonb_build_object('code', (SELECT code FROM codes WHERE n = 1), 'verified_hash', 'hash of ann'))::jsonb,
	'{"done": true}', 'it is taken away');
SELECT is((SELECT count(*) FROM game.account_twofactor WHERE account_id = pg_temp.a('ann')), 0::bigint, 'with its secret');
SELECT is((SELECT count(*) FROM game.backup_codes WHERE account_id = pg_temp.a('ann')), 0::bigint, 'and its backup codes');
SELECT is((SELECT count(*) FROM game.game_events WHERE type = 'TWO_FACTOR_DISABLED' AND account_id = pg_temp.a('ann')), 1::bigint, 'TWO_FACTOR_DISABLED');
SELECT results_eq(format('SELECT template, recipient FROM game.email_outbox WHERE account_id = %s AND template <> ''VERIFY_EMAIL''', pg_temp.a('ann')),
	format('SELECT ''TWO_FACTOR_CHANGED'', %L FROM generate_series(1, 2)', pg_temp.email('ann')), 'each of both is mailed to the owner');
SELECT is_empty(format($$SELECT data FROM game.email_outbox WHERE account_id = %s AND template = 'TWO_FACTOR_CHANGED'
	AND data::text ~ '[A-Z2-7]{16}|([A-Z2-7]{4}-){3}'$$, pg_temp.a('ann')), 'with no secret in it');
SELECT isnt(pg_temp.enable('ann') ->> 'secret', :'setup'::json ->> 'secret', 'it can be set up again');

-- Secrets --------------------------------------------------------------------------------------------------

SELECT is_empty(format($$SELECT type FROM game.game_events WHERE account_id IN (%s, %s) AND type LIKE 'TWO_FACTOR%%' AND data <> '{}'$$, pg_temp.a('ann'), pg_temp.a('bob')),
	'no event holds a secret');
SELECT throws_ok(format('UPDATE game.account_twofactor SET secret = ''\x00'' WHERE account_id = %s', pg_temp.a('bob')), '23514', NULL, 'a secret is never short');
SET ROLE necp_analyst;
SELECT throws_ok('SELECT * FROM game.' || t, '42501', NULL, 'analysts do not read ' || t) FROM unnest('{account_twofactor,backup_codes}'::text[]) t;
SET ROLE necp_admin;
SELECT throws_ok('SELECT necp.totp(''12345678901234567890'', 1)', '42501', NULL, 'nobody else computes codes here');
RESET ROLE;
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing is left behind');
SELECT * FROM finish();
