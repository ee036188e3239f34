/* SPDX-License-Identifier: PostgreSQL
 *
 * Pushes of the database, out to the subscribers.
 */
#ifndef NECP_OUTBOX_H
#define NECP_OUTBOX_H

#include "subscription.h"

/* The payload of one notification on necp_push. */
void necp_outbox_notify(const char *payload);
/* The listener is connected (again): whatever was pushed before may be lost. */
void necp_outbox_listening(void);
/* Sends RESYNC to one subscription, or to all active ones of a topic. */
void necp_outbox_resync(Topic *topic, Subscription *only);
/* What may be held behind last-seq ("42", or "<epoch>-42" of a message-id), else RESYNC. */
void necp_outbox_resume(Subscription *subscription, const char *last_seq);

#endif
