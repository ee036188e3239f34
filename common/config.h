/* SPDX-License-Identifier: PostgreSQL
 *
 * Command line flags, and the configuration that comes from the database
 * (necp.edge_config(): one JSON object, key to value). A NecpConfig never changes; a reload makes
 * a new one and readers swap their reference.
 */
#ifndef NECP_CONFIG_H
#define NECP_CONFIG_H

#include <jansson.h>
#include <stdio.h>

#include "buf.h"

typedef enum NecpFlagKind
{
	NECP_FLAG_TEXT, /* const char ** */
	NECP_FLAG_INT,  /* int *, within [min, max] */
	NECP_FLAG_SET   /* bool *, takes no value */
} NecpFlagKind;

typedef struct NecpFlag
{
	const char *name; /* "--db" */
	NecpFlagKind kind;
	void *target;
	const char *placeholder; /* "CONNINFO", for the usage */
	const char *help;
	bool required;
	int min;
	int max;
} NecpFlag;

/*
 * Parses argv (--name VALUE and --name=VALUE); flags ends with a zero name. On --help prints the
 * usage and exits 0; on an error prints one clear line on stderr and returns false.
 */
bool necp_flags_parse(const NecpFlag *flags, const char *program, int argc, char **argv);
/* Splits HOST:PORT, [V6]:PORT or :PORT (any address) into two terminated texts. */
bool necp_flags_split_address(const char *text, char *host, size_t hostsize, char *port,
							  size_t portsize);

typedef struct NecpConfig NecpConfig;

/* NULL if text is not a JSON object. The caller owns one reference. */
NecpConfig *necp_config_parse(const char *text, size_t len);
NecpConfig *necp_config_ref(NecpConfig *config);
void necp_config_unref(NecpConfig *config);

/* Values with defaults; a value of the wrong type or out of range counts as missing and is logged. */
int64_t necp_config_int(const NecpConfig *config, const char *key, int64_t fallback, int64_t min,
						int64_t max);
double necp_config_real(const NecpConfig *config, const char *key, double fallback);
bool necp_config_bool(const NecpConfig *config, const char *key, bool fallback);
/* Borrowed from the config. */
const char *necp_config_text(const NecpConfig *config, const char *key, const char *fallback);
/* The whole object, for iterating; borrowed. */
json_t *necp_config_root(const NecpConfig *config);
/* Borrowed; NULL if missing. */
const json_t *necp_config_json(const NecpConfig *config, const char *key);

#endif
