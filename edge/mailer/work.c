/* SPDX-License-Identifier: PostgreSQL
 *
 * A batch: claimed, sent one after the other, each told about as soon as it is known how it ended.
 */
#include <stdio.h>

#include "log.h"
#include "loop.h"
#include "mailer.h"

static bool
fail_sql(PGconn *conn, const char *what)
{
	NecpBuf *line = necp_log_begin(NECP_LOG_ERROR, what);
	const char *text = PQerrorMessage(conn);

	necp_log_text(line, "error", text, strcspn(text, "\n"));
	necp_log_end(NECP_LOG_ERROR);
	return false;
}

/* Runs a call about one claimed mail. */
static bool
tell(PGconn *conn, const char *sql, const Mail *mail, const char *error, const char *final)
{
	char id[24];
	char attempt[16];
	const char *values[] = {id, attempt, error, final};
	PGresult *result;
	bool ok;

	snprintf(id, sizeof(id), "%lld", (long long) mail->id);
	snprintf(attempt, sizeof(attempt), "%d", mail->attempt);
	result = PQexecParams(conn, sql, error != NULL ? 4 : 2, NULL, values, NULL, NULL, 0);
	ok = PQresultStatus(result) == PGRES_TUPLES_OK;
	PQclear(result);
	return ok || fail_sql(conn, "cannot tell how a mail ended");
}

static void
log_result(const Mail *mail, const MailResult *result, uint64_t started_us)
{
	bool sent = result->outcome == MAIL_SENT;
	NecpLogLevel level = sent ? NECP_LOG_INFO : NECP_LOG_WARNING;
	NecpBuf *line = necp_log_begin(level,
								   sent                                ? "mail sent"
								   : result->outcome == MAIL_REFUSED   ? "mail refused"
								   : result->outcome == MAIL_UNTOUCHED ? "mail given back"
																	   : "mail not sent");

	necp_log_int(line, "mail", mail->id);
	necp_log_int(line, "attempt", mail->attempt);
	necp_log_int(line, "us", (int64_t) (necp_now_us() - started_us));
	if (!sent && result->logged[0] != '\0')
		necp_log_text(line, "error", result->logged, strlen(result->logged));
	necp_log_end(level);
}

static bool
settle(PGconn *conn, const Mail *mail, const MailResult *result)
{
	switch (result->outcome)
	{
		case MAIL_SENT:
			return tell(conn, "SELECT necp.email_sent($1, $2)", mail, NULL, NULL);
		case MAIL_UNTOUCHED:
			return tell(conn, "SELECT necp.email_release($1, $2)", mail, NULL, NULL);
		default:
			return tell(conn,
						"SELECT necp.email_failed($1, $2, $3, $4)",
						mail,
						result->error,
						result->outcome == MAIL_REFUSED ? "t" : "f");
	}
}

static void
deliver(const Mail *mail, const MailSettings *settings, const char *spool, SmtpSession **session,
		MailResult *result)
{
	NecpBuf message = {0};

	if (!necp_mailer_message(&message, settings, mail))
	{
		result->outcome = MAIL_REFUSED;
		snprintf(result->logged, sizeof(result->logged), "the recipient is not an address");
		snprintf(result->error, sizeof(result->error), "%s", result->logged);
	}
	else if (!settings->smtp)
		necp_mailer_spool(spool, mail, &message, result);
	else
	{
		if (*session == NULL)
			*session = necp_mailer_smtp_open(settings);
		necp_mailer_smtp_send(*session, mail, &message, result);
	}
	necp_buf_free(&message);
}

static PGresult *
claim(PGconn *conn, const char *node, int max)
{
	char text[16];
	const char *values[] = {node, text};

	snprintf(text, sizeof(text), "%d", max);
	return PQexecParams(conn,
						"SELECT id, attempt, recipient, subject, body,"
						" (extract(epoch FROM created_at) * 1000000)::bigint"
						" FROM necp.email_claim($1, $2)",
						2,
						NULL,
						values,
						NULL,
						NULL,
						0);
}

static Mail
read_mail(const PGresult *mails, int row)
{
	return (Mail){.id = strtoll(PQgetvalue(mails, row, 0), NULL, 10),
				  .attempt = atoi(PQgetvalue(mails, row, 1)),
				  .recipient = PQgetvalue(mails, row, 2),
				  .subject = PQgetvalue(mails, row, 3),
				  .body = PQgetvalue(mails, row, 4),
				  .created_us = strtoll(PQgetvalue(mails, row, 5), NULL, 10)};
}

/*
 * A lease that ran out hands a mail to somebody else: what is not begun in its first half is given
 * back, and so is what is left when we are to stop.
 */
bool
necp_mailer_work(PGconn *conn, const MailSettings *settings, const char *node, const char *spool,
				 bool *more)
{
	uint64_t half_lease_ms = (uint64_t) settings->lease_s * 500;
	uint64_t claimed_ms = necp_now_ms();
	SmtpSession *session = NULL;
	PGresult *mails = claim(conn, node, settings->batch);
	bool ok = PQresultStatus(mails) == PGRES_TUPLES_OK || fail_sql(conn, "cannot claim mails");
	int count = ok ? PQntuples(mails) : 0;

	*more = ok && count == settings->batch;
	for (int row = 0; row < count && ok; row++)
	{
		Mail mail = read_mail(mails, row);
		MailResult result = {.outcome = MAIL_UNTOUCHED};
		uint64_t started_us = necp_now_us();

		if (!necp_mailer_stopping() && necp_now_ms() - claimed_ms < half_lease_ms)
			deliver(&mail, settings, spool, &session, &result);
		log_result(&mail, &result, started_us);
		ok = settle(conn, &mail, &result);
	}
	necp_mailer_smtp_close(session);
	PQclear(mails);
	return ok;
}
