-- The conventions of the code, read from the catalogs. Each list of violations has to be empty; what
-- is excepted stands here with its reason.
SET client_min_messages = warning;
SELECT plan(46);

-- What the roles of the servers and of people may do stands in docs/interfaces.md §2, §5 and §6.
CREATE TEMP TABLE server_calls (name) AS VALUES
	('enter'), ('finish'), ('subscribe'), ('edge_routes'), ('edge_config'), ('edge_keys'),
	('realtime_connect'), ('realtime_session'), ('realtime_disconnect'), ('realtime_touch'),
	('world_exchange'), ('email_claim'), ('email_sent'), ('email_failed'), ('email_release');
CREATE TEMP TABLE endpoints (name) AS
	SELECT function FROM necp.routes
	UNION SELECT function || '_lookup' FROM necp.routes WHERE password <> 'hash';
CREATE TEMP VIEW functions AS
	SELECT p.*, p.oid::regprocedure::text AS signature, l.lanname
	FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
	WHERE p.pronamespace IN ('necp'::regnamespace, 'live'::regnamespace);
CREATE TEMP VIEW game_tables AS
	SELECT c.oid, c.relname::text AS name, c.relkind, c.relpersistence, c.relispartition, c.relowner
	FROM pg_class c WHERE c.relnamespace = 'game'::regnamespace AND c.relkind IN ('r', 'p');

-- Who owns functions, and with whose search path they run ---------------------------------------

SELECT is_empty($$SELECT signature FROM functions WHERE prosecdef AND proowner <> 'necp_owner'::regrole$$,
	'SECURITY DEFINER functions belong to necp_owner');
SELECT isnt((SELECT rolsuper FROM pg_roles WHERE rolname = 'necp_owner'), true, 'who is no superuser');
SELECT isnt((SELECT rolcanlogin FROM pg_roles WHERE rolname = 'necp_owner'), true, 'and cannot log in');

CREATE TEMP TABLE unpinned (name, reason) AS VALUES
	('enter', 'pins the path of the transaction itself, with one compare'),
	('finish', 'runs SQL only after enter()'),
	('subscribe', 'begins like enter()'),
	('character_topic', 'runs no SQL'),
	('account_topic', 'runs no SQL');
SELECT is_empty($$SELECT signature FROM functions
	WHERE prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)
	  AND proname NOT IN (SELECT name FROM endpoints) AND proname NOT IN (SELECT name FROM unpinned)$$,
	'SECURITY DEFINER functions that run without enter() pin their search path');
SELECT is_empty($$SELECT signature FROM functions
	WHERE NOT prosecdef AND lanname IN ('sql', 'plpgsql') AND prosqlbody IS NULL
	  AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)$$,
	'so do the others that hold SQL as text');
SELECT is_empty($$SELECT name FROM unpinned WHERE name NOT IN (SELECT proname FROM functions)$$,
	'every exception is about a function that exists');

CREATE TEMP TABLE invokers (name, reason) AS VALUES
	('now', 'reads the clock'), ('clock_advance', 'shared memory only; superusers'), ('clock_reset', 'shared memory only; superusers'),
	('random_seed', 'shared memory only; superusers'), ('config_changed', 'shared memory only'), ('content_changed', 'shared memory only'),
	('run_job', 'superusers: runs with the caller''s rights, as the scheduler does with its own'),
	('schema_version', 'a number of the library'), ('error_codes', 'a list of the library'), ('world_exchange', 'shared memory only'),
	('presence', 'reads shared memory'), ('live_zone_players', 'reads shared memory'),
	('live_zone_npcs', 'reads shared memory'), ('live_zone_load', 'reads shared memory'), ('live_world_jobs', 'reads shared memory'), ('live_damage_log', 'reads shared memory'),
	('require_script', 'checks who calls'), ('share_file', 'checks that a superuser calls'),
	('run_as_owner', 'checks that a superuser calls');
SELECT set_eq($$SELECT proname::text FROM functions WHERE lanname = 'c' AND NOT prosecdef$$,
	'SELECT name FROM invokers', 'C functions that are not SECURITY DEFINER are these, each with its reason');

-- What PUBLIC and the servers may ------------------------------------------------------------------

