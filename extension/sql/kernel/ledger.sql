/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.partitioned VALUES ('ledger_transfers', 'created_at', '1 month', 3, NULL);

SELECT necp.integrity('ledger_balance', $$
	SELECT format('purse %s of %s %s holds %s, its transfers say %s', a.id, a.holder, a.owner_id, a.balance, coalesce(t.sum, 0))
	FROM game.ledger_accounts a
	LEFT JOIN (SELECT id, sum(amount) FROM (SELECT to_id, amount FROM game.ledger_transfers
	                                        UNION ALL SELECT from_id, -amount FROM game.ledger_transfers) s (id, amount)
	           GROUP BY id) t USING (id)
	WHERE a.balance IS NOT NULL AND a.balance <> coalesce(t.sum, 0)$$,
	'G3: every cached balance is the sum of its transfers.');
SELECT necp.integrity('ledger_negative', $$
	SELECT format('purse %s of %s %s holds %s', a.id, a.holder, a.owner_id, a.balance)
	FROM game.ledger_accounts a WHERE a.balance < 0$$,
	'G3: no balance is negative.');
SELECT necp.integrity('ledger_sides', $$
	SELECT format('transfer %s goes from %s to %s', t.id, t.from_id, t.to_id)
	FROM game.ledger_transfers t
	LEFT JOIN game.ledger_accounts f ON f.id = t.from_id
	LEFT JOIN game.ledger_accounts r ON r.id = t.to_id
	WHERE f.id IS NULL OR r.id IS NULL OR f.currency <> r.currency$$,
	'G3: both sides of a transfer exist and hold the same currency.');

CREATE FUNCTION necp.ledger_mint(holder text, owner_id bigint, currency text, amount bigint, cause text) RETURNS bigint
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_ledger_mint';
COMMENT ON FUNCTION necp.ledger_mint IS
	'Creates money in a WALLET (character) or PREMIUM (account) purse and returns its balance: for operators.';
