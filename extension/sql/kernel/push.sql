/* SPDX-License-Identifier: PostgreSQL */
CREATE FUNCTION necp.push(topic text, type text, data json) RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_push_sql';
COMMENT ON FUNCTION necp.push IS
	'Sends a message to whoever listens to a topic when the transaction commits: operators'' announcements.';
SELECT necp.topic('/topic/server/announcements', NULL, 'Announcements of the operators: id, severity, title, text, starts_at.');
SELECT necp.topic('/topic/world/events', NULL, 'World events: event_id, kind, status, zone_id, state_key, value, version.');
