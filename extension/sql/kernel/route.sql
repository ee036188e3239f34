/* SPDX-License-Identifier: PostgreSQL
 *
 * Routes and topics are data, declared beside the functions that they call (docs/interfaces.md §2).
 * They are code all the same: written by this script, so they are not dumped.
 */
CREATE TABLE necp.routes (
	method text NOT NULL CHECK (method IN ('GET', 'POST', 'PUT', 'DELETE')),
	path text NOT NULL CHECK (path ~ '^(/[a-z0-9._-]+|/\{[a-z_]+\})+$'),
	function text NOT NULL,
	auth text NOT NULL CHECK (auth IN ('public', 'account', 'character')),
	permission text,
	rate text,
	idempotent boolean NOT NULL,
	read_only boolean NOT NULL,
	password text CHECK (password IN ('hash', 'verify', 'optional', 'change', 'reset')),
	issues_token boolean NOT NULL,
	status int NOT NULL CHECK (status BETWEEN 200 AND 299),
	result text,
	list boolean NOT NULL,
	action boolean NOT NULL, -- of the player, who is there then
	wing text NOT NULL, -- folder of the room, told by the build
	PRIMARY KEY (method, path),
	CHECK (NOT (idempotent AND auth = 'public')),
	CHECK (NOT (idempotent AND read_only))
);
COMMENT ON TABLE necp.routes IS 'Every endpoint of the API. Operators change game.route_overrides.';

CREATE TABLE necp.topics (
	pattern text PRIMARY KEY,
	function text,
	description text NOT NULL
);
COMMENT ON TABLE necp.topics IS 'Topics that clients may subscribe to, and who decides.';

CREATE FUNCTION necp.route(method text, path text, function text, auth text DEFAULT 'character',
	permission text DEFAULT NULL, rate text DEFAULT NULL, idempotent boolean DEFAULT false,
	read_only boolean DEFAULT false, password text DEFAULT NULL, issues_token boolean DEFAULT false,
	status int DEFAULT 200, result text DEFAULT NULL, list boolean DEFAULT false,
	action boolean DEFAULT true)
	RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	PERFORM necp.require_script();
	INSERT INTO necp.routes VALUES (method, path, function, auth, permission, rate, idempotent,
		read_only, password, issues_token, status, result, list,
		action AND NOT read_only AND method <> 'GET', current_setting('necp.wing'));
END
$$;
COMMENT ON FUNCTION necp.route IS 'Declares an endpoint; only the extension''s script may.';

CREATE FUNCTION necp.topic(pattern text, function text, description text) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	PERFORM necp.require_script();
	INSERT INTO necp.topics VALUES (pattern, function, description);
END
$$;
COMMENT ON FUNCTION necp.topic IS
	'Declares a topic; function(id) decides who may listen, null lets every session.';

-- What a route's function takes: one row per parameter.
CREATE FUNCTION necp.route_params(method text, path text, function text, password text)
	RETURNS TABLE (ord int, name text, type text, oid oid, required boolean, source text, default_value text)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT a.n::int, a.name, format_type(t.type, NULL), t.type,
	       a.n <= p.pronargs - p.pronargdefaults,
	       CASE WHEN a.name IN ('client_ip', 'user_agent', 'password_hash', 'verified_hash', 'password_reused') THEN 'edge'
	            WHEN strpos(route_params.path, '{' || a.name || '}') > 0 THEN 'path'
	            WHEN route_params.method = 'GET' OR route_params.method = 'DELETE' AND route_params.password IS NULL THEN 'query'
	            ELSE 'body' END,
	       pg_get_function_arg_default(p.oid, a.n::int)
	FROM pg_proc p
	CROSS JOIN unnest(p.proargnames) WITH ORDINALITY a (name, n)
	JOIN unnest(p.proargtypes::oid[]) WITH ORDINALITY t (type, n) ON t.n = a.n
	WHERE p.pronamespace = 'necp'::regnamespace AND p.proname = route_params.function AND a.n <= p.pronargs
	ORDER BY a.n;
END
$$;
COMMENT ON FUNCTION necp.route_params IS 'Parameters of an endpoint, from the catalog.';

-- The one statement that the servers run for a route: identity, rule, idempotency in one round trip.
CREATE FUNCTION necp.route_statement(r necp.routes, permission_id int, lookup boolean) RETURNS text
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	called text := r.function || CASE WHEN lookup THEN '_lookup' ELSE '' END;
	args text;
	invocation text;
	-- a capital: no action of the player
	need text := left(CASE WHEN r.action AND NOT lookup THEN r.auth ELSE upper(r.auth) END, 1);
BEGIN
	SELECT string_agg(format('%I => %s', p.name,
	           CASE WHEN p.default_value IS NULL OR p.default_value LIKE 'NULL%'
	                THEN format('$%s::%s', p.ord + 4, p.type)
	                ELSE format('COALESCE($%s::%s, %s)', p.ord + 4, p.type, p.default_value) END),
	           ', ' ORDER BY p.ord)
	INTO args
	FROM necp.route_params(r.method, r.path, r.function, r.password) p
	WHERE NOT lookup OR p.name = ANY (
		SELECT unnest(l.proargnames) FROM pg_proc l
		WHERE l.pronamespace = 'necp'::regnamespace AND l.proname = called);
	invocation := format('necp.%I(%s)', called, args);
	IF r.idempotent AND NOT lookup THEN
		RETURN format('SELECT necp.finish(CASE WHEN e IS NULL THEN %s ELSE e END) FROM necp.enter($1, $2, $3, $4, %L, %s) e',
			invocation, need, permission_id);
	END IF;
	-- without a key enter() returns null; a CASE costs less than a function in FROM
	RETURN format('SELECT CASE WHEN necp.enter($1, NULL, NULL, $4, %L, %s) IS NULL THEN %s END',
		need, permission_id, invocation);
