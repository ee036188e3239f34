/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.private_tables VALUES
	('reconnect_tokens', 'secrets'),
	('session_states', 'personal, and session ids'),
	('session_audit', 'addresses, and session ids');

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

CREATE TYPE necp.own_session_view AS (
	session_id uuid,
	status text,
	character_id bigint,
	place_id bigint,
	created_at timestamptz,
	expires_at timestamptz,
	state json
);
COMMENT ON TYPE necp.own_session_view IS 'The session that asks.';
COMMENT ON COLUMN necp.own_session_view.session_id IS 'The sid of its access tokens.';
COMMENT ON COLUMN necp.own_session_view.status IS 'CREATED, ACTIVE, IDLE, AFK or DISCONNECTED.';
COMMENT ON COLUMN necp.own_session_view.character_id IS 'Selected character, or null.';
COMMENT ON COLUMN necp.own_session_view.place_id IS 'Zone where it stands, or minus the instance, or null.';
COMMENT ON COLUMN necp.own_session_view.created_at IS 'Login.';
COMMENT ON COLUMN necp.own_session_view.expires_at IS 'When it ends at the latest.';
COMMENT ON COLUMN necp.own_session_view.state IS 'What the client keeps there for itself; an object.';

CREATE TYPE necp.account_session_view AS (
	session_id uuid,
	current boolean,
	status text,
	client_ip inet,
	user_agent text,
	created_at timestamptz,
	expires_at timestamptz,
	closed_at timestamptz,
	close_reason text
);
COMMENT ON TYPE necp.account_session_view IS 'A session of the own account.';
COMMENT ON COLUMN necp.account_session_view.session_id IS 'Identity.';
COMMENT ON COLUMN necp.account_session_view.current IS 'The one that asks.';
COMMENT ON COLUMN necp.account_session_view.status IS 'CREATED, ACTIVE, IDLE, AFK, DISCONNECTED or CLOSED.';
COMMENT ON COLUMN necp.account_session_view.client_ip IS 'Address that was last seen, or null.';
COMMENT ON COLUMN necp.account_session_view.user_agent IS 'Client that was last seen, or null.';
COMMENT ON COLUMN necp.account_session_view.created_at IS 'Login.';
COMMENT ON COLUMN necp.account_session_view.expires_at IS 'When it ends at the latest.';
COMMENT ON COLUMN necp.account_session_view.closed_at IS 'When it ended, or null.';
COMMENT ON COLUMN necp.account_session_view.close_reason IS 'Why: LOGOUT, CONCURRENT_LOGIN, AFK_TIMEOUT, …, or null.';

CREATE TYPE necp.active_player_view AS (
	character_id bigint,
	name text,
	level int,
	place_id bigint,
	status text
);
COMMENT ON TYPE necp.active_player_view IS 'A character that is played.';
COMMENT ON COLUMN necp.active_player_view.character_id IS 'Character.';
COMMENT ON COLUMN necp.active_player_view.name IS 'Its name.';
COMMENT ON COLUMN necp.active_player_view.level IS 'Its level.';
COMMENT ON COLUMN necp.active_player_view.place_id IS 'Zone where it stands, or minus the instance, or null.';
COMMENT ON COLUMN necp.active_player_view.status IS 'Of its session: ACTIVE, IDLE, AFK or DISCONNECTED.';

CREATE TYPE necp.reconnect_view AS (
	account_id bigint,
	session_id uuid,
	roles text[],
	permissions text[],
	reconnect_token text,
	access_token text,
	token_type text,
	expires_in int
);
COMMENT ON TYPE necp.reconnect_view IS 'A session that was taken up. The edge adds the access token.';
COMMENT ON COLUMN necp.reconnect_view.account_id IS 'Whose.';
COMMENT ON COLUMN necp.reconnect_view.session_id IS 'The session.';
COMMENT ON COLUMN necp.reconnect_view.roles IS 'Roles held now.';
COMMENT ON COLUMN necp.reconnect_view.permissions IS 'Permissions held now.';
COMMENT ON COLUMN necp.reconnect_view.reconnect_token IS 'For the next time that the connection is lost.';
COMMENT ON COLUMN necp.reconnect_view.access_token IS 'For the Authorization header.';
COMMENT ON COLUMN necp.reconnect_view.token_type IS 'Bearer.';
COMMENT ON COLUMN necp.reconnect_view.expires_in IS 'Seconds.';

CREATE TYPE necp.ticket_view AS (ticket text, expires_in int);
COMMENT ON TYPE necp.ticket_view IS 'A ticket for one WebSocket connection.';
COMMENT ON COLUMN necp.ticket_view.ticket IS 'Goes into /ws?ticket=.';
COMMENT ON COLUMN necp.ticket_view.expires_in IS 'Seconds.';

CREATE FUNCTION necp.session_get() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_session_get';
COMMENT ON FUNCTION necp.session_get IS 'The session that asks.';
SELECT necp.route('GET', '/session', 'session_get', auth => 'account', read_only => true, result => 'own_session_view');

