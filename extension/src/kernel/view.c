/* SPDX-License-Identifier: PostgreSQL */
#include "postgres.h"

#include "kernel/json.h"
#include "kernel/view.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

static char *
other_text(Oid type, Datum value)
{
	Oid output;
	bool varlena;

	getTypeOutputInfo(type, &output, &varlena);
	return OidOutputFunctionCall(output, value);
}

static void
put_value(NecpJson *json, const char *name, Oid type, Datum value)
{
	char time[MAXDATELEN + 1];

	switch (type)
	{
		case INT4OID:
			necp_json_int(json, name, DatumGetInt32(value));
			break;
		case INT8OID:
			necp_json_int(json, name, DatumGetInt64(value));
			break;
		case BOOLOID:
			necp_json_bool(json, name, DatumGetBool(value));
			break;
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			elog(ERROR, "a view that C fills has no fractions: \"%s\"", name);
			break;
		case TEXTOID:
			necp_json_text(json, name, TextDatumGetCString(value));
			break;
		case JSONOID:
			necp_json_raw(json, name, TextDatumGetCString(value));
			break;
		case TIMESTAMPTZOID:
			necp_json_text(json, name, JsonEncodeDateTime(time, value, type, NULL));
			break;
		default:
			necp_json_text(json, name, other_text(type, value));
	}
}

Datum
necp_view(const char *type, const Datum *values, const bool *nulls)
{
	Oid oid = GetSysCacheOid2(TYPENAMENSP,
							  Anum_pg_type_oid,
							  CStringGetDatum(type),
							  ObjectIdGetDatum(get_namespace_oid("necp", false)));
	TupleDesc columns = lookup_rowtype_tupdesc(oid, -1);
	NecpJson json;
	char *text;

	necp_json_open(&json);
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (nulls[i])
			necp_json_raw(&json, NameStr(column->attname), NULL);
		else
			put_value(&json, NameStr(column->attname), column->atttypid, values[i]);
	}
	ReleaseTupleDesc(columns);
	text = necp_json_close(&json);
	return PointerGetDatum(cstring_to_text_with_len(text, json.buf.len));
}
