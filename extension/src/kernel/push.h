/* SPDX-License-Identifier: PostgreSQL
 *
 * Messages to connected clients. Collected during the transaction, handed to a ring in shared memory
 * after its commit, sent by the publisher worker (docs/interfaces.md §7). Losing them loses no
 * value: clients re-read after RESYNC.
 */
#ifndef NECP_KERNEL_PUSH_H
#define NECP_KERNEL_PUSH_H

#include "postgres.h"

#include "utils/uuid.h"

#define NECP_PUSH_MAX 7168 /* bytes of a body */

/* data: JSON object; version: taken under the row's lock, 0 if none. Too large fails: a bug. */
extern void necp_push(const char *topic, const char *type, int64 version, const char *data);
/* who: "account", "character" or "all" (then id is ignored) */
extern void necp_push_unsubscribe(const char *topic, const char *who, int64 id);
extern void necp_push_binding(const pg_uuid_t *session, int64 binding, int64 character_id,
							  int64 place_id);
extern void necp_push_close(const pg_uuid_t *session, const char *reason);

#endif
