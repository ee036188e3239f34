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

CREATE FUNCTION necp.credit_paths(account_id bigint, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity')
	RETURNS TABLE (created_at timestamptz, transfer_id bigint, purse text, owner_id bigint, currency text, change bigint,
	               balance bigint, other_purse text, other_owner_id bigint, cause text, cause_id bigint)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH mine AS (
		SELECT a.* FROM game.ledger_accounts a
		WHERE a.holder = 'PREMIUM' AND a.owner_id = credit_paths.account_id
		   OR a.holder = 'WALLET' AND a.owner_id IN (SELECT c.id FROM game.characters c WHERE c.account_id = credit_paths.account_id)
	)
	SELECT t.created_at, t.id, m.holder, m.owner_id, m.currency,
	       CASE WHEN m.id = t.to_id THEN t.amount ELSE -t.amount END,
	       CASE WHEN m.id = t.to_id THEN t.to_balance ELSE t.from_balance END,
	       o.holder, o.owner_id, t.cause, t.cause_id
	FROM mine m
	JOIN game.ledger_transfers t ON m.id IN (t.from_id, t.to_id)
	JOIN game.ledger_accounts o ON o.id = CASE WHEN m.id = t.to_id THEN t.from_id ELSE t.to_id END
	WHERE t.created_at >= credit_paths.since AND t.created_at < credit_paths.until
	ORDER BY t.id;
END
$$;
COMMENT ON FUNCTION necp.credit_paths IS
	'Every transfer into and out of the purses of an account and its characters in a span of time, with the other side: for analysts.';
