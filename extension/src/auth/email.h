/* SPDX-License-Identifier: PostgreSQL
 *
 * E-mail, for the rooms that write it (DOMAIN §2).
 */
#ifndef NECP_AUTH_EMAIL_H
#define NECP_AUTH_EMAIL_H

#include "postgres.h"

#include "fmgr.h"

/*
 * Puts a mail into the outbox in the caller's transaction; the mailer is woken by its commit. The text
 * is that of the template, filled with the members of data_json (an object, or NULL) and with
 * display_name, link_base and at (now). Fails as INTERNAL where there is no such template or where
 * it names what nobody gave: a bug, found when it is written instead of when it is sent.
 *
 * VERIFY_EMAIL and RESET_PASSWORD want token, EMAIL_CHANGED new_email, ACCOUNT_DELETED days.
 */
extern void necp_email_send(int64 account_id, const char *recipient, const char *template_code,
							const char *data_json);

/* An argument that is an e-mail address; VALIDATION otherwise. */
extern char *necp_email_arg(FunctionCallInfo fcinfo, int n, const char *field);

#endif
