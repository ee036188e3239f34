/* SPDX-License-Identifier: PostgreSQL */
CREATE TABLE game.loot_rolls (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	drop_id bigint NOT NULL REFERENCES game.world_drops (id),
	item_id bigint NOT NULL CONSTRAINT loot_rolls_item_key UNIQUE,
	template_id int NOT NULL,
	quantity int NOT NULL CHECK (quantity > 0),
	status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'COMPLETED', 'EXPIRED')),
	winner_id bigint,
	started_at timestamptz NOT NULL,
	deadline timestamptz NOT NULL,
	closed_at timestamptz,
	CONSTRAINT loot_rolls_drop_key UNIQUE (id, drop_id),
	CHECK ((status = 'PENDING') = (closed_at IS NULL)),
	CHECK (winner_id IS NULL OR status = 'COMPLETED')
) WITH (fillfactor = 80);
CREATE INDEX loot_rolls_pending ON game.loot_rolls (deadline) WHERE status = 'PENDING';
CREATE INDEX loot_rolls_drop ON game.loot_rolls (drop_id);
COMMENT ON TABLE game.loot_rolls IS 'Dice for an item of a drop: an item is rolled for once.';
COMMENT ON COLUMN game.loot_rolls.id IS 'Identity.';
COMMENT ON COLUMN game.loot_rolls.drop_id IS 'The drop; its eligible may vote.';
COMMENT ON COLUMN game.loot_rolls.item_id IS 'The item, which nobody can take meanwhile.';
COMMENT ON COLUMN game.loot_rolls.template_id IS 'What it is.';
COMMENT ON COLUMN game.loot_rolls.quantity IS 'How many.';
COMMENT ON COLUMN game.loot_rolls.status IS 'PENDING; COMPLETED: somebody won, or all passed; EXPIRED: the time ran out and nobody wanted it.';
COMMENT ON COLUMN game.loot_rolls.winner_id IS 'Whose it became; null: it is free for the eligible.';
COMMENT ON COLUMN game.loot_rolls.started_at IS 'When it began.';
COMMENT ON COLUMN game.loot_rolls.deadline IS 'Until when votes count.';
COMMENT ON COLUMN game.loot_rolls.closed_at IS 'When it was decided.';

CREATE TABLE game.loot_votes (
	roll_id bigint NOT NULL,
	character_id bigint NOT NULL,
	drop_id bigint NOT NULL,
	vote text NOT NULL CHECK (vote IN ('NEED', 'GREED', 'SALVAGE', 'PASS')),
	value smallint CHECK (value BETWEEN 1 AND 100),
	redraws smallint[] NOT NULL DEFAULT '{}',
	voted_at timestamptz NOT NULL,
	PRIMARY KEY (roll_id, character_id),
	FOREIGN KEY (roll_id, drop_id) REFERENCES game.loot_rolls (id, drop_id),
	FOREIGN KEY (drop_id, character_id) REFERENCES game.drop_eligible (drop_id, character_id),
	CHECK (value IS NULL OR vote <> 'PASS'),
	CHECK (redraws = '{}' OR value IS NOT NULL)
);
COMMENT ON TABLE game.loot_votes IS 'What those who are eligible want of an item; one vote each, which stands.';
COMMENT ON COLUMN game.loot_votes.roll_id IS 'Roll.';
COMMENT ON COLUMN game.loot_votes.character_id IS 'Who.';
COMMENT ON COLUMN game.loot_votes.drop_id IS 'The roll''s drop, in whose set of eligible the voter is.';
COMMENT ON COLUMN game.loot_votes.vote IS 'NEED before GREED and SALVAGE, which are equal.';
COMMENT ON COLUMN game.loot_votes.value IS 'What was thrown when it was decided; null where it did not count.';
COMMENT ON COLUMN game.loot_votes.redraws IS 'Thrown again among equals.';
COMMENT ON COLUMN game.loot_votes.voted_at IS 'When.';
ALTER TABLE game.loot_rolls ADD CONSTRAINT loot_rolls_winner_fkey FOREIGN KEY (id, winner_id)
	REFERENCES game.loot_votes (roll_id, character_id);

CREATE TABLE game.loot_settings (
	character_id bigint PRIMARY KEY REFERENCES game.characters (id),
	auto_vote text NOT NULL CHECK (auto_vote IN ('NONE', 'PASS', 'GREED')),
	auto_rarity text NOT NULL CHECK (auto_rarity IN ('COMMON', 'UNCOMMON', 'RARE', 'EPIC', 'LEGENDARY', 'UNIQUE'))
);
COMMENT ON TABLE game.loot_settings IS 'Votes that are given by themselves when a roll starts.';
COMMENT ON COLUMN game.loot_settings.character_id IS 'Whose.';
COMMENT ON COLUMN game.loot_settings.auto_vote IS 'The vote; NONE: the player decides.';
COMMENT ON COLUMN game.loot_settings.auto_rarity IS 'Up to which rarity.';

INSERT INTO game.config (key, value, description) VALUES
	('loot.roll_s', '60', 'Time to vote on an item.'),
	('loot.assign_s', '300', 'Time in which a master looter gives out; then it is rolled for.');