CREATE FUNCTION necp.session_heartbeat() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_session_heartbeat';
COMMENT ON FUNCTION necp.session_heartbeat IS 'Says that the client is there; every 30 s.';
SELECT necp.route('POST', '/session/heartbeat', 'session_heartbeat', auth => 'account', action => false, result => 'session_view');

CREATE FUNCTION necp.session_ws_ticket(client_ip inet DEFAULT NULL, user_agent text DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_session_ws_ticket';
COMMENT ON FUNCTION necp.session_ws_ticket IS 'A single-use ticket for a WebSocket connection, for clients that cannot send headers. Voids an unused one.';
SELECT necp.route('POST', '/session/ws-ticket', 'session_ws_ticket', auth => 'account', action => false, result => 'ticket_view');

CREATE FUNCTION necp.session_reconnect(reconnect_token text, client_ip inet, user_agent text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_session_reconnect';
COMMENT ON FUNCTION necp.session_reconnect IS 'Takes up a session whose connection was lost, with the last token given out for it (by the login, CONNECTED or this), once; the one before works as long as neither was spent. A token that comes twice ends the session and its refresh tokens. SESSION_NOT_FOUND, NOT_DISCONNECTED, RECONNECT_WINDOW_EXPIRED, TOKEN_USED.';
SELECT necp.route('POST', '/session/reconnect', 'session_reconnect', auth => 'public', issues_token => true, result => 'reconnect_view');

CREATE FUNCTION necp.session_state(state json) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_session_state';
COMMENT ON FUNCTION necp.session_state IS 'Keeps an object of at most 16 KiB for the client, until the session''s end; nothing of the game reads it.';
SELECT necp.route('PUT', '/session/state', 'session_state', auth => 'account', action => false, result => 'own_session_view');

CREATE FUNCTION necp.session_active_players("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_session_active_players';
COMMENT ON FUNCTION necp.session_active_players IS 'Who plays, by character.';
SELECT necp.route('GET', '/session/active-players', 'session_active_players', auth => 'character', read_only => true, result => 'active_player_view', list => true);

CREATE FUNCTION necp.account_sessions("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_account_sessions';
COMMENT ON FUNCTION necp.account_sessions IS 'Sessions of the own account, newest first; closed ones for a week.';
SELECT necp.route('GET', '/account/sessions', 'account_sessions', auth => 'account', read_only => true, result => 'account_session_view', list => true);

CREATE FUNCTION necp.account_session_delete(session_id uuid) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_account_session_delete';
COMMENT ON FUNCTION necp.account_session_delete IS 'Ends a session of the own account and the refresh tokens of its login. NOT_FOUND.';
SELECT necp.route('DELETE', '/account/sessions/{session_id}', 'account_session_delete', auth => 'account', result => 'done_view');

SELECT necp.topic('/topic/player/{account_id}/session', 'account_topic', 'The own session''s state: status, reason, expires_at.');

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
	OUT status text, OUT last_action timestamptz, OUT last_seen timestamptz, OUT node text)
	RETURNS SETOF record
	LANGUAGE c AS 'MODULE_PATHNAME', 'necp_presence';
COMMENT ON FUNCTION necp.presence IS 'Sessions in shared memory.';
-- Whoever reads a view calls its functions himself. A session's id is a credential: it is not shown.
GRANT EXECUTE ON FUNCTION necp.presence TO necp_analyst, necp_admin;
CREATE VIEW live.online_sessions AS
	SELECT account_id, character_id, place_id, status, last_action, last_seen, node FROM necp.presence();
COMMENT ON VIEW live.online_sessions IS 'Who is online, from shared memory.';
COMMENT ON COLUMN live.online_sessions.account_id IS 'Account.';
COMMENT ON COLUMN live.online_sessions.character_id IS 'Character that it plays, or null.';
COMMENT ON COLUMN live.online_sessions.place_id IS 'Zone, or minus the instance, or null.';
COMMENT ON COLUMN live.online_sessions.status IS 'CREATED, ACTIVE, IDLE, AFK or DISCONNECTED.';
COMMENT ON COLUMN live.online_sessions.last_action IS 'Last command or movement.';
COMMENT ON COLUMN live.online_sessions.last_seen IS 'Last sign of life.';
COMMENT ON COLUMN live.online_sessions.node IS 'Realtime process that holds its connection, or null.';

SELECT necp.integrity('session_one_live', $$
	SELECT format('account %s has %s live sessions', account_id, count(*)) FROM game.player_sessions
	WHERE closed_at IS NULL GROUP BY account_id HAVING count(*) > 1$$,
	'G6: one live session per account.');
SELECT necp.integrity('session_character', $$
	SELECT format('session %s plays character %s of another account', s.id, s.character_id)
	FROM game.player_sessions s LEFT JOIN game.characters c ON c.id = s.character_id
	WHERE s.character_id IS NOT NULL AND c.account_id IS DISTINCT FROM s.account_id$$,
	'A session plays its own account''s character.');
