/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.vote_view AS (character_id bigint, name text, vote text, value int, redraws int[]);
COMMENT ON TYPE necp.vote_view IS 'A vote on an item.';
COMMENT ON COLUMN necp.vote_view.character_id IS 'Who.';
COMMENT ON COLUMN necp.vote_view.name IS 'Its name.';
COMMENT ON COLUMN necp.vote_view.vote IS 'NEED, GREED, SALVAGE or PASS.';
COMMENT ON COLUMN necp.vote_view.value IS 'What was thrown, 1 to 100; null where the vote did not count, or before.';
COMMENT ON COLUMN necp.vote_view.redraws IS 'Thrown again among equals.';
CREATE TYPE necp.roll_view AS (
	roll_id bigint,
	drop_id bigint,
	item_id bigint,
	template_id int,
	code text,
	name text,
	type text,
	rarity text,
	quantity int,
	status text,
	winner_id bigint,
	started_at timestamptz,
	deadline timestamptz,
	closed_at timestamptz,
	votes necp.vote_view[]
);
COMMENT ON TYPE necp.roll_view IS 'Dice for an item of a drop.';
COMMENT ON COLUMN necp.roll_view.roll_id IS 'Identity.';
COMMENT ON COLUMN necp.roll_view.drop_id IS 'The drop.';
COMMENT ON COLUMN necp.roll_view.item_id IS 'The item.';
COMMENT ON COLUMN necp.roll_view.template_id IS 'What it is.';
COMMENT ON COLUMN necp.roll_view.code IS 'Name in content packs.';
COMMENT ON COLUMN necp.roll_view.name IS 'Name for players.';
COMMENT ON COLUMN necp.roll_view.type IS 'Kind of item.';
COMMENT ON COLUMN necp.roll_view.rarity IS 'Rarity.';
COMMENT ON COLUMN necp.roll_view.quantity IS 'How many.';
COMMENT ON COLUMN necp.roll_view.status IS 'PENDING; COMPLETED; EXPIRED where the time ran out and nobody wanted it.';
COMMENT ON COLUMN necp.roll_view.winner_id IS 'Whose it became; null: it is free for the eligible.';
COMMENT ON COLUMN necp.roll_view.started_at IS 'When it began.';
COMMENT ON COLUMN necp.roll_view.deadline IS 'Until when votes count.';
COMMENT ON COLUMN necp.roll_view.closed_at IS 'When it was decided, or null.';
COMMENT ON COLUMN necp.roll_view.votes IS 'Votes so far.';
CREATE TYPE necp.assigned_view AS (drop_id bigint, item_id bigint, winner bigint, held int);
COMMENT ON TYPE necp.assigned_view IS 'An item that the master looter gave out.';
COMMENT ON COLUMN necp.assigned_view.drop_id IS 'The drop.';
COMMENT ON COLUMN necp.assigned_view.item_id IS 'The item.';
COMMENT ON COLUMN necp.assigned_view.winner IS 'Whose it is.';
COMMENT ON COLUMN necp.assigned_view.held IS 'How many are held for it, because there was no room or nobody there.';
CREATE TYPE necp.loot_settings_view AS (auto_vote text, auto_rarity text);
COMMENT ON TYPE necp.loot_settings_view IS 'Votes that give themselves.';
COMMENT ON COLUMN necp.loot_settings_view.auto_vote IS 'NONE, PASS or GREED.';
COMMENT ON COLUMN necp.loot_settings_view.auto_rarity IS 'Up to which rarity.';

CREATE FUNCTION necp.loot_rolls_active() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_rolls_active';
COMMENT ON FUNCTION necp.loot_rolls_active IS 'Rolls in which the acting character has a vote, the most urgent first.';
SELECT necp.route('GET', '/loot/rolls/active', 'loot_rolls_active', read_only => true, result => 'roll_view', list => true);

