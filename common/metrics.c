/* SPDX-License-Identifier: PostgreSQL
 *
 * Metrics. A registry of families (under a lock, touched when a series is made or scraped), each
 * series with its cells once per shard. A thread owns a shard as long as there are no more threads
 * than shards; cells are atomic all the same, so sharing one is slow, not wrong.
 */
#include "metrics.h"

#include <dirent.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define SHARDS 4
#define MAX_LABELS 4
#define CACHE_LINE 64

/* Upper bounds in microseconds. */
static const uint64_t buckets[] = {250,
								   500,
								   1000,
								   2500,
								   5000,
								   10000,
								   25000,
								   50000,
								   100000,
								   250000,
								   500000,
								   1000000,
								   2500000,
								   5000000};
#define BUCKETS (sizeof(buckets) / sizeof(buckets[0]))
#define HISTOGRAM_CELLS (BUCKETS + 2) /* further: above all bounds, and the sum */

struct NecpMetric
{
	NecpMetric *next;
	char *label_values[MAX_LABELS];
	bool is_histogram;
	size_t stride; /* cells per shard, rounded up to cache lines */
	_Atomic int64_t *cells;
};

struct NecpFamily
{
	NecpFamily *next;
	NecpMetricKind kind;
	const char *name;
	const char *help;
	int nlabels;
	char label_names[MAX_LABELS][32];
	NecpMetric *series;
	NecpMetric **tail;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static NecpFamily *families;
static NecpFamily **families_tail = &families;
static bool process_metrics;

static void
split_labels(NecpFamily *family, const char *labels)
{
	while (labels != NULL && *labels != '\0' && family->nlabels < MAX_LABELS)
	{
		size_t len = strcspn(labels, ",");

		snprintf(family->label_names[family->nlabels++], 32, "%.*s", (int) len, labels);
		labels += len + (labels[len] == ',');
	}
}

NecpFamily *
necp_metric_family(NecpMetricKind kind, const char *name, const char *help, const char *labels)
{
	NecpFamily *family;

	pthread_mutex_lock(&registry_lock);
	for (family = families; family != NULL; family = family->next)
		if (strcmp(family->name, name) == 0)
			break;
	if (family == NULL)
	{
		family = necp_alloc_zero(sizeof(NecpFamily));
		family->kind = kind;
		family->name = name;
		family->help = help;
		family->tail = &family->series;
		split_labels(family, labels);
		*families_tail = family;
		families_tail = &family->next;
	}
	pthread_mutex_unlock(&registry_lock);
	return family;
}

static NecpMetric *
make_series(NecpFamily *family, const char *const *values)
{
	NecpMetric *metric = necp_alloc_zero(sizeof(NecpMetric));
	size_t cells = family->kind == NECP_HISTOGRAM ? HISTOGRAM_CELLS : 1;
	size_t per_line = CACHE_LINE / sizeof(int64_t);
	void *memory;

	metric->is_histogram = family->kind == NECP_HISTOGRAM;
	metric->stride = (cells + per_line - 1) / per_line * per_line;
	if (posix_memalign(&memory, CACHE_LINE, SHARDS * metric->stride * sizeof(int64_t)) != 0)
		abort();
	memset(memory, 0, SHARDS * metric->stride * sizeof(int64_t));
	metric->cells = memory;
	for (int i = 0; i < family->nlabels; i++)
		metric->label_values[i] = necp_strdup(values[i]);
	*family->tail = metric;
	family->tail = &metric->next;
	return metric;
}

NecpMetric *
necp_metric(NecpFamily *family, ...)
{
	const char *values[MAX_LABELS] = {0};
	NecpMetric *metric;
	va_list args;

	va_start(args, family);
	for (int i = 0; i < family->nlabels; i++)
		values[i] = va_arg(args, const char *);
	va_end(args);
	pthread_mutex_lock(&registry_lock);
	for (metric = family->series; metric != NULL; metric = metric->next)
	{
		int same = 0;

		while (same < family->nlabels && strcmp(metric->label_values[same], values[same]) == 0)
			same++;
		if (same == family->nlabels)
			break;
	}
	if (metric == NULL)
		metric = make_series(family, values);
	pthread_mutex_unlock(&registry_lock);
	return metric;
}

static unsigned
own_shard(void)
{
	static _Atomic unsigned next_shard;
	static _Thread_local unsigned shard; /* plus one */

	if (shard == 0)
		shard = atomic_fetch_add(&next_shard, 1) % SHARDS + 1;
	return shard - 1;
}

static _Atomic int64_t *
own_cells(NecpMetric *metric)
{
	return metric->cells + own_shard() * metric->stride;
}

void
necp_metric_add(NecpMetric *metric, int64_t delta)
{
	atomic_fetch_add_explicit(own_cells(metric), delta, memory_order_relaxed);
}

void
necp_metric_set(NecpMetric *metric, int64_t value)
{
	atomic_store_explicit(metric->cells, value, memory_order_relaxed);
}

void
necp_metric_observe_us(NecpMetric *metric, uint64_t us)
{
	_Atomic int64_t *cells = own_cells(metric);
	size_t i = 0;

	while (i < BUCKETS && us > buckets[i])
		i++;
	atomic_fetch_add_explicit(&cells[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&cells[BUCKETS + 1], (int64_t) us, memory_order_relaxed);
}

static int64_t
sum_cell(const NecpMetric *metric, size_t cell)
{
	int64_t sum = 0;

	for (size_t shard = 0; shard < SHARDS; shard++)
		sum += atomic_load_explicit(&metric->cells[shard * metric->stride + cell],
									memory_order_relaxed);
	return sum;
}

int64_t
necp_metric_value(const NecpMetric *metric)
{
	int64_t sum = 0;

	for (size_t i = 0; i < (metric->is_histogram ? BUCKETS + 1 : 1); i++)
		sum += sum_cell(metric, i);
	return sum;
}

/* The exposition format escapes backslash, quote and line feed in label values. */
static void
write_label_value(NecpBuf *out, const char *value)
{
	for (; *value != '\0'; value++)
	{
		if (*value == '\n')
			necp_buf_add(out, "\\n", 2);
		else
		{
			if (*value == '\\' || *value == '"')
				necp_buf_add(out, "\\", 1);
			necp_buf_add(out, value, 1);
		}
	}
}

/* name{labels}, with le as the last label if it is not NULL. */
static void
write_name(NecpBuf *out, const NecpFamily *family, const NecpMetric *metric, const char *suffix,
		   const char *le)
{
	int nlabels = family->nlabels;

	necp_buf_add_text(out, family->name);
	necp_buf_add_text(out, suffix);
	if (nlabels > 0 || le != NULL)
		necp_buf_add(out, "{", 1);
	for (int i = 0; i < nlabels; i++)
	{
		necp_buf_add_format(out, "%s%s=\"", i > 0 ? "," : "", family->label_names[i]);
		write_label_value(out, metric->label_values[i]);
		necp_buf_add(out, "\"", 1);
	}
	if (le != NULL)
		necp_buf_add_format(out, "%sle=\"%s\"", nlabels > 0 ? "," : "", le);
	if (nlabels > 0 || le != NULL)
		necp_buf_add(out, "}", 1);
	necp_buf_add(out, " ", 1);
}

static void
write_histogram(NecpBuf *out, const NecpFamily *family, const NecpMetric *metric)
{
	int64_t count = 0;
	char le[32];

	for (size_t i = 0; i <= BUCKETS; i++)
	{
		count += sum_cell(metric, i);
		if (i < BUCKETS)
			snprintf(le, sizeof(le), "%g", (double) buckets[i] / 1e6);
		else
			snprintf(le, sizeof(le), "+Inf");
		write_name(out, family, metric, "_bucket", le);
		necp_buf_add_int(out, count);
		necp_buf_add(out, "\n", 1);
	}
	write_name(out, family, metric, "_sum", NULL);
	necp_buf_add_format(out, "%.6f\n", (double) sum_cell(metric, BUCKETS + 1) / 1e6);
	write_name(out, family, metric, "_count", NULL);
	necp_buf_add_format(out, "%lld\n", (long long) count);
}

static void
write_family(NecpBuf *out, const NecpFamily *family)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};

