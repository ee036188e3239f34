/* SPDX-License-Identifier: PostgreSQL
 *
 * Texts of mails with what is filled in.
 */
#ifndef NECP_AUTH_EMAIL_TEXT_H
#define NECP_AUTH_EMAIL_TEXT_H

#include "postgres.h"

#include "utils/timestamp.h"

typedef struct NecpEmailText
{
	char *subject;
	char *body;
	char *error; /* why there is no text, or NULL */
} NecpEmailText;

/* Fills the template in the account's language, else in a wider one, else in English. Inside SPI. */
extern NecpEmailText necp_email_text(int64 account_id, const char *template_code,
									 const char *data_json, TimestampTz at);

#endif
