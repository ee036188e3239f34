/* SPDX-License-Identifier: PostgreSQL
 *
 * Whose a kill is (DOMAIN §7, §8): read once, at the death, so that who joins or leaves the party
 * afterwards changes nothing. To find it out locks nothing: what is asked of the party and of sessions is what has
 * been committed, and of the world what it is at that moment.
 */
#include "postgres.h"

#include "auth/session.h"
#include "character/character.h"
#include "gameplay/npc.h"
#include "gameplay/npc_mind.h"
#include "gameplay/progression.h"
#include "kernel/config.h"
#include "kernel/spi.h"
#include "world/world.h"

/* Ascending, as everybody locks characters; those too who fight on or are let go when it ends. */
static NecpPlan lock_concerned =
	NECP_PLAN("SELECT id, level FROM game.characters WHERE id = ANY ($1) OR id IN"
			  " (SELECT entity_id FROM game.combat_participants"
			  " WHERE combat_id = $2 AND left_at IS NULL AND entity_id > 0)"
			  " ORDER BY id FOR NO KEY UPDATE",
			  INT8ARRAYOID, INT8OID);

/* Near a spot, dead or alive; but not who has left the keyboard, or has been cut off for long. */
static bool
earns(const NecpEntity *spot, int64 character_id)
{
	NecpEntity self;

	return necp_world_read(character_id, &self) && self.place_id == spot->place_id &&
		   necp_world_distance(&self, spot) <= necp_config_float("loot.share_m") &&
		   !necp_session_is_away(character_id, necp_config_int("loot.away_s"));
}

static int
by_id(const void *a, const void *b)
{
	int64 one = *(const int64 *) a;
	int64 other = *(const int64 *) b;

	return one < other ? -1 : one > other;
}

static const NecpParty *
party_of(int64 character_id)
{
	int64 party_id = necp_party_of(character_id);
	NecpParty *party;

	if (party_id == 0)
		return NULL;
	party = palloc(sizeof(NecpParty));
	return necp_party_read(party_id, false, party) ? party : NULL;
}

static bool
has_member(const NecpParty *party, int64 character_id)
{
	for (int i = 0; i < party->nmembers; i++)
		if (party->members[i].character_id == character_id)
			return true;
	return false;
}

static void
start(NecpEarners *earners, int room)
{
	*earners = (NecpEarners){.character_ids = palloc(sizeof(int64) * (Size) room)};
}

static void
add(NecpEarners *earners, int64 character_id)
{
	earners->character_ids[earners->n++] = character_id;
}

static void
arrange(NecpEarners *earners)
{
	qsort(earners->character_ids, (Size) earners->n, sizeof(int64), by_id);
}

/* Those of one tag, out of everybody who had a part in it. */
static void
gather(const NecpEntity *spot, const NecpHarm *harms, int n, int64 first, NecpEarners *earners)
{
	start(earners, n);
	earners->party = party_of(first);
	for (int i = 0; i < n; i++)
	{
		int64 character_id = harms[i].character_id;
		bool ours = earners->party != NULL ? has_member(earners->party, character_id)
										   : character_id == first;

		if (ours && earns(spot, character_id))
			add(earners, character_id);
	}
	arrange(earners);
}

void
necp_npc_earners(const NecpNpcDeath *death, NecpEarners *earners)
{
	NecpEntity spot = {.place_id = death->place_id,
					   .state = {.x = death->x, .y = death->y, .z = death->z}};
	NecpHarm *harms;
	int n = necp_world_harms(-death->npc_id, death->life_id, &harms);
	bool alone = n == 0 || (n == 1 && harms[0].character_id == death->killer_id);

	/* where nobody of the first one's is left, it is the next one's */
	for (int i = 0; !alone && i < n; i++)
	{
		gather(&spot, harms, n, harms[i].character_id, earners);
		if (earners->n > 0)
			return;
	}
	start(earners, 1);
	add(earners, death->killer_id);
}

void
necp_npc_finders(const NecpEntity *finder, NecpEarners *earners)
{
	const NecpParty *party = party_of(finder->state.id);

	start(earners, party != NULL ? party->nmembers : 1);
	earners->party = party;
	if (party == NULL)
		add(earners, finder->state.id);
	for (int i = 0; party != NULL && i < party->nmembers; i++)
		if (party->members[i].character_id == finder->state.id ||
			earns(finder, party->members[i].character_id))
			add(earners, party->members[i].character_id);
	arrange(earners);
}

static int32
level_of(const NecpRows *concerned, int64 character_id)
{
	for (uint64 row = 0; row < concerned->count; row++)
		if (necp_row_int8(concerned, row, 1) == character_id)
			return necp_row_int4(concerned, row, 2);
	return 0;
}

void
necp_npc_share(NecpNpcDeath *death, int32 base, int64 combat_id)
{
	const NecpEarners *earners = &death->earners;
	Datum *ids = palloc((Size) earners->n * sizeof(Datum));
	NecpRows concerned;

	for (int i = 0; i < earners->n; i++)
		ids[i] = Int64GetDatum(earners->character_ids[i]);
	concerned = necp_fetch(&lock_concerned, necp_int8_array(ids, earners->n), combat_id);
	death->shares = palloc((Size) earners->n * sizeof(int32));
	for (int i = 0; i < earners->n; i++)
	{
		int32 level = level_of(&concerned, earners->character_ids[i]);

		death->shares[i] = necp_mind_xp(base, death->level, level, earners->n);
		if (earners->character_ids[i] == death->killer_id)
			death->xp = death->shares[i];
	}
}

void
necp_npc_reward(const NecpNpcDeath *death)
{
	for (int i = 0; i < death->earners.n; i++)
		(void) necp_progression_kill(death->earners.character_ids[i],
									 death->shares[i],
									 death->npc_id,
									 death->life_id);
}
