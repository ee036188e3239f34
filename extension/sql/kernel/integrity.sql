/* SPDX-License-Identifier: PostgreSQL
 *
 * The proof that nothing was lost: each room registers queries that return one row per violation.
 */
CREATE TABLE necp.integrity_checks (
	name text PRIMARY KEY,
	query text NOT NULL,
	description text NOT NULL
);
COMMENT ON TABLE necp.integrity_checks IS 'What necp.integrity_check() looks for.';

CREATE FUNCTION necp.integrity(name text, query text, description text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	PERFORM necp.require_script();
	INSERT INTO necp.integrity_checks VALUES (name, query, description);
END
$$;
COMMENT ON FUNCTION necp.integrity IS 'Registers a check: a query with one text column, a row per violation.';

CREATE FUNCTION necp.integrity_check() RETURNS TABLE (check_name text, detail text)
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT i.name, i.query FROM necp.integrity_checks i ORDER BY i.name LOOP
		check_name := c.name;
		FOR detail IN EXECUTE c.query LOOP
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION necp.integrity_check IS 'One row per violated invariant; none if nothing was ever lost or duplicated.';
