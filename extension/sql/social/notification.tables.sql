/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.notifications (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id bigint NOT NULL REFERENCES game.accounts (id),
	event_id bigint NOT NULL,
	type text NOT NULL,
	priority text NOT NULL CHECK (priority IN ('LOW', 'NORMAL', 'HIGH', 'URGENT')),
	title text NOT NULL,
	message text NOT NULL,
	data jsonb NOT NULL,
	created_at timestamptz NOT NULL,
	read_at timestamptz,
	dismissed_at timestamptz,
	CONSTRAINT notifications_event_key UNIQUE (account_id, event_id, type)
);
CREATE INDEX notifications_inbox ON game.notifications (account_id, id) WHERE dismissed_at IS NULL;
COMMENT ON TABLE game.notifications IS 'What accounts are told; once per event and type.';
COMMENT ON COLUMN game.notifications.id IS 'Identity.';
COMMENT ON COLUMN game.notifications.account_id IS 'To whom.';
COMMENT ON COLUMN game.notifications.event_id IS 'Event that it tells of.';
COMMENT ON COLUMN game.notifications.type IS 'Kind.';
COMMENT ON COLUMN game.notifications.priority IS 'LOW, NORMAL, HIGH or URGENT.';
COMMENT ON COLUMN game.notifications.title IS 'Headline.';
COMMENT ON COLUMN game.notifications.message IS 'Text.';
COMMENT ON COLUMN game.notifications.data IS 'What a client may link to.';
COMMENT ON COLUMN game.notifications.created_at IS 'When.';
COMMENT ON COLUMN game.notifications.read_at IS 'When it was read.';
COMMENT ON COLUMN game.notifications.dismissed_at IS 'When it was put away.';
