/* SPDX-License-Identifier: PostgreSQL */
CREATE FUNCTION necp.character_delete(character_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_delete';
COMMENT ON FUNCTION necp.character_delete IS 'Deletes a character that nobody plays; its slot is free at once, its name and what it owns are kept for 30 days. LAST_CHARACTER, BUSY.';
SELECT necp.route('DELETE', '/characters/{character_id}', 'character_delete', auth => 'account', result => 'character_view');

CREATE FUNCTION necp.character_restore(character_id bigint) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_character_restore';
COMMENT ON FUNCTION necp.character_restore IS 'Takes the deletion of a character back, into a free slot. NO_FREE_SLOT, CONFLICT, RESTORE_EXPIRED.';
SELECT necp.route('POST', '/characters/{character_id}/restore', 'character_restore', auth => 'account', result => 'character_view');

CREATE FUNCTION necp.character_kill(character_id bigint, reason text) RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_character_kill';
COMMENT ON FUNCTION necp.character_kill IS 'Kills a living character as a fight would: for operators. NOT_FOUND, TARGET_DEAD.';

SELECT necp.integrity('character_purged', $$
	SELECT format('purged character %s holds item %s', c.id, i.id)
	FROM game.characters c JOIN game.containers b ON b.owner_id = c.id AND b.kind IN ('BACKPACK', 'EQUIPPED')
	JOIN game.character_items i ON i.container_id = b.id WHERE c.purged_at IS NOT NULL
	UNION ALL
	SELECT format('purged character %s holds %s credits', c.id, a.balance)
	FROM game.characters c JOIN game.ledger_accounts a ON a.owner_id = c.id AND a.holder = 'WALLET' AND a.balance > 0
	WHERE c.purged_at IS NOT NULL$$,
	'A purged character owns nothing.');
SELECT necp.integrity('account_purged', $$
	SELECT format('purged account %s has character %s', a.id, c.id) FROM game.accounts a
	JOIN game.characters c ON c.account_id = a.id AND c.purged_at IS NULL WHERE a.purged_at IS NOT NULL
	UNION ALL
	SELECT format('purged account %s holds item %s', a.id, i.id) FROM game.accounts a
	JOIN game.containers b ON b.owner_id = a.id AND b.kind = 'BANK'
	JOIN game.character_items i ON i.container_id = b.id WHERE a.purged_at IS NOT NULL
	UNION ALL
	SELECT format('purged account %s holds %s premium', a.id, l.balance) FROM game.accounts a
	JOIN game.ledger_accounts l ON l.owner_id = a.id AND l.holder = 'PREMIUM' AND l.balance > 0
	WHERE a.purged_at IS NOT NULL$$,
	'A purged account owns nothing: nobody could ever use it.');
