-- The workers: there, at work, and there again when one was ended.
\ir ../helpers.psql
SELECT plan(15);
CREATE FUNCTION pg_temp.pid(worker text) RETURNS int LANGUAGE sql
	RETURN (SELECT pid FROM pg_stat_activity WHERE backend_type = 'necp ' || worker AND datname = current_database());
SELECT is((SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'necp launcher'), 1::bigint, 'one launcher');
SELECT is(ARRAY(SELECT backend_type FROM pg_stat_activity WHERE backend_type LIKE 'necp %' AND backend_type <> 'necp launcher' ORDER BY 1),
	'{necp publisher,necp scheduler,necp world}', 'and each worker once');

SELECT pg_temp.pid('publisher') AS publisher, pg_temp.pid('scheduler') AS scheduler, pg_temp.pid('world') AS world \gset
SELECT pg_temp.link('ear', 'postgres') \g /dev/null
SELECT dblink_exec('ear', 'LISTEN necp_push') \g /dev/null
CREATE FUNCTION pg_temp.heard() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR i IN 1 .. 100 LOOP
		PERFORM * FROM public.dblink('ear', 'SELECT 1') d (one int);
		SELECT extra INTO line FROM public.dblink_get_notify('ear') WHERE extra LIKE '%WORKERS_TEST%';
		IF FOUND THEN
			RETURN line;
		END IF;
		PERFORM pg_sleep(0.05);
	END LOOP;
	RETURN NULL;
END
$$;
SELECT necp.push('/topic/server/announcements', 'WORKERS_TEST', '{"n": 1}') \g /dev/null
SELECT pg_temp.heard() AS first \gset
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type IN ('necp publisher', 'necp scheduler', 'necp world') \g /dev/null
SELECT ok(pg_temp.wait_for(format('pg_temp.pid(''publisher'') <> %s', :publisher)), 'a publisher that was ended comes back');
SELECT ok(pg_temp.wait_for(format('pg_temp.pid(''scheduler'') <> %s', :scheduler)), 'so does a scheduler');
SELECT ok(pg_temp.wait_for(format('pg_temp.pid(''world'') <> %s', :world)), 'and a world');
SELECT necp.push('/topic/server/announcements', 'WORKERS_TEST', '{"n": 2}') \g /dev/null
SELECT pg_temp.heard() AS second \gset
SELECT ok(:'second'::text LIKE '%{"n": 2}%', 'the publisher publishes again');
SELECT ok(split_part(:'second', ' ', 1)::bigint > split_part(:'first', ' ', 1)::bigint, 'in a new epoch');
SELECT ok(substring(:'second' FROM 'M (\d+) ')::bigint > substring(:'first' FROM 'M (\d+) ')::bigint, 'seq rises across the restart');
CALL pg_temp.open_zone('after', NULL) \gset
SELECT ok(:zone_id IS NOT NULL, 'the world opens zones again');
SELECT dblink_disconnect('ear') \g /dev/null

-- Jobs ---------------------------------------------------------------------------------------------------

SELECT pg_temp.account('ann') \g /dev/null
UPDATE game.player_sessions SET expires_at = necp.now() - interval '1 second' WHERE id = pg_temp.s('ann');
SELECT ok(pg_temp.wait_for(format('close_reason = ''EXPIRED'' FROM game.player_sessions WHERE id = %L', pg_temp.s('ann'))), 'the scheduler works');
SELECT pg_temp.login('ann') \g /dev/null
SELECT necp.clock_advance('10 days') \g /dev/null
SELECT ok(pg_temp.wait_for(format('close_reason = ''EXPIRED'' FROM game.player_sessions WHERE id = %L', pg_temp.s('ann'))), 'by the game''s clock');
SELECT necp.clock_reset() \g /dev/null
SELECT pg_temp.login('ann') \g /dev/null
UPDATE game.player_sessions SET expires_at = necp.now() - interval '1 second' WHERE id = pg_temp.s('ann');
SELECT ok(pg_temp.wait_for(format('close_reason = ''EXPIRED'' FROM game.player_sessions WHERE id = %L', pg_temp.s('ann'))), 'also when that was set back');
SELECT ok(pg_temp.wait_for($$EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'game'::regnamespace AND c.relname LIKE 'idempotency\_keys\_%'
	AND pg_get_expr(c.relpartbound, c.oid) IS NOT NULL
	AND necp.now() >= substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([^'']+)''\)')::timestamptz
	AND necp.now() < substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz)$$), 'it keeps the partitions');
SELECT lives_ok('SELECT necp.run_job(''session_sweep'')', 'a job can be run at once');
SET ROLE necp_admin;
SELECT throws_ok('SELECT necp.run_job(''session_sweep'')', '42501', NULL, 'by superusers');
RESET ROLE;
SELECT * FROM finish();
