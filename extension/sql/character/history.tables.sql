/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.character_history (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	character_id bigint NOT NULL REFERENCES game.characters (id),
	kind text NOT NULL,
	data jsonb NOT NULL,
	at timestamptz NOT NULL
);
CREATE INDEX character_history_character ON game.character_history (character_id, id);
COMMENT ON TABLE game.character_history IS 'What characters went through, for as long as they are remembered.';
COMMENT ON COLUMN game.character_history.id IS 'Identity; rises with time.';
COMMENT ON COLUMN game.character_history.character_id IS 'Whose.';
COMMENT ON COLUMN game.character_history.kind IS 'CREATED, LEVEL_UP, DIED, RESPAWNED, DELETED, RESTORED or PURGED.';
COMMENT ON COLUMN game.character_history.data IS 'What the event told.';
COMMENT ON COLUMN game.character_history.at IS 'When.';

CREATE TABLE game.character_snapshots (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	character_id bigint NOT NULL REFERENCES game.characters (id),
	reason text NOT NULL CHECK (reason IN ('LOGOUT', 'SWITCH', 'DELETION')),
	data jsonb NOT NULL,
	taken_at timestamptz NOT NULL
);
CREATE INDEX character_snapshots_character ON game.character_snapshots (character_id, id);
COMMENT ON TABLE game.character_snapshots IS 'What characters were and had when they were left: for support. The last few are kept.';
COMMENT ON COLUMN game.character_snapshots.id IS 'Identity; rises with time.';
COMMENT ON COLUMN game.character_snapshots.character_id IS 'Whose.';
COMMENT ON COLUMN game.character_snapshots.reason IS 'Why it was taken.';
COMMENT ON COLUMN game.character_snapshots.data IS 'Level, attributes, hit points, credits, position and items.';
COMMENT ON COLUMN game.character_snapshots.taken_at IS 'When.';

INSERT INTO game.config (key, value, description) VALUES
	('character.snapshots', '5', 'Snapshots kept of a character.');
