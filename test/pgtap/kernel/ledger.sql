-- The ledger (DOMAIN §0, G3): every transfer is one row with both sides; no money is lost or made up.
\ir ../helpers.psql
SELECT plan(36);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.a('ann') AS account, pg_temp.c('ann') AS character, gen_random_uuid() AS key \gset
CREATE FUNCTION pg_temp.mint(amount bigint, holder text DEFAULT 'WALLET', currency text DEFAULT 'credits') RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal_of(format('SELECT necp.ledger_mint(%L, %s, %L, %L, ''TEST'')', holder, pg_temp.c('ann'), currency, amount));
CREATE TEMP VIEW mine AS
	SELECT t.*, f.holder AS from_holder, r.holder AS to_holder, f.currency
	FROM game.ledger_transfers t JOIN game.ledger_accounts f ON f.id = t.from_id JOIN game.ledger_accounts r ON r.id = t.to_id
	WHERE (r.holder, r.owner_id) IN (('WALLET', pg_temp.c('ann')), ('PREMIUM', pg_temp.a('ann')))
	   OR (f.holder, f.owner_id) IN (('WALLET', pg_temp.c('ann')), ('PREMIUM', pg_temp.a('ann')));

-- Amounts -------------------------------------------------------------------------------------------------

SELECT is(pg_temp.mint(0), 'NC002 amount', 'AMOUNT_OUT_OF_RANGE: nothing');
SELECT is(pg_temp.mint(-1), 'NC002 amount', 'AMOUNT_OUT_OF_RANGE: less than nothing');
SELECT is(pg_temp.mint(1000000001), 'NC002 amount', 'AMOUNT_OUT_OF_RANGE: more than 10^9');
SELECT is(pg_temp.mint(9223372036854775807), 'NC002 amount', 'AMOUNT_OUT_OF_RANGE: as much as there is');
SELECT is(pg_temp.mint(NULL), 'NC001 amount', 'VALIDATION: no amount');
SELECT is(pg_temp.mint(1, 'MINT'), 'NC001 holder', 'VALIDATION: the mint is nobody''s purse');
SELECT is(pg_temp.mint(1, 'WALLET', 'gold'), 'NC001 currency', 'VALIDATION: no such currency');
SELECT is_empty('SELECT * FROM mine', 'none of it moved anything');
SELECT is(pg_temp.mint(1000000000), 'ok: 1000000000', '10^9 is an amount');

-- A transfer ---------------------------------------------------------------------------------------------

SELECT is(necp.ledger_mint('WALLET', :character, 'credits', 100, 'TEST'), 100::bigint, 'a purse is opened when it gets something');
SELECT is(necp.ledger_mint('WALLET', :character, 'credits', 20, 'TEST'), 120::bigint, 'and returns its balance');
SELECT results_eq('SELECT from_holder, to_holder, currency, amount, from_balance, to_balance, cause, cause_id FROM mine ORDER BY id',
	format($$VALUES ('MINT', 'WALLET', 'credits', 100::bigint, NULL::bigint, 100::bigint, 'TEST', %1$s::bigint), ('MINT', 'WALLET', 'credits', 20, NULL, 120, 'TEST', %1$s)$$, :character),
	'a transfer is one row: both sides, both balances, its cause');
SELECT is((pg_temp.call('ann', 'GET', '/inventory/wallet'))::jsonb, '{"credits": 120, "premium": 0}', 'the owner sees it');
SELECT is((SELECT count(*) FROM game.ledger_accounts WHERE holder IN ('MINT', 'SINK') AND balance IS NOT NULL), 0::bigint, 'MINT and SINK have no balance');
SELECT is((SELECT count(*) FROM game.ledger_accounts WHERE owner_id = :character AND holder = 'WALLET'), 1::bigint, 'a purse is opened once');

-- Overdraft -----------------------------------------------------------------------------------------------

