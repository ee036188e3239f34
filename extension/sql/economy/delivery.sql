/* SPDX-License-Identifier: PostgreSQL */
SELECT necp.integrity('delivery_owner', $$
	SELECT format('item %s is held for %s, who is no character', i.id, k.owner_id)
	FROM game.containers k JOIN game.character_items i ON i.container_id = k.id
	WHERE k.kind = 'HELD' AND NOT EXISTS (SELECT FROM game.characters c WHERE c.id = k.owner_id AND c.purged_at IS NULL)$$,
	'What is held is held for somebody.');
