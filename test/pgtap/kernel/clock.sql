-- The game's clock: the wall's plus an offset that every process sees.
\ir ../helpers.psql
SELECT plan(13);
SELECT pg_temp.account('ann') \g /dev/null
CREATE FUNCTION pg_temp.ahead() RETURNS interval LANGUAGE sql
	RETURN date_trunc('minute', necp.now() - clock_timestamp() + interval '30 seconds');
SELECT is(pg_temp.ahead(), '0'::interval, 'it begins with the wall''s');
SELECT ok(necp.clock_advance('1 hour') > clock_timestamp() + interval '59 minutes', 'advancing it returns the new time');
SELECT is(pg_temp.ahead(), '1 hour'::interval, 'it stays ahead');
SELECT necp.clock_advance('2 hours') \g /dev/null
SELECT is(pg_temp.ahead(), '3 hours'::interval, 'advances add up');
SELECT is((SELECT date_trunc('minute', t - clock_timestamp() + interval '30 seconds')
	FROM dblink(format('host=%s port=%s dbname=%s user=postgres', (string_to_array(current_setting('unix_socket_directories'), ','))[1],
	                   current_setting('port'), current_database()), 'SELECT necp.now()') d (t timestamptz)), '3 hours'::interval, 'every process sees it');
SELECT ok((pg_temp.call('ann', 'GET', '/session') ->> 'created_at')::timestamptz < clock_timestamp(), 'what was done before stays where it was');
SELECT pg_temp.login('ann') \g /dev/null
SELECT ok((pg_temp.call('ann', 'GET', '/session') ->> 'created_at')::timestamptz > clock_timestamp() + interval '179 minutes', 'what is done now is done by it');
SELECT necp.clock_advance('-1 hour') \g /dev/null
SELECT is(pg_temp.ahead(), '2 hours'::interval, 'it can be set back');
SELECT is(necp.clock_advance(NULL), NULL, 'by nothing it is not moved');
SELECT ok((SELECT max(t) - min(t) >= '0.05 s' FROM (SELECT necp.now() AS t UNION ALL SELECT necp.now() FROM pg_sleep(0.06)) s), 'it does not stand still in a transaction');
SET ROLE necp_admin;
SELECT throws_ok('SELECT necp.clock_advance(''1 second'')', '42501', NULL, 'only superusers move it');
SET ROLE necp_analyst;
SELECT lives_ok('SELECT necp.now()', 'who reads may ask for it');
RESET ROLE;
SELECT necp.clock_reset() \g /dev/null
SELECT is(pg_temp.ahead(), '0'::interval, 'it can be set right');
SELECT * FROM finish();
