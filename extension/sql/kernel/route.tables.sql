/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.route_overrides (
	method text NOT NULL,
	path text NOT NULL,
	enabled boolean NOT NULL DEFAULT true,
	rate text,
	PRIMARY KEY (method, path)
);
COMMENT ON TABLE game.route_overrides IS 'An operator''s changes to routes. Run NOTIFY necp_routes after a change.';
COMMENT ON COLUMN game.route_overrides.method IS 'HTTP method of the route.';
COMMENT ON COLUMN game.route_overrides.path IS 'Path of the route, below /api/v1.';
COMMENT ON COLUMN game.route_overrides.enabled IS 'False: the route is not served.';
COMMENT ON COLUMN game.route_overrides.rate IS 'Rate class instead of the route''s own.';

CREATE TABLE game.signing_keys (
	kid text PRIMARY KEY,
	secret bytea NOT NULL CHECK (octet_length(secret) >= 32),
	created_at timestamptz NOT NULL,
	signs_from timestamptz NOT NULL,
	retire_at timestamptz,
	CHECK (signs_from < retire_at)
);
CREATE UNIQUE INDEX signing_keys_newest_key ON game.signing_keys ((retire_at IS NULL)) WHERE retire_at IS NULL;
COMMENT ON TABLE game.signing_keys IS 'Keys of the access tokens. Secret. Times are the system''s, as in the tokens, not the game''s.';
COMMENT ON COLUMN game.signing_keys.kid IS 'Key id in a token''s header.';
COMMENT ON COLUMN game.signing_keys.secret IS 'HS256 key.';
COMMENT ON COLUMN game.signing_keys.created_at IS 'When it was made and announced to the servers.';
COMMENT ON COLUMN game.signing_keys.signs_from IS 'From when new tokens are signed with it, until a newer one''s time comes.';
COMMENT ON COLUMN game.signing_keys.retire_at IS 'When the last token it signed has expired; null: no newer key is there.';

INSERT INTO game.config (key, value, description) VALUES
	('auth.key_lead_s', '30', 'Time between the announcement of a signing key and its first token: more than servers'' clocks differ.'),
	('auth.key_days', '30', 'Age in days at which the newest signing key is followed by another.');
