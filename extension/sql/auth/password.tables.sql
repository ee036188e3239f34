/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.earlier_passwords (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id bigint NOT NULL REFERENCES game.accounts (id),
	password_hash text NOT NULL,
	replaced_at timestamptz NOT NULL
);
CREATE INDEX earlier_passwords_account ON game.earlier_passwords (account_id, id);
COMMENT ON TABLE game.earlier_passwords IS 'Hashes of the passwords before the current one, as many as a new one must differ from.';
COMMENT ON COLUMN game.earlier_passwords.id IS 'Identity; rises with time.';
COMMENT ON COLUMN game.earlier_passwords.account_id IS 'Whose.';
COMMENT ON COLUMN game.earlier_passwords.password_hash IS 'Argon2id PHC string.';
COMMENT ON COLUMN game.earlier_passwords.replaced_at IS 'When another took its place.';

INSERT INTO game.config (key, value, description) VALUES
	('auth.password_history', '3', 'A new password is none of so many last ones, the current one included; at most 4.'),
	('rate.password', '{"count": 10, "seconds": 900}', 'Changes of a password per account, resets per address.');
