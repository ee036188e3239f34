/* SPDX-License-Identifier: PostgreSQL
 *
 * What becomes of members by their sessions and by the clock (DOMAIN §4, §17). One clock runs for
 * who is gone: it starts when the connection is lost or the session ends, whichever is first, and
 * puts him out after party.away_s. So a relog, a crash of the client and a lost line cost nobody his
 * party, and the end of the time to reconnect is the end of the membership. Lock order: session,
 * character, party; two parties by ascending id.
 */
#include "postgres.h"

#include "auth/session.h"
#include "character/character.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/errors.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/push.h"
#include "kernel/spi.h"
#include "kernel/workers.h"
#include "social/party_int.h"
#include "world/zone.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define SWEEP_S 1
#define PURGE_S 60
#define INVITES_KEPT USECS_PER_DAY
#define MOST_PARTIES 200 /* of one sweep; other jobs wait for it */

static NecpPlan set_presence =
	NECP_PLAN("UPDATE game.party_members SET presence = $2, leaves_at = $3 WHERE character_id = $1",
			  INT8OID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan lost_since =
	NECP_PLAN("SELECT disconnected_at FROM game.player_sessions WHERE id = $1"
			  " AND disconnected_at IS NOT NULL",
			  UUIDOID);
static NecpPlan due_parties =
	NECP_PLAN("SELECT m.party_id FROM game.party_members m JOIN game.parties p ON p.id = m.party_id"
			  " WHERE m.leaves_at <= $1 AND p.frozen_reason IS NULL"
			  " UNION SELECT p.id FROM game.parties p WHERE p.ready_open AND p.ready_until <= $1"
			  " ORDER BY 1 LIMIT $2",
			  TIMESTAMPTZOID, INT4OID);
static NecpPlan purge_invites =
	NECP_PLAN("DELETE FROM game.party_invites WHERE id IN (SELECT id FROM game.party_invites"
			  " WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)",
			  TIMESTAMPTZOID);

static const char *const presences[] = {"ONLINE", "AFK", "OFFLINE"};

/* Presence ------------------------------------------------------------------------------------- */

/* Whose time had run out before he came back stays out. */
static void
come_back(NecpPartyMember *member)
{
	if (member->leaves_at != 0 && member->leaves_at <= necp_now())
		return;
	member->presence = NECP_PARTY_ONLINE;
	member->leaves_at = 0;
}

/* What began to run before runs on: AFK, then disconnected, then closed. */
static void
go_away(NecpPartyMember *member, NecpPartyPresence presence, TimestampTz leaves_at)
{
	member->leaves_at = member->leaves_at == 0 ? leaves_at : Min(member->leaves_at, leaves_at);
	member->presence = presence;
}

static void
store_presence(const NecpPartyMember *member)
{
	necp_run_nulls(&set_presence,
				   member->leaves_at == 0 ? "  n" : "   ",
				   member->character_id,
				   necp_cstring_datum(presences[member->presence]),
				   TimestampTzGetDatum(member->leaves_at));
}

/* leaves_at: for who is away */
static void
change_presence(int64 party_id, int64 character_id, NecpPartyPresence to, TimestampTz leaves_at)
{
	NecpPartyMember *member;
	NecpPartyMember former;
	NecpParty party;
	bool changed;

	if (party_id == 0 || !necp_party_read(party_id, true, &party) ||
		(member = necp_party_member(&party, character_id)) == NULL)
		return;
	former = *member;
	if (to == NECP_PARTY_ONLINE)
		come_back(member);
	else
		go_away(member, to, leaves_at);
	changed = member->presence != former.presence || member->leaves_at != former.leaves_at;
	if (changed)
		store_presence(member);
	if (necp_party_settle(&party) || changed)
		necp_party_save(&party);
}

static TimestampTz
after(TimestampTz since, const char *key)
{
	return since + necp_config_int(key) * USECS_PER_SEC;
}

static TimestampTz
lost_at(const NecpSession *session)
{
	return necp_run(&lost_since, UUIDPGetDatum(&session->id)) > 0 ? necp_timestamp(0, 1)
																  : necp_now();
}

/* CREATED, ACTIVE and IDLE are the same to a party. */
static bool
is_there(const char *state)
{
	return strcmp(state, "CREATED") == 0 || strcmp(state, "ACTIVE") == 0 ||
		   strcmp(state, "IDLE") == 0;
}

static void
session_changes(const NecpSession *session, const char *from, const char *to)
{
	int64 character_id = session->character_id;
	int64 party_id;

	if (character_id == 0 || strcmp(to, "EXPIRED") == 0 || (is_there(from) && is_there(to)))
		return;
	party_id = necp_party_row(character_id);
	if (party_id == 0)
		return;
	if (is_there(to))
		change_presence(party_id, character_id, NECP_PARTY_ONLINE, 0);
	else if (strcmp(to, "AFK") == 0)
		change_presence(party_id, character_id, NECP_PARTY_AFK, after(necp_now(), "party.afk_s"));
	else
		change_presence(party_id,
						character_id,
						NECP_PARTY_OFFLINE,
						after(lost_at(session), "party.away_s"));
}

/* Who logs out lets go of the lead at once, if somebody is there to take it; his seat waits. */
static void
logged_out(const NecpEvent *event)
{
	int64 party_id = event->character_id != 0 ? necp_party_row(event->character_id) : 0;
	NecpPartyMember *heir;
	NecpParty party;

	if (party_id == 0 || !necp_party_read(party_id, true, &party) ||
		party.leader_id != event->character_id)
		return;
	heir = necp_party_heir(&party);
	if (heir == NULL || heir->presence != NECP_PARTY_ONLINE)
		return;
	necp_party_lead(&party, heir->character_id);
	necp_party_save(&party);
}

/* Listens no more for a character that it does not play, as which it would not be found by id. */
static void
stop_listening(int64 party_id, int64 account_id)
{
	static const char *const names[] = {"state", "loot", "chat"};

	for (size_t i = 0; i < lengthof(names); i++)
		necp_push_unsubscribe(necp_party_topic(party_id, names[i]), "account", account_id);
}

static void
switched(const NecpEvent *event)
{
	const NecpSession *session = necp_session_or_null();
	int64 former = session != NULL ? session->character_id : 0;
	int64 former_party = 0;
	int64 party_id = necp_party_row(event->character_id);

	if (former != 0 && former != event->character_id)
		former_party = necp_party_row(former);
	if (former_party != 0)
		stop_listening(former_party, event->account_id);
	if (party_id < former_party)
		change_presence(party_id, event->character_id, NECP_PARTY_ONLINE, 0);
	change_presence(former_party, former, NECP_PARTY_OFFLINE, after(necp_now(), "party.away_s"));
	if (party_id >= former_party)
		change_presence(party_id, event->character_id, NECP_PARTY_ONLINE, 0);
}

/* Places and deletion -------------------------------------------------------------------------- */

static void
moved(const NecpEvent *event)
{
	const NecpZoneChange *change = event->detail;
	int64 party_id = necp_party_row(change->character_id);
	NecpJson data;

	if (party_id == 0)
		return;
	necp_json_open(&data);
	necp_json_int(&data, "character_id", change->character_id);
	if (change->to_place_id != 0)
		necp_json_int(&data, "place_id", change->to_place_id);
	else
		necp_json_raw(&data, "place_id", NULL);
	necp_push(necp_party_topic(party_id, "state"), "MEMBER_MOVED", 0, necp_json_close(&data));
}

static void
may_be_deleted(int64 character_id)
{
	int64 party_id = necp_party_row(character_id);
	NecpParty party;

	if (party_id != 0 && necp_party_read(party_id, true, &party) && party.frozen != NULL &&
		necp_party_member(&party, character_id) != NULL)
		necp_fail(BUSY, NULL, "nobody leaves the character's party for now: %s", party.frozen);
}

static void
deleted(const NecpEvent *event)
{
	int64 party_id = necp_party_row(event->aggregate_id);
	NecpParty party;

	if (party_id == 0 || !necp_party_read(party_id, true, &party) ||
		necp_party_member(&party, event->aggregate_id) == NULL)
		return;
	necp_party_part(&party, event->aggregate_id, "DELETED");
	necp_party_close_ranks(&party);
	necp_party_save(&party);
}

/* The clock ------------------------------------------------------------------------------------ */

typedef struct Due
{
	int count;
	int64 ids[MOST_PARTIES];
} Due;

static void
find_due(void *arg)
{
	Due *due = arg;

	due->count = (int) necp_run(&due_parties, TimestampTzGetDatum(necp_now()), MOST_PARTIES);
	for (int i = 0; i < due->count; i++)
		due->ids[i] = necp_int8((uint64) i, 1);
}

static void
settle(void *arg)
{
	NecpParty party;

	if (necp_party_read(*(int64 *) arg, true, &party) && necp_party_settle(&party))
		necp_party_save(&party);
}

static void
sweep(void)
{
	Due due = {0};

	if (!necp_worker_transaction(find_due, &due))
		return;
	for (int i = 0; i < due.count; i++)
		(void) necp_worker_transaction(settle, &due.ids[i]);
}

static void
purge(void *unused)
{
	necp_run(&purge_invites, TimestampTzGetDatum(necp_now() - INVITES_KEPT));
}

void
necp_party_work_init(void)
{
	necp_session_on_state(session_changes);
	necp_character_on_delete(may_be_deleted);
	necp_event_subscribe("LOGOUT", logged_out);
	necp_event_subscribe("CHARACTER_SWITCHED", switched);
	necp_event_subscribe("CHARACTER_DELETED", deleted);
	necp_event_subscribe("ZONE_CHANGED", moved);
	necp_schedule_steps("party_sweep", SWEEP_S, sweep);
	necp_schedule("party_purge", PURGE_S, purge);
}
