/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.private_tables VALUES
	('account_settings', 'where people live and what they agreed to'),
	('email_changes', 'addresses');

CREATE TYPE necp.login_view AS (
	login_id bigint,
	outcome text,
	client_ip inet,
	user_agent text,
	at timestamptz
);
COMMENT ON TYPE necp.login_view IS 'An attempt to log in.';
COMMENT ON COLUMN necp.login_view.login_id IS 'Identity; rises with time.';
COMMENT ON COLUMN necp.login_view.outcome IS 'SUCCESS, WRONG_PASSWORD, WRONG_CODE (of the second factor) or BARRED.';
COMMENT ON COLUMN necp.login_view.client_ip IS 'From where, or null.';
COMMENT ON COLUMN necp.login_view.user_agent IS 'With what, or null.';
COMMENT ON COLUMN necp.login_view.at IS 'When.';

CREATE FUNCTION necp.account_login_history("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_account_login_history';
COMMENT ON FUNCTION necp.account_login_history IS 'Attempts to log in to the own account, newest first.';
SELECT necp.route('GET', '/account/login-history', 'account_login_history', auth => 'account', read_only => true, result => 'login_view', list => true);

CREATE TYPE necp.account_profile_view AS (
	account_id bigint,
	email text,
	pending_email text,
	email_verified boolean,
	username text,
	display_name text,
	created_at timestamptz,
	last_login_at timestamptz
);
COMMENT ON TYPE necp.account_profile_view IS 'An account, as its owner edits it.';
COMMENT ON COLUMN necp.account_profile_view.account_id IS 'Identity.';
COMMENT ON COLUMN necp.account_profile_view.email IS 'Address.';
COMMENT ON COLUMN necp.account_profile_view.pending_email IS 'Address that replaces it once it is proven, or null.';
COMMENT ON COLUMN necp.account_profile_view.email_verified IS 'The address was proven.';
COMMENT ON COLUMN necp.account_profile_view.username IS 'Name, unique.';
COMMENT ON COLUMN necp.account_profile_view.display_name IS 'Name shown to others.';
COMMENT ON COLUMN necp.account_profile_view.created_at IS 'Registration.';
COMMENT ON COLUMN necp.account_profile_view.last_login_at IS 'Last login.';

CREATE FUNCTION necp.account_get() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_account_get';
COMMENT ON FUNCTION necp.account_get IS 'The own account.';
SELECT necp.route('GET', '/account', 'account_get', auth => 'account', read_only => true, result => 'account_profile_view');

CREATE FUNCTION necp.account_update(verified_hash text, client_ip inet, user_agent text,
	display_name text DEFAULT NULL, email text DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_account_update';
COMMENT ON FUNCTION necp.account_update IS 'Changes what is given. A new address wants the password; it is pending until it is proven by POST /auth/verify-email with the token that is sent to it, and the address before it is told. The current address withdraws a pending one. INVALID_CREDENTIALS, EMAIL_TAKEN.';
CREATE FUNCTION necp.account_update_lookup() RETURNS text
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_account_update_lookup';
COMMENT ON FUNCTION necp.account_update_lookup IS 'The hash that the edge verifies the password against.';
SELECT necp.route('PUT', '/account', 'account_update', auth => 'account', password => 'optional', result => 'account_profile_view');

CREATE TYPE necp.account_deletion_view AS (deleted_at timestamptz, restorable_until timestamptz);
COMMENT ON TYPE necp.account_deletion_view IS 'A deleted account.';
COMMENT ON COLUMN necp.account_deletion_view.deleted_at IS 'Now.';
COMMENT ON COLUMN necp.account_deletion_view.restorable_until IS 'Until when a login brings it back.';

CREATE FUNCTION necp.account_delete(verified_hash text, client_ip inet, user_agent text, code text DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_account_delete';
COMMENT ON FUNCTION necp.account_delete IS 'Deletes the own account and ends its session; wants the password, and a code where there is a second factor. A login within 30 days brings it back. INVALID_CREDENTIALS, TWO_FACTOR_REQUIRED, INVALID_2FA_CODE, ACCOUNT_LOCKED.';
CREATE FUNCTION necp.account_delete_lookup() RETURNS text
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_account_delete_lookup';
COMMENT ON FUNCTION necp.account_delete_lookup IS 'The hash that the edge verifies the password against.';
SELECT necp.route('DELETE', '/account', 'account_delete', auth => 'account', password => 'verify', result => 'account_deletion_view');

CREATE TYPE necp.account_settings_view AS (
	ui json,
	audio json,
	graphics json,
	language text,
	timezone text,
	privacy_consent boolean,
	privacy_consent_at timestamptz,
	marketing_consent boolean,
	marketing_consent_at timestamptz,
	updated_at timestamptz
);
COMMENT ON TYPE necp.account_settings_view IS 'Settings of an account.';
COMMENT ON COLUMN necp.account_settings_view.ui IS 'Object of the client''s own.';
COMMENT ON COLUMN necp.account_settings_view.audio IS 'Object of the client''s own.';
COMMENT ON COLUMN necp.account_settings_view.graphics IS 'Object of the client''s own.';
COMMENT ON COLUMN necp.account_settings_view.language IS 'Of mails and texts.';
COMMENT ON COLUMN necp.account_settings_view.timezone IS 'Name of the IANA database.';
COMMENT ON COLUMN necp.account_settings_view.privacy_consent IS 'Agrees to the privacy policy.';
COMMENT ON COLUMN necp.account_settings_view.privacy_consent_at IS 'When that was said or withdrawn, or null.';
COMMENT ON COLUMN necp.account_settings_view.marketing_consent IS 'Agrees to be written to about the game.';
COMMENT ON COLUMN necp.account_settings_view.marketing_consent_at IS 'When that was said or withdrawn, or null.';
COMMENT ON COLUMN necp.account_settings_view.updated_at IS 'Last change, or null.';

CREATE FUNCTION necp.account_settings() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_account_settings';
COMMENT ON FUNCTION necp.account_settings IS 'Settings of the own account.';
SELECT necp.route('GET', '/account/settings', 'account_settings', auth => 'account', read_only => true, result => 'account_settings_view');

CREATE FUNCTION necp.account_settings_update(ui json DEFAULT NULL, audio json DEFAULT NULL, graphics json DEFAULT NULL,
	language text DEFAULT NULL, timezone text DEFAULT NULL, privacy_consent boolean DEFAULT NULL,
	marketing_consent boolean DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_account_settings_update';
COMMENT ON FUNCTION necp.account_settings_update IS 'Changes what is given. ui, audio and graphics are objects of at most 16 KiB each, replaced as a whole; language is one of account.languages. SETTINGS_TOO_LARGE.';
SELECT necp.route('PUT', '/account/settings', 'account_settings_update', auth => 'account', result => 'account_settings_view');

SELECT necp.integrity('account_deleted', $$
	SELECT format('account %s is deleted and has a live session', a.id) FROM game.accounts a
	JOIN game.player_sessions s ON s.account_id = a.id AND s.closed_at IS NULL WHERE a.status = 'DELETED'
	UNION ALL
	SELECT format('account %s is deleted and has a live token', a.id) FROM game.accounts a
	JOIN game.refresh_tokens t ON t.account_id = a.id AND t.spent_at IS NULL AND t.revoked_at IS NULL
	WHERE a.status = 'DELETED'$$,
	'A deleted account owns no live session and no token that opens one.');
