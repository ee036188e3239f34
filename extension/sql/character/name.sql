/* SPDX-License-Identifier: PostgreSQL */
CREATE FUNCTION necp.name_import(pack jsonb) RETURNS int
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_name_import';
COMMENT ON FUNCTION necp.name_import IS 'Imports {"reserved": […], "profane": […], "allowed": […]}.';
SELECT necp.content_kind('names', 'name_import', 30, '{"type": "object", "fields": {
	"reserved": {"type": "array", "of": {"type": "text", "match": "^[^A-Za-z0-9]*[A-Za-z0-9].{0,40}$"}},
	"profane": {"type": "array", "of": {"type": "text", "match": "^[^A-Za-z0-9]*[A-Za-z0-9].{0,40}$"}},
	"allowed": {"type": "array", "of": {"type": "text", "match": "^[^A-Za-z0-9]*[A-Za-z0-9].{0,40}$"}}}}');
