/* SPDX-License-Identifier: PostgreSQL */
CREATE FUNCTION necp.share_file(name text) RETURNS text
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'necp_share_file';
COMMENT ON FUNCTION necp.share_file IS 'A file that was installed with the extension; superusers only.';
CREATE FUNCTION necp.run_as_owner(sql text) RETURNS void
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'necp_run_as_owner';
COMMENT ON FUNCTION necp.run_as_owner IS 'Runs a script as necp_owner; superusers only.';
CREATE FUNCTION necp.schema_version() RETURNS int
	LANGUAGE c AS 'MODULE_PATHNAME', 'necp_schema_version';
COMMENT ON FUNCTION necp.schema_version IS 'Version of the tables that the code wants.';

-- Makes the partitions that are missing and drops those that are too old.
CREATE FUNCTION necp.partitions_keep() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p record;
	old record;
	low timestamptz;
	high timestamptz;
	part text;
	monthly boolean;
BEGIN
	FOR p IN SELECT * FROM necp.partitioned LOOP
		monthly := p.span >= interval '28 days';
		low := CASE WHEN monthly THEN date_trunc('month', necp.now(), 'UTC')
		            ELSE to_timestamp(floor(extract(epoch FROM necp.now()) / extract(epoch FROM p.span))
		                              * extract(epoch FROM p.span)) END;
		FOR i IN 0 .. p.ahead LOOP
			high := CASE WHEN monthly THEN ((low AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC'
			             ELSE low + p.span END;
			part := p.table_name || to_char(low AT TIME ZONE 'UTC', CASE WHEN monthly THEN '_YYYYMM' ELSE '_YYYYMMDDHH24' END);
			IF to_regclass('game.' || quote_ident(part)) IS NULL THEN
				-- LIKE and ATTACH: PARTITION OF would wait for every reader of the parent
				EXECUTE format('CREATE TABLE game.%I (LIKE game.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part, p.table_name);
				EXECUTE format('ALTER TABLE game.%I OWNER TO necp_owner', part);
				IF NOT EXISTS (SELECT FROM necp.private_tables t WHERE t.table_name = p.table_name) THEN
					EXECUTE format('GRANT SELECT ON game.%I TO necp_analyst', part);
				END IF;
				EXECUTE format('COMMENT ON TABLE game.%I IS %L', part, 'Partition of ' || p.table_name || '.');
				EXECUTE format('ALTER TABLE game.%I ATTACH PARTITION game.%I FOR VALUES FROM (%L) TO (%L)',
				               p.table_name, part, low, high);
			END IF;
			low := high;
		END LOOP;
		FOR old IN
			SELECT c.relname, substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz AS upper
			FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
			WHERE p.keep IS NOT NULL AND h.inhparent = to_regclass('game.' || quote_ident(p.table_name))
		LOOP
			IF old.upper < necp.now() - p.keep THEN
				PERFORM set_config('lock_timeout', '500ms', true);
				EXECUTE format('DROP TABLE game.%I', old.relname);
			END IF;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION necp.partitions_keep IS 'Makes partitions ahead of time and drops old ones; the scheduler calls it.';

CREATE FUNCTION necp.install() RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF to_regclass('game.schema_version') IS NOT NULL THEN
		RAISE NOTICE 'the game is installed already, with tables of version %',
			(SELECT max(version) FROM game.schema_version);
		RETURN (SELECT max(version) FROM game.schema_version);
	END IF;
	CREATE SCHEMA game;
	COMMENT ON SCHEMA game IS 'The game''s data: plain tables, no part of the extension.';
	GRANT USAGE, CREATE ON SCHEMA game TO necp_owner;
	GRANT USAGE ON SCHEMA game TO necp_analyst, necp_admin;
	PERFORM necp.run_as_owner(necp.share_file('tables.sql'));
	INSERT INTO game.schema_version (version) VALUES (necp.schema_version());
	GRANT SELECT ON ALL TABLES IN SCHEMA game TO necp_analyst;
	PERFORM necp.hide_private();
	PERFORM necp.partitions_keep();
	PERFORM necp.keys_rotate();
	RETURN necp.schema_version();
END
$$;
COMMENT ON FUNCTION necp.install IS 'Makes the game''s tables in schema game; does nothing where they are. Returns their version.';

CREATE FUNCTION necp.migrate() RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	reached int := (SELECT max(version) FROM game.schema_version);
	script text;
BEGIN
	FOR step IN reached + 1 .. necp.schema_version() LOOP
		script := necp.share_file(format('migrations/%s.sql', to_char(step, 'FM0000')));
		IF script LIKE '-- not transactional%' THEN
			RAISE EXCEPTION 'migration % cannot run inside a transaction', step
				USING HINT = format('Run psql -f $(pg_config --sharedir)/extension/necpgame/migrations/%s.sql, then SELECT necp.migrate() again.', to_char(step, 'FM0000'));
		END IF;
		PERFORM necp.run_as_owner(script);
		INSERT INTO game.schema_version (version) VALUES (step);
		reached := step;
	END LOOP;
	GRANT SELECT ON ALL TABLES IN SCHEMA game TO necp_analyst;
	PERFORM necp.hide_private();
	PERFORM necp.partitions_keep();
	NOTIFY necp_routes;
	RETURN reached;
END
$$;
COMMENT ON FUNCTION necp.migrate IS 'Brings the tables to the version of the code, step by step. Returns the version.';

-- Tables and columns that analysts do not see, with the reason.
CREATE TABLE necp.private_tables (
	table_name text PRIMARY KEY,
	reason text NOT NULL
);
COMMENT ON TABLE necp.private_tables IS 'Tables that necp_analyst cannot read, and why.';
INSERT INTO necp.private_tables VALUES
	('signing_keys', 'secrets'),
	('idempotency_keys', 'responses hold what only their reader may see');

CREATE FUNCTION necp.hide_private() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hidden text;
BEGIN
	FOR hidden IN
		SELECT format('game.%I', c.relname) FROM necp.private_tables p
		JOIN pg_class c ON c.relnamespace = 'game'::regnamespace
		 AND (c.relname = p.table_name OR c.oid IN (SELECT inhrelid FROM pg_inherits
		      WHERE inhparent = to_regclass('game.' || quote_ident(p.table_name))))
		WHERE c.relkind IN ('r', 'p')
	LOOP
		EXECUTE format('REVOKE SELECT ON %s FROM necp_analyst', hidden);
	END LOOP;
END
$$;
COMMENT ON FUNCTION necp.hide_private IS 'Takes private tables from the analysts again.';
