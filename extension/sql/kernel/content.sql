/* SPDX-License-Identifier: PostgreSQL
 *
 * Content packs: JSON, one importer per kind, registered by the room that owns the rows. A row whose
 * origin is not 'pack' was edited by an operator and is kept.
 */
CREATE TABLE necp.content_kinds (
	kind text PRIMARY KEY,
	function text NOT NULL,
	ord int NOT NULL
);
COMMENT ON TABLE necp.content_kinds IS 'Kinds of content and who imports them, in order of reference.';

CREATE FUNCTION necp.content_kind(kind text, function text, ord int) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	PERFORM necp.require_script();
	INSERT INTO necp.content_kinds VALUES (kind, function, ord);
END
$$;
COMMENT ON FUNCTION necp.content_kind IS 'Registers an importer: function(pack jsonb) returns the number of rows changed.';

CREATE FUNCTION necp.content_import(kind text, pack jsonb) RETURNS int
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	importer text := (SELECT k.function FROM necp.content_kinds k WHERE k.kind = content_import.kind);
	changed int;
BEGIN
	IF importer IS NULL THEN
		RAISE EXCEPTION 'there is no kind of content "%"', content_import.kind USING ERRCODE = 'NC001', COLUMN = 'kind';
	END IF;
	EXECUTE format('SELECT necp.%I($1)', importer) INTO changed USING pack;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.content_import IS 'Imports a pack of one kind; returns the rows that changed. A second import changes none.';

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
