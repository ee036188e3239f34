/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.game_events (
	id bigint GENERATED ALWAYS AS IDENTITY,
	type text NOT NULL,
	version smallint NOT NULL DEFAULT 1,
	aggregate_type text NOT NULL,
	aggregate_id bigint NOT NULL,
	correlation_id uuid,
	causation_id bigint,
	account_id bigint,
	character_id bigint,
	occurred_at timestamptz NOT NULL,
	txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
	data jsonb NOT NULL
) PARTITION BY RANGE (occurred_at);
CREATE INDEX game_events_occurred_at ON game.game_events USING brin (occurred_at);
COMMENT ON TABLE game.game_events IS 'Facts, each written by the transaction that made it true.';
COMMENT ON COLUMN game.game_events.id IS 'Identity; not in commit order.';
COMMENT ON COLUMN game.game_events.type IS 'Name of the fact.';
COMMENT ON COLUMN game.game_events.version IS 'Version of data''s shape.';
COMMENT ON COLUMN game.game_events.aggregate_type IS 'Kind of thing it happened to.';
COMMENT ON COLUMN game.game_events.aggregate_id IS 'Which one.';
COMMENT ON COLUMN game.game_events.correlation_id IS 'Trace id of the request.';
COMMENT ON COLUMN game.game_events.causation_id IS 'Event that caused this one.';
COMMENT ON COLUMN game.game_events.account_id IS 'Account that acted.';
COMMENT ON COLUMN game.game_events.character_id IS 'Character that acted.';
COMMENT ON COLUMN game.game_events.occurred_at IS 'By the game''s clock; partition key.';
COMMENT ON COLUMN game.game_events.txid IS 'Transaction: readers stay behind the oldest running one.';
COMMENT ON COLUMN game.game_events.data IS 'What happened.';
