/* SPDX-License-Identifier: PostgreSQL */
INSERT INTO necp.private_tables VALUES ('email_outbox', 'addresses and tokens');

CREATE FUNCTION necp.email_claim(node text, max int, OUT id bigint, OUT attempt int, OUT recipient text,
	OUT subject text, OUT body text, OUT created_at timestamptz)
	RETURNS SETOF record
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_email_claim';
COMMENT ON FUNCTION necp.email_claim IS 'Mails that are due, taken for mail.lease_s by a mailer.';

CREATE FUNCTION necp.email_sent(id bigint, attempt int) RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_email_sent';
COMMENT ON FUNCTION necp.email_sent IS 'A mail left; what it was filled with is forgotten.';

CREATE FUNCTION necp.email_failed(id bigint, attempt int, error text, final boolean) RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_email_failed';
COMMENT ON FUNCTION necp.email_failed IS 'A mail did not leave: it is tried again later, or given up if that is final or was the last attempt.';

CREATE FUNCTION necp.email_release(id bigint, attempt int) RETURNS void
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'necp_email_release';
COMMENT ON FUNCTION necp.email_release IS 'A mail was claimed and not tried: it is due again, and the attempt does not count.';

CREATE FUNCTION necp.email_check(pack jsonb) RETURNS SETOF necp.content_fault
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('$[%s].%s', e.n - 1, f.name), w.fault, NULL::text[]
	FROM jsonb_array_elements(CASE jsonb_typeof(pack) WHEN 'array' THEN pack ELSE '[]' END) WITH ORDINALITY e (value, n),
	     unnest('{subject,body}'::text[]) f (name), LATERAL (VALUES
		(regexp_replace(e.value ->> f.name, '\{\{[a-z][a-z0-9_]*\}\}', '', 'g') ~ '\{\{|\}\}', 'has braces that enclose no name'),
		(length(e.value ->> f.name) > 20000, 'is longer than 20000')) w (wrong, fault)
	WHERE w.wrong
$$;
COMMENT ON FUNCTION necp.email_check IS 'Texts of a pack of mails that could not be filled in.';

CREATE FUNCTION necp.email_import(pack jsonb) RETURNS int
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed int;
BEGIN
	INSERT INTO game.email_templates AS t (code, language, subject, body)
	SELECT p.code, p.language, p.subject, p.body
	FROM jsonb_to_recordset(pack) p (code text, language text, subject text, body text)
	ON CONFLICT (code, language) DO UPDATE SET subject = excluded.subject, body = excluded.body
		WHERE t.origin = 'pack' AND (t.subject, t.body) IS DISTINCT FROM (excluded.subject, excluded.body);
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION necp.email_import IS 'Imports an array of texts of e-mail.';
SELECT necp.content_kind('emails', 'email_import', 2, '{"type": "array", "key": ["code", "language"], "of": {"type": "object", "fields": {
	"code": {"type": "text", "required": true, "match": "^[A-Z][A-Z0-9_]*$"},
	"language": {"type": "text", "required": true, "match": "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"},
	"subject": {"type": "text", "required": true, "match": "^[^[:cntrl:]]{1,200}$"},
	"body": {"type": "text", "required": true, "match": "."}}}}', 'email_check');