CREATE FUNCTION necp.loot_roll_read(roll_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_roll_read';
COMMENT ON FUNCTION necp.loot_roll_read IS 'A roll in which the acting character has, or had, a vote. NOT_FOUND, NOT_ELIGIBLE.';
SELECT necp.route('GET', '/loot/rolls/{roll_id}', 'loot_roll_read', read_only => true, result => 'roll_view');

CREATE FUNCTION necp.loot_vote(roll_id bigint, vote text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_vote';
COMMENT ON FUNCTION necp.loot_vote IS 'The acting character''s vote on an item, NEED, GREED, SALVAGE or PASS, which stands. The last one that is awaited decides; after the deadline whoever did not vote has passed. NOT_FOUND, NOT_ELIGIBLE, ROLL_CLOSED, ALREADY_VOTED, CANNOT_NEED what is made for another class, NOT_USABLE where nothing can be salvaged.';
SELECT necp.route('POST', '/loot/rolls/{roll_id}/roll', 'loot_vote', result => 'roll_view');

CREATE FUNCTION necp.loot_assign(drop_id bigint, item_id bigint, character_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_assign';
COMMENT ON FUNCTION necp.loot_assign IS 'The master looter gives an item to one of those who are eligible. NOT_FOUND, FORBIDDEN to others, NOT_ELIGIBLE, ROLL_PENDING once it is rolled for.';
SELECT necp.route('POST', '/loot/drops/{drop_id}/assign', 'loot_assign', idempotent => true, result => 'assigned_view');

CREATE FUNCTION necp.loot_settings() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_settings';
COMMENT ON FUNCTION necp.loot_settings IS 'How the acting character votes by itself.';
SELECT necp.route('GET', '/loot/settings', 'loot_settings', read_only => true, result => 'loot_settings_view');

CREATE FUNCTION necp.loot_settings_set(auto_vote text, auto_rarity text) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_settings_set';
COMMENT ON FUNCTION necp.loot_settings_set IS 'Lets the acting character vote NONE, PASS or GREED by itself on items up to a rarity when a roll starts.';
SELECT necp.route('PUT', '/loot/settings', 'loot_settings_set', result => 'loot_settings_view');

SELECT necp.integrity('loot_roll_item', $$
	SELECT format('roll %s is pending and item %s is not claimed for it', r.id, r.item_id)
	FROM game.loot_rolls r JOIN game.world_drops d ON d.id = r.drop_id
	LEFT JOIN game.drop_items o ON o.item_id = r.item_id AND o.claim = 'ROLL'
	LEFT JOIN game.character_items i ON i.id = r.item_id AND i.container_id = d.container_id
	WHERE r.status = 'PENDING' AND (o.item_id IS NULL OR i.id IS NULL OR d.status <> 'ACTIVE')
	UNION ALL
	SELECT format('item %s is claimed for a roll that is not pending', o.item_id)
	FROM game.drop_items o WHERE o.claim = 'ROLL'
	AND NOT EXISTS (SELECT FROM game.loot_rolls r WHERE r.item_id = o.item_id AND r.status = 'PENDING')$$,
	'What is rolled for lies in its drop until it is decided.');
SELECT necp.integrity('loot_roll_master', $$
	SELECT format('item %s waits for a master who has no time to give it out', o.item_id)
	FROM game.drop_items o JOIN game.world_drops d ON d.id = o.drop_id
	WHERE o.claim = 'MASTER' AND (d.assign_until IS NULL OR d.status <> 'ACTIVE')$$,
	'What waits for the master is rolled for in the end.');
SELECT necp.integrity('loot_roll_winner', $$
	SELECT format('roll %s was won with %s', r.id, v.vote)
	FROM game.loot_rolls r JOIN game.loot_votes v ON v.roll_id = r.id AND v.character_id = r.winner_id
	WHERE v.vote = 'PASS' OR v.value IS NULL
	OR v.vote <> 'NEED' AND EXISTS (SELECT FROM game.loot_votes o WHERE o.roll_id = r.id AND o.vote = 'NEED')
	OR v.value < (SELECT max(o.value) FROM game.loot_votes o WHERE o.roll_id = r.id)$$,
	'Whoever won wanted it, and threw highest.');
