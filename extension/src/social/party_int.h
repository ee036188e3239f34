/* SPDX-License-Identifier: PostgreSQL
 *
 * What the files of the party room share.
 */
#ifndef NECP_SOCIAL_PARTY_INT_H
#define NECP_SOCIAL_PARTY_INT_H

#include "social/party.h"

/* The party that a character's row names, whatever the clock says; 0: none. */
extern int64 necp_party_row(int64 character_id);

/* Changes of a locked party, in memory and in the members' rows; necp_party_save() ends them. */
extern void necp_party_join(NecpParty *party, int64 character_id, const char *reason);
extern void necp_party_part(NecpParty *party, int64 character_id, const char *reason);
extern void necp_party_disband(NecpParty *party, const char *reason);
extern void necp_party_lead(NecpParty *party, int64 character_id);
/* Who leads if the leader does not; NULL where there is nobody else. */
extern NecpPartyMember *necp_party_heir(NecpParty *party);
/* What the clock has brought about since; true if that was something. */
extern bool necp_party_settle(NecpParty *party);
/* Who remains after somebody left: nobody alone, and somebody leads. */
extern void necp_party_close_ranks(NecpParty *party);

/* Writes the party's row with a new version and tells its members. */
extern void necp_party_save(NecpParty *party);
/* A message on the party's state topic. */
extern void necp_party_tell(const NecpParty *party, const char *type, int64 version,
							const char *data);
/* necp.party_view */
extern char *necp_party_view(const NecpParty *party);

/* Asks the rooms that may refuse. */
extern void necp_party_request(const NecpParty *party, int64 character_id, bool joins,
							   const char *reason);

extern void necp_party_work_init(void);

#endif
