/* SPDX-License-Identifier: PostgreSQL
 *
 * Roles and schemas. Roles belong to the cluster, not to the extension: made if missing, so that a
 * restore on a new cluster has them before its GRANTs.
 */
DO $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT * FROM (VALUES ('necp_owner', 'NOLOGIN'), ('necp_edge', 'LOGIN'),
		                      ('necp_analyst', 'NOLOGIN'), ('necp_admin', 'NOLOGIN')) r (name, login)
	LOOP
		IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name) THEN
			EXECUTE pg_catalog.format('CREATE ROLE %I %s', wanted.name, wanted.login);
		END IF;
	END LOOP;
END
$$;
-- A SET clause on each endpoint would cost 14-18 % of a read: the edges' path is pinned instead.
ALTER ROLE necp_edge SET search_path = pg_catalog, pg_temp;
-- Plans are kept for as long as a connection lives: one made on an empty table must not read it to its
-- end when it is full. What is forbidden is priced, not impossible; that price must not call the compiler.
ALTER ROLE necp_edge SET enable_seqscan = off;
ALTER ROLE necp_edge SET enable_mergejoin = off;
ALTER ROLE necp_edge SET enable_hashjoin = off;
ALTER ROLE necp_edge SET jit = off;
-- Refresh tokens, tickets and mailed tokens are bound as they are: no log shows what is bound, whatever
-- an operator lets the database log while he looks for something.
ALTER ROLE necp_edge SET log_parameter_max_length = 0;
ALTER ROLE necp_edge SET log_parameter_max_length_on_error = 0;
ALTER ROLE necp_analyst SET statement_timeout = '60s';
ALTER ROLE necp_analyst SET idle_in_transaction_session_timeout = '60s';

COMMENT ON SCHEMA necp IS 'The game''s code: functions, and what they declare about themselves.';
CREATE SCHEMA live;
COMMENT ON SCHEMA live IS 'The live world: views over shared memory.';
GRANT USAGE ON SCHEMA necp TO necp_owner, necp_edge, necp_analyst, necp_admin;
GRANT USAGE ON SCHEMA live TO necp_owner, necp_analyst, necp_admin;

-- Members of the extension that hold rows are code: written by this script, not dumped.
CREATE TABLE necp.partitioned (
	table_name text PRIMARY KEY,
	column_name text NOT NULL,
	span interval NOT NULL,
	ahead int NOT NULL,
	keep interval
);
COMMENT ON TABLE necp.partitioned IS 'Partitioned tables and how the scheduler keeps their partitions.';
COMMENT ON COLUMN necp.partitioned.table_name IS 'Table in schema game.';
COMMENT ON COLUMN necp.partitioned.column_name IS 'Its partition key, a timestamptz.';
COMMENT ON COLUMN necp.partitioned.span IS 'What one partition covers: a month, or a part of a day.';
COMMENT ON COLUMN necp.partitioned.ahead IS 'Partitions kept ready for the future.';
COMMENT ON COLUMN necp.partitioned.keep IS 'Age after which a partition is dropped; never if null.';

CREATE FUNCTION necp.require_script() RETURNS void
	LANGUAGE c AS 'MODULE_PATHNAME', 'necp_require_script';
COMMENT ON FUNCTION necp.require_script IS 'Refuses outside the extension''s own script.';

CREATE FUNCTION necp.now() RETURNS timestamptz
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'necp_now_sql';
COMMENT ON FUNCTION necp.now IS 'The game''s clock.';
CREATE FUNCTION necp.clock_advance(by interval) RETURNS timestamptz
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'necp_clock_advance';
COMMENT ON FUNCTION necp.clock_advance IS 'Moves the game''s clock for every process: rehearsals and tests.';
CREATE FUNCTION necp.clock_reset() RETURNS timestamptz
	LANGUAGE c AS 'MODULE_PATHNAME', 'necp_clock_reset';
COMMENT ON FUNCTION necp.clock_reset IS 'Sets the game''s clock back to the wall''s.';
CREATE FUNCTION necp.random_seed(seed bigint) RETURNS void
	LANGUAGE c AS 'MODULE_PATHNAME', 'necp_random_seed';
COMMENT ON FUNCTION necp.random_seed IS 'Seeds the rules'' randomness in every backend; NULL unseeds it.';
CREATE FUNCTION necp.run_job(job name) RETURNS void
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'necp_run_job';
COMMENT ON FUNCTION necp.run_job IS 'Runs a job of the scheduler at once.';
