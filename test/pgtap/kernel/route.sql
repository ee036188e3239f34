-- Routes: data beside the functions, and what the servers load of them (docs/interfaces.md §2).
\ir ../helpers.psql
SELECT plan(56);
SELECT pg_temp.account('ann') \g /dev/null

-- Only the extension's script declares ---------------------------------------------------------------

SELECT throws_ok($$SELECT necp.route('GET', '/loot/other', 'loot_nearby')$$, '55000', NULL, 'route() is for the script');
SELECT throws_ok($$SELECT necp.topic('/topic/other', NULL, 'x')$$, '55000', NULL, 'so is topic()');
SELECT throws_ok($$SELECT necp.integrity('other', 'SELECT 1', 'x')$$, '55000', NULL, 'and integrity()');
SELECT throws_ok($$SELECT necp.content_kind('other', 'item_import', 1)$$, '55000', NULL, 'and content_kind()');
SELECT is((SELECT count(*) FROM necp.routes WHERE path = '/loot/other'), 0::bigint, 'nothing was declared');
SELECT throws_ok($$INSERT INTO necp.routes SELECT 'GET', 'no-slash', function, auth, permission, rate, idempotent, read_only, password,
	issues_token, status, result, list, action, wing FROM necp.routes LIMIT 1$$, '23514', NULL, 'a path begins with a slash');
SELECT throws_ok($$UPDATE necp.routes SET idempotent = true WHERE auth = 'public'$$, '23514', NULL, 'a key belongs to an account');
SELECT throws_ok($$UPDATE necp.routes SET idempotent = true WHERE read_only$$, '23514', NULL, 'what only reads needs no key');

-- What the servers load ------------------------------------------------------------------------------

CREATE TEMP VIEW r AS SELECT * FROM necp.edge_routes();
SELECT is((SELECT statement FROM r WHERE path = '/loot/pickup'),
	'SELECT necp.finish(CASE WHEN e IS NULL THEN necp.loot_pickup(drop_id => $5::bigint) ELSE e END) FROM necp.enter($1, $2, $3, $4, ''c'', -1) e',
	'a command with a key');
SELECT is((SELECT statement FROM r WHERE path = '/auth/me'),
	'SELECT CASE WHEN necp.enter($1, NULL, NULL, $4, ''A'', -1) IS NULL THEN necp.auth_me() END', 'a read of an account, which is no action');
SELECT is((SELECT statement FROM r WHERE path = '/characters/catalog'),
	'SELECT CASE WHEN necp.enter($1, NULL, NULL, $4, ''P'', -1) IS NULL THEN necp.character_catalog() END', 'a public read');
SELECT is((SELECT statement FROM r WHERE path = '/notifications'),
	'SELECT CASE WHEN necp.enter($1, NULL, NULL, $4, ''A'', -1) IS NULL THEN necp.notification_list("limit" => $5::integer, cursor => $6::bigint) END',
	'what is optional may be null');
SELECT is((SELECT lookup FROM r WHERE path = '/auth/login'),
	'SELECT CASE WHEN necp.enter($1, NULL, NULL, $4, ''P'', -1) IS NULL THEN necp.auth_login_lookup(email => $5::text) END',
	'the look-up takes its parameters from where the route has them');
SELECT is((SELECT count(*) FROM r WHERE lookup IS NOT NULL), (SELECT count(*) FROM necp.routes WHERE password <> 'hash'),
	'no other route has one');
SELECT is((SELECT params::jsonb FROM r WHERE path = '/auth/login'), '[
	{"name": "email", "type": "text", "oid": 25, "required": true, "source": "body"},
	{"name": "verified_hash", "type": "text", "oid": 25, "required": true, "source": "edge"},
	{"name": "client_ip", "type": "inet", "oid": 869, "required": true, "source": "edge"},
	{"name": "user_agent", "type": "text", "oid": 25, "required": true, "source": "edge"},
	{"name": "code", "type": "text", "oid": 25, "required": false, "source": "body"}]'::jsonb, 'parameters and where they come from');
SELECT is((SELECT params::jsonb FROM r WHERE path = '/zones/{zone_id}/players'), '[
	{"name": "zone_id", "type": "bigint", "oid": 20, "required": true, "source": "path"},
	{"name": "limit", "type": "integer", "oid": 23, "required": false, "source": "query"},
	{"name": "cursor", "type": "bigint", "oid": 20, "required": false, "source": "query"}]'::jsonb, 'those of a path and of a query');
SELECT is((SELECT params::jsonb FROM r WHERE path = '/auth/me'), '[]'::jsonb, 'none is an empty list');

CREATE FUNCTION pg_temp.prepare_all() RETURNS SETOF text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t record;
	texts text;
