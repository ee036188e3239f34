/* SPDX-License-Identifier: PostgreSQL
 *
 * Roles, bans and the audit log (DOMAIN §1, §29). Operators of the database call these; where there
 * is an acting account, its rank and permissions decide.
 */
INSERT INTO necp.private_tables VALUES
	('account_bans', 'reasons tell of persons'),
	('admin_audit_log', 'reasons tell of persons');

CREATE TYPE necp.standing_view AS (
	account_id bigint,
	status text,
	banned_at timestamptz,
	banned_until timestamptz,
	roles text[]
);
COMMENT ON TYPE necp.standing_view IS 'What an account is allowed to be.';
COMMENT ON COLUMN necp.standing_view.account_id IS 'Identity.';
COMMENT ON COLUMN necp.standing_view.status IS 'ACTIVE, SUSPENDED (banned for a time), BANNED (for good) or DELETED.';
COMMENT ON COLUMN necp.standing_view.banned_at IS 'Since when it is banned, or null.';
COMMENT ON COLUMN necp.standing_view.banned_until IS 'Until when, or null: for good, or not banned.';
COMMENT ON COLUMN necp.standing_view.roles IS 'Roles held now.';

CREATE FUNCTION necp.role_grant(account_id bigint, role text, expires_at timestamptz, reason text) RETURNS json
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_role_grant';
COMMENT ON FUNCTION necp.role_grant IS 'Gives an account a role, until a time or for good (null); of a role that it holds it changes the end. Holds at its next request. FORBIDDEN, NOT_FOUND.';
CREATE FUNCTION necp.role_revoke(account_id bigint, role text, reason text) RETURNS json
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_role_revoke';
COMMENT ON FUNCTION necp.role_revoke IS 'Takes a role from an account. Holds at its next request. FORBIDDEN, NOT_FOUND.';
CREATE FUNCTION necp.account_ban(account_id bigint, until timestamptz, reason text) RETURNS json
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_account_ban';
COMMENT ON FUNCTION necp.account_ban IS 'Bans an account until a time or for good (null), instead of a ban that is in force. Its session and all refresh tokens end. FORBIDDEN, NOT_FOUND.';
CREATE FUNCTION necp.account_unban(account_id bigint, reason text) RETURNS json
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_account_unban';
COMMENT ON FUNCTION necp.account_unban IS 'Lifts a ban. FORBIDDEN, NOT_FOUND.';

SELECT necp.integrity('ban_status', $$
	SELECT format('account %s is banned and %s', a.id, a.status) FROM game.account_bans b
	JOIN game.accounts a ON a.id = b.account_id WHERE b.lifted_at IS NULL AND a.status = 'ACTIVE'$$,
	'A banned account is not active.');
SELECT necp.integrity('ban_session', $$
	SELECT format('banned account %s has a live session', b.account_id) FROM game.account_bans b
	JOIN game.player_sessions s ON s.account_id = b.account_id AND s.closed_at IS NULL WHERE b.lifted_at IS NULL$$,
	'A banned account has no live session.');
SELECT necp.integrity('ban_token', $$
	SELECT format('banned account %s has a live refresh token', b.account_id) FROM game.account_bans b
	WHERE b.lifted_at IS NULL AND EXISTS (SELECT FROM game.refresh_tokens t
		WHERE t.account_id = b.account_id AND t.spent_at IS NULL AND t.revoked_at IS NULL)$$,
	'A banned account has no live refresh token.');
