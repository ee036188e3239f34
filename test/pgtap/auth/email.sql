-- The outbox of e-mail and its texts (DOMAIN §2, docs/interfaces.md §9).
\ir ../helpers.psql
SELECT plan(51);
-- Only this file's mails are of interest.
UPDATE game.email_outbox SET sent_at = necp.now(), data = NULL WHERE sent_at IS NULL AND failed_at IS NULL;
SELECT pg_temp.account('ann') \g /dev/null
CREATE FUNCTION pg_temp.mail(who text) RETURNS game.email_outbox LANGUAGE sql
	RETURN (SELECT o FROM game.email_outbox o WHERE o.account_id = pg_temp.a(who) ORDER BY id DESC LIMIT 1);
CREATE FUNCTION pg_temp.claim(max int DEFAULT 10, node text DEFAULT 'here')
	RETURNS TABLE (id bigint, attempt int, recipient text, subject text, body text, created_at timestamptz) LANGUAGE sql AS $$
SELECT * FROM public.dblink('edge', format('SELECT * FROM necp.email_claim(%L, %s)', node, max)) d (id bigint, attempt int, recipient text, subject text, body text, created_at timestamptz)
$$;
CREATE FUNCTION pg_temp.tell(call text) RETURNS text LANGUAGE sql
	RETURN (SELECT d.x FROM public.dblink('edge', 'SELECT ' || call) d (x text));
SELECT (pg_temp.mail('ann')).data ->> 'token' AS token, (pg_temp.mail('ann')).id AS mail \gset

-- Claims -----------------------------------------------------------------------------------------------------

SELECT is_empty($$SELECT * FROM game.email_outbox WHERE account_id = pg_temp.a('ann') AND (attempts > 0 OR sent_at IS NOT NULL)$$, 'a mail waits');
CREATE TEMP TABLE claimed AS SELECT * FROM pg_temp.claim();
SELECT is((SELECT row(id, attempt, recipient)::text FROM claimed), format('(%s,1,%s)', :mail, pg_temp.email('ann')), 'it is claimed');
SELECT is((SELECT subject FROM claimed), 'Confirm your e-mail address', 'with its subject');
SELECT matches((SELECT body FROM claimed), format('Hello ann%s,(.|\n)*\nhttp://localhost:8080/verify-email\?token=%s\n', :'tag', :'token'), 'and its text, filled in');
SELECT is((SELECT created_at FROM claimed), (pg_temp.mail('ann')).created_at, 'and when it was written');
SELECT is_empty('SELECT * FROM pg_temp.claim()', 'nobody else gets it');
SELECT is((pg_temp.mail('ann')).node, 'here', 'it is known who has it');
SELECT necp.clock_advance('10 minutes 1 second') \g /dev/null
SELECT is((SELECT row(id, attempt)::text FROM pg_temp.claim(10, 'there')), format('(%s,2)', :mail), 'after the lease another claims it');
SELECT pg_temp.tell(format('necp.email_failed(%s, 1, ''late'', true)', :mail)) \g /dev/null
SELECT is((pg_temp.mail('ann')).failed_at, NULL, 'who was overtaken says nothing about it');
SELECT pg_temp.tell(format('necp.email_release(%s, 2)', :mail)) \g /dev/null
SELECT is((pg_temp.mail('ann')).attempts, 1, 'a mail that was not tried is given back');
SELECT is((SELECT attempt FROM pg_temp.claim()), 2, 'and is due at once');

-- Failures ---------------------------------------------------------------------------------------------------