BEGIN
	FOR t IN SELECT method || ' ' || path AS route, unnest(ARRAY[statement, lookup]) AS text,
	                concat_ws(', ', 'uuid, uuid, bytea, uuid', (SELECT string_agg(p ->> 'type', ', ' ORDER BY n)
	                	FROM json_array_elements(params) WITH ORDINALITY j (p, n))) AS types
	         FROM pg_temp.route LOOP
		CONTINUE WHEN t.text IS NULL;
		BEGIN
			EXECUTE format('PREPARE each (%s) AS %s', t.types, t.text);
			DEALLOCATE each;
		EXCEPTION WHEN OTHERS THEN
			RETURN NEXT t.route || ': ' || SQLERRM;
		END;
	END LOOP;
END
$$;
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO necp_edge;
SET ROLE necp_edge;
SELECT is_empty('SELECT pg_temp.prepare_all()', 'necp_edge can prepare every statement');
SELECT ok((SELECT count(*) > 40 FROM necp.edge_routes()), 'it reads the routes');
SELECT ok(necp.edge_config()::jsonb ? 'edge.access_token_seconds', 'the settings');
SELECT is((SELECT count(*) FROM necp.edge_keys()), 1::bigint, 'and the keys');
SELECT throws_ok('SELECT * FROM game.signing_keys', '42501', NULL, 'but no table');
SELECT throws_ok('SELECT * FROM necp.routes', '42501', NULL, 'not even those that hold routes');
SELECT throws_ok('SELECT necp.keys_rotate()', '42501', NULL, 'it makes no keys');
RESET ROLE;

-- Who may call ---------------------------------------------------------------------------------------

SELECT is_empty($$SELECT r.method, r.path, pg_temp.refusal(NULL, r.method, r.path) FROM necp.routes r
	WHERE r.auth <> 'public' AND pg_temp.refusal(NULL, r.method, r.path) <> 'NC101'$$, 'UNAUTHENTICATED: nobody may call what is not public');
SELECT is_empty($$SELECT r.method, r.path, pg_temp.refusal('ann', r.method, r.path) FROM necp.routes r
	WHERE r.auth = 'character' AND pg_temp.refusal('ann', r.method, r.path) <> 'NC912'$$, 'NO_ACTIVE_CHARACTER: nor an account what needs a character');
SELECT is_empty($$SELECT r.method, r.path FROM necp.routes r WHERE r.method <> 'GET' AND r.auth = 'public' AND r.path NOT LIKE '/auth/%' AND r.path <> '/session/reconnect'$$,
	'only logging in and coming back change anything without a session');

-- What operators change ---------------------------------------------------------------------------------

SELECT is_empty($$SELECT key FROM json_object_keys(necp.edge_config()) key WHERE key !~ '^(edge|realtime|rate|mail)\.'$$, 'rules'' numbers are no settings of servers');
SELECT is(ARRAY(SELECT DISTINCT r.wing FROM necp.edge_routes('economy') JOIN necp.routes r USING (method, path) WHERE path <> '/openapi.json'), '{economy}',
	'a server may serve one wing');
SELECT ok(EXISTS (SELECT FROM necp.edge_routes('economy') WHERE path = '/loot/pickup'), 'with its routes');
SELECT is_empty($$SELECT path FROM necp.edge_routes('no such wing') WHERE path <> '/openapi.json'$$, 'a wing that is not there has none');
SELECT is((SELECT string_agg(wing, ' ' ORDER BY wing) FROM necp.routes WHERE path IN ('/loot/pickup', '/auth/me', '/zones', '/openapi.json')),
	'auth economy kernel world', 'a route belongs to the wing of its room''s folder');
