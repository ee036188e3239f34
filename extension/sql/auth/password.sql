/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.private_tables VALUES
	('earlier_passwords', 'password hashes');

CREATE FUNCTION necp.auth_change_password(verified_hash text, password_hash text, password_reused boolean, client_ip inet, user_agent text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_change_password';
COMMENT ON FUNCTION necp.auth_change_password IS 'Sets a new password, which is none of the last three. Ends every session of the account, this one too. INVALID_CREDENTIALS.';
CREATE FUNCTION necp.auth_change_password_lookup() RETURNS text
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_change_password_lookup';
COMMENT ON FUNCTION necp.auth_change_password_lookup IS 'Hashes of the current password and of those before it, one per line.';
SELECT necp.route('POST', '/auth/change-password', 'auth_change_password', auth => 'account', rate => 'password', password => 'change', result => 'done_view');

CREATE FUNCTION necp.auth_reset_password(token text, password_hash text, password_reused boolean) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_reset_password';
COMMENT ON FUNCTION necp.auth_reset_password IS 'Sets a new password with the token that was mailed, which is none of the last three. Ends every session of the account and its lock. TOKEN_USED, VERIFICATION_EXPIRED.';
CREATE FUNCTION necp.auth_reset_password_lookup(token text) RETURNS text
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_reset_password_lookup';
COMMENT ON FUNCTION necp.auth_reset_password_lookup IS 'Hashes of the account''s last passwords, one per line, or null.';
SELECT necp.route('POST', '/auth/reset-password', 'auth_reset_password', auth => 'public', rate => 'password', password => 'reset', result => 'done_view');
