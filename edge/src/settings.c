/* SPDX-License-Identifier: PostgreSQL
 *
 * Typed settings from the configuration of the database.
 */
#include <pthread.h>
#include <sodium.h>

#include "edge.h"
#include "log.h"

static pthread_mutex_t classes_lock = PTHREAD_MUTEX_INITIALIZER;
static char *class_names[EDGE_MAX_CLASSES];
static int nclasses;

int
necp_edge_rate_class(const char *name)
{
	int found = -1;

	pthread_mutex_lock(&classes_lock);
	for (int i = 0; i < nclasses && found < 0; i++)
		if (strcmp(class_names[i], name) == 0)
			found = i;
	if (found < 0 && nclasses < EDGE_MAX_CLASSES)
	{
		class_names[nclasses] = necp_strdup(name);
		found = nclasses++;
	}
	pthread_mutex_unlock(&classes_lock);
	return found;
}

/* {"count":N,"seconds":S} */
static EdgeRate
read_rate(const json_t *json, const char *name)
{
	json_int_t count = json_integer_value(json_object_get(json, "count"));
	double seconds = json_number_value(json_object_get(json, "seconds"));
	EdgeRate rate = {0};

	if (count < 1 || count > 1000000000 || seconds <= 0 || seconds > 86400 * 30.0)
	{
		necp_log(NECP_LOG_WARNING,
				 "config rate.%s is not {\"count\":N,\"seconds\":S}, not limiting",
				 name);
		return rate;
	}
	rate.window_us = (uint64_t) (seconds * 1e6);
	rate.interval_us = rate.window_us / (uint64_t) count;
	return rate;
}

/* rate.<class>_burst limits the same requests over a short time. */
static void
link_burst(EdgeSettings *settings, const char *name, int rate_class)
{
	size_t len = strlen(name);
	char *main_name;
	int main_class;

	if (len <= 6 || strcmp(name + len - 6, "_burst") != 0)
		return;
	main_name = necp_strdup(name);
	main_name[len - 6] = '\0';
	main_class = necp_edge_rate_class(main_name);
	if (main_class >= 0)
		settings->bursts[main_class] = rate_class;
	free(main_name);
}

static void
read_rates(EdgeSettings *settings)
{
	const char *key;
	json_t *value;

	json_object_foreach(necp_config_root(settings->config), key, value)
	{
		int class;

		if (strncmp(key, "rate.", 5) != 0 || json_is_null(value))
			continue;
		class = necp_edge_rate_class(key + 5);
		if (class < 0)
			continue;
		settings->rates[class] = read_rate(value, key + 5);
		link_burst(settings, key + 5, class);
	}
}

static void
read_proxies(EdgeSettings *settings)
{
	const json_t *list = necp_config_json(settings->config, "edge.trusted_proxies");
	json_t *value;
	size_t i;

	json_array_foreach(list, i, value)
	{
		const char *text = json_string_value(value);

		if (settings->nproxies == EDGE_MAX_PROXIES || text == NULL ||
			!necp_edge_network_parse(&settings->proxies[settings->nproxies], text))
			necp_log(NECP_LOG_WARNING, "config edge.trusted_proxies: entry %zu is left out", i);
		else
			settings->nproxies++;
	}
}

static void
read_origins(EdgeSettings *settings)
{
	const json_t *list = necp_config_json(settings->config, "edge.cors_origins");
	json_t *value;
	size_t i;

	json_array_foreach(list, i, value)
	{
		const char *text = json_string_value(value);

		if (text != NULL && strcmp(text, "*") == 0)
			settings->any_origin = true;
		else if (text != NULL && settings->norigins < EDGE_MAX_ORIGINS)
			settings->origins[settings->norigins++] = text;
	}
}

static EdgeLogRequests
read_log_requests(const NecpConfig *config)
{
	const char *text = necp_config_text(config, "edge.log_requests", "all");

	if (strcmp(text, "none") == 0)
		return EDGE_LOG_NONE;
	return strcmp(text, "errors") == 0 ? EDGE_LOG_ERRORS : EDGE_LOG_ALL;
}

/* Takes over the reference; NULL: all defaults. */
EdgeSettings *
necp_edge_settings_build(NecpConfig *config)
{
	EdgeSettings *settings = necp_alloc_zero(sizeof(EdgeSettings));
	int64_t connections = necp_config_int(config, "edge.max_connections", 10000, 1, 1000000);

	atomic_init(&settings->references, 1);
	for (int i = 0; i < EDGE_MAX_CLASSES; i++)
		settings->bursts[i] = -1;
	settings->config = config;
	settings->access_token_seconds =
		necp_config_int(config, "edge.access_token_seconds", 900, 1, 86400 * 30);
	settings->argon2_memory =
		(size_t) necp_config_int(config, "edge.argon2_memory_kib", 19456, 8, 4194304) * 1024;
	settings->argon2_ops = (unsigned) necp_config_int(config, "edge.argon2_ops", 2, 1, 64);
	settings->password_threads = (int) necp_config_int(config, "edge.password_threads", 2, 1, 32);
	settings->password_share = (int) necp_config_int(config, "edge.password_share", 15, 1, 100);
	settings->password_queue = (int) necp_config_int(config, "edge.password_queue", 128, 1, 65536);
	settings->header_timeout_ms =
		(uint64_t) necp_config_int(config, "edge.header_timeout_ms", 10000, 100, 3600000);
	settings->max_connections =
		(int) ((connections + necp_edge_options.threads - 1) / necp_edge_options.threads);
	settings->log_requests = read_log_requests(config);
	if (config != NULL)
	{
		read_rates(settings);
		read_proxies(settings);
		read_origins(settings);
	}
	return settings;
}

EdgeSettings *
necp_edge_settings_ref(EdgeSettings *settings)
{
	atomic_fetch_add(&settings->references, 1);
	return settings;
}

void
necp_edge_settings_unref(EdgeSettings *settings)
{
	if (settings == NULL || atomic_fetch_sub(&settings->references, 1) != 1)
		return;
	necp_config_unref(settings->config);
	free(settings);
}
