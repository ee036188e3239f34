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
	active boolean NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	retire_at timestamptz
);
CREATE UNIQUE INDEX signing_keys_active_key ON game.signing_keys (active) WHERE active;
COMMENT ON TABLE game.signing_keys IS 'Keys of the access tokens. Secret.';
COMMENT ON COLUMN game.signing_keys.kid IS 'Key id in a token''s header.';
COMMENT ON COLUMN game.signing_keys.secret IS 'HS256 key.';
COMMENT ON COLUMN game.signing_keys.active IS 'Signs new tokens; exactly one does.';
COMMENT ON COLUMN game.signing_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN game.signing_keys.retire_at IS 'When the last token it signed has expired.';
