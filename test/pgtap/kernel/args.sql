-- Whatever the servers pass: what a rule cannot mean is refused as the client's fault, naming the
-- field; nothing fails as INTERNAL, and nothing crashes.
\ir ../helpers.psql
SELECT pg_temp.player('ann') \g /dev/null
CALL pg_temp.open_zone('args', NULL) \gset
SELECT pg_temp.enter_zone('ann', :zone_id) \g /dev/null

CREATE TEMP TABLE extremes (type regtype, value text);
INSERT INTO extremes VALUES
	('bigint', NULL), ('bigint', '0'), ('bigint', '-1'), ('bigint', '1'), ('bigint', '9007199254740992'), ('bigint', '9223372036854775807'), ('bigint', '-9223372036854775808'),
	('int', NULL), ('int', '0'), ('int', '-1'), ('int', '1'), ('int', '2147483647'), ('int', '-2147483648'),
	('smallint', NULL), ('smallint', '0'), ('smallint', '-1'), ('smallint', '32767'),
	('double precision', NULL), ('double precision', 'NaN'), ('double precision', 'Infinity'), ('double precision', '-1e300'),
	('real', NULL), ('real', 'NaN'), ('real', '-Infinity'),
	('text', NULL), ('text', ''), ('text', ' '), ('text', 'x'), ('text', repeat('x', 100000)), ('text', repeat(U&'\+01F600', 300)), ('text', U&'\202Eevil\200B'),
	('text', '<script>'), ('text', E'a\nb'), ('text', ''' OR 1=1 --'), ('text', '{}'), ('text', '/topic/character/1/inventory'),
	('boolean', NULL), ('boolean', 'true'), ('uuid', NULL), ('uuid', '00000000-0000-0000-0000-000000000000'),
	('inet', NULL), ('inet', '::1'), ('json', NULL), ('json', 'null'), ('json', '[]'), ('json', '{"a": 1}'),
	('bytea', NULL), ('bytea', ''), ('bytea', '\x01000000'), ('uuid[]', NULL), ('uuid[]', '{}'), ('uuid[]', '{NULL}'),
	('bigint[]', NULL), ('bigint[]', '{}'), ('bigint[]', '{NULL}'), ('int[]', NULL), ('int[]', '{}'), ('text[]', NULL), ('text[]', '{}'), ('text[]', '{NULL}'),
	('"char"', NULL), ('"char"', 'x'), ('jsonb', NULL), ('jsonb', '[]');

-- Every function of the servers, with every extreme of every parameter while the others are null, and
-- with the first extremes of all of them.
CREATE TEMP VIEW calls AS
	SELECT p.proname, format('necp.%I(%s)', p.proname, string_agg(format('%L::%s', CASE WHEN n.n = e.n THEN e.value END, format_type(n.type, NULL)), ', ' ORDER BY n.n)) AS call
	FROM pg_proc p
	CROSS JOIN LATERAL (SELECT a.n, x.value FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a (type, n) JOIN extremes x ON x.type = a.type
	                    UNION ALL SELECT 0, NULL) e
	CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) WITH ORDINALITY n (type, n)
	WHERE p.pronamespace = 'necp'::regnamespace AND has_function_privilege('necp_edge', p.oid, 'EXECUTE') AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'c')
	GROUP BY p.oid, p.proname, e.n, e.value
	UNION
	SELECT p.proname, format('necp.%I(%s)', p.proname, string_agg(format('%L::%s', v.value, format_type(n.type, NULL)), ', ' ORDER BY n.n))
	FROM pg_proc p
	CROSS JOIN generate_series(1, 8) pick
	CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) WITH ORDINALITY n (type, n)
	JOIN LATERAL (SELECT x.value, row_number() OVER () AS r, count(*) OVER () AS c FROM extremes x WHERE x.type = n.type) v ON v.r = pick % v.c + 1
	WHERE p.pronamespace = 'necp'::regnamespace AND has_function_privilege('necp_edge', p.oid, 'EXECUTE') AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'c')
	GROUP BY p.oid, p.proname, pick;
CREATE FUNCTION pg_temp.all_calls() RETURNS TABLE (call text, as_whom text, outcome text) LANGUAGE plpgsql AS $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT * FROM pg_temp.calls LOOP
		call := left(c.call, 200);
		as_whom := 'somebody';
		outcome := pg_temp.refusal_of(format('SELECT (%s)::text FROM necp.enter(%L, NULL, NULL, NULL, ''a'', -1)', c.call, pg_temp.s('ann')));
		RETURN NEXT;
		as_whom := 'nobody';
		outcome := pg_temp.refusal_of(format('SELECT (%s)::text FROM necp.enter(NULL, NULL, NULL, NULL, ''p'', -1)', c.call));
		RETURN NEXT;
	END LOOP;
END
$$;
CREATE TEMP TABLE outcomes AS SELECT * FROM pg_temp.all_calls();

SELECT plan(6);
SELECT ok((SELECT count(*) > 500 FROM outcomes), 'there is much to try');
SELECT is_empty($$SELECT * FROM outcomes WHERE outcome !~ '^(ok|NC|22|23505|23514)' ORDER BY 1, 2$$, 'every refusal has a code');
SELECT is_empty($$SELECT * FROM outcomes WHERE outcome ~ '^NC0[01]' AND outcome !~ '^NC0\d\d [A-Za-z_-]+$' ORDER BY 1, 2$$, 'VALIDATION names its field');
SELECT is_empty($$SELECT o.* FROM outcomes o JOIN necp.routes r ON o.call LIKE 'necp.' || r.function || '(%'
	WHERE r.auth <> 'public' AND r.method <> 'GET' AND o.as_whom = 'nobody' AND o.outcome !~ '^NC(101|0\d\d)' ORDER BY 1$$, 'nobody commands what needs somebody');
SELECT ok(EXISTS (SELECT FROM outcomes WHERE outcome LIKE 'ok%'), 'some of it is even right');
SELECT is_empty('SELECT * FROM necp.integrity_check()', 'nothing was broken');
SELECT pg_temp.call('ann', 'POST', '/auth/logout') \g /dev/null
SELECT * FROM finish();
