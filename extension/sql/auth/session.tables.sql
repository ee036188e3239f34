/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.player_sessions (
	id uuid PRIMARY KEY,
	account_id bigint NOT NULL REFERENCES game.accounts (id),
	family uuid NOT NULL,
	status text NOT NULL CHECK (status IN ('CREATED', 'ACTIVE', 'IDLE', 'AFK', 'DISCONNECTED', 'CLOSED')),
	character_id bigint,
	place_id bigint,
	binding bigint NOT NULL DEFAULT 0,
	client_ip inet,
	user_agent text,
	node text,
	ticket_digest bytea,
	ticket_expires_at timestamptz,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	disconnected_at timestamptz,
	closed_at timestamptz,
	close_reason text,
	CHECK ((status = 'CLOSED') = (closed_at IS NOT NULL)),
	CHECK (closed_at IS NULL OR (character_id IS NULL AND place_id IS NULL)),
	CHECK (place_id IS NULL OR character_id IS NOT NULL)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX player_sessions_live_key ON game.player_sessions (account_id) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX player_sessions_character_key ON game.player_sessions (character_id) WHERE character_id IS NOT NULL;
CREATE INDEX player_sessions_account ON game.player_sessions (account_id, created_at);
CREATE INDEX player_sessions_expiry ON game.player_sessions (expires_at) WHERE closed_at IS NULL;
CREATE INDEX player_sessions_closed ON game.player_sessions (closed_at) WHERE closed_at IS NOT NULL;
CREATE UNIQUE INDEX player_sessions_ticket_key ON game.player_sessions (ticket_digest) WHERE ticket_digest IS NOT NULL;
COMMENT ON TABLE game.player_sessions IS 'Sessions; at most one of an account is live.';
COMMENT ON COLUMN game.player_sessions.id IS 'The sid of access tokens.';
COMMENT ON COLUMN game.player_sessions.account_id IS 'Whose.';
COMMENT ON COLUMN game.player_sessions.family IS 'Family of refresh tokens that it came from.';
COMMENT ON COLUMN game.player_sessions.status IS 'Liveness.';
COMMENT ON COLUMN game.player_sessions.character_id IS 'Selected character.';
COMMENT ON COLUMN game.player_sessions.place_id IS 'Zone, or minus the instance.';
COMMENT ON COLUMN game.player_sessions.binding IS 'Rises with every change of character or place.';
COMMENT ON COLUMN game.player_sessions.client_ip IS 'Address that was last seen.';
COMMENT ON COLUMN game.player_sessions.user_agent IS 'Client that was last seen.';
COMMENT ON COLUMN game.player_sessions.node IS 'Realtime process that holds its connection.';
COMMENT ON COLUMN game.player_sessions.ticket_digest IS 'SHA-256 of its unused WebSocket ticket.';
COMMENT ON COLUMN game.player_sessions.ticket_expires_at IS 'End of the ticket.';
COMMENT ON COLUMN game.player_sessions.created_at IS 'Login.';
COMMENT ON COLUMN game.player_sessions.expires_at IS 'End of its absolute life.';
COMMENT ON COLUMN game.player_sessions.disconnected_at IS 'When its connection was lost.';
COMMENT ON COLUMN game.player_sessions.closed_at IS 'When it was closed.';
COMMENT ON COLUMN game.player_sessions.close_reason IS 'Why: LOGOUT, CONCURRENT_LOGIN, AFK_TIMEOUT, DISCONNECTED, EXPIRED, REVOKED, TOKEN_REPLAYED, or another room''s word.';

CREATE TABLE game.reconnect_tokens (
	digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
	session_id uuid NOT NULL REFERENCES game.player_sessions (id) ON DELETE CASCADE ON UPDATE CASCADE,
	created_at timestamptz NOT NULL,
	spent_at timestamptz
);
CREATE INDEX reconnect_tokens_session ON game.reconnect_tokens (session_id, created_at);
COMMENT ON TABLE game.reconnect_tokens IS 'Tokens that take up a lost session, by digest; the last two given out of a session work, those that were spent are remembered.';
COMMENT ON COLUMN game.reconnect_tokens.digest IS 'SHA-256 of the token.';
COMMENT ON COLUMN game.reconnect_tokens.session_id IS 'Session that it takes up.';
COMMENT ON COLUMN game.reconnect_tokens.created_at IS 'When it was given out.';
COMMENT ON COLUMN game.reconnect_tokens.spent_at IS 'When it, or one beside it, was spent.';

CREATE TABLE game.session_states (
	session_id uuid PRIMARY KEY REFERENCES game.player_sessions (id) ON DELETE CASCADE ON UPDATE CASCADE,
	state json NOT NULL CHECK (json_typeof(state) = 'object'),
	saved_at timestamptz NOT NULL
);
COMMENT ON TABLE game.session_states IS 'What clients note about their windows, for themselves.';
COMMENT ON COLUMN game.session_states.session_id IS 'Session.';
COMMENT ON COLUMN game.session_states.state IS 'The client''s own; never trusted.';
COMMENT ON COLUMN game.session_states.saved_at IS 'When.';

CREATE TABLE game.session_audit (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	session_id uuid NOT NULL REFERENCES game.player_sessions (id) ON DELETE CASCADE ON UPDATE CASCADE,
	kind text NOT NULL CHECK (kind IN ('CREATED', 'RECONNECTED', 'CLIENT_CHANGED', 'CLOSED')),
	reason text CHECK ((kind = 'CLOSED') = (reason IS NOT NULL)),
	client_ip inet,
	user_agent text,
	at timestamptz NOT NULL
);
CREATE INDEX session_audit_session ON game.session_audit (session_id, id);
COMMENT ON TABLE game.session_audit IS 'History of sessions; goes with them.';
COMMENT ON COLUMN game.session_audit.id IS 'Identity.';
COMMENT ON COLUMN game.session_audit.session_id IS 'Session.';
COMMENT ON COLUMN game.session_audit.kind IS 'What happened.';
COMMENT ON COLUMN game.session_audit.reason IS 'Why it was closed.';
COMMENT ON COLUMN game.session_audit.client_ip IS 'Address known then.';
COMMENT ON COLUMN game.session_audit.user_agent IS 'Client known then.';
COMMENT ON COLUMN game.session_audit.at IS 'When.';

INSERT INTO game.config (key, value, description) VALUES
	('session.life_s', '86400', 'Absolute life of a session.'),
	('session.idle_s', '300', 'Time without an action after which a session is IDLE.'),
	('session.afk_s', '600', 'Time without an action after which a session is AFK.'),
	('session.afk_warn_s', '1500', 'Time without an action after which a session is warned.'),
	('session.afk_close_s', '1800', 'Time without an action after which a session is closed.'),
	('session.silence_s', '180', 'Time without a heart-beat after which a session is DISCONNECTED.'),
	('session.reconnect_s', '300', 'Time to come back after a lost connection.'),
	('session.keep_s', '604800', 'Time for which closed sessions are kept.'),
	('session.ticket_s', '30', 'Life of a WebSocket ticket.');