END
$$;
COMMENT ON FUNCTION necp.route_statement IS 'SQL text of a route, with $1 session, $2 key, $3 hash, $4 trace, $5… parameters.';

CREATE FUNCTION necp.edge_routes(service text DEFAULT NULL)
	RETURNS TABLE (method text, path text, function text, auth text, permission text, rate text,
	               idempotent boolean, read_only boolean, password text, issues_token boolean,
	               status int, params json, statement text, lookup text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT r.method, r.path, r.function, r.auth, r.permission, coalesce(o.rate, r.rate), r.idempotent,
	       r.read_only, r.password, r.issues_token, r.status,
	       coalesce((SELECT json_agg(json_build_object('name', p.name, 'type', p.type, 'oid', p.oid::bigint,
	                                                   'required', p.required, 'source', p.source) ORDER BY p.ord)
	                 FROM necp.route_params(r.method, r.path, r.function, r.password) p), '[]'),
	       necp.route_statement(r, coalesce(m.permission_id, -1), false),
	       CASE WHEN r.password <> 'hash'
	            THEN necp.route_statement(r, coalesce(m.permission_id, -1), true) END
	FROM necp.routes r
	LEFT JOIN game.route_overrides o ON o.method = r.method AND o.path = r.path
	LEFT JOIN game.permissions m ON m.name = r.permission
	WHERE coalesce(o.enabled, true)
	  -- one that asks for a permission that is not there is served to nobody
	  AND (r.permission IS NULL OR m.permission_id IS NOT NULL)
	  AND (edge_routes.service IS NULL OR r.wing IN (edge_routes.service, 'kernel'))
	ORDER BY r.path, r.method;
END
$$;
COMMENT ON FUNCTION necp.edge_routes IS 'Routes as the servers load them, of one wing or all.';

CREATE FUNCTION necp.edge_keys() RETURNS TABLE (kid text, secret bytea, signs_from bigint)
	LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT k.kid, k.secret, floor(extract(epoch FROM k.signs_from))::bigint FROM game.signing_keys k
		WHERE k.retire_at IS NULL OR k.retire_at > clock_timestamp() ORDER BY k.signs_from;
END
$$;
COMMENT ON FUNCTION necp.edge_keys IS 'Keys that verify access tokens, oldest first; of those whose time (Unix) has come the last one signs.';

CREATE FUNCTION necp.keys_rotate() RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	new_kid text := replace(gen_random_uuid()::text, '-', '');
	lead interval := (SELECT make_interval(secs => c.value::text::int) FROM game.config c WHERE c.key = 'auth.key_lead_s');
	life interval := (SELECT make_interval(secs => c.value::text::int) FROM game.config c WHERE c.key = 'edge.access_token_seconds');
	last timestamptz;
	start timestamptz;
BEGIN
	LOCK TABLE game.signing_keys IN SHARE ROW EXCLUSIVE MODE;
	SELECT max(k.signs_from) INTO last FROM game.signing_keys k;
	-- behind all others, also where the lead was made shorter; the first of all has nobody to wait for
	start := CASE WHEN last IS NULL THEN clock_timestamp()
	              ELSE greatest(clock_timestamp() + lead, last + interval '1 microsecond') END;
	-- a server whose clock is late by up to the lead goes on signing with the old one for that long
	UPDATE game.signing_keys k SET retire_at = start + lead + life WHERE k.retire_at IS NULL;
	-- two version 4 UUIDs hold 244 random bits
	INSERT INTO game.signing_keys (kid, secret, created_at, signs_from)
	VALUES (new_kid, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), clock_timestamp(), start);
	NOTIFY necp_keys;
	RETURN new_kid;
END
$$;
COMMENT ON FUNCTION necp.keys_rotate IS
	'Makes a signing key and announces it; it signs after auth.key_lead_s. The one before it verifies until its last token has expired.';

CREATE FUNCTION necp.keys_keep() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM game.signing_keys k WHERE k.retire_at <= clock_timestamp();
	IF FOUND THEN
		NOTIFY necp_keys;
	END IF;
	IF NOT EXISTS (SELECT FROM game.signing_keys k WHERE k.retire_at IS NULL AND k.created_at > clock_timestamp()
	               - (SELECT make_interval(days => c.value::text::int) FROM game.config c WHERE c.key = 'auth.key_days')) THEN
		PERFORM necp.keys_rotate();
	END IF;
END
$$;
COMMENT ON FUNCTION necp.keys_keep IS 'Rotates the signing keys when it is time and forgets those that are retired; the scheduler calls it.';

CREATE FUNCTION necp.subscribe(session uuid, topic text) RETURNS void
	LANGUAGE c SECURITY DEFINER AS 'MODULE_PATHNAME', 'necp_subscribe';
COMMENT ON FUNCTION necp.subscribe IS
	'Decides whether a session may listen to a topic. NOT_SUBSCRIBABLE, FORBIDDEN.';