BEGIN;
INSERT INTO game.route_overrides (method, path, enabled) VALUES ('GET', '/auth/me', false);
INSERT INTO game.route_overrides (method, path, rate) VALUES ('POST', '/auth/login', 'public');
SELECT is_empty($$SELECT path FROM r WHERE path = '/auth/me'$$, 'a route can be switched off');
SELECT is((SELECT rate FROM r WHERE path = '/auth/login'), 'public', 'or get another rate');
UPDATE necp.routes SET permission = 'player.ban' WHERE path = '/quests';
UPDATE necp.routes SET permission = 'no.such' WHERE path = '/inventory';
SELECT matches((SELECT statement FROM r WHERE path = '/quests'), '''C'', 7\) IS NULL THEN', 'a permission is asked for by its number');
SELECT is_empty($$SELECT path FROM r WHERE path = '/inventory'$$, 'a route whose permission does not exist is served to nobody');
ROLLBACK;

-- Keys ---------------------------------------------------------------------------------------------------

CREATE TEMP VIEW key AS SELECT k.*, k.signs_from - clock_timestamp() AS ahead, k.retire_at - n.signs_from AS outlives
	FROM game.signing_keys k LEFT JOIN LATERAL (SELECT signs_from FROM game.signing_keys l WHERE l.signs_from > k.signs_from ORDER BY l.signs_from LIMIT 1) n ON true;
BEGIN;
SELECT is((SELECT count(*) FROM game.signing_keys WHERE signs_from <= clock_timestamp()), 1::bigint, 'the first key signs at once');
SELECT kid AS old FROM necp.edge_keys() \gset
SELECT necp.keys_rotate() AS new \gset
SELECT isnt(:'new'::text, :'old'::text, 'a new key is made');
SELECT results_eq('SELECT kid FROM necp.edge_keys()', ARRAY[:'old', :'new'], 'the servers get both');
SELECT ok((SELECT ahead BETWEEN '25 s' AND '30 s' FROM key WHERE kid = :'new'), 'it signs in 30 seconds: till then all servers know it');
SELECT is((SELECT signs_from FROM necp.edge_keys() WHERE kid = :'new'), (SELECT floor(extract(epoch FROM signs_from))::bigint FROM game.signing_keys WHERE kid = :'new'),
	'they are told when in Unix time');
SELECT is((SELECT outlives FROM key WHERE kid = :'old'), interval '930 s', 'the old one verifies for the life of its last token, on a clock that is 30 s late');
SELECT is((SELECT retire_at FROM key WHERE kid = :'new'), NULL, 'the new one until it is followed');
SELECT ok((SELECT bool_and(octet_length(secret) >= 32) FROM necp.edge_keys()), 'a key has 256 bits');
SELECT is((SELECT count(DISTINCT secret) FROM necp.edge_keys()), 2::bigint, 'of its own');
SELECT necp.keys_rotate() AS newest \gset
SELECT results_eq('SELECT kid FROM necp.edge_keys()', ARRAY[:'old', :'new', :'newest'], 'another before it has signed: all verify');
SELECT is((SELECT outlives FROM key WHERE kid = :'new'), interval '930 s', 'it is followed likewise');
UPDATE game.config SET value = '1' WHERE key = 'auth.key_lead_s';
SELECT necp.keys_rotate() AS last \gset
SELECT is((SELECT (array_agg(kid))[count(*)] FROM necp.edge_keys()), (SELECT kid FROM game.signing_keys WHERE retire_at IS NULL), 'the newest signs last, also where the lead became shorter');
SELECT throws_ok('UPDATE game.signing_keys SET retire_at = NULL', '23505', NULL, 'one key is the newest');
ROLLBACK;
BEGIN;
SELECT necp.clock_advance('40 days') \g /dev/null
SELECT necp.keys_keep() \g /dev/null
SELECT is((SELECT array_agg(kid) FROM necp.edge_keys()), ARRAY[:'old'::text], 'tokens live by the system''s clock, and so do keys: the game''s moves none');
SELECT necp.clock_reset() \g /dev/null
UPDATE game.signing_keys SET created_at = clock_timestamp() - interval '29 days 23 hours';
SELECT necp.keys_keep() \g /dev/null
SELECT is((SELECT count(*) FROM game.signing_keys), 1::bigint, 'for 30 days nothing is to be done');
UPDATE game.signing_keys SET created_at = clock_timestamp() - interval '30 days';
SELECT necp.keys_keep() \g /dev/null
SELECT is((SELECT count(*) FROM game.signing_keys), 2::bigint, 'then the key is followed');
SELECT necp.keys_keep() \g /dev/null
SELECT is((SELECT count(*) FROM game.signing_keys), 2::bigint, 'once');
UPDATE game.signing_keys SET signs_from = signs_from - interval '1 hour', retire_at = clock_timestamp() + interval '1 minute' WHERE kid = :'old';
SELECT necp.run_job('keys') \g /dev/null
SELECT ok(EXISTS (SELECT FROM game.signing_keys WHERE kid = :'old'), 'it stays while a token of it may live');
UPDATE game.signing_keys SET retire_at = clock_timestamp() WHERE kid = :'old';
SELECT is((SELECT count(*) FROM necp.edge_keys() WHERE kid = :'old'), 0::bigint, 'then the servers get it no more');
SELECT necp.run_job('keys') \g /dev/null
SELECT ok(NOT EXISTS (SELECT FROM game.signing_keys WHERE kid = :'old'), 'and the scheduler forgets it');
ROLLBACK;
DROP VIEW key;
SELECT necp.clock_reset() \g /dev/null
