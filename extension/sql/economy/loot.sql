/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.claim_view AS (item_id bigint, claim text, roll_id bigint);
COMMENT ON TYPE necp.claim_view IS 'Why an item of a drop is not for whoever comes first.';
COMMENT ON COLUMN necp.claim_view.item_id IS 'The item.';
COMMENT ON COLUMN necp.claim_view.claim IS 'OWNED: it is the acting character''s; ROLL: it is rolled for; MASTER: the master looter gives it out.';
COMMENT ON COLUMN necp.claim_view.roll_id IS 'The roll, or null.';

CREATE TYPE necp.drop_view AS (
	drop_id bigint,
	place_id bigint,
	x real,
	y real,
	z real,
	mode text,
	status text,
	credits bigint,
	items necp.item_view[],
	claims necp.claim_view[],
	master_id bigint,
	assign_until timestamptz,
	expires_at timestamptz
);
COMMENT ON TYPE necp.drop_view IS 'What lies on the ground.';
COMMENT ON COLUMN necp.drop_view.drop_id IS 'Identity.';
COMMENT ON COLUMN necp.drop_view.place_id IS 'Zone, or minus the instance.';
COMMENT ON COLUMN necp.drop_view.x IS 'Metres.';
COMMENT ON COLUMN necp.drop_view.y IS 'Metres.';
COMMENT ON COLUMN necp.drop_view.z IS 'Metres.';
COMMENT ON COLUMN necp.drop_view.mode IS 'FREE_FOR_ALL, PERSONAL, NEED_GREED or MASTER_LOOTER.';
COMMENT ON COLUMN necp.drop_view.status IS 'ACTIVE, LOOTED or EXPIRED.';
COMMENT ON COLUMN necp.drop_view.credits IS 'Credits that come with it: to be shared, and the acting character''s own.';
COMMENT ON COLUMN necp.drop_view.items IS 'Items left in it, without what is another''s alone.';
COMMENT ON COLUMN necp.drop_view.claims IS 'Those of them that are not for whoever comes first.';
COMMENT ON COLUMN necp.drop_view.master_id IS 'Character that gives it out, or null.';
COMMENT ON COLUMN necp.drop_view.assign_until IS 'Until when; then it is rolled for. Otherwise null.';
COMMENT ON COLUMN necp.drop_view.expires_at IS 'When it vanishes.';

CREATE TYPE necp.taken_view AS (item_id bigint, template_id int, quantity int);
COMMENT ON TYPE necp.taken_view IS 'An item that was taken.';
COMMENT ON COLUMN necp.taken_view.item_id IS 'The item that was in the drop.';
COMMENT ON COLUMN necp.taken_view.template_id IS 'What it is.';
COMMENT ON COLUMN necp.taken_view.quantity IS 'How many fitted.';
CREATE TYPE necp.pickup_view AS (drop_id bigint, status text, credits bigint, items necp.taken_view[]);
COMMENT ON TYPE necp.pickup_view IS 'What a pick-up brought.';
COMMENT ON COLUMN necp.pickup_view.drop_id IS 'The drop.';
COMMENT ON COLUMN necp.pickup_view.status IS 'LOOTED, or ACTIVE where something did not fit.';
COMMENT ON COLUMN necp.pickup_view.credits IS 'Credits received.';
COMMENT ON COLUMN necp.pickup_view.items IS 'Items received.';

CREATE FUNCTION necp.loot_nearby() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_nearby';
COMMENT ON FUNCTION necp.loot_nearby IS 'Drops around the acting character, nearest first. CONFLICT where it is in no zone.';
SELECT necp.route('GET', '/loot/drops/nearby', 'loot_nearby', read_only => true, result => 'drop_view', list => true);

