/* SPDX-License-Identifier: PostgreSQL
 *
 * Content packs: JSON, one importer per kind, registered by the room that owns the rows. A row whose
 * origin is not 'pack' was edited by an operator and is kept. A pack is looked through before anything
 * is written, and refused with all its faults at once: first the shape that its kind has registered,
 * then the kind's own check.
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
COMMENT ON FUNCTION necp.content_kind IS 'Registers an importer: function(pack jsonb) returns the number of rows changed. shape: of each element of a pack that is an array (content_object); check_function(pack jsonb) returns further faults as content_fault and stands any JSON.';

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
	ELSIF wanted = 'text' AND word !~ (rule ->> 'match') THEN
		RETURN format('is "%s", which does not match %s', left(word, 60), rule ->> 'match');
	ELSIF wanted = 'text' AND NOT rule -> 'words' ? word THEN
		RETURN format('is "%s", none of %s', left(word, 60), rule ->> 'words');
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION necp.content_value IS 'What is wrong with a value by a rule {"type": text|integer|number|boolean|array|object, "min", "max", "match", "words"}; null if nothing is.';

CREATE FUNCTION necp.content_object(path text, value jsonb, shape jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	field record;
	found necp.content_fault;
BEGIN
	IF jsonb_typeof(value) <> 'object' THEN
		RETURN NEXT ROW(path, format('is a JSON %s, not object', jsonb_typeof(value)), NULL)::necp.content_fault;
		RETURN;
	END IF;
	FOR field IN
		SELECT coalesce(s.key, v.key) AS name, s.value AS rule, nullif(v.value, 'null') AS given
		FROM jsonb_each(shape) s FULL JOIN jsonb_each(content_object.value) v USING (key) ORDER BY 1
	LOOP
		found := ROW(path || '.' || field.name, CASE
			WHEN field.rule IS NULL THEN 'is not known here'
			WHEN field.given IS NULL THEN CASE WHEN (field.rule ->> 'required')::boolean THEN 'is missing' END
			ELSE necp.content_value(field.given, field.rule) END, NULL);
		IF found.fault IS NOT NULL THEN
			RETURN NEXT found;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION necp.content_object IS 'Faults of an object by its shape: {"field": {"type": …, "required": true, …}, …}, rules as for content_value.';

-- Faults by the registered shape, and codes that are there twice.
CREATE FUNCTION necp.content_array(pack jsonb, shape jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF jsonb_typeof(pack) <> 'array' THEN
		RETURN NEXT ROW('$', format('is a JSON %s, not array', jsonb_typeof(pack)), NULL)::necp.content_fault;
		RETURN;
	END IF;
	RETURN QUERY SELECT f.* FROM jsonb_array_elements(pack) WITH ORDINALITY e (value, n),
		LATERAL necp.content_object(format('$[%s]', e.n - 1), e.value, shape) f;
	RETURN QUERY SELECT format('$[%s].code', d.n - 1), format('is "%s", as that of $[%s]', d.code, d.first - 1), NULL::text[]
		FROM (SELECT e.value ->> 'code' AS code, e.n, min(e.n) OVER (PARTITION BY e.value ->> 'code') AS first
		      FROM jsonb_array_elements(pack) WITH ORDINALITY e (value, n)) d
		WHERE d.code IS NOT NULL AND d.n > d.first;
END
$$;
COMMENT ON FUNCTION necp.content_array IS 'Faults of a pack that is an array of objects with a code each.';

CREATE FUNCTION necp.content_check(kind text, pack jsonb) RETURNS SETOF necp.content_fault
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
		RETURN QUERY SELECT * FROM necp.content_array(pack, known.shape);
	END IF;
	IF known.check_function IS NOT NULL THEN
		RETURN QUERY EXECUTE format('SELECT * FROM necp.%I($1)', known.check_function) USING pack;
	END IF;
END
$$;
COMMENT ON FUNCTION necp.content_check IS 'All that is wrong in a pack, as far as its kind can tell without writing.';

-- Leaves out what names things that are missing, until nothing does. Later elements of an array go
-- first, so that the others keep their places.
CREATE FUNCTION necp.content_prune(kind text, INOUT pack jsonb, OUT dropped necp.content_fault[])
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	round necp.content_fault[];
	part text[];
BEGIN
	dropped := '{}';
	LOOP
		round := ARRAY(SELECT f FROM necp.content_check(content_prune.kind, pack) f WHERE f.dangling IS NOT NULL);
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

CREATE FUNCTION necp.content_import(kind text, pack jsonb, on_missing text DEFAULT 'refuse') RETURNS int
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
		SELECT * INTO pack, faults FROM necp.content_prune(content_import.kind, pack);
		FOR i IN 1 .. cardinality(faults) LOOP
			RAISE NOTICE 'left out of %: % %', content_import.kind, faults[i].path, faults[i].fault;
		END LOOP;
	END IF;
	faults := ARRAY(SELECT f FROM necp.content_check(content_import.kind, pack) f);
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
COMMENT ON FUNCTION necp.content_import IS 'Imports a pack of one kind; returns the rows that changed. A second import changes none, one with faults changes nothing and is told all of them. on_missing => skip leaves out what names things that do not exist, and says so in notices.';

CREATE FUNCTION necp.content_load() RETURNS TABLE (kind text, changed int)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	FOR kind IN SELECT k.kind FROM necp.content_kinds k ORDER BY k.ord LOOP
		changed := necp.content_import(content_load.kind, necp.share_file('content/' || content_load.kind || '.json')::jsonb);
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION necp.content_load IS 'Imports the pack that is installed with the extension.';
