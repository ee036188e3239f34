/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.refresh_tokens (
	digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
	account_id bigint NOT NULL REFERENCES game.accounts (id),
	family uuid NOT NULL,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	spent_at timestamptz,
	revoked_at timestamptz
);
CREATE INDEX refresh_tokens_family ON game.refresh_tokens (family);
CREATE INDEX refresh_tokens_account ON game.refresh_tokens (account_id);
CREATE INDEX refresh_tokens_expiry ON game.refresh_tokens (expires_at);
CREATE UNIQUE INDEX refresh_tokens_live_key ON game.refresh_tokens (family) WHERE spent_at IS NULL AND revoked_at IS NULL;
COMMENT ON TABLE game.refresh_tokens IS 'Refresh tokens by digest; one of a family is live.';
COMMENT ON COLUMN game.refresh_tokens.digest IS 'SHA-256 of the token.';
COMMENT ON COLUMN game.refresh_tokens.account_id IS 'Whose.';
COMMENT ON COLUMN game.refresh_tokens.family IS 'One per login.';
COMMENT ON COLUMN game.refresh_tokens.created_at IS 'When it was given out.';
COMMENT ON COLUMN game.refresh_tokens.expires_at IS 'Until when it can be spent.';
COMMENT ON COLUMN game.refresh_tokens.spent_at IS 'When it was spent.';
COMMENT ON COLUMN game.refresh_tokens.revoked_at IS 'When its family was revoked.';

CREATE TABLE game.account_tokens (
	digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
	account_id bigint NOT NULL REFERENCES game.accounts (id),
	purpose text NOT NULL CHECK (purpose ~ '^[A-Z_]{3,30}$'),
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	used_at timestamptz,
	voided_at timestamptz,
	CHECK (used_at IS NULL OR voided_at IS NULL)
);
CREATE UNIQUE INDEX account_tokens_live_key ON game.account_tokens (account_id, purpose)
	WHERE used_at IS NULL AND voided_at IS NULL;
CREATE INDEX account_tokens_expiry ON game.account_tokens (expires_at);
COMMENT ON TABLE game.account_tokens IS 'Single-use tokens sent by e-mail, by digest; one per account and purpose is live.';
COMMENT ON COLUMN game.account_tokens.digest IS 'SHA-256 of the token.';
COMMENT ON COLUMN game.account_tokens.account_id IS 'Whose.';
COMMENT ON COLUMN game.account_tokens.purpose IS 'What it proves: VERIFY_EMAIL, RESET_PASSWORD, ….';
COMMENT ON COLUMN game.account_tokens.created_at IS 'When it was made.';
COMMENT ON COLUMN game.account_tokens.expires_at IS 'Until when it works.';
COMMENT ON COLUMN game.account_tokens.used_at IS 'When it was used.';
COMMENT ON COLUMN game.account_tokens.voided_at IS 'When a newer one replaced it.';

INSERT INTO game.config (key, value, description) VALUES
	('auth.refresh_s', '604800', 'Life of a refresh token.'),
	('auth.verify_s', '86400', 'Life of an e-mail verification token.');