	if (family->series == NULL)
		return;
	necp_buf_add_format(out, "# HELP %s %s\n# TYPE %s ", family->name, family->help, family->name);
	necp_buf_add_format(out, "%s\n", kinds[family->kind]);
	for (const NecpMetric *metric = family->series; metric != NULL; metric = metric->next)
	{
		if (family->kind == NECP_HISTOGRAM)
		{
			write_histogram(out, family, metric);
			continue;
		}
		write_name(out, family, metric, "", NULL);
		necp_buf_add_int(out, necp_metric_value(metric));
		necp_buf_add(out, "\n", 1);
	}
}

static long
resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long size = 0;
	long resident = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

static int
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 3; /* ".", ".." and the directory itself */
}

static void
write_process(NecpBuf *out)
{
	struct rusage usage;
	double cpu;

	getrusage(RUSAGE_SELF, &usage);
	cpu = (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		  (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	necp_buf_add_format(out,
						"# HELP process_cpu_seconds_total User and system CPU time spent.\n"
						"# TYPE process_cpu_seconds_total counter\n"
						"process_cpu_seconds_total %.2f\n"
						"# HELP process_resident_memory_bytes Resident memory size.\n"
						"# TYPE process_resident_memory_bytes gauge\n"
						"process_resident_memory_bytes %ld\n"
						"# HELP process_open_fds Open file descriptors.\n"
						"# TYPE process_open_fds gauge\n"
						"process_open_fds %d\n",
						cpu,
						resident_bytes(),
						count_fds());
}

void
necp_metrics_write(NecpBuf *out)
{
	pthread_mutex_lock(&registry_lock);
	for (const NecpFamily *family = families; family != NULL; family = family->next)
		write_family(out, family);
	pthread_mutex_unlock(&registry_lock);
	if (process_metrics)
		write_process(out);
}

void
necp_metrics_add_process(void)
{
	process_metrics = true;
}
