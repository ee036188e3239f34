-- Mails on request of whoever knows an address (DOMAIN §2).
\ir ../helpers.psql
SELECT plan(23);
SELECT pg_temp.account(n) FROM unnest('{ann,bob,cat}'::text[]) n \g /dev/null
SELECT pg_temp.a('ann') AS ann, pg_temp.a('bob') AS bob \gset
CREATE FUNCTION pg_temp.ask(path text, email text) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(NULL, 'POST', '/auth/' || path, jsonb_build_object('email', email));
CREATE FUNCTION pg_temp.refused(path text, email text) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(NULL, 'POST', '/auth/' || path, jsonb_build_object('email', email));
CREATE FUNCTION pg_temp.looked_into() RETURNS boolean LANGUAGE sql
	RETURN pg_temp.wait_for('NOT EXISTS (SELECT FROM game.mail_requests WHERE email IS NOT NULL)');
CREATE FUNCTION pg_temp.mails(account bigint, template text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT count(*) FROM game.email_outbox o WHERE o.account_id = account AND o.template = mails.template);
CREATE FUNCTION pg_temp.live(account bigint, purpose text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT count(*) FROM game.account_tokens t WHERE t.account_id = account AND t.purpose = live.purpose AND used_at IS NULL AND voided_at IS NULL);

SELECT is(pg_temp.refused('forgot-password', 'nowhere'), 'NC001 email', 'VALIDATION: no address');
SELECT is(pg_temp.refused('resend-verification', NULL), 'NC001 email', 'VALIDATION: none at all');
SELECT is(pg_temp.ask('forgot-password', upper(pg_temp.email('ann')))::jsonb, '{"done": true}', 'somebody''s address');
SELECT is(pg_temp.ask('forgot-password', 'nobody.' || :'tag' || '@example.com')::jsonb, '{"done": true}', 'reads like nobody''s');
SELECT ok(pg_temp.looked_into(), 'both are looked into');
SELECT is(pg_temp.mails(:ann, 'RESET_PASSWORD'), 1::bigint, 'one gets a mail');
SELECT is((SELECT recipient FROM game.email_outbox WHERE account_id = :ann AND template = 'RESET_PASSWORD'), pg_temp.email('ann'), 'at the address that is stored');
SELECT is((SELECT expires_at - created_at FROM game.account_tokens WHERE account_id = :ann AND purpose = 'RESET_PASSWORD'), '1 hour'::interval, 'with a token for an hour');
SELECT is((SELECT count(*) FROM game.mail_requests WHERE email IS NOT NULL), 0::bigint, 'no address is kept');
SELECT pg_temp.ask('forgot-password', pg_temp.email('ann')) FROM generate_series(1, 3) \g /dev/null
SELECT pg_temp.looked_into() \g /dev/null
SELECT is(pg_temp.mails(:ann, 'RESET_PASSWORD'), 3::bigint, 'three in an hour are sent, from wherever they are asked for');
SELECT is(pg_temp.live(:ann, 'RESET_PASSWORD'), 1::bigint, 'the newest token works');
SELECT pg_temp.ask('resend-verification', pg_temp.email('ann')) FROM generate_series(1, 4) \g /dev/null
SELECT pg_temp.looked_into() \g /dev/null
SELECT is(pg_temp.mails(:ann, 'VERIFY_EMAIL'), 4::bigint, 'three of another kind, besides that of the registration');
SELECT is(pg_temp.live(:ann, 'VERIFY_EMAIL'), 1::bigint, 'of which the newest token works');
SELECT necp.clock_advance('1 hour 1 second') \g /dev/null
SELECT pg_temp.ask('forgot-password', pg_temp.email('ann')) \g /dev/null
SELECT pg_temp.looked_into() \g /dev/null
SELECT is(pg_temp.mails(:ann, 'RESET_PASSWORD'), 4::bigint, 'an hour later there is another');
SELECT necp.run_job('mail_requests') \g /dev/null
SELECT is((SELECT count(*) FROM game.mail_requests), 1::bigint, 'and what was before is forgotten');
SELECT necp.clock_reset() \g /dev/null
UPDATE game.accounts SET email_verified_at = now() WHERE id = :bob;
SELECT pg_temp.ask('resend-verification', pg_temp.email('bob')) \g /dev/null
SELECT pg_temp.looked_into() \g /dev/null
SELECT is(pg_temp.mails(:bob, 'VERIFY_EMAIL'), 1::bigint, 'who has proven the address gets none');
UPDATE game.accounts SET status = 'BANNED' WHERE id = :bob;
SELECT pg_temp.ask('forgot-password', pg_temp.email('bob')) \g /dev/null
SELECT pg_temp.looked_into() \g /dev/null
SELECT is(pg_temp.mails(:bob, 'RESET_PASSWORD'), 1::bigint, 'a banned account may have a new password');

-- A token ends once ------------------------------------------------------------------------------------------

SELECT throws_ok(format('UPDATE game.account_tokens SET used_at = now(), voided_at = now() WHERE account_id = %s', :bob), '23514', NULL, 'a token is used or voided');
SELECT throws_ok(format('INSERT INTO game.account_tokens SELECT sha256(x::text::bytea), %s, ''RESET_PASSWORD'', now(), now() FROM generate_series(1, 2) x', pg_temp.a('cat')), '23505', NULL, 'one of a purpose is live');
SELECT is((SELECT count(*) FROM game.account_tokens WHERE account_id = :ann AND voided_at IS NOT NULL AND used_at IS NOT NULL), 0::bigint, 'none is both');
UPDATE game.account_tokens SET expires_at = necp.now() WHERE account_id IN (:ann, :bob);
SELECT necp.run_job('token_forget') \g /dev/null
SELECT is((SELECT count(*) FROM game.account_tokens WHERE account_id IN (:ann, :bob)), 0::bigint, 'what has expired is forgotten');
SELECT is(pg_temp.refusal(NULL, 'POST', '/auth/verify-email', jsonb_build_object('token', data ->> 'token')), 'NCA11 token', 'VERIFICATION_EXPIRED: and refused as before')
	FROM game.email_outbox WHERE account_id = :bob AND template = 'VERIFY_EMAIL';
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing is left behind');
SELECT * FROM finish();
