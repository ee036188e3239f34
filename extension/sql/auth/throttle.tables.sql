/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.login_failures (
	digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
	failures int NOT NULL CHECK (failures > 0),
	last_failed_at timestamptz NOT NULL,
	locked_until timestamptz
) WITH (fillfactor = 70);
COMMENT ON TABLE game.login_failures IS 'Failed logins by digest of the e-mail address, somebody''s or nobody''s, and of the network address.';
COMMENT ON COLUMN game.login_failures.digest IS 'SHA-256 of email or address, a blank, and the address.';
COMMENT ON COLUMN game.login_failures.failures IS 'How many, with no pause of auth.lock_fade_s between them.';
COMMENT ON COLUMN game.login_failures.last_failed_at IS 'The last one.';
COMMENT ON COLUMN game.login_failures.locked_until IS 'Until then no attempt is looked at.';
CREATE INDEX login_failures_faded ON game.login_failures (last_failed_at);

INSERT INTO game.config (key, value, description) VALUES
	('auth.email_lock_1_failures', '5', 'Failed logins to an e-mail address from which on each locks it for auth.email_lock_1_s.'),
	('auth.email_lock_1_s', '900', 'First lock of an e-mail address.'),
	('auth.email_lock_2_failures', '10', 'Failed logins to an e-mail address until it is locked for auth.email_lock_2_s.'),
	('auth.email_lock_2_s', '3600', 'Second lock of an e-mail address.'),
	('auth.email_lock_3_failures', '20', 'Failed logins to an e-mail address until it is locked for auth.email_lock_3_s and its owner told.'),
	('auth.email_lock_3_s', '86400', 'Third lock of an e-mail address.'),
	('auth.address_lock_1_failures', '3', 'Failed logins from a network address from which on each locks it for auth.address_lock_1_s.'),
	('auth.address_lock_1_s', '60', 'First lock of a network address.'),
	('auth.address_lock_2_failures', '5', 'Failed logins from a network address until it is locked for auth.address_lock_2_s.'),
	('auth.address_lock_2_s', '300', 'Second lock of a network address.'),
	('auth.address_lock_3_failures', '10', 'Failed logins from a network address until it is locked for auth.address_lock_3_s.'),
	('auth.address_lock_3_s', '1800', 'Third lock of a network address.'),
	('auth.address_lock_4_failures', '20', 'Failed logins from a network address until it is locked for auth.address_lock_4_s.'),
	('auth.address_lock_4_s', '86400', 'Fourth lock of a network address.'),
	('auth.lock_fade_s', '86400', 'Quiet after which failed logins are forgotten.');