SELECT pg_temp.tell(format('necp.email_failed(%s, 2, E''451 come\nback'', false)', :mail)) \g /dev/null
SELECT is((pg_temp.mail('ann')).last_error, '451 come back', 'why it failed is noted, in one line');
SELECT ok((pg_temp.mail('ann')).data IS NOT NULL, 'it is still filled');
SELECT is((SELECT round(extract(epoch FROM (pg_temp.mail('ann')).next_attempt_at - necp.now())) BETWEEN 235 AND 240), true, 'the second pause is 4 minutes');
SELECT necp.clock_advance('3 minutes') \g /dev/null
SELECT is_empty('SELECT * FROM pg_temp.claim()', 'before that it is not due');
SELECT necp.clock_advance('70 seconds') \g /dev/null
SELECT is((SELECT attempt FROM pg_temp.claim()), 3, 'after it it is');
CREATE FUNCTION pg_temp.pauses(first int, last int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	pauses int[];
BEGIN
	FOR i IN first .. last LOOP
		PERFORM pg_temp.tell(format('necp.email_failed(%s, %s, ''451'', false)', (pg_temp.mail('ann')).id, i));
		EXIT WHEN (pg_temp.mail('ann')).failed_at IS NOT NULL;
		pauses := pauses || (round(extract(epoch FROM (pg_temp.mail('ann')).next_attempt_at - necp.now()) / 60))::int;
		PERFORM necp.clock_advance((pg_temp.mail('ann')).next_attempt_at - necp.now() + interval '1 second');
		PERFORM pg_temp.claim();
	END LOOP;
	RETURN pauses;
END
$$;
SELECT is(pg_temp.pauses(3, 9), '{16,64,256}', 'further pauses grow by four');
SELECT is((pg_temp.mail('ann')).attempts, 6, 'after the first attempt and five retries');
SELECT ok((pg_temp.mail('ann')).failed_at IS NOT NULL, 'it is given up');
SELECT is((pg_temp.mail('ann')).data, NULL, 'and its token forgotten');
SELECT is_empty('SELECT * FROM pg_temp.claim()', 'nobody claims it again');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null

SELECT pg_temp.account('bob') \g /dev/null
SELECT id AS mail FROM pg_temp.claim() \gset
SELECT pg_temp.tell(format('necp.email_failed(%s, 1, ''550 nobody here'', true)', :mail)) \g /dev/null
SELECT is((SELECT row(attempts, failed_at IS NOT NULL, data)::text FROM pg_temp.mail('bob')), '(1,t,)', 'a refusal for good ends it at once');
SELECT pg_temp.tell(format('necp.email_sent(%s, 1)', :mail)) \g /dev/null
SELECT is((SELECT row(sent_at IS NOT NULL, failed_at, last_error)::text FROM pg_temp.mail('bob')), '(t,,)', 'but what left has left');

SELECT pg_temp.account('cid') \g /dev/null
SELECT id AS mail FROM pg_temp.claim() \gset
UPDATE game.email_outbox SET attempts = 6, next_attempt_at = necp.now() WHERE id = :mail;
SELECT is_empty('SELECT * FROM pg_temp.claim()', 'a mail whose last claim ended without a word is not claimed for ever');
SELECT is((SELECT row(failed_at IS NOT NULL, last_error)::text FROM pg_temp.mail('cid')), '(t,"no mailer said how it ended")', 'it is given up');

-- Success ----------------------------------------------------------------------------------------------------

SELECT pg_temp.account('dee') \g /dev/null
SELECT id AS mail FROM pg_temp.claim() \gset
SELECT pg_temp.tell(format('necp.email_sent(%s, 1)', :mail)) \g /dev/null
SELECT is((SELECT row(attempts, sent_at IS NOT NULL, failed_at, data)::text FROM pg_temp.mail('dee')), '(1,t,,)', 'a mail left, its token is forgotten');
SELECT throws_ok(format('UPDATE game.email_outbox SET data = ''{}'' WHERE id = %s', :mail), '23514', NULL, 'which the table makes sure of');
SELECT pg_temp.tell(format('necp.email_failed(%s, 1, ''late'', false)', :mail)) \g /dev/null
SELECT is((pg_temp.mail('dee')).last_error, NULL, 'what left did not fail');
SELECT necp.run_job('email_forget');
SELECT isnt((pg_temp.mail('dee')).id, NULL, 'that it left is remembered');
SELECT necp.clock_advance('30 days 1 hour') \g /dev/null
SELECT necp.run_job('email_forget');
SELECT is((pg_temp.mail('dee')).id, NULL, 'for 30 days');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null

-- What a claim hands out -------------------------------------------------------------------------------------

SELECT pg_temp.account('e' || n) FROM generate_series(1, 5) n \g /dev/null
SELECT is((SELECT array_agg(recipient) FROM pg_temp.claim(2)), ARRAY[pg_temp.email('e1'), pg_temp.email('e2')], 'as many as were asked for, oldest first');
SELECT is((SELECT count(*) FROM pg_temp.claim(100)), 3::bigint, 'then the others');
SELECT is(pg_temp.refusal_of($$SELECT necp.email_claim('', 1)$$), 'NC001 node', 'VALIDATION: nobody');
SELECT is(pg_temp.refusal_of($$SELECT necp.email_claim('here', 0)$$), 'NC001 max', 'VALIDATION: nothing');
SELECT is(pg_temp.refusal_of($$SELECT necp.email_failed(1, 1, NULL, false)$$), 'NC001 error', 'VALIDATION: for no reason');
RESET search_path;

-- Texts ------------------------------------------------------------------------------------------------------

SELECT is(necp.content_import('emails', jsonb_build_array(
	jsonb_build_object('code', 'VERIFY_EMAIL', 'language', 'xx', 'subject', 'Xx {{display_name}}', 'body', 'xx {{token}} {{at}}'),
	jsonb_build_object('code', 'VERIFY_EMAIL', 'language', 'xx-YY', 'subject', 'Xx-Yy', 'body', 'xx-YY {{token}}'))), 2, 'texts are content');
SELECT is(pg_temp.refusal_of($$SELECT necp.content_import('emails', '[{"code": "VERIFY_EMAIL", "language": "xx", "subject": "a {{b", "body": "c"}]')$$), 'NC001 $[0].subject', 'VALIDATION: open braces');
SELECT is(pg_temp.refusal_of($$SELECT necp.content_import('emails', '[{"code": "VERIFY_EMAIL", "language": "xx", "subject": "a", "body": "{{B c}}"}]')$$), 'NC001 $[0].body', 'VALIDATION: what is no name');
SELECT is(pg_temp.refusal_of($$SELECT necp.content_import('emails', '[{"code": "X", "language": "xx", "subject": "a\nBcc: b", "body": "c"}]')$$), 'NC001 $[0].subject', 'a subject is one line');
CREATE FUNCTION pg_temp.text_for(who text, language text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.account(who);
	INSERT INTO game.account_settings (account_id, language, updated_at) VALUES (pg_temp.a(who), language, necp.now());
	UPDATE game.email_outbox SET data = '{"token": "T"}' WHERE account_id = pg_temp.a(who);
	RETURN NULL;
END
$$;
SELECT pg_temp.text_for('fay', 'xx'), pg_temp.text_for('gus', 'xx-YY'), pg_temp.text_for('hal', 'xx-ZZ'), pg_temp.text_for('ida', 'zz') \g /dev/null
UPDATE game.accounts SET display_name = E'Fay\r\nBcc: all@example.com' WHERE id = pg_temp.a('fay');
DROP TABLE claimed;
CREATE TEMP TABLE claimed AS SELECT * FROM pg_temp.claim();
CREATE FUNCTION pg_temp.got(who text) RETURNS claimed LANGUAGE sql RETURN (SELECT c FROM claimed c WHERE c.recipient = pg_temp.email(who));
SELECT is((pg_temp.got('fay')).subject, 'Xx Fay  Bcc: all@example.com', 'a text in the account''s language; a name adds no line to it');
SELECT matches((pg_temp.got('fay')).body, '^xx T \d{4}-\d\d-\d\d \d\d:\d\d UTC$', 'filled with what it was given, and the time');
SELECT is((pg_temp.got('gus')).subject, 'Xx-Yy', 'the very language');
SELECT is((pg_temp.got('hal')).subject, format('Xx hal%s', :'tag'), 'else the wider one');
SELECT is((pg_temp.got('ida')).subject, 'Confirm your e-mail address', 'else English');

-- A text that lacks something is found when the mail is written; one that broke later waits for its operator.
BEGIN;
DELETE FROM game.email_templates WHERE code = 'VERIFY_EMAIL';
SELECT is(pg_temp.refusal(NULL, 'POST', '/auth/register', jsonb_build_object('email', 'x' || :'tag' || '@example.com', 'username', 'x' || :'tag', 'password_hash', 'h')), 'XX000', 'without a text nothing is written');
ROLLBACK;
BEGIN;
UPDATE game.email_templates SET body = '{{nothing}}' WHERE code = 'VERIFY_EMAIL';
SELECT is(pg_temp.refusal(NULL, 'POST', '/auth/register', jsonb_build_object('email', 'x' || :'tag' || '@example.com', 'username', 'x' || :'tag', 'password_hash', 'h')), 'XX000', 'nor with one that asks for what nobody gave');
ROLLBACK;
SELECT pg_temp.account('joe') \g /dev/null
UPDATE game.email_outbox SET data = '{}' WHERE account_id = pg_temp.a('joe');
SELECT is_empty('SELECT * FROM pg_temp.claim()', 'a text that cannot be filled any more is not handed out');
SELECT is((SELECT row(attempts, failed_at, last_error)::text FROM pg_temp.mail('joe')), '(1,,"mail ""VERIFY_EMAIL"" names ""token"", which nobody gave")', 'it waits');
DELETE FROM game.email_templates WHERE language IN ('xx', 'xx-YY');
SELECT set_eq($$SELECT code FROM game.email_templates WHERE language = 'en'$$,
	'{VERIFY_EMAIL,RESET_PASSWORD,PASSWORD_CHANGED,LOGIN_ALERT,TWO_FACTOR_CHANGED,EMAIL_CHANGED,ACCOUNT_DELETED}'::text[], 'the pack has all texts that the rules send');
SELECT is(necp.edge_config() ->> 'mail.transport', 'spool', 'the mailer reads its settings as the servers do');
SET ROLE necp_analyst;
SELECT throws_ok('SELECT * FROM game.email_outbox', '42501', NULL, 'analysts do not read mails');
RESET ROLE;
SELECT * FROM finish();
