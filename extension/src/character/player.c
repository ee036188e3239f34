/* SPDX-License-Identifier: PostgreSQL
 *
 * The player behind the characters (DOMAIN §5): a profile of the account, with totals.
 */
#include "postgres.h"

#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/identity.h"
#include "kernel/spi.h"
#include "kernel/text.h"

#define BIO_LENGTH 500

static NecpPlan show_profile = NECP_PLAN(
	"SELECT to_json(ROW(a.id, a.display_name, coalesce(p.bio, ''), coalesce(p.show_online, true),"
	" coalesce(p.show_characters, true), coalesce(p.show_totals, true), p.created_at, c.n,"
	" c.level, c.kills, c.deaths, c.quests, c.points, c.played_s)::necp.profile_view)"
	" FROM game.accounts a LEFT JOIN game.players p ON p.account_id = a.id,"
	" LATERAL (SELECT count(*)::int AS n, coalesce(max(level), 0) AS level,"
	"  coalesce(sum(kills), 0)::bigint AS kills, coalesce(sum(deaths), 0)::bigint AS deaths,"
	"  coalesce(sum((SELECT count(*) FROM game.quest_instances i WHERE i.character_id = h.id"
	"   AND i.status = 'COMPLETED')), 0)::bigint AS quests,"
	"  coalesce(sum((SELECT sum(t.points) FROM game.player_achievements u"
	"   JOIN game.achievements t ON t.id = u.achievement_id"
	"   WHERE u.character_id = h.id AND u.unlocked_at IS NOT NULL)), 0)::bigint AS points,"
	"  coalesce(sum(played_s), 0)::bigint AS played_s"
	"  FROM game.characters h WHERE h.account_id = a.id AND h.deleted_at IS NULL) c"
	" WHERE a.id = $1",
	INT8OID);
static NecpPlan store_profile = NECP_PLAN(
	"INSERT INTO game.players AS p (account_id, bio, show_online, show_characters, show_totals, created_at)"
	" VALUES ($1, coalesce($2, ''), coalesce($3, true), coalesce($4, true), coalesce($5, true), $6)"
	" ON CONFLICT (account_id) DO UPDATE SET bio = coalesce($2, p.bio),"
	" show_online = coalesce($3, p.show_online), show_characters = coalesce($4, p.show_characters),"
	" show_totals = coalesce($5, p.show_totals)",
	INT8OID, TEXTOID, BOOLOID, BOOLOID, BOOLOID, TIMESTAMPTZOID);

NECP_FUNCTION(necp_player_profile)
{
	return necp_answer(&show_profile, "account", necp_account());
}

NECP_FUNCTION(necp_player_profile_update)
{
	char nulls[] = "      ";
	Datum bio = (Datum) 0;

	if (!PG_ARGISNULL(0))
		bio = necp_cstring_datum(necp_arg_line(fcinfo, 0, "bio", 0, BIO_LENGTH));
	for (int i = 0; i < 4; i++)
		nulls[i + 1] = PG_ARGISNULL(i) ? 'n' : ' ';
	necp_run_nulls(&store_profile,
				   nulls,
				   necp_account(),
				   bio,
				   PG_GETARG_DATUM(1),
				   PG_GETARG_DATUM(2),
				   PG_GETARG_DATUM(3),
				   TimestampTzGetDatum(necp_now()));
	return necp_answer(&show_profile, "account", necp_account());
}
