/* SPDX-License-Identifier: PostgreSQL
 *
 * The mailer: claims mails in the database, hands each to a transport, tells how it ended
 * (docs/interfaces.md §9). One thread; whoever dies between sending and telling sends twice.
 */
#ifndef NECP_MAILER_H
#define NECP_MAILER_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/* A mail as the database handed it out; texts belong to the result of the claim. */
typedef struct Mail
{
	int64_t id;
	int attempt;
	int64_t created_us; /* Unix time */
	const char *recipient;
	const char *subject;
	const char *body;
} Mail;

typedef enum MailTls
{
	MAIL_TLS_OFF,
	MAIL_TLS_TRY,
	MAIL_TLS_REQUIRED
} MailTls;

/* From mail.* of the configuration; texts are owned. */
typedef struct MailSettings
{
	bool usable; /* there is a transport and a sender */
	bool smtp;   /* else the spool */
	char *smtp_url;
	MailTls smtp_tls;
	int smtp_timeout_s;
	char *from_name; /* may be empty */
	char *from_address;
	int batch;
	int lease_s;
} MailSettings;

typedef enum MailOutcome
{
	MAIL_SENT,
	MAIL_RETRY,     /* it may leave another time */
	MAIL_REFUSED,   /* it never will */
	MAIL_UNTOUCHED, /* not tried: the mailer is to stop */
} MailOutcome;

typedef struct MailResult
{
	MailOutcome outcome;
	char error[400]; /* for the database; may name the recipient, so it is not logged */
	char logged[120];
} MailResult;

/* main.c: whether SIGTERM or SIGINT came, and how long ago. */
bool necp_mailer_stopping(void);
uint64_t necp_mailer_stopping_ms(void);

/* settings.c */
void necp_mailer_settings_load(MailSettings *settings, const char *json, const char *spool);
void necp_mailer_settings_free(MailSettings *settings);
/* Splits "Name <address>" or "address" into two texts of the caller's; false if it is neither. */
bool necp_mailer_parse_from(const char *text, char **name, char **address);

/* message.c: the mail as RFC 5322 wants it. False where the recipient is no address. */
bool necp_mailer_message(NecpBuf *out, const MailSettings *settings, const Mail *mail);
bool necp_mailer_address_ok(const char *address);
/* Parts of it, by themselves. */
void necp_mailer_add_words(NecpBuf *out, const char *text, size_t column);
void necp_mailer_add_quoted_printable(NecpBuf *out, const char *text);

/* spool.c */
void necp_mailer_spool(const char *folder, const Mail *mail, const NecpBuf *message,
					   MailResult *result);

/* smtp.c: a session is one connection, opened with the first mail and closed with it. */
typedef struct SmtpSession SmtpSession;
SmtpSession *necp_mailer_smtp_open(const MailSettings *settings);
void necp_mailer_smtp_send(SmtpSession *session, const Mail *mail, const NecpBuf *message,
						   MailResult *result);
void necp_mailer_smtp_close(SmtpSession *session);

/* work.c: claims and sends a batch; false where the database failed. *more: there may be others due. */
bool necp_mailer_work(PGconn *conn, const MailSettings *settings, const char *node,
					  const char *spool, bool *more);

#endif
