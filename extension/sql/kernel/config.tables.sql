/* SPDX-License-Identifier: PostgreSQL
 *
 * Tables of the kernel. Nothing here refers to an object of the extension: dropping it loses nothing.
 */
CREATE TABLE game.schema_version (
	version int PRIMARY KEY,
	applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE game.schema_version IS 'Versions of the tables that were reached.';
COMMENT ON COLUMN game.schema_version.version IS 'Number of the migration.';
COMMENT ON COLUMN game.schema_version.applied_at IS 'When it was applied.';

CREATE TABLE game.config (
	key text PRIMARY KEY CHECK (key ~ '^[a-z][a-z0-9_.]{0,62}$'),
	value jsonb NOT NULL,
	description text NOT NULL
);
COMMENT ON TABLE game.config IS 'Numbers of the rules and settings of the servers. Change them with necp.config_set().';
COMMENT ON COLUMN game.config.key IS 'Room or server, dot, name.';
COMMENT ON COLUMN game.config.value IS 'JSON value.';
COMMENT ON COLUMN game.config.description IS 'Meaning and unit.';

INSERT INTO game.config (key, value, description) VALUES
	('edge.cors_origins', '["http://localhost:3000", "http://localhost:8080"]', 'Origins that browsers may call from.'),
	('edge.trusted_proxies', '["127.0.0.1", "::1"]', 'Addresses whose X-Forwarded-For is believed.'),
	('edge.access_token_seconds', '900', 'Life of an access token.'),
	('edge.max_connections', '20000', 'Open client connections of one edge process.'),
	('edge.header_timeout_ms', '10000', 'Time for a request''s header and body.'),
	('edge.argon2_memory_kib', '19456', 'Memory of Argon2id.'),
	('edge.argon2_ops', '2', 'Passes of Argon2id.'),
	('edge.password_threads', '2', 'Threads that hash passwords.'),
	('edge.log_requests', '"all"', 'Which requests get a line in the log: all, errors or none.'),
	('edge.password_share', '15', 'Percent of the processors that hashes take while processors are short and others are served.'),
	('edge.password_queue', '64', 'Passwords that may wait for a thread.'),
	('realtime.tick_ms', '50', 'Period of the world exchange and of position frames.'),
	('realtime.max_frame', '8192', 'Bytes of a client''s STOMP frame.'),
	('realtime.frames_per_second', '60', 'Frames a client may send in a second.'),
	('realtime.backlog_bytes', '1048576', 'Unsent bytes at which a slow client is closed.'),
	('rate.public', '{"count": 100, "seconds": 60}', 'Requests without token per address.'),
	('rate.public_burst', '{"count": 10, "seconds": 1}', 'Requests without token per address in a burst.'),
	('rate.account', '{"count": 600, "seconds": 60}', 'Requests of an account.'),
	('rate.register', '{"count": 5, "seconds": 3600}', 'Registrations per address.'),
	('rate.login', '{"count": 10, "seconds": 900}', 'Logins per address.'),
	('rate.forgot', '{"count": 3, "seconds": 3600}', 'Password mails per address.'),
	('rate.resend', '{"count": 3, "seconds": 3600}', 'Verification mails per address.');
