/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.permissions (
	permission_id int PRIMARY KEY CHECK (permission_id BETWEEN 0 AND 63),
	name text NOT NULL UNIQUE
);
COMMENT ON TABLE game.permissions IS 'What a role may be allowed to do.';
COMMENT ON COLUMN game.permissions.permission_id IS 'Bit in a session''s set of permissions.';
COMMENT ON COLUMN game.permissions.name IS 'Name that routes ask for.';

CREATE TABLE game.idempotency_keys (
	account_id bigint NOT NULL,
	key uuid NOT NULL,
	request_hash bytea NOT NULL,
	response json NOT NULL,
	created_at timestamptz NOT NULL
) PARTITION BY RANGE (created_at);
CREATE INDEX idempotency_keys_key ON game.idempotency_keys (key, account_id);
COMMENT ON TABLE game.idempotency_keys IS 'Responses of commands that moved value, for 24 h: a retry gets the first answer.';
COMMENT ON COLUMN game.idempotency_keys.account_id IS 'Whose key: others may use the same one.';
COMMENT ON COLUMN game.idempotency_keys.key IS 'The Idempotency-Key header.';
COMMENT ON COLUMN game.idempotency_keys.request_hash IS 'SHA-256 of the request that it belongs to.';
COMMENT ON COLUMN game.idempotency_keys.response IS 'Body of the success.';
COMMENT ON COLUMN game.idempotency_keys.created_at IS 'Partition key.';
