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
