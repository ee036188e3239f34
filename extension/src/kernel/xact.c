/* SPDX-License-Identifier: PostgreSQL
 *
 * What happens when a transaction ends: effects on shared memory wait for the commit, in the order
 * in which they were asked for. Callbacks are registered once per backend.
 */
#include "postgres.h"

#include "kernel/kernel.h"
#include "kernel/workers.h"

#include "access/xact.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

typedef struct Effect
{
	NecpXactCallback callback;
	void *arg;
	SubTransactionId subxact;
} Effect;

static List *effects; /* of Effect, in TopTransactionContext */

void
necp_at_xact_end(NecpXactCallback callback, void *arg)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	Effect *effect = palloc(sizeof(Effect));

	effect->callback = callback;
	effect->arg = arg;
	effect->subxact = GetCurrentSubTransactionId();
	effects = lappend(effects, effect);
	MemoryContextSwitchTo(old);
}

static void
run_effects(bool committed)
{
	List *run = effects;
	ListCell *cell;

	effects = NIL;
	foreach (cell, run)
	{
		Effect *effect = lfirst(cell);

		effect->callback(committed, effect->arg);
	}
}

static void
xact_ended(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			run_effects(true);
			necp_push_xact_end(true);
			break;
		case XACT_EVENT_ABORT:
			run_effects(false);
			necp_push_xact_end(false);
			break;
		case XACT_EVENT_PRE_PREPARE:
			if (effects != NIL || necp_push_pending())
				ereport(
					ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg(
						"cannot prepare a transaction that changed the live world or sends messages"));
			return;
		case XACT_EVENT_PREPARE:
			break;
		default:
			return;
	}
	necp_identity_xact_end();
	necp_event_xact_end();
}

/* Effects of a subtransaction that is rolled back are undone now; its parent may still commit. */
static void
subxact_ended(SubXactEvent event, SubTransactionId subxact, SubTransactionId parent, void *arg)
{
	List *kept = NIL;
	ListCell *cell;
	MemoryContext old;

	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	necp_push_subxact_abort(subxact);
	if (effects == NIL)
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	foreach (cell, effects)
	{
		Effect *effect = lfirst(cell);

		if (effect->subxact >= subxact)
			effect->callback(false, effect->arg);
		else
			kept = lappend(kept, effect);
	}
	effects = kept;
	MemoryContextSwitchTo(old);
}

void
necp_xact_init(void)
{
	RegisterXactCallback(xact_ended, NULL);
	RegisterSubXactCallback(subxact_ended, NULL);
}
