/* SPDX-License-Identifier: PostgreSQL
 *
 * necp.install(): makes the tables, as plain tables of the role necp_owner, from the file installed
 * beside the extension. Code is the extension, data is not (docs/architecture.md).
 */
#include "postgres.h"

#include "kernel/errors.h"
#include "kernel/kernel.h"
#include "kernel/spi.h"
#include "kernel/workers.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include <sys/stat.h>

static bool schema_checked;

static NecpPlan read_version = NECP_PLAN0("SELECT max(version) FROM game.schema_version");
static NecpPlan keep_partitions = NECP_PLAN0("SELECT necp.partitions_keep()");
static NecpPlan keep_keys = NECP_PLAN0("SELECT necp.keys_keep()");

bool
necp_installed(void)
{
	Oid schema;

	if (!OidIsValid(get_extension_oid("necpgame", true)))
		return false;
	schema = get_namespace_oid("game", true);
	return OidIsValid(schema) && OidIsValid(get_relname_relid("schema_version", schema));
}

/* Version that the tables have; 0 where there are none. */
static int32
tables_version(void)
{
	int32 version = 0;

	SPI_connect();
	if (necp_installed() && necp_run0(&read_version) > 0)
		version = necp_int4(0, 1);
	SPI_finish();
	return version;
}

void
necp_require_schema(void)
{
	int32 version;

	if (schema_checked)
		return;
	if (necp_database[0] != '\0' && strcmp(get_database_name(MyDatabaseId), necp_database) != 0)
		necp_fail(UNAVAILABLE, NULL, "this server's game is in database \"%s\"", necp_database);
	version = tables_version();
	if (version != NECP_SCHEMA_VERSION)
		ereport(ERROR,
				errcode(NECP_ERR_UNAVAILABLE),
				errmsg("tables have version %d, the code wants %d", version, NECP_SCHEMA_VERSION),
				errhint(version == 0 ? "Run SELECT necp.install()."
									 : "Run SELECT necp.migrate()."));
	schema_checked = true;
}

/* Reads a file of the extension's share directory whole. */
static char *
read_share_file(const char *relative)
{
	char share[MAXPGPATH];
	char *path;
	char *text;
	FILE *file;
	struct stat status;

	get_share_path(my_exec_path, share);
	path = psprintf("%s/extension/necpgame/%s", share, relative);
	file = AllocateFile(path, PG_BINARY_R);
	if (file == NULL || fstat(fileno(file), &status) != 0)
		ereport(ERROR, errcode_for_file_access(), errmsg("could not open file \"%s\": %m", path));
	text = palloc((Size) status.st_size + 1);
	if (fread(text, 1, (size_t) status.st_size, file) != (size_t) status.st_size)
		ereport(ERROR, errcode_for_file_access(), errmsg("could not read file \"%s\": %m", path));
	text[status.st_size] = '\0';
	FreeFile(file);
	return text;
}

/* share_file(name text) → text: a file that was installed with the extension; superusers only. */
NECP_FUNCTION(necp_share_file)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (!superuser())
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("must be superuser to read installed files"));
	if (strstr(name, "..") != NULL || name[0] == '/')
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("not the name of an installed file: \"%s\"", name));
	return necp_cstring_datum(read_share_file(name));
}

/* run_as_owner(sql text): runs a script as necp_owner, so that it owns what the script makes. */
NECP_FUNCTION(necp_run_as_owner)
{
	char *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid user;
	int security;
	int result;

	if (!superuser())
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("must be superuser to install the game"));
	GetUserIdAndSecContext(&user, &security);
	/* an error restores the user with its (sub)transaction */
	SetUserIdAndSecContext(get_role_oid("necp_owner", false),
						   security | SECURITY_LOCAL_USERID_CHANGE);
	result = SPI_execute(sql, false, 0);
	SetUserIdAndSecContext(user, security);
	if (result < 0)
		elog(ERROR, "could not run the script: %s", SPI_result_code_string(result));
	PG_RETURN_VOID();
}

/* Version of the tables that this library wants. */
PG_FUNCTION_INFO_V1(necp_schema_version);
Datum
necp_schema_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(NECP_SCHEMA_VERSION);
}

/* Refuses outside CREATE and ALTER EXTENSION: what it guards is code. */
PG_FUNCTION_INFO_V1(necp_require_script);
Datum
necp_require_script(PG_FUNCTION_ARGS)
{
	if (!creating_extension)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("this can only be called by the extension's script"),
				errhint("Changes of an operator belong into game.route_overrides."));
	PG_RETURN_VOID();
}

static void
keep(void *arg)
{
	necp_run0(&keep_partitions);
}

static void
rotate(void *arg)
{
	necp_run0(&keep_keys);
}

void
necp_install_init(void)
{
	necp_schedule("partitions", 3600, keep);
	necp_schedule("keys", 3600, rotate);
}
