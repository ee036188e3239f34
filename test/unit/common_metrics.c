/* SPDX-License-Identifier: PostgreSQL
 *
 * Metrics: sums over threads, and the text.
 */
#include "metrics.h"

#include <pthread.h>

#include "common_tap.h"

static void *
count_up(void *arg)
{
	for (int i = 0; i < 10000; i++)
		necp_metric_add(arg, 1);
	return NULL;
}

int
main(void)
{
	NecpFamily *requests =
		necp_metric_family(NECP_COUNTER, "t_requests_total", "Requests.", "route,status");
	NecpFamily *seconds = necp_metric_family(NECP_HISTOGRAM, "t_seconds", "Time.", NULL);
	NecpMetric *counter = necp_metric(requests, "a\"b\\c", "200");
	NecpMetric *histogram = necp_metric(seconds);
	NecpMetric *gauge = necp_metric(necp_metric_family(NECP_GAUGE, "t_gauge", "Level.", NULL));
	pthread_t threads[6];
	NecpBuf out = {0};
	const char *text;

	ok(necp_metric(requests, "a\"b\\c", "200") == counter, "a series is made once");
	ok(necp_metric_family(NECP_COUNTER, "t_requests_total", "", NULL) == requests, "a family too");
	for (int i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, count_up, counter);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	ok(necp_metric_value(counter) == 60000, "nothing is lost between threads");
	necp_metric_observe_us(histogram, 250);
	necp_metric_observe_us(histogram, 251);
	necp_metric_observe_us(histogram, 60000000);
	ok(necp_metric_value(histogram) == 3, "three observations");
	necp_metric_add(gauge, 5);
	necp_metric_add(gauge, -7);
	necp_metrics_add_process();
	necp_metrics_write(&out);
	text = necp_buf_terminate(&out);
	ok(strstr(text, "t_requests_total{route=\"a\\\"b\\\\c\",status=\"200\"} 60000\n") != NULL,
	   "a counter, escaped");
	ok(strstr(text, "t_gauge -2\n") != NULL, "a gauge");
	ok(strstr(text, "t_seconds_bucket{le=\"0.00025\"} 1\n") != NULL,
	   "a bound belongs to its bucket");
	ok(strstr(text, "t_seconds_bucket{le=\"0.0005\"} 2\n") != NULL, "buckets add up");
	ok(strstr(text, "t_seconds_bucket{le=\"+Inf\"} 3\n") != NULL, "all of them");
	ok(strstr(text, "t_seconds_sum 60.000501\n") != NULL, "the sum in seconds");
	ok(strstr(text, "# TYPE t_seconds histogram\n") != NULL, "the type");
	ok(strstr(text, "process_resident_memory_bytes ") != NULL, "the process");
	necp_buf_free(&out);
	return done_testing();
}
