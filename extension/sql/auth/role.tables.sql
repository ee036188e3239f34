/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.account_bans (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id bigint NOT NULL REFERENCES game.accounts (id),
	reason text NOT NULL,
	banned_by bigint,
	banned_at timestamptz NOT NULL,
	expires_at timestamptz CHECK (expires_at > banned_at),
	lifted_by bigint,
	lifted_at timestamptz,
	lift_cause text CHECK (lift_cause IN ('UNBANNED', 'REPLACED', 'EXPIRED')),
	CHECK ((lifted_at IS NULL) = (lift_cause IS NULL))
);
CREATE INDEX account_bans_account ON game.account_bans (account_id, id);
CREATE UNIQUE INDEX account_bans_live_key ON game.account_bans (account_id) WHERE lifted_at IS NULL;
COMMENT ON TABLE game.account_bans IS 'Bans; at most one of an account is in force.';
COMMENT ON COLUMN game.account_bans.id IS 'Identity.';
COMMENT ON COLUMN game.account_bans.account_id IS 'Who is banned.';
COMMENT ON COLUMN game.account_bans.reason IS 'Why.';
COMMENT ON COLUMN game.account_bans.banned_by IS 'Account that banned; null: an operator of the database.';
COMMENT ON COLUMN game.account_bans.banned_at IS 'Since when.';
COMMENT ON COLUMN game.account_bans.expires_at IS 'Until when; null: for good. A login after that lifts it.';
COMMENT ON COLUMN game.account_bans.lifted_by IS 'Account that lifted it; null: time or an operator of the database.';
COMMENT ON COLUMN game.account_bans.lifted_at IS 'When it ended; null: it has not.';
COMMENT ON COLUMN game.account_bans.lift_cause IS 'What ended it.';

CREATE TABLE game.admin_audit_log (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	acted_at timestamptz NOT NULL,
	account_id bigint,
	database_user text NOT NULL,
	action text NOT NULL,
	target_type text NOT NULL,
	target_id bigint NOT NULL,
	reason text NOT NULL CHECK (length(reason) BETWEEN 5 AND 500),
	data jsonb NOT NULL,
	trace_id uuid
);
CREATE INDEX admin_audit_log_target ON game.admin_audit_log (target_type, target_id, id);
COMMENT ON TABLE game.admin_audit_log IS 'What people with power did, written by the transaction that did it. Rows are added, never changed.';
COMMENT ON COLUMN game.admin_audit_log.id IS 'Identity.';
COMMENT ON COLUMN game.admin_audit_log.acted_at IS 'When, by the game''s clock.';
COMMENT ON COLUMN game.admin_audit_log.account_id IS 'Account that acted; null: an operator of the database.';
COMMENT ON COLUMN game.admin_audit_log.database_user IS 'Role that was logged in to the database.';
COMMENT ON COLUMN game.admin_audit_log.action IS 'What was done.';
COMMENT ON COLUMN game.admin_audit_log.target_type IS 'Kind of thing it was done to.';
COMMENT ON COLUMN game.admin_audit_log.target_id IS 'Which one.';
COMMENT ON COLUMN game.admin_audit_log.reason IS 'Why, in the words of who did it.';
COMMENT ON COLUMN game.admin_audit_log.data IS 'Particulars.';
COMMENT ON COLUMN game.admin_audit_log.trace_id IS 'Request; null: none.';
-- The owner runs the rules: without these rights no rule can rewrite the log.
REVOKE UPDATE, DELETE, TRUNCATE ON game.admin_audit_log FROM necp_owner;
GRANT SELECT ON game.account_bans, game.admin_audit_log TO necp_admin;