CREATE FUNCTION necp.loot_drop(drop_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_drop';
COMMENT ON FUNCTION necp.loot_drop IS 'A drop in the place where the acting character is. CONFLICT where it is in no zone.';
SELECT necp.route('GET', '/loot/drops/{drop_id}', 'loot_drop', read_only => true, result => 'drop_view');

CREATE FUNCTION necp.loot_pickup(drop_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_pickup';
COMMENT ON FUNCTION necp.loot_pickup IS 'Takes what fits of one drop into the backpack of the acting character. Credits are shared among all who are eligible when the first one comes. NOT_FOUND, ALREADY_LOOTED, DROP_EXPIRED, TOO_FAR, NOT_ELIGIBLE, ROLL_PENDING where nothing else is left, YOU_ARE_DEAD, INVENTORY_FULL, OVERWEIGHT, ITEM_LOCKED, WALLET_FULL, AMOUNT_OUT_OF_RANGE, CONFLICT where it is in no zone.';
SELECT necp.route('POST', '/loot/pickup', 'loot_pickup', idempotent => true, result => 'pickup_view');

CREATE TYPE necp.loot_history_view AS (
	history_id bigint,
	drop_id bigint,
	item_id bigint,
	template_id int,
	code text,
	name text,
	rarity text,
	quantity int,
	method text,
	obtained_at timestamptz
);
COMMENT ON TYPE necp.loot_history_view IS 'What a character got out of a drop.';
COMMENT ON COLUMN necp.loot_history_view.history_id IS 'Identity; the cursor.';
COMMENT ON COLUMN necp.loot_history_view.drop_id IS 'The drop.';
COMMENT ON COLUMN necp.loot_history_view.item_id IS 'The item as it was in the drop.';
COMMENT ON COLUMN necp.loot_history_view.template_id IS 'What it was.';
COMMENT ON COLUMN necp.loot_history_view.code IS 'Name in content packs.';
COMMENT ON COLUMN necp.loot_history_view.name IS 'Name for players.';
COMMENT ON COLUMN necp.loot_history_view.rarity IS 'Rarity.';
COMMENT ON COLUMN necp.loot_history_view.quantity IS 'How many.';
COMMENT ON COLUMN necp.loot_history_view.method IS 'PICKUP, NEED, GREED, SALVAGE or ASSIGNED.';
COMMENT ON COLUMN necp.loot_history_view.obtained_at IS 'When.';

CREATE FUNCTION necp.loot_history("limit" int DEFAULT NULL, cursor bigint DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_loot_history';
COMMENT ON FUNCTION necp.loot_history IS 'What the acting character got out of drops, newest first; for 90 days.';
SELECT necp.route('GET', '/loot/history', 'loot_history', read_only => true, result => 'loot_history_view', list => true);

CREATE FUNCTION necp.loot_may_pass(item_id bigint, character_id bigint) RETURNS boolean
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_loot_may_pass_sql';
COMMENT ON FUNCTION necp.loot_may_pass IS 'May a boss''s bound item still be passed on to a character? For the rooms in which items change hands; granted to nobody.';

CREATE FUNCTION necp.loot_fall(loot_table text, npc_id bigint, life_id bigint, place_id bigint, killer_id bigint) RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_loot_fall';
COMMENT ON FUNCTION necp.loot_fall IS 'What an NPC''s death does here, without the NPC: to be measured; granted to nobody.';

SELECT necp.integrity('loot_open_drop', $$
	SELECT format('drop %s is %s and still holds item %s', d.id, d.status, i.id)
	FROM game.world_drops d JOIN game.character_items i ON i.container_id = d.container_id
	WHERE d.status <> 'ACTIVE'$$,
	'What was looted or has expired holds nothing.');
SELECT necp.integrity('loot_claim', $$
	SELECT format('item %s is claimed in drop %s and is not in it', o.item_id, o.drop_id)
	FROM game.drop_items o JOIN game.world_drops d ON d.id = o.drop_id
	LEFT JOIN game.character_items i ON i.id = o.item_id AND i.container_id = d.container_id WHERE i.id IS NULL$$,
	'A claim is on an item that is there.');
SELECT necp.integrity('loot_once', $$
	SELECT format('%s %s dropped %s times in life %s', source, source_id, count(*), source_life)
	FROM game.world_drops GROUP BY source, source_id, source_life HAVING count(*) > 1$$,
	'G7: a life drops once.');
