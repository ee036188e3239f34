/* SPDX-License-Identifier: PostgreSQL
 *
 * The API describes itself: an OpenAPI 3.1 document from the routes, the catalog and its comments.
 *
 * Comments are read for more than their text:
 * - a function's first sentence is the summary, the whole comment the description;
 * - a code of common/errors.def in a function's comment is an answer that the route may give;
 * - a column of a result may be null exactly if its comment has the word "null".
 * json, not jsonb: members keep their order.
 */
CREATE FUNCTION necp.error_codes(OUT code text, OUT state text, OUT status int, OUT title text)
	RETURNS SETOF record
	LANGUAGE c AS 'MODULE_PATHNAME', 'necp_error_codes';
COMMENT ON FUNCTION necp.error_codes IS 'Every error code, its SQLSTATE, its HTTP status and its title.';

CREATE FUNCTION necp.openapi_type(type oid, note text, nullable boolean) RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	t record;
	reference text;
BEGIN
	SELECT y.typname, y.typtype, y.typcategory, y.typelem INTO t FROM pg_type y WHERE y.oid = openapi_type.type;
	IF t.typtype = 'c' THEN
		reference := '#/components/schemas/' || t.typname;
		RETURN json_strip_nulls(CASE WHEN nullable
			THEN json_build_object('anyOf', json_build_array(json_build_object('$ref', reference),
			                                                 json_build_object('type', 'null')), 'description', note)
			ELSE json_build_object('$ref', reference, 'description', note) END);
	END IF;
	RETURN (
		SELECT json_strip_nulls(json_build_object(
			'type', CASE WHEN nullable AND s.kind IS NOT NULL THEN json_build_array(s.kind, 'null') ELSE to_json(s.kind) END,
			'format', s.format,
			'minimum', s.low,
			'maximum', s.high,
			'items', CASE WHEN s.kind = 'array' THEN necp.openapi_type(t.typelem, NULL, false) END,
			'description', note))
		FROM (SELECT
			CASE WHEN t.typcategory = 'A' THEN 'array'
			     WHEN t.typname IN ('int2', 'int4', 'int8') THEN 'integer'
			     WHEN t.typname IN ('float4', 'float8', 'numeric') THEN 'number'
			     WHEN t.typname = 'bool' THEN 'boolean'
			     WHEN t.typname NOT IN ('json', 'jsonb') THEN 'string' END AS kind,
			CASE t.typname WHEN 'int2' THEN 'int32' WHEN 'int4' THEN 'int32' WHEN 'int8' THEN 'int64'
			     WHEN 'float4' THEN 'float' WHEN 'float8' THEN 'double' WHEN 'uuid' THEN 'uuid'
			     WHEN 'timestamptz' THEN 'date-time' END AS format,
			CASE t.typname WHEN 'int2' THEN -32768 WHEN 'int8' THEN -9007199254740991 END AS low,
			CASE t.typname WHEN 'int2' THEN 32767 WHEN 'int8' THEN 9007199254740991 END AS high) s);
END
$$;
COMMENT ON FUNCTION necp.openapi_type IS
	'JSON Schema of a type. 64 bit integers stay within what a JSON number holds exactly; json is anything.';

CREATE FUNCTION necp.openapi_summary(comment text) RETURNS text
	LANGUAGE sql IMMUTABLE
	RETURN coalesce(pg_catalog.substring(comment, '^(.*?)[.;:](?:\s|$)'), comment);
COMMENT ON FUNCTION necp.openapi_summary IS 'The first sentence of a comment.';

-- Members of a request's body. Passwords stand in for the hashes that the edge makes of them.
CREATE FUNCTION necp.openapi_body(r necp.routes) RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	new_password constant json := '{"type": "string", "format": "password", "minLength": 8, "maxLength": 128, "description": "8 to 128 characters with upper and lower case, digit and special."}';
	known_password constant json := '{"type": "string", "format": "password", "description": "The password as it is."}';
	optional_password constant json := '{"type": ["string", "null"], "format": "password", "description": "The password as it is."}';
	members record;
BEGIN
	SELECT json_object_agg(b.name, b.schema ORDER BY b.ord) AS properties,
	       json_agg(b.name ORDER BY b.ord) FILTER (WHERE b.required) AS required
	INTO members
	FROM (
		SELECT p.ord, p.name, p.required, necp.openapi_type(p.oid, NULL, NOT p.required) AS schema
		FROM necp.route_params(r.method, r.path, r.function, r.password) p WHERE p.source = 'body'
		UNION ALL
		SELECT 100 + w.ord, w.name, w.required, w.schema
		FROM (VALUES ('hash', 0, 'password', true, new_password), ('verify', 0, 'password', true, known_password),
		             ('optional', 0, 'password', false, optional_password),
		             ('change', 0, 'current_password', true, known_password), ('change', 1, 'new_password', true, new_password),
		             ('reset', 0, 'new_password', true, new_password))
			w (password, ord, name, required, schema)
		WHERE w.password = r.password) b;
	IF members.properties IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN json_build_object(
		'required', members.required IS NOT NULL,
		'content', json_build_object('application/json', json_build_object('schema',
			json_strip_nulls(json_build_object('type', 'object', 'additionalProperties', false,
			                                   'required', members.required, 'properties', members.properties)))));
