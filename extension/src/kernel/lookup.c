/* SPDX-License-Identifier: PostgreSQL */
#include "postgres.h"

#include "kernel/lookup.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "executor/tuptable.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

static NecpLookup *lookups; /* of this backend */

static void
forget(Datum arg, Oid relation)
{
	for (NecpLookup *lookup = lookups; lookup != NULL; lookup = lookup->next)
		if (relation == InvalidOid || relation == lookup->table_oid ||
			relation == lookup->index_oid)
			lookup->found = false;
}

static Oid
find_relation(const char *name)
{
	Oid oid = get_relname_relid(name, get_namespace_oid("game", false));

	if (oid == InvalidOid)
		elog(ERROR, "there is no game.%s", name);
	return oid;
}

static void
remember(NecpLookup *lookup)
{
	if (lookup->table_oid == InvalidOid)
	{
		if (lookups == NULL)
			CacheRegisterRelcacheCallback(forget, 0);
		lookup->next = lookups;
		lookups = lookup;
	}
}

static void
find(NecpLookup *lookup)
{
	Oid table = find_relation(lookup->table);

	for (int i = 0; i < NECP_LOOKUP_COLUMNS && lookup->columns[i].name != NULL; i++)
	{
		const NecpColumn *column = &lookup->columns[i];

		lookup->attributes[i] = get_attnum(table, column->name);
		if (lookup->attributes[i] == InvalidAttrNumber ||
			getBaseType(get_atttype(table, lookup->attributes[i])) != column->type)
			elog(ERROR, "game.%s has no %s of that type", lookup->table, column->name);
	}
	remember(lookup);
	lookup->index_oid = find_relation(lookup->index);
	lookup->table_oid = table;
	lookup->found = true;
}

static void
read_columns(const NecpLookup *lookup, TupleTableSlot *slot, Datum *values, bool *nulls)
{
	for (int i = 0; i < NECP_LOOKUP_COLUMNS && lookup->columns[i].name != NULL; i++)
	{
		Form_pg_attribute attribute =
			TupleDescAttr(slot->tts_tupleDescriptor, lookup->attributes[i] - 1);
		Datum value = slot_getattr(slot, lookup->attributes[i], &nulls[i]);

		values[i] = nulls[i] ? (Datum) 0 : datumCopy(value, attribute->attbyval, attribute->attlen);
	}
}

static void
set_key(ScanKey entry, Relation index, Datum key)
{
	Oid type = index->rd_opcintype[0];
	Oid equal = get_opfamily_member(index->rd_opfamily[0], type, type, BTEqualStrategyNumber);

	ScanKeyInit(entry, 1, BTEqualStrategyNumber, get_opcode(equal), key);
}

bool
necp_lookup(NecpLookup *lookup, Datum key, Datum *values, bool *nulls)
{
	Relation table;
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	ScanKeyData entry;
	bool found;

	if (!lookup->found)
		find(lookup);
	/* as for a statement's relations, the locks last to the end of the transaction */
	table = table_open(lookup->table_oid, AccessShareLock);
	index = index_open(lookup->index_oid, AccessShareLock);
	set_key(&entry, index, key);
	slot = table_slot_create(table, NULL);
	PushActiveSnapshot(GetTransactionSnapshot());
	scan = index_beginscan(table, index, GetActiveSnapshot(), 1, 0);
	index_rescan(scan, &entry, 1, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, slot);
	if (found)
		read_columns(lookup, slot, values, nulls);
	ExecDropSingleTupleTableSlot(slot);
	index_endscan(scan);
	PopActiveSnapshot();
	index_close(index, NoLock);
	table_close(table, NoLock);
	return found;
}
