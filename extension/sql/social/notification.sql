/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.private_tables VALUES ('notifications', 'personal');

CREATE TYPE necp.notification_view AS (
	notification_id bigint,
	type text,
	priority text,
	title text,
	message text,
	data json,
	created_at timestamptz,
	read boolean
);
COMMENT ON TYPE necp.notification_view IS 'A notification.';
COMMENT ON COLUMN necp.notification_view.notification_id IS 'Identity; rises with time.';
COMMENT ON COLUMN necp.notification_view.type IS 'Kind.';
COMMENT ON COLUMN necp.notification_view.priority IS 'LOW, NORMAL, HIGH or URGENT.';
COMMENT ON COLUMN necp.notification_view.title IS 'Headline.';
COMMENT ON COLUMN necp.notification_view.message IS 'Text.';
COMMENT ON COLUMN necp.notification_view.data IS 'What a client may link to.';
COMMENT ON COLUMN necp.notification_view.created_at IS 'When.';
COMMENT ON COLUMN necp.notification_view.read IS 'Was read.';
CREATE TYPE necp.unread_view AS (unread bigint);
COMMENT ON TYPE necp.unread_view IS 'How many notifications wait.';
COMMENT ON COLUMN necp.unread_view.unread IS 'Unread ones.';

CREATE FUNCTION necp.notification_list("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_notification_list';
COMMENT ON FUNCTION necp.notification_list IS 'The account''s notifications, newest first.';
SELECT necp.route('GET', '/notifications', 'notification_list', auth => 'account', read_only => true, result => 'notification_view', list => true);

CREATE FUNCTION necp.notification_unread_count() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_notification_unread_count';
COMMENT ON FUNCTION necp.notification_unread_count IS 'How many notifications are unread.';
SELECT necp.route('GET', '/notifications/unread-count', 'notification_unread_count', auth => 'account', read_only => true, result => 'unread_view');

CREATE FUNCTION necp.notification_read(notification_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_notification_read';
COMMENT ON FUNCTION necp.notification_read IS 'Marks a notification as read.';
SELECT necp.route('POST', '/notifications/{notification_id}/read', 'notification_read', auth => 'account', result => 'notification_view');

SELECT necp.topic('/topic/player/{account_id}/notifications', 'account_topic', 'New notifications: notification_id, type, priority, title, message, data.');
