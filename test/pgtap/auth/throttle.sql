-- Failed logins and their locks (DOMAIN §1), on a clock that is moved.
\ir ../helpers.psql
SELECT plan(48);
SELECT pg_temp.account(n) FROM unnest('{ann,bob,cat,dan}'::text[]) n \g /dev/null
SELECT pg_temp.a('ann') AS ann \gset

-- An attempt: the code of its refusal, with the seconds to wait; or 'in'. What refuses may be raised or returned.
CREATE FUNCTION pg_temp.attempt(email text, hash text, ip inet DEFAULT NULL, code text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	params jsonb := jsonb_strip_nulls(jsonb_build_object('email', email, 'verified_hash', hash, 'client_ip', ip, 'code', code));
	answer json;
	state text;
	retry text;
BEGIN
	answer := pg_temp.call(NULL, 'POST', '/auth/login', params);
	RETURN coalesce(answer #>> '{problem,code}', 'in');
EXCEPTION WHEN SQLSTATE 'NCL10' OR SQLSTATE 'NCR01' OR SQLSTATE 'NC112' THEN
	-- dblink passes the SQLSTATE on, and not the rest
	RETURN pg_temp.refusal(NULL, 'POST', '/auth/login', params);
END
$$;
-- So many wrong passwords, each once the lock before it has ended; the refusals that were none of a lock.
CREATE FUNCTION pg_temp.fail(email text, times int, ip inet DEFAULT NULL) RETURNS text[]
	LANGUAGE plpgsql AS $$
DECLARE
	found text;
	all_found text[];
BEGIN
	FOR i IN 1 .. times LOOP
		PERFORM necp.clock_advance(coalesce((SELECT max(locked_until) - necp.now() FROM game.login_failures
			WHERE locked_until > necp.now() AND digest IN (pg_temp.digest('email ' || lower(email)), pg_temp.digest('address ' || host(ip)))), '0'));
		found := pg_temp.attempt(email, NULL, ip);
		IF found <> ALL (coalesce(all_found, '{}')) THEN
			all_found := all_found || found;
		END IF;
	END LOOP;
	RETURN all_found;
END
$$;
CREATE FUNCTION pg_temp.digest(said text) RETURNS bytea LANGUAGE sql RETURN sha256(convert_to(said, 'UTF8'));
CREATE FUNCTION pg_temp.failures(said text) RETURNS int LANGUAGE sql
	RETURN (SELECT failures FROM game.login_failures WHERE digest = pg_temp.digest(said));
-- How long it is locked, in minutes; 0: not at all.
CREATE FUNCTION pg_temp.locked(said text) RETURNS int LANGUAGE sql
	RETURN coalesce((SELECT ceil(extract(epoch FROM locked_until - necp.now()) / 60)::int FROM game.login_failures
	                 WHERE digest = pg_temp.digest(said) AND locked_until > necp.now()), 0);
SELECT set_config('test.ann', 'email ' || pg_temp.email('ann'), false) \g /dev/null

-- An e-mail address ------------------------------------------------------------------------------------------

SELECT is(pg_temp.fail(pg_temp.email('ann'), 4), '{INVALID_CREDENTIALS}', 'four wrong passwords');
SELECT is(pg_temp.locked(current_setting('test.ann')), 0, 'lock nothing');
SELECT is(pg_temp.attempt(upper(pg_temp.email('ann')), NULL), 'INVALID_CREDENTIALS', 'a fifth one, in any case,');
SELECT is(pg_temp.locked(current_setting('test.ann')), 15, 'locks for 15 minutes');
SELECT matches(pg_temp.attempt(pg_temp.email('ann'), 'hash of ann'), '^NCL10 retry (900|89[0-9])$', 'ACCOUNT_LOCKED: the right password too, and says until when');
SELECT is(pg_temp.failures(current_setting('test.ann')), 5, 'what meets a lock is not counted');
SELECT matches(pg_temp.refusal('ann', 'GET', '/auth/me'), '^ok', 'a lock does not touch a live session');
SELECT matches(pg_temp.refusal(NULL, 'POST', '/auth/refresh', jsonb_build_object('refresh_token', refresh)), '^ok', 'nor a refresh') FROM who WHERE name = 'ann';
SELECT necp.clock_advance('14 minutes') \g /dev/null
SELECT matches(pg_temp.attempt(pg_temp.email('ann'), 'hash of ann'), '^NCL10', 'ACCOUNT_LOCKED: it holds');
SELECT necp.clock_advance('61 seconds') \g /dev/null
SELECT is(pg_temp.attempt(pg_temp.email('ann'), NULL), 'INVALID_CREDENTIALS', 'then passwords are looked at again');
SELECT is(pg_temp.locked(current_setting('test.ann')), 15, 'each wrong one locks anew');
SELECT is(pg_temp.fail(pg_temp.email('ann'), 4), '{INVALID_CREDENTIALS}', 'at the tenth');
SELECT is(pg_temp.locked(current_setting('test.ann')), 60, 'for an hour');
SELECT is(pg_temp.fail(pg_temp.email('ann'), 9), '{INVALID_CREDENTIALS}', 'after nineteen');
SELECT is((SELECT count(*) FROM game.email_outbox WHERE account_id = :ann AND template = 'LOGIN_ALERT'), 0::bigint, 'nobody was told yet');
SELECT is(pg_temp.fail(pg_temp.email('ann'), 1), '{INVALID_CREDENTIALS}', 'at the twentieth');
SELECT is(pg_temp.locked(current_setting('test.ann')), 1440, 'for a day');
SELECT is((SELECT array_agg(recipient) FROM game.email_outbox WHERE account_id = :ann AND template = 'LOGIN_ALERT'), ARRAY[pg_temp.email('ann')], 'and the owner is told, once');
SELECT necp.clock_advance('24 hours 1 second') \g /dev/null
SELECT is(pg_temp.attempt(pg_temp.email('ann'), NULL), 'INVALID_CREDENTIALS', 'a day later');
SELECT is(pg_temp.failures(current_setting('test.ann')), 1, 'it is the first one again, before anybody swept');
SELECT is(pg_temp.attempt(pg_temp.email('ann'), 'hash of ann'), 'in', 'the right password');
SELECT is(pg_temp.failures(current_setting('test.ann')), NULL, 'forgets the wrong ones');

-- Nobody's address -------------------------------------------------------------------------------------------

SELECT set_config('test.nobody', 'email nobody' || :'tag' || '@example.com', false) \g /dev/null
SELECT is(pg_temp.fail('nobody' || :'tag' || '@example.com', 5), '{INVALID_CREDENTIALS}', 'an address of nobody');
SELECT is(pg_temp.locked(current_setting('test.nobody')), 15, 'is locked like another');
SELECT is(regexp_replace(pg_temp.attempt('nobody' || :'tag' || '@example.com', NULL), '\d+$', ''), 'NCL10 retry ', 'ACCOUNT_LOCKED: and says so');
SELECT is(pg_temp.fail('nobody' || :'tag' || '@example.com', 15), '{INVALID_CREDENTIALS}', 'to the last');
SELECT is(pg_temp.locked(current_setting('test.nobody')), 1440, 'level');

-- A network address --------------------------------------------------------------------------------------------

SELECT format('192.0.2.%s', 10 + (random() * 200)::int) AS ip \gset
SELECT to_hex((random() * 65535)::int) AS net \gset
SELECT set_config('test.ip', 'address ' || :'ip', false) \g /dev/null
SELECT pg_temp.attempt(n || :'tag' || '@example.net', NULL, :'ip') FROM generate_series(1, 2) n \g /dev/null
SELECT is(pg_temp.locked(current_setting('test.ip')), 0, 'two failures from a network address');
SELECT is(pg_temp.attempt(pg_temp.email('bob'), 'hash of bob', :'ip'), 'in', 'let the third attempt in');
SELECT is(pg_temp.failures(current_setting('test.ip')), 2, 'which resets nothing');
SELECT pg_temp.attempt('3' || :'tag' || '@example.net', NULL, :'ip') \g /dev/null
SELECT is(pg_temp.locked(current_setting('test.ip')), 1, 'the third failure locks for a minute, whoever was tried');
SELECT matches(pg_temp.attempt(pg_temp.email('bob'), 'hash of bob', :'ip'), '^NCR01 retry (60|5[0-9])$', 'RATE_LIMITED: for everybody behind it');
SELECT is(pg_temp.attempt(pg_temp.email('bob'), 'hash of bob', '192.0.2.1'), 'in', 'and for nobody else');
SELECT results_eq(format($$SELECT n, CASE WHEN n IN (5, 10, 20) THEN (SELECT pg_temp.locked(current_setting('test.ip')) FROM (SELECT pg_temp.fail(n || '%s@example.org', 1, '%s')) f) END
	FROM generate_series(4, 20) n WHERE n IN (5, 10, 20) OR pg_temp.fail(n || '%1$s@example.org', 1, '%2$s') IS NULL$$, :'tag', :'ip'),
	'VALUES (5, 5), (10, 30), (20, 1440)', 'the fifth for 5 minutes, the tenth for 30, the twentieth for a day');
SELECT is(pg_temp.attempt(n || '@example.net', NULL, ('2001:db8:' || :'net' || ':1::' || n)::inet), 'INVALID_CREDENTIALS', 'an IPv6 host') FROM generate_series(1, 3) n;
SELECT matches(pg_temp.attempt('x@example.net', NULL, ('2001:db8:' || :'net' || ':1:ffff::9')::inet), '^NCR01', 'RATE_LIMITED: counts by its /64');
SELECT is(pg_temp.attempt('x@example.net', NULL, ('2001:db8:' || :'net' || ':2::1')::inet), 'INVALID_CREDENTIALS', 'the next one is another');

-- The second factor --------------------------------------------------------------------------------------------

SELECT pg_temp.login('cat') \g /dev/null
SELECT pg_temp.call('cat', 'POST', '/auth/2fa/enable', '{"verified_hash": "hash of cat"}') \g /dev/null
SELECT pg_temp.call('cat', 'POST', '/auth/2fa/verify', jsonb_build_object('code', necp.totp(secret, extract(epoch FROM necp.now())::bigint / 30))) -> 'backup_codes' ->> 0 AS backup
	FROM game.account_twofactor WHERE account_id = pg_temp.a('cat') \gset
SELECT is(pg_temp.attempt(pg_temp.email('cat'), 'hash of cat'), 'NC112 code', 'TWO_FACTOR_REQUIRED: the right password is not enough');
SELECT is(pg_temp.failures('email ' || pg_temp.email('cat')), NULL, 'but no failure');
SELECT is(pg_temp.attempt(pg_temp.email('cat'), 'hash of cat', NULL, '000000'), 'INVALID_2FA_CODE', 'a wrong code');
SELECT is(pg_temp.failures('email ' || pg_temp.email('cat')), 1, 'is one');
SELECT is(pg_temp.attempt(pg_temp.email('cat'), NULL, NULL, :'backup'), 'INVALID_CREDENTIALS', 'a right code with a wrong password too');
SELECT is(pg_temp.attempt(pg_temp.email('cat'), 'hash of cat', NULL, :'backup'), 'in', 'which does not spend it');
SELECT is(pg_temp.attempt(pg_temp.email('cat'), 'hash of cat', NULL, :'backup'), 'INVALID_2FA_CODE', 'it is spent by use');

-- Quiet --------------------------------------------------------------------------------------------------------

SELECT pg_temp.attempt(pg_temp.email('dan'), NULL) \g /dev/null
SELECT necp.clock_advance('25 hours') \g /dev/null
SELECT necp.run_job('throttle_fade') \g /dev/null
SELECT is((SELECT count(*) FROM game.login_failures WHERE last_failed_at <= necp.now()), 0::bigint, 'a day of quiet forgets all');
SELECT is((SELECT count(*) FROM game.login_history WHERE account_id IS NULL AND at <= necp.now()), 0::bigint, 'and who tried nobody''s address');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT * FROM finish();
