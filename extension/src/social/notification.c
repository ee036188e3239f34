/* SPDX-License-Identifier: PostgreSQL
 *
 * Notifications (DOMAIN §16): written in the transaction of what they tell of.
 */
#include "postgres.h"

#include "character/character.h"
#include "economy/loot.h"
#include "gameplay/achievement.h"
#include "gameplay/progression.h"
#include "kernel/args.h"
#include "kernel/clock.h"
#include "kernel/event.h"
#include "kernel/identity.h"
#include "kernel/json.h"
#include "kernel/list.h"
#include "kernel/push.h"
#include "kernel/room.h"
#include "kernel/spi.h"
#include "social/notification.h"

#define VIEW                                                                                       \
	"to_json(ROW(n.id, n.type, n.priority, n.title, n.message, n.data, n.created_at,"              \
	" n.read_at IS NOT NULL)::necp.notification_view)"

static NecpPlan insert_notice = NECP_PLAN(
	"INSERT INTO game.notifications AS n (account_id, event_id, type, priority, title, message, data, created_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8)"
	" ON CONFLICT (account_id, event_id, type) DO NOTHING RETURNING " VIEW,
	INT8OID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID);
static NecpPlan list_inbox = NECP_PLAN(
	"SELECT " VIEW ", n.id FROM game.notifications n"
	" WHERE n.account_id = $1 AND n.id < $2 AND n.dismissed_at IS NULL ORDER BY n.id DESC LIMIT $3",
	INT8OID, INT8OID, INT4OID);
static NecpPlan count_unread =
	NECP_PLAN("SELECT to_json(ROW(count(*))::necp.unread_view) FROM game.notifications"
			  " WHERE account_id = $1 AND dismissed_at IS NULL AND read_at IS NULL",
			  INT8OID);
static NecpPlan mark_read =
	NECP_PLAN("UPDATE game.notifications n SET read_at = coalesce(n.read_at, $3)"
			  " WHERE n.id = $1 AND n.account_id = $2 AND n.dismissed_at IS NULL RETURNING " VIEW,
			  INT8OID, INT8OID, TIMESTAMPTZOID);

void
necp_notify(const NecpNotice *notice)
{
	uint64 rows = necp_run(&insert_notice,
						   notice->account_id,
						   notice->event_id,
						   necp_cstring_datum(notice->type),
						   necp_cstring_datum(notice->priority),
						   necp_cstring_datum(notice->title),
						   necp_cstring_datum(notice->message),
						   necp_cstring_datum(notice->data != NULL ? notice->data : "{}"),
						   TimestampTzGetDatum(necp_now()));

	if (rows > 0)
		necp_push(psprintf("/topic/player/" INT64_FORMAT "/notifications", notice->account_id),
				  "NOTIFICATION_CREATED",
				  0,
				  necp_text(0, 1));
}

/* Endpoints ---------------------------------------------------------------------------------- */

NECP_FUNCTION(necp_notification_list)
{
	int32 limit = necp_arg_limit(fcinfo, 0);
	int64 before = PG_ARGISNULL(1) ? NECP_MAX_ID : necp_arg_id(fcinfo, 1, "cursor");

	return necp_list(&list_inbox, limit, necp_account(), before, limit + 1);
}

NECP_FUNCTION(necp_notification_unread_count)
{
	return necp_answer(&count_unread, "notifications", necp_account());
}

NECP_FUNCTION(necp_notification_read)
{
	int64 id = necp_arg_id(fcinfo, 0, "notification_id");

	return necp_answer(&mark_read,
					   "notification",
					   id,
					   necp_account(),
					   TimestampTzGetDatum(necp_now()));
}

/* Reactions ---------------------------------------------------------------------------------- */

static void
welcome(const NecpEvent *event)
{
	necp_notify(&(NecpNotice){.account_id = event->account_id,
							  .event_id = event->id,
							  .type = "WELCOME_BACK",
							  .priority = "LOW",
							  .title = "Welcome back!",
							  .message = "Good to see you again."});
}

static void
tell_unlocked(const NecpEvent *event)
{
	const NecpUnlocked *unlocked = event->detail;
	int64 account_id = necp_character_account(unlocked->character_id);

	if (account_id != 0)
		necp_notify(&(NecpNotice){.account_id = account_id,
								  .event_id = event->id,
								  .type = "ACHIEVEMENT_UNLOCKED",
								  .priority = "NORMAL",
								  .title = "Achievement unlocked",
								  .message = unlocked->name,
								  .data = event->data});
}

static void
tell_legendary(const NecpEvent *event)
{
	const NecpPickedUp *item = event->detail;

	int64 account_id =
		strcmp(item->rarity, "LEGENDARY") == 0 ? necp_character_account(item->character_id) : 0;

	/* not the acting account: who wins a roll need not be there */
	if (account_id != 0)
		necp_notify(&(NecpNotice){.account_id = account_id,
								  .event_id = event->id,
								  .type = "LEGENDARY_ACQUIRED",
								  .priority = "NORMAL",
								  .title = strcmp(item->type, "WEAPON") == 0
											   ? "Legendary weapon acquired!"
											   : "Legendary item acquired!",
								  .message = item->name,
								  .data = event->data});
}

static void
tell_level(const NecpEvent *event)
{
	int64 account_id = necp_character_account(event->character_id);

	if (account_id != 0)
		necp_notify(&(NecpNotice){.account_id = account_id,
								  .event_id = event->id,
								  .type = "LEVEL_UP",
								  .priority = "NORMAL",
								  .title = "Level up",
								  .message = "You have reached a new level.",
								  .data = event->data});
}

/* Every tenth level of a skill. */
static void
tell_skill(const NecpEvent *event)
{
	const NecpSkillIncreased *skill = event->detail;
	int64 account_id = skill->level % 10 == 0 ? necp_character_account(skill->character_id) : 0;

	if (account_id != 0)
		necp_notify(&(NecpNotice){.account_id = account_id,
								  .event_id = event->id,
								  .type = "SKILL_INCREASED",
								  .priority = "NORMAL",
								  .title = psprintf("%s: %d", skill->name, skill->level),
								  .message = "Practice shows.",
								  .data = event->data});
}

NECP_ROOM_INIT(notification)
{
	necp_event_subscribe("LOGIN_SUCCESS", welcome);
	necp_event_subscribe("ACHIEVEMENT_UNLOCKED", tell_unlocked);
	necp_event_subscribe("ITEM_PICKED_UP", tell_legendary);
	necp_event_subscribe("LEVEL_UP", tell_level);
	necp_event_subscribe("SKILL_INCREASED", tell_skill);
}
