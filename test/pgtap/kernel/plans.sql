-- Kept plans go by indexes however empty the tables were when they were made, and look-ups past the
-- executor see what a statement would see.
\ir ../helpers.psql
SELECT plan(6);
SELECT pg_temp.player('ann') \g /dev/null
SELECT necp.ledger_mint('PREMIUM', pg_temp.a('ann'), 'premium', 5000, 'TEST') \g /dev/null

-- A table of one page is best read to its end: what the planner knows now speaks for it. -----------------
VACUUM ANALYZE;
SELECT pg_temp.link('fresh') \g /dev/null
CREATE FUNCTION pg_temp.scanned(who text, method text, path text, params jsonb, key uuid DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	tables text;
BEGIN
	PERFORM public.dblink_exec('fresh', 'BEGIN');
	PERFORM * FROM public.dblink('fresh', pg_temp.statement(who, method, path, params, key)) d (x json);
	SELECT d.x INTO tables FROM public.dblink('fresh', $q$
		SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_stat_xact_user_tables WHERE schemaname = 'game' AND seq_scan > 0 AND relname <> 'config'
	$q$) d (x text);
	PERFORM public.dblink_exec('fresh', 'COMMIT');
	RETURN tables;
END
$$;
SELECT is(pg_temp.scanned('ann', 'POST', '/characters/slots/purchase', '{}', gen_random_uuid()), NULL,
          'a command with a key reads no table to its end');
SELECT is(pg_temp.scanned(NULL, 'POST', '/auth/login', jsonb_build_object('email', pg_temp.email('ann'), 'verified_hash', 'hash of ann',
          'client_ip', '192.0.2.1', 'user_agent', 'test')), NULL, 'nor does a login');

-- Look-ups --------------------------------------------------------------------------------------------------
SELECT pg_temp.login('ann') \g /dev/null
CREATE FUNCTION pg_temp.seen() RETURNS jsonb LANGUAGE sql
	RETURN pg_temp.call('ann', 'GET', '/characters/{character_id}', jsonb_build_object('character_id', pg_temp.c('ann')));
SELECT is(pg_temp.seen() ->> 'level', '1', 'a row is found by its key');
UPDATE game.characters SET level = 7 WHERE id = pg_temp.c('ann');
SELECT is(pg_temp.seen() ->> 'level', '7', 'as it is now');
ALTER TABLE game.characters ADD COLUMN test_only int DEFAULT 5;
SELECT is(pg_temp.seen() ->> 'name', 'ann'::text || :'tag', 'also when the table has changed');
ALTER TABLE game.characters DROP COLUMN test_only;
BEGIN;
SELECT necp.enter(pg_temp.s('ann'), NULL, NULL, NULL, 'a', -1) \g /dev/null
UPDATE game.characters SET level = 9 WHERE id = pg_temp.c('ann');
SELECT necp.character_get(pg_temp.c('ann')) ->> 'level' AS level \gset
ROLLBACK;
SELECT is(:'level'::text, '9', 'and what this transaction wrote is seen');
SELECT finish();
