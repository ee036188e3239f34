/* SPDX-License-Identifier: PostgreSQL */
CREATE TYPE necp.bank_view AS (slots int, used int, items necp.item_view[]);
COMMENT ON TYPE necp.bank_view IS 'A bank.';
COMMENT ON COLUMN necp.bank_view.slots IS 'Slots it has.';
COMMENT ON COLUMN necp.bank_view.used IS 'Slots that hold something.';
COMMENT ON COLUMN necp.bank_view.items IS 'What is in it, by slot.';

CREATE FUNCTION necp.bank_get() RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_bank_get';
COMMENT ON FUNCTION necp.bank_get IS 'The bank of the account, for all its characters.';
SELECT necp.route('GET', '/inventory/bank', 'bank_get', read_only => true, result => 'bank_view');

CREATE FUNCTION necp.bank_deposit(item_id bigint, quantity int DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_bank_deposit';
COMMENT ON FUNCTION necp.bank_deposit IS 'Puts an item of the backpack, or quantity of it, into the bank. NOT_FOUND, ITEM_BOUND, INVENTORY_FULL, INSUFFICIENT_QUANTITY, ITEM_LOCKED, AMOUNT_OUT_OF_RANGE.';
SELECT necp.route('POST', '/inventory/bank/deposit', 'bank_deposit', idempotent => true, result => 'bank_view');

CREATE FUNCTION necp.bank_withdraw(item_id bigint, quantity int DEFAULT NULL) RETURNS json
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_bank_withdraw';
COMMENT ON FUNCTION necp.bank_withdraw IS 'Takes an item of the bank, or quantity of it, into the backpack. NOT_FOUND, OVERWEIGHT, INVENTORY_FULL, INSUFFICIENT_QUANTITY, ITEM_LOCKED, AMOUNT_OUT_OF_RANGE.';
SELECT necp.route('POST', '/inventory/bank/withdraw', 'bank_withdraw', idempotent => true, result => 'bank_view');

SELECT necp.integrity('bank_bound', $$
	SELECT format('item %s is bound to a character and lies in the bank of account %s', i.id, c.owner_id)
	FROM game.containers c JOIN game.character_items i ON i.container_id = c.id
	WHERE c.kind = 'BANK' AND i.binding = 'CHARACTER'$$,
	'What is bound to a character is in no bank.');
SELECT necp.integrity('bank_storage', $$
	SELECT format('account %s has no bank', s.account_id)
	FROM game.character_slots s
	LEFT JOIN game.bank_storage b ON b.account_id = s.account_id
	LEFT JOIN game.containers c ON c.id = b.container_id AND c.kind = 'BANK' AND c.owner_id = s.account_id
	WHERE s.used > 0 AND c.id IS NULL$$,
	'Every account with a character has a bank.');
