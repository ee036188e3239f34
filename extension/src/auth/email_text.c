/* SPDX-License-Identifier: PostgreSQL
 *
 * Texts of mails. A value is text of somebody else: whatever could end a line or hide another is a
 * blank in it, so that a name can neither add a header nor fake a paragraph.
 */
#include "postgres.h"

#include "auth/email_text.h"
#include "kernel/spi.h"
#include "kernel/text.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

/* Languages from the account's own to English: pt-BR, pt, en. */
static NecpPlan find_template = NECP_PLAN(
	"SELECT t.subject, t.body FROM game.accounts a"
	" LEFT JOIN game.account_settings s ON s.account_id = a.id"
	" CROSS JOIN LATERAL (SELECT coalesce(s.language, 'en') AS language) l"
	" JOIN game.email_templates t ON t.code = $2"
	"  AND t.language IN (l.language, split_part(l.language, '-', 1), 'en')"
	" WHERE a.id = $1"
	" ORDER BY t.language = l.language DESC, t.language = split_part(l.language, '-', 1) DESC LIMIT 1",
	INT8OID, TEXTOID);
static NecpPlan read_values = NECP_PLAN(
	"SELECT 'display_name', a.display_name FROM game.accounts a WHERE a.id = $1"
	" UNION ALL SELECT 'link_base', c.value #>> '{}' FROM game.config c WHERE c.key = 'mail.link_base'"
	" UNION ALL SELECT 'at', to_char($3 AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'"
	" UNION ALL SELECT e.key, e.value FROM jsonb_each_text($2::jsonb) e WHERE e.value IS NOT NULL",
	INT8OID, TEXTOID, TIMESTAMPTZOID);

static const char *
find_value(const NecpRows *values, const char *name)
{
	for (uint64 row = 0; row < values->count; row++)
	{
		if (strcmp(necp_row_text(values, row, 1), name) == 0)
			return necp_row_text(values, row, 2);
	}
	return NULL;
}

/* The text with every {{name}} replaced; NULL, and *missing, where one has no value. */
static char *
fill(const char *text, const NecpRows *values, char **missing)
{
	StringInfoData out;
	const char *open;

	initStringInfo(&out);
	while ((open = strstr(text, "{{")) != NULL)
	{
		const char *close = strstr(open, "}}");
		const char *value;
		char *name;

		name = close != NULL ? pnstrdup(open + 2, (Size) (close - open - 2)) : pstrdup(open);
		value = find_value(values, name);
		if (close == NULL || value == NULL)
		{
			*missing = name;
			return NULL;
		}
		appendBinaryStringInfo(&out, text, (int) (open - text));
		appendStringInfoString(&out, necp_text_clean(value));
		text = close + 2;
	}
	appendStringInfoString(&out, text);
	return out.data;
}

NecpEmailText
necp_email_text(int64 account_id, const char *template_code, const char *data_json, TimestampTz at)
{
	NecpEmailText text = {0};
	NecpRows values;
	char *subject;
	char *body;
	char *missing = NULL;

	if (necp_run(&find_template, account_id, necp_cstring_datum(template_code)) == 0)
	{
		text.error = psprintf("there is no text for mail \"%s\"", template_code);
		return text;
	}
	subject = necp_text(0, 1);
	body = necp_text(0, 2);
	values = necp_fetch(&read_values,
						account_id,
						necp_cstring_datum(data_json != NULL ? data_json : "{}"),
						TimestampTzGetDatum(at));
	text.subject = fill(subject, &values, &missing);
	if (missing == NULL)
		text.body = fill(body, &values, &missing);
	if (missing != NULL)
		text.error =
			psprintf("mail \"%s\" names \"%s\", which nobody gave", template_code, missing);
	return text;
}
