/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.account_settings (
	account_id bigint PRIMARY KEY REFERENCES game.accounts (id),
	ui jsonb NOT NULL DEFAULT '{}',
	audio jsonb NOT NULL DEFAULT '{}',
	graphics jsonb NOT NULL DEFAULT '{}',
	language text,
	timezone text,
	privacy_consent boolean NOT NULL DEFAULT false,
	privacy_consent_at timestamptz,
	marketing_consent boolean NOT NULL DEFAULT false,
	marketing_consent_at timestamptz,
	updated_at timestamptz NOT NULL
);
COMMENT ON TABLE game.account_settings IS 'Settings of accounts that changed one.';
COMMENT ON COLUMN game.account_settings.account_id IS 'Whose.';
COMMENT ON COLUMN game.account_settings.ui IS 'The client''s own.';
COMMENT ON COLUMN game.account_settings.audio IS 'The client''s own.';
COMMENT ON COLUMN game.account_settings.graphics IS 'The client''s own.';
COMMENT ON COLUMN game.account_settings.language IS 'One of account.languages; null: its first.';
COMMENT ON COLUMN game.account_settings.timezone IS 'Name of the IANA database; null: UTC.';
COMMENT ON COLUMN game.account_settings.privacy_consent IS 'Agrees to the privacy policy.';
COMMENT ON COLUMN game.account_settings.privacy_consent_at IS 'When that was said or withdrawn.';
COMMENT ON COLUMN game.account_settings.marketing_consent IS 'Agrees to be written to about the game.';
COMMENT ON COLUMN game.account_settings.marketing_consent_at IS 'When that was said or withdrawn.';
COMMENT ON COLUMN game.account_settings.updated_at IS 'Last change.';

CREATE TABLE game.email_changes (
	account_id bigint PRIMARY KEY REFERENCES game.accounts (id),
	new_email text NOT NULL CHECK (length(new_email) BETWEEN 3 AND 255 AND new_email ~ '^[^@\s]+@[^@\s]+$'),
	requested_at timestamptz NOT NULL
);
COMMENT ON TABLE game.email_changes IS 'Addresses that are to replace an account''s once they are proven.';
COMMENT ON COLUMN game.email_changes.account_id IS 'Whose.';
COMMENT ON COLUMN game.email_changes.new_email IS 'Address to be proven.';
COMMENT ON COLUMN game.email_changes.requested_at IS 'When the change was asked for.';

INSERT INTO game.config (key, value, description) VALUES
	('account.languages', '["en"]', 'Languages to choose from; the first is the default.'),
	('account.settings_bytes', '16384', 'Size of each object of settings.'),
	('account.purge_delay_s', '86400', 'How much longer what was deleted is kept, for an operator to undo a mistake.');