SELECT is_empty($$SELECT signature FROM functions WHERE has_function_privilege('public', oid, 'EXECUTE')$$,
	'PUBLIC may execute nothing');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c, aclexplode(c.relacl) a
	WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('necp', 'live', 'game')) AND a.grantee = 0$$,
	'PUBLIC has no right on a table, view or sequence');
SELECT is_empty($$SELECT nspname FROM pg_namespace WHERE nspname IN ('necp', 'live', 'game')
	AND (has_schema_privilege('public', oid, 'USAGE') OR has_schema_privilege('public', oid, 'CREATE'))$$,
	'nor on a schema');
SELECT set_eq($$SELECT proname::text FROM functions WHERE has_function_privilege('necp_edge', oid, 'EXECUTE')$$,
	$$SELECT name FROM endpoints UNION SELECT name FROM server_calls$$,
	'necp_edge executes the endpoints, their look-ups and the documented calls, and nothing else');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname IN ('necp', 'live', 'game')
	  AND CASE WHEN c.relkind IN ('r', 'p', 'v', 'm') THEN
	               has_table_privilege('necp_edge', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
	               OR has_any_column_privilege('necp_edge', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
	           WHEN c.relkind = 'S' THEN has_sequence_privilege('necp_edge', c.oid, 'USAGE, SELECT, UPDATE') END$$,
	'necp_edge has no right on any table, view or sequence');
SELECT is(ARRAY(SELECT nspname::text FROM pg_namespace WHERE nspname IN ('necp', 'live', 'game')
                AND has_schema_privilege('necp_edge', oid, 'USAGE')), '{necp}', 'it sees the schema necp only');
SELECT is_empty($$SELECT nspname FROM pg_namespace n, (VALUES ('necp_edge'), ('necp_analyst'), ('necp_admin')) r (name)
	WHERE n.nspname !~ '^pg_' AND has_schema_privilege(r.name, n.oid, 'CREATE')$$, 'no role of servers or people makes objects');
SELECT is_empty($$SELECT r.name FROM (VALUES ('necp_edge'), ('necp_analyst'), ('necp_admin'), ('necp_owner')) r (name), pg_roles s
	WHERE s.rolname = r.name AND (s.rolsuper OR s.rolcreaterole OR s.rolcreatedb OR s.rolreplication OR s.rolbypassrls)$$,
	'none has an attribute of power');
SELECT is_empty($$SELECT m.roleid::regrole, m.member::regrole FROM pg_auth_members m
	WHERE m.roleid::regrole::text LIKE 'necp\_%' AND m.member::regrole::text LIKE 'necp\_%'$$, 'none is a member of another');
SELECT ok('search_path=pg_catalog, pg_temp' = ANY (setconfig), 'the path of necp_edge is pinned')
	FROM pg_db_role_setting WHERE setrole = 'necp_edge'::regrole AND setdatabase = 0;
SELECT is_empty($$SELECT signature FROM functions WHERE has_function_privilege('necp_analyst', oid, 'EXECUTE')
	AND (provolatile = 'v' AND proname <> 'now') AND proname NOT LIKE 'live\_%' AND proname <> 'presence'$$,
	'analysts call nothing that changes something');

-- Everything says what it is --------------------------------------------------------------------

SELECT is_empty($$SELECT signature FROM functions WHERE obj_description(oid, 'pg_proc') IS NULL$$, 'every function has a comment');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm')
	AND c.relnamespace IN ('necp'::regnamespace, 'live'::regnamespace, 'game'::regnamespace)
	AND obj_description(c.oid, 'pg_class') IS NULL$$, 'every table and view has a comment');
SELECT is_empty($$SELECT c.oid::regclass, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL AND NOT c.relispartition
	  AND (c.relnamespace = 'game'::regnamespace AND c.relkind IN ('r', 'p')
	       OR c.relnamespace = 'live'::regnamespace AND c.relkind = 'v'
	       OR c.relnamespace = 'necp'::regnamespace AND c.relkind = 'c' AND c.relname LIKE '%\_view')$$,
	'every column of a table of the game, of a view of the live world and of a view type has a comment');
