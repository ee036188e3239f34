/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.accounts (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	email text NOT NULL CHECK (length(email) BETWEEN 3 AND 255 AND email ~ '^[^@\s]+@[^@\s]+$'),
	username text NOT NULL CHECK (username ~ '^[A-Za-z0-9]{3,20}$'),
	display_name text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 100),
	password_hash text NOT NULL,
	status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'SUSPENDED', 'BANNED', 'DELETED')),
	email_verified_at timestamptz,
	created_at timestamptz NOT NULL,
	last_login_at timestamptz,
	deleted_at timestamptz,
	purged_at timestamptz CHECK (purged_at >= deleted_at),
	CHECK ((status = 'DELETED') = (deleted_at IS NOT NULL))
);
CREATE UNIQUE INDEX accounts_email_key ON game.accounts (lower(email));
CREATE UNIQUE INDEX accounts_username_key ON game.accounts (lower(username));
CREATE INDEX accounts_deleted ON game.accounts (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
COMMENT ON TABLE game.accounts IS 'Who can log in.';
COMMENT ON COLUMN game.accounts.id IS 'Identity.';
COMMENT ON COLUMN game.accounts.email IS 'Address, unique ignoring case.';
COMMENT ON COLUMN game.accounts.username IS 'Name, unique ignoring case.';
COMMENT ON COLUMN game.accounts.display_name IS 'Name shown to others.';
COMMENT ON COLUMN game.accounts.password_hash IS 'Argon2id PHC string; made at the edge.';
COMMENT ON COLUMN game.accounts.status IS 'Only ACTIVE accounts act.';
COMMENT ON COLUMN game.accounts.email_verified_at IS 'When the address was proven.';
COMMENT ON COLUMN game.accounts.created_at IS 'Registration.';
COMMENT ON COLUMN game.accounts.last_login_at IS 'Last login.';
COMMENT ON COLUMN game.accounts.deleted_at IS 'When its owner deleted it; a login within auth.deleted_s undoes that.';
COMMENT ON COLUMN game.accounts.purged_at IS 'When what was personal in it was erased.';

CREATE TABLE game.roles (
	role text PRIMARY KEY,
	rank int NOT NULL UNIQUE,
	max_ban_s int CHECK (max_ban_s > 0)
);
COMMENT ON TABLE game.roles IS 'Roles; nobody grants at or above the own rank.';
COMMENT ON COLUMN game.roles.role IS 'Name.';
COMMENT ON COLUMN game.roles.rank IS 'Higher outranks lower.';
COMMENT ON COLUMN game.roles.max_ban_s IS 'Longest ban in seconds that it may give or lift, where it may at all; null: any.';

CREATE TABLE game.role_permissions (
	role text NOT NULL REFERENCES game.roles (role),
	permission_id int NOT NULL REFERENCES game.permissions (permission_id),
	PRIMARY KEY (role, permission_id)
);
COMMENT ON TABLE game.role_permissions IS 'What a role may do.';
COMMENT ON COLUMN game.role_permissions.role IS 'Role.';
COMMENT ON COLUMN game.role_permissions.permission_id IS 'Permission.';

CREATE TABLE game.account_roles (
	account_id bigint NOT NULL REFERENCES game.accounts (id),
	role text NOT NULL REFERENCES game.roles (role),
	granted_by bigint,
	granted_at timestamptz NOT NULL,
	expires_at timestamptz,
	PRIMARY KEY (account_id, role)
);
COMMENT ON TABLE game.account_roles IS 'Roles of accounts.';
COMMENT ON COLUMN game.account_roles.account_id IS 'Whose.';
COMMENT ON COLUMN game.account_roles.role IS 'Which.';
COMMENT ON COLUMN game.account_roles.granted_by IS 'Account that granted it; null: the system.';
COMMENT ON COLUMN game.account_roles.granted_at IS 'When.';
COMMENT ON COLUMN game.account_roles.expires_at IS 'Until when; null: for good.';

CREATE TABLE game.login_history (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id bigint REFERENCES game.accounts (id),
	outcome text NOT NULL CHECK (outcome IN ('SUCCESS', 'WRONG_PASSWORD', 'WRONG_CODE', 'BARRED', 'UNKNOWN_EMAIL')),
	client_ip inet,
	user_agent text,
	at timestamptz NOT NULL
);
CREATE INDEX login_history_account ON game.login_history (account_id, id);
CREATE INDEX login_history_unknown ON game.login_history (at) WHERE account_id IS NULL;
COMMENT ON TABLE game.login_history IS 'Attempts to log in to an account.';
COMMENT ON COLUMN game.login_history.id IS 'Identity.';
COMMENT ON COLUMN game.login_history.account_id IS 'Account that was tried; null: the address is nobody''s.';
COMMENT ON COLUMN game.login_history.outcome IS 'How it ended.';
COMMENT ON COLUMN game.login_history.client_ip IS 'From where.';
COMMENT ON COLUMN game.login_history.user_agent IS 'With what.';
COMMENT ON COLUMN game.login_history.at IS 'When.';

INSERT INTO game.permissions (permission_id, name) VALUES
	(0, 'game.play'), (1, 'chat.send'), (2, 'trade.execute'), (3, 'guild.join'), (4, 'chat.moderate'),
	(5, 'player.mute'), (6, 'player.kick'), (7, 'player.ban'), (8, 'player.unban'), (9, 'player.search'),
	(10, 'event.create'), (11, 'world.manage'), (12, 'economy.adjust'), (13, 'items.grant'),
	(14, 'analytics.view'), (15, '*');
INSERT INTO game.roles (role, rank) VALUES
	('PLAYER', 10), ('CONTENT_CREATOR', 20), ('TESTER', 30), ('MODERATOR', 40), ('ADMIN', 50), ('SUPER_ADMIN', 60);
UPDATE game.roles SET max_ban_s = 604800 WHERE role = 'MODERATOR';
INSERT INTO game.role_permissions (role, permission_id)
	SELECT r.role, p.permission_id FROM game.roles r, game.permissions p
	WHERE r.role = 'SUPER_ADMIN'
	   OR (p.permission_id <= 3)
	   OR (r.role IN ('MODERATOR', 'ADMIN') AND p.permission_id <= 8)
	   OR (r.role = 'ADMIN' AND p.permission_id <= 14);
INSERT INTO game.config (key, value, description) VALUES
	('auth.deleted_s', '2592000', 'Time in which a login undoes the deletion of an account.');
