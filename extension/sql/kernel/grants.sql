/* SPDX-License-Identifier: PostgreSQL
 *
 * Last of all: who owns and who may call what the script made. Per-schema default privileges do not
 * take EXECUTE from PUBLIC, hence this.
 */
DO $$
DECLARE
	f record;
BEGIN
	FOR f IN
		SELECT p.oid::regprocedure AS signature, p.prosecdef, p.proname
		FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'necp'::pg_catalog.regnamespace
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f.signature);
		IF f.prosecdef THEN
			EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO necp_owner', f.signature);
		END IF;
		EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO necp_owner', f.signature);
		IF f.proname IN (SELECT function FROM necp.routes)
		   OR f.proname IN (SELECT function || '_lookup' FROM necp.routes WHERE password IS NOT NULL)
		   OR f.proname IN ('enter', 'finish', 'subscribe', 'edge_routes', 'edge_config', 'edge_keys',
		                    'realtime_connect', 'realtime_session', 'realtime_disconnect',
		                    'realtime_touch', 'world_exchange',
		                    'email_claim', 'email_sent', 'email_failed', 'email_release') THEN
			EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO necp_edge', f.signature);
		END IF;
		IF f.proname IN ('integrity_check', 'config_set', 'content_import', 'content_check', 'content_prune', 'content_changed', 'keys_rotate', 'role_grant', 'role_revoke', 'account_ban', 'account_unban', 'now', 'push', 'ledger_mint', 'character_kill', 'inventory_grant', 'progression_gain', 'progression_train', 'progression_refresh') THEN
			EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO necp_admin', f.signature);
		END IF;
		IF f.proname IN ('now', 'item_life', 'credit_paths') THEN
			EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO necp_analyst', f.signature);
		END IF;
	END LOOP;
END
$$;
GRANT SELECT ON ALL TABLES IN SCHEMA necp TO necp_owner, necp_analyst, necp_admin;
GRANT SELECT ON ALL TABLES IN SCHEMA live TO necp_owner, necp_analyst, necp_admin;
DO $$
BEGIN
	RAISE NOTICE 'necpgame: run SELECT necp.install(); next, it makes the tables';
END
$$;
