/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.account_twofactor (
	account_id bigint PRIMARY KEY REFERENCES game.accounts (id),
	secret bytea NOT NULL CHECK (octet_length(secret) = 20),
	created_at timestamptz NOT NULL,
	expires_at timestamptz,
	enabled_at timestamptz,
	last_step bigint NOT NULL DEFAULT 0,
	CHECK ((enabled_at IS NULL) <> (expires_at IS NULL))
);
COMMENT ON TABLE game.account_twofactor IS 'Second factors by time (RFC 6238). A row that is not enabled waits for its first code.';
COMMENT ON COLUMN game.account_twofactor.account_id IS 'Whose.';
COMMENT ON COLUMN game.account_twofactor.secret IS 'Shared with the owner''s authenticator.';
COMMENT ON COLUMN game.account_twofactor.created_at IS 'When the secret was made.';
COMMENT ON COLUMN game.account_twofactor.expires_at IS 'Until when it can be confirmed; null once it is.';
COMMENT ON COLUMN game.account_twofactor.enabled_at IS 'When it was confirmed; null: logins do not ask for it yet.';
COMMENT ON COLUMN game.account_twofactor.last_step IS 'Step of 30 s of the last code: neither it nor an earlier one is taken again.';

CREATE TABLE game.backup_codes (
	account_id bigint NOT NULL REFERENCES game.accounts (id),
	digest bytea NOT NULL CHECK (octet_length(digest) = 32),
	created_at timestamptz NOT NULL,
	used_at timestamptz,
	PRIMARY KEY (account_id, digest)
);
COMMENT ON TABLE game.backup_codes IS 'Codes for who lost the authenticator, by digest; each works once.';
COMMENT ON COLUMN game.backup_codes.account_id IS 'Whose.';
COMMENT ON COLUMN game.backup_codes.digest IS 'SHA-256 of account and code; a code has 80 random bits.';
COMMENT ON COLUMN game.backup_codes.created_at IS 'When it was given out.';
COMMENT ON COLUMN game.backup_codes.used_at IS 'When it was used.';

INSERT INTO game.config (key, value, description) VALUES
	('auth.2fa_setup_s', '600', 'Time to confirm a second factor.'),
	('rate.twofactor', '{"count": 10, "seconds": 900}', 'Changes of the second factor per account: codes cannot be guessed.');
