/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.mail_requests (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	purpose text NOT NULL,
	digest bytea NOT NULL CHECK (octet_length(digest) = 32),
	email text,
	requested_at timestamptz NOT NULL
);
CREATE INDEX mail_requests_digest ON game.mail_requests (digest, purpose, id);
CREATE INDEX mail_requests_open ON game.mail_requests (id) WHERE email IS NOT NULL;
COMMENT ON TABLE game.mail_requests IS 'Mails that somebody asked for without proof of who he is: looked into afterwards, so that an answer tells nothing.';
COMMENT ON COLUMN game.mail_requests.id IS 'Identity.';
COMMENT ON COLUMN game.mail_requests.purpose IS 'Of the token that is wanted.';
COMMENT ON COLUMN game.mail_requests.digest IS 'SHA-256 of the address in lower case.';
COMMENT ON COLUMN game.mail_requests.email IS 'Address that was given; null once it was looked into.';
COMMENT ON COLUMN game.mail_requests.requested_at IS 'When.';

INSERT INTO game.config (key, value, description) VALUES
	('auth.reset_s', '3600', 'Life of a token to reset a password.'),
	('auth.mails_per_hour', '3', 'Mails of a kind that are sent to an address on request.');
