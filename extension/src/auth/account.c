/* SPDX-License-Identifier: PostgreSQL
 *
 * What an account sees of itself (DOMAIN §3).
 */
#include "postgres.h"

#include "kernel/args.h"
#include "kernel/identity.h"
#include "kernel/list.h"
#include "kernel/spi.h"

static NecpPlan list_logins = NECP_PLAN(
	"SELECT to_json(ROW(h.id, h.outcome, h.client_ip, h.user_agent, h.at)::necp.login_view), h.id"
	" FROM game.login_history h WHERE h.account_id = $1 AND h.id < $2 ORDER BY h.id DESC LIMIT $3",
	INT8OID, INT8OID, INT4OID);

NECP_FUNCTION(necp_account_login_history)
{
	int32 limit = necp_arg_limit(fcinfo, 0);
	int64 before = PG_ARGISNULL(1) ? NECP_MAX_ID : necp_arg_id(fcinfo, 1, "cursor");

	return necp_list(&list_logins, limit, necp_account(), before, limit + 1);
}
