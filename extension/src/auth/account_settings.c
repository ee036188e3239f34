/* SPDX-License-Identifier: PostgreSQL
 *
 * Settings of an account (DOMAIN §3): objects that are the client's business, and a few that are ours.
 */
#include "postgres.h"

#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/identity.h"
#include "kernel/spi.h"

#include "pgtime.h"
#include "utils/builtins.h"

enum
{
	UI,
	AUDIO,
	GRAPHICS,
	LANGUAGE,
	TIMEZONE,
	PRIVACY,
	MARKETING,
	FIELDS
};

static NecpPlan view_settings = NECP_PLAN(
	"SELECT to_json(ROW(coalesce(s.ui, '{}'), coalesce(s.audio, '{}'), coalesce(s.graphics, '{}'),"
	" coalesce(s.language, (SELECT c.value ->> 0 FROM game.config c WHERE c.key = 'account.languages')),"
	" coalesce(s.timezone, 'UTC'), coalesce(s.privacy_consent, false), s.privacy_consent_at,"
	" coalesce(s.marketing_consent, false), s.marketing_consent_at, s.updated_at)"
	"::necp.account_settings_view)"
	" FROM game.accounts a LEFT JOIN game.account_settings s ON s.account_id = a.id WHERE a.id = $1",
	INT8OID);
static NecpPlan open_settings =
	NECP_PLAN("INSERT INTO game.account_settings (account_id, updated_at) VALUES ($1, $2)"
			  " ON CONFLICT DO NOTHING",
			  INT8OID, TIMESTAMPTZOID);
/* The time of a consent is that of its last change; saying the same again changes nothing. */
static NecpPlan put_settings = NECP_PLAN(
	"UPDATE game.account_settings SET ui = coalesce($3::jsonb, ui), audio = coalesce($4::jsonb, audio),"
	" graphics = coalesce($5::jsonb, graphics), language = coalesce($6, language),"
	" timezone = coalesce($7, timezone), privacy_consent = coalesce($8, privacy_consent),"
	" privacy_consent_at = CASE WHEN $8 <> privacy_consent THEN $2 ELSE privacy_consent_at END,"
	" marketing_consent = coalesce($9, marketing_consent),"
	" marketing_consent_at = CASE WHEN $9 <> marketing_consent THEN $2 ELSE marketing_consent_at END,"
	" updated_at = $2 WHERE account_id = $1",
	INT8OID, TIMESTAMPTZOID, JSONOID, JSONOID, JSONOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID);
static NecpPlan has_language =
	NECP_PLAN("SELECT FROM game.config WHERE key = 'account.languages' AND value ? $1", TEXTOID);
static NecpPlan has_timezone =
	NECP_PLAN("SELECT FROM pg_catalog.pg_timezone_names WHERE name = $1", TEXTOID);

/* Text of the database cannot hold it, nor can jsonb. */
static bool
holds_nul(const char *json)
{
	for (const char *c = json; (c = strchr(c, '\\')) != NULL; c += 2)
	{
		if (strncmp(c, "\\u0000", 6) == 0)
			return true;
	}
	return false;
}

static void
require_object(FunctionCallInfo fcinfo, int n, const char *field)
{
	text *value;
	const char *c;

	if (PG_ARGISNULL(n))
		return;
	value = PG_GETARG_TEXT_PP(n);
	if ((int64) VARSIZE_ANY_EXHDR(value) > necp_config_int("account.settings_bytes"))
		necp_fail(SETTINGS_TOO_LARGE,
				  field,
				  "%s may have " INT64_FORMAT " bytes",
				  field,
				  necp_config_int("account.settings_bytes"));
	c = text_to_cstring(value);
	if (c[strspn(c, " \t\r\n")] != '{')
		necp_fail(VALIDATION, field, "%s must be an object", field);
	if (holds_nul(c))
		necp_fail(VALIDATION, field, "%s holds a character that cannot be stored", field);
}

static void
require_language(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(LANGUAGE))
		return;
	if (necp_run(&has_language, PG_GETARG_DATUM(LANGUAGE)) == 0)
		necp_fail(VALIDATION, "language", "there is no such language here");
}

/* The list of names reads hundreds of files: it is asked only about what reads like one of them. */
static void
require_timezone(FunctionCallInfo fcinfo)
{
	char *name;

	if (PG_ARGISNULL(TIMEZONE))
		return;
	name = necp_arg_text(fcinfo, TIMEZONE, "timezone", 1, 64);
	if (pg_tzset(name) == NULL || necp_run(&has_timezone, PG_GETARG_DATUM(TIMEZONE)) == 0)
		necp_fail(VALIDATION, "timezone", "there is no such time zone");
}

NECP_FUNCTION(necp_account_settings)
{
	return necp_answer(&view_settings, "account", necp_account());
}

NECP_FUNCTION(necp_account_settings_update)
{
	int64 account_id = necp_account();
	Datum now = TimestampTzGetDatum(necp_now());
	Datum values[2 + FIELDS] = {Int64GetDatum(account_id), now};
	char nulls[2 + FIELDS + 1] = "         ";

	require_object(fcinfo, UI, "ui");
	require_object(fcinfo, AUDIO, "audio");
	require_object(fcinfo, GRAPHICS, "graphics");
	require_language(fcinfo);
	require_timezone(fcinfo);
	for (int i = 0; i < FIELDS; i++)
	{
		values[2 + i] = PG_ARGISNULL(i) ? (Datum) 0 : PG_GETARG_DATUM(i);
		nulls[2 + i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	necp_run(&open_settings, account_id, now);
	necp_run_args(&put_settings, values, nulls);
	return necp_answer(&view_settings, "account", account_id);
}
