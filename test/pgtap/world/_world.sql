-- The live world, for tests of what only a commit shows: files that include this with \ir run
-- statement by statement, not in one transaction.
\ir ../helpers.psql

-- Runs a call of a rule as a session, in this transaction, and gives the search path back to pgTAP.
CREATE FUNCTION pg_temp.act(session uuid, call text) RETURNS json
	LANGUAGE plpgsql AS $$
DECLARE
	path text := current_setting('search_path');
	answer json;
BEGIN
	PERFORM necp.enter(session, NULL, NULL, NULL, 'a', -1);
	EXECUTE 'SELECT necp.' || call INTO answer;
	PERFORM set_config('search_path', path, true);
	RETURN answer;
END
$$;

CREATE FUNCTION pg_temp.listen(session uuid, topic text) RETURNS void
	LANGUAGE plpgsql AS $$
DECLARE
	path text := current_setting('search_path');
BEGIN
	PERFORM necp.subscribe(session, topic);
	PERFORM set_config('search_path', path, true);
END
$$;

-- The binary format of docs/interfaces.md.
CREATE FUNCTION pg_temp.le(b bytea) RETURNS bytea
	LANGUAGE sql IMMUTABLE
	RETURN (SELECT string_agg(substr(b, i, 1), '' ORDER BY i DESC) FROM generate_series(1, length(b)) i);
CREATE FUNCTION pg_temp.u(b bytea, at int, bytes int) RETURNS bigint
	LANGUAGE sql IMMUTABLE
	RETURN ('x' || lpad(encode(pg_temp.le(substr(b, at + 1, bytes)), 'hex'), 16, '0'))::bit(64)::bigint;
CREATE FUNCTION pg_temp.f4(b bytea, at int) RETURNS real
	LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	bits bigint := pg_temp.u(b, at, 4);
	exponent int := (bits >> 23) & 255;
	fraction float8 := (bits & 8388607) / 8388608.0;
BEGIN
	RETURN CASE WHEN bits & 2147483648 = 0 THEN 1 ELSE -1 END
		* CASE WHEN exponent = 0 THEN 0 ELSE (1 + fraction) * 2.0 ^ (exponent - 127) END;
END
$$;
-- places: [[place_id, since], …]; inputs: [[character_id, seq, x, y, z, yaw], …]
CREATE FUNCTION pg_temp.request(places jsonb, inputs jsonb DEFAULT '[]') RETURNS bytea
	LANGUAGE sql
	RETURN pg_temp.le(int4send(1)) || pg_temp.le(int2send(jsonb_array_length(places)::smallint)) || '\x0000'
		|| coalesce((SELECT string_agg(pg_temp.le(int8send((p ->> 0)::bigint)) || pg_temp.le(int8send((p ->> 1)::bigint)), '' ORDER BY n)
		             FROM jsonb_array_elements(places) WITH ORDINALITY AS a (p, n)), '')
		|| pg_temp.le(int4send(jsonb_array_length(inputs)))
		|| coalesce((SELECT string_agg(pg_temp.le(int8send((i ->> 0)::bigint)) || pg_temp.le(int4send((i ->> 1)::int))
		                    || pg_temp.le(float4send((i ->> 2)::real)) || pg_temp.le(float4send((i ->> 3)::real))
		                    || pg_temp.le(float4send((i ->> 4)::real)) || pg_temp.le(float4send((i ->> 5)::real)), '' ORDER BY n)
		             FROM jsonb_array_elements(inputs) WITH ORDINALITY AS a (i, n)), '');
-- {place_id, stamp, tick, full, gone, changed: {id: {…}}, removed: […]} of the first place.
CREATE FUNCTION pg_temp.answer(a bytea) RETURNS jsonb
	LANGUAGE plpgsql AS $$
DECLARE
	n_changed int := pg_temp.u(a, 32, 4);
	n_removed int := pg_temp.u(a, 36, 4);
	changed jsonb := '{}';
	removed jsonb := '[]';
	o int;
BEGIN
	FOR i IN 1 .. n_changed LOOP
		o := 40 + (i - 1) * 48;
		changed := changed || jsonb_build_object(pg_temp.u(a, o, 8), jsonb_build_object(
			'seq', pg_temp.u(a, o + 8, 4), 'x', pg_temp.f4(a, o + 12), 'y', pg_temp.f4(a, o + 16),
			'z', pg_temp.f4(a, o + 20), 'yaw', pg_temp.f4(a, o + 24), 'vx', pg_temp.f4(a, o + 28),
			'vy', pg_temp.f4(a, o + 32), 'hp', pg_temp.u(a, o + 36, 4), 'max_hp', pg_temp.u(a, o + 40, 4),
			'kind', get_byte(a, o + 44), 'activity', get_byte(a, o + 45), 'flags', get_byte(a, o + 46)));
	END LOOP;
	FOR i IN 1 .. n_removed LOOP
		removed := removed || to_jsonb(pg_temp.u(a, 40 + n_changed * 48 + (i - 1) * 8, 8));
	END LOOP;
	RETURN jsonb_build_object('place_id', pg_temp.u(a, 8, 8), 'stamp', pg_temp.u(a, 16, 8),
		'tick', pg_temp.u(a, 24, 4), 'full', get_byte(a, 28), 'gone', get_byte(a, 29),
		'changed', changed, 'removed', removed, 'length', length(a) - 40 - 48 * n_changed - 8 * n_removed);
END
$$;