SELECT is_empty($$SELECT t.oid::regtype FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
	WHERE t.typnamespace = 'necp'::regnamespace AND (c.relkind = 'c' OR t.typtype IN ('e', 'd'))
	  AND obj_description(t.oid, 'pg_type') IS NULL$$, 'every type has a comment');
SELECT is_empty($$SELECT nspname FROM pg_namespace WHERE nspname IN ('necp', 'live', 'game')
	AND obj_description(oid, 'pg_namespace') IS NULL$$, 'every schema has a comment');
SELECT is_empty($$SELECT key FROM game.config WHERE length(description) < 5$$, 'every setting says what it is');

-- Routes and topics ----------------------------------------------------------------------------

SELECT is_empty($$SELECT r.method, r.path, r.function FROM necp.routes r
	WHERE (SELECT count(*) FROM functions f WHERE f.proname = r.function) <> 1$$,
	'every route calls a function that is there once');
SELECT is_empty($$SELECT signature FROM functions WHERE proname IN (SELECT function FROM necp.routes)
	AND (prorettype <> 'json'::regtype OR proretset OR NOT prosecdef OR provariadic <> 0
	     OR provolatile = 'i' OR proparallel <> 'u' OR proisstrict)$$,
	'endpoints return json, and are SECURITY DEFINER, neither IMMUTABLE, PARALLEL SAFE nor STRICT');
SELECT is_empty($$SELECT r.method, r.path, m[1] FROM necp.routes r, regexp_matches(r.path, '\{([a-z_]+)\}', 'g') m
	WHERE NOT EXISTS (SELECT FROM functions f WHERE f.proname = r.function AND m[1] = ANY (f.proargnames))$$,
	'what a path holds is a parameter of its function');
SELECT is_empty($$SELECT r.method, r.path, p.name, p.type FROM necp.routes r,
	LATERAL necp.route_params(r.method, r.path, r.function, r.password) p
	WHERE p.name IS NULL OR p.name !~ '^[a-z_]+$' OR p.type NOT IN ('bigint', 'integer', 'smallint', 'boolean', 'text', 'uuid',
		'double precision', 'numeric', 'inet', 'json', 'bigint[]', 'integer[]', 'text[]', 'uuid[]')$$,
	'parameters have names and types that the edge can bind');
SELECT is_empty($$SELECT r.method, r.path, r.result FROM necp.routes r
	WHERE r.path <> '/openapi.json' AND (r.result IS NULL OR to_regtype('necp.' || quote_ident(r.result)) IS NULL)$$,
	'every route names the type of its answer, but for the one that describes them all');
SELECT is_empty($$SELECT r.method, r.path, r.permission FROM necp.routes r
	WHERE r.permission IS NOT NULL AND r.permission NOT IN (SELECT name FROM game.permissions)$$,
	'every permission that a route asks for exists');
SELECT is_empty($$SELECT r.method, r.path, r.rate FROM necp.routes r
	WHERE r.rate IS NOT NULL AND NOT EXISTS (SELECT FROM game.config c WHERE c.key = 'rate.' || r.rate)$$,
	'every rate class that a route names is configured');
SELECT is_empty($$SELECT method, path FROM necp.routes WHERE (method = 'GET') <> read_only
	AND function NOT IN ('zone_list', 'zone_current', 'zone_read', 'zone_players', 'npc_read', 'combat_active', 'combat_state', 'party_get')$$,
	'GET reads, and nothing else does; reads of the live world cannot run on a standby');
SELECT is_empty($$SELECT method, path FROM necp.routes WHERE password IS NOT NULL AND password <> 'hash'
	AND NOT EXISTS (SELECT FROM functions f WHERE f.proname = routes.function || '_lookup' AND f.prorettype = 'text'::regtype)$$,
	'routes that verify a password have a look-up');
SELECT is_empty($$SELECT pattern, function FROM necp.topics WHERE function IS NOT NULL
	AND NOT EXISTS (SELECT FROM functions f WHERE f.proname = topics.function AND f.prorettype = 'boolean'::regtype
	                AND f.proargtypes::text = 'int8'::regtype::oid::text)$$,
	'who may listen to a topic is decided by a function of its id');
