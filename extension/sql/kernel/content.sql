/* SPDX-License-Identifier: PostgreSQL
 *
 * Content packs: JSON, one importer per kind, registered by the room that owns the rows. A row whose
 * origin is not 'pack' was edited by an operator and is kept. A pack is looked through before anything
 * is written, and refused with all its faults at once: first the shape that its kind has registered,
 * then the kind's own check. A name is satisfied by a row, by the pack itself, or by another pack that
 * is imported in the same transaction.
 */
CREATE TYPE necp.content_fault AS (path text, fault text, dangling text[]);
COMMENT ON TYPE necp.content_fault IS 'Something wrong in a pack: where ($[2].entries[0].weight), what, and, if it names what is missing, the path of the part that can be left out.';

CREATE TABLE necp.content_kinds (
	kind text PRIMARY KEY,
	function text NOT NULL,
	ord int NOT NULL,
	shape jsonb,
	check_function text
);
COMMENT ON TABLE necp.content_kinds IS 'Kinds of content and who imports them, in order of reference.';

CREATE FUNCTION necp.content_kind(kind text, function text, ord int, shape jsonb DEFAULT NULL, check_function text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	PERFORM necp.require_script();
	INSERT INTO necp.content_kinds VALUES (kind, function, ord, shape, check_function);
END
$$;
COMMENT ON FUNCTION necp.content_kind IS 'Registers an importer: function(pack jsonb) returns the number of rows changed. shape: fields of each element of a pack that is an array, or the rule of a whole pack (content_part); check_function(pack jsonb) returns further faults as content_fault and stands any JSON.';

-- What is wrong with a value by its rule, or NULL.
CREATE FUNCTION necp.content_value(value jsonb, rule jsonb) RETURNS text
	LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted text := rule ->> 'type';
	word text := value #>> '{}';
BEGIN
	IF jsonb_typeof(value) <> (CASE wanted WHEN 'text' THEN 'string' WHEN 'integer' THEN 'number' ELSE wanted END) THEN
		RETURN format('is a JSON %s, not %s', jsonb_typeof(value), wanted);
	ELSIF wanted = 'integer' AND word::numeric <> trunc(word::numeric) THEN
		RETURN format('is %s, no integer', word);
	ELSIF wanted IN ('integer', 'number') AND (word::numeric < (rule ->> 'min')::numeric OR word::numeric > (rule ->> 'max')::numeric) THEN
		RETURN format('is %s, not within %s to %s', word, coalesce(rule ->> 'min', '-infinity'), coalesce(rule ->> 'max', 'infinity'));
	ELSIF wanted = 'array' AND (jsonb_array_length(value) < (rule ->> 'min')::int OR jsonb_array_length(value) > (rule ->> 'max')::int) THEN
		RETURN format('has %s elements, not %s to %s', jsonb_array_length(value), coalesce(rule ->> 'min', '0'), coalesce(rule ->> 'max', 'any'));
	ELSIF wanted = 'text' AND word !~ (rule ->> 'match') THEN
		RETURN format('is "%s", which does not match %s', left(word, 60), rule ->> 'match');
	ELSIF rule ? 'words' AND NOT rule -> 'words' @> value THEN
		RETURN format('is %s, none of %s', left(value::text, 62), rule ->> 'words');
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION necp.content_value IS 'What is wrong with a value by itself by a rule {"type": text|integer|number|boolean|array|object, "min", "max" (of an array: elements), "match", "words"}; null if nothing is.';

-- What a name names that is not there, or NULL.
CREATE FUNCTION necp.content_name(name text, target jsonb, packs jsonb) RETURNS text
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	there boolean;
BEGIN
	IF jsonb_path_exists(packs, (target ->> 'packs')::jsonpath, jsonb_build_object('name', name), true) THEN
		RETURN NULL;
	END IF;
	EXECUTE format('SELECT EXISTS (SELECT FROM game.%I WHERE code = $1)', target ->> 'table') INTO there USING name;
	RETURN CASE WHEN NOT there THEN format('names %s "%s", which does not exist', target ->> 'what', name) END;
END
$$;
COMMENT ON FUNCTION necp.content_name IS 'What is wrong with a name by {"table": …, "what": "a zone", "packs": jsonpath}: neither a row of the table has that code, nor does the path find $name in {kind: [pack, …]}.';

-- A part and everything inside of it. What names nothing can be left out with the closest element of
-- an array around it, or by itself where the rule says "alone".
CREATE FUNCTION necp.content_part(path text, at text[], value jsonb, rule jsonb, packs jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	part record;
	found necp.content_fault := ROW(path, necp.content_value(value, rule), NULL);
BEGIN
	IF found.fault IS NULL AND rule ? 'names' THEN
		found.fault := necp.content_name(value #>> '{}', rule -> 'names', packs);
		found.dangling := CASE WHEN found.fault IS NOT NULL THEN CASE WHEN (rule ->> 'alone')::boolean THEN at ELSE
			at[: (SELECT max(n) FROM unnest(at) WITH ORDINALITY u (step, n) WHERE step ~ '^\d+$')] END END;
	END IF;
	IF found.fault IS NOT NULL THEN
		RETURN NEXT found;
	ELSIF rule ? 'of' THEN
		FOR part IN SELECT e.value AS given, e.n - 1 AS n FROM jsonb_array_elements(content_part.value) WITH ORDINALITY e (value, n) LOOP
			RETURN QUERY SELECT * FROM necp.content_part(format('%s[%s]', path, part.n), at || part.n::text, part.given, rule -> 'of', packs);
		END LOOP;
		RETURN QUERY SELECT * FROM necp.content_twice(path, value, rule -> 'key');
	ELSIF rule ? 'fields' THEN
		FOR part IN
			SELECT coalesce(s.key, v.key) AS name, s.value AS rule, nullif(v.value, 'null') AS given
			FROM jsonb_each(rule -> 'fields') s FULL JOIN jsonb_each(content_part.value) v USING (key) ORDER BY 1
		LOOP
			IF part.rule IS NULL OR part.given IS NULL AND (part.rule ->> 'required')::boolean THEN
				RETURN NEXT ROW(path || '.' || part.name, CASE WHEN part.rule IS NULL THEN 'is not known here' ELSE 'is missing' END, NULL)::necp.content_fault;
			ELSIF part.given IS NOT NULL THEN
				RETURN QUERY SELECT * FROM necp.content_part(path || '.' || part.name, at || part.name, part.given, part.rule, packs);
			END IF;
		END LOOP;
	END IF;
END
$$;
COMMENT ON FUNCTION necp.content_part IS 'Faults of a part of a pack by a rule as for content_value, with "fields": {name: rule} and "required" of an object, "of": rule and "key": [field, …] (no two elements have the same) of an array, "names" (content_name) and "alone" of a text.';

CREATE FUNCTION necp.content_twice(path text, elements jsonb, key jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('%s[%s].%s', path, d.n - 1, key ->> 0), format('is "%s", as that of %s[%s]', d.code, path, d.first - 1), NULL::text[]
	FROM (SELECT k.code, e.n, min(e.n) OVER (PARTITION BY k.code) AS first
	      FROM jsonb_array_elements(elements) WITH ORDINALITY e (value, n),
	           LATERAL (SELECT string_agg(e.value ->> f.name, ' ' ORDER BY f.n) AS code, count(e.value -> f.name) AS parts
	                    FROM jsonb_array_elements_text(key) WITH ORDINALITY f (name, n)) k
	      WHERE k.parts = jsonb_array_length(key)) d
	WHERE d.n > d.first ORDER BY d.n
$$;
COMMENT ON FUNCTION necp.content_twice IS 'Elements of an array whose key fields are those of an earlier one.';

CREATE FUNCTION necp.content_object(path text, value jsonb, shape jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM necp.content_part(path, NULL, value, jsonb_build_object('type', 'object', 'fields', shape), '{}')
$$;
COMMENT ON FUNCTION necp.content_object IS 'Faults of an object by its shape: {"field": rule, …}.';

-- The shape of a kind as a rule: fields alone are those of each element of an array with a code each.
CREATE FUNCTION necp.content_rule(shape jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN jsonb_typeof(shape -> 'type') = 'string' THEN shape
		ELSE jsonb_build_object('type', 'array', 'key', '["code"]'::jsonb, 'of', jsonb_build_object('type', 'object', 'fields', shape)) END
$$;
COMMENT ON FUNCTION necp.content_rule IS 'The shape that a kind registered, as a rule for content_part.';

CREATE FUNCTION necp.content_check(kind text, pack jsonb, packs jsonb DEFAULT '{}') RETURNS SETOF necp.content_fault
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known necp.content_kinds;
BEGIN
	SELECT * INTO known FROM necp.content_kinds k WHERE k.kind = content_check.kind;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no kind of content "%"', content_check.kind USING ERRCODE = 'NC001', COLUMN = 'kind';
	END IF;
	IF pack IS NULL THEN
		RAISE EXCEPTION 'there is no pack' USING ERRCODE = 'NC001', COLUMN = 'pack';
	END IF;
	IF known.shape IS NOT NULL THEN
		RETURN QUERY SELECT * FROM necp.content_part('$', '{}', pack, necp.content_rule(known.shape),
			jsonb_set(packs, ARRAY[known.kind], coalesce(packs -> known.kind, '[]') || jsonb_build_array(pack)));
	END IF;
	IF known.check_function IS NOT NULL THEN
		RETURN QUERY EXECUTE format('SELECT * FROM necp.%I($1)', known.check_function) USING pack;
	END IF;
END
$$;
COMMENT ON FUNCTION necp.content_check IS 'All that is wrong in a pack, as far as its kind can tell without writing. packs: {kind: [pack, …]}, what is imported in the same transaction and may be named as well.';

-- Leaves out what names things that are missing, until nothing does. Later elements of an array go
-- first, so that the others keep their places.
CREATE FUNCTION necp.content_prune(kind text, INOUT pack jsonb, packs jsonb DEFAULT '{}', OUT dropped necp.content_fault[])
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	round necp.content_fault[];
	part text[];
BEGIN
	dropped := '{}';
	LOOP
		round := ARRAY(SELECT f FROM necp.content_check(content_prune.kind, pack, packs) f WHERE f.dangling IS NOT NULL);
		EXIT WHEN round = '{}';
		dropped := dropped || round;
		FOR part IN
			SELECT p FROM (SELECT DISTINCT f.dangling AS p FROM unnest(round) f) d
			ORDER BY ARRAY(SELECT CASE WHEN s ~ '^\d+$' THEN lpad(s, 9, '0') ELSE s END FROM unnest(p) WITH ORDINALITY u (s, n) ORDER BY n) DESC
		LOOP
			pack := pack #- part;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION necp.content_prune IS 'A pack without the parts that name what does not exist, and those parts as they were found.';

CREATE FUNCTION necp.content_changed() RETURNS void
	LANGUAGE c AS 'MODULE_PATHNAME', 'necp_content_changed';
COMMENT ON FUNCTION necp.content_changed IS 'Every backend reads content that it keeps in memory again; for operators who changed rows by hand.';

CREATE FUNCTION necp.content_import(kind text, pack jsonb, on_missing text DEFAULT 'refuse', packs jsonb DEFAULT '{}') RETURNS int
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	importer text := (SELECT k.function FROM necp.content_kinds k WHERE k.kind = content_import.kind);
	faults necp.content_fault[];
	changed int;
BEGIN
	IF (on_missing IN ('refuse', 'skip')) IS NOT TRUE THEN
		RAISE EXCEPTION 'on_missing is refuse or skip' USING ERRCODE = 'NC001', COLUMN = 'on_missing';
	END IF;
	IF on_missing = 'skip' THEN
		SELECT * INTO pack, faults FROM necp.content_prune(content_import.kind, pack, packs);
		FOR i IN 1 .. cardinality(faults) LOOP
			RAISE NOTICE 'left out of %: % %', content_import.kind, faults[i].path, faults[i].fault;
		END LOOP;
	END IF;
	faults := ARRAY(SELECT f FROM necp.content_check(content_import.kind, pack, packs) f);
	IF faults <> '{}' THEN
		RAISE EXCEPTION 'the pack of % has % faults, the first: % %', content_import.kind, cardinality(faults), faults[1].path, faults[1].fault
			USING ERRCODE = 'NC001', COLUMN = faults[1].path,
			      DETAIL = (SELECT string_agg(f.path || ' ' || f.fault, E'\n' ORDER BY n) FROM unnest(faults) WITH ORDINALITY f (path, fault, dangling, n));
	END IF;
	EXECUTE format('SELECT necp.%I($1)', importer) INTO changed USING pack;
	IF changed > 0 THEN
		PERFORM necp.content_changed();
	END IF;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.content_import IS 'Imports a pack of one kind; returns the rows that changed. A second import changes none, one with faults changes nothing and is told all of them. on_missing => skip leaves out what names things that do not exist, and says so in notices. packs: as for content_check; whoever gives it imports those too.';

CREATE FUNCTION necp.content_load() RETURNS TABLE (kind text, changed int)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	packs jsonb := (SELECT jsonb_object_agg(k.kind, jsonb_build_array(necp.share_file('content/' || k.kind || '.json')::jsonb)) FROM necp.content_kinds k);
BEGIN
	FOR kind IN SELECT k.kind FROM necp.content_kinds k ORDER BY k.ord LOOP
		changed := necp.content_import(content_load.kind, packs #> ARRAY[content_load.kind, '0'], 'refuse', packs);
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION necp.content_load IS 'Imports the pack that is installed with the extension.';
