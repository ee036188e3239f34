/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.private_tables VALUES ('reconnect_tokens', 'secrets');

CREATE TYPE necp.session_view AS (
	session_id uuid,
	status text,
	character_id bigint,
	place_id bigint,
	created_at timestamptz,
	expires_at timestamptz
);
COMMENT ON TYPE necp.session_view IS 'A session.';
COMMENT ON COLUMN necp.session_view.session_id IS 'The sid of its access tokens.';
COMMENT ON COLUMN necp.session_view.status IS 'CREATED, ACTIVE, IDLE, AFK, DISCONNECTED or CLOSED.';
COMMENT ON COLUMN necp.session_view.character_id IS 'Selected character, or null.';
COMMENT ON COLUMN necp.session_view.place_id IS 'Zone where it stands, or minus the instance, or null.';
COMMENT ON COLUMN necp.session_view.created_at IS 'Login.';
COMMENT ON COLUMN necp.session_view.expires_at IS 'When it ends at the latest.';

CREATE TYPE necp.ticket_view AS (ticket text, expires_in int);
COMMENT ON TYPE necp.ticket_view IS 'A ticket for one WebSocket connection.';
COMMENT ON COLUMN necp.ticket_view.ticket IS 'Goes into /ws?ticket=.';
COMMENT ON COLUMN necp.ticket_view.expires_in IS 'Seconds.';

CREATE FUNCTION necp.session_get() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_session_get';
COMMENT ON FUNCTION necp.session_get IS 'The session that asks.';
SELECT necp.route('GET', '/session', 'session_get', auth => 'account', read_only => true, result => 'session_view');

CREATE FUNCTION necp.session_heartbeat() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_session_heartbeat';
COMMENT ON FUNCTION necp.session_heartbeat IS 'Says that the client is there; every 30 s.';
SELECT necp.route('POST', '/session/heartbeat', 'session_heartbeat', auth => 'account', result => 'session_view');

CREATE FUNCTION necp.session_ws_ticket() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_session_ws_ticket';
COMMENT ON FUNCTION necp.session_ws_ticket IS 'A single-use ticket for a WebSocket connection, for clients that cannot send headers. Voids an unused one.';
SELECT necp.route('POST', '/session/ws-ticket', 'session_ws_ticket', auth => 'account', result => 'ticket_view');

CREATE FUNCTION necp.realtime_connect(session uuid, ticket text, node text) RETURNS json
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_realtime_connect';
COMMENT ON FUNCTION necp.realtime_connect IS 'A connection begins, by session or ticket. UNAUTHENTICATED.';
CREATE FUNCTION necp.realtime_session(session uuid) RETURNS json
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_realtime_session';
COMMENT ON FUNCTION necp.realtime_session IS 'What a session plays now: binding, character, place.';
CREATE FUNCTION necp.realtime_disconnect(session uuid, node text) RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_realtime_disconnect';
COMMENT ON FUNCTION necp.realtime_disconnect IS 'A session''s connection to a node is gone.';
CREATE FUNCTION necp.realtime_touch(sessions uuid[]) RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_realtime_touch';
COMMENT ON FUNCTION necp.realtime_touch IS 'Heart-beat of connected sessions.';

CREATE FUNCTION necp.presence(OUT account_id bigint, OUT character_id bigint, OUT place_id bigint,
	OUT last_action timestamptz, OUT last_seen timestamptz)
	RETURNS SETOF record
	LANGUAGE c AS 'MODULE_PATHNAME', 'necp_presence';
COMMENT ON FUNCTION necp.presence IS 'Sessions in shared memory.';
-- Whoever reads a view calls its functions himself. A session's id is a credential: it is not shown.
GRANT EXECUTE ON FUNCTION necp.presence TO necp_analyst, necp_admin;
CREATE VIEW live.online_sessions AS
	SELECT account_id, character_id, place_id, last_action, last_seen FROM necp.presence();
COMMENT ON VIEW live.online_sessions IS 'Who is online, from shared memory.';
COMMENT ON COLUMN live.online_sessions.account_id IS 'Account.';
COMMENT ON COLUMN live.online_sessions.character_id IS 'Character that it plays, or null.';
COMMENT ON COLUMN live.online_sessions.place_id IS 'Zone, or minus the instance, or null.';
COMMENT ON COLUMN live.online_sessions.last_action IS 'Last command.';
COMMENT ON COLUMN live.online_sessions.last_seen IS 'Last heart-beat.';

SELECT necp.integrity('session_one_live', $$
	SELECT format('account %s has %s live sessions', account_id, count(*)) FROM game.player_sessions
	WHERE closed_at IS NULL GROUP BY account_id HAVING count(*) > 1$$,
	'G6: one live session per account.');
SELECT necp.integrity('session_character', $$
	SELECT format('session %s plays character %s of another account', s.id, s.character_id)
	FROM game.player_sessions s LEFT JOIN game.characters c ON c.id = s.character_id
	WHERE s.character_id IS NOT NULL AND c.account_id IS DISTINCT FROM s.account_id$$,
	'A session plays its own account''s character.');
