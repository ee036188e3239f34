-- Code is the extension, data is not: installing twice changes nothing, dropping the code keeps the
-- data, and partitions are there before they are needed.
\ir ../helpers.psql
SELECT plan(33);
SELECT pg_temp.account('ann') \g /dev/null
CREATE FUNCTION pg_temp.fingerprint() RETURNS text LANGUAGE sql RETURN (
	SELECT md5(string_agg(format('%s.%s %s %s', c.relname, a.attname, a.atttypid::regtype, a.attnotnull), ',' ORDER BY c.relname, a.attnum))
	       || (SELECT count(*) FROM game.accounts) || (SELECT count(*) FROM game.signing_keys) || (SELECT md5(string_agg(c::text, ',' ORDER BY key)) FROM game.config c)
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
	WHERE c.relnamespace = 'game'::regnamespace AND c.relkind IN ('r', 'p'));
SELECT pg_temp.fingerprint() AS before \gset

SELECT throws_ok('CREATE EXTENSION necpgame', '42710', NULL, 'the extension is created once');
SELECT is(necp.install(), necp.schema_version(), 'install() returns the version of the tables');
SELECT is(pg_temp.fingerprint(), :'before', 'and changes nothing where they are');
SELECT is(necp.migrate(), necp.schema_version(), 'migrate() has nothing to do');
SELECT is(pg_temp.fingerprint(), :'before', 'and does nothing');
SELECT is((SELECT max(version) FROM game.schema_version), necp.schema_version(), 'the version was reached');

BEGIN;
SELECT lives_ok('DROP EXTENSION necpgame', 'the code can be dropped without CASCADE');
SELECT is(pg_temp.fingerprint(), :'before', 'the data does not notice');
SELECT is((SELECT count(*) FROM pg_namespace WHERE nspname = 'live'), 0::bigint, 'the views are gone');
SELECT is((SELECT count(*) FROM pg_proc WHERE pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'necp')), 0::bigint, 'so are the functions');
SELECT lives_ok('CREATE EXTENSION necpgame', 'it can be created again');
SELECT is(pg_temp.fingerprint(), :'before', 'over the same data');
SELECT is((SELECT status FROM necp.edge_routes() r WHERE r.path = '/auth/me'), 200, 'with its routes');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'and its checks');
ROLLBACK;

-- Files and rights --------------------------------------------------------------------------------------------

SELECT ok(necp.share_file('tables.sql') LIKE '%CREATE TABLE game.accounts%', 'a superuser reads what was installed');
SELECT throws_ok($$SELECT necp.share_file('../necpgame.control')$$, '42602', NULL, 'and nothing above it');
SELECT throws_ok($$SELECT necp.share_file('/etc/passwd')$$, '42602', NULL, 'nor elsewhere');
SELECT throws_ok($$SELECT necp.share_file('no.such')$$, '58P01', NULL, 'nor what is not there');
SET ROLE necp_owner;
SELECT throws_ok($$SELECT necp.share_file('tables.sql')$$, '42501', NULL, 'others read nothing');
SELECT throws_ok($$SELECT necp.run_as_owner('SELECT 1')$$, '42501', NULL, 'and run nothing');
RESET ROLE;
SELECT throws_ok($$SELECT necp.run_as_owner('ALTER ROLE necp_owner SUPERUSER')$$, '42501', NULL, 'a script has the owner''s rights only');
SELECT is(current_user::text, 'postgres', 'which end with it');

-- Partitions --------------------------------------------------------------------------------------------------

CREATE TEMP VIEW parts AS
	SELECT p.relname AS parent, c.relname AS part, pg_get_expr(c.relpartbound, c.oid) AS bound, c.oid
	FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid
	WHERE p.relnamespace = 'game'::regnamespace AND c.relkind = 'r';
SELECT is_empty($$SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'game'::regnamespace AND c.relkind = 'p'
	AND c.relname NOT IN (SELECT table_name FROM necp.partitioned)$$, 'every partitioned table is kept');
SELECT is_empty($$SELECT table_name FROM necp.partitioned k WHERE (SELECT count(*) FROM parts WHERE parent = k.table_name) < k.ahead + 1$$, 'there are partitions ahead');
SELECT is_empty($$SELECT part FROM parts WHERE bound = 'DEFAULT'$$, 'none takes what belongs nowhere');
SELECT is_empty($$SELECT part FROM parts p WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = p.oid)$$, 'each has its indexes');
SELECT count(*) AS many FROM parts \gset
SELECT necp.partitions_keep() \g /dev/null
SELECT is((SELECT count(*) FROM parts), :many::bigint, 'keeping them twice makes no more');
BEGIN;
SELECT array_agg(oid) AS gone FROM parts WHERE parent = 'idempotency_keys'
	AND substring(bound FROM 'TO \(''([^'']+)''\)')::timestamptz < now() + interval '60 days' \gset
SELECT necp.clock_advance('70 days') \g /dev/null
-- as the scheduler: who holds a lock for too long is waited for the next time
DO $$
BEGIN
	FOR turn IN 1 .. 20 LOOP
		BEGIN
			PERFORM necp.partitions_keep();
			EXIT;
		EXCEPTION WHEN lock_not_available THEN
			NULL;
		END;
	END LOOP;
END
$$;
SELECT is_empty($$SELECT table_name FROM necp.partitioned k WHERE NOT EXISTS (SELECT FROM parts WHERE parent = k.table_name
	AND necp.now() >= substring(bound FROM 'FROM \(''([^'']+)''\)')::timestamptz AND necp.now() < substring(bound FROM 'TO \(''([^'']+)''\)')::timestamptz)$$,
	'70 days later there is one for then');
SELECT is((SELECT count(*) FROM pg_class WHERE oid = ANY (:'gone'::oid[])), 0::bigint, 'what is kept for 48 hours only is gone');
SELECT ok((SELECT count(*) > 4 FROM parts WHERE parent = 'ledger_transfers'), 'what is kept for good is not');
SELECT is_empty($$SELECT part FROM parts WHERE has_table_privilege('necp_analyst', oid, 'SELECT') = (parent IN (SELECT table_name FROM necp.private_tables))$$,
	'analysts read new partitions, but not of private tables');
SELECT is_empty($$SELECT part FROM parts p JOIN pg_class c ON c.oid = p.oid WHERE c.relowner <> 'necp_owner'::regrole$$, 'they belong to necp_owner');
ROLLBACK;
SELECT necp.clock_reset() \g /dev/null
SELECT throws_ok('SELECT necp.run_job(''no such'')', '42704', NULL, 'there is no such job');
SELECT necp.partitions_keep() \g /dev/null
