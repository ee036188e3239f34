/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.private_tables VALUES
	('mail_requests', 'addresses');

CREATE FUNCTION necp.auth_forgot_password(email text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_forgot_password';
COMMENT ON FUNCTION necp.auth_forgot_password IS 'Mails a token to set a new password with, if the address is an account''s. The answer is the same for every address.';
SELECT necp.route('POST', '/auth/forgot-password', 'auth_forgot_password', auth => 'public', rate => 'forgot', status => 202, result => 'done_view');

CREATE FUNCTION necp.auth_resend_verification(email text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_auth_resend_verification';
COMMENT ON FUNCTION necp.auth_resend_verification IS 'Mails a new token to prove an address with, if it is an account''s and not proven; the one before works no more. The answer is the same for every address.';
SELECT necp.route('POST', '/auth/resend-verification', 'auth_resend_verification', auth => 'public', rate => 'resend', status => 202, result => 'done_view');
