-- Idempotency-Keys (DOMAIN §0): a command that moves value has one effect, however often it is sent.
\ir ../helpers.psql
SELECT plan(28);
SELECT pg_temp.player('ann') \g /dev/null
SELECT pg_temp.player('bob') \g /dev/null
SELECT gen_random_uuid() AS key \gset
SELECT necp.ledger_mint('PREMIUM', pg_temp.a('ann'), 'premium', 5000, 'TEST') \g /dev/null

CREATE FUNCTION pg_temp.buy(who text, key uuid) RETURNS json LANGUAGE sql
	RETURN pg_temp.call(who, 'POST', '/characters/slots/purchase', '{}', key);
CREATE FUNCTION pg_temp.refused(who text, key uuid) RETURNS text LANGUAGE sql
	RETURN pg_temp.refusal(who, 'POST', '/characters/slots/purchase', '{}', key);
CREATE FUNCTION pg_temp.spent(who text) RETURNS bigint LANGUAGE sql
	RETURN (SELECT coalesce(sum(amount), 0) FROM game.ledger_transfers t JOIN game.ledger_accounts a ON a.id = t.from_id
	        WHERE a.holder = 'PREMIUM' AND a.owner_id = pg_temp.a(who));

-- A replay ----------------------------------------------------------------------------------------

SELECT pg_temp.buy('ann', :'key') AS answer \gset
SELECT is(:'answer'::json ->> 'slots', '4', 'the command runs');
SELECT is(pg_temp.spent('ann'), 500::bigint, 'and is paid');
SELECT is((SELECT count(*) FROM game.idempotency_keys WHERE key = :'key' AND account_id = pg_temp.a('ann')), 1::bigint, 'its answer is stored');
SELECT is(pg_temp.buy('ann', :'key')::text, :'answer', 'a replay gets the same answer, byte for byte');
SELECT is(pg_temp.buy('ann', :'key')::text, :'answer', 'as often as it is sent');
SELECT is(pg_temp.spent('ann'), 500::bigint, 'and pays nothing');
SELECT is((SELECT slots FROM game.character_slots WHERE account_id = pg_temp.a('ann')), 4, 'and has no effect');
SELECT is((SELECT count(*) FROM game.idempotency_keys WHERE key = :'key'), 1::bigint, 'nor is it stored again');

-- Another request, another account -------------------------------------------------------------------

SELECT is(pg_temp.refusal_of(format('SELECT necp.enter(%L, %L, ''\x01'', NULL, ''a'', -1)', pg_temp.s('ann'), :'key')), 'NC201 Idempotency-Key',
          'IDEMPOTENCY_KEY_REUSED: another request has the key of this one');
SELECT is(pg_temp.refusal('ann', 'POST', '/loot/pickup', '{"drop_id": 1}', :'key'), 'NC201 Idempotency-Key',
          'IDEMPOTENCY_KEY_REUSED: on another route too');
SELECT necp.ledger_mint('PREMIUM', pg_temp.a('bob'), 'premium', 500, 'TEST') \g /dev/null
SELECT is(pg_temp.buy('bob', :'key') ->> 'premium', '0', 'the same key of another account is another key');
SELECT is(pg_temp.spent('bob'), 500::bigint, 'it pays for itself');
SELECT is(pg_temp.buy('ann', :'key')::text, :'answer', 'and does not change the first one''s answer');

-- Failures are not answers ----------------------------------------------------------------------------

SELECT gen_random_uuid() AS poor \gset
SELECT is(pg_temp.refused('bob', :'poor'), '23514 ledger_accounts_balance_floor', 'INSUFFICIENT_FUNDS: a command that fails');
SELECT throws_ok(format('SELECT pg_temp.buy(''bob'', %L)', :'poor'), '23514', NULL, 'INSUFFICIENT_FUNDS: for the servers too');
SELECT is((SELECT count(*) FROM game.idempotency_keys WHERE key = :'poor'), 0::bigint, 'stores no answer');
SELECT necp.ledger_mint('PREMIUM', pg_temp.a('bob'), 'premium', 500, 'TEST') \g /dev/null
SELECT is(pg_temp.buy('bob', :'poor') ->> 'slots', '5', 'and runs when it is sent again');
SELECT is(pg_temp.refusal_of(format('SELECT necp.finish(NULL) FROM necp.enter(%L, %L, ''\x00'', NULL, ''a'', -1)', pg_temp.s('bob'), gen_random_uuid())),
          'XX000', 'a rule that answers nothing is a bug');
SELECT is(pg_temp.refusal_of(format('SELECT necp.finish(''{"a":1}'') FROM necp.enter(%L, NULL, NULL, NULL, ''a'', -1)', pg_temp.s('bob'))),
          'ok: {"a":1}', 'without a key nothing is stored');
SELECT is(pg_temp.refusal_of(format('SELECT necp.finish(''{"a":1}'') FROM necp.enter(NULL, %L, ''\x00'', NULL, ''p'', -1)', gen_random_uuid())),
          'ok: {"a":1}', 'nor without an account');

-- A twin that still runs -------------------------------------------------------------------------------

SELECT gen_random_uuid() AS twin \gset
SELECT dblink_exec('edge', 'BEGIN') \g /dev/null
SELECT * FROM dblink('edge', pg_temp.statement('ann', 'POST', '/characters/slots/purchase', '{}', :'twin')) d (answer json) \g /dev/null
SELECT is(pg_temp.refused('ann', :'twin'), 'NC902 Idempotency-Key retry 1', 'IN_PROGRESS: the same request is still running');
SELECT is(pg_temp.refused('bob', :'twin'), 'NC901', 'another account''s is not in its way');
SELECT dblink_exec('edge', 'ROLLBACK') \g /dev/null
SELECT is((SELECT slots FROM game.character_slots WHERE account_id = pg_temp.a('ann')), 4, 'a twin that was rolled back did nothing');
SELECT is(pg_temp.buy('ann', :'twin') ->> 'slots', '5', 'so its key is free');

-- 24 hours --------------------------------------------------------------------------------------------

UPDATE game.character_slots SET slots = 3 WHERE account_id = pg_temp.a('ann');
SELECT necp.clock_advance('23 hours 59 minutes') \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT is(pg_temp.buy('ann', :'key')::text, :'answer', 'after 23 h 59 min it is still replayed');
SELECT necp.clock_advance('2 minutes') \g /dev/null
SELECT pg_temp.login('ann') \g /dev/null
SELECT is(pg_temp.buy('ann', :'key') ->> 'premium', '3500', 'after 24 h it runs anew');
SELECT is((SELECT count(*) FROM game.idempotency_keys WHERE key = :'key' AND account_id = pg_temp.a('ann')), 2::bigint, 'and is stored anew');
SELECT necp.clock_reset() \g /dev/null
SELECT necp.partitions_keep() \g /dev/null
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was lost');
SELECT * FROM finish();
