/* SPDX-License-Identifier: PostgreSQL */
CREATE FUNCTION necp.config_changed() RETURNS void
	LANGUAGE c AS 'MODULE_PATHNAME', 'necp_config_changed';
COMMENT ON FUNCTION necp.config_changed IS 'Every backend reads game.config again after this transaction.';

CREATE FUNCTION necp.config_set(key text, value jsonb) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE game.config c SET value = config_set.value WHERE c.key = config_set.key;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'config has no key "%"', config_set.key USING ERRCODE = 'undefined_object';
	END IF;
	PERFORM necp.config_changed();
	PERFORM pg_notify('necp_config', config_set.key);
END
$$;
COMMENT ON FUNCTION necp.config_set IS 'Changes a setting; backends and servers take it at once.';

CREATE FUNCTION necp.edge_config() RETURNS json
	LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT json_object_agg(c.key, c.value) FROM game.config c
	        WHERE c.key ~ '^(edge|realtime|rate|mail)\.');
END
$$;
COMMENT ON FUNCTION necp.edge_config IS 'Settings of the servers, key to value.';