SELECT is_empty($$SELECT kind, function FROM necp.content_kinds WHERE NOT EXISTS (
	SELECT FROM functions f WHERE f.proname = content_kinds.function AND f.prorettype = 'int'::regtype
	AND f.proargtypes::text = 'jsonb'::regtype::oid::text)$$, 'every kind of content has its importer');

-- Code is the extension, data is not ----------------------------------------------------------------

SELECT is_empty($$SELECT t.name FROM game_tables t JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = t.oid
	WHERE d.deptype = 'e'$$, 'no table of the game belongs to the extension');
CREATE TEMP VIEW members AS
	SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'necpgame';
SELECT is_empty($$SELECT pg_describe_object(d.classid, d.objid, d.objsubid), pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
	FROM pg_depend d JOIN members m ON m.classid = d.refclassid AND m.objid = d.refobjid
	WHERE (d.classid, d.objid) IN (
		SELECT 'pg_class'::regclass, c.oid FROM pg_class c WHERE c.relnamespace = 'game'::regnamespace
		UNION ALL SELECT 'pg_constraint'::regclass, c.oid FROM pg_constraint c WHERE c.connamespace = 'game'::regnamespace
		UNION ALL SELECT 'pg_attrdef'::regclass, a.oid FROM pg_attrdef a JOIN game_tables t ON t.oid = a.adrelid
		UNION ALL SELECT 'pg_trigger'::regclass, g.oid FROM pg_trigger g JOIN game_tables t ON t.oid = g.tgrelid
		UNION ALL SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p WHERE p.pronamespace = 'game'::regnamespace
		UNION ALL SELECT 'pg_type'::regclass, y.oid FROM pg_type y WHERE y.typnamespace = 'game'::regnamespace)$$,
	'nothing of the game depends on the extension');
SELECT is((SELECT extconfig FROM pg_extension WHERE extname = 'necpgame'), NULL, 'no table of the extension is dumped as data');
SELECT is_empty($$SELECT name FROM game_tables WHERE relowner <> 'necp_owner'::regrole AND name <> 'schema_version'$$,
	'the game''s tables belong to necp_owner');
SELECT is_empty($$SELECT t.name FROM game_tables t WHERE has_table_privilege('necp_analyst', t.oid, 'SELECT')
	= (coalesce((SELECT p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent WHERE i.inhrelid = t.oid), t.name)
	   IN (SELECT table_name FROM necp.private_tables))$$,
	'analysts read every table, unless it is listed as private');

-- Shapes -----------------------------------------------------------------------------------------

CREATE TEMP TABLE keyless (name, reason) AS VALUES
	('game_events', 'log'), ('ledger_transfers', 'log'), ('item_moves', 'log'),
	('idempotency_keys', 'one at a time by advisory lock; an index that is not unique is cheaper');
SELECT is_empty($$SELECT name FROM game_tables t WHERE NOT relispartition
	AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indisprimary)
	AND name NOT IN (SELECT name FROM keyless)$$, 'every table has a primary key, but for logs');
SELECT is_empty($$SELECT t.name, a.attname, format_type(a.atttypid, a.atttypmod) FROM game_tables t JOIN pg_attribute a ON a.attrelid = t.oid
	WHERE a.attnum > 0 AND NOT a.attisdropped AND (
		a.attname = 'id' AND (a.atttypid NOT IN ('bigint'::regtype, 'int'::regtype, 'uuid'::regtype)
		                      OR a.attidentity = '' AND a.atttypid <> 'uuid'::regtype AND NOT t.relispartition)
		OR a.attname LIKE '%\_at' AND a.atttypid <> 'timestamptz'::regtype
		OR a.atttypid IN ('timestamp'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'money'::regtype, 'timetz'::regtype))$$,
	'ids are identities or UUIDs, times are timestamptz, texts are text');
SELECT is_empty($$SELECT name FROM game_tables WHERE relpersistence <> 'p'$$, 'no table is lost in a crash');

