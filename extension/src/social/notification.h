/* SPDX-License-Identifier: PostgreSQL */
#ifndef NECP_SOCIAL_NOTIFICATION_H
#define NECP_SOCIAL_NOTIFICATION_H

#include "postgres.h"

typedef struct NecpNotice
{
	int64 account_id;
	int64 event_id; /* once per account, event and type */
	const char *type;
	const char *priority;
	const char *title;
	const char *message;
	const char *data; /* JSON object, "{}" if NULL */
} NecpNotice;

/* Stores a notification and pushes it to the account's topic. */
extern void necp_notify(const NecpNotice *notice);

#endif
