/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.private_tables VALUES
	('refresh_tokens', 'secrets'),
	('account_tokens', 'secrets');

CREATE TYPE necp.token_view AS (
	account_id bigint,
	session_id uuid,
	roles text[],
	permissions text[],
	refresh_token text,
	refresh_expires_in int,
	reconnect_token text,
	access_token text,
	token_type text,
	expires_in int
);
COMMENT ON TYPE necp.token_view IS 'Tokens of a session. The edge adds the access token.';
COMMENT ON COLUMN necp.token_view.account_id IS 'Whose.';
COMMENT ON COLUMN necp.token_view.session_id IS 'The session.';
COMMENT ON COLUMN necp.token_view.roles IS 'Roles held now.';
COMMENT ON COLUMN necp.token_view.permissions IS 'Permissions held now.';
COMMENT ON COLUMN necp.token_view.refresh_token IS 'Spend it once at /auth/refresh.';
COMMENT ON COLUMN necp.token_view.refresh_expires_in IS 'Seconds.';
COMMENT ON COLUMN necp.token_view.reconnect_token IS 'Takes the session up at /session/reconnect, should its connection be lost; once.';
COMMENT ON COLUMN necp.token_view.access_token IS 'For the Authorization header.';
COMMENT ON COLUMN necp.token_view.token_type IS 'Bearer.';
COMMENT ON COLUMN necp.token_view.expires_in IS 'Seconds.';

CREATE FUNCTION necp.auth_refresh(refresh_token text, client_ip inet, user_agent text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_refresh';
COMMENT ON FUNCTION necp.auth_refresh IS 'Spends a refresh token for new ones. Spending one twice revokes the whole family and ends its session. REFRESH_REUSED, UNAUTHENTICATED, ACCOUNT_BANNED.';
SELECT necp.route('POST', '/auth/refresh', 'auth_refresh', auth => 'public', issues_token => true, result => 'token_view');

SELECT necp.integrity('auth_token_live', $$
	SELECT format('family %s has %s live refresh tokens', family, count(*)) FROM game.refresh_tokens
	WHERE spent_at IS NULL AND revoked_at IS NULL GROUP BY family HAVING count(*) > 1$$,
	'One refresh token of a family is live.');