END
$$;
COMMENT ON FUNCTION necp.openapi_body IS 'Request body of a route, or null.';

CREATE FUNCTION necp.openapi_parameters(r necp.routes) RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT json_agg(p.parameter ORDER BY p.ord)
		FROM (
			SELECT a.ord, CASE
				WHEN a.source = 'query' AND a.name IN ('limit', 'cursor')
				THEN json_build_object('$ref', '#/components/parameters/' || a.name)
				ELSE json_build_object('name', a.name, 'in', a.source, 'required', a.required,
				                       'schema', necp.openapi_type(a.oid, NULL, false)) END AS parameter
			FROM necp.route_params(r.method, r.path, r.function, r.password) a WHERE a.source IN ('path', 'query')
			UNION ALL
			SELECT 1000, json_build_object('$ref', '#/components/parameters/Idempotency-Key') WHERE r.idempotent) p);
END
$$;
COMMENT ON FUNCTION necp.openapi_parameters IS 'Parameters of a route in path, query and header, or null.';

-- Codes that any route of this shape may answer with, and those that the function's comment names.
CREATE FUNCTION necp.openapi_codes(r necp.routes, comment text) RETURNS text[]
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY['VALIDATION', 'RATE_LIMITED', 'INTERNAL', 'RETRY', 'UNAVAILABLE', 'TIMEOUT']
		|| CASE WHEN r.auth <> 'public' THEN ARRAY['UNAUTHENTICATED', 'TOKEN_EXPIRED'] END
		|| CASE WHEN r.auth = 'character' THEN ARRAY['NO_ACTIVE_CHARACTER'] END
		|| CASE WHEN r.permission IS NOT NULL THEN ARRAY['FORBIDDEN'] END
		|| CASE WHEN strpos(r.path, '{') > 0 THEN ARRAY['NOT_FOUND'] END
		|| CASE WHEN r.method IN ('POST', 'PUT') OR r.method = 'DELETE' AND r.password IS NOT NULL THEN ARRAY['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] END
		|| CASE WHEN r.idempotent THEN ARRAY['IN_PROGRESS', 'IDEMPOTENCY_KEY_REUSED'] END
		|| CASE WHEN r.password IN ('hash', 'change', 'reset') THEN ARRAY['WEAK_PASSWORD'] END
		|| ARRAY(SELECT m.word[1] FROM regexp_matches(comment, '\m[A-Z][A-Z0-9_]{3,}\M', 'g') m (word));
END
$$;
COMMENT ON FUNCTION necp.openapi_codes IS 'Error codes that a route may answer with.';

CREATE FUNCTION necp.openapi_success(r necp.routes) RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	note text := (SELECT obj_description(t.oid, 'pg_type') FROM pg_type t
	              WHERE t.typnamespace = 'necp'::regnamespace AND t.typname = r.result);
	schema json := CASE WHEN r.result IS NULL THEN '{"type": "object"}'::json
	                    ELSE json_build_object('$ref', '#/components/schemas/' || r.result) END;
BEGIN
	IF r.list THEN
		schema := json_build_object('type', 'object', 'additionalProperties', false,
			'required', json_build_array('items', 'next_cursor'),
			'properties', json_build_object(
				'items', json_build_object('type', 'array', 'items', schema),
				'next_cursor', json_build_object('$ref', '#/components/schemas/next_cursor')));
	END IF;
	RETURN json_build_object('description', coalesce(note, 'A document.'),
		'headers', json_build_object('X-Request-Id', json_build_object('$ref', '#/components/headers/X-Request-Id')),
		'content', json_build_object('application/json', json_build_object('schema', schema)));
END
$$;
COMMENT ON FUNCTION necp.openapi_success IS 'What a route answers when all is well.';

-- Routes that refuse with the same codes share the description of it, which is named after them.
CREATE FUNCTION necp.openapi_refusals(r necp.routes, comment text)
	RETURNS TABLE (status int, name text, response json)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	codes text[] := necp.openapi_codes(r, comment);
BEGIN
	RETURN QUERY
	SELECT e.status, string_agg(e.code, '.' ORDER BY e.state),
	       json_build_object(
	           'description', string_agg(format('`%s` %s.', e.code, e.title), ' ' ORDER BY e.state),
	           'headers', json_strip_nulls(json_build_object(
	               'X-Request-Id', json_build_object('$ref', '#/components/headers/X-Request-Id'),
	               'Retry-After', CASE WHEN e.status IN (423, 429, 503)
	                                   THEN json_build_object('$ref', '#/components/headers/Retry-After') END)),
	           'content', json_build_object('application/problem+json', json_build_object('schema', json_build_object(
	               '$ref', '#/components/schemas/Problem',
	               'properties', json_build_object('code', json_build_object('enum', json_agg(e.code ORDER BY e.state)))))))
	FROM necp.error_codes() e
	WHERE e.code = ANY (codes)
	GROUP BY e.status;
END
$$;
COMMENT ON FUNCTION necp.openapi_refusals IS 'Refusals of a route by status.';

CREATE FUNCTION necp.openapi_responses(r necp.routes, comment text) RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT json_object_agg(a.status::text, a.response ORDER BY a.status)
		FROM (SELECT r.status, necp.openapi_success(r) AS response
		      UNION ALL
		      SELECT f.status, json_build_object('$ref', '#/components/responses/' || f.name)
		      FROM necp.openapi_refusals(r, comment) f) a);