SELECT necp.ledger_mint('PREMIUM', :account, 'premium', 499, 'TEST') \g /dev/null
SELECT is(pg_temp.refusal('ann', 'POST', '/characters/slots/purchase', '{}', :'key'), '23514 ledger_accounts_balance_floor', 'INSUFFICIENT_FUNDS: one too few');
SELECT throws_ok(format('SELECT pg_temp.call(''ann'', ''POST'', ''/characters/slots/purchase'', ''{}'', %L)', :'key'), '23514', NULL, 'INSUFFICIENT_FUNDS: when it would commit, too');
SELECT is((SELECT slots FROM game.character_slots WHERE account_id = :account), 3, 'nothing was bought');
SELECT is(pg_temp.balance('PREMIUM', :account), 499::bigint, 'nothing was paid');
SELECT is((SELECT count(*) FROM mine WHERE to_holder = 'SINK'), 0::bigint, 'nothing was written');
SELECT necp.ledger_mint('PREMIUM', :account, 'premium', 1, 'TEST') \g /dev/null
SELECT is(pg_temp.call('ann', 'POST', '/characters/slots/purchase', '{}', :'key')::jsonb, '{"slots": 4, "used": 1, "price": 500, "premium": 0}', 'to the last unit');
SELECT is((SELECT row(from_holder, to_holder, currency, amount, from_balance, to_balance, cause)::text FROM mine WHERE to_holder = 'SINK'),
	'(PREMIUM,SINK,premium,500,0,,CHARACTER_SLOT)', 'what is paid goes to SINK');
SELECT is(pg_temp.balance('WALLET', :character), 120::bigint, 'credits are another currency');

-- The cap -------------------------------------------------------------------------------------------------

SELECT pg_temp.pay('WALLET', :character, 'credits', 1000000000000 - 120 - 1) \g /dev/null
SELECT is(pg_temp.mint(2), '23514 ledger_accounts_balance_cap', 'WALLET_FULL: a wallet holds 10^12');
SELECT is(pg_temp.mint(1), 'ok: 1000000000000', 'and no less');

-- What the tables themselves refuse -----------------------------------------------------------------------

SELECT throws_ok(format('UPDATE game.ledger_accounts SET balance = -1 WHERE owner_id = %s AND holder = ''WALLET''', :character), '23514', NULL, 'no balance is negative');
SELECT throws_ok('UPDATE game.ledger_accounts SET balance = 0 WHERE holder = ''MINT''', '23514', NULL, 'MINT gets no balance');
SELECT throws_ok(format('UPDATE game.ledger_accounts SET balance = NULL WHERE owner_id = %s AND holder = ''WALLET''', :character), '23514', NULL, 'a wallet keeps one');
SELECT throws_ok('INSERT INTO game.ledger_transfers (from_id, to_id, amount, cause, cause_id, created_at) VALUES (1, 1, 1, ''X'', 0, now())', '23514', NULL, 'nobody pays himself');
SELECT throws_ok('INSERT INTO game.ledger_transfers (from_id, to_id, amount, cause, cause_id, created_at) VALUES (1, 2, 0, ''X'', 0, now())', '23514', NULL, 'a transfer moves something');
SELECT throws_ok(format('INSERT INTO game.ledger_accounts (holder, owner_id, currency, balance) VALUES (''WALLET'', %s, ''credits'', 0)', :character), '23505', NULL, 'one purse of a kind');

-- Who may ----------------------------------------------------------------------------------------------------

SET ROLE necp_admin;
SELECT lives_ok(format('SELECT necp.ledger_mint(''WALLET'', %s, ''premium'', 1, ''TEST'')', :character), 'admins mint');
SELECT throws_ok('UPDATE game.ledger_accounts SET balance = 1', '42501', NULL, 'but touch no balance');
SET ROLE necp_edge;
SELECT throws_ok(format('SELECT necp.ledger_mint(''WALLET'', %s, ''credits'', 1, ''TEST'')', :character), '42501', NULL, 'servers do not');
SET ROLE necp_analyst;
SELECT throws_ok(format('SELECT necp.ledger_mint(''WALLET'', %s, ''credits'', 1, ''TEST'')', :character), '42501', NULL, 'nor do analysts');
RESET ROLE;
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'it all adds up');
SELECT * FROM finish();
