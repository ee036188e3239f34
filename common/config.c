/* SPDX-License-Identifier: PostgreSQL
 *
 * Flags of the command line and the configuration of the database.
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>

#include "log.h"

struct NecpConfig
{
	_Atomic int references;
	json_t *root;
};

static void
print_usage(const NecpFlag *flags, const char *program)
{
	printf("Usage: %s [flags]\n\n", program);
	for (const NecpFlag *flag = flags; flag->name != NULL; flag++)
	{
		char left[64];

		snprintf(left,
				 sizeof(left),
				 "%s %s",
				 flag->name,
				 flag->placeholder ? flag->placeholder : "");
		printf("  %-28s %s%s\n", left, flag->help, flag->required ? " (required)" : "");
	}
}

static bool
set_flag(const NecpFlag *flag, const char *program, const char *value)
{
	char *end;
	long number;

	if (flag->kind == NECP_FLAG_TEXT)
	{
		*(const char **) flag->target = value;
		return true;
	}
	errno = 0;
	number = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || number < flag->min || number > flag->max)
	{
		fprintf(stderr,
				"%s: %s wants a number from %d to %d, not \"%s\"\n",
				program,
				flag->name,
				flag->min,
				flag->max,
				value);
		return false;
	}
	*(int *) flag->target = (int) number;
	return true;
}

static const NecpFlag *
find_flag(const NecpFlag *flags, const char *arg, size_t len)
{
	for (const NecpFlag *flag = flags; flag->name != NULL; flag++)
		if (strlen(flag->name) == len && memcmp(flag->name, arg, len) == 0)
			return flag;
	return NULL;
}

/* Takes argv[*i] and, if needed, the argument after it. */
static bool
parse_flag(const NecpFlag *flags, const char *program, int argc, char **argv, int *i)
{
	const char *arg = argv[*i];
	size_t len = strcspn(arg, "=");
	const NecpFlag *flag = find_flag(flags, arg, len);

	if (flag == NULL)
	{
		fprintf(stderr, "%s: unknown flag \"%s\"; --help lists them\n", program, arg);
		return false;
	}
	if (flag->kind == NECP_FLAG_SET)
	{
		*(bool *) flag->target = true;
		return true;
	}
	if (arg[len] == '=')
		return set_flag(flag, program, arg + len + 1);
	if (*i + 1 >= argc)
	{
		fprintf(stderr, "%s: %s wants a value (%s)\n", program, flag->name, flag->placeholder);
		return false;
	}
	return set_flag(flag, program, argv[++*i]);
}

bool
necp_flags_parse(const NecpFlag *flags, const char *program, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], "--help") == 0)
		{
			print_usage(flags, program);
			exit(0);
		}
		if (!parse_flag(flags, program, argc, argv, &i))
			return false;
	}
	for (const NecpFlag *flag = flags; flag->name != NULL; flag++)
		if (flag->required && flag->kind == NECP_FLAG_TEXT && *(const char **) flag->target == NULL)
		{
			fprintf(stderr, "%s: %s %s is required\n", program, flag->name, flag->placeholder);
			return false;
		}
	return true;
}

bool
necp_flags_split_address(const char *text, char *host, size_t hostsize, char *port, size_t portsize)
{
	const char *colon = strrchr(text, ':');
	size_t hostlen;

	if (colon == NULL || colon[1] == '\0' || strlen(colon + 1) >= portsize)
		return false;
	hostlen = (size_t) (colon - text);
	if (hostlen >= 2 && text[0] == '[' && colon[-1] == ']')
	{
		text++;
		hostlen -= 2;
	}
	if (hostlen >= hostsize || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	memcpy(host, text, hostlen);
	host[hostlen] = '\0';
	strcpy(port, colon + 1);
	return true;
}

NecpConfig *
necp_config_parse(const char *text, size_t len)
{
	json_t *root = json_loadb(text, len, 0, NULL);
	NecpConfig *config;

	if (!json_is_object(root))
	{
		json_decref(root);
		return NULL;
	}
	config = necp_alloc(sizeof(NecpConfig));
	config->root = root;
	atomic_init(&config->references, 1);
	return config;
}

NecpConfig *
necp_config_ref(NecpConfig *config)
{
	if (config != NULL)
		atomic_fetch_add_explicit(&config->references, 1, memory_order_relaxed);
	return config;
}

void
necp_config_unref(NecpConfig *config)
{
	if (config == NULL || atomic_fetch_sub(&config->references, 1) != 1)
		return;
	json_decref(config->root);
	free(config);
}

json_t *
necp_config_root(const NecpConfig *config)
{
	return config->root;
}

const json_t *
necp_config_json(const NecpConfig *config, const char *key)
{
	json_t *value = config ? json_object_get(config->root, key) : NULL;

	return json_is_null(value) ? NULL : value;
}

static void
complain(const char *key)
{
	necp_log(NECP_LOG_WARNING,
			 "config %s is not of the expected type or out of range, using the default",
			 key);
}

int64_t
necp_config_int(const NecpConfig *config, const char *key, int64_t fallback, int64_t min,
				int64_t max)
{
	const json_t *value = necp_config_json(config, key);

	if (value == NULL)
		return fallback;
	if (!json_is_integer(value) || json_integer_value(value) < min ||
		json_integer_value(value) > max)
	{
		complain(key);
		return fallback;
	}
	return json_integer_value(value);
}

double
necp_config_real(const NecpConfig *config, const char *key, double fallback)
{
	const json_t *value = necp_config_json(config, key);

	if (value == NULL)
		return fallback;
	if (!json_is_number(value))
	{
		complain(key);
		return fallback;
	}
	return json_number_value(value);
}

bool
necp_config_bool(const NecpConfig *config, const char *key, bool fallback)
{
	const json_t *value = necp_config_json(config, key);

	if (value == NULL)
		return fallback;
	if (!json_is_boolean(value))
	{
		complain(key);
		return fallback;
	}
	return json_is_true(value);
}

const char *
necp_config_text(const NecpConfig *config, const char *key, const char *fallback)
{
	const json_t *value = necp_config_json(config, key);

	if (value == NULL)
		return fallback;
	if (!json_is_string(value))
	{
		complain(key);
		return fallback;
	}
	return json_string_value(value);
}
