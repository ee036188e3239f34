/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.partitioned VALUES ('item_moves', 'moved_at', '1 month', 3, NULL);

SELECT necp.integrity('custody_container', $$
	SELECT format('item %s is in container %s, which does not exist', i.id, i.container_id)
	FROM game.character_items i LEFT JOIN game.containers c ON c.id = i.container_id WHERE c.id IS NULL$$,
	'G1: every item is in a container that exists.');
SELECT necp.integrity('custody_slot', $$
	SELECT format('slot %s of container %s holds %s items', i.slot, i.container_id, count(*))
	FROM game.character_items i JOIN game.containers c ON c.id = i.container_id
	GROUP BY i.container_id, i.slot, c.capacity HAVING count(*) > 1 OR i.slot >= c.capacity$$,
	'G1: one item per slot, inside the container''s capacity.');
SELECT necp.integrity('custody_quantity', $$
	SELECT format('template %s: %s created, %s destroyed, %s held', template_id, created, destroyed, held)
	FROM (SELECT template_id, sum(quantity) AS held FROM game.character_items GROUP BY template_id) h
	FULL JOIN (SELECT template_id,
	                  coalesce(sum(quantity) FILTER (WHERE kind = 'CREATE'), 0) AS created,
	                  coalesce(sum(quantity) FILTER (WHERE kind = 'DESTROY'), 0) AS destroyed
	           FROM game.item_moves GROUP BY template_id) m USING (template_id)
	WHERE coalesce(held, 0) <> coalesce(created, 0) - coalesce(destroyed, 0)$$,
	'G2: per template, created minus destroyed is held.');
SELECT necp.integrity('custody_last_move', $$
	SELECT format('item %s is in container %s, its last move says %s', i.id, i.container_id, m.to_container_id)
	FROM game.character_items i
	LEFT JOIN (SELECT DISTINCT ON (item_id) item_id, to_container_id FROM game.item_moves
	           WHERE kind IN ('CREATE', 'MOVE', 'SPLIT') ORDER BY item_id, id DESC) m ON m.item_id = i.id
	WHERE m.to_container_id IS DISTINCT FROM i.container_id$$,
	'G1: an item is where its last move took it.');
SELECT necp.integrity('custody_life', $$
	SELECT format('item %s holds %s, its life says %s', id, coalesce(i.quantity, 0), coalesce(l.quantity, 0))
	FROM game.character_items i
	FULL JOIN (SELECT s.id, sum(s.quantity) AS quantity
	           FROM game.item_moves m, LATERAL (VALUES
	           	(m.item_id, CASE m.kind WHEN 'CREATE' THEN m.quantity WHEN 'SPLIT' THEN m.quantity
	           	                        WHEN 'MERGE' THEN -m.quantity WHEN 'DESTROY' THEN -m.quantity END),
	           	(m.other_item_id, CASE m.kind WHEN 'SPLIT' THEN -m.quantity WHEN 'MERGE' THEN m.quantity END)) s (id, quantity)
	           WHERE s.quantity IS NOT NULL GROUP BY s.id) l USING (id)
	WHERE coalesce(i.quantity, 0) <> coalesce(l.quantity, 0)$$,
	'G2: every item holds what its creations, splits, joins and destructions say; who is gone holds nothing.');

CREATE FUNCTION necp.item_life(item_id bigint)
	RETURNS TABLE (moved_at timestamptz, kind text, item bigint, other_item bigint, quantity int, from_kind text,
	               from_owner bigint, to_kind text, to_owner bigint, cause text, cause_id bigint)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH RECURSIVE line (id, until) AS (
		SELECT item_life.item_id, 9223372036854775807
		UNION
		-- what it was split from, up to then
		SELECT m.other_item_id, m.id FROM line l JOIN game.item_moves m ON m.item_id = l.id AND m.kind = 'SPLIT'
	)
	SELECT m.moved_at, m.kind::text, m.item_id, m.other_item_id, m.quantity, f.kind::text, f.owner_id, t.kind::text, t.owner_id,
	       m.cause, m.cause_id
	FROM game.item_moves m
	LEFT JOIN game.containers f ON f.id = m.from_container_id
	LEFT JOIN game.containers t ON t.id = m.to_container_id
	WHERE EXISTS (SELECT FROM line l WHERE (m.item_id = l.id OR m.other_item_id = l.id) AND m.id <= l.until)
	ORDER BY m.id;
END
$$;
COMMENT ON FUNCTION necp.item_life IS
	'All that happened to an item and, before it was split off, to what it was part of: for analysts. Reads all of item_moves.';
