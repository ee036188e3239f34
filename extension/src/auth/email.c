/* SPDX-License-Identifier: PostgreSQL
 *
 * The outbox of e-mail (DOMAIN §2, docs/interfaces.md §9). A mail is written in the transaction of what
 * it tells of, and delivered at least once by whichever mailer claims it: a claim is a lease, so that
 * nobody has to notice that a mailer died. What a mail was filled with holds tokens: it is
 * forgotten once the mail has left or was given up.
 *
 * Locks: rows of the outbox, whoever finds one locked passes it over.
 */
#include "postgres.h"

#include "auth/email.h"
#include "auth/email_text.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "kernel/text.h"
#include "kernel/workers.h"

#include "commands/async.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#define ERROR_LENGTH 300
#define OPEN "sent_at IS NULL AND failed_at IS NULL"

static NecpPlan insert_email = NECP_PLAN(
	"INSERT INTO game.email_outbox (account_id, recipient, template, data, created_at, next_attempt_at)"
	" VALUES ($1, $2, $3, $4::jsonb, $5, $5)",
	INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan give_up_lost =
	NECP_PLAN("WITH lost AS (SELECT id FROM game.email_outbox WHERE " OPEN
			  "  AND next_attempt_at <= $1 AND attempts >= $2 FOR UPDATE SKIP LOCKED)"
			  " UPDATE game.email_outbox o SET failed_at = $1, data = NULL,"
			  "  last_error = coalesce(o.last_error, 'no mailer said how it ended')"
			  " FROM lost WHERE o.id = lost.id",
			  TIMESTAMPTZOID, INT4OID);
static NecpPlan claim = NECP_PLAN(
	"WITH due AS (SELECT id FROM game.email_outbox WHERE " OPEN
	"  AND next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT $3 FOR UPDATE SKIP LOCKED)"
	" UPDATE game.email_outbox o SET attempts = o.attempts + 1, next_attempt_at = $2, node = $4"
	" FROM due WHERE o.id = due.id"
	" RETURNING o.id, o.attempts, o.recipient, o.template, o.data::text, o.account_id, o.created_at",
	TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID, TEXTOID);
/* Also of a claim that was overtaken, and of a mail given up meanwhile: it did leave. */
static NecpPlan mark_sent = NECP_PLAN(
	"UPDATE game.email_outbox SET sent_at = $3, failed_at = NULL, data = NULL, last_error = NULL"
	" WHERE id = $1 AND attempts >= $2 AND sent_at IS NULL",
	INT8OID, INT4OID, TIMESTAMPTZOID);
static NecpPlan mark_failed =
	NECP_PLAN("UPDATE game.email_outbox SET failed_at = $3, data = NULL, last_error = $4"
			  " WHERE id = $1 AND attempts = $2 AND " OPEN,
			  INT8OID, INT4OID, TIMESTAMPTZOID, TEXTOID);
static NecpPlan mark_retry =
	NECP_PLAN("UPDATE game.email_outbox SET next_attempt_at = $3, last_error = $4"
			  " WHERE id = $1 AND attempts = $2 AND " OPEN,
			  INT8OID, INT4OID, TIMESTAMPTZOID, TEXTOID);
static NecpPlan release =
	NECP_PLAN("UPDATE game.email_outbox SET attempts = attempts - 1, next_attempt_at = $3"
			  " WHERE id = $1 AND attempts = $2 AND " OPEN,
			  INT8OID, INT4OID, TIMESTAMPTZOID);
static NecpPlan forget =
	NECP_PLAN("DELETE FROM game.email_outbox WHERE coalesce(sent_at, failed_at) < $1",
			  TIMESTAMPTZOID);

/* Writing ------------------------------------------------------------------------------------ */

/*
 * One @ with something on both sides, and nothing that has a meaning in a header or an envelope:
 * more than that only a sent mail can prove.
 */
char *
necp_email_arg(FunctionCallInfo fcinfo, int n, const char *field)
{
	char *email = necp_arg_line(fcinfo, n, field, 3, 255);
	char *at = strchr(email, '@');

	if (at == NULL || at == email || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
		strpbrk(email, " <>()[]\\,;:\"") != NULL)
		necp_fail(VALIDATION, field, "this is not an e-mail address");
	return email;
}

/*
 * The notification is sent by this transaction: mails are rare, and its lock only holds up others
 * that notify.
 */
void
necp_email_send(int64 account_id, const char *recipient, const char *template_code,
				const char *data_json)
{
	TimestampTz now = necp_now();
	NecpEmailText text = necp_email_text(account_id, template_code, data_json, now);

	if (text.error != NULL)
		ereport(ERROR,
				errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("%s", text.error),
				errhint("Texts of mails are content: SELECT * FROM necp.content_load()."));
	necp_run(&insert_email,
			 account_id,
			 necp_cstring_datum(recipient),
			 necp_cstring_datum(template_code),
			 necp_cstring_datum(data_json != NULL ? data_json : "{}"),
			 TimestampTzGetDatum(now));
	Async_Notify("necp_email", "");
}

/* Calls of the mailer ------------------------------------------------------------------------ */

/* 60 s, 4 min, 16 min, …: mail.backoff_s × mail.backoff_factor^(attempt - 1). */
static TimestampTz
next_attempt(int32 attempt)
{
	double pause = (double) necp_config_int("mail.backoff_s");

	for (int i = 1; i < attempt && pause < 86400; i++)
		pause *= necp_config_float("mail.backoff_factor");
	return necp_now() + (int64) Min(pause, 86400) * USECS_PER_SEC;
}

static void
fail(int64 id, int32 attempt, const char *error, bool final)
{
	char *text = necp_text_clean(error);
	int length = pg_mbcharcliplen(text, (int) strlen(text), ERROR_LENGTH);

	text[length] = '\0';
	if (final || attempt >= necp_config_int("mail.attempts"))
		necp_run(&mark_failed,
				 id,
				 attempt,
				 TimestampTzGetDatum(necp_now()),
				 necp_cstring_datum(text));
	else
		necp_run(&mark_retry,
				 id,
				 attempt,
				 TimestampTzGetDatum(next_attempt(attempt)),
				 necp_cstring_datum(text));
}

/* A text that cannot be filled any more (an operator rewrote it) waits like one that cannot be sent. */
static void
put_claimed(const NecpRows *mails, uint64 row, ReturnSetInfo *result)
{
	NecpEmailText text;
	TimestampTz created = necp_row_timestamp(mails, row, 7);
	Datum values[6];
	bool nulls[6] = {false};

	text = necp_email_text(necp_row_int8(mails, row, 6),
						   necp_row_text(mails, row, 4),
						   necp_row_text(mails, row, 5),
						   created);
	if (text.error != NULL)
	{
		ereport(LOG, errmsg("%s", text.error));
		fail(necp_row_int8(mails, row, 1), necp_row_int4(mails, row, 2), text.error, false);
		return;
	}
	values[0] = Int64GetDatum(necp_row_int8(mails, row, 1));
	values[1] = Int32GetDatum(necp_row_int4(mails, row, 2));
	values[2] = necp_cstring_datum(necp_row_text(mails, row, 3));
	values[3] = necp_cstring_datum(text.subject);
	values[4] = necp_cstring_datum(text.body);
	values[5] = TimestampTzGetDatum(created);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* email_claim(node, max) → (id, attempt, recipient, subject, body, created_at): what is due, oldest first. */
PG_FUNCTION_INFO_V1(necp_email_claim);
Datum
necp_email_claim(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char *node = necp_arg_text(fcinfo, 0, "node", 1, 200);
	int32 max = (int32) necp_arg_int(fcinfo, 1, "max", 1, 1000);
	TimestampTz now = necp_now();
	TimestampTz lease;
	NecpRows mails;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	lease = now + necp_config_int("mail.lease_s") * USECS_PER_SEC;
	necp_run(&give_up_lost, TimestampTzGetDatum(now), necp_config_int("mail.attempts"));
	mails = necp_fetch(&claim,
					   TimestampTzGetDatum(now),
					   TimestampTzGetDatum(lease),
					   max,
					   necp_cstring_datum(node));
	for (uint64 row = 0; row < mails.count; row++)
		put_claimed(&mails, row, result);
	SPI_finish();
	return (Datum) 0;
}

NECP_FUNCTION(necp_email_sent)
{
	int64 id = necp_arg_id(fcinfo, 0, "id");
	int32 attempt = (int32) necp_arg_int(fcinfo, 1, "attempt", 1, PG_INT32_MAX);

	necp_run(&mark_sent, id, attempt, TimestampTzGetDatum(necp_now()));
	PG_RETURN_VOID();
}

NECP_FUNCTION(necp_email_failed)
{
	int64 id = necp_arg_id(fcinfo, 0, "id");
	int32 attempt = (int32) necp_arg_int(fcinfo, 1, "attempt", 1, PG_INT32_MAX);

	necp_arg_required(fcinfo, 2, "error");
	necp_arg_required(fcinfo, 3, "final");
	fail(id, attempt, text_to_cstring(PG_GETARG_TEXT_PP(2)), PG_GETARG_BOOL(3));
	PG_RETURN_VOID();
}

NECP_FUNCTION(necp_email_release)
{
	int64 id = necp_arg_id(fcinfo, 0, "id");
	int32 attempt = (int32) necp_arg_int(fcinfo, 1, "attempt", 1, PG_INT32_MAX);

	necp_run(&release, id, attempt, TimestampTzGetDatum(necp_now()));
	PG_RETURN_VOID();
}

static void
forget_old(void *arg)
{
	TimestampTz before = necp_now() - necp_config_int("mail.keep_s") * USECS_PER_SEC;

	necp_run(&forget, TimestampTzGetDatum(before));
}

NECP_ROOM_INIT(email)
{
	necp_schedule("email_forget", 3600, forget_old);
}
