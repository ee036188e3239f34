/* SPDX-License-Identifier: PostgreSQL
 *
 * Zones: where characters are (DOMAIN §21).
 */
#ifndef NECP_ZONE_H
#define NECP_ZONE_H

#include "world/world.h"

#include "utils/uuid.h"

/* Detail of the event ZONE_CHANGED; 0: nowhere. */
typedef struct NecpZoneChange
{
	int64 character_id;
	int64 from_place_id;
	int64 to_place_id;
} NecpZoneChange;

/* What the world has to know of a character, but for where it is; false where there is none. */
extern bool necp_zone_describe(int64 character_id, NecpEntity *out);
/*
 * The acting character as it stands in the world; false where it is nowhere. Where its session has a
 * place that is not in memory yet, after a start or a crash, it fails as UNAVAILABLE: try again.
 */
extern bool necp_zone_self(struct NecpEntity *self);
/* The same where the rule wants it somewhere: CONFLICT. */
extern NecpEntity necp_zone_require_self(void);
/*
 * The character that a session plays moves from here (NULL: nowhere) to where there says. A seat is
 * taken at once: ZONE_FULL, UNAVAILABLE; it stands there once this transaction has committed.
 */
extern void necp_zone_move(const pg_uuid_t *session, int64 account_id, const NecpEntity *here,
						   const NecpEntity *there);
/* Refuses who fights, IN_COMBAT, and who is dead, YOU_ARE_DEAD. */
extern void necp_zone_require_free(const NecpEntity *who);
/* necp.zone_view of a zone with a character in it. */
extern Datum necp_zone_view(const NecpEntity *who);
/* Tells everybody in a place: a message of a type on its events topic. */
extern void necp_zone_push(int64 place_id, const char *type, const char *data);

/* Registers the zones' jobs with the world worker. */
extern void necp_zone_work_init(void);

extern void necp_zone_init(void);

#endif
