/* SPDX-License-Identifier: PostgreSQL
 *
 * The second factor (DOMAIN §1): set up, confirmed by a first code, taken away again.
 */
INSERT INTO necp.private_tables VALUES
	('account_twofactor', 'secrets'),
	('backup_codes', 'secrets');

CREATE TYPE necp.twofactor_setup_view AS (secret text, uri text, expires_at timestamptz);
COMMENT ON TYPE necp.twofactor_setup_view IS 'A second factor that waits for its first code.';
COMMENT ON COLUMN necp.twofactor_setup_view.secret IS 'Base32, to type into an authenticator.';
COMMENT ON COLUMN necp.twofactor_setup_view.uri IS 'The same as otpauth URI, to show as a QR code.';
COMMENT ON COLUMN necp.twofactor_setup_view.expires_at IS 'Until when /auth/2fa/verify confirms it.';

CREATE TYPE necp.backup_codes_view AS (backup_codes text[]);
COMMENT ON TYPE necp.backup_codes_view IS 'Codes for who loses the authenticator.';
COMMENT ON COLUMN necp.backup_codes_view.backup_codes IS 'Each works once instead of a code. They are shown this one time.';

CREATE FUNCTION necp.twofactor_enable(verified_hash text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_twofactor_enable';
COMMENT ON FUNCTION necp.twofactor_enable IS 'Makes a secret for an authenticator. Logins ask for its codes once /auth/2fa/verify has seen one. INVALID_CREDENTIALS; CONFLICT where a second factor is on.';
CREATE FUNCTION necp.twofactor_enable_lookup() RETURNS text
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_twofactor_lookup';
COMMENT ON FUNCTION necp.twofactor_enable_lookup IS 'The hash that the edge verifies the password against.';
SELECT necp.route('POST', '/auth/2fa/enable', 'twofactor_enable', auth => 'account', rate => 'twofactor', password => 'verify', result => 'twofactor_setup_view');

CREATE FUNCTION necp.twofactor_verify(code text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_twofactor_verify';
COMMENT ON FUNCTION necp.twofactor_verify IS 'Confirms the secret with a code of the authenticator: from now on logins ask for one. INVALID_2FA_CODE, VERIFICATION_EXPIRED; CONFLICT where nothing waits.';
SELECT necp.route('POST', '/auth/2fa/verify', 'twofactor_verify', auth => 'account', rate => 'twofactor', result => 'backup_codes_view');

CREATE FUNCTION necp.twofactor_disable(code text, verified_hash text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_twofactor_disable';
COMMENT ON FUNCTION necp.twofactor_disable IS 'Takes the second factor away; wants the password and a code of the authenticator or a backup code. INVALID_CREDENTIALS, INVALID_2FA_CODE; CONFLICT where none is on.';
CREATE FUNCTION necp.twofactor_disable_lookup() RETURNS text
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_twofactor_lookup';
COMMENT ON FUNCTION necp.twofactor_disable_lookup IS 'The hash that the edge verifies the password against.';
SELECT necp.route('POST', '/auth/2fa/disable', 'twofactor_disable', auth => 'account', rate => 'twofactor', password => 'verify', result => 'done_view');

CREATE FUNCTION necp.totp(secret bytea, step bigint) RETURNS text
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_totp';
COMMENT ON FUNCTION necp.totp IS 'Code of a secret in a step of 30 s since 1970: RFC 6238 with HMAC-SHA-1 and six digits. For tests.';
CREATE FUNCTION necp.base32(bytes bytea) RETURNS text
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_base32';
COMMENT ON FUNCTION necp.base32 IS 'Base32 of RFC 4648 without padding, as authenticators read it. For tests.';

SELECT necp.integrity('twofactor_codes', $$
	SELECT format('account %s has %s backup codes and no second factor', c.account_id, count(*)) FROM game.backup_codes c
	LEFT JOIN game.account_twofactor t ON t.account_id = c.account_id AND t.enabled_at IS NOT NULL
	WHERE t.account_id IS NULL GROUP BY c.account_id$$,
	'Backup codes belong to a second factor that is on.');