END
$$;
COMMENT ON FUNCTION necp.openapi_responses IS 'Answers of a route by status.';

-- Routes that are served, with the comments of their functions.
CREATE FUNCTION necp.openapi_routes() RETURNS TABLE (route necp.routes, comment text)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT r, obj_description(p.oid, 'pg_proc')
	FROM necp.routes r
	JOIN pg_proc p ON p.pronamespace = 'necp'::regnamespace AND p.proname = r.function
	LEFT JOIN game.route_overrides o ON o.method = r.method AND o.path = r.path
	WHERE coalesce(o.enabled, true);
END
$$;
COMMENT ON FUNCTION necp.openapi_routes IS 'Routes that the document describes.';

CREATE FUNCTION necp.openapi_paths() RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT json_object_agg(p.path, p.item ORDER BY p.path)
		FROM (
			SELECT (d.route).path, json_object_agg(lower((d.route).method), json_strip_nulls(json_build_object(
				'operationId', (d.route).function,
				'summary', necp.openapi_summary(d.comment),
				'description', d.comment,
				'tags', json_build_array(split_part((d.route).function, '_', 1)),
				'security', CASE WHEN (d.route).auth = 'public' THEN '[]'::json ELSE '[{"bearer": []}]'::json END,
				'parameters', necp.openapi_parameters(d.route),
				'requestBody', necp.openapi_body(d.route),
				'responses', necp.openapi_responses(d.route, d.comment),
				'x-auth', (d.route).auth,
				'x-permission', (d.route).permission)) ORDER BY (d.route).method) AS item
			FROM necp.openapi_routes() d
			GROUP BY (d.route).path) p);
END
$$;
COMMENT ON FUNCTION necp.openapi_paths IS 'Operations by path and method.';

-- The results' types and what they are made of.
CREATE FUNCTION necp.openapi_schemas() RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (
		WITH RECURSIVE used (relid) AS (
			SELECT t.typrelid FROM necp.routes r
			JOIN pg_type t ON t.typnamespace = 'necp'::regnamespace AND t.typname = r.result
			UNION
			SELECT e.typrelid FROM used u
			JOIN pg_attribute a ON a.attrelid = u.relid AND a.attnum > 0 AND NOT a.attisdropped
			JOIN pg_type t ON t.oid = a.atttypid
			JOIN pg_type e ON e.oid = CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE t.oid END
			WHERE e.typtype = 'c')
		SELECT json_object_agg(c.relname, json_build_object(
			'type', 'object', 'description', obj_description(c.reltype, 'pg_type'),
			'additionalProperties', false, 'required', m.names, 'properties', m.properties) ORDER BY c.relname)
		FROM used u
		JOIN pg_class c ON c.oid = u.relid
		CROSS JOIN LATERAL (
			SELECT json_agg(a.attname ORDER BY a.attnum) AS names,
			       json_object_agg(a.attname, necp.openapi_type(a.atttypid, n.note, coalesce(n.note ~* '\mnull\M', false))
			                       ORDER BY a.attnum) AS properties
			FROM pg_attribute a CROSS JOIN LATERAL (SELECT col_description(a.attrelid, a.attnum) AS note) n
			WHERE a.attrelid = u.relid AND a.attnum > 0 AND NOT a.attisdropped) m);
END
$$;
COMMENT ON FUNCTION necp.openapi_schemas IS
	'Schemas of the results: every member is there, and null only where its comment says "null".';

