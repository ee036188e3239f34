/* SPDX-License-Identifier: PostgreSQL */
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