CREATE TEMP TABLE unindexed (name, reason) AS VALUES
	('character_items(container_id)', 'leads the key of its slots'),
	('characters(class_id)', 'content is not deleted'), ('characters(origin_id)', 'content is not deleted'),
	('account_roles(role)', 'six rows'), ('role_permissions(permission_id)', 'sixteen rows'),
	('loot_entries(template_id)', 'content is not deleted'), ('loot_entries(sub_table_id)', 'content is not deleted'),
	('quest_instances(template_id)', 'content is not deleted'), ('quest_progress(objective_id)', 'content is not deleted'),
	('quest_progress(quest_id)', 'instances are not deleted'), ('quest_instances(character_id)', 'characters are not deleted'),
	('player_achievements(achievement_id)', 'content is not deleted'),
	('npc_spawns(template_id)', 'content is not deleted'), ('npc_spawns(zone_id)', 'content is not deleted'),
	('refresh_tokens(account_id)', 'accounts are not deleted'), ('account_tokens(account_id)', 'accounts are not deleted'),
	('player_sessions(account_id)', 'accounts are not deleted'),
	('perk_requirements(required_id)', 'content is not deleted'), ('character_perks(perk_id)', 'content is not deleted'),
	('skill_experience(skill_id)', 'content is not deleted'),
	('party_invites(party_id)', 'parties are not deleted'), ('party_invites(character_id)', 'characters are not deleted'),
	('party_invites(invited_by)', 'characters are not deleted'), ('loot_votes(drop_id)', 'drops are not deleted'),
	('zone_portals(zone_id)', 'content is not deleted'), ('teleport_discoveries(teleport_id)', 'content is not deleted'), ('teleport_states(teleport_id)', 'content is not deleted');
SELECT is_empty($$SELECT format('%s(%s)', t.name, a.attname) FROM pg_constraint c JOIN game_tables t ON t.oid = c.conrelid
	JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
	WHERE c.contype = 'f' AND NOT t.relispartition
	  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1] AND i.indpred IS NULL)
	  AND format('%s(%s)', t.name, a.attname) NOT IN (SELECT name FROM unindexed)$$,
	'foreign keys are indexed, or there is a reason why not');

-- The one list of errors --------------------------------------------------------------------------

\set errors_def `cat common/errors.def`
CREATE TEMP TABLE errors AS SELECT m[1] AS name, m[2] AS state, m[3]::int AS status
	FROM regexp_matches(:'errors_def', 'NECP_ERROR\((\w+), "(\w+)", (\d+), "[^"]+"\)', 'g') m;
CREATE TEMP TABLE mapped AS SELECT m[1] AS name, m[2] AS error, m[3] AS field
	FROM regexp_matches(:'errors_def', 'NECP_CONSTRAINT\((\w+), (\w+), (?:NULL|"(\w+)")\)', 'g') m;
SELECT is_empty($$SELECT name FROM mapped
	WHERE error NOT IN (SELECT name FROM errors)
	   OR name NOT IN (SELECT conname FROM pg_constraint WHERE connamespace = 'game'::regnamespace
	                   UNION SELECT relname FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid AND i.indisunique
	                   WHERE c.relnamespace = 'game'::regnamespace)
	UNION ALL SELECT 'no constraints were read' WHERE NOT EXISTS (SELECT FROM mapped)$$,
	'every constraint that has an error exists');
SELECT is_empty($$SELECT name, state, status FROM errors
	WHERE state !~ '^NC[0-9A-Z]{3}$' OR status <> ALL (CASE substr(state, 3, 1)
		WHEN '0' THEN '{400}' WHEN '1' THEN '{401}' WHEN '2' THEN '{422}' WHEN '3' THEN '{403}' WHEN '4' THEN '{404}'
		WHEN '5' THEN '{405,406,415}' WHEN '6' THEN '{413}' WHEN '7' THEN '{408,504}' WHEN '9' THEN '{409}' WHEN 'A' THEN '{410}'
		WHEN 'L' THEN '{423}' WHEN 'R' THEN '{429}' WHEN 'U' THEN '{503}' WHEN 'X' THEN '{500}' END::int[])
	   OR (SELECT count(*) FROM errors o WHERE o.state = errors.state OR o.name = errors.name) > 1
	UNION ALL SELECT 'no errors were read', NULL, NULL WHERE NOT EXISTS (SELECT FROM errors)$$,
	'the third character of an error''s SQLSTATE tells its status, and none is there twice');
SELECT * FROM finish();
