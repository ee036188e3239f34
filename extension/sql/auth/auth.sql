/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.private_tables VALUES
	('accounts', 'addresses and password hashes'),
	('login_history', 'addresses'),
	('player_sessions', 'session ids are credentials; see live.online_sessions');

CREATE TYPE necp.account_view AS (
	account_id bigint,
	email text,
	username text,
	display_name text,
	status text,
	email_verified boolean,
	roles text[],
	created_at timestamptz
);
COMMENT ON TYPE necp.account_view IS 'An account, as its owner sees it.';
COMMENT ON COLUMN necp.account_view.account_id IS 'Identity.';
COMMENT ON COLUMN necp.account_view.email IS 'Address.';
COMMENT ON COLUMN necp.account_view.username IS 'Name to log in with others'' mentions.';
COMMENT ON COLUMN necp.account_view.display_name IS 'Name shown to others.';
COMMENT ON COLUMN necp.account_view.status IS 'ACTIVE, SUSPENDED, BANNED or DELETED.';
COMMENT ON COLUMN necp.account_view.email_verified IS 'The address was proven.';
COMMENT ON COLUMN necp.account_view.roles IS 'Roles held now.';
COMMENT ON COLUMN necp.account_view.created_at IS 'Registration.';

CREATE TYPE necp.done_view AS (done boolean);
COMMENT ON TYPE necp.done_view IS 'A command that has nothing more to tell.';
COMMENT ON COLUMN necp.done_view.done IS 'True.';

CREATE FUNCTION necp.auth_register(email text, username text, password_hash text, client_ip inet,
	display_name text DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_register';
COMMENT ON FUNCTION necp.auth_register IS 'Makes an account and sends a token to its address. Password: 8 to 128 characters with upper and lower case, digit and special. EMAIL_TAKEN, USERNAME_TAKEN.';
SELECT necp.route('POST', '/auth/register', 'auth_register', auth => 'public', rate => 'register', password => 'hash', status => 201, result => 'account_view');

CREATE FUNCTION necp.auth_login(email text, verified_hash text, client_ip inet, user_agent text, code text DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_login';
COMMENT ON FUNCTION necp.auth_login IS 'Opens a session; a session that was open ends as CONCURRENT_LOGIN. The deletion of an account is undone by it for 30 days. An account with a second factor wants its code, or a backup code. Unknown address and wrong password get the same answer; after too many of either, the e-mail address or the network address is locked for a while. INVALID_CREDENTIALS, TWO_FACTOR_REQUIRED, INVALID_2FA_CODE, ACCOUNT_BANNED, ACCOUNT_LOCKED.';
CREATE FUNCTION necp.auth_login_lookup(email text) RETURNS text
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_login_lookup';
COMMENT ON FUNCTION necp.auth_login_lookup IS 'The hash that the edge verifies the password against, or null.';
SELECT necp.route('POST', '/auth/login', 'auth_login', auth => 'public', rate => 'login', password => 'verify', issues_token => true, result => 'token_view');

CREATE FUNCTION necp.auth_logout() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_logout';
COMMENT ON FUNCTION necp.auth_logout IS 'Ends the session and its refresh tokens.';
SELECT necp.route('POST', '/auth/logout', 'auth_logout', auth => 'account', result => 'done_view');

CREATE FUNCTION necp.auth_verify_email(token text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_verify_email';
COMMENT ON FUNCTION necp.auth_verify_email IS 'Proves an address with the token that was sent to it. TOKEN_USED, VERIFICATION_EXPIRED.';
SELECT necp.route('POST', '/auth/verify-email', 'auth_verify_email', auth => 'public', result => 'done_view');

CREATE FUNCTION necp.auth_me() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_me';
COMMENT ON FUNCTION necp.auth_me IS 'The account that asks.';
SELECT necp.route('GET', '/auth/me', 'auth_me', auth => 'account', read_only => true, result => 'account_view');