CREATE FUNCTION necp.openapi_components() RETURNS json
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cursor_type constant json := '{"type": ["integer", "null"], "format": "int64", "description": "Goes into cursor for the next page; null on the last."}';
	problem json := json_build_object(
		'type', 'object',
		'description', 'A refusal (RFC 9457).',
		'additionalProperties', false,
		'required', '["type", "title", "status", "code", "trace_id"]'::json,
		'properties', json_build_object(
			'type', '{"type": "string", "format": "uri", "description": "urn:necp:error: and the code."}'::json,
			'title', '{"type": "string", "description": "The code in words."}'::json,
			'status', '{"type": "integer", "description": "HTTP status."}'::json,
			'detail', '{"type": "string", "description": "What was wrong this time."}'::json,
			'code', json_build_object('type', 'string', 'description', 'What programs go by.',
				'enum', (SELECT json_agg(e.code ORDER BY e.state) FROM necp.error_codes() e)),
			'field', '{"type": "string", "description": "Field of the request that is at fault."}'::json,
			'trace_id', '{"type": "string", "format": "uuid", "description": "X-Request-Id, for the operator."}'::json));
BEGIN
	RETURN json_build_object(
		'securitySchemes', '{"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Access token of /auth/login or /auth/refresh."}}'::json,
		'headers', json_build_object(
			'X-Request-Id', '{"description": "Trace id of the request: what the client sent, if that is a UUID, else a new one.", "schema": {"type": "string", "format": "uuid"}}'::json,
			'Retry-After', '{"description": "Seconds after which another try is welcome.", "required": true, "schema": {"type": "integer", "minimum": 1}}'::json),
		'parameters', json_build_object(
			'Idempotency-Key', '{"name": "Idempotency-Key", "in": "header", "required": true, "description": "Made by the client for one command. Sent again within 24 h, it gets the answer of the first time and nothing happens twice.", "schema": {"type": "string", "format": "uuid"}}'::json,
			'limit', '{"name": "limit", "in": "query", "description": "Items of a page.", "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 100, "default": 50}}'::json,
			'cursor', '{"name": "cursor", "in": "query", "description": "next_cursor of the page before.", "schema": {"type": "integer", "format": "int64"}}'::json),
		'responses', (
			SELECT json_object_agg(f.name, f.response ORDER BY f.status, f.name)
			FROM (SELECT DISTINCT ON (e.name) e.* FROM necp.openapi_routes() d, necp.openapi_refusals(d.route, d.comment) e) f),
		'schemas', (
			SELECT json_object_agg(s.name, s.schema ORDER BY s.name COLLATE "C")
			FROM (SELECT 'Problem' AS name, problem AS schema
			      UNION ALL SELECT 'next_cursor', cursor_type
			      UNION ALL SELECT e.key, e.value FROM json_each(necp.openapi_schemas()) e) s));
END
$$;
COMMENT ON FUNCTION necp.openapi_components IS 'What operations refer to.';

CREATE FUNCTION necp.openapi() RETURNS json
	LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN json_build_object(
		'openapi', '3.1.0',
		'info', json_build_object(
			'title', 'NECPGAME',
			'version', (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'necpgame'),
			'summary', 'Backend of an online world',
			'description', 'Lists are `{items, next_cursor}`. The acting character is the one that the session has selected. '
				|| 'Any path answers OPTIONS; another method than its own gets 405 `METHOD_NOT_ALLOWED` with Allow. '
				|| 'Every POST below is also a STOMP command: SEND to `/app` and its path. Topics are under `x-topics`.',
			'license', '{"name": "PostgreSQL License", "identifier": "PostgreSQL"}'::json),
		'servers', '[{"url": "/api/v1"}]'::json,
		'tags', (SELECT json_agg(json_build_object('name', t.room, 'description', format('Served by the service %s.', t.wing))
		                         ORDER BY t.wing, t.room)
		         FROM (SELECT DISTINCT r.wing, split_part(r.function, '_', 1) AS room FROM necp.routes r) t),
		'x-tagGroups', (SELECT json_agg(json_build_object('name', g.wing, 'tags', g.rooms) ORDER BY g.wing)
		                FROM (SELECT r.wing, json_agg(DISTINCT split_part(r.function, '_', 1)) AS rooms
		                      FROM necp.routes r GROUP BY r.wing) g),
		'paths', necp.openapi_paths(),
		'components', necp.openapi_components(),
		'x-topics', (SELECT json_agg(json_build_object('topic', t.pattern, 'description', t.description) ORDER BY t.pattern)
		             FROM necp.topics t));
END
$$;
COMMENT ON FUNCTION necp.openapi IS 'The OpenAPI document of this API.';
SELECT necp.route('GET', '/openapi.json', 'openapi', auth => 'public', read_only => true);
