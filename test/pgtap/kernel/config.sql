-- Settings: numbers of the rules and of the servers, taken at once by every process.
\ir ../helpers.psql
SELECT plan(17);
SELECT pg_temp.account('ann') \g /dev/null
CREATE FUNCTION pg_temp.price() RETURNS text LANGUAGE sql
	RETURN pg_temp.call('ann', 'GET', '/characters/slots') ->> 'price';
SELECT is(pg_temp.price(), '500', 'a rule reads a number');
SELECT pg_temp.link('ear', 'postgres') \g /dev/null
SELECT dblink_exec('ear', 'LISTEN necp_config') \g /dev/null
SELECT necp.config_set('character.slot_price', '7') \g /dev/null
SELECT is(pg_temp.price(), '7', 'a process that knew the old one takes the new one');
SELECT * FROM dblink('ear', 'SELECT 1') d (one int) \g /dev/null
SELECT is((SELECT extra FROM dblink_get_notify('ear')), 'character.slot_price', 'the servers are told which');
BEGIN;
SELECT necp.config_set('character.slot_price', '8') \g /dev/null
SELECT is(pg_temp.refusal('ann', 'GET', '/characters/slots') LIKE '%"price":8%', true, 'who sets it has it at once');
SELECT is(pg_temp.price(), '7', 'others when it commits');
ROLLBACK;
SELECT is(pg_temp.refusal('ann', 'GET', '/characters/slots') LIKE '%"price":7%', true, 'what is rolled back was never set');
SELECT is(pg_temp.price(), '7', 'for nobody');
SELECT throws_ok($$SELECT necp.config_set('no.such', '1')$$, '42704', NULL, 'there is no such setting');
SELECT throws_ok($$SELECT necp.config_set('character.slot_price', NULL)$$, '23502', NULL, 'a setting has a value');
BEGIN;
SELECT necp.config_set('character.slot_price', '"seven"') \g /dev/null
SELECT is(pg_temp.refusal('ann', 'GET', '/characters/slots'), 'XX000', 'a number that is none is an error of the operator, not of the client');
ROLLBACK;
BEGIN;
DELETE FROM game.config WHERE key = 'character.slot_price';
SELECT necp.config_changed() \g /dev/null
SELECT is(pg_temp.refusal('ann', 'GET', '/characters/slots'), 'XX000', 'so is one that is missing');
ROLLBACK;
SELECT throws_ok($$INSERT INTO game.config VALUES ('Not A Key', '1', 'x')$$, '23514', NULL, 'keys are small letters, digits, dots');
SET ROLE necp_admin;
SELECT lives_ok($$SELECT necp.config_set('character.slot_price', '500')$$, 'admins set it');
SET ROLE necp_analyst;
SELECT throws_ok($$SELECT necp.config_set('character.slot_price', '1')$$, '42501', NULL, 'analysts do not');
SELECT is((SELECT value FROM game.config WHERE key = 'character.slot_price'), '500', 'but read it');
SET ROLE necp_edge;
SELECT throws_ok($$SELECT necp.config_set('character.slot_price', '1')$$, '42501', NULL, 'servers do not');
RESET ROLE;
SELECT is(pg_temp.price(), '500', 'all is as before');
SELECT dblink_disconnect('ear') \g /dev/null
